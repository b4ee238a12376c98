"""A fibre: a hair or thread that lies on the surface in curves and lifts off it in two bows."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numba import njit

from crossmodal.defects.added import linear, told_apart
from crossmodal.defects.pieces import cell_at, gridded
from crossmodal.defects.spec import Colour, Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed

PIECES = 40
# Linear light that each returns when a white surface returns 1: dark hair, brown hair, cotton, dyed thread.
PALETTE = np.array(((0.02, 0.015, 0.012), (0.09, 0.045, 0.02), (0.62, 0.60, 0.55), (0.05, 0.09, 0.25)))


class Fibre(Spec):
    """A hair or thread on the surface: curved, round, touching it at both ends and its middle, lifted off between."""

    extent: ClassVar = "local"
    effect: ClassVar = "add"
    overhangs: ClassVar = True
    sizes: ClassVar = ("length_mm", "width_mm", "height_mm")

    kind: Literal["fibre"] = "fibre"
    length_mm: Size | None = None
    """The farthest that two of its points are apart."""
    width_mm: Size | None = None
    height_mm: Size | None = None
    """Of its highest place over the surface; what is lower than it is wide is flat and lies everywhere."""
    colour: Colour | None = None
    """None draws that of hair, cotton or thread, unlike the object's own."""

    def coloured(self, rng, scale: Scale):
        return told_apart(self, PALETTE, rng, scale)

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "length_mm":
            return scale.across(0.12, 0.3, pixels=40, room=1.0)
        if name == "width_mm":
            return scale.across(0.004, 0.007, pixels=3.5, steepest=0.6)
        return scale.relief(self.width_mm, 1.3, 2.2)


@dataclass(frozen=True, eq=False)
class Strand:
    """A round strand along points (n, 2) mm, lifted by ``crest`` (n,) of all the height that it has to spare."""

    matter: ClassVar[bool] = True

    points: np.ndarray
    crest: np.ndarray
    width_mm: float
    height_mm: float
    colour: np.ndarray
    """(3,) float64 linear."""

    @cached_property
    def bounds_mm(self):
        (s0, t0), (s1, t1) = self.points.min(0) - 0.5 * self.width_mm, self.points.max(0) + 0.5 * self.width_mm
        return float(s0), float(s1), float(t0), float(t1)

    @property
    def thickest_mm(self):
        return min(self.width_mm, self.height_mm)

    @property
    def finest_mm(self):
        return 0.6 * self.width_mm

    @cached_property
    def reach_mm(self):
        return float(np.hypot(*self.points.T).max() + 0.5 * self.width_mm)

    @property
    def deepest_mm(self):
        return 0.0

    @property
    def highest_mm(self):
        return self.height_mm

    def near(self, s_mm, t_mm, margin_mm):
        return _near(np.ravel(s_mm), np.ravel(t_mm), self.points, 0.5 * self.width_mm + margin_mm).reshape(s_mm.shape)

    def sample(self, s_mm, t_mm) -> Sample:
        half, thick = 0.5 * self.width_mm, self.thickest_mm
        s, t = np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64)
        far, crest = _distance(s, t, self.points, self.crest, half)
        inside = far < half
        round_ = np.sqrt(1 - np.minimum(far / half, 1) ** 2)
        axis = 0.5 * thick + crest * (self.height_mm - thick)
        top = np.where(inside, axis + 0.5 * thick * round_, 0)
        under = np.where(inside, axis - 0.5 * thick * round_, 0)
        share = inside[:, None].astype(np.float32)
        tone = np.clip(self.colour * (0.85 + 0.15 * round_[:, None]), 0, 1)
        return Sample(top.astype(np.float32), cover=np.concatenate((share * tone, share), 1).astype(np.float32),
                      underside_mm=under.astype(np.float32))


