"""Edits said twice: as a field in closed form, and as a solid to cut away or add. They share no code with the core."""

import math
from dataclasses import dataclass

import numpy as np
import trimesh

from crossmodal.edit import Sample


@dataclass(frozen=True)
class Tool:
    """An edit said twice: as a field on the surface, and as a solid to cut away (-1), to add (+1) or to lay on (0),
    or as the way in which all vertices (n, 3) mm move."""

    kind: str
    field: object
    solid: trimesh.Trimesh | None
    sign: int
    moved: object = None


@dataclass(frozen=True)
class Shaped:
    """A field from a closed form: relief(s, t) in mm → (displacement mm, removed), within a half extent."""

    relief: object
    half: tuple[float, float]
    deepest_mm: float
    highest_mm: float
    finest_mm: float
    colour: tuple | None = None

    @property
    def matter(self):
        return self.colour is not None

    @property
    def bounds_mm(self):
        return -self.half[0], self.half[0], -self.half[1], self.half[1]

    @property
    def reach_mm(self):
        return math.hypot(*self.half)

    def near(self, s, t, margin):
        return (np.abs(s) <= self.half[0] + margin) & (np.abs(t) <= self.half[1] + margin)

    def sample(self, s, t):
        d, removed = self.relief(np.asarray(s, float), np.asarray(t, float))
        cover = None
        if self.colour is not None:
            share = (d > 0)[:, None].astype(np.float32)
            cover = np.concatenate((share * np.array(self.colour, np.float32), share), 1)
        return Sample(d.astype(np.float32), removed=removed if removed.any() else None, cover=cover)


def sunk(depth: float, radius: float, sign: int, curve: float = math.inf, colour=None) -> Tool:
    """A ball sunk into flat ground, or into a cylinder of radius ``curve`` along x, and cut away or left standing."""
    centre = sign * (depth - radius) if sign > 0 else radius - depth

    def relief(s, t):
        if math.isinf(curve):
            q, n = np.stack((s, t, -centre + 0 * s), -1), np.stack((0 * s, 0 * s, 1 + 0 * s), -1)
        else:
            angle = t / curve
            n = np.stack((0 * s, np.sin(angle), np.cos(angle)), -1)
            q = curve * n + np.stack((s, 0 * s, -curve - centre + 0 * s), -1)
        along = (q * n).sum(-1)
        inside = radius**2 - (q * q).sum(-1)
        root = np.sqrt(np.maximum(along**2 + inside, 0))
        return np.where(inside > 0, sign * (root - sign * along), 0), np.zeros(s.shape, bool)

    half = math.sqrt(2 * radius * depth - depth**2) * 1.02
    wide = half
    if not math.isinf(curve):
        apart = curve + centre  # where the two circles of the bar's section cross
        wide = 1.02 * curve * math.acos((curve**2 + apart**2 - radius**2) / (2 * curve * apart))
    solid = trimesh.creation.icosphere(subdivisions=6, radius=radius)
    solid.apply_translation((0, 0, centre))
    kind = "contamination" if colour is not None else {1: "bump", -1: "dent"}[sign]
    return Tool(kind, Shaped(relief, (half, wide), depth if sign < 0 else 0, depth if sign > 0 else 0, half, colour),
                solid, 0 if colour is not None else sign)


def groove(length: float, half: float, depth: float) -> Tool:
    """A V ploughed straight along x."""
    def relief(s, t):
        inside = (np.abs(s) < length / 2) & (np.abs(t) < half)
        return np.where(inside, -depth * (1 - np.abs(t) / half), 0), np.zeros(s.shape, bool)

    profile = np.array(((0, -depth), (2 * half, depth), (-2 * half, depth)))
    corners = [(x, y, z) for x in (-length / 2, length / 2) for y, z in profile]
    return Tool("scratch", Shaped(relief, (length / 2, half), depth, 0, half), trimesh.convex.convex_hull(corners), -1)


def bore(radius: float, through: float) -> Tool:
    """A round hole bored straight through."""
    def relief(s, t):
        gone = np.hypot(s, t) < radius
        return np.where(gone, -through, 0), gone

    solid = trimesh.creation.cylinder(radius=radius, height=2.02 * through, sections=720)
    return Tool("hole", Shaped(relief, (radius, radius), through, 0, 0.5 * radius), solid, -1)


def bent(angle: float, radius: float) -> Tool:
    """The half beyond the middle lifted by an angle in degrees, over an arc."""
    turn = math.radians(angle)

    def height(x):
        foot = radius * math.sin(turn)
        x_arc = np.clip(x, 0, foot)
        arc = radius - np.sqrt(radius**2 - x_arc**2)
        return arc + np.where(x > foot, (x - foot) * math.tan(turn), 0)

    def relief(s, t):
        return height(s), np.zeros(s.shape, bool)

    def moved(vertices):
        return vertices + height(vertices[:, :1]) * np.array((0.0, 0.0, 1.0))

    return Tool("bend", Shaped(relief, (20.0, 20.0), 0, float(height(np.array(20.0))), 20), None, 0, moved)
