"""A burn mark in a region of any shape: the catalogue's, with the region for its outline."""

from dataclasses import dataclass

import numpy as np

from crossmodal.defects.state import Charred
from crossmodal.methods.canvas import Canvas
from crossmodal.methods.regions import Area


@dataclass(frozen=True, eq=False)
class _Within:
    """What the catalogue asks of an outline, of a region's profile (n,)."""

    profile: np.ndarray
    diameter_mm: float

    def inside(self, s_mm, t_mm):
        return 1.0 - np.sqrt(np.abs(self.profile.astype(np.float64)))  # a profile sets out level, and heat does not


def scorched(canvas: Canvas, area: Area, severity: float, seed: int) -> np.ndarray:
    """(h, w, 3) float32: the canvas's colours, charred in the middle of a region and singed about it."""
    t, s = canvas.step_mm * np.mgrid[area.box]
    as_round_mm = 2 * canvas.step_mm * float(np.sqrt(area.inside.sum() / np.pi))
    burn = Charred(_Within(area.profile[area.box].ravel(), as_round_mm), severity, seed)
    gain = burn.sample(s.ravel(), t.ravel()).albedo.reshape(*s.shape, 3)
    out = canvas.colours.copy()
    out[area.box] = canvas.tinted(np.ascontiguousarray(out[area.box]), gain)
    return out
