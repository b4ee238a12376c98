"""A chart of a whole object: every point of it stands over one plane, along whose normal it moves."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

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
        st = np.full((*surface.foreground.shape, 2), np.nan, np.float32)
        away = (surface.smoothed[surface.foreground] - anchor_m) * 1e3
        axes = np.stack((heading, np.cross(normal, heading)))
        st[surface.foreground] = np.einsum("nj,ij->ni", away, axes)
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
        return np.where(charted, self.normal.astype(np.float32), np.float32(np.nan))

    @cached_property
    def _members(self):
        from scipy.spatial import cKDTree

        known = np.isfinite(self.surface.smoothed[..., 0])
        return (cKDTree(self.surface.smoothed[known].astype(np.float64)), self.surface.foreground[known],
                self.surface.mm_per_pixel * 1e-3)
