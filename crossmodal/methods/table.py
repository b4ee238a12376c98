"""What there is of the survey, and beside it: read from the presets, so that it says no more than runs."""

from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from crossmodal.methods.algebra import holds
from crossmodal.methods.block import options
from crossmodal.methods.contents import Crop, Shift, Texture
from crossmodal.methods.library import Library
from crossmodal.methods.presets import method, names
from crossmodal.methods.shape_alone import shows_without_colours
from crossmodal.methods.spec import Blocks, Method
from crossmodal.yaml_text import values

GENERATES = "a fitted generator or a diffusion model"


class Row(NamedTuple):
    """One line of the table; n is its number in the survey, None for a method that is not in it."""

    n: int | None
    method: str
    title: str
    branch: str
    year: int | None
    kind: str
    rgb: str
    depth: str
    cloud: str
    needs: str
    status: str
    source: str
    label: str = "-"
    """What a detector is to learn of it: region (where it is), difference (where plainly), logistic (how plainly)."""


@lru_cache
def survey() -> tuple[dict, ...]:
    """The survey's own 47 entries, as they stand in survey.yaml."""
    return tuple(values((files("crossmodal.methods") / "survey.yaml").read_text(encoding="utf-8")))


@lru_cache
def rows() -> tuple[Row, ...]:
    """Every entry of the survey, a line a preset, and then the presets of methods that it does not list."""
    listed, out = set(), []
    for entry in survey():
        for name in entry.get("presets", ()):
            out.append(row_of(method(name), entry))
            listed.add(name)
        for name in entry.get("features", ()):
            out.append(Row(entry["n"], name, entry["title"], entry["branch"], entry["year"], "feature", "its features",
                           "features of xyz", "-", entry["needs"], "runs in feature space",
                           "crossmodal.methods.feature"))
        if not entry.get("presets") and not entry.get("features"):
            status = entry["status"]
            needs = entry.get("needs", GENERATES if status == "needs generator" else entry.get("why", ""))
            out.append(Row(entry["n"], "-", entry["title"], entry["branch"], entry["year"], "-", "-", "-", "-", needs,
                           status, entry.get("why", "")))
    return (*out, *(row_of(method(name), None) for name in names() if name not in listed))


def row_of(found: Method, entry: dict | None) -> Row:
    origin, blocks = found.origin, found.blocks
    shape = blocks.effect.shows
    forms = ("runs, and as published" if found.as_published is not None else
             f"runs; no published form: {found.unpublished}" if found.unpublished else "runs")
    title, branch, year = ((origin.title, origin.branch, origin.year) if entry is None else
                           (entry["title"], entry["branch"], entry["year"]))
    return Row(None if entry is None else entry["n"], found.name, title, branch, year, origin.kind,
               _colours(blocks), shape, shape, _needs(blocks), forms, origin.source, blocks.label.kind)


def _colours(blocks: Blocks) -> str:
    return " or ".join(dict.fromkeys(content.shows for content in options(blocks.content)))


def _needs(blocks: Blocks) -> str:
    return _needs_matter(blocks) + ("; a folder of masks" if holds(blocks.region, Library) else "")


def _needs_matter(blocks: Blocks) -> str:
    contents = options(blocks.content)
    ground = "capture, cloud or mesh" if shows_without_colours(blocks) else "capture, or what has colours"
    if blocks.gate is not None:  # it looks at pictures
        ground = "capture"
    if any(isinstance(content, Texture) for content in contents):
        return f"{ground}; textures: yours or procedural"
    if any(isinstance(content, Crop) for content in contents):
        return f"{ground}, and a folder of captures whose defects are marked"
    return f"{ground} with two like places" if any(isinstance(c, Shift) for c in contents) else ground
