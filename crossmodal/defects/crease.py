"""A crease: a fold pressed into the surface."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.spec import Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed

ROUND = 0.04  # radius of the fold's bottom as a share of half its width


class Crease(Spec):
    """A fold: a sharp V along a line, with long smooth shoulders to either side."""

    extent: ClassVar = "local"
    effect: ClassVar = "in"
    sizes: ClassVar = ("length_mm", "width_mm", "depth_mm")

    kind: Literal["crease"] = "crease"
    length_mm: Size | None = None
    width_mm: Size | None = None
    """Across, shoulders included."""
    depth_mm: Size | None = None

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "length_mm":
            return scale.across(0.18, 0.34, pixels=40, steepest=0.1)
        if name == "width_mm":
            return 0.3 * self.length_mm[0], 0.4 * self.length_mm[0]
        return scale.relief(self.width_mm, 0.2, 0.28)


@dataclass(frozen=True, eq=False)
class Fold:
    """A slightly bowed V along +s under an elliptic footprint; it runs out towards its ends."""

    length_mm: float
    width_mm: float
    depth_mm: float
    bow_mm: float
    whitening: float

    @property
    def bounds_mm(self):
        half = 0.5 * self.width_mm + 0.5 * abs(self.bow_mm)
        return (-0.5 * self.length_mm, 0.5 * self.length_mm, -half, half)

    @property
    def finest_mm(self):
        return 0.2 * self.width_mm

    @property
    def reach_mm(self):
        return math.hypot(0.5 * self.length_mm, self.bounds_mm[3])

    @property
    def deepest_mm(self):
        return self.depth_mm

    @property
    def highest_mm(self):
        return 0.0

    def near(self, s_mm, t_mm, margin_mm):
        s0, s1, t0, t1 = self.bounds_mm
        return ((s_mm >= s0 - margin_mm) & (s_mm <= s1 + margin_mm)
                & (t_mm >= t0 - margin_mm) & (t_mm <= t1 + margin_mm))

    def sample(self, s_mm, t_mm) -> Sample:
        x = np.asarray(s_mm, np.float64) * (2 / self.length_mm)
        rest = np.maximum(1 - x * x, 0)
        half = 0.5 * self.width_mm * np.sqrt(rest)
        y = np.abs(np.asarray(t_mm, np.float64) - self.bow_mm * (0.5 - x * x)) / np.maximum(half, 1e-9)
        y = np.where(rest > 0, np.minimum(y, 1), 1)
        fold = (np.hypot(y, ROUND) - ROUND) / (math.hypot(1, ROUND) - ROUND)
        shape = rest * (1 - fold) ** 2
        # Along the fold itself, matter was stretched until it turned pale.
        white = self.whitening * rest * np.exp(-((y / 0.1) ** 2)) * (y < 0.4)
        return Sample((-self.depth_mm * shape).astype(np.float32), whitening=white.astype(np.float32))


@grow.register
def _(crease: Crease, seed: int) -> Fold:
    length = crease.fixed("length_mm")
    return Fold(length, crease.fixed("width_mm"), crease.fixed("depth_mm"), 0.012 * length * float(hashed(seed, 1)[0]),
                0.25)
