"""Analytic shapes a ray meets in closed form, in metres and the camera's axes (+x right, +y down, +z ahead).

Every shape has ``hit(rays, origins=None) -> t``: the nearest t > 0 with origins + t·rays on the shape, NaN
where it is missed; and ``normal(points)``: unit, outward. A camera's rays have z = 1, so there t is depth.
"""

from dataclasses import dataclass

import numpy as np


def vector(values, word: str) -> np.ndarray:
    """A read-only float64 (3,) from three numbers."""
    array = np.array(values, np.float64)
    if array.shape != (3,) or not np.isfinite(array).all():
        raise ValueError(f"{word} must be three finite numbers, but got {values!r}")
    array.setflags(write=False)
    return array


def unit(values, word: str) -> np.ndarray:
    """A read-only float64 unit vector (3,)."""
    array = vector(values, word)
    length = np.linalg.norm(array)
    if length == 0:
        raise ValueError(f"{word} must not be zero, but got {values!r}")
    return vector(array / length, word)


def rotation_about(axis, degrees: float) -> np.ndarray:
    """The rotation (3, 3) by ``degrees`` about ``axis``, right-handed (Rodrigues)."""
    x, y, z = unit(axis, "axis")
    cross = np.array(((0, -z, y), (z, 0, -x), (-y, x, 0)))
    angle = np.deg2rad(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def nearest(*candidates: np.ndarray) -> np.ndarray:
    """The smallest positive value of several arrays, NaN where there is none."""
    stack = np.stack([np.where(c > 0, c, np.inf) for c in candidates])
    least = stack.min(0)
    return np.where(np.isfinite(least), least, np.nan)


def _dot(a, b):
    return np.einsum("...i,...i->...", a, b)


def _from(rays, origins):
    rays = np.asarray(rays, np.float64)
    origins = np.zeros(3) if origins is None else np.asarray(origins, np.float64)
    return np.broadcast_arrays(rays, origins)


def _set(shape, **values):
    for name, value in values.items():
        object.__setattr__(shape, name, value)


def _positive(value, word):
    if not value > 0:
        raise ValueError(f"{word} must be positive, but got {value}")


def _roots(a, half_b, c):
    """Both real roots of a·t² + 2·half_b·t + c, NaN if there are none; without cancellation."""
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(half_b * half_b - a * c)
        q = -(half_b + np.copysign(root, half_b))
        return q / a, c / q


@dataclass(frozen=True, eq=False)
class Plane:
    """The infinite plane through ``point`` (3,) with unit ``normal`` (3,)."""

    point: np.ndarray
    normal_out: np.ndarray

    def __post_init__(self):
        _set(self, point=vector(self.point, "point"), normal_out=unit(self.normal_out, "normal_out"))

    def hit(self, rays, origins=None):
        rays, origins = _from(rays, origins)
        with np.errstate(divide="ignore", invalid="ignore"):
            return nearest(_dot(self.point - origins, self.normal_out) / _dot(rays, self.normal_out))

    def normal(self, points):
        return np.broadcast_to(self.normal_out, np.shape(points)).copy()


@dataclass(frozen=True, eq=False)
class Sphere:
    """The sphere about ``centre`` (3,) with ``radius`` in metres."""

    centre: np.ndarray
    radius: float

    def __post_init__(self):
        _positive(self.radius, "radius")
        _set(self, centre=vector(self.centre, "centre"))

    def hit(self, rays, origins=None):
        rays, origins = _from(rays, origins)
        offset = origins - self.centre
        return nearest(*_roots(_dot(rays, rays), _dot(rays, offset), _dot(offset, offset) - self.radius**2))

    def normal(self, points):
        return (np.asarray(points, np.float64) - self.centre) / self.radius


@dataclass(frozen=True, eq=False)
class Cylinder:
    """A cylinder about the line through ``centre`` (3,) along ``axis`` (3,); ``length`` adds end discs."""

    centre: np.ndarray
    axis: np.ndarray
    radius: float
    length: float | None = None

    def __post_init__(self):
        _positive(self.radius, "radius")
        if self.length is not None:
            _positive(self.length, "length")
        _set(self, centre=vector(self.centre, "centre"), axis=unit(self.axis, "axis"))

    def hit(self, rays, origins=None):
        rays, origins = _from(rays, origins)
        offset = origins - self.centre
        along_ray, along = _dot(rays, self.axis), _dot(offset, self.axis)
        across_ray = rays - along_ray[..., None] * self.axis
        across = offset - along[..., None] * self.axis
        sides = _roots(_dot(across_ray, across_ray), _dot(across_ray, across),
                       _dot(across, across) - self.radius**2)
        if self.length is None:
            return nearest(*sides)
        half = self.length / 2
        sides = [np.where(np.abs(along + t * along_ray) <= half, t, np.nan) for t in sides]
        with np.errstate(divide="ignore", invalid="ignore"):
            caps = [(end - along) / along_ray for end in (-half, half)]
            away = [np.linalg.norm(across + t[..., None] * across_ray, axis=-1) for t in caps]
        caps = [np.where(r <= self.radius, t, np.nan) for r, t in zip(away, caps, strict=True)]
        return nearest(*sides, *caps)

    def normal(self, points):
        offset = np.asarray(points, np.float64) - self.centre
        along = _dot(offset, self.axis)[..., None]
        across = offset - along * self.axis
        distance = np.linalg.norm(across, axis=-1, keepdims=True)
        side = across / np.where(distance > 0, distance, 1)
        if self.length is None:
            return side
        on_cap = self.length / 2 - np.abs(along) < self.radius - distance
        return np.where(on_cap, np.sign(along) * self.axis, side)


@dataclass(frozen=True, eq=False)
class Box:
    """A box about ``centre`` (3,) with ``half_sizes`` (3,) along the columns of ``rotation`` (3, 3)."""

    centre: np.ndarray
    half_sizes: np.ndarray
    rotation: np.ndarray | None = None

    def __post_init__(self):
        turn = np.eye(3) if self.rotation is None else np.array(self.rotation, np.float64)
        if turn.shape != (3, 3) or not np.allclose(turn.T @ turn, np.eye(3), atol=1e-9):
            raise ValueError("rotation must be an orthonormal (3, 3) matrix")
        _set(self, centre=vector(self.centre, "centre"), half_sizes=vector(self.half_sizes, "half_sizes"),
             rotation=turn)
        _positive(self.half_sizes.min(), "half_sizes")

    def hit(self, rays, origins=None):
        rays, origins = _from(rays, origins)
        rays, offset = rays @ self.rotation, (origins - self.centre) @ self.rotation
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = (-self.half_sizes - offset) / rays, (self.half_sizes - offset) / rays
        # a ray within a slab's plane gives 0/0: it is inside that slab for all t
        enter = np.where(np.isnan(low + high), -np.inf, np.minimum(low, high)).max(-1)
        leave = np.where(np.isnan(low + high), np.inf, np.maximum(low, high)).min(-1)
        return np.where(enter <= leave, nearest(enter, leave), np.nan)

    def normal(self, points):
        local = (np.asarray(points, np.float64) - self.centre) @ self.rotation
        side = np.argmax(np.abs(local) - self.half_sizes, -1)
        sign = np.sign(np.take_along_axis(local, side[..., None], -1))
        return np.take(self.rotation.T, side, 0) * sign


@dataclass(frozen=True, eq=False)
class Step:
    """Two parallel half planes and the riser between them.

    The upper one passes through ``point`` (3,) with unit ``normal_out`` and ends at the line there
    square to ``across`` (3,); beyond it, along ``across``, lies the lower one, ``jump`` metres deeper.
    """

    point: np.ndarray
    normal_out: np.ndarray
    across: np.ndarray
    jump: float

    def __post_init__(self):
        _positive(self.jump, "jump")
        normal, across = unit(self.normal_out, "normal_out"), vector(self.across, "across")
        _set(self, point=vector(self.point, "point"), normal_out=normal,
             across=unit(across - (across @ normal) * normal, "across"))

    def hit(self, rays, origins=None):
        rays, origins = _from(rays, origins)
        up_ray, up = _dot(rays, self.normal_out), _dot(origins - self.point, self.normal_out)
        over_ray, over = _dot(rays, self.across), _dot(origins - self.point, self.across)
        with np.errstate(divide="ignore", invalid="ignore"):
            top, bottom, riser = -up / up_ray, (-self.jump - up) / up_ray, -over / over_ray
            top = np.where(over + top * over_ray <= 0, top, np.nan)
            bottom = np.where(over + bottom * over_ray >= 0, bottom, np.nan)
            height = up + riser * up_ray
        return nearest(top, bottom, np.where((height <= 0) & (height >= -self.jump), riser, np.nan))

    def normal(self, points):
        offset = np.asarray(points, np.float64) - self.point
        up, over = _dot(offset, self.normal_out), _dot(offset, self.across)
        flat = np.minimum(np.abs(up), np.abs(up + self.jump)) <= np.abs(over)
        return np.where(flat[..., None], self.normal_out, self.across)
