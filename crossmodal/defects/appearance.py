"""Appearance only: stain. Geometry stays bit-identical."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Colour, Scale, Share, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_noise


class Stain(Spec):
    """Something soaked in or dried on, too thin to measure: the colour changes and nothing else."""

    extent: ClassVar = "local"
    effect: ClassVar = "appearance"
    sizes: ClassVar = ("diameter_mm", "opacity")

    kind: Literal["stain"] = "stain"
    diameter_mm: Size | None = None
    opacity: Share = (0.45, 0.8)
    colour: Colour | None = None
    """What it turns a white surface into; None draws a brown."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        return scale.across(0.08, 0.2, pixels=12)


@dataclass(frozen=True, eq=False)
class Film:
    """A transparent film: Beer-Lambert absorption through a thickness that pools at its drying rim."""

    outline: Outline
    transmission: np.ndarray
    """(3,) float64, linear light through the full film."""
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

    def sample(self, s_mm, t_mm) -> Sample:
        r = self.outline.inside(s_mm, t_mm)
        size = self.outline.diameter_mm
        cloud = lattice_noise(s_mm, t_mm, self.seed, 0.3 * size, octaves=4)
        uneven = 0.5 + 0.5 * lattice_noise(s_mm, t_mm, self.seed + 7, 0.4 * size, octaves=2)
        edge = np.clip((1 - r) / (0.05 + 0.12 * uneven), 0, 1)
        # A drying drop leaves more at its rim (Deegan et al. 1997), here more and there less.
        ring = np.exp(-(((r - 0.88) / 0.08) ** 2)) * uneven
        thickness = edge * edge * (3 - 2 * edge) * (0.6 + 0.45 * cloud + 0.5 * ring)
        thickness = np.where(r < 1, np.maximum(thickness, 0.02 * edge + 1e-4), 0)
        return Sample(np.zeros(len(r), np.float32),
                      (self.transmission ** thickness[:, None]).astype(np.float32))


@grow.register
def _(stain: Stain, seed: int) -> Film:
    if stain.colour is None:
        lightness, warmth = hashed(seed + 2, 2)
        base = np.array((0.30, 0.20, 0.10)) * (1 + 0.4 * lightness) + np.array((0.06, 0, -0.03)) * warmth
    else:
        srgb = np.array(stain.colour) / 255
        base = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    opacity = stain.fixed("opacity")
    transmission = np.clip(1 - opacity + opacity * base, 0.01, 1)
    return Film(Outline.drawn(stain.fixed("diameter_mm"), 0.35, seed), transmission, seed + 1)
