"""A triangle mesh for the virtual scanner: every ray against every triangle it could meet, exactly.

Triangles are binned where they stay triangles whatever the lens does: by (x/z, y/z) for camera rays, in a
plane square to parallel ones. Each ray tests the triangles of its bin (Möller and Trumbore, "Fast,
minimum storage ray/triangle intersection", 1997).
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numba import njit


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles in metres, in the camera's axes.

    vertices: (V, 3) float64
    faces: (F, 3) int64
    normals: (V, 3) unit vertex normals, interpolated over each face; None takes the faces' own
    colours: (V, 3) float64 linear reflectance, interpolated likewise; None leaves the colour to a material
    """

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray | None = None
    colours: np.ndarray | None = None

    def __post_init__(self):
        vertices, faces = np.array(self.vertices, np.float64), np.array(self.faces, np.int64)
        if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
            raise ValueError(f"a mesh needs vertices (V, 3) and faces (F, 3), but got {vertices.shape} and "
                             f"{faces.shape}")
        if not len(faces) or faces.min() < 0 or faces.max() >= len(vertices):
            raise ValueError(f"faces must index the {len(vertices)} vertices, and there must be at least one")
        for name, array in (("vertices", vertices), ("faces", faces)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def from_file(cls, path, unit_m: float, crease_deg: float = 30.0) -> "Mesh":
        """From any file trimesh reads; ``unit_m`` is metres per unit of the file, which does not say.

        Normals are smooth over edges flatter than ``crease_deg`` and sharp over the others.
        """
        import trimesh

        loaded = trimesh.load_mesh(str(path))
        loaded.merge_vertices()
        smooth = trimesh.graph.smooth_shade(loaded, angle=math.radians(crease_deg))
        return cls(np.asarray(smooth.vertices) * unit_m, smooth.faces, np.array(smooth.vertex_normals))

    def placed(self, rotation: np.ndarray, translation) -> "Mesh":
        """The mesh turned by ``rotation`` (3, 3) about its origin and moved by ``translation`` (3,) m."""
        rotation = np.asarray(rotation, np.float64)
        normals = None if self.normals is None else self.normals @ rotation.T
        return replace(self, vertices=self.vertices @ rotation.T + np.asarray(translation, np.float64),
                       normals=normals)

    def centred(self) -> "Mesh":
        """The mesh with the middle of its bounding box at the origin."""
        return self.placed(np.eye(3), -(self.vertices.min(0) + self.vertices.max(0)) / 2)

    def painted(self, reflectance) -> "Mesh":
        """The mesh all in one linear colour (3,)."""
        return replace(self, colours=np.tile(np.asarray(reflectance, np.float64), (len(self.vertices), 1)))

    @cached_property
    def corners(self) -> np.ndarray:
        """(F, 3, 3) float64: the three corners of each face."""
        return self.vertices[self.faces]

    @cached_property
    def face_normals(self) -> np.ndarray:
        """(F, 3) float64 unit normals, zero for faces without area."""
        a, b, c = np.moveaxis(self.corners, 1, 0)
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        return normal / np.where(length > 0, length, 1)

    def trace(self, rays: np.ndarray, origins: np.ndarray | None = None):
        """First hits: t (...) float64, face (...) int64 (-1 missed) and the two barycentrics (..., 2).

        Rays (..., 3) leave the camera's centre; with ``origins`` (..., 3) they are one direction (3,).
        """
        rays = np.asarray(rays, np.float64)
        if origins is None:
            shape, flat = rays.shape[:-1], rays.reshape(-1, 3)
            if not (flat[:, 2] > 0).all():
                raise ValueError("rays from the camera must point forward (z > 0)")
            where, starts = flat[:, :2] / flat[:, 2:], np.zeros_like(flat)
            bins = self._seen_bins
        else:
            if rays.shape != (3,):
                raise ValueError(f"rays from given origins must be one direction (3,), but got {rays.shape}")
            origins = np.asarray(origins, np.float64)
            shape, starts = origins.shape[:-1], origins.reshape(-1, 3)
            frame = _square_to(rays)
            where, flat = starts @ frame, np.broadcast_to(rays, starts.shape).copy()
            bins = self._lit_bins(rays, frame)
        t, face, weights = _cast(self.corners, *bins, where, np.ascontiguousarray(starts), flat)
        return t.reshape(shape), face.reshape(shape), weights.reshape(*shape, 2)

    def hit(self, rays: np.ndarray, origins: np.ndarray | None = None) -> np.ndarray:
        """As the analytic shapes: t (...) of the first hit, NaN where missed; see `trace` for the rays."""
        return self.trace(rays, origins)[0]

    def normal_at(self, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Unit normals (..., 3) at barycentric ``weights`` (..., 2) of ``face`` (...) indices."""
        if self.normals is None:
            return self.face_normals[face]
        a, b, c = np.moveaxis(self.normals[self.faces[face]], -2, 0)
        u, v = weights[..., :1], weights[..., 1:]
        mixed = (1 - u - v) * a + u * b + v * c
        return mixed / np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-30)

    def colour_at(self, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Linear reflectance (..., 3) at barycentric ``weights`` (..., 2) of ``face`` (...) indices."""
        a, b, c = np.moveaxis(self.colours[self.faces[face]], -2, 0)
        u, v = weights[..., :1], weights[..., 1:]
        return (1 - u - v) * a + u * b + v * c

    def _lit_bins(self, direction, frame):
        """Bins square to a direction, kept for the next rays along it."""
        key = direction.tobytes()
        if key not in self._kept_bins:
            a, b, c = (self.vertices @ frame)[self.faces.T]
            self._kept_bins[key] = _binned(np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c))
        return self._kept_bins[key]

    @cached_property
    def _kept_bins(self) -> dict:
        return {}

    @cached_property
    def _seen_bins(self):
        z = self.corners[..., 2]
        front = (z > 1e-9).all(1)
        spread = self.corners[..., :2] / np.where(front[:, None], z, 1.0)[..., None]
        low, high = spread.min(1), spread.max(1)
        # a face that straddles the camera's plane has no bounds in the picture: it goes to every bin
        low[~front], high[~front] = -np.inf, np.inf
        kept = (z > 1e-9).any(1)
        low[~kept] = np.nan
        return _binned(low, high)


def _square_to(direction):
    first = np.zeros(3)
    first[np.argmin(np.abs(direction))] = 1
    u = np.cross(direction, first)
    u /= np.linalg.norm(u)
    v = np.cross(direction, u)
    return np.stack((u, v / np.linalg.norm(v)), 1)


def _binned(low, high):
    """Faces in a square grid by bounds (F, 2): grid (4,) origin and bins per unit, size, starts, members."""
    finite = np.isfinite(low).all(1) & np.isfinite(high).all(1)
    size = int(np.clip(2 * math.sqrt(len(low)), 1, 512))
    if not finite.any():
        low, high, finite = np.zeros((1, 2)), np.ones((1, 2)), np.ones(1, bool)
    origin, end = low[finite].min(0), high[finite].max(0)
    margin = 1e-9 * np.maximum(np.abs(origin), np.abs(end)) + 1e-12
    grid = np.concatenate((origin - margin, size / (end - origin + 2 * margin)))
    return (grid, size, *_fill(low, high, grid, size))


@njit(cache=True, nogil=True)
def _span(low, high, origin, scale, size):
    if math.isnan(low):
        return 0, -1
    first = 0 if low == -math.inf else int(max(0.0, math.floor((low - origin) * scale - 1e-6)))
    last = size - 1 if high == math.inf else int(min(size - 1.0, math.floor((high - origin) * scale + 1e-6)))
    return first, last


@njit(cache=True, nogil=True)
def _fill(low, high, grid, size):
    starts = np.zeros(size * size + 1, np.int64)
    for turn in range(2):
        if turn == 1:
            for i in range(size * size):
                starts[i + 1] += starts[i]
            members = np.empty(starts[-1], np.int64)
            free = starts[:-1].copy()
        for f in range(len(low)):
            u0, u1 = _span(low[f, 0], high[f, 0], grid[0], grid[2], size)
            v0, v1 = _span(low[f, 1], high[f, 1], grid[1], grid[3], size)
            for v in range(v0, v1 + 1):
                for u in range(u0, u1 + 1):
                    if turn == 0:
                        starts[v * size + u + 1] += 1
                    else:
                        members[free[v * size + u]] = f
                        free[v * size + u] += 1
    return starts, members


@njit(cache=True, nogil=True)
def _cast(corners, grid, size, starts, members, where, origins, rays):
    n = len(where)
    best = np.full(n, np.nan)
    face = np.full(n, -1, np.int64)
    weights = np.zeros((n, 2))
    for i in range(n):
        gu, gv = (where[i, 0] - grid[0]) * grid[2], (where[i, 1] - grid[1]) * grid[3]
        if not (0 <= gu < size and 0 <= gv < size):
            continue
        cell = int(gv) * size + int(gu)
        dx, dy, dz = rays[i, 0], rays[i, 1], rays[i, 2]
        for k in range(starts[cell], starts[cell + 1]):
            c = corners[members[k]]
            e1x, e1y, e1z = c[1, 0] - c[0, 0], c[1, 1] - c[0, 1], c[1, 2] - c[0, 2]
            e2x, e2y, e2z = c[2, 0] - c[0, 0], c[2, 1] - c[0, 1], c[2, 2] - c[0, 2]
            px, py, pz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
            det = e1x * px + e1y * py + e1z * pz
            if det == 0.0:
                continue
            sx, sy, sz = origins[i, 0] - c[0, 0], origins[i, 1] - c[0, 1], origins[i, 2] - c[0, 2]
            u = (sx * px + sy * py + sz * pz) / det
            # the tolerance closes the seams between neighbouring faces
            if u < -1e-10 or u > 1.0 + 1e-10:
                continue
            qx, qy, qz = sy * e1z - sz * e1y, sz * e1x - sx * e1z, sx * e1y - sy * e1x
            v = (dx * qx + dy * qy + dz * qz) / det
            if v < -1e-10 or u + v > 1.0 + 1e-10:
                continue
            t = (e2x * qx + e2y * qy + e2z * qz) / det
            if t > 0.0 and not t >= best[i]:
                best[i] = t
                face[i] = members[k]
                weights[i, 0], weights[i, 1] = u, v
    return best, face, weights
