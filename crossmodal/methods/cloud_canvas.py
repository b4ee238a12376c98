"""The canvas of a bare cloud: cells of a chart, each of which shows the point that is nearest to it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from crossmodal.clouds.chart import CloudPatch
from crossmodal.clouds.sheet import fitted
from crossmodal.clouds.surface import CloudSurface
from crossmodal.methods.canvas import COLOURLESS, Canvas, coarse
from rgb import to_linear

SHOWN = 2.0  # mean distances of its neighbours, that a point shows of the surface: of strewn ones, four out of five
# million places lie farther from all of them


@dataclass(frozen=True, eq=False)
class CloudCanvas(Canvas):
    """A piece of a cloud's surface, unrolled. Its colours are those of matter, as imprint leaves them: in no light that
    anybody knows (see crossmodal.clouds.colours).

    capture: the cloud's surface; patch: a CloudPatch
    """

    capture: CloudSurface
    patch: CloudPatch

    @cached_property
    def nearest(self) -> np.ndarray:
        """(h, w) int64: which of the patch's members each cell shows; -1 where there is no surface."""
        (h, w), reach_mm = self.shape, SHOWN * np.sqrt(self.capture.area_mm2[self.patch.members])
        return _nearest(self.patch.st_mm, reach_mm, h, w, self.step_mm)

    @cached_property
    def known(self) -> np.ndarray:
        return self.nearest >= 0

    def known_in(self, mask: np.ndarray) -> np.ndarray:
        return mask & self.known

    @cached_property
    def colours(self) -> np.ndarray:
        own = self.capture.colours
        if own is None:
            return np.full((*self.shape, 3), COLOURLESS, np.float32)
        linear = to_linear(np.ascontiguousarray(own[self.patch.members][None]))[0] / np.float32(self.capture.white)
        return linear.astype(np.float32)[np.maximum(self.nearest, 0)]

    @property
    def floor_mm(self) -> float:
        return self.capture.floor_mm

    @cached_property
    def relief_mm(self) -> np.ndarray:
        patch, (h, w) = self.patch, self.shape
        above = 1e3 * (self.capture.smoothed_m[patch.members] - patch.anchor_m) @ patch.normal
        rows, columns = np.nonzero(self.known)
        places = self.step_mm * np.stack((columns - w // 2, rows - h // 2), -1)
        spacing_mm = float(np.sqrt(np.median(self.capture.area_mm2[patch.members])))
        found = fitted(places, patch.st_mm, above[:, None], spacing_mm)[:, 0]
        height = np.zeros(self.shape)
        height[rows, columns] = np.where(np.isfinite(found), found, above[self.nearest[rows, columns]])
        return np.where(self.known, height - coarse(height, self.known), 0).astype(np.float32)


@njit(cache=True, nogil=True)
def _nearest(st, reach, h, w, step):
    """(h, w) int64: the nearest of places (m, 2) mm to each cell, of those within whose own reach (m,) mm it lies."""
    out, best = np.full((h, w), -1, np.int64), np.full((h, w), np.inf)
    for k in range(len(st)):
        x, y, r = st[k, 0] / step + w // 2, st[k, 1] / step + h // 2, reach[k] / step
        for i in range(max(0, int(np.ceil(y - r))), min(h - 1, int(np.floor(y + r))) + 1):
            for j in range(max(0, int(np.ceil(x - r))), min(w - 1, int(np.floor(x + r))) + 1):
                square = (i - y) ** 2 + (j - x) ** 2
                if square <= r * r and square < best[i, j]:
                    best[i, j], out[i, j] = square, k
    return out
