"""What light and matter look like to the virtual scanner: one lamp, an open sky, and materials with a grain.

A texture is a callable from 3-D points (N, 3) in mm to a gain (N,) on the albedo. Its noise comes from an
integer hash of lattice points, so that it is bit-exact on every machine.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from crossmodal.scanner.shapes import unit, vector


@dataclass(frozen=True, eq=False)
class Lamp:
    """A far lamp and the light from everywhere else.

    direction: (3,) unit, from the object towards the lamp, camera axes
    ambient, diffuse: light from the sky and from the lamp; a white face square to the lamp has their sum
    softness_deg: angular radius of the lamp; 0 casts hard shadows
    sky_rays: rays that find how much sky a point sees; 0 gives every point the same ambient light
    colour: (3,) linear tint of the lamp
    sky_side: (3,) towards the brightest sky; the lamp's own side if None
    """

    direction: np.ndarray = (-0.45, -0.55, -0.7)
    ambient: float = 0.25
    diffuse: float = 0.75
    softness_deg: float = 0.0
    sky_rays: int = 0
    colour: np.ndarray = (1.0, 1.0, 1.0)
    sky_side: np.ndarray | None = None

    def __post_init__(self):
        if self.ambient < 0 or self.diffuse < 0:
            raise ValueError("ambient and diffuse must not be negative, "
                             f"but got {self.ambient} and {self.diffuse}")
        object.__setattr__(self, "direction", unit(self.direction, "direction"))
        object.__setattr__(self, "colour", vector(self.colour, "colour"))
        if self.sky_side is not None:
            object.__setattr__(self, "sky_side", unit(self.sky_side, "sky_side"))

    def directions(self, count: int, turn: int) -> np.ndarray:
        """``count`` unit directions (count, 3) over the lamp's disc, rotated for every ``turn``."""
        if self.softness_deg == 0:
            return self.direction[None]
        k = np.arange(count)
        radius = math.tan(math.radians(self.softness_deg)) * np.sqrt((k + 0.5) / count)
        angle = 2.399963229728653 * k + 1.7 * turn
        x, y = _frame(self.direction)
        spread = (radius * np.cos(angle))[:, None] * x + (radius * np.sin(angle))[:, None] * y
        spread += self.direction
        return spread / np.linalg.norm(spread, axis=1, keepdims=True)

    def sky(self, directions: np.ndarray) -> np.ndarray:
        """Radiance (...) of the surroundings in directions (..., 3): brightest on one side."""
        side = self.direction if self.sky_side is None else self.sky_side
        return 0.35 + 0.65 * (0.5 + 0.5 * directions @ side) ** 2


