"""Appearance only: stain. Geometry stays bit-identical."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.added import linear
from crossmodal.defects.outline import Outline
from crossmodal.defects.run import Runs
from crossmodal.defects.spec import Colour, Scale, Share, Size, Spec, grow
from crossmodal.easing import eased
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_noise

Form = Literal["ring", "blot", "drip"]
ROUND: tuple[Form, ...] = ("ring", "blot")  # a run is thin: whoever wants one sees that its size suits the capture
FAINTEST = 0.05  # the least change of colour inside an outline: enough to be seen
WET_GLOSS = 0.4  # of the lamp's own light that a wet film mirrors
SOAKED = 0.25  # of the light that a wet surface swallows beside the film's own colour


class Stain(Spec):
    """Something soaked in or dried on, too thin to measure: the colour changes and nothing else."""

    extent: ClassVar = "local"
    effect: ClassVar = "appearance"
    sizes: ClassVar = ("diameter_mm", "opacity")

    kind: Literal["stain"] = "stain"
    diameter_mm: Size | None = None
    opacity: Share = (0.45, 0.8)
    form: Form | None = None
    """A dried drop with its ring, a soaked-in blot, or a spot with runs that go along the heading; None draws
    one of the first two."""
    wet: bool = False
    """Still wet or greasy: darker, and it mirrors the lamp."""
    colour: Colour | None = None
    """What it turns a white surface into; None draws a brown."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        return scale.across(0.08, 0.2, pixels=12)


@dataclass(frozen=True, eq=False)
class Film:
    """A transparent film: Beer-Lambert absorption through a thickness that depends on its form."""

    outline: Outline | Runs
    form: Form
    transmission: np.ndarray
    """(3,) float64, linear light through the full film."""
    wet: bool
    seed: int

    @property
    def bounds_mm(self):
        return self.outline.bounds_mm

    @property
    def finest_mm(self):
        return (0.08 if self.form == "drip" else 0.2) * self.outline.diameter_mm

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
        grain = lattice_noise(s_mm, t_mm, self.seed + 3, 0.025 * size, octaves=2)
        thickness = self._thickness(np.minimum(r, 1), cloud, uneven) * (1 + 0.15 * grain)
        gain = self.transmission ** np.maximum(thickness, 0)[:, None]
        if self.wet:
            gain = gain * (1 - SOAKED * np.clip(thickness, 0, 1))[:, None]
        # Inside the outline there is always enough of it to be seen, if the full film would be.
        swallowed = 1 - self.transmission
        faintest = 1 - swallowed * min(1, FAINTEST / max(float(swallowed.max()), 1e-9))
        gain = np.where((r < 1)[:, None], np.minimum(gain, faintest), 1)
        gloss = (WET_GLOSS * np.clip(4 * (1 - r), 0, 1)).astype(np.float32) if self.wet else None
        return Sample(np.zeros(len(r), np.float32), gain.astype(np.float32), gloss=gloss)

    def _thickness(self, r, cloud, uneven):
        """(n,) from about 0 at the rim to about 1, more where it pools; r is 0 at the middle and 1 on the rim."""
        if self.form == "blot":
            # It soaked outwards, farther here than there, and left no edge.
            return eased((1 - r) / (0.25 + 0.35 * uneven)) * (0.75 + 0.4 * cloud)
        edge = eased((1 - r) / (0.04 + 0.1 * uneven))
        if self.form == "drip":
            return edge * (0.5 + 0.45 * cloud + 0.5 * (1 - r) ** 2 + 0.5 * np.exp(-(((r - 0.85) / 0.1) ** 2)) * uneven)
        # A drying drop leaves more at its rim (Deegan et al. 1997), here more and there less, and drew back in steps.
        ring = np.exp(-(((r - 0.9) / 0.06) ** 2)) * (0.3 + 1.1 * uneven)
        inner = np.exp(-(((r - 0.68 - 0.1 * cloud) / 0.05) ** 2)) * np.clip(2 * uneven - 1, 0, 1)
        return edge * (0.35 + 0.3 * cloud + 0.8 * ring + 0.4 * inner)


@grow.register
def _(stain: Stain, seed: int) -> Film:
    if stain.colour is None:
        lightness, warmth = hashed(seed + 2, 2)
        base = np.array((0.30, 0.20, 0.10)) * (1 + 0.4 * lightness) + np.array((0.06, 0, -0.03)) * warmth
    else:
        base = linear(stain.colour)
    opacity = stain.fixed("opacity")
    transmission = np.clip(1 - opacity + opacity * base, 0.01, 1)
    form = stain.form or ROUND[int((0.5 + 0.4999 * hashed(seed + 5, 1)[0]) * len(ROUND))]
    diameter = stain.fixed("diameter_mm")
    outline = Runs.drawn(diameter, seed) if form == "drip" else Outline.drawn(diameter, 0.35, seed)
    return Film(outline, form, transmission, stain.wet, seed + 1)
