"""A crease: a fold pressed into the surface."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.spec import Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_noise

WAVER = 0.16  # how far the fold's line leaves its course, in half widths
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
    """A slightly bowed V along +s under an elliptic footprint, wavering in its course and its depth; it runs out
    towards its ends."""

    length_mm: float
    width_mm: float
    depth_mm: float
    bow_mm: float
    whitening: float
    seed: int

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
        y = (np.asarray(t_mm, np.float64) - self.bow_mm * (0.5 - x * x)) / np.maximum(half, 1e-9)
        # The fold's line wavers within its shoulders, more to the ends; its depth too, but not at its middle.
        along = x * (0.5 * self.length_mm)
        off = np.minimum(1, 4 * x * x)
        kink = WAVER * off * lattice_noise(along, 0.0, self.seed, 0.16 * self.length_mm, octaves=2)
        y = np.where(y > kink, (y - kink) / (1 - kink), (kink - y) / (1 + kink))
        y = np.where(rest > 0, np.minimum(y, 1), 1)
        # What lies beside the fold gave way unevenly.
        slack = lattice_noise(s_mm, t_mm, self.seed + 3, 0.5 * self.width_mm, octaves=2)
        fold = (np.hypot(y, ROUND) - ROUND) / (math.hypot(1, ROUND) - ROUND)
        weak = off * (0.5 + 0.5 * lattice_noise(along, 5.0, self.seed + 1, 0.12 * self.length_mm, octaves=2))
        shape = rest * (1 - 0.35 * weak) * (1 - fold) ** 2 * (1 + 0.5 * slack * fold)
        # Along the fold itself, matter was stretched until it turned pale, here and there until it broke.
        broken = lattice_noise(along, 9.0, self.seed + 2, 0.05 * self.length_mm, octaves=3)
        patchy = np.clip(0.75 + 0.9 * broken, 0, 1.6)
        white = self.whitening * rest * np.exp(-((y / (0.05 + 0.05 * patchy)) ** 2)) * (y < 0.4) * patchy
        return Sample((-self.depth_mm * shape).astype(np.float32), whitening=white.astype(np.float32))


@grow.register
def _(crease: Crease, seed: int) -> Fold:
    length = crease.fixed("length_mm")
    return Fold(length, crease.fixed("width_mm"), crease.fixed("depth_mm"), 0.04 * length * float(hashed(seed, 1)[0]),
                0.3, seed + 1)
