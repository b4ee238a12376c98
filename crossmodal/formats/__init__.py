"""Whole datasets in and out, one file a format: read sample by sample, written all or nothing."""

from crossmodal.formats import (
    adam3d,
    bop,
    captures,
    clouds,
    coco,
    eyecandies,
    huggingface,
    mulsen,
    mvtec2d,
    mvtec3d,
    real3d,
    realiad,
    rerun,
    shapenet,
    webdataset,
    yolo,
)
from crossmodal.formats.sample import Format

FORMATS: tuple[Format, ...] = tuple(module.FORMAT for module in (
    eyecandies, bop, realiad, mulsen, shapenet, real3d, clouds, adam3d, mvtec3d, mvtec2d, coco, yolo, huggingface,
    webdataset, rerun, captures))
"""In the order in which a folder is tried; what is told by fewer signs comes later."""


def named(name: str) -> Format:
    """A format by its name. Raises ValueError that lists them."""
    for one in FORMATS:
        if one.name == name.lower():
            return one
    raise ValueError(f"format must be one of {', '.join(one.name for one in FORMATS)}, but got {name!r}")


__all__ = ["FORMATS", "Format", "named"]
