"""The surface in another state: corrosion, burn, discoloration. One cause drives colour and relief together."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Colour, Scale, Share, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_noise

RUST = np.array((0.30, 0.085, 0.022))
CRUST = np.array((0.10, 0.032, 0.014))
CHAR = np.array((0.035, 0.03, 0.028))
FAINTEST = 0.04  # the least change of colour inside an outline: enough to be seen
SINGED = np.array((0.55, 0.33, 0.16))


class Corrosion(Spec):
    """Rust that eats the surface: where it is thickest it is darkest, roughest and pitted deepest."""

    extent: ClassVar = "local"
    effect: ClassVar = "in"
    sizes: ClassVar = ("diameter_mm", "depth_mm")

    kind: Literal["corrosion"] = "corrosion"
    diameter_mm: Size | None = None
    depth_mm: Size | None = None
    """Of the deepest pit."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.12, 0.26, pixels=24, steepest=0.08)
        return scale.relief(self.diameter_mm, 0.015, 0.035)


class Burn(Spec):
    """Heat that charred a core, singed what lies around it and left the shape alone."""

    extent: ClassVar = "local"
    effect: ClassVar = "appearance"
    sizes: ClassVar = ("diameter_mm", "severity")

    kind: Literal["burn"] = "burn"
    diameter_mm: Size | None = None
    severity: Share = (0.6, 1.0)

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        return scale.across(0.07, 0.17, pixels=14)


class Discoloration(Spec):
    """A change of the material's own colour with no edge to it: yellowed, faded, or tempered by heat."""

    extent: ClassVar = "local"
    effect: ClassVar = "appearance"
    sizes: ClassVar = ("diameter_mm", "opacity")

    kind: Literal["discoloration"] = "discoloration"
    diameter_mm: Size | None = None
    opacity: Share = (0.35, 0.7)
    colour: Colour | None = None
    """What it turns a white surface into; None draws one."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        return scale.across(0.10, 0.22, pixels=16)


@dataclass(frozen=True, eq=False)
class Area:
    """What the three share: an irregular outline, inside which a cause falls off towards the rim."""

    outline: Outline
    strength: float
    seed: int

    @property
    def bounds_mm(self):
        return self.outline.bounds_mm

    @property
    def finest_mm(self):
        return 0.2 * self.outline.diameter_mm

    @property
    def reach_mm(self):
        return self.outline.reach_mm

    @property
    def deepest_mm(self):
        return 0.0

    @property
    def highest_mm(self):
        return 0.0

    def near(self, s_mm, t_mm, margin_mm):
        return self.outline.near(s_mm, t_mm, margin_mm)

    def noise(self, s_mm, t_mm, stream: int, share: float, octaves: int = 1):
        """Noise (n,) in [-1, 1] whose grain is a share of the outline's diameter."""
        return lattice_noise(s_mm, t_mm, self.seed + stream, share * self.outline.diameter_mm, octaves=octaves)


