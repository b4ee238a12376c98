"""A solid with rounded edges, built from blended parts: what machined and cast objects look like.

The parts' signed distances are joined with the polynomial smooth minimum (Quilez 2013), whose
width is the fillet; rays are sphere-traced (Hart 1996) and the root is polished to below a nanometre.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numba import njit

from crossmodal.scanner.shapes import vector

_KINDS = {"box": 0, "cylinder": 1, "sphere": 2, "slot": 3}
_JOINS = {"add": 0, "cut": 1, "keep": 2}


@dataclass(frozen=True)
class Part:
    """One part of a Solid, in the solid's own axes and metres.

    kind: ``box`` (size = half sizes), ``cylinder`` along z (size = radius, half height, -),
        ``sphere`` (size = radius, -, -), ``slot`` along x with round ends (half length, radius, half height)
    join: ``add`` to what is there, ``cut`` it away, or ``keep`` only what lies inside
    edge: radius that rounds the part's own edges; blend: width of the fillet where it joins
    fourfold: the part stands mirrored in all four quadrants of x and y
    """

    kind: Literal["box", "cylinder", "sphere", "slot"]
    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    join: Literal["add", "cut", "keep"] = "add"
    edge: float = 0.0
    blend: float = 0.0
    fourfold: bool = False


@dataclass(frozen=True, eq=False)
class Solid:
    """Parts joined in order, turned by ``rotation`` (3, 3) and moved to ``centre`` (3,), camera axes."""

    parts: tuple[Part, ...]
    rotation: np.ndarray
    centre: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "rotation", np.array(self.rotation, np.float64))
        object.__setattr__(self, "centre", vector(self.centre, "centre"))

    @cached_property
    def code(self) -> np.ndarray:
        """(P, 11) float64: kind, join, centre, size, edge, blend, fourfold of each part."""
        return np.array([(_KINDS[p.kind], _JOINS[p.join], *p.centre, *p.size, p.edge, p.blend, p.fourfold)
                         for p in self.parts])

    @cached_property
    def bounds(self) -> np.ndarray:
        """(2, 3) lowest and highest corner of a box that holds the solid, in its own axes."""
        corners = []
        for part in self.parts:
            if part.join != "add":
                continue
            half = {"box": part.size, "cylinder": (part.size[0], part.size[0], part.size[1]),
                    "sphere": (part.size[0],) * 3,
                    "slot": (part.size[0] + part.size[1], part.size[1], part.size[2])}[part.kind]
            grown = np.array(half) + part.blend / 4 + 1e-6
            for sign in ((1, 1, 1), (-1, -1, 1))[:1 + part.fourfold]:
                corners += [np.array(part.centre) * sign - grown, np.array(part.centre) * sign + grown]
        return np.stack((np.min(corners, 0), np.max(corners, 0)))

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Signed distance bound (...) in metres at points (..., 3), negative inside."""
        local = (np.asarray(points, np.float64) - self.centre) @ self.rotation
        return _distances(self.code, local.reshape(-1, 3)).reshape(local.shape[:-1])

    def hit(self, rays: np.ndarray, origins: np.ndarray | None = None) -> np.ndarray:
        """t (...) of the first hit from outside, NaN where missed."""
        rays = np.asarray(rays, np.float64)
        origins = np.zeros(3) if origins is None else np.asarray(origins, np.float64)
        shape = np.broadcast_shapes(rays.shape, origins.shape)[:-1]
        flat = (np.ascontiguousarray(a.reshape(-1, 3)) if a.size == 3 or a.shape[:-1] == shape
                else np.broadcast_to(a, (*shape, 3)).reshape(-1, 3) for a in (origins, rays))
        t = _march(self.code, self.bounds, self.rotation, self.centre, *flat, int(np.prod(shape)))
        return t.reshape(shape)

    def normal(self, points: np.ndarray) -> np.ndarray:
        """Unit outward normals (..., 3): the gradient of the distance by central differences of 1 µm."""
        local = ((np.asarray(points, np.float64) - self.centre) @ self.rotation).reshape(-1, 3)
        h = np.eye(3) * 1e-6
        slope = np.stack([_distances(self.code, local + h[i]) - _distances(self.code, local - h[i])
                          for i in range(3)], -1)
        slope /= np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-30)
        return (slope @ self.rotation.T).reshape(np.shape(points))


