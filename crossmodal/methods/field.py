"""What a method made, as a field: rasters on the chart, read between their cells."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numba import njit

from crossmodal.edit import Sample


@dataclass(frozen=True, eq=False)
class Raster:
    """Arrays (h, w[, c]) over a chart, cell (i, j) at t = (i − h//2)·step, s = (j − w//2)·step; nothing beyond them.

    displacement_mm, cover, removed, lost: as in edit.Sample; all but the first may be None
    """

    step_mm: float
    displacement_mm: np.ndarray
    cover: np.ndarray | None
    removed: np.ndarray | None
    finest_mm: float
    lost: np.ndarray | None = None

    @cached_property
    def support(self) -> np.ndarray:
        touched = self.displacement_mm != 0
        if self.cover is not None:
            touched = touched | (self.cover[..., 3] > 0)
        for mask in (self.removed, self.lost):
            if mask is not None:
                touched = touched | mask
        return touched

    @cached_property
    def bounds_mm(self) -> tuple[float, float, float, float]:
        """Of the support, and the cell beyond, in which it fades."""
        (h, w), rows, columns = self.support.shape, self.support.any(1), self.support.any(0)
        i, j = np.flatnonzero(rows), np.flatnonzero(columns)
        return ((int(j[0]) - 1 - w // 2) * self.step_mm, (int(j[-1]) + 1 - w // 2) * self.step_mm,
                (int(i[0]) - 1 - h // 2) * self.step_mm, (int(i[-1]) + 1 - h // 2) * self.step_mm)

    @cached_property
    def reach_mm(self) -> float:
        s0, s1, t0, t1 = self.bounds_mm
        return float(np.hypot(max(-s0, s1), max(-t0, t1)))

    @cached_property
    def deepest_mm(self) -> float:
        return float(max(0.0, -self.displacement_mm.min()))

    @cached_property
    def highest_mm(self) -> float:
        return float(max(0.0, self.displacement_mm.max()))

    @cached_property
    def gone(self):
        """Where the surface is taken away, at (n,) chart coordinates; None where it is nowhere."""
        return None if self.removed is None or not self.removed.any() else self._within(self.removed)

    def _within(self, mask):
        share = mask.astype(np.float32)[..., None]
        return lambda s_mm, t_mm: self._read(share, s_mm, t_mm)[:, 0] > 0.5

    @cached_property
    def _distance_mm(self):
        far = cv2.distanceTransform((~self.support).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        return (far * self.step_mm).astype(np.float32)

    def near(self, s_mm, t_mm, margin_mm):
        s, t = (np.ascontiguousarray(axis) for axis in (s_mm, t_mm))
        return _near(self._distance_mm, s.ravel(), t.ravel(), self.step_mm, margin_mm).reshape(s.shape)

    def _read(self, values, s_mm, t_mm):
        return _bilinear(np.ascontiguousarray(values), np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64),
                         self.step_mm)

    def sample(self, s_mm, t_mm) -> Sample:
        d = self._read(self.displacement_mm[..., None], s_mm, t_mm)[:, 0]
        cover = None if self.cover is None else self._read(self.cover, s_mm, t_mm)
        removed = None if self.gone is None else self.gone(s_mm, t_mm)
        lost = None if self.lost is None else self._within(self.lost)(s_mm, t_mm)
        return Sample(d, cover=cover, removed=removed, lost=lost)


@njit(cache=True, nogil=True)
def _bilinear(values, s, t, step):
    h, w, channels = values.shape
    out = np.zeros((len(s), channels), np.float32)
    for k in range(len(s)):
        x, y = s[k] / step + w // 2, t[k] / step + h // 2
        j, i = int(np.floor(x)), int(np.floor(y))
        q, p = x - j, y - i
        for a in range(2):
            for b in range(2):
                weight = (p if a else 1 - p) * (q if b else 1 - q)
                if weight > 0 and 0 <= i + a < h and 0 <= j + b < w:
                    for c in range(channels):
                        out[k, c] += np.float32(weight) * values[i + a, j + b, c]
    return out


@njit(cache=True, nogil=True)
def _near(distance, s, t, step, margin):
    h, w = distance.shape
    out = np.zeros(len(s), np.bool_)
    for k in range(len(s)):
        x, y = s[k] / step + w // 2, t[k] / step + h // 2
        if not (x == x and y == y):
            continue
        # Beyond the raster a place is as far as from its border, and the border's own distance.
        u, v = min(max(x, 0.0), w - 1.0), min(max(y, 0.0), h - 1.0)
        beyond = step * np.sqrt((x - u) ** 2 + (y - v) ** 2)
        out[k] = max(distance[int(v + 0.5), int(u + 0.5)], beyond) <= margin + 1.5 * step
    return out
