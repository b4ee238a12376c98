"""What the blocks of a method work on, whatever it shows: a piece of a surface, unrolled, a piece of a cloud's, or a
whole photograph (see unrolled, cloud_canvas, picture)."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from crossmodal.capture import Capture
from crossmodal.clouds.cloud import Cloud
from crossmodal.texture import lattice_noise
from rgb import to_linear, to_srgb

COLOURLESS = 0.5  # linear, of an object that says no colour; nothing of it is seen
FROM_PX = 3  # cells about a hole, that it is filled in from
RISES_PX = 2  # of the capture, over which relief rises from nothing at the end of what carries it


@dataclass(frozen=True, eq=False, kw_only=True)
class Canvas:
    """(h, w) cells of step_mm each. On a surface its colours are linear and those of matter in full light, where white
    is 1; what shows something else says so."""

    capture: Capture | Cloud
    step_mm: float
    shape: tuple[int, int]
    """(h, w)."""
    whole: bool = False
    """Whether all of it is taken to be known, to tell what a shape would be."""
    lent: "Canvas | None" = field(default=None, repr=False)
    """The canvas that a defect is cut from, if one is."""

    @property
    def known(self) -> np.ndarray:
        """(h, w) bool, cells that show the object."""
        raise NotImplementedError

    @property
    def on_object(self) -> np.ndarray:
        """(h, w) bool, cells that have the object beneath them, whatever else is shown."""
        return self.known

    @property
    def colours(self) -> np.ndarray:
        """(h, w, 3) float32."""
        raise NotImplementedError

    @property
    def relief_mm(self) -> np.ndarray:
        """(h, w) float32, how far the surface stands out of its coarse shape; 0 where it is not known."""
        raise NotImplementedError

    @property
    def marked(self) -> np.ndarray:
        """(h, w) bool, cells that show the defect that is cut out, of a canvas that one is cut from."""
        raise NotImplementedError

    @property
    def floor_mm(self) -> float:
        """What of relief drowns in noise."""
        return self.capture.surface.floor_mm

    def facing(self, middle: tuple[float, float]) -> np.ndarray:
        """(h, w) float32: cosine of the angle between each cell's normal and that of the middle (row, column); NaN off
        the surface."""
        raise NotImplementedError

    def known_in(self, mask: np.ndarray) -> np.ndarray:
        """Which cells of a mask (h, w) bool are known."""
        return mask & self.known

    def about(self, middle: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """(y, x) mm of each cell from a place (row, column), in the axes of what is drawn: (h, 1) and (1, w); turned,
        (h, w) each."""
        y, x = (self.step_mm * (np.arange(n) - at) for n, at in zip(self.shape, middle, strict=True))
        return y[:, None], x[None, :]

    def rising(self, ground: np.ndarray) -> np.ndarray:
        """(h, w) float32, 0 to 1: relief's share over a ground (h, w) bool, at whose end it would be a cliff."""
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
        return to_linear(srgb)

    def as_srgb(self, colours: np.ndarray) -> np.ndarray:
        """Colours (h, w, 3) of this canvas as uint8."""
        return to_srgb(np.ascontiguousarray(colours, np.float32))

    def tinted(self, colours: np.ndarray, gain: np.ndarray) -> np.ndarray:
        """Colours (h, w, 3) of this canvas, of matter whose linear colour is changed by a gain (h, w, 3)."""
        return colours * gain

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
