"""Lines along the surface: scratch."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numba import njit

from crossmodal.defects.spec import Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_value

GROOVE = 0.6  # share of a scratch's width that is groove; the rest is its lips
LIP = 0.28  # a lip's height against the groove's depth there


class Scratch(Spec):
    """A groove ploughed along the surface, with lips of pushed-up matter on either side."""

    extent: ClassVar = "local"
    effect: ClassVar = "both"
    sizes: ClassVar = ("length_mm", "width_mm", "depth_mm")

    kind: Literal["scratch"] = "scratch"
    length_mm: Size | None = None
    width_mm: Size | None = None
    """Across, lips included."""
    depth_mm: Size | None = None

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "length_mm":
            return scale.across(0.15, 0.35, pixels=30, room=1.0)
        if name == "width_mm":
            return scale.across(0.004, 0.010, pixels=4, steepest=0.4)
        return scale.relief(self.width_mm, 0.2, 0.4)


@dataclass(frozen=True, eq=False)
class Groove:
    """A slightly bowed line along +s; depth and width vary along it and taper to its ends."""

    length_mm: float
    width_mm: float
    depth_mm: float
    bow_mm: float
    whitening: float
    seed: int

    @property
    def bounds_mm(self):
        half = 0.58 * self.width_mm + 0.5 * abs(self.bow_mm)
        return (-0.5 * self.length_mm, 0.5 * self.length_mm, -half, half)

    @property
    def finest_mm(self):
        return 0.5 * self.width_mm

    @property
    def reach_mm(self):
        return math.hypot(0.5 * self.length_mm, self.bounds_mm[3])

    @property
    def deepest_mm(self):
        return self.depth_mm

    @property
    def highest_mm(self):
        return 1.5 * LIP * self.depth_mm

    def near(self, s_mm, t_mm, margin_mm):
        x = np.clip(2.0 / self.length_mm * s_mm, -1, 1)
        path = self.bow_mm * (0.5 - x * x)
        return ((np.abs(s_mm) <= 0.5 * self.length_mm + margin_mm)
                & (np.abs(t_mm - path) <= 0.6 * self.width_mm + margin_mm))

    def sample(self, s_mm, t_mm) -> Sample:
        d, whitening = _groove(np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64), self.length_mm,
                               self.width_mm, self.depth_mm, self.bow_mm, self.whitening, self.seed & 0x7FFFFFFF)
        return Sample(d, whitening=whitening)


@njit(cache=True, nogil=True)
def _groove(s, t, length, width, depth, bow, whitening, seed):
    d = np.zeros(len(s), np.float32)
    white = np.zeros(len(s), np.float32)
    for i in range(len(s)):
        x = 2.0 * s[i] / length
        # Beyond the widest that the groove can be, with all its jitter, nothing is worth working out.
        if abs(x) >= 1.0 or abs(t[i] - bow * (0.5 - x * x)) > 0.58 * width:
            continue
        # The tool lands, ploughs and lifts: full width and depth over the middle, thin at the ends.
        end = min(1.0, (1.0 - abs(x)) / 0.4)
        end = end * (2.0 - end)
        # Steady over a width to either side of its middle, so that the asked width and depth are somewhere reached.
        steady = min(0.3, 2.0 * width / length)
        wander = min(1.0, max(0.0, 4.0 * (abs(x) - steady)))
        uneven = lattice_value(s[i] / (0.12 * length), 0.5, seed)
        pressure = end * (1.0 - 0.3 * (0.5 + 0.5 * uneven) * wander)
        jitter = 0.07 * width * lattice_value(s[i] / (0.14 * length), 7.5, seed)
        path = bow * (0.5 - x * x) + jitter * wander
        half = 0.5 * width * (0.35 + 0.65 * pressure)
        y = abs(t[i] - path) / half
        if y >= 1.0:
            continue
        if y < GROOVE:
            g = y / GROOVE
            d[i] = -depth * pressure * (1.0 - g * g) ** 1.5
            # Torn, rough matter at the bottom scatters the light; streaks run along the tool's path.
            grain = 0.75 + 0.25 * lattice_value(s[i] / (0.8 * width), t[i] / (0.15 * width), seed + 3)
            white[i] = whitening * grain * (1.0 - g * g) * math.sqrt(pressure)
        else:
            g = (y - GROOVE) / (1.0 - GROOVE)
            rise = 1.0 + 0.5 * lattice_value(s[i] / (0.08 * length), 3.5 if t[i] > path else 4.5, seed + 1)
            d[i] = LIP * depth * pressure * rise * 16.0 * (g * (1.0 - g)) ** 2
    return d, white


@grow.register
def _(scratch: Scratch, seed: int) -> Groove:
    length, width = scratch.fixed("length_mm"), scratch.fixed("width_mm")
    bow = 0.035 * length * float(hashed(seed, 1)[0])
    return Groove(length, width, scratch.fixed("depth_mm"), bow, 0.7, seed + 1)
