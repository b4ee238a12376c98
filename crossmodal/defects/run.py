"""A spot with runs: what was spilled at one place and ran down from there, with a bead at the end of each run."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crossmodal.defects.outline import Outline
from crossmodal.texture import hashed

MOST_RUNS = 3
SHOULDER, BEAD = 1.8, 1.25  # half a run's width where it leaves the head, and its bead's radius, against half its width


@dataclass(frozen=True, eq=False)
class Runs:
    """A head and runs along +s, together as long in their longest direction as asked.

    head: around (head_s_mm, 0); runs: (n, 5) float64: t, s of the bead's middle, half the run's width, how far it
    wanders, all in mm, and its phase
    """

    diameter_mm: float
    head: Outline
    head_s_mm: float
    runs: np.ndarray

    @classmethod
    def drawn(cls, diameter_mm: float, seed: int) -> "Runs":
        """A head of about a third of the length, and one to three runs of which the first is the longest."""
        lots = 0.5 + 0.5 * hashed(seed + 17, 1 + 4 * MOST_RUNS)
        count = 1 + int(0.999 * lots[0] * MOST_RUNS)
        head = Outline.drawn(0.36, 0.3, seed)
        runs = np.zeros((count, 5))
        for k in range(count):
            far, aside, wide, phase = lots[1 + 4 * k:5 + 4 * k]
            runs[k] = (0.06 * (2 * aside - 1), 0.75 if k == 0 else 0.25 + 0.35 * far, 0.03 + 0.022 * wide,
                       0.012, 2 * math.pi * phase)
        theta = np.linspace(0, 2 * math.pi, 360, endpoint=False)
        ring = np.stack((np.cos(theta), np.sin(theta)), -1)
        rims = [_rim(head, theta), *(np.array((run[1], _path(run, run[1], 1))) + BEAD * run[2] * ring for run in runs)]
        turns = np.linspace(0, math.pi, 720, endpoint=False)
        spans = np.concatenate(rims) @ np.stack((np.cos(turns), np.sin(turns)))
        k = diameter_mm / float(np.ptp(spans, axis=0).max())
        middle = 0.5 * k * (np.concatenate(rims)[:, 0].min() + np.concatenate(rims)[:, 0].max())
        runs[:, :4] *= k
        runs[:, 1] -= middle
        scaled = Outline(k * head.diameter_mm, head.coefficients, k * head.radius_mm)
        return cls(diameter_mm, scaled, -middle, runs)

    @cached_property
    def bounds_mm(self):
        reach, (t, s, half, wander, _) = self.head.reach_mm, self.runs.T
        side = max(reach, float((np.abs(t) + wander + SHOULDER * half).max()))
        return self.head_s_mm - reach, max(self.head_s_mm + reach, float((s + BEAD * half).max())), -side, side

    @cached_property
    def reach_mm(self) -> float:
        s0, s1, t0, t1 = self.bounds_mm
        return math.hypot(max(-s0, s1), max(-t0, t1))

    def near(self, s_mm, t_mm, margin_mm):
        """Bool (...): within a margin of the head or of a run's box."""
        close = self.head.near(s_mm - self.head_s_mm, t_mm, margin_mm)
        for t, s, half, wander, _ in self.runs:
            close = close | ((np.abs(t_mm - t) <= wander + SHOULDER * half + margin_mm)
                             & (s_mm >= self.head_s_mm - margin_mm) & (s_mm <= s + BEAD * half + margin_mm))
        return close

    def inside(self, s_mm, t_mm):
        """(n,) float64: 0 in the middle of the head, a run or a bead, 1 on the outline, above 1 outside."""
        s_mm, t_mm = np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64)
        least = self.head.inside(s_mm - self.head_s_mm, t_mm)
        for run in self.runs:
            _, s, half, _, _ = run
            # It leaves the head broad and narrows.
            left = (s_mm - self.head_s_mm) / self.diameter_mm - 0.17
            wide = half * (1 + (SHOULDER - 1) * np.exp(-((left / 0.09) ** 2)))
            aside = np.abs(t_mm - _path(run, s_mm, self.diameter_mm)) / wide
            along = np.where((s_mm >= self.head_s_mm) & (s_mm <= s), aside, np.inf)
            bead = np.hypot(s_mm - s, t_mm - _path(run, s, self.diameter_mm)) / (BEAD * half)
            least = np.minimum(least, np.minimum(along, bead))
        return least


def _path(run, s_mm, diameter_mm):
    """t (n,) of a run's middle where it is at s_mm."""
    t, end, _, wander, phase = run
    return t + wander * np.sin(2 * math.pi * (s_mm - end) / (0.45 * diameter_mm) + phase)


def _rim(outline: Outline, theta):
    k = np.arange(2, 2 + len(outline.coefficients))[:, None]
    wobble = outline.coefficients[:, 0] @ np.cos(k * theta) + outline.coefficients[:, 1] @ np.sin(k * theta)
    return (outline.radius_mm * (1 + wobble))[:, None] * np.stack((np.cos(theta), np.sin(theta)), -1)
