"""Pressed in or out: dent and bump."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Effect, Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import lattice_noise

Shoulders = Literal["smooth", "sharp"]
POWER = {"smooth": 1.5, "sharp": 1.0}  # of the push towards its rim: a sharp one meets the surface at an angle
CAVITY = 0.72  # share of a plastic dent's radius that is pressed in; around it stands the ring
PILED = 0.28  # share of the volume pressed in that comes up again; the rest is squeezed denser or gone to the back
UNEVEN = 0.6  # of the ring's height along its run
PALED = 0.25  # stress-whitening where plastic matter was bent most


class Dent(Spec):
    """A smooth push into the surface, as from a knock."""

    extent: ClassVar = "local"
    effect: ClassVar = "in"
    sizes: ClassVar = ("diameter_mm", "depth_mm")

    kind: Literal["dent"] = "dent"
    diameter_mm: Size | None = None
    depth_mm: Size | None = None
    shoulders: Shoulders = "smooth"
    plastic: bool = False
    """Whether the matter flows: a part of what is pressed in piles up in a ring, which the diameter includes, and
    pales where it was bent."""

    @property
    def does(self) -> Effect:
        return "both" if self.plastic else self.effect

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
    shoulders: Shoulders = "smooth"

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.08, 0.18, pixels=14, steepest=0.2)
        return scale.relief(self.diameter_mm, 0.06, 0.14)


@dataclass(frozen=True, eq=False)
class Push:
    """A push of one sign under an irregular outline; ``amplitude_mm`` is reached at its centre."""

    outline: Outline
    amplitude_mm: float
    power: float
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

    def pushed(self, s_mm, t_mm, r):
        """Displacement (n,) float64 mm where a point is at a share r (n,) of the way from the centre to the rim."""
        r2 = np.minimum(r * r, 1)
        # Unevenness enters with r², so that the centre stays the extreme: (1-r²)^p·(1+ar²) ≤ 1 for a ≤ p.
        noise = lattice_noise(s_mm, t_mm, self.seed, 0.35 * self.outline.diameter_mm)
        return self.amplitude_mm * (1 - r2) ** self.power * (1 + r2 * (self.fullness + self.unevenness * noise))

    def sample(self, s_mm, t_mm) -> Sample:
        return Sample(self.pushed(s_mm, t_mm, self.outline.inside(s_mm, t_mm)).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Piled(Push):
    """A dent in matter that flows: the outline holds the cavity and the ring around it."""

    @property
    def finest_mm(self):
        return (1 - CAVITY) * self.outline.diameter_mm

    @property
    def ring_mm(self) -> float:
        """Mean height of the ring's crest that brings up its share of the cavity's volume."""
        p = self.power
        cavity = CAVITY**2 * (1 / (p + 1) + self.fullness / ((p + 1) * (p + 2)))
        crest = (1 - CAVITY) * (1 + CAVITY) * 16 / 30  # 2·∫16(g(1-g))²·r·dr over the ring, by π·radius²
        return PILED * self.deepest_mm * cavity / crest

    @property
    def highest_mm(self):
        return (1 + UNEVEN) * self.ring_mm

    def sample(self, s_mm, t_mm) -> Sample:
        r = self.outline.inside(s_mm, t_mm)
        cavity = self.pushed(s_mm, t_mm, r / CAVITY)
        g = np.clip((r - CAVITY) / (1 - CAVITY), 0, 1)
        uneven = lattice_noise(s_mm, t_mm, self.seed + 3, 0.45 * self.outline.diameter_mm, octaves=2)
        ring = self.ring_mm * 16 * (g * (1 - g)) ** 2 * (1 + UNEVEN * uneven)
        cloud = lattice_noise(s_mm, t_mm, self.seed + 5, 0.2 * self.outline.diameter_mm, octaves=4)
        patchy = np.clip(0.5 + cloud, 0, 1)
        pale = PALED * np.exp(-(((r - CAVITY) / 0.2) ** 2)) * patchy * np.clip(6 * (1 - r), 0, 1)
        return Sample((cavity + ring).astype(np.float32), whitening=pale.astype(np.float32))


@grow.register
def _(dent: Dent, seed: int) -> Push:
    outline = Outline.drawn(dent.fixed("diameter_mm"), 0.22, seed)
    uneven = 0.8 if dent.shoulders == "smooth" else 0.5
    return (Piled if dent.plastic else Push)(outline, -dent.fixed("depth_mm"), POWER[dent.shoulders], 0.4, uneven,
                                             seed + 1)


@grow.register
def _(bump: Bump, seed: int) -> Push:
    outline = Outline.drawn(bump.fixed("diameter_mm"), 0.16, seed)
    full, uneven = (0.9, 0.5) if bump.shoulders == "smooth" else (0.6, 0.3)
    return Push(outline, bump.fixed("height_mm"), POWER[bump.shoulders], full, uneven, seed + 1)
