"""A whole photograph as a canvas, as most methods were published on: sRGB, light and all, and no relief."""

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from crossmodal.capture import Capture
from crossmodal.methods.canvas import Canvas
from rgb import to_linear, to_srgb


@dataclass(frozen=True, eq=False, kw_only=True)
class Photograph(Canvas):
    """Cells are pixels; colours sRGB, 0 to 1."""

    shown: np.ndarray = field(repr=False)
    """(h, w) bool: what of it is known."""
    turn_deg: float = 0.0
    """By how much what is drawn on it is turned; a surface's heading says so for itself."""
    shift: tuple[int, int] = (0, 0)
    """(down, across): the pixel that each cell shows, from its own."""

    @classmethod
    def of(cls, capture: Capture, on_object: bool, turn_deg: float = 0.0,
           shift: tuple[int, int] = (0, 0)) -> "Photograph":
        """The whole picture, of which all is known, or the object alone."""
        shown = capture.surface.foreground if on_object else np.ones(capture.shape, bool)
        return cls(capture=capture, step_mm=capture.surface.mm_per_pixel, shape=shown.shape, shown=shown,
                   turn_deg=turn_deg, shift=shift)

    @cached_property
    def known(self) -> np.ndarray:
        return np.ones(self.shape, bool) if self.whole else self.shown

    @property
    def on_object(self) -> np.ndarray:
        return self.capture.surface.foreground

    @cached_property
    def colours(self) -> np.ndarray:
        return np.roll(self.capture.rgb.astype(np.float32) / 255, (-self.shift[0], -self.shift[1]), (0, 1))

    @cached_property
    def relief_mm(self) -> np.ndarray:
        return np.zeros(self.shape, np.float32)

    def facing(self, middle: tuple[float, float]) -> np.ndarray:
        normals = self.capture.surface.normals
        return normals @ normals[tuple(int(round(x)) for x in middle)]

    def about(self, middle: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        y, x = super().about(middle)
        if not self.turn_deg:
            return y, x
        c, s = np.cos(np.deg2rad(self.turn_deg)), np.sin(np.deg2rad(self.turn_deg))
        return c * y - s * x, s * y + c * x

    def rising(self, ground: np.ndarray) -> np.ndarray:
        return ground.astype(np.float32)

    def from_srgb(self, srgb: np.ndarray) -> np.ndarray:
        return srgb.astype(np.float32) / 255

    def as_srgb(self, colours: np.ndarray) -> np.ndarray:
        return np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)

    def tinted(self, colours: np.ndarray, gain: np.ndarray) -> np.ndarray:
        return self.from_srgb(to_srgb(to_linear(self.as_srgb(colours)) * gain))


@dataclass(frozen=True, eq=False, kw_only=True)
class CutOut(Photograph):
    """Another photograph, or another piece of the same one, laid onto a photograph."""

    warp: np.ndarray = field(repr=False)
    """(2, 3): the (column, row) that each cell shows."""
    marks: np.ndarray | None = field(default=None, repr=False)
    """(H, W) bool of the capture: the defect that is cut out of it, if one is."""

    @classmethod
    def onto(cls, canvas: Photograph, there: tuple[int, int], capture: Capture, middle: tuple[int, int],
             turn_deg: float, scale: float, marks: np.ndarray | None = None) -> "CutOut":
        """A photograph about a pixel (column, row), turned and so much larger, laid onto one about a pixel there."""
        warp = cv2.getRotationMatrix2D(there, turn_deg, 1 / scale)
        warp[:, 2] += np.array(middle) - there
        return cls(capture=capture, step_mm=canvas.step_mm, shape=canvas.shape, shown=np.ones(canvas.shape, bool),
                   warp=warp, marks=marks)

    @cached_property
    def colours(self) -> np.ndarray:
        return self._warped(self.capture.rgb).astype(np.float32) / 255

    @cached_property
    def marked(self) -> np.ndarray:
        return self.known & (self._warped(self.marks.astype(np.float32)) > 0.5)

    def _warped(self, values):
        return cv2.warpAffine(values, self.warp, self.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
