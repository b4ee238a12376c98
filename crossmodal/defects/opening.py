"""Surface that is gone: a hole with its torn rim, a missing part with its broken wall."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import lattice_noise

TEAR = 0.15  # of a torn edge from one tear to the next, as a share of the diameter
RAGGED = 0.12  # finest feature of a broken outline, as a share of its radius


class Hole(Spec):
    """A hole through the surface, with a raised and torn rim; one looks at its wall and at what lies behind."""

    extent: ClassVar = "local"
    effect: ClassVar = "remove"
    sizes: ClassVar = ("diameter_mm", "thickness_mm")

    kind: Literal["hole"] = "hole"
    diameter_mm: Size | None = None
    """Across, torn rim included."""
    thickness_mm: Size | None = None
    """Of the wall that it goes through, as far as its inner side is seen."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.06, 0.13, pixels=14, steepest=0.5)
        return scale.relief(self.diameter_mm, 0.06, 0.16)


class Missing(Spec):
    """A part of the object broken away, at its edge where it has one; its wall is a rough fracture."""

    extent: ClassVar = "local"
    effect: ClassVar = "remove"
    at: ClassVar = "edge"
    sizes: ClassVar = ("diameter_mm", "thickness_mm")

    kind: Literal["missing"] = "missing"
    diameter_mm: Size | None = None
    thickness_mm: Size | None = None
    """Of the broken wall, as far as it is seen."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.15, 0.32, pixels=20, steepest=0.5, room=1.0)
        return scale.relief(self.diameter_mm, 0.03, 0.07)


@dataclass(frozen=True, eq=False)
class Opening:
    """From its middle outwards, in shares of an outline's radius: nothing as far as ``edge``, then a rim.

    The wall below that edge goes straight down.
    """

    outline: Outline
    edge: float
    wall_mm: float
    rim_mm: float
    """At that edge: how high torn matter stands, or, below 0, how deep it crumbled."""
    torn: float
    """How much that wavers, as a share of it."""
    ragged: float
    """How far the edge itself wavers, as a share of the radius."""
    seed: int

    @property
    def bounds_mm(self):
        return self.outline.bounds_mm

    @property
    def finest_mm(self):
        return 0.5 * max(0.5 * (1 - self.edge), RAGGED) * self.outline.diameter_mm

    @property
    def reach_mm(self):
        return self.outline.reach_mm

    @property
    def deepest_mm(self):
        return self.wall_mm

    @property
    def highest_mm(self):
        return max(0.0, self.rim_mm)

    def near(self, s_mm, t_mm, margin_mm):
        return self.outline.near(s_mm, t_mm, margin_mm)

    def sample(self, s_mm, t_mm) -> Sample:
        r, edge = self._from_middle(s_mm, t_mm)
        d, pale = np.zeros(len(r), np.float32), np.zeros(len(r), np.float32)
        albedo = np.ones((len(r), 3), np.float32)
        torn = np.flatnonzero(r < 1)
        d[torn], albedo[torn], pale[torn] = self._torn(s_mm[torn], t_mm[torn], r[torn], edge[torn])
        return Sample(d, albedo, pale, r < edge)

    def gone(self, s_mm, t_mm):
        """(n,) bool: where the surface is taken away."""
        r, edge = self._from_middle(s_mm, t_mm)
        return r < edge

    def _from_middle(self, s_mm, t_mm):
        """Shares (n,) of the outline's radius: of each place, and of the edge that it lies within or beyond."""
        tears = lattice_noise(s_mm, t_mm, self.seed + 3, TEAR * self.outline.diameter_mm, octaves=2)
        return self.outline.inside(s_mm, t_mm), self.edge + self.ragged * tears

    def _torn(self, s_mm, t_mm, r, edge):
        """Displacement (n,), albedo (n, 1) and whitening (n,) of wall and rim."""
        size = self.outline.diameter_mm
        coarse = lattice_noise(s_mm, t_mm, self.seed, 0.16 * size, octaves=2)
        fine = lattice_noise(s_mm, t_mm, self.seed + 5, 0.035 * size, octaves=2)
        gone = r < edge
        out = np.clip((r - edge) / np.maximum(1 - edge, 1e-9), 0, 1)
        uneven = 1 - self.torn * (0.5 + 0.5 * coarse)
        rim = self.rim_mm * uneven * (1 - out) ** 2
        # What is seen of the wall is where it tore, matt and uneven.
        albedo = np.where(gone, 0.8 + 0.22 * fine, 1.0)
        pale = np.where(~gone & (self.rim_mm != 0), 0.35 * (1 - out) ** 2 * (0.75 + 0.25 * fine), 0)
        return np.where(gone, -self.wall_mm, rim), albedo[:, None], pale


@grow.register
def _(hole: Hole, seed: int) -> Opening:
    diameter, wall = hole.fixed("diameter_mm"), hole.fixed("thickness_mm")
    rim = min(0.6 * wall, 0.08 * diameter)
    return Opening(Outline.drawn(diameter, 0.14, seed), 0.68, wall, rim, 0.7, 0.12, seed + 1)


@grow.register
def _(missing: Missing, seed: int) -> Opening:
    outline = Outline.drawn(missing.fixed("diameter_mm"), 0.3, seed)
    wall = missing.fixed("thickness_mm")
    return Opening(outline, 0.93, wall, -0.25 * wall, 0.7, 0.05, seed + 1)
