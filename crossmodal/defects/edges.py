"""What happens to edges: a chip broken out, a burr left standing; both find an edge by themselves."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.added import linear
from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Angle, Colour, Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_noise


class Chip(Spec):
    """A flake broken out of an edge or a corner: a shallow, rippled and facetted fracture face, matt and fresh."""

    extent: ClassVar = "local"
    effect: ClassVar = "in"
    at: ClassVar = "edge"
    sizes: ClassVar = ("diameter_mm", "depth_mm")

    kind: Literal["chip"] = "chip"
    diameter_mm: Size | None = None
    depth_mm: Size | None = None
    colour: Colour | None = None
    """Of the fresh face, as of what a coating or a print hides; None keeps the surface's own, paler."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.06, 0.14, pixels=14, steepest=0.4)
        return scale.relief(self.diameter_mm, 0.1, 0.2)


class Burr(Spec):
    """A thin, jagged ridge of matter pushed over an edge."""

    extent: ClassVar = "local"
    effect: ClassVar = "out"
    at: ClassVar = "edge"
    sizes: ClassVar = ("length_mm", "width_mm", "height_mm")

    kind: Literal["burr"] = "burr"
    length_mm: Size | None = None
    width_mm: Size | None = None
    height_mm: Size | None = None
    orientation_deg: Angle = (0.0, 0.0)
    """From the run of the edge it stands on."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "length_mm":
            return scale.across(0.1, 0.25, pixels=26, room=1.0)
        if name == "width_mm":
            return scale.across(0.01, 0.02, pixels=5, steepest=0.5)
        return scale.relief(self.width_mm, 0.25, 0.5)


@dataclass(frozen=True, eq=False)
class Fracture:
    """A conchoidal bowl under an angular outline: ripples run about the point where the blow fell."""

    outline: Outline
    depth_mm: float
    blow_mm: tuple[float, float]
    seed: int
    colour: np.ndarray | None = None
    """(3,) float64 linear, of what lies beneath; None is the surface's own matter, paler."""

    @property
    def bounds_mm(self):
        return self.outline.bounds_mm

    @property
    def finest_mm(self):
        return 0.25 * self.outline.diameter_mm

    @property
    def reach_mm(self):
        return self.outline.reach_mm

    @property
    def deepest_mm(self):
        return self.depth_mm

    @property
    def highest_mm(self):
        return 0.0

    def near(self, s_mm, t_mm, margin_mm):
        return self.outline.near(s_mm, t_mm, margin_mm)

    def sample(self, s_mm, t_mm) -> Sample:
        r = self.outline.inside(s_mm, t_mm)
        size = self.outline.diameter_mm
        r2 = np.minimum(r * r, 1)
        rough = lattice_noise(s_mm, t_mm, self.seed, 0.3 * size, octaves=3)
        far = np.hypot(np.asarray(s_mm) - self.blow_mm[0], np.asarray(t_mm) - self.blow_mm[1])
        ripple = np.sin(2 * math.pi * far / (0.22 * size) + 2.5 * rough)
        # What is uneven only takes away from the bowl, and fades at its middle, its deepest point.
        steps = np.abs(lattice_noise(s_mm, t_mm, self.seed + 4, 0.4 * size))  # with a ridge wherever it turns
        uneven = 0.25 * (0.5 + 0.5 * rough) + 0.12 * (0.5 + 0.5 * ripple) + 0.3 * steps
        depth = (1 - r2) * (1 - r2 * np.minimum(1.2 * uneven, 0.8))
        inside = r < 1
        grain = lattice_noise(s_mm, t_mm, self.seed + 7, 0.05 * size, octaves=2)
        tone = np.where(inside, 1 + 0.2 * grain + 0.12 * rough, 1.0)
        white = np.where(inside, 0.45 * (0.75 + 0.35 * grain + 0.2 * ripple) * np.minimum(1, 8 * (1 - r)), 0)
        cover = None
        if self.colour is not None:
            share = np.where(inside, 0.97, 0.0)[:, None]
            cover = np.concatenate((share * np.clip(self.colour * tone[:, None], 0, 1), share), 1).astype(np.float32)
            tone, white = np.ones_like(tone), np.zeros_like(white)
        return Sample((-self.depth_mm * depth).astype(np.float32), np.repeat(tone[:, None], 3, 1).astype(np.float32),
                      np.clip(white, 0, 1).astype(np.float32), cover=cover)


@dataclass(frozen=True, eq=False)
class Ridge:
    """A jagged ridge along +s, steep on one side."""

    length_mm: float
    width_mm: float
    height_mm: float
    seed: int

    @property
    def bounds_mm(self):
        return (-0.5 * self.length_mm, 0.5 * self.length_mm, -0.5 * self.width_mm, 0.5 * self.width_mm)

    @property
    def finest_mm(self):
        return 0.4 * self.width_mm

    @property
    def reach_mm(self):
        return math.hypot(0.5 * self.length_mm, 0.5 * self.width_mm)

    @property
    def deepest_mm(self):
        return 0.0

    @property
    def highest_mm(self):
        return self.height_mm

    def near(self, s_mm, t_mm, margin_mm):
        return ((np.abs(s_mm) <= 0.5 * self.length_mm + margin_mm)
                & (np.abs(t_mm) <= 0.5 * self.width_mm + margin_mm))

    def sample(self, s_mm, t_mm) -> Sample:
        s, t = np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64)
        x, y = 2 * s / self.length_mm, 2 * t / self.width_mm
        end = np.clip((1 - np.abs(x)) / 0.25, 0, 1)
        steady = np.clip(6 * np.abs(x) - 2 * self.width_mm / self.length_mm, 0, 1)
        teeth = lattice_noise(s, 0.0, self.seed, 0.7 * self.width_mm, octaves=3)
        tall = end * (2 - end) * (1 - 0.7 * steady * (0.5 + 0.5 * teeth))
        top = 0.3 * lattice_noise(s, 9.0, self.seed + 2, 1.5 * self.width_mm) * steady
        side = np.where(y > top, (y - top) / (1 - top), (top - y) / (1 + top))
        rise = tall * np.clip(1 - side, 0, 1) ** 1.3
        # Its foot is a bar with round ends.
        over = np.maximum(np.abs(s) - 0.5 * (self.length_mm - self.width_mm), 0)
        inside = np.hypot(over, t) < 0.5 * self.width_mm
        height = np.where(inside, self.height_mm * rise, 0)
        white = np.where(inside, 0.3 * np.clip(rise, 0, 1), 0)
        return Sample(height.astype(np.float32), whitening=white.astype(np.float32))


@grow.register
def _(chip: Chip, seed: int) -> Fracture:
    diameter, lots = chip.fixed("diameter_mm"), hashed(seed + 3, 1)
    angle = math.pi * float(lots[0])
    return Fracture(Outline.drawn(diameter, 0.3, seed), chip.fixed("depth_mm"),
                    (0.3 * diameter * math.cos(angle), 0.3 * diameter * math.sin(angle)), seed + 1,
                    None if chip.colour is None else linear(chip.colour))


@grow.register
def _(burr: Burr, seed: int) -> Ridge:
    return Ridge(burr.fixed("length_mm"), burr.fixed("width_mm"), burr.fixed("height_mm"), seed + 1)
