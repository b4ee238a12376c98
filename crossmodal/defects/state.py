"""The surface in another state: corrosion, burn, discoloration. One cause drives colour and relief together."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.added import linear, srgb
from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Colour, Effect, Scale, Share, Size, Spec, grow
from crossmodal.easing import eased
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_noise

RUST = np.array((0.30, 0.085, 0.022))
POWDER = np.array((0.46, 0.17, 0.035))
CRUST = np.array((0.10, 0.032, 0.014))
CHAR = np.array((0.035, 0.03, 0.028))
FAINTEST = 0.04  # the least change of colour inside an outline: enough to be seen
# Yellowed, faded to grey, tempered blue, tempered straw.
TINTS = np.array(((0.95, 0.72, 0.28), (0.26, 0.26, 0.29), (0.24, 0.32, 0.7), (0.8, 0.5, 0.2)))
MOST_BLISTERS = 6
SINGED = np.array((0.55, 0.33, 0.16))


class Corrosion(Spec):
    """Rust that eats the surface: pitted deepest where it is thickest, and its dark crust comes off in flakes."""

    extent: ClassVar = "local"
    effect: ClassVar = "in"
    sizes: ClassVar = ("diameter_mm", "depth_mm")

    kind: Literal["corrosion"] = "corrosion"
    diameter_mm: Size | None = None
    depth_mm: Size | None = None
    """Of the deepest pit."""
    colour: Colour | None = None
    """Of fresh rust; its crust is darker and its powder paler. None is iron's; (90, 150, 130) is copper's."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.12, 0.26, pixels=24, steepest=0.08)
        return scale.relief(self.diameter_mm, 0.015, 0.035)


class Burn(Spec):
    """Heat that charred a core and singed what lies around it; it left the shape alone, or raised blisters."""

    extent: ClassVar = "local"
    effect: ClassVar = "appearance"
    sizes: ClassVar = ("diameter_mm", "severity")

    kind: Literal["burn"] = "burn"
    diameter_mm: Size | None = None
    severity: Share = (0.6, 1.0)
    blistered: bool = False
    """Whether gas raised small blisters in and about the core, to a thirtieth of the burn's diameter or less."""

    @property
    def does(self) -> Effect:
        return "out" if self.blistered else self.effect

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        return scale.across(0.07, 0.17, pixels=14)


