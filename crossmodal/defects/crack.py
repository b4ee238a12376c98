"""A crack: it runs jaggedly, forks, is dark inside, and returns no depth where a sensor cannot look into it."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numba import njit

from crossmodal.defects.pieces import cell_at, gridded
from crossmodal.defects.spec import Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_value

HALVINGS = 5  # the path has 2^5 pieces, a branch an eighth of them
STEEP = 1.0  # depths against widths, beyond which lamp and eye of a sensor do not both look down to the bottom
DARKEST = 0.1  # share of light that comes back out of the bottom


class Crack(Spec):
    """A jagged, branching crack with steep walls, dark inside."""

    extent: ClassVar = "local"
    effect: ClassVar = "in"
    sizes: ClassVar = ("length_mm", "width_mm", "depth_mm")

    kind: Literal["crack"] = "crack"
    length_mm: Size | None = None
    """Straight from end to end."""
    width_mm: Size | None = None
    """Where it gapes most."""
    depth_mm: Size | None = None

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "length_mm":
            return scale.across(0.18, 0.4, pixels=36, room=1.0)
        if name == "width_mm":
            return scale.across(0.006, 0.012, pixels=4.5, steepest=0.8)
        return scale.relief(self.width_mm, 0.7, 1.2)


@dataclass(frozen=True, eq=False)
class Fissure:
    """A slot about line pieces; each knows its half width and depth share at either end."""

    pieces: np.ndarray
    """(n, 8) float64: s, t at both ends, mm; half widths mm; depth shares."""
    depth_mm: float
    width_mm: float
    seed: int

    @cached_property
    def bounds_mm(self):
        half = self.pieces[:, 4:6].max(1)
        s, t = self.pieces[:, 0:4:2], self.pieces[:, 1:4:2]
        return (float((s.min(1) - half).min()), float((s.max(1) + half).max()),
                float((t.min(1) - half).min()), float((t.max(1) + half).max()))

    @property
    def finest_mm(self):
        return 0.5 * self.width_mm

    @cached_property
    def reach_mm(self):
        return float((np.hypot(self.pieces[:, 0:4:2], self.pieces[:, 1:4:2]).max(1) + self.pieces[:, 4:6].max(1)).max())

    @property
    def deepest_mm(self):
        return self.depth_mm

    @property
    def highest_mm(self):
        return 0.0

    def near(self, s_mm, t_mm, margin_mm):
        return _near(np.ravel(s_mm), np.ravel(t_mm), self.pieces, margin_mm).reshape(s_mm.shape)

    def sample(self, s_mm, t_mm) -> Sample:
        d, albedo, gap = _slot(np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64), self.pieces, self.depth_mm,
                               self.width_mm, self.seed & 0x7FFFFFFF)
        return Sample(d, np.repeat(albedo[:, None], 3, 1), gap_mm=gap)


@njit(cache=True, nogil=True, inline="always")
def _along(s, t, piece):
    """(share of the way along a piece, distance from it) of a place."""
    x, y = piece[2] - piece[0], piece[3] - piece[1]
    u = ((s - piece[0]) * x + (t - piece[1]) * y) / (x * x + y * y)
    u = min(1.0, max(0.0, u))
    return u, math.hypot(s - piece[0] - u * x, t - piece[1] - u * y)


@njit(cache=True, nogil=True)
def _boxes(pieces, margin):
    """(n, 4) float64: least and most s and t that each piece reaches."""
    boxes = np.empty((len(pieces), 4))
    for k in range(len(pieces)):
        wide = max(pieces[k, 4], pieces[k, 5]) + margin
        for axis in range(2):
            boxes[k, 2 * axis] = min(pieces[k, axis], pieces[k, axis + 2]) - wide
            boxes[k, 2 * axis + 1] = max(pieces[k, axis], pieces[k, axis + 2]) + wide
    return boxes


@njit(cache=True, nogil=True)
def _near(s, t, pieces, margin):
    out = np.zeros(len(s), np.bool_)
    frame, first, members = gridded(_boxes(pieces, margin))
    for i in range(len(s)):
        cell = cell_at(frame, s[i], t[i])
        if cell < 0:
            continue
        for m in range(first[cell], first[cell + 1]):
            k = members[m]
            _, far = _along(s[i], t[i], pieces[k])
            if far <= max(pieces[k, 4], pieces[k, 5]) + margin:
                out[i] = True
                break
    return out


@njit(cache=True, nogil=True)
def _slot(s, t, pieces, depth, width, seed):
    d = np.zeros(len(s), np.float32)
    albedo = np.ones(len(s), np.float32)
    gap = np.full(len(s), np.inf, np.float32)
    frame, first, members = gridded(_boxes(pieces, 0.0))
    for i in range(len(s)):
        cell = cell_at(frame, s[i], t[i])
        if cell < 0:
            continue
        deepest, open_, wide_mm, deep_mm = 0.0, 0.0, 0.0, 0.0
        for m in range(first[cell], first[cell + 1]):
            piece = pieces[members[m]]
            u, far = _along(s[i], t[i], piece)
            half = piece[4] + u * (piece[5] - piece[4])
            if far >= half:
                continue
            q = far / half
            share = piece[6] + u * (piece[7] - piece[6])
            deepest = max(deepest, share * (1.0 - q * q))
            # Where a branch leaves, the wider of the two is looked into.
            if 2.0 * half > wide_mm:
                wide_mm, deep_mm = 2.0 * half, share * depth
            open_ = max(open_, min(1.0, 1.8 * (1.0 - q)) * min(1.0, 2.0 * share))
        if deepest > 0.0:
            d[i] = -depth * deepest
            grain = 0.08 * lattice_value(4.0 * s[i] / width, 4.0 * t[i] / width, seed)
            albedo[i] = 1.0 - open_ * (1.0 - DARKEST - grain)
            if deep_mm > STEEP * wide_mm:
                gap[i] = wide_mm
    return d, albedo, gap


@grow.register
def _(crack: Crack, seed: int) -> Fissure:
    length, width = crack.fixed("length_mm"), crack.fixed("width_mm")
    # Ends are round, as wide as the path is there.
    tip = 0.13 * width
    path = jagged((-0.5 * length + tip, 0.0), (0.5 * length - tip, 0.0), HALVINGS, 0.07, seed)
    lots = hashed(seed + 50, 12)
    # Straight where it gapes most, so that the widest place is as wide as asked.
    middle = len(path) // 2
    path[middle - 2:middle + 3] = np.linspace(path[middle - 2], path[middle + 2], 5)
    pieces = [_pieces(path, 0.5 * width, 1.0, True, seed + 60)]
    for k in range(2 + int(2 * abs(lots[0]))):
        # They fork off where the crack has narrowed, forwards, to alternate sides.
        way = 1 if k % 2 else -1
        share = 0.2 + 0.16 * abs(lots[1 + k])
        at = int((0.5 + way * share) * (len(path) - 1))
        turn = way * (1 if (k // 2) % 2 else -1) * math.radians(38 + 16 * lots[5 + k])
        run = (0.19 + 0.08 * lots[8 + k]) * length
        foot = path[at]
        end = foot + way * run * np.array((math.cos(turn), math.sin(turn)))
        end *= min(1.0, 0.47 * length / float(np.hypot(*end)))
        branch = jagged(foot, end, HALVINGS - 2, 0.08, seed + 70 + k)
        narrowed = _gape(at / (len(path) - 1) * 2 - 1)
        pieces.append(_pieces(branch, 0.42 * narrowed * width, 0.75 * narrowed, False, seed + 80 + k))
    return Fissure(np.concatenate(pieces), crack.fixed("depth_mm"), width, seed + 1)


def jagged(start, end, halvings: int, amplitude: float, seed: int) -> np.ndarray:
    """(2^halvings + 1, 2) points from start to end, by midpoint displacement (Fournier, Fussell, Carpenter 1982).

    amplitude: the first displacement as a share of the way
    """
    points = np.array((start, end), np.float64)
    across = (points[1] - points[0])[::-1] * (-1, 1)
    for k in range(halvings):
        middle = 0.5 * (points[1:] + points[:-1]) + amplitude * hashed(seed + k, len(points) - 1)[:, None] * across
        whole = np.empty((len(points) + len(middle), 2))
        whole[::2], whole[1::2] = points, middle
        points = whole
        amplitude *= 0.58
    return points


def _gape(x):
    """Half width against the widest, at -1…1 along a crack: full in the middle, thin at its ends."""
    return 0.3 + 0.7 * np.clip((1 - np.abs(x)) / 0.92, 0, 1) ** 0.8


def _pieces(path, half: float, share: float, both_ways: bool, seed: int) -> np.ndarray:
    x = np.linspace(-1, 1, len(path)) if both_ways else np.linspace(0, 1, len(path))
    open_ = _gape(x) * (1 - 0.3 * np.clip(6 * np.abs(x) - 0.4, 0, 1) * (0.5 + 0.5 * hashed(seed, len(path))))
    width, depth = half * open_, share * np.minimum(1, 1.1 * open_) ** 0.7
    return np.column_stack((path[:-1], path[1:], width[:-1], width[1:], depth[:-1], depth[1:]))
