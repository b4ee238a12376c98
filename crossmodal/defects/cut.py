"""A cut: a blade opens the surface; one lip curls up, the faces are fresh and rough."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numba import njit

from crossmodal.defects.spec import Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_value

GAPE = 0.45  # share of a cut's half width that is open; the rest is its lips
CURL = 0.45  # height of the lip that curls, against the cut's depth
FLAT_LIP = 0.12  # height of the other


class Cut(Spec):
    """An incision: an open, tapered groove with steep fresh faces and one lip that curls up."""

    extent: ClassVar = "local"
    effect: ClassVar = "both"
    sizes: ClassVar = ("length_mm", "width_mm", "depth_mm")

    kind: Literal["cut"] = "cut"
    length_mm: Size | None = None
    width_mm: Size | None = None
    """Across where it gapes most, lips included."""
    depth_mm: Size | None = None

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "length_mm":
            return scale.across(0.1, 0.22, pixels=30, room=1.0)
        if name == "width_mm":
            return scale.across(0.016, 0.03, pixels=8, steepest=0.5)
        return scale.relief(self.width_mm, 0.25, 0.42)


@dataclass(frozen=True, eq=False)
class Incision:
    """A slit along +s, bowed; it curls on the side that ``curl`` gives (±1)."""

    length_mm: float
    width_mm: float
    depth_mm: float
    bow_mm: float
    curl: float
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
        return CURL * self.depth_mm

    def near(self, s_mm, t_mm, margin_mm):
        x = np.clip(2.0 / self.length_mm * s_mm, -1, 1)
        path = self.bow_mm * (0.5 - x * x)
        return ((np.abs(s_mm) <= 0.5 * self.length_mm + margin_mm)
                & (np.abs(t_mm - path) <= 0.5 * self.width_mm + margin_mm))

    def sample(self, s_mm, t_mm) -> Sample:
        d, white, albedo = _slit(np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64), self.length_mm,
                                 self.width_mm, self.depth_mm, self.bow_mm, self.curl, self.seed & 0x7FFFFFFF)
        return Sample(d, np.repeat(albedo[:, None], 3, 1), white)


@njit(cache=True, nogil=True)
def _slit(s, t, length, width, depth, bow, curl, seed):
    d = np.zeros(len(s), np.float32)
    white = np.zeros(len(s), np.float32)
    albedo = np.ones(len(s), np.float32)
    for i in range(len(s)):
        x = 2.0 * s[i] / length
        if abs(x) >= 1.0:
            continue
        # The blade goes in at one end, cuts deep and is drawn out: a lens, fullest before its middle.
        open_ = 1.0 - (x - 0.25 * (1.0 - x * x)) ** 2
        open_ = max(0.0, open_)
        half = 0.5 * width * (0.3 + 0.7 * open_)
        y = (t[i] - bow * (0.5 - x * x)) / half
        if abs(y) >= 1.0:
            continue
        end = min(1.0, (1.0 - abs(x)) / 0.25)
        press = end * (2.0 - end) * open_
        if abs(y) < GAPE:
            g = abs(y) / GAPE
            # Chatter of the blade runs down the faces; torn matter makes them rough.
            grain = 0.6 * lattice_value(s[i] / (0.3 * width), t[i] / (0.4 * width), seed)
            grain += 0.4 * lattice_value(s[i] / (0.5 * width), t[i] / (0.1 * width), seed + 2)
            d[i] = -depth * press * (1.0 - g) * min(1.0 + 0.8 * g * grain, 1.0 / max(1.0 - g, 1e-9))
            # The faces are fresh and pale; only the bottom is dark.
            white[i] = press * min(1.0, 2.2 * g) * max(0.0, 0.42 + 0.3 * grain)
            albedo[i] = 1.0 - 0.6 * press * max(0.0, 1.0 - 2.0 * g) ** 1.2
        else:
            g = (abs(y) - GAPE) / (1.0 - GAPE)
            # It curls most where the blade went deepest, and is nicked.
            torn = 1.0 - 0.35 * (0.5 + 0.5 * lattice_value(s[i] / (0.9 * width), 2.5, seed + 1))
            torn *= 1.0 - 0.3 * max(0.0, lattice_value(s[i] / (0.22 * width), 6.5, seed + 3))
            lip = (CURL if y * curl > 0.0 else FLAT_LIP) * torn
            d[i] = lip * depth * press * min(1.0, g / 0.2) * (1.0 - g) ** 2 / 0.64
            white[i] = press * (0.3 * lip / CURL * (1.0 - g) ** 2 + 0.35 * max(0.0, 1.0 - g / 0.25))
    return d, white, albedo


@grow.register
def _(cut: Cut, seed: int) -> Incision:
    length, lots = cut.fixed("length_mm"), hashed(seed, 2)
    return Incision(length, cut.fixed("width_mm"), cut.fixed("depth_mm"), 0.06 * length * float(lots[0]),
                    1.0 if lots[1] > 0 else -1.0, seed + 1)
