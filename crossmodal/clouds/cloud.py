"""Cloud: unorganised points, what is known at each of them, and the file that they came from."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from crossmodal.capture import read_only
from crossmodal.datasets.source import UNITS
from pointcloud import PointCloud, Table, read_table

SHORTEST_M, LONGEST_M = 1e-3, 20.0  # extents of what one inspects
MOST_POINTS = 20_000_000
FEWEST_POINTS = 50


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points of an object's surface in no order.

    xyz_m: (N, 3) float64, finite; rgb: (N, 3) uint8 sRGB or None; normals: (N, 3) float32, outwards, or None
    viewpoint_m: (3,), from where all of it was seen, or None
    table: the source's own columns, of which the points are the ``rows`` (N,), in units of unit_m
    """

    xyz_m: np.ndarray
    rgb: np.ndarray | None = None
    normals: np.ndarray | None = None
    viewpoint_m: tuple[float, float, float] | None = None
    name: str = ""
    table: Table | None = field(default=None, repr=False)
    rows: np.ndarray | None = field(default=None, repr=False)
    unit_m: float = 1.0

    def __post_init__(self):
        xyz = np.asarray(self.xyz_m, np.float64)
        if xyz.ndim != 2 or xyz.shape[1] != 3 or not np.isfinite(xyz).all():
            raise ValueError(f"xyz_m must be finite (N, 3), but got {xyz.dtype} {xyz.shape}")
        if len(xyz) < FEWEST_POINTS:
            raise ValueError(f"{self.name or 'the cloud'} holds {len(xyz)} points; a surface needs {FEWEST_POINTS}")
        object.__setattr__(self, "xyz_m", read_only(xyz))
        for word, dtype in (("rgb", np.uint8), ("normals", np.float32)):
            array = getattr(self, word)
            if array is None:
                continue
            if array.shape != xyz.shape or array.dtype != dtype:
                raise ValueError(f"{word} must be {np.dtype(dtype)} {xyz.shape}, but got {array.dtype} {array.shape}")
            object.__setattr__(self, word, read_only(array))

    @classmethod
    def of(cls, points: PointCloud, viewpoint_m=None, name: str = "") -> "Cloud":
        """From a PointCloud; its normals, where it has them, say which side is out."""
        return cls(points.xyz_m.astype(np.float64), points.rgb, points.normals, viewpoint_m, name)

    def __len__(self) -> int:
        return len(self.xyz_m)

    @property
    def points(self) -> PointCloud:
        """The points in metres as float32, with their colours and normals."""
        return PointCloud(self.xyz_m.astype(np.float32), self.rgb, self.normals)

    @cached_property
    def surface(self):
        """The CloudSurface that the points lie on (see crossmodal.clouds.surface), analysed when first asked for.

        Raises ValueError where nothing tells which side is out.
        """
        from crossmodal.clouds.surface import CloudSurface

        return CloudSurface.of(self)


def read_cloud(path: str | Path, unit: str | None = None,
               viewpoint: tuple[float, float, float] | None = None) -> Cloud:
    """A cloud from PLY, PCD, XYZ, TXT, ASC or NPY, with the normals and colours that it has.

    unit: m, mm, um or inch of the file's numbers; None is metres, refused where such an object is implausible
    viewpoint: (x, y, z) in the file's unit, from where it was seen; of a PCD its own, where it says one
    Points that are not finite, and (0, 0, 0) where that stands for nothing, are left out.
    Errors: ValueError, OSError; one line that names the file, what is wrong and the way out.
    """
    if unit is not None and unit not in UNITS:
        raise ValueError(f"unit must be one of {', '.join(UNITS)}, but got {unit}")
    with np.errstate(all="ignore"):  # what a damaged file overflows is refused in words
        return _read(path, unit, viewpoint)


def _read(path, unit, viewpoint) -> Cloud:
    table = read_table(path)
    if len(table) > MOST_POINTS:
        raise ValueError(f"{path} holds {len(table)} points; thin it to {MOST_POINTS} or fewer")
    xyz, unit_m = table.xyz, UNITS[unit or "m"]
    known = np.isfinite(xyz).all(1)
    nothing = ~xyz.any(1)
    if nothing.sum() > 1:
        known &= ~nothing
    rows = np.flatnonzero(known)
    if len(rows) < FEWEST_POINTS:
        raise ValueError(f"{path} holds {len(rows)} points that are finite; a surface needs {FEWEST_POINTS}")
    xyz = xyz[rows]
    _plausible(path, xyz, unit, unit_m)
    rgb, normals = table.rgb, table.normals
    seen_from = table.viewpoint if viewpoint is None else viewpoint
    return Cloud(xyz * unit_m, None if rgb is None else rgb[rows], _unit_normals(normals, rows),
                 None if seen_from is None else tuple(float(v) * unit_m for v in seen_from),
                 Path(path).stem, table, rows, unit_m)


def _plausible(path, xyz, unit, unit_m):
    extent = float(np.linalg.norm(np.ptp(xyz, axis=0)))
    if extent == 0:
        raise ValueError(f"{path} holds the same point {len(xyz)} times; export it again")
    if SHORTEST_M <= extent * unit_m <= LONGEST_M:
        return
    others = [word for word, scale in UNITS.items() if SHORTEST_M <= extent * scale <= LONGEST_M and word != unit]
    way = f"say --unit {' or '.join(others)}" if others else "export it in millimetres and say --unit mm"
    said = f"in {unit}" if unit else "in metres, as nothing else is said"
    raise ValueError(f"{path} would be {extent * unit_m:.3g} m across {said}; {way}")


def _unit_normals(normals, rows):
    """Unit length where a normal says anything, 0 where it does not; None where hardly any does."""
    if normals is None:
        return None
    normals = np.nan_to_num(normals[rows], nan=0.0, posinf=0.0, neginf=0.0)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    if (length > 0).mean() < 0.5:
        return None
    return np.divide(normals, length, out=np.zeros_like(normals), where=length > 0).astype(np.float32)
