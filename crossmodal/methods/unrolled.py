"""A piece of a capture's surface, unrolled about an anchor: in mm, and under no light."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numba import njit

from crossmodal.edit import exact_distance
from crossmodal.methods.canvas import COLOURLESS, Canvas
from crossmodal.patch import Patch
from rgb import to_linear

MOST_FITTED = 4000  # cells that tell a piece's coarse shape
FEWEST_FITTED = 12
CLEAR = 0.1  # of a canvas's side, that a defect's rim may reach beyond what its ground truth marks
DARKEST = 0.2  # shade, of full light, that colours are divided by at least
ROUNDING = 1e-6  # of a triangle, that a cell on its border may seem to lie beyond it


@dataclass(frozen=True, eq=False, kw_only=True)
class Unrolled(Canvas):
    """Columns run along a patch's heading; its anchor is in the middle cell."""

    patch: Patch
    marks: np.ndarray | None = field(default=None, repr=False)
    """(H, W) bool of the capture: the defect that is cut out of it, if one is."""

    @cached_property
    def places(self) -> np.ndarray:
        """(h, w, 2) float32: the (column, row) of the capture that each cell was seen in, NaN off the surface."""
        return self._charted(np.ones(self.shape, bool))

    @cached_property
    def known(self) -> np.ndarray:
        return np.ones(self.shape, bool) if self.whole else np.isfinite(self.places[..., 0])

    def known_in(self, mask: np.ndarray) -> np.ndarray:
        """Which cells of a mask (h, w) bool are known, at the cost of that mask's own cells where they are few."""
        if self.whole or "places" in self.__dict__ or 2 * np.count_nonzero(mask) > mask.size:
            return mask & self.known
        return np.isfinite(self._charted(mask)[..., 0])

    @cached_property
    def marked(self) -> np.ndarray:
        marks = self.marks[self.patch.window].astype(np.float32)
        return self.known & (self._taken(marks, cv2.INTER_LINEAR) > 0.5)

    @cached_property
    def colours(self) -> np.ndarray:
        if self.capture.rgb is None:
            return np.full((*self.shape, 3), COLOURLESS, np.float32)
        surface = self.capture.surface
        window = self.patch.window
        facing = surface.light.shading(np.nan_to_num(np.ascontiguousarray(surface.normals[window])))
        shade = np.maximum(1 + surface.light.confidence * (facing - 1), DARKEST)
        own = to_linear(np.ascontiguousarray(self.capture.rgb[window])) / (surface.white * shade)[..., None]
        return np.maximum(self._taken(own.astype(np.float32), cv2.INTER_CUBIC), 0)

    @cached_property
    def relief_mm(self) -> np.ndarray:
        patch, surface = self.patch, self.capture.surface
        from_anchor = cv2.subtract(surface.smoothed[patch.window], (*patch.anchor_m.astype(np.float32).tolist(), 0.0))
        above = from_anchor @ patch.normal.astype(np.float32)
        height = self._taken(np.nan_to_num(above * np.float32(1e3)), cv2.INTER_LINEAR)
        return np.where(self.known, height - coarse(height, self._ground), 0).astype(np.float32)

    def facing(self, middle: tuple[float, float]) -> np.ndarray:
        normals = self.capture.surface.normals[self.patch.window]
        there = self._taken(np.nan_to_num(np.ascontiguousarray(normals)), cv2.INTER_LINEAR)
        length = np.linalg.norm(there, axis=-1)
        cosine = there @ self.patch.normal.astype(np.float32) / np.maximum(length, np.float32(1e-6))
        return np.where(np.isfinite(self.places[..., 0]), cosine, np.float32(np.nan))

    @property
    def _ground(self):
        """(h, w) bool: what tells the coarse shape; of a cut-out defect, what lies about it, clear of its rim."""
        if self.marks is None:
            return self.known
        far = exact_distance(~self.marked)
        grounds = (self.known & (far > cells) for cells in (CLEAR * max(self.shape), 0))
        return next((ground for ground in grounds if np.count_nonzero(ground) >= FEWEST_FITTED), self.known)

    def _charted(self, wanted):
        patch, (h, w), step = self.patch, self.shape, self.step_mm
        linked = np.ascontiguousarray(self.capture.surface.linked[patch.window])
        return _places(np.ascontiguousarray(patch.st_mm), linked, -(h // 2) * step, -(w // 2) * step, step,
                       cv2.integral(wanted.view(np.uint8)), np.float32(patch.rows[0]), np.float32(patch.columns[0]))

    @cached_property
    def _at(self) -> tuple[np.ndarray, np.ndarray]:
        """(column, row) of the patch's window that each cell shows, (h, w) float32 each; the first where none is."""
        there = np.isfinite(self.places[..., 0])
        return tuple(np.where(there, self.places[..., c] - np.float32(first), np.float32(0))
                     for c, first in enumerate((self.patch.columns[0], self.patch.rows[0])))

    def _taken(self, values, how):
        return cv2.remap(values, *self._at, how, borderMode=cv2.BORDER_REPLICATE)


def coarse(height: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The quadric (h, w) that fits the known heights best: a plane, a ball and a tube have no relief."""
    h, w = height.shape
    at = np.flatnonzero(known)
    if len(at) < FEWEST_FITTED:
        return np.zeros(height.shape)
    at = at[::max(1, len(at) // MOST_FITTED)]
    rows, columns = np.linspace(-1, 1, h), np.linspace(-1, 1, w)
    y, x = rows[at // w], columns[at % w]
    terms = np.stack((np.ones(len(at)), y, x, y * y, x * y, x * x), -1)
    a, b, c, d, e, f = np.linalg.lstsq(terms, height.ravel()[at].astype(np.float64), rcond=None)[0]
    y, x = rows[:, None], columns[None, :]
    return (a + b * y + d * y * y) + (c + e * y) * x + f * (x * x)


@njit(cache=True, nogil=True)
def _places(st, linked, t0, s0, step, wanted, first_row, first_column):
    """(h, w, 2) float32: the (column, row) at the wanted cells of a grid over a chart; else NaN.

    st: (rows, columns, 2) mm, of a window that begins at first_row and first_column; cell (i, j) stands at
    t0 + i·step, s0 + j·step; wanted: (h + 1, w + 1), how many are above and left of each. Two triangles a pixel.
    """
    h, w = wanted.shape[0] - 1, wanted.shape[1] - 1
    out = np.full((h, w, 2), np.nan, np.float32)
    x, y = (st[..., 0] - s0) / step, (st[..., 1] - t0) / step
    for r in range(st.shape[0] - 1):
        for c in range(st.shape[1] - 1):
            if not (linked[r, c, 0] and linked[r, c, 1] and linked[r + 1, c, 0] and linked[r, c + 1, 1]):
                continue
            if not _any_wanted(wanted, y[r:r + 2, c:c + 2], x[r:r + 2, c:c + 2]):
                continue
            for a, b in ((0, 0), (1, 1)):  # the corner at which each triangle has its right angle
                x0, x1, x2 = x[r + a, c + b], x[r + a, c + 1 - b], x[r + 1 - a, c + b]
                y0, y1, y2 = y[r + a, c + b], y[r + a, c + 1 - b], y[r + 1 - a, c + b]
                area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
                if not abs(area) > 1e-9:  # NaN off the chart
                    continue
                i0, i1 = max(0, math.ceil(min(y0, y1, y2))), min(h - 1, math.floor(max(y0, y1, y2)))
                j0, j1 = max(0, math.ceil(min(x0, x1, x2))), min(w - 1, math.floor(max(x0, x1, x2)))
                way = 1.0 if area > 0 else -1.0
                outside = -ROUNDING * abs(area)
                for i in range(i0, i1 + 1):
                    for j in range(j0, j1 + 1):
                        if wanted[i + 1, j + 1] - wanted[i, j + 1] == wanted[i + 1, j] - wanted[i, j]:
                            continue
                        p = ((j - x0) * (y2 - y0) - (x2 - x0) * (i - y0)) * way
                        q = ((x1 - x0) * (i - y0) - (j - x0) * (y1 - y0)) * way
                        if p >= outside and q >= outside and p + q <= abs(area) - outside:
                            out[i, j, 0] = np.float32(c + b + p / abs(area) * (1 - 2 * b)) + first_column
                            out[i, j, 1] = np.float32(r + a + q / abs(area) * (1 - 2 * a)) + first_row
    return out


@njit(cache=True, nogil=True, inline="always")
def _any_wanted(wanted, y, x):
    """Whether a cell in the box of a pixel's corners (2, 2) is wanted; corners off the chart are NaN."""
    i0, i1, j0, j1 = wanted.shape[0] - 2.0, 0.0, wanted.shape[1] - 2.0, 0.0
    for a in range(2):
        for b in range(2):
            if y[a, b] == y[a, b]:
                i0, i1, j0, j1 = min(i0, y[a, b]), max(i1, y[a, b]), min(j0, x[a, b]), max(j1, x[a, b])
    i0, j0 = max(0, math.floor(i0)), max(0, math.floor(j0))
    i1, j1 = min(wanted.shape[0] - 1, math.floor(i1) + 1), min(wanted.shape[1] - 1, math.floor(j1) + 1)
    return i0 < i1 and j0 < j1 and wanted[i1, j1] - wanted[i0, j1] > wanted[i1, j0] - wanted[i0, j0]