@njit(cache=True, nogil=True)
def _distance(code, x, y, z):
    total = math.inf
    for k in range(len(code)):
        p = code[k]
        px, py, pz, edge = (abs(x) if p[10] else x) - p[2], (abs(y) if p[10] else y) - p[3], z - p[4], p[8]
        if p[0] == 0:
            qx, qy, qz = abs(px) - p[5] + edge, abs(py) - p[6] + edge, abs(pz) - p[7] + edge
            ox, oy, oz = max(qx, 0.0), max(qy, 0.0), max(qz, 0.0)
            d = math.sqrt(ox * ox + oy * oy + oz * oz) + min(max(qx, qy, qz), 0.0) - edge
        elif p[0] == 2:
            d = math.sqrt(px * px + py * py + pz * pz) - p[5]
        else:
            radius, half = p[5], p[6]
            if p[0] == 3:
                px = max(abs(px) - p[5], 0.0)
                radius, half = p[6], p[7]
            qr, qz = math.sqrt(px * px + py * py) - radius + edge, abs(pz) - half + edge
            r, o = max(qr, 0.0), max(qz, 0.0)
            d = math.sqrt(r * r + o * o) + min(max(qr, qz), 0.0) - edge
        if k == 0:
            total = d
            continue
        a, b = (total, d) if p[1] == 0 else ((-total, d) if p[1] == 1 else (-total, -d))
        low = min(a, b)
        if p[9] > 0.0:
            h = max(p[9] - abs(a - b), 0.0) / p[9]
            low -= h * h * p[9] * 0.25
        total = low if p[1] == 0 else -low
    return total


@njit(cache=True, nogil=True)
def _distances(code, points):
    out = np.empty(len(points))
    for i in range(len(points)):
        out[i] = _distance(code, points[i, 0], points[i, 1], points[i, 2])
    return out


@njit(cache=True, nogil=True)
def _within(bounds, origin, ray):
    """The stretch of a ray inside a box; empty where the end comes before the start."""
    start, end = 0.0, math.inf
    for i in range(3):
        if ray[i] == 0.0:
            if origin[i] < bounds[0, i] or origin[i] > bounds[1, i]:
                return 1.0, 0.0
            continue
        a, b = (bounds[0, i] - origin[i]) / ray[i], (bounds[1, i] - origin[i]) / ray[i]
        start, end = max(start, min(a, b)), min(end, max(a, b))
    return start, end


@njit(cache=True, nogil=True)
def _along(code, o, r, t):
    return _distance(code, o[0] + t * r[0], o[1] + t * r[1], o[2] + t * r[2])


@njit(cache=True, nogil=True)
def _local(rotation, x, y, z):
    # tuples, not arrays: those would be allocated for every ray
    return (rotation[0, 0] * x + rotation[1, 0] * y + rotation[2, 0] * z,
            rotation[0, 1] * x + rotation[1, 1] * y + rotation[2, 1] * z,
            rotation[0, 2] * x + rotation[1, 2] * y + rotation[2, 2] * z)


@njit(cache=True, nogil=True)
def _march(code, bounds, rotation, centre, origins, rays, count):
    """t (count,) of the first hits; origins and rays are (count, 3), or (1, 3) where all share one."""
    out = np.full(count, np.nan)
    for i in range(count):
        k, j = i if len(rays) > 1 else 0, i if len(origins) > 1 else 0
        length = math.sqrt(rays[k, 0] ** 2 + rays[k, 1] ** 2 + rays[k, 2] ** 2)
        r = _local(rotation, rays[k, 0] / length, rays[k, 1] / length, rays[k, 2] / length)
        o = _local(rotation, origins[j, 0] - centre[0], origins[j, 1] - centre[1], origins[j, 2] - centre[2])
        t, end = _within(bounds, o, r)
        d = math.inf
        for _ in range(300):
            if t > end:
                break
            d = _along(code, o, r, t)
            if d < 2e-6:
                break
            t += d
        if t > end or d >= 2e-6:
            continue
        first = t
        for _ in range(10):  # Newton along the ray: a distance bound alone only creeps up on the root
            d = _along(code, o, r, t)
            slope = (_along(code, o, r, t + 1e-7) - _along(code, o, r, t - 1e-7)) / 2e-7
            if abs(d) < 1e-12 or slope > -0.02:
                break
            t -= d / slope
        if abs(_along(code, o, r, t)) > 2e-6:
            t = first
        if t > 0.0:
            out[i] = t / length
    return out