@njit(cache=True, nogil=True)
def _distance(s, t, points, crest, enough):
    """Distance (n,) from a line through points, inf beyond ``enough``, and the crest there."""
    out = np.full(len(s), np.inf)
    at = np.zeros(len(s))
    boxes = _boxes(points, enough)
    frame, first, members = gridded(boxes)
    for i in range(len(s)):
        cell = cell_at(frame, s[i], t[i])
        if cell < 0:
            continue
        for m in range(first[cell], first[cell + 1]):
            k = members[m]
            if not (boxes[k, 0] <= s[i] <= boxes[k, 1] and boxes[k, 2] <= t[i] <= boxes[k, 3]):
                continue
            u, p, q = _off(s[i], t[i], points[k], points[k + 1])
            if p * p + q * q < out[i]:
                out[i] = p * p + q * q
                at[i] = crest[k] + u * (crest[k + 1] - crest[k])
        out[i] = math.sqrt(out[i])
    return out, at


@njit(cache=True, nogil=True)
def _near(s, t, points, enough):
    """(n,) bool: places no farther than ``enough`` from a line through points."""
    out = np.zeros(len(s), np.bool_)
    boxes = _boxes(points, enough)
    frame, first, members = gridded(boxes)
    for i in range(len(s)):
        cell = cell_at(frame, s[i], t[i])
        if cell < 0:
            continue
        for m in range(first[cell], first[cell + 1]):
            k = members[m]
            if boxes[k, 0] <= s[i] <= boxes[k, 1] and boxes[k, 2] <= t[i] <= boxes[k, 3]:
                _, p, q = _off(s[i], t[i], points[k], points[k + 1])
                if p * p + q * q <= enough * enough:
                    out[i] = True
                    break
    return out


@njit(cache=True, nogil=True)
def _boxes(points, enough):
    """(n − 1, 4) float64: least and most s and t within ``enough`` of each piece of a line."""
    boxes = np.empty((len(points) - 1, 4))
    for k in range(len(points) - 1):
        for axis in range(2):
            boxes[k, 2 * axis] = min(points[k, axis], points[k + 1, axis]) - enough
            boxes[k, 2 * axis + 1] = max(points[k, axis], points[k + 1, axis]) + enough
    return boxes


@njit(cache=True, nogil=True, inline="always")
def _off(s, t, start, end):
    """(share of the way from start to end, s and t from the line there) of a place."""
    x, y = end[0] - start[0], end[1] - start[1]
    u = min(1.0, max(0.0, ((s - start[0]) * x + (t - start[1]) * y) / (x * x + y * y)))
    return u, s - start[0] - u * x, t - start[1] - u * y


@grow.register
def _(fibre: Fibre, seed: int) -> Strand:
    length, width = fibre.fixed("length_mm"), fibre.fixed("width_mm")
    lots = hashed(seed, 8)
    x = np.linspace(-1, 1, PIECES + 1)
    # A fibre's bend changes slowly along it: its heading is a sum of few waves.
    heading = 0.9 * lots[0] * np.sin(1.6 * x + 3 * lots[1]) + 0.8 * lots[2] * np.sin(3.4 * x + 3 * lots[3])
    path = np.cumsum(np.stack((np.cos(heading), np.sin(heading)), -1), 0)
    path -= 0.5 * (path.min(0) + path.max(0))
    turns = np.linspace(0, math.pi, 360, endpoint=False)
    feret = np.ptp(path @ np.stack((np.cos(turns), np.sin(turns))), axis=0).max()
    path *= (length - width) / feret
    # One of the two bows is as high as asked.
    low = np.where((x > 0) == (lots[4] > 0), 0.4 + 0.6 * abs(lots[7]), 1.0)
    crest = low * np.sin(math.pi * x) ** 2
    colour = PALETTE[int((0.5 + 0.4999 * lots[5]) * len(PALETTE))] if fibre.colour is None else linear(fibre.colour)
    return Strand(path, crest, width, fibre.fixed("height_mm"), colour * (1 + 0.2 * lots[6]))
