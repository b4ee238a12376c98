"""Wear: rubbed until crests are down in their valleys; the coarse shape stays, and broken matter whitens."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import lattice_noise


class Wear(Spec):
    """Rubbed away: edges, threads and grain are blunted, a little matter is gone, and what was rubbed is paler."""

    extent: ClassVar = "local"
    effect: ClassVar = "in"
    blunts: ClassVar = True
    sizes: ClassVar = ("diameter_mm", "depth_mm")

    kind: Literal["wear"] = "wear"
    diameter_mm: Size | None = None
    depth_mm: Size | None = None
    """What is gone beyond the fine relief."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.12, 0.28, pixels=14, steepest=0.12)
        return scale.relief(self.diameter_mm, 0.01, 0.025)


@dataclass(frozen=True, eq=False)
class Rubbed:
    """A shallow hollow under an irregular outline, with the crests in it gone."""

    outline: Outline
    depth_mm: float
    seed: int

    @property
    def bounds_mm(self):
        return self.outline.bounds_mm

    @property
    def finest_mm(self):
        return 0.5 * self.outline.diameter_mm

    @property
    def flattens_mm(self):
        """Relief narrower than this goes."""
        return 0.4 * self.outline.diameter_mm

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
        r2 = self.outline.inside(s_mm, t_mm) ** 2
        size = self.outline.diameter_mm
        share = np.maximum(1 - r2, 0)
        # Rubbing streaks run along s, and leave off raggedly towards the rim.
        streaks = 0.5 + 0.5 * lattice_noise(0.12 * np.asarray(s_mm), t_mm, self.seed, 0.05 * size, octaves=3)
        patchy = lattice_noise(s_mm, t_mm, self.seed + 5, 0.25 * size, octaves=4)
        grain = lattice_noise(s_mm, t_mm, self.seed + 7, 0.035 * size, octaves=3)
        rubbed = np.clip(2.2 * share ** 0.5 * (0.55 + 0.6 * patchy) - 0.2, 0, 1)
        white = rubbed * np.clip(0.15 + 0.75 * streaks + 0.3 * grain, 0, 1)
        # Dirt and melted crumbs stay in what was rubbed.
        specks = np.clip((grain - 0.6) / 0.12, 0, 1) * np.minimum(1, 4 * share)
        depth = share ** 1.5 * (1 - 0.45 * np.minimum(1, 3 * r2) * (0.5 + 0.5 * patchy))
        gone = np.clip(3.2 * share * (1 + 0.5 * patchy), 0, 1)
        return Sample((-self.depth_mm * depth).astype(np.float32),
                      np.repeat((1 - 0.45 * specks)[:, None], 3, 1).astype(np.float32),
                      whitening=(0.75 * white).astype(np.float32), flatten=gone.astype(np.float32))


@grow.register
def _(wear: Wear, seed: int) -> Rubbed:
    return Rubbed(Outline.drawn(wear.fixed("diameter_mm"), 0.3, seed), wear.fixed("depth_mm"), seed + 1)
