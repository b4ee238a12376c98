"""The canvas of a bare cloud: cells of a chart, each of which shows the point that is nearest to it."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numba import njit

from crossmodal.clouds.chart import CloudPatch
from crossmodal.clouds.cloud import Cloud
from crossmodal.clouds.sheet import fitted
from crossmodal.methods.canvas import COLOURLESS, Canvas
from crossmodal.methods.unrolled import coarse
from rgb import to_linear

SHOWN = 2.5  # mean distances about it that a point speaks for: a strewn cloud has no gap as wide but by its own shape
BEYOND = 0.5  # mean distances beyond its last points, at which a surface ends


@dataclass(frozen=True, eq=False, kw_only=True)
class CloudCanvas(Canvas):
    """A piece of a cloud's surface, unrolled. Its colours are those of matter, as imprint leaves them: in no light that
    anybody knows (see crossmodal.clouds.colours)."""

    capture: Cloud
    patch: CloudPatch

    @cached_property
    def spacing_mm(self) -> float:
        """Mean distance of the charted points."""
        return float(np.sqrt(np.median(self.capture.surface.area_mm2[self.patch.members])))

    @cached_property
    def nearest(self) -> np.ndarray:
        """(h, w) int64: which of the patch's members each cell shows; -1 where none is near."""
        return _nearest(self.patch.st_mm, SHOWN * self.spacing_mm / self.step_mm, *self.shape, self.step_mm)

    @cached_property
    def known(self) -> np.ndarray:
        """(h, w) bool: what points speak for, less what they say of it beyond the last of them: a closing, so that no
        point is left out."""
        if self.whole:
            return np.ones(self.shape, bool)
        near = self.nearest >= 0
        far = cv2.distanceTransform(near.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        return near & (far > (SHOWN - BEYOND) * self.spacing_mm / self.step_mm)

    @cached_property
    def colours(self) -> np.ndarray:
        if self.capture.rgb is None:
            return np.full((*self.shape, 3), COLOURLESS, np.float32)
        own = np.ascontiguousarray(self.capture.rgb[self.patch.members][None])
        linear = to_linear(own)[0].astype(np.float32) / np.float32(self.capture.surface.white)
        return linear[np.maximum(self.nearest, 0)]

    @cached_property
    def relief_mm(self) -> np.ndarray:
        patch, (h, w) = self.patch, self.shape
        above = 1e3 * (self.capture.surface.smoothed_m[patch.members] - patch.anchor_m) @ patch.normal
        rows, columns = np.nonzero(self.known)
        places = self.step_mm * np.stack((columns - w // 2, rows - h // 2), -1)
        found = fitted(places, patch.st_mm, above[:, None], self.spacing_mm)[:, 0]
        height = np.zeros(self.shape)
        height[rows, columns] = np.where(np.isfinite(found), found, above[self.nearest[rows, columns]])
        return np.where(self.known, height - coarse(height, self.known), 0).astype(np.float32)

    def facing(self, middle: tuple[float, float]) -> np.ndarray:
        cosine = (self.capture.surface.normals[self.patch.members] @ self.patch.normal).astype(np.float32)
        return np.where(self.nearest >= 0, cosine[np.maximum(self.nearest, 0)], np.float32(np.nan))


@njit(cache=True, nogil=True)
def _nearest(st, r, h, w, step):
    """(h, w) int64: the nearest of places (m, 2) mm to each cell of a step, within r cells; -1 where there is none."""
    out, best = np.full((h, w), -1, np.int64), np.full((h, w), np.inf)
    for k in range(len(st)):
        x, y = st[k, 0] / step + w // 2, st[k, 1] / step + h // 2
        for i in range(max(0, int(np.ceil(y - r))), min(h - 1, int(np.floor(y + r))) + 1):
            for j in range(max(0, int(np.ceil(x - r))), min(w - 1, int(np.floor(x + r))) + 1):
                square = (i - y) ** 2 + (j - x) ** 2
                if square <= r * r and square < best[i, j]:
                    best[i, j], out[i, j] = square, k
    return out
