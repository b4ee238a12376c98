"""Matter gone: pit (one or a field of them)."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field as Bounded

from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_noise

MOST_PITS = 60


class Pit(Spec):
    """A sharp-shouldered cavity, as of a gas pore or corrosion; or a field of them of many sizes."""

    extent: ClassVar = "local"
    effect: ClassVar = "in"
    sizes: ClassVar = ("diameter_mm", "depth_mm")

    kind: Literal["pit"] = "pit"
    diameter_mm: Size | None = None
    """Across the pit, or across the whole field of them."""
    depth_mm: Size | None = None
    """Of the deepest pit."""
    count: int = Bounded(1, ge=1, le=MOST_PITS)

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        one = min(1.0, 1.6 / math.sqrt(self.count)) if self.count > 1 else 1.0
        if name == "diameter_mm":
            return scale.across(0.03 / one, 0.07 / one, pixels=11 / one, steepest=0.3 * one)
        return scale.relief(tuple(one * size for size in self.diameter_mm), 0.16, 0.28)


@dataclass(frozen=True, eq=False)
class Pits:
    """Bowls with sharp rims; where two meet, the deeper one is seen."""

    outlines: tuple[Outline, ...]
    centres_mm: np.ndarray
    """(n, 2) float64."""
    depths_mm: np.ndarray
    """(n,) float64."""
    steep: np.ndarray
    """(n,) float64: 1 is a bowl; the more, the flatter its floor and the steeper its wall."""
    seed: int

    @cached_property
    def bounds_mm(self):
        reach = np.array([outline.reach_mm for outline in self.outlines])[:, None]
        low, high = (self.centres_mm - reach).min(0), (self.centres_mm + reach).max(0)
        return float(low[0]), float(high[0]), float(low[1]), float(high[1])

    @cached_property
    def finest_mm(self):
        return 0.5 * min(outline.diameter_mm for outline in self.outlines)

    @cached_property
    def reach_mm(self):
        return float(max(math.hypot(*at) + outline.reach_mm
                         for at, outline in zip(self.centres_mm, self.outlines, strict=True)))

    @property
    def deepest_mm(self):
        return float(self.depths_mm.max())

    @property
    def highest_mm(self):
        return 0.0

    def near(self, s_mm, t_mm, margin_mm):
        close = np.zeros(np.shape(s_mm), bool)
        for (s, t), outline in zip(self.centres_mm, self.outlines, strict=True):
            close |= outline.near(s_mm - s, t_mm - t, margin_mm)
        return close

    def sample(self, s_mm, t_mm) -> Sample:
        s_mm, t_mm = np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64)
        depth, dark = np.zeros(len(s_mm)), np.zeros(len(s_mm))
        for (s, t), outline, deepest, steep in zip(self.centres_mm, self.outlines, self.depths_mm, self.steep,
                                                   strict=True):
            here = np.flatnonzero(outline.near(s_mm - s, t_mm - t, 0.0))
            x, y = s_mm[here] - s, t_mm[here] - t
            r2 = np.minimum(outline.inside(x, y) ** 2, 1)
            # A bowl meets the surface at an angle; what is uneven in it fades at its centre, its deepest point.
            rough = lattice_noise(x, y, self.seed + int(1e3 * abs(s)), 0.25 * outline.diameter_mm, octaves=3)
            bowl = (1 - r2**steep) * np.minimum(1 + r2 * (0.35 + 0.5 * rough) / steep, 1 / np.maximum(1 - r2, 1e-9))
            bowl = np.minimum(bowl, 1)
            depth[here] = np.maximum(depth[here], deepest * bowl)
            # Dirt gathers at the bottom, and little of it in what is shallow.
            dark[here] = np.maximum(dark[here], bowl**1.5 * (0.7 + 0.5 * rough) * deepest / self.deepest_mm)
        grain = lattice_noise(s_mm, t_mm, self.seed + 9, 0.4 * self.finest_mm, octaves=3)
        albedo = 1 - np.clip(dark * (0.5 + 0.25 * grain), 0, 0.85)
        return Sample((-depth).astype(np.float32), np.repeat(albedo[:, None], 3, 1).astype(np.float32))


@grow.register
def _(pit: Pit, seed: int) -> Pits:
    diameter, depth = pit.fixed("diameter_mm"), pit.fixed("depth_mm")
    if pit.count == 1:
        steep = 1 + 0.6 * (0.5 + 0.5 * hashed(seed + 5, 1))
        return Pits((Outline.drawn(diameter, 0.22, seed),), np.zeros((1, 2)), np.array((depth,)), steep, seed + 1)
    centres, sizes = _strewn(pit.count, seed)
    lots = 0.5 + 0.5 * hashed(seed + 5, 3 * pit.count).reshape(3, -1)
    # No two alike: round ones and ragged ones, shallow and deep ones.
    raw = [Outline.drawn(size, 0.1 + 0.35 * lots[0, k], seed + 31 * (k + 1)) for k, size in enumerate(sizes)]
    scale = diameter / _feret(raw, centres)
    outlines = tuple(Outline(scale * one.diameter_mm, one.coefficients, scale * one.radius_mm) for one in raw)
    depths = (sizes / sizes.max()) ** 0.8 * (0.35 + 0.65 * lots[1])
    return Pits(outlines, scale * centres, depth * depths / depths.max(), 1 + 0.8 * lots[2], seed + 1)


def _strewn(count: int, seed: int):
    """Centres (n, 2) and diameters (n,) of pits within a disc of diameter 1: few large and many small, of whose
    tries each takes the place that is farthest from the pits before it."""
    lots = 0.5 + 0.5 * hashed(seed, count + 32 * count).reshape(count, 33)
    widest = 0.9 / math.sqrt(count + 2)
    sizes = np.sort(widest * (0.25 + 0.9 * lots[:, 0] ** 2.5))[::-1]
    centres = np.zeros((count, 2))
    for k in range(count):
        radius = (0.5 - 0.5 * sizes[k]) * np.sqrt(lots[k, 1:17])
        angle = 2 * math.pi * lots[k, 17:]
        tried = np.stack((radius * np.cos(angle), radius * np.sin(angle)), -1)
        if k:
            room = np.linalg.norm(tried[:, None] - centres[None, :k], axis=-1) - 0.5 * sizes[:k]
            # Pits cluster: enough room is as good as more.
            centres[k] = tried[np.minimum(room.min(1), 0.9 * sizes[k]).argmax()]
        else:
            centres[k] = 0.3 * tried[0]
    return centres - 0.5 * (centres.min(0) + centres.max(0)), sizes


def _feret(outlines, centres) -> float:
    """The largest extent in any direction of the outlines together."""
    theta = np.linspace(0, 2 * math.pi, 180, endpoint=False)
    rims = []
    for outline, at in zip(outlines, centres, strict=True):
        k = np.arange(2, 2 + len(outline.coefficients))[:, None]
        wobble = outline.coefficients[:, 0] @ np.cos(k * theta) + outline.coefficients[:, 1] @ np.sin(k * theta)
        r = outline.radius_mm * (1 + wobble)
        rims.append(at + np.stack((r * np.cos(theta), r * np.sin(theta)), -1))
    turns = np.linspace(0, math.pi, 360, endpoint=False)
    spans = np.concatenate(rims) @ np.stack((np.cos(turns), np.sin(turns)))
    return float(np.ptp(spans, axis=0).max())
