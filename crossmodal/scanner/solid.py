"""A solid with rounded edges, built from blended parts: what machined and cast objects look like.

The parts' signed distances are joined with the polynomial smooth minimum (Quilez, "smooth minimum", 2013), whose
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
        ``sphere`` (size = radius, -, -), ``slot`` along x with round ends (size = half length, radius, half height)
    join: ``add`` to what is there, ``cut`` it away, or ``keep`` only what lies inside
    edge: radius that rounds the part's own edges; blend: width of the fillet where it joins
    """

    kind: Literal["box", "cylinder", "sphere", "slot"]
    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    join: Literal["add", "cut", "keep"] = "add"
    edge: float = 0.0
    blend: float = 0.0


@dataclass(frozen=True, eq=False)
class Solid:
    """Parts joined in order, turned by ``rotation`` (3, 3) and moved to ``centre`` (3,) in the camera's axes."""

    parts: tuple[Part, ...]
    rotation: np.ndarray
    centre: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "rotation", np.array(self.rotation, np.float64))
        object.__setattr__(self, "centre", vector(self.centre, "centre"))

    @cached_property
    def code(self) -> np.ndarray:
        """(P, 10) float64: kind, join, centre, size, edge, blend of each part."""
        return np.array([(_KINDS[p.kind], _JOINS[p.join], *p.centre, *p.size, p.edge, p.blend)
                         for p in self.parts])

    @cached_property
    def reach(self) -> float:
        """Radius about the centre that holds the whole solid, metres."""
        return max(math.dist(p.centre, (0, 0, 0)) + math.sqrt(sum(s * s for s in p.size)) + p.blend
                   for p in self.parts if p.join == "add")

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Signed distance bound (...) in metres at points (..., 3), negative inside."""
        local = (np.asarray(points, np.float64) - self.centre) @ self.rotation
        return _distances(self.code, local.reshape(-1, 3)).reshape(local.shape[:-1])

    def hit(self, rays: np.ndarray, origins: np.ndarray | None = None) -> np.ndarray:
        """t (...) of the first hit from outside, NaN where missed."""
        origins = np.zeros(3) if origins is None else np.asarray(origins, np.float64)
        rays, origins = np.broadcast_arrays(np.asarray(rays, np.float64), origins)
        length = np.linalg.norm(rays, axis=-1)
        local = ((origins - self.centre) @ self.rotation).reshape(-1, 3)
        along = (rays / length[..., None] @ self.rotation).reshape(-1, 3)
        t = _march(self.code, np.ascontiguousarray(local), np.ascontiguousarray(along), self.reach)
        return t.reshape(length.shape) / length

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
        px, py, pz, edge = x - p[2], y - p[3], z - p[4], p[8]
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
def _march(code, origins, rays, reach):
    out = np.full(len(rays), np.nan)
    for i in range(len(rays)):
        ox, oy, oz = origins[i]
        dx, dy, dz = rays[i]
        middle = -(ox * dx + oy * dy + oz * dz)
        inside = reach * reach - (ox * ox + oy * oy + oz * oz - middle * middle)
        if inside <= 0.0 or middle + math.sqrt(inside) <= 0.0:
            continue
        end = middle + math.sqrt(inside)
        t = max(middle - math.sqrt(inside), 0.0)
        for _ in range(400):
            d = _distance(code, ox + t * dx, oy + t * dy, oz + t * dz)
            if d < 1e-8 or t > end:
                break
            t += d
        if d >= 1e-6 or t > end:
            continue
        for _ in range(8):  # Newton along the ray, which a distance bound alone only approaches
            d = _distance(code, ox + t * dx, oy + t * dy, oz + t * dz)
            slope = (_distance(code, ox + (t + 1e-7) * dx, oy + (t + 1e-7) * dy, oz + (t + 1e-7) * dz)
                     - _distance(code, ox + (t - 1e-7) * dx, oy + (t - 1e-7) * dy, oz + (t - 1e-7) * dz)) / 2e-7
            if abs(d) < 1e-12 or slope > -1e-3:
                break
            t -= d / slope
        if t > 0.0:
            out[i] = t
    return out
