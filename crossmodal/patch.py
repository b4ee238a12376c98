"""A place on a surface: an anchor, a tangent frame, and a chart that measures (s, t, h) in mm along the surface."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np
from numba import njit

from crossmodal.capture import read_only
from crossmodal.exponential import exponential_map
from crossmodal.surface import Surface


def along_surface(heading: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """A heading (3,) turned into the plane of a unit normal (3,), of length 1. Raises ValueError where it stands upon
    that plane.
    """
    heading = np.asarray(heading, np.float64)
    heading = heading - normal * (heading @ normal)
    length = np.linalg.norm(heading)
    if length < 1e-6:
        raise ValueError("heading must not stand on the surface; give a direction along it")
    return heading / length


@dataclass(frozen=True, eq=False)
class Patch:
    """A chart about an anchor, over a window of the view that its surface was seen in.

    anchor_m, normal, heading: (3,) float64 in the view's camera frame; the heading is tangent: the chart's +s
    rows, columns: the window (first, last + 1)
    st_mm: (h, w, 2) float32, NaN where the surface is not reached from the anchor
    along: (h, w, 3) float32, the heading carried to every pixel; ``normals × along`` is the chart's +t
    """

    crossing: ClassVar[bool] = True
    """Whether neighbours may move across each other's way."""

    surface: Surface
    anchor_m: np.ndarray
    normal: np.ndarray
    heading: np.ndarray
    rows: tuple[int, int]
    columns: tuple[int, int]
    st_mm: np.ndarray
    along: np.ndarray

    @classmethod
    def at(cls, surface: Surface, anchor_m, heading, reach_mm: float, bounds_mm=None) -> "Patch":
        """The patch of radius reach_mm about a 3-D anchor, charted within (s, s, t, t) bounds_mm if they are given.

        Raises ValueError where no surface lies there.
        """
        anchor_m = np.asarray(anchor_m, np.float64)
        row, column = nearest_pixel(surface, anchor_m)
        half = _half_window(surface, row, column, reach_mm)
        height, width = surface.points.shape[:2]
        rows = max(0, row - half), min(height, row + half + 1)
        columns = max(0, column - half), min(width, column + half + 1)
        normal = surface.normals[row, column].astype(np.float64)
        heading = along_surface(heading, normal)
        st, along = exponential_map(surface.smoothed, surface.normals, surface.linked, rows[0], rows[1],
                                     columns[0], columns[1], row, column, anchor_m, heading,
                                     reach_mm, np.array(bounds_mm or (-np.inf, np.inf, -np.inf, np.inf)),
                                     1.0 / min(surface.camera.fx, surface.camera.fy))
        return cls(surface, read_only(anchor_m), read_only(normal), read_only(heading), rows, columns,
                   read_only(st), read_only(along))

    @property
    def window(self) -> tuple[slice, slice]:
        """The patch's window as slices of the view's arrays."""
        return slice(*self.rows), slice(*self.columns)

    def coordinates(self, points: np.ndarray, feet: np.ndarray | None = None) -> np.ndarray:
        """(s, t, h) in mm (N, 3) float64 of any points (N, 3) in metres near the patch; NaN far from it.

        feet: (N, 3), the points of the surface from which those are reckoned, if not the nearest to them

        Another view, a cloud or a mesh looks its points up here: the nearest charted point, plus the rest in
        that point's frame. What is nearest to surface that the chart did not reach is off it, however near.
        """
        tree, st, frames, spacing = self._lookup
        points = np.asarray(points, np.float64)
        distance, nearest = tree.query(points if feet is None else feet,
                                       distance_upper_bound=max(8 * spacing, 0.2 * self._reach_m))
        found = np.isfinite(distance)
        nearest = np.where(found, nearest, 0)
        rest = (points - tree.data[nearest]) * 1e3
        local = np.einsum("nij,nj->ni", frames[nearest], rest)
        local[:, :2] += st[nearest]
        local[~found | np.isnan(local[:, 0])] = np.nan
        return local

    def holds(self, points: np.ndarray, local: np.ndarray, normals: np.ndarray, near_mm: float) -> np.ndarray:
        """(N,) bool: which points (N, 3) m at (s, t, h) (N, 3) with normals (N, 3), in the patch's frame, are of its
        surface: within near_mm of it, on the same side of a wall as the charted point that is nearest.
        """
        tree, _, frames, _ = self._lookup
        held = np.abs(local[:, 2]) <= near_mm
        _, nearest = tree.query(points[held])
        held[held] = np.einsum("ij,ij->i", normals[held], frames[nearest, 2]) > -0.2
        return held

    def directions(self, normals: np.ndarray, charted: np.ndarray, side: int) -> np.ndarray:
        """(h, w, 3) float32: the ways in which a window's charted points move, in the patch's frame.

        normals: (h, w, 3) float32; charted: (h, w, 1) bool; side: pixels over which matter moves as one piece, so
        that relief finer than that does not turn its way
        """
        if side < 3:
            return normals
        known = _where_charted(normals, charted[..., 0])
        return _mean_direction(cv2.blur(known, (side, side)), normals, charted[..., 0])

    @cached_property
    def _reach_m(self) -> float:
        return float(np.nanmax(np.abs(self.st_mm))) * 1e-3

    @cached_property
    def _lookup(self):
        from scipy.spatial import cKDTree

        normals = self.surface.normals[self.window]
        known = np.isfinite(normals[..., 0])
        points = self.surface.smoothed[self.window][known].astype(np.float64)
        normals = normals[known].astype(np.float64)
        along = self.along[known].astype(np.float64)
        frames = np.stack((along, np.cross(normals, along), normals), 1)
        return (cKDTree(points), self.st_mm[known].astype(np.float64), frames,
                self.surface.mm_per_pixel * 1e-3)