class Discoloration(Spec):
    """A change of the material's own colour with no edge to it: yellowed, faded, or tempered by heat."""

    extent: ClassVar = "local"
    effect: ClassVar = "appearance"
    sizes: ClassVar = ("diameter_mm", "opacity")

    kind: Literal["discoloration"] = "discoloration"
    diameter_mm: Size | None = None
    opacity: Share = (0.5, 0.85)
    colour: Colour | None = None
    """What it turns a white surface into; None draws one that is seen on the object's own colour."""

    def coloured(self, rng, scale: Scale):
        if self.colour is not None or scale.colour is None:
            return self
        tints = TINTS[scale.stands_out(TINTS * scale.colour, 0.2)]
        return self.model_copy(update={"colour": srgb(tints[int(rng.integers(len(tints)))])})

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

    tones: tuple[np.ndarray, np.ndarray, np.ndarray] = (RUST, CRUST, POWDER)
    """Linear colours (3,) of fresh rust, its crust and its powder."""

    @property
    def deepest_mm(self):
        return self.strength

    def sample(self, s_mm, t_mm) -> Sample:
        r = self.outline.inside(s_mm, t_mm)
        inside = r < 1
        # Attack: full at the heart, in islands towards the rim.
        attack = np.clip(1.15 - 1.15 * r + 0.8 * self.noise(s_mm, t_mm, 0, 0.24, 4) * np.minimum(1, 2 * r), 0, 1)
        pits = np.clip(0.1 + 1.1 * self.noise(s_mm, t_mm, 4, 0.09, 3), 0, 1)
        # Crust comes off in flakes: a step down, within it fresh rust, at its brink a dark line.
        loose = self.noise(s_mm, t_mm, 13, 0.2, 3) + 0.35 * (attack - 0.6)
        flaked = _step(0.0, 0.07, loose) * _step(0.2, 0.35, attack)
        brink = np.exp(-((loose + 0.02) / 0.05) ** 2) * _step(0.2, 0.35, attack)
        heart = np.clip(1 - (r / 0.3) ** 2, 0, 1) ** 2
        eaten = np.minimum(0.95, attack * (0.1 + 0.4 * flaked) + 0.6 * attack ** 1.5 * pits)
        depth = np.maximum(heart, eaten) * np.clip((1 - r) / 0.15, 0, 1)
        fine = self.noise(s_mm, t_mm, 9, 0.03, 3)
        crust = np.clip(1.2 * attack - 0.85 * flaked + 0.6 * brink + 0.7 * pits
                        + 0.5 * self.noise(s_mm, t_mm, 7, 0.06, 3), 0, 1)[:, None]
        powder = np.clip(0.9 * flaked + 0.8 * self.noise(s_mm, t_mm, 15, 0.15, 3) - 0.35, 0, 1)[:, None]
        rust, dark, pale = self.tones
        colour = (1 - powder) * rust + powder * pale
        colour = ((1 - crust) * colour + crust * dark) * (1 + 0.55 * fine)[:, None]
        share = np.where(inside, np.clip(2.2 * attack - 0.15 + 0.35 * fine * (attack < 0.6), 0, 0.96), 0)[:, None]
        # Run-off tints what is not yet attacked.
        bloom = 1 - np.where(inside, 0.5 * np.clip(1 - r, 0, 1) ** 0.7, 0)[:, None] * (1 - rust / rust.max())
        return Sample(np.where(inside, -self.strength * depth, 0).astype(np.float32), albedo=bloom.astype(np.float32),
                      cover=np.concatenate((share * np.clip(colour, 0, 1), share), 1).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Charred(Area):
    """``strength`` is how far the charring goes."""

    @property
    def finest_mm(self):
        return 0.08 * self.outline.diameter_mm

    def sample(self, s_mm, t_mm) -> Sample:
        r = self.outline.inside(s_mm, t_mm)
        # The flame licked to one side, in tongues.
        tongues = self.noise(s_mm, t_mm, 0, 0.3, 3)
        heat = np.clip(1 - r, 0, 1) * self.strength
        ragged = heat + 0.55 * tongues * np.clip(3 * heat, 0, 1)
        char = _step(0.3, 0.64, ragged)
        singe = _step(0.0, 0.5, heat * (1 + 0.9 * tongues))
        # Soot and cracks in what is charred, ash where it burnt out.
        crazed = np.abs(self.noise(s_mm, t_mm, 11, 0.12, 2))
        ash = 0.2 * _step(0.7, 1.05, ragged) * np.clip(0.5 + self.noise(s_mm, t_mm, 5, 0.07, 3), 0, 1)
        soot = CHAR * (0.6 + 1.6 * crazed[:, None]) + ash[:, None]
        gain = 1 - singe[:, None] * (1 - SINGED * (1 + 0.3 * self.noise(s_mm, t_mm, 3, 0.08, 2))[:, None])
        gain = (1 - char[:, None]) * gain + char[:, None] * soot
        gain = np.where((r < 1)[:, None], np.minimum(gain, 1 - FAINTEST), 1)
        return Sample(np.zeros(len(r), np.float32), albedo=gain.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Bubbled(Charred):
    """A burn with blisters about its core: the middle one, and some around it."""

    blisters: tuple[tuple[float, float, Outline, float], ...]
    """Where each stands (s, t), its outline and its height, in mm."""

    @property
    def finest_mm(self):
        return 0.45 * max(outline.diameter_mm for _, _, outline, _ in self.blisters)

    @property
    def highest_mm(self):
        return max(height for *_, height in self.blisters)

    def sample(self, s_mm, t_mm) -> Sample:
        burnt = super().sample(s_mm, t_mm)
        rise = np.zeros(len(burnt.displacement_mm))
        for s, t, outline, height in self.blisters:
            r2 = np.minimum(outline.inside(np.asarray(s_mm) - s, np.asarray(t_mm) - t) ** 2, 1)
            rise = np.maximum(rise, height * (1 - r2 * r2) ** 1.25)
        share = rise / self.highest_mm
        # A tight skin is smooth: it holds less soot and mirrors the lamp.
        gain = burnt.albedo * (1 + 0.3 * share[:, None])
        gain = np.where(burnt.albedo < 1, np.minimum(gain, 1 - FAINTEST), 1)
        return Sample(rise.astype(np.float32), albedo=gain.astype(np.float32),
                      gloss=(0.12 * np.minimum(1, 2 * share)).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Tinted(Area):
    """``strength`` is the tint's opacity."""

    tint: np.ndarray
    """(3,) float64, linear gain of the full tint."""

    def sample(self, s_mm, t_mm) -> Sample:
        r = self.outline.inside(s_mm, t_mm)
        cloud = np.clip(0.5 + 0.9 * self.noise(s_mm, t_mm, 0, 0.4, 5), 0, 1)
        grain = 1 + 0.12 * self.noise(s_mm, t_mm, 3, 0.03, 2)
        weight = _step(0, 0.5, np.clip(1 - r, 0, 1) ** 0.7 * (0.3 + 0.7 * cloud)) * grain
        gain = 1 + self.strength * weight[:, None] * (self.tint - 1)
        # Inside the outline there is always enough of it to be seen.
        faintest = 1 + FAINTEST * (self.tint - 1) / np.abs(self.tint - 1).max()
        gain = np.where(np.abs(gain - 1).max(1, keepdims=True) < FAINTEST, faintest, gain)
        return Sample(np.zeros(len(r), np.float32), albedo=np.where((r < 1)[:, None], gain, 1).astype(np.float32))


def _step(low, high, x):
    """Smooth from 0 at ``low`` to 1 at ``high``."""
    return eased((x - low) / (high - low))


@grow.register
def _(corrosion: Corrosion, seed: int) -> Rusted:
    tones = RUST, CRUST, POWDER
    if corrosion.colour is not None:
        own = np.maximum(linear(corrosion.colour), 0.004)
        tones = own, 0.3 * own, np.minimum(1.6 * own + 0.03, 1)
    return Rusted(Outline.drawn(corrosion.fixed("diameter_mm"), 0.4, seed), corrosion.fixed("depth_mm"), seed + 1,
                  tones)


@grow.register
def _(burn: Burn, seed: int) -> Charred:
    diameter, severity = burn.fixed("diameter_mm"), burn.fixed("severity")
    outline = Outline.drawn(diameter, 0.4, seed)
    if not burn.blistered:
        return Charred(outline, severity, seed + 1)
    lots = 0.5 + 0.5 * hashed(seed + 7, 4 * MOST_BLISTERS).reshape(4, -1)
    blisters = []
    for k in range(MOST_BLISTERS):
        far, angle = (0.04 if k == 0 else 0.13 + 0.11 * lots[0, k]) * diameter, 2 * np.pi * (k + 0.8 * lots[1, k]) / 5
        across = (0.17 if k == 0 else 0.05 + 0.1 * lots[2, k]) * diameter
        blisters.append((far * np.cos(angle), far * np.sin(angle), Outline.drawn(across, 0.2, seed + 41 * (k + 1)),
                         severity * 0.2 * across * (1 - 0.4 * lots[3, k])))
    return Bubbled(outline, severity, seed + 1, tuple(blisters))


@grow.register
def _(discoloration: Discoloration, seed: int) -> Tinted:
    if discoloration.colour is None:
        tint = TINTS[int((0.5 + 0.4999 * hashed(seed + 3, 1)[0]) * len(TINTS))]
    else:
        tint = linear(discoloration.colour)
    outline = Outline.drawn(discoloration.fixed("diameter_mm"), 0.3, seed)
    return Tinted(outline, discoloration.fixed("opacity"), seed + 1, tint)
