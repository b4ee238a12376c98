"""Added matter: contamination, and a blister that lifts what was there. It has thickness and hides what is beneath."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Colour, Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_noise

Form = Literal["blob", "crumb", "droplet", "flake", "sliver"]
FORMS: tuple[Form, ...] = ("blob", "crumb", "droplet", "flake", "sliver")
EDGE = 0.22  # share of a flake's radius over which it rises
GLOSS = {"droplet": 0.5, "sliver": 0.15}  # of what mirrors the lamp: something wet, a metal chip
TIGHT = 0.15  # of the lamp's own light that a blister's skin mirrors
APART = 0.2  # of white, as the eye sees it, by which matter stands out from what it lies on
SLENDER = 0.2  # a sliver's width against its length
THIN = 0.12  # share of its height that a stone is thick at its edge

# Linear light that each returns when a white surface returns 1: earth, rubber, rust, swarf, sawdust, lint.
PALETTE = np.array(((0.10, 0.065, 0.04), (0.025, 0.025, 0.028), (0.20, 0.065, 0.025), (0.42, 0.42, 0.43),
                    (0.50, 0.33, 0.17), (0.55, 0.53, 0.50)))


class Contamination(Spec):
    """Foreign matter stuck to the surface: a blob, crumb, droplet, flake or sliver of real thickness."""

    extent: ClassVar = "local"
    effect: ClassVar = "add"
    overhangs: ClassVar = True
    sizes: ClassVar = ("diameter_mm", "height_mm")

    kind: Literal["contamination"] = "contamination"
    diameter_mm: Size | None = None
    height_mm: Size | None = None
    form: Form | None = None
    """None draws one."""
    colour: Colour | None = None
    """What it looks like in full light; None draws that of dirt, rubber, rust, swarf, sawdust or lint, unlike the
    object's own."""

    def coloured(self, rng, scale: Scale):
        return told_apart(self, PALETTE, rng, scale)

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            # A sliver is long, so that it can be as wide as the others.
            return scale.across(0.05, 0.13, pixels=30 if self.form == "sliver" else 12, steepest=0.4)
        return scale.relief(self.diameter_mm, 0.06, 0.13)


class Blister(Spec):
    """A skin lifted by gas or moisture beneath it: a flat-topped dome with a tight foot, paler on its top."""

    extent: ClassVar = "local"
    effect: ClassVar = "out"
    sizes: ClassVar = ("diameter_mm", "height_mm")

    kind: Literal["blister"] = "blister"
    diameter_mm: Size | None = None
    height_mm: Size | None = None

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.06, 0.15, pixels=12, steepest=0.3)
        return scale.relief(self.diameter_mm, 0.06, 0.14)


def srgb(colour: np.ndarray) -> tuple[int, int, int]:
    """The sRGB levels of a linear colour (3,) (IEC 61966-2-1)."""
    encoded = np.where(colour <= 0.0031308, 12.92 * colour, 1.055 * np.maximum(colour, 1e-9) ** (1 / 2.4) - 0.055)
    return tuple(int(x) for x in np.rint(255 * np.clip(encoded, 0, 1)))


def told_apart(spec, palette: np.ndarray, rng, scale: Scale):
    """A spec whose colour was left open with one of a palette (n, 3), a little lighter or darker, that is plainly
    unlike the object's own."""
    if spec.colour is not None:
        return spec
    unlike = palette[scale.stands_out(palette, APART)]
    colour = unlike[int(rng.integers(len(unlike)))] * (1 + 0.2 * rng.uniform(-1, 1))
    return spec.model_copy(update={"colour": srgb(colour)})


def linear(colour: tuple[int, ...]) -> np.ndarray:
    """(3,) float64: the linear light of an sRGB colour (IEC 61966-2-1)."""
    srgb = np.array(colour) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


