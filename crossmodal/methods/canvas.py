"""What the blocks of a method work on: a piece of surface unrolled, or a whole photograph."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numba import njit

from crossmodal.capture import Capture
from crossmodal.edit import exact_distance
from crossmodal.patch import Patch
from crossmodal.texture import lattice_noise
from rgb import to_linear, to_srgb

MOST_FITTED = 4000  # cells that tell a piece's coarse shape
COLOURLESS = 0.5  # linear, of an object that says no colour; nothing of it is seen
FEWEST_FITTED = 12
CLEAR = 0.1  # of a canvas's side, that a defect's rim may reach beyond what its ground truth marks
FROM_PX = 3  # cells about a hole, that it is filled in from
RISES_PX = 2  # of the capture, over which relief rises from nothing at the end of what carries it
ROUNDING = 1e-6  # of a triangle, that a cell on its border may seem to lie beyond it


@dataclass(frozen=True, eq=False)
class Canvas:
    """A picture of (h, w) cells of step_mm each.

    shape: (h, w)
    known: (h, w) bool, cells that show the object
    colours: (h, w, 3) float32. On a surface linear and in full light, where white matter is 1; of a photograph sRGB,
        0 to 1
    relief_mm: (h, w) float32, how far the surface stands out of its coarse shape; 0 where it is not known
    """

    capture: Capture
    step_mm: float
    shape: tuple[int, int]
    lit: bool
    """Whether it is a photograph, light and all."""
    patch: Patch | None = None
    shown: np.ndarray | None = field(default=None, repr=False)
    """(h, w) bool: what is known of a photograph."""
    turn_deg: float = 0.0
    """By how much what is drawn on a photograph is turned; a surface's heading says so for itself."""
    shift: tuple[int, int] = (0, 0)
    """(down, across): the cell of a photograph that each cell shows, if not its own."""
    warp: np.ndarray | None = field(default=None, repr=False)
    """(2, 3): the (column, row) of another photograph that each cell shows, if it is of one."""
    marks: np.ndarray | None = field(default=None, repr=False)
    """(H, W) bool of the capture: the defect that is cut out of it, if one is."""
    whole: bool = False
    """Whether all of it is taken to be known, to tell what a shape would be."""
    lent: "Canvas | None" = field(default=None, repr=False)
    """The canvas that what is laid is cut from, if it is."""

    @classmethod
    def photographed(cls, capture: Capture, on_object: bool, turn_deg: float = 0.0,
                     shift: tuple[int, int] = (0, 0)) -> "Canvas":
        """The whole picture, of which all is known, or the object alone."""
        known = capture.surface.foreground if on_object else np.ones(capture.shape, bool)
        return cls(capture, capture.surface.mm_per_pixel, known.shape, True, shown=known, turn_deg=turn_deg,
                   shift=shift)

    @classmethod
    def cut_out(cls, capture: Capture, marks: np.ndarray, middle, turn_deg: float, scale: float, onto: "Canvas",
                there) -> "Canvas":
        """Another photograph about a pixel (column, row), turned and so much larger, laid onto one about a pixel
        there."""
        warp = cv2.getRotationMatrix2D(there, turn_deg, 1 / scale)
        warp[:, 2] += np.array(middle) - there
        return cls(capture, onto.step_mm, onto.shape, True, shown=np.ones(onto.shape, bool), warp=warp, marks=marks)

    @classmethod
    def unrolled(cls, capture: Capture, patch: Patch, size_mm: tuple[float, float], step_mm: float) -> "Canvas":
        """(down, across) mm of surface about a patch's anchor: columns run along its heading."""
        h, w = (2 * int(np.ceil(0.5 * side / step_mm)) + 1 for side in size_mm)
        return cls(capture, step_mm, (h, w), False, patch)

    @cached_property
    def places(self) -> np.ndarray:
        """(h, w, 2) float32: the (column, row) of the capture that each cell of a surface was seen in, NaN off it."""
        return self._charted(np.ones(self.shape, bool))

    @cached_property
    def known(self) -> np.ndarray:
        if self.whole:
            return np.ones(self.shape, bool)
        return self.shown if self.lit else np.isfinite(self.places[..., 0])

    @cached_property
    def marked(self) -> np.ndarray:
        """(h, w) bool: cells that show the defect that is cut out."""
        shown = self._warped if self.lit else self._taken
        marks = self.marks if self.lit else self.marks[self.patch.window]
        return self.known & (shown(marks.astype(np.float32), cv2.INTER_LINEAR) > 0.5)

    def known_in(self, mask: np.ndarray) -> np.ndarray:
        """Which cells of a mask (h, w) bool are known, at the cost of that mask's own cells where they are few."""
        if self.lit or self.whole or "places" in self.__dict__ or 2 * np.count_nonzero(mask) > mask.size:
            return mask & self.known
        return np.isfinite(self._charted(mask)[..., 0])

    def _charted(self, wanted):
        patch, (h, w), step = self.patch, self.shape, self.step_mm
        linked = np.ascontiguousarray(self.capture.surface.linked[patch.window])
        return _places(np.ascontiguousarray(patch.st_mm), linked, -(h // 2) * step, -(w // 2) * step, step,
                       cv2.integral(wanted.view(np.uint8)), np.float32(patch.rows[0]), np.float32(patch.columns[0]))

    @cached_property
    def colours(self) -> np.ndarray:
        if self.capture.rgb is None:
            return np.full((*self.shape, 3), COLOURLESS, np.float32)
        if self.warp is not None:
            return self._warped(self.capture.rgb, cv2.INTER_LINEAR).astype(np.float32) / 255
        if self.lit:
            return np.roll(self.capture.rgb.astype(np.float32) / 255, (-self.shift[0], -self.shift[1]), (0, 1))
        surface = self.capture.surface
        window = self.patch.window
        facing = surface.light.shading(np.nan_to_num(np.ascontiguousarray(surface.normals[window])))
        shade = np.maximum(1 + surface.light.confidence * (facing - 1), 0.2)
        own = to_linear(np.ascontiguousarray(self.capture.rgb[window])) / (surface.white * shade)[..., None]
        return np.maximum(self._taken(own.astype(np.float32), cv2.INTER_CUBIC), 0)

    @property
    def floor_mm(self) -> float:
        """What of relief drowns in noise."""
        return self.capture.surface.floor_mm

    @cached_property
    def relief_mm(self) -> np.ndarray:
        if self.lit:
            return np.zeros(self.shape, np.float32)
        patch, surface = self.patch, self.capture.surface
        from_anchor = cv2.subtract(surface.smoothed[patch.window], (*patch.anchor_m.astype(np.float32).tolist(), 0.0))
        above = from_anchor @ patch.normal.astype(np.float32)
        height = self._taken(np.nan_to_num(above * np.float32(1e3)), cv2.INTER_LINEAR)
        return np.where(self.known, height - coarse(height, self._ground), 0).astype(np.float32)

    def about(self, middle: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """(y, x) mm of each cell from a place (row, column), in the axes of what is drawn: (h, 1) and (1, w); turned,
        (h, w) each."""
        y, x = (self.step_mm * (np.arange(n) - at) for n, at in zip(self.shape, middle, strict=True))
        y, x = y[:, None], x[None, :]
        if not self.turn_deg:
            return y, x
        c, s = np.cos(np.deg2rad(self.turn_deg)), np.sin(np.deg2rad(self.turn_deg))
        return c * y - s * x, s * y + c * x

    def facing(self, middle: tuple[float, float]) -> np.ndarray:
        """(h, w) float32: cosine of the angle between each cell's normal and that of the middle (row, column); NaN off
        the surface."""
        normals = self.capture.surface.normals
        if self.lit:
            return normals @ normals[tuple(int(round(x)) for x in middle)]
        there = self._taken(np.nan_to_num(np.ascontiguousarray(normals[self.patch.window])), cv2.INTER_LINEAR)
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

    def _warped(self, values, how):
        return cv2.warpAffine(values, self.warp, self.shape[::-1], flags=how | cv2.WARP_INVERSE_MAP)

    @cached_property
    def _at(self) -> tuple[np.ndarray, np.ndarray]:
        """(column, row) of the patch's window that each cell shows, (h, w) float32 each; the first where none is."""
        there = np.isfinite(self.places[..., 0])
        return tuple(np.where(there, self.places[..., c] - np.float32(first), np.float32(0))
                     for c, first in enumerate((self.patch.columns[0], self.patch.rows[0])))

    def _taken(self, values, how):
        return cv2.remap(values, *self._at, how, borderMode=cv2.BORDER_REPLICATE)

    def rising(self, ground: np.ndarray) -> np.ndarray:
        """(h, w) float32, 0 to 1: relief's share over a ground (h, w) bool, at whose end it would be a cliff."""
        if self.lit:
            return ground.astype(np.float32)
        far = cv2.distanceTransform(ground.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        rises = np.float32(RISES_PX * self.capture.surface.mm_per_pixel / self.step_mm)
        return np.minimum(far, rises) / rises

    def carried(self, relief: np.ndarray) -> np.ndarray:
        """Relief (h, w) that has run out where the surface ends, and is nothing off it."""
        there = relief != 0
        beside = int(np.ceil(RISES_PX * self.capture.surface.mm_per_pixel / self.step_mm))
        box, out = box_of(there, beside), np.zeros_like(relief)
        if not there.any():
            return out
        wanted = cv2.dilate(there.view(np.uint8), np.ones((2 * beside + 1,) * 2, np.uint8)).view(bool)
        out[box] = relief[box] * self.rising(~wanted[box] | self.known_in(wanted)[box])
        return out

    def from_srgb(self, srgb: np.ndarray) -> np.ndarray:
        """Colours (..., 3) uint8 as this canvas keeps them."""
        return srgb.astype(np.float32) / 255 if self.lit else to_linear(srgb)

    def as_srgb(self, colours: np.ndarray) -> np.ndarray:
        """Colours (h, w, 3) of this canvas as uint8."""
        if self.lit:
            return np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)
        return to_srgb(np.ascontiguousarray(colours, np.float32))


    def filled(self, mask: np.ndarray) -> np.ndarray:
        """Its colours (h, w, 3), with a mask (h, w) bool filled in from about it (Telea 2004)."""
        hole = (mask | ~self.known).astype(np.uint8)
        return self.from_srgb(cv2.inpaint(self.as_srgb(self.colours), hole, FROM_PX, cv2.INPAINT_TELEA))

    def grain(self, wide_mm: float, seed: int, octaves: int = 1) -> np.ndarray:
        """(h, w) float32 noise in [-1, 1], with features about as wide."""
        y, x = (self.step_mm * np.arange(n, dtype=np.float64) for n in self.shape)
        return lattice_noise(*np.meshgrid(x, y), seed, wide_mm, octaves)


def box_of(mask: np.ndarray, margin: int = 0) -> tuple[slice, slice]:
    """The rows and columns of a mask (h, w) bool that hold all that is true, and a margin about it; empty if nothing
    is."""
    spans = []
    for n, lines in zip(mask.shape, (mask.any(1), mask.any(0)), strict=True):
        at = np.flatnonzero(lines)
        spans.append(slice(max(0, int(at[0]) - margin), min(n, int(at[-1]) + 1 + margin)) if len(at) else slice(0, 0))
    return tuple(spans)


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
