"""What a method made, as a field: rasters on the chart, read between their cells."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numba import njit

from crossmodal.edit import Sample
from crossmodal.methods.canvas import box_of


@dataclass(frozen=True, eq=False)
class Raster:
    """Arrays over a box of a canvas of (h, w) cells, whose cell (i, j) is at t = (i − h//2)·step, s = (j − w//2)·step;
    nothing beyond them.

    shape: (h, w) of the canvas; first: its (i, j) that the box begins at
    displacement_mm, cover, removed, lost: as in edit.Sample; all but the first may be None
    matter: as in edit.Field
    """

    step_mm: float
    shape: tuple[int, int]
    first: tuple[int, int]
    displacement_mm: np.ndarray
    cover: np.ndarray | None
    removed: np.ndarray | None
    finest_mm: float
    lost: np.ndarray | None = None
    matter: bool = False

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
        (t0, t1), (s0, s1) = (((cells.start + first - 1 - n // 2) * self.step_mm,
                               (cells.stop + first - n // 2) * self.step_mm)
                              for cells, first, n in zip(box_of(self.support), self.first, self.shape, strict=True))
        return s0, s1, t0, t1

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

    @property
    def peaks_mm(self) -> np.ndarray:
        """What is read between cells is deepest and highest at one of them."""
        cells = np.array([np.unravel_index(k, self.displacement_mm.shape)
                          for k in (self.displacement_mm.argmin(), self.displacement_mm.argmax())])
        return self.step_mm * (cells + self.first - np.floor_divide(self.shape, 2))[:, ::-1]

    @cached_property
    def gone(self):
        """Where the surface is taken away, at (n,) chart coordinates; None where it is nowhere."""
        return None if self.removed is None or not self.removed.any() else self._within(self.removed)

    def _within(self, mask):
        share = mask.astype(np.float32)[..., None]
        return lambda s_mm, t_mm: self._read(share, s_mm, t_mm)[:, 0] > 0.5

    def near(self, s_mm, t_mm, margin_mm):
        # Cells farther off than the margin, and than a diagonal of what is rounded, are never near.
        pad = int(np.ceil(margin_mm / self.step_mm)) + 3
        before = [min(pad, first) for first in self.first]
        after = [min(pad, n - first - own)
                 for first, own, n in zip(self.first, self.support.shape, self.shape, strict=True)]
        support = np.pad(self.support, tuple(zip(before, after, strict=True)))
        far = cv2.distanceTransform((~support).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        s, t = (np.ascontiguousarray(axis) for axis in (s_mm, t_mm))
        middle = [n // 2 - first + by for n, first, by in zip(self.shape, self.first, before, strict=True)]
        return _near((far * self.step_mm).astype(np.float32), s.ravel(), t.ravel(), self.step_mm, *middle,
                     margin_mm).reshape(s.shape)

    def _read(self, values, s_mm, t_mm):
        return _bilinear(np.ascontiguousarray(values), np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64),
                         self.step_mm, *(n // 2 for n in self.shape), *self.first)

    def sample(self, s_mm, t_mm) -> Sample:
        inside = self._within(self.support)(s_mm, t_mm)  # a border lies half-way between cells, and not a cell farther
        d = self._read(self.displacement_mm[..., None], s_mm, t_mm)[:, 0] * inside
        cover = None if self.cover is None else self._read(self.cover, s_mm, t_mm) * inside[:, None]
        removed = None if self.gone is None else self.gone(s_mm, t_mm)
        lost = None if self.lost is None else self._within(self.lost)(s_mm, t_mm)
        return Sample(d, cover=cover, removed=removed, lost=lost)


@njit(cache=True, nogil=True)
def _bilinear(values, s, t, step, down, across, i0, j0):
    h, w, channels = values.shape
    out = np.zeros((len(s), channels), np.float32)
    for k in range(len(s)):
        x, y = s[k] / step + across, t[k] / step + down
        j, i = int(np.floor(x)), int(np.floor(y))
        q, p, j, i = x - j, y - i, j - j0, i - i0
        for a in range(2):
            for b in range(2):
                weight = (p if a else 1 - p) * (q if b else 1 - q)
                if weight > 0 and 0 <= i + a < h and 0 <= j + b < w:
                    for c in range(channels):
                        out[k, c] += np.float32(weight) * values[i + a, j + b, c]
    return out


@njit(cache=True, nogil=True)
def _near(distance, s, t, step, down, across, margin):
    h, w = distance.shape
    out = np.zeros(len(s), np.bool_)
    for k in range(len(s)):
        x, y = s[k] / step + across, t[k] / step + down
        if not (x == x and y == y):
            continue
        # Beyond the raster a place is as far as from its border, and the border's own distance.
        u, v = min(max(x, 0.0), w - 1.0), min(max(y, 0.0), h - 1.0)
        beyond = step * np.sqrt((x - u) ** 2 + (y - v) ** 2)
        out[k] = max(distance[int(v + 0.5), int(u + 0.5)], beyond) <= margin + 1.5 * step
    return out