@dataclass(frozen=True, eq=False)
class Rusted(Area):
    """``strength`` is the depth of the deepest pit, which lies at the centre."""

    @property
    def deepest_mm(self):
        return self.strength

    def sample(self, s_mm, t_mm) -> Sample:
        r = self.outline.inside(s_mm, t_mm)
        inside = r < 1
        # Attack: full at the heart, in islands towards the rim.
        attack = np.clip(1.25 - 1.25 * r + 0.55 * self.noise(s_mm, t_mm, 0, 0.22, 3) * np.minimum(1, 2 * r), 0, 1)
        pits = np.clip(0.35 + 0.9 * self.noise(s_mm, t_mm, 4, 0.11, 2), 0, 1)
        heart = np.clip(1 - (r / 0.3) ** 2, 0, 1) ** 2
        depth = np.maximum(heart, np.minimum(0.95, attack ** 1.5 * (0.25 + 0.7 * pits))) * np.clip((1 - r) / 0.15, 0, 1)
        thick = np.clip(0.5 * attack + 0.8 * depth + 0.3 * self.noise(s_mm, t_mm, 7, 0.05, 2), 0, 1)[:, None]
        colour = (1 - thick) * RUST + thick * CRUST
        colour = colour * (1 + 0.35 * self.noise(s_mm, t_mm, 9, 0.035, 2))[:, None]
        share = np.where(inside, np.clip(1.6 * attack, 0, 0.95), 0)[:, None]
        # Run-off tints what is not yet attacked.
        bloom = 1 - np.where(inside, 0.5 * np.clip(1 - r, 0, 1) ** 0.7, 0)[:, None] * (1 - RUST / RUST[0])
        return Sample(np.where(inside, -self.strength * depth, 0).astype(np.float32), albedo=bloom.astype(np.float32),
                      cover=np.concatenate((share * np.clip(colour, 0, 1), share), 1).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Charred(Area):
    """``strength`` is how far the charring goes."""

    def sample(self, s_mm, t_mm) -> Sample:
        r = self.outline.inside(s_mm, t_mm)
        heat = np.clip(1 - r, 0, 1) * self.strength
        wisps = self.noise(s_mm, t_mm, 0, 0.3, 4)
        char = _step(0.35, 0.75, heat + 0.16 * wisps * np.clip(2 * heat, 0, 1))
        singe = _step(0.0, 0.45, heat * (1 + 0.35 * wisps))
        ash = 0.10 * _step(0.75, 1.0, heat) * (0.5 + 0.5 * self.noise(s_mm, t_mm, 5, 0.06, 2))
        gain = 1 - singe[:, None] * (1 - SINGED * (1 + 0.15 * self.noise(s_mm, t_mm, 3, 0.08, 2))[:, None])
        gain = (1 - char[:, None]) * gain + char[:, None] * (CHAR + ash[:, None])
        gain = np.where((r < 1)[:, None], np.minimum(gain, 1 - FAINTEST), 1)
        return Sample(np.zeros(len(r), np.float32), albedo=gain.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Tinted(Area):
    """``strength`` is the tint's opacity."""

    tint: np.ndarray
    """(3,) float64, linear gain of the full tint."""

    def sample(self, s_mm, t_mm) -> Sample:
        r = self.outline.inside(s_mm, t_mm)
        cloud = 0.5 + 0.5 * self.noise(s_mm, t_mm, 0, 0.35, 4)
        weight = np.clip(1 - r, 0, 1) ** 0.8 * (0.55 + 0.45 * cloud)
        weight = _step(0, 0.75, weight)
        gain = 1 + self.strength * weight[:, None] * (self.tint - 1)
        # Inside the outline there is always enough of it to be seen.
        faintest = 1 + FAINTEST * (self.tint - 1) / np.abs(self.tint - 1).max()
        gain = np.where(np.abs(gain - 1).max(1, keepdims=True) < FAINTEST, faintest, gain)
        return Sample(np.zeros(len(r), np.float32), albedo=np.where((r < 1)[:, None], gain, 1).astype(np.float32))


def _step(low, high, x):
    """Smooth from 0 at ``low`` to 1 at ``high``."""
    u = np.clip((x - low) / (high - low), 0, 1)
    return u * u * (3 - 2 * u)


@grow.register
def _(corrosion: Corrosion, seed: int) -> Rusted:
    return Rusted(Outline.drawn(corrosion.fixed("diameter_mm"), 0.4, seed), corrosion.fixed("depth_mm"), seed + 1)


@grow.register
def _(burn: Burn, seed: int) -> Charred:
    return Charred(Outline.drawn(burn.fixed("diameter_mm"), 0.3, seed), burn.fixed("severity"), seed + 1)


@grow.register
def _(discoloration: Discoloration, seed: int) -> Tinted:
    if discoloration.colour is None:
        # Yellowed, faded to grey, tempered blue, tempered straw.
        tints = np.array(((0.95, 0.75, 0.35), (0.55, 0.55, 0.58), (0.45, 0.5, 0.8), (0.85, 0.6, 0.3)))
        tint = tints[int((0.5 + 0.4999 * hashed(seed + 3, 1)[0]) * len(tints))]
    else:
        srgb = np.array(discoloration.colour) / 255
        tint = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    outline = Outline.drawn(discoloration.fixed("diameter_mm"), 0.3, seed)
    return Tinted(outline, discoloration.fixed("opacity"), seed + 1, tint)