def nearest_pixel(surface: Surface, anchor_m: np.ndarray, search: int = 4) -> tuple[int, int]:
    """(row, column) of the measured pixel nearest to a 3-D point. Raises ValueError when there is none near."""
    pixel = surface.camera.project(anchor_m)
    height, width = surface.points.shape[:2]
    if not np.isfinite(pixel).all() or not (-0.5 <= pixel[0] < width - 0.5 and -0.5 <= pixel[1] < height - 0.5):
        raise ValueError(f"the anchor {_mm(anchor_m)} is outside the picture")
    column, row = np.rint(pixel).astype(int)
    r0, c0 = max(0, row - search), max(0, column - search)
    near = surface.smoothed[r0:row + search + 1, c0:column + search + 1].astype(np.float64)
    distance = np.linalg.norm(near - anchor_m, axis=-1)
    if np.isnan(distance).all():
        raise ValueError(f"no surface was measured at the anchor {_mm(anchor_m)}")
    i, j = np.unravel_index(np.nanargmin(distance), distance.shape)
    limit = 3e-3 * surface.mm_per_pixel * search + 8e-3 * surface.floor_mm
    if distance[i, j] > limit:
        raise ValueError(f"the anchor {_mm(anchor_m)} lies {distance[i, j] * 1e3:.1f} mm off the measured surface")
    return r0 + int(i), c0 + int(j)


def _mm(point):
    return "(" + ", ".join(f"{x * 1e3:.1f}" for x in point) + ") mm"


def _half_window(surface, row, column, reach_mm):
    focal = max(surface.camera.fx, surface.camera.fy)
    z = float(surface.smoothed[row, column, 2])
    # The surface may come nearer within the reach, and then spans more pixels.
    nearest = max(z - reach_mm * 1e-3, 0.5 * z)
    return math.ceil(reach_mm * 1e-3 * focal / nearest) + 3


@njit(cache=True, nogil=True)
def _where_charted(normals, charted):
    out = np.zeros(normals.shape, np.float32)
    for i in range(charted.shape[0]):
        for j in range(charted.shape[1]):
            if charted[i, j]:
                for c in range(3):
                    out[i, j, c] = normals[i, j, c]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _mean_direction(blurred, normals, charted):
    """Unit means where they agree, else the normals themselves; 0 where nothing is charted."""
    out = np.zeros(normals.shape, np.float32)
    for i in range(charted.shape[0]):
        for j in range(charted.shape[1]):
            if not charted[i, j]:
                continue
            x, y, z = blurred[i, j, 0], blurred[i, j, 1], blurred[i, j, 2]
            length = np.sqrt(x * x + y * y + z * z)
            if length > np.float32(0.1):
                x, y, z = x / length, y / length, z / length
            else:
                x, y, z = normals[i, j, 0], normals[i, j, 1], normals[i, j, 2]
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = x, y, z
    return out
