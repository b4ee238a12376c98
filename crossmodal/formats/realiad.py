"""Real-IAD D³: <split>/{GOOD,<kind>}/rgb/<sample>/*L05*RGB*.jpg, xyz/<sample>.tiff, gt/rgb/<sample>.png.

Source: Zhu et al., CVPR 2025, and the loader they publish. Picture and points are two sensors'; where their sizes
differ a point belongs to no pixel, and the points are read as a cloud.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import tifffile

from crossmodal.datasets import load
from crossmodal.datasets.class_ids import assigned
from crossmodal.datasets.source import SPLITS, UNITS, Reading, Source
from crossmodal.formats.masks import read_binary
from crossmodal.formats.paths import folders, inside, partner, pictures
from crossmodal.formats.sample import Dataset, Entry, Format, Head, Place, Put, Sample
from depth import read_xyz, write_xyz
from pointcloud import PointCloud
from pointcloud.atomic import write_bytes
from rgb import read_rgb, write_mask

_GOOD = "GOOD"
_PICTURES = "*L05*RGB*.jpg"  # the one light of several that its own loader reads


def sources(root: Path) -> list[Source]:
    """Every capture of a root, a category or a split; empty if root is none of them. Errors: ValueError."""
    splits = [root] if root.name in SPLITS else [f for f in folders(root) if f.name in SPLITS] or [
        f for category in folders(root) for f in folders(category) if f.name in SPLITS]
    found = []
    for split in splits:
        for kind in folders(split):
            pictured = {f.name: path for f in folders(kind / "rgb") for path in sorted(f.glob(_PICTURES))[:1]}
            if not pictured:
                continue
            grids = pictures(kind / "xyz", root, (".tiff", ".tif"))
            for name in grids:
                partner(name, grids[name], pictured, kind / "rgb")
            found += [Source((kind.relative_to(root) / name).as_posix(), inside(root, picture),
                             partner(name, picture, grids, kind / "xyz"), "xyz", split.parent.name, split.name,
                             "good" if kind.name == _GOOD else kind.name) for name, picture in pictured.items()]
    return found


def listed(root: Path, reading: Reading) -> Dataset | None:
    """The captures with their masks."""
    found = sources(root)
    if not found:
        return None
    ids = assigned({}, {source.kind for source in found})
    aligned: dict[str, bool] = {}
    masks: dict[Path, dict[str, Path]] = {}
    entries = []
    for source in found:
        if source.category not in aligned:
            aligned[source.category] = read_rgb(source.rgb).pixels.shape[:2] == _grid_of(source.geometry)
        folder = source.geometry.parents[1] / "gt" / "rgb"
        if folder not in masks:
            masks[folder] = pictures(folder, root, (".png",))
        name = source.path.rsplit("/", 1)[-1]
        mask = masks[folder].get(source.rgb.stem) or masks[folder].get(name)
        holds = {"rgb", "xyz" if aligned[source.category] else "cloud"}
        holds |= {"gt"} if mask or source.kind == "good" else set()
        entries.append(Entry(Place(source.category, source.split, source.kind, name), source.path, frozenset(holds),
                             partial(_read, source, reading, mask, ids, aligned[source.category])))
    return Dataset(tuple(entries), ids)


def _grid_of(path):
    try:
        with tifffile.TiffFile(path) as tiff:
            return tuple(tiff.pages[0].shape[:2])
    except Exception:  # what is wrong with it is said where it is read
        return ()


def _read(source: Source, reading: Reading, mask: Path | None, ids, aligned: bool) -> Sample:
    if aligned:
        capture = load(source, reading)
        sample = {"rgb": capture.rgb, "points": capture.points, "camera": capture.camera}
    else:
        xyz = read_xyz(source.geometry).reshape(-1, 3)
        points = xyz[np.isfinite(xyz).all(axis=1) & (xyz[:, 2] != 0)]
        unit = UNITS["mm"] if reading.unit_m is None else reading.unit_m
        sample = {"rgb": read_rgb(source.rgb).pixels, "cloud": PointCloud((points * np.float64(unit)).astype("f4"))}
    if mask is not None:
        sample["gt"] = read_binary(mask, ids[source.kind], sample["rgb"].shape[:2])
    return Sample(**sample)


@contextmanager
def written(out: Path, head: Head) -> Iterator[Put]:
    """The tree that its loader reads: JPEG pictures at the best quality, which still changes them by a little."""

    def put(place: Place, sample: Sample) -> None:
        split = "train" if place.split == "validation" else place.split  # it has no third
        here = head.folder(out, place) / split / (_GOOD if place.kind == "good" else place.kind)
        name = f"{place.split}_{place.name}" if split != place.split else place.name
        for folder in (here / "rgb" / name, here / "xyz", here / "gt" / "rgb"):
            folder.mkdir(parents=True, exist_ok=True)
        best = [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
        stem = f"{name}_L05_RGB"
        write_bytes(here / "rgb" / name / f"{stem}.jpg",
                    cv2.imencode(".jpg", cv2.cvtColor(sample.rgb, cv2.COLOR_RGB2BGR), best)[1].tobytes())
        void = ~np.isfinite(sample.points[..., 2])
        write_xyz(here / "xyz" / f"{name}.tiff", np.where(void[..., None], np.float32(0), sample.points))
        write_mask(here / "gt" / "rgb" / f"{stem}.png", np.where(sample.levels() > 0, np.uint8(255), np.uint8(0)))

    yield put


FORMAT = Format("real-iad-d3", "Real-IAD D³", ("rgb", "xyz", "gt"), ("rgb", "xyz", "gt"), listed, written, unit=True)
