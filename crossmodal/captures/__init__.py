"""Real captures that ship with the package: crops of the mOSD table scenes (see README.md in this folder)."""

from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import Capture, Encoding
from pointcloud import pcd_rgb, read_pcd

# The sensor's full frame; x = (column − cx)·z/fx holds exactly on every one of its points.
_SENSOR = Camera(640, 480, 525.0, 525.0, 319.5, 239.5)

# name: first column, first row, width, height of the crop in the full frame
WINDOWS = {
    "boxes": (226, 184, 224, 180),
    "cans": (142, 182, 268, 190),
    "cereal": (150, 198, 232, 208),
    "pot": (318, 272, 190, 172),
}


def names() -> tuple[str, ...]:
    """What there is to load."""
    return tuple(WINDOWS)


@lru_cache(maxsize=len(WINDOWS))
def load(name: str) -> Capture:
    """One shipped capture by name, with its sensor's exact pinhole. Errors: ValueError for another name."""
    if name not in WINDOWS:
        raise ValueError(f"name must be one of {', '.join(WINDOWS)}, but got {name!r}")
    with as_file(files(__package__) / f"{name}.pcd") as path:
        pcd = read_pcd(path)
    points = np.stack([pcd.fields[axis] for axis in "xyz"], -1).astype(np.float32)
    points = points.reshape(pcd.height, pcd.width, 3)
    encoding = Encoding(points, 1.0, float("nan"))
    return Capture(_SENSOR.cropped(*WINDOWS[name]), pcd_rgb(pcd), points, name, encoding)
