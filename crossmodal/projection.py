"""A chart of a whole object: every point of it stands over one plane, along whose normal it moves."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numba import njit

from crossmodal.capture import read_only
from crossmodal.patch import Patch
from crossmodal.surface import Surface


@dataclass(frozen=True, eq=False)
class Projection(Patch):
    """The object's points seen plumb upon the plane through the anchor; depth steps do not end it, its rim does.

    What is grown on it moves as a plate or a beam does that is bent little: across its plane, not within it.
    """

    crossing: ClassVar[bool] = False

    @classmethod
    def of(cls, surface: Surface, anchor_m, normal, heading) -> "Projection":
        """The object in a surface's foreground upon the plane of a normal through an anchor."""
        anchor_m, normal, heading = (np.array(v, np.float64) for v in (anchor_m, normal, heading))
        st = _upon(surface.smoothed, surface.foreground, anchor_m, np.stack((heading, np.cross(normal, heading))))
        height, width = surface.foreground.shape
        along = np.broadcast_to(heading.astype(np.float32), (height, width, 3))
        return cls(surface, read_only(anchor_m), read_only(normal), read_only(heading), (0, height), (0, width),
                   read_only(st), along)

    def coordinates(self, points: np.ndarray) -> np.ndarray:
        """(s, t, h) in mm (N, 3) float64 of points (N, 3) in metres; NaN where the nearest that was seen is not the
        object, or nothing was seen near.
        """
        tree, member, spacing = self._members
        points = np.asarray(points, np.float64)
        distance, nearest = tree.query(points, distance_upper_bound=max(8 * spacing, 0.2 * self._reach_m))
        found = np.isfinite(distance)
        frame = np.stack((self.heading, np.cross(self.normal, self.heading), self.normal), 1)
        local = (points - self.anchor_m) * 1e3 @ frame
        local[~(found & member[np.where(found, nearest, 0)])] = np.nan
        return local

    def holds(self, points: np.ndarray, local: np.ndarray, normals: np.ndarray, near_mm: float) -> np.ndarray:
        """Every point of the object, whichever way it faces and however high it stands."""
        return np.isfinite(local[:, 0])

    def directions(self, normals: np.ndarray, charted: np.ndarray, side: int) -> np.ndarray:
        """(h, w, 3) float32: the plane's normal for all."""
        return _everywhere(charted[..., 0], self.normal.astype(np.float32))

    @cached_property
    def _members(self):
        from scipy.spatial import cKDTree

        known = np.isfinite(self.surface.smoothed[..., 0])
        return (cKDTree(self.surface.smoothed[known].astype(np.float64)), self.surface.foreground[known],
                self.surface.mm_per_pixel * 1e-3)


@njit(cache=True, nogil=True)
def _upon(points, object_, anchor, axes):
    """(H, W, 2) float32: the object's points (H, W, 3) m along two axes (2, 3) from an anchor, in mm; NaN elsewhere."""
    st = np.full((*object_.shape, 2), np.nan, np.float32)
    for v in range(object_.shape[0]):
        for u in range(object_.shape[1]):
            if object_[v, u]:
                x, y, z = ((points[v, u, 0] - anchor[0]) * 1e3, (points[v, u, 1] - anchor[1]) * 1e3,
                           (points[v, u, 2] - anchor[2]) * 1e3)
                for k in range(2):
                    st[v, u, k] = x * axes[k, 0] + y * axes[k, 1] + z * axes[k, 2]
    return st


@njit(cache=True, nogil=True)
def _everywhere(charted, normal):
    out = np.empty((*charted.shape, 3), np.float32)
    for v in range(charted.shape[0]):
        for u in range(charted.shape[1]):
            for c in range(3):
                out[v, u, c] = normal[c] if charted[v, u] else np.nan
    return out
