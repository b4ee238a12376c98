"""Eyecandies: <split>/data/NN_{image_0..5,depth,normals,mask,...}, its 16-bit depth between two bounds in metres.

Source: Bonfiglioli et al., ACCV 2022, and eyecan-ai.github.io/eyecandies (the page "Download").
"""

from functools import partial
from pathlib import Path

import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import Capture, Encoding
from crossmodal.datasets import read_depth_values
from crossmodal.datasets.class_ids import assigned
from crossmodal.datasets.source import Reading, Source
from crossmodal.formats.paths import folders, inside, read_yaml, split_of
from crossmodal.formats.places import kind_of
from crossmodal.formats.sample import Dataset, Entry, Format, Place, Sample
from rgb import read_mask, read_rgb

_KINDS = ("bumps", "colors", "dents", "normals")
_FOCAL_PX, _SIDE_PX = 711.11, 512
_PICTURE = "image_4"  # of six lightings the one that everyone's conversion takes (M3DM's)
_ITEMS = {"rgb": f"{_PICTURE}.png", "info": "info_depth.yaml", "normals": "normals.png"}


def sources(root: Path) -> list[Source]:
    """Every capture of a root, a category or a split; empty if root is none of them.

    test_private is left out: nothing says which of its captures are good. Errors: ValueError.
    """
    found = []
    for data in (root, root / "data", *(f / "data" for f in folders(root)),
                 *(f / "data" for category in folders(root) for f in folders(category))):
        split = data.resolve().parent.name
        if data.name != "data" or not data.is_dir() or not split_of(split) or split == "test_private":
            continue
        for depth in sorted(data.glob("*_depth.png")):
            stem = depth.name.removesuffix("_depth.png")
            files = {word: data / f"{stem}_{item}" for word, item in _ITEMS.items()}
            masks = _masks(depth) if split_of(split) == "test" else {}
            for path in (depth, *files.values(), *masks.values()):
                if not path.is_file():
                    raise ValueError(f"{depth} has no {path.name} beside it; copy it from the source")
                inside(root, path)
            found.append(Source((data.relative_to(root) / stem).as_posix(), files["rgb"], depth, "eyecandies",
                                data.resolve().parents[1].name, split_of(split),
                                kind_of(kind for kind, path in masks.items() if read_mask(path).any())))
    return found


def capture_of(source: Source) -> Capture:
    """Picture and depth by its pinhole; every pixel has a depth. Errors: ValueError, OSError."""
    info = _sibling(source.geometry, _ITEMS["info"])
    bounds = read_yaml(info).get("normalization")
    try:
        low, high = float(bounds["min"]), float(bounds["max"])
        if not 0 < low < high < np.inf:
            raise ValueError
    except (TypeError, KeyError, ValueError):
        raise ValueError(f"{info} has no normalization min and max in metres; copy it from the source") from None
    counts = read_depth_values(source.geometry)
    rgb = read_rgb(source.rgb).pixels
    height, width = counts.shape
    scale = _FOCAL_PX / _SIDE_PX
    camera = Camera(width, height, scale * width, scale * height, width / 2, height / 2)
    z = (counts.astype(np.float64) / 65535 * (high - low) + low).astype(np.float32)
    if rgb.shape[:2] != z.shape:
        raise ValueError(f"{source.rgb} and {source.geometry} differ in size; copy them from the source")
    return Capture.from_depth(rgb, z, camera, source.path, Encoding(z, 1.0, float("nan")))


def listed(root: Path, reading: Reading) -> Dataset | None:
    """The captures with their masks, one kind a type of anomaly."""
    found = sources(root)
    if not found:
        return None
    ids = assigned({}, _KINDS)
    return Dataset(tuple(
        Entry(Place(source.category, source.split, source.kind, source.path.rsplit("/", 1)[-1]),
              source.path, frozenset({"rgb", "xyz", "gt", "normals", "lights"}), partial(_read, source, ids))
        for source in found), ids)


def _read(source: Source, ids) -> Sample:
    capture = capture_of(source)
    levels = np.zeros(capture.shape, np.uint8)
    for kind, path in _masks(source.geometry).items():
        mask = read_mask(path)
        if mask.shape != levels.shape:
            raise ValueError(f"{path} and {source.rgb} differ in size; copy them from the source")
        levels[mask > 0] = ids[kind]
    normals = read_rgb(_sibling(source.geometry, _ITEMS["normals"])).pixels.astype(np.float32) / 127.5 - 1
    normals *= np.array((1, -1, -1), np.float32)  # its normals' y and z point against the camera's
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = np.where(length > 0.5, normals / np.maximum(length, 0.5), np.float32(np.nan))
    return Sample(capture.rgb, capture.points, capture.camera, levels, normals=normals.astype(np.float32))


def _masks(depth: Path) -> dict[str, Path]:
    return {kind: path for kind in _KINDS if (path := _sibling(depth, f"{kind}_mask.png")).is_file()}


def _sibling(depth: Path, item: str) -> Path:
    return depth.with_name(depth.name.removesuffix("depth.png") + item)


FORMAT = Format("eyecandies", "Eyecandies", ("rgb", "xyz", "gt", "normals", "lights"),
                ("lights", "rgb", "xyz", "normals", "gt"), listed)
