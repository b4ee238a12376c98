"""The numbers of a capture as its files have them: a picture, and depth or points in the file's own unit and codes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossmodal.datasets import pcd
from crossmodal.datasets.decode import same_size
from crossmodal.datasets.source import Source
from depth import read_xyz
from depth.files import FORMATS as DEPTH_FORMATS
from rgb import read_rgb

CODINGS = ("xyz", "depth", "pcd", "ply")
"""What read_raw reads; a dataset that codes its geometry in a way of its own is read by its own reader."""


@dataclass(frozen=True, eq=False)
class Raw:
    """rgb: (H, W, 3) uint8. values: points (H, W, 3) or z-depth (H, W), dtype and codes as in the file."""

    rgb: np.ndarray
    values: np.ndarray

    @property
    def z(self) -> np.ndarray:
        """(H, W), the values along the camera's axis."""
        return self.values if self.values.ndim == 2 else self.values[..., 2]


def read_raw(source: Source) -> Raw:
    """Both files of a capture. Errors: ValueError or OSError, one line: broken, or of different sizes."""
    if source.rgb == source.geometry:
        return Raw(*pcd.read_scene(source.geometry))
    rgb = read_rgb(source.rgb).pixels
    values = read_geometry(source.geometry, rgb.shape, source.coding == "xyz")
    same_size(source.rgb, rgb, source.geometry, values)
    return Raw(rgb, values)


def read_geometry(path: Path, shape: tuple[int, ...] | None = None, points: bool = False) -> np.ndarray:
    """Points (H, W, 3) or depth (H, W) of one file; `points` says that it should be points, if it is a TIFF.

    shape: (H, W) of the picture beside it. Errors: ValueError, OSError.
    """
    suffix = path.suffix.lower()
    if suffix in pcd.SUFFIXES:
        return pcd.read_grid(path, shape)[1]
    if points and suffix in (".tiff", ".tif"):
        return read_xyz(path)
    values = read_depth_values(path)
    if values.ndim == 3 and (values.shape[2] != 3 or values.dtype.kind != "f"):
        raise ValueError(f"{path} holds {values.dtype} {values.shape}; points are float (H, W, 3), depth (H, W)")
    return values


def read_depth_values(path: Path) -> np.ndarray:
    """A depth file's own numbers, no unit applied. Errors: ValueError, OSError."""
    if path.suffix.lower() not in DEPTH_FORMATS:
        raise ValueError(f"{path} has no depth suffix that is known; use one of {' '.join(DEPTH_FORMATS)}")
    return DEPTH_FORMATS[path.suffix.lower()][0](path)
