"""Pressed in or out: dent and bump."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import lattice_noise


class Dent(Spec):
    """A smooth push into the surface, as from a knock."""

    extent: ClassVar = "local"
    effect: ClassVar = "in"
    sizes: ClassVar = ("diameter_mm", "depth_mm")

    kind: Literal["dent"] = "dent"
    diameter_mm: Size | None = None
    depth_mm: Size | None = None

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.10, 0.22, pixels=14, steepest=0.2)
        return scale.relief(self.diameter_mm, 0.08, 0.16)


class Bump(Spec):
    """A smooth push out of the surface, as from something caught beneath it."""

    extent: ClassVar = "local"
    effect: ClassVar = "out"
    sizes: ClassVar = ("diameter_mm", "height_mm")

    kind: Literal["bump"] = "bump"
    diameter_mm: Size | None = None
    height_mm: Size | None = None

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.08, 0.18, pixels=14, steepest=0.2)
        return scale.relief(self.diameter_mm, 0.06, 0.14)


@dataclass(frozen=True, eq=False)
class Push:
    """A push of one sign under an irregular outline; ``amplitude_mm`` is reached at its centre."""

    outline: Outline
    amplitude_mm: float
    fullness: float
    unevenness: float
    seed: int

    @property
    def bounds_mm(self):
        return self.outline.bounds_mm

    @property
    def finest_mm(self):
        return self.outline.diameter_mm

    @property
    def reach_mm(self):
        return self.outline.reach_mm

    @property
    def deepest_mm(self):
        return max(0.0, -self.amplitude_mm)

    @property
    def highest_mm(self):
        return max(0.0, self.amplitude_mm)

    def near(self, s_mm, t_mm, margin_mm):
        return self.outline.near(s_mm, t_mm, margin_mm)

    def sample(self, s_mm, t_mm) -> Sample:
        r2 = self.outline.inside(s_mm, t_mm) ** 2
        # Unevenness enters with r², so that the centre stays the deepest point: (1-r²)^1.5·(1+ar²) ≤ 1 for a ≤ 1.5.
        noise = lattice_noise(s_mm, t_mm, self.seed, 0.35 * self.outline.diameter_mm)
        shape = np.maximum(1 - r2, 0) ** 1.5 * (1 + r2 * (self.fullness + self.unevenness * noise))
        return Sample((self.amplitude_mm * shape).astype(np.float32))


@grow.register
def _(dent: Dent, seed: int) -> Push:
    outline = Outline.drawn(dent.fixed("diameter_mm"), 0.22, seed)
    return Push(outline, -dent.fixed("depth_mm"), 0.4, 0.8, seed + 1)


@grow.register
def _(bump: Bump, seed: int) -> Push:
    outline = Outline.drawn(bump.fixed("diameter_mm"), 0.16, seed)
    return Push(outline, bump.fixed("height_mm"), 0.9, 0.5, seed + 1)