@dataclass(frozen=True, eq=False)
class Deposit:
    """Matter of one form on an outline; a sliver's outline is squeezed along t."""

    matter: ClassVar[bool] = True

    outline: Outline
    height_mm: float
    form: Form
    colour: np.ndarray
    """(3,) float64 linear."""
    seed: int

    @property
    def squeeze(self) -> float:
        return SLENDER if self.form == "sliver" else 1.0

    @property
    def bounds_mm(self):
        reach = self.outline.reach_mm
        return -reach, reach, -reach * self.squeeze, reach * self.squeeze

    @property
    def finest_mm(self):
        if self.form == "flake":
            return EDGE * self.outline.diameter_mm
        return 0.5 * self.outline.diameter_mm * self.squeeze

    @property
    def reach_mm(self):
        return self.outline.reach_mm

    @property
    def deepest_mm(self):
        return 0.0

    @property
    def highest_mm(self):
        return self.height_mm

    def near(self, s_mm, t_mm, margin_mm):
        # Squeezed with it, a margin must still be one across the sliver.
        return self.outline.near(s_mm, np.asarray(t_mm) / self.squeeze, margin_mm / self.squeeze)

    def sample(self, s_mm, t_mm) -> Sample:
        s, t = np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64)
        r = self.outline.inside(s, t / self.squeeze)
        size = self.outline.diameter_mm * self.squeeze
        grain = lattice_noise(s, t, self.seed, 0.12 * size, octaves=3)
        height = np.where(r < 1, self._profile(r, s, t / self.squeeze, grain), 0)
        # Matter is thin and shut in at its foot, and catches more light on its top.
        tint = (1 + (0.1 if self.form == "droplet" else 0.4) * grain) * (0.65 + 0.35 * np.minimum(1, 1.5 * height))
        # One sees into a drop, but its rim is dark: from there the eye meets what it mirrors.
        share = np.where(r < 1, 0.25 + 0.5 * np.minimum(r, 1) ** 6 if self.form == "droplet" else 1.0, 0.0)
        if self.form == "droplet":
            tint = tint * (1 - 0.7 * np.minimum(r, 1) ** 6)
        cover = np.concatenate((share[:, None] * np.clip(self.colour * tint[:, None], 0, 1), share[:, None]), 1)
        gloss = np.where(r < 1, GLOSS[self.form], 0).astype(np.float32) if self.form in GLOSS else None
        return Sample((self.height_mm * height).astype(np.float32), cover=cover.astype(np.float32), gloss=gloss)

    def _profile(self, r, s, t, grain):
        """Height (n,) from 0 at the rim to exactly 1 at the centre; roughness enters with r² and only takes away."""
        r2 = np.minimum(r * r, 1)
        if self.form == "droplet":
            return (1 - r2) * (1 + 0.5 * r2)
        if self.form == "flake":
            return np.clip((1 - r) / EDGE, 0, 1) * (1 - 0.5 * r2 * (0.5 + 0.5 * lattice_noise(
                s, t, self.seed + 2, 0.5 * self.outline.diameter_mm)))
        if self.form == "crumb":
            return np.minimum(self._facets(s, t), np.clip((1 - r) / 0.2, 0, 1)) * (1 - 0.3 * r2 * (0.5 + 0.5 * grain))
        if self.form == "sliver":
            return (1 - r2) * (1 - 0.4 * r2 * (0.5 + 0.5 * grain))
        return (1 - r2 * r2) * (1 - 0.55 * r2 * (0.5 + 0.5 * grain))

    def _facets(self, s, t):
        """A stone's broken faces: the lowest of several tilted planes that meet about a flat top."""
        draws = hashed(self.seed + 11, 14).reshape(7, 2)
        angles = 2 * np.pi * (np.arange(7) + 0.5 * draws[:, 0]) / 7
        slopes, offsets = 0.9 + 0.5 * np.abs(draws[:, 1]), 1.05 + 0.25 * np.abs(draws[:, 0])
        along = (s[:, None] * np.cos(angles) + t[:, None] * np.sin(angles)) / self.outline.radius_mm
        return np.clip((offsets - slopes * along).min(1), THIN, 1)


@dataclass(frozen=True, eq=False)
class Dome:
    """A lifted skin under an irregular outline."""

    outline: Outline
    height_mm: float
    seed: int

    @property
    def bounds_mm(self):
        return self.outline.bounds_mm

    @property
    def finest_mm(self):
        return 0.5 * self.outline.diameter_mm

    @property
    def reach_mm(self):
        return self.outline.reach_mm

    @property
    def deepest_mm(self):
        return 0.0

    @property
    def highest_mm(self):
        return self.height_mm

    def near(self, s_mm, t_mm, margin_mm):
        return self.outline.near(s_mm, t_mm, margin_mm)

    def sample(self, s_mm, t_mm) -> Sample:
        r2 = np.minimum(self.outline.inside(s_mm, t_mm) ** 2, 1)
        slack = 0.5 + 0.5 * lattice_noise(s_mm, t_mm, self.seed, 0.4 * self.outline.diameter_mm, octaves=2)
        dome = (1 - r2 ** 2) ** 1.25 * (1 - 0.3 * r2 * slack)
        # A stretched skin is thinner: it lets a little more light back out; and smoother: it mirrors the lamp. Where it
        # is bent sharply, at its foot, it crazes.
        crazing = lattice_noise(s_mm, t_mm, self.seed + 3, 0.15 * self.outline.diameter_mm, octaves=3)
        cloud = np.clip(0.6 + 0.7 * crazing, 0, 1)
        foot = np.exp(-(((r2 - 0.82) / 0.1) ** 2)) * (r2 < 1)
        white = 0.16 * dome * (1 - r2) + 0.14 * foot * cloud
        return Sample((self.height_mm * dome).astype(np.float32), whitening=white.astype(np.float32),
                      gloss=(TIGHT * np.minimum(1, 2 * dome)).astype(np.float32))


@grow.register
def _(contamination: Contamination, seed: int) -> Deposit:
    pick = hashed(seed + 3, 3)
    form = contamination.form or FORMS[int((0.5 + 0.4999 * pick[0]) * len(FORMS))]
    if contamination.colour is None:
        colour = PALETTE[int((0.5 + 0.4999 * pick[1]) * len(PALETTE))] * (1 + 0.25 * pick[2])
    else:
        colour = linear(contamination.colour)
    wobble = {"blob": 0.35, "crumb": 0.28, "droplet": 0.12, "flake": 0.4, "sliver": 0.0}[form]
    outline = Outline.drawn(contamination.fixed("diameter_mm"), wobble, seed)
    return Deposit(outline, contamination.fixed("height_mm"), form, colour, seed + 1)


@grow.register
def _(blister: Blister, seed: int) -> Dome:
    return Dome(Outline.drawn(blister.fixed("diameter_mm"), 0.2, seed), blister.fixed("height_mm"), seed + 1)
