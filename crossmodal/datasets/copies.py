"""Good captures in the layout of MVTec 3D-AD: untouched bytes where the format agrees, else converted."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossmodal.datasets import Reading, Source, load
from crossmodal.datasets.decode import points_m, same_size
from crossmodal.datasets.mvtec3d_writer import xyz_of
from depth import read_xyz, write_xyz
from pointcloud.atomic import write_bytes
from rgb import read_rgb, write_mask, write_rgb


@dataclass(frozen=True)
class Copy:
    """A good capture and where it goes: "train/good/003"."""

    source: Source
    sample: str


def write_copy(out: Path, copy: Copy, reading: Reading) -> None:
    """Copy one good capture below `out`, with an all-zero gt in test/good; what is there already stays.

    The capture is read first, so that a broken one is refused. Errors: ValueError, OSError; no half files.
    """
    folder, number = copy.sample.rsplit("/", 1)
    names = {"rgb": f"{number}.png", "xyz": f"{number}.tiff"} | (
        {"gt": f"{number}.png"} if folder == "test/good" else {})
    paths = {word: out / folder / word / name for word, name in names.items()}
    if all(path.is_file() for path in paths.values()):
        return
    if shape := _mvtec_shape(copy.source, reading):
        made = {"rgb": lambda path: copied(copy.source.rgb, path),
                "xyz": lambda path: copied(copy.source.geometry, path)}
    else:
        capture = load(copy.source, reading)
        shape = capture.shape
        made = {"rgb": lambda path: write_rgb(path, capture.rgb),
                "xyz": lambda path: write_xyz(path, xyz_of(capture))}
    made["gt"] = lambda path: write_mask(path, np.zeros(shape, np.uint8))
    try:
        for word, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            made[word](path)
    except BaseException:
        for path in paths.values():
            path.unlink(missing_ok=True)
        raise


def _mvtec_shape(source, reading):
    # What a sample's writer would convert must be converted here alike, or before and after would differ.
    if source.coding != "xyz" or source.geometry.suffix.lower() not in (".tiff", ".tif"):
        return None
    if source.rgb.suffix.lower() != ".png" or reading.unit_m not in (None, 1.0):
        return None
    pixels, xyz = read_rgb(source.rgb).pixels, read_xyz(source.geometry)
    same_size(source.rgb, pixels, source.geometry, xyz)
    points, _ = points_m(source.geometry, xyz, reading.unit_m)
    return None if (np.isnan(points[..., 2]) & (xyz[..., 2] != 0)).any() else pixels.shape[:2]


def copied(source: Path, path: Path) -> None:
    """Copy a file's bytes, whole or not at all. Errors: OSError."""
    partial = path.with_name(f".{path.name}.part")
    try:
        shutil.copyfile(source, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def copy_small(source: Path, path: Path) -> None:
    """Copy a small file (class ids, licence) whole or not at all. Errors: ValueError, as `inside`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, inside(source).read_bytes())


def inside(path: Path) -> Path:
    """The path, unless it is a link out of its own folder: text from elsewhere must not be copied unread."""
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise ValueError(f"{path} is a link to another folder; put the file itself there")
    return path