def sky_directions(count: int) -> np.ndarray:
    """``count`` directions (count, 3) evenly over the sphere (Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    z = 1 - 2 * k / count
    angle = 2.399963229728653 * k
    r = np.sqrt(1 - z * z)
    return np.stack((r * np.cos(angle), r * np.sin(angle), z), 1)


@dataclass(frozen=True, eq=False)
class Material:
    """A Lambertian base with an optional grain and a Blinn-Phong gloss.

    albedo: (3,) linear reflectance
    texture: points (N, 3) in mm → gain (N,) or (N, 3) on the albedo, or None
    specular: strength of the gloss; shininess: its Blinn-Phong exponent
    mirror: how much of the sky the surface reflects at grazing and, by a tenth, at normal incidence
    """

    albedo: np.ndarray = (0.6, 0.6, 0.6)
    texture: Callable[[np.ndarray], np.ndarray] | None = None
    specular: float = 0.0
    shininess: float = 40.0
    mirror: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "albedo", vector(self.albedo, "albedo"))


@dataclass(frozen=True)
class Brushed:
    """Fine streaks along ``along``, as brushing or rolling leaves on metal."""

    along: tuple[float, float, float] = (1.0, 0.0, 0.0)
    contrast: float = 0.18
    seed: int = 0

    def __call__(self, points_mm: np.ndarray) -> np.ndarray:
        axis = unit(self.along, "along")
        x, y = _frame(axis)
        local = points_mm @ np.stack((axis, x, y), 1)
        streaks = noise(local * (0.05, 2.6, 2.6), self.seed)
        streaks += 0.7 * noise(local * (0.12, 6.0, 6.0), self.seed + 1)
        return 1 + self.contrast * streaks + 0.04 * noise(local * 0.04, self.seed + 2)


@dataclass(frozen=True)
class Cast:
    """The mottle and speckle of cast or moulded matter."""

    grain_mm: float = 0.5
    contrast: float = 0.12
    seed: int = 0

    def __call__(self, points_mm: np.ndarray) -> np.ndarray:
        fine = noise(points_mm / self.grain_mm, self.seed)
        coarse = noise(points_mm / (5.3 * self.grain_mm), self.seed + 1)
        cloud = noise(points_mm / (40 * self.grain_mm), self.seed + 2)
        return 1 + self.contrast * (fine + 0.4 * coarse + 0.4 * cloud)


@dataclass(frozen=True)
class Painted:
    """A coat of paint: almost even, with a faint orange peel and a few specks of dust."""

    contrast: float = 0.05
    seed: int = 0

    def __call__(self, points_mm: np.ndarray) -> np.ndarray:
        peel = noise(points_mm / 1.1, self.seed) + 0.8 * noise(points_mm / 28.0, self.seed + 1)
        dust = noise(points_mm / 0.8, self.seed + 2) * (0.5 + 0.5 * noise(points_mm / 3.0, self.seed + 3))
        return 1 + self.contrast * peel - 0.5 * np.clip(dust - 0.62, 0, None)


def noise(points: np.ndarray, seed: int) -> np.ndarray:
    """Smooth value noise (N,) in [-1, 1] at points (N, 3): hashed integer lattice, quintic interpolation."""
    flat = np.ascontiguousarray(points, np.float64).reshape(-1, 3)
    return _noise(flat, seed).reshape(np.shape(points)[:-1])


def _frame(axis):
    first = np.eye(3)[np.argmin(np.abs(axis))]
    x = np.cross(axis, first)
    x /= np.linalg.norm(x)
    return x, np.cross(axis, x)


@njit(cache=True, nogil=True)
def _hash(x, y, z, seed):
    h = np.uint64(x) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(y) * np.uint64(0xC2B2AE3D27D4EB4F)
    h ^= np.uint64(z) * np.uint64(0x165667B19E3779F9) ^ np.uint64(seed) * np.uint64(0xD6E8FEB86659FD93)
    for _ in range(2):
        h ^= h >> np.uint64(32)
        h *= np.uint64(0xD6E8FEB86659FD93)
    h ^= h >> np.uint64(32)
    return np.float64(h >> np.uint64(40)) / 8388607.5 - 1.0


@njit(cache=True, nogil=True)
def _noise(points, seed):
    out = np.empty(len(points))
    for i in range(len(points)):
        x, y, z = math.floor(points[i, 0]), math.floor(points[i, 1]), math.floor(points[i, 2])
        a, b, c = points[i, 0] - x, points[i, 1] - y, points[i, 2] - z
        a, b, c = (a * a * a * (a * (a * 6 - 15) + 10), b * b * b * (b * (b * 6 - 15) + 10),
                   c * c * c * (c * (c * 6 - 15) + 10))
        ix, iy, iz = np.int64(x), np.int64(y), np.int64(z)
        total = 0.0
        for k in range(8):
            p, q, r = k & 1, (k >> 1) & 1, k >> 2
            weight = (a if p else 1 - a) * (b if q else 1 - b) * (c if r else 1 - c)
            total += weight * _hash(ix + p, iy + q, iz + r, seed)
        out[i] = total
    return out
