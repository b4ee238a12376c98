"""Charts on a cloud: (s, t) in mm about an anchor, from point to point along the surface; or upon a plane."""

import heapq
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numba import njit

from crossmodal.capture import read_only
from crossmodal.clouds.surface import CloudSurface
from crossmodal.patch import along_surface
from pointcloud.orient import between

OFF_SURFACE = 4.0  # mean distances of points by which an anchor may miss them
SAME_SHEET = -0.2  # cosine between normals, below which neighbours are of two sides of a wall
STEEPEST = 0.9  # slope from one neighbour to the other, against both their planes, beyond which they are too


@dataclass(frozen=True, eq=False)
class CloudPatch:
    """A chart about an anchor, over the points that the surface reaches from it.

    The discrete exponential map of crossmodal.exponential, with the parents of a point among its neighbours (Schmidt,
    Grimm & Wyvill 2006): each takes the mean of what they say, the nearest first.

    anchor_m, normal, heading: (3,) float64; members: (m,) int64, the points that are charted
    st_mm: (m, 2) float64; along: (m, 3) float64, the heading carried to each point
    """

    crossing: ClassVar[bool] = True

    surface: CloudSurface
    anchor_m: np.ndarray
    normal: np.ndarray
    heading: np.ndarray
    members: np.ndarray
    st_mm: np.ndarray
    along: np.ndarray

    @classmethod
    def at(cls, surface: CloudSurface, anchor_m, normal, heading, reach_mm: float, bounds_mm) -> "CloudPatch":
        """The patch of radius reach_mm within (s, s, t, t) bounds_mm about a 3-D anchor, on the side of its normal.

        Raises ValueError where no surface lies there.
        """
        anchor_m, side = np.asarray(anchor_m, np.float64), np.asarray(normal, np.float64)
        spacing_m = 1e-3 * surface.spacing_mm
        about = np.array(surface.tree.query_ball_point(anchor_m, OFF_SURFACE * spacing_m), np.int64)
        about = about[surface.normals[about] @ side > 0.2] if len(about) else about
        if not len(about):
            raise ValueError("no surface of this cloud lies at the anchor "
                             f"({', '.join(f'{1e3 * x:.1f}' for x in anchor_m)}) mm")
        start = about[np.argmin(np.linalg.norm(surface.smoothed_m[about] - anchor_m, axis=1))]
        normal = surface.normals[start]
        heading = along_surface(heading, normal)
        local = np.sort(np.array(surface.tree.query_ball_point(
            anchor_m, 1e-3 * reach_mm + 2 * spacing_m), np.int64))
        local = local[surface.usable[local] | (local == start)]
        points = 1e3 * (surface.smoothed_m[local] - anchor_m)
        st, along = _exponential(points, surface.normals[local], _among(local, surface.near[local], len(surface.xyz_m)),
                                 int(np.searchsorted(local, start)), heading, reach_mm, np.array(bounds_mm))
        charted = np.isfinite(st[:, 0])
        return cls(surface, read_only(anchor_m), read_only(normal), read_only(heading), read_only(local[charted]),
                   read_only(st[charted]), read_only(along[charted]))

    def coordinates(self, points: np.ndarray, feet: np.ndarray | None = None) -> np.ndarray:
        """(s, t, h) in mm (N, 3) float64 of any points (N, 3) m: the nearest of the cloud's own, plus the rest in its
        frame; NaN far from it, and where the nearest was not charted."""
        tree, st, frames = self._lookup
        points = np.asarray(points, np.float64)
        reach_m = 1e-3 * max(8 * self.surface.spacing_mm, 0.2 * float(np.abs(self.st_mm).max()))
        distance, nearest = tree.query(points if feet is None else feet, distance_upper_bound=reach_m)
        found = np.isfinite(distance)
        nearest = np.where(found, nearest, 0)
        local = np.einsum("nij,nj->ni", frames[nearest], (points - tree.data[nearest]) * 1e3)
        local[:, :2] += st[nearest]
        local[~found] = np.nan
        return local

    def holds(self, points: np.ndarray, local: np.ndarray, normals: np.ndarray, near_mm: float) -> np.ndarray:
        """(N,) bool: which points at (s, t, h) (N, 3) with normals (N, 3) are of the charted surface (see Patch)."""
        tree, st, frames = self._lookup
        held = np.abs(local[:, 2]) <= near_mm
        _, nearest = tree.query(points[held])
        held[held] = (np.einsum("ij,ij->i", normals[held], frames[nearest, 2]) > SAME_SHEET) & np.isfinite(
            st[nearest, 0])
        return held

    def directions(self, normals: np.ndarray, charted: np.ndarray, side: int) -> np.ndarray:
        """The normals as they are: a picture's window smooths its own, a cloud its own (see crossmodal.clouds.ways)."""
        return normals

    @cached_property
    def _lookup(self):
        """The points about the anchor, charted or not: what is nearest to one that is not, is off the surface."""
        from scipy.spatial import cKDTree

        surface = self.surface
        reach_m = 1e-3 * (float(np.hypot(*self.st_mm.T).max()) + 4 * surface.spacing_mm)
        about = np.array(surface.tree.query_ball_point(self.anchor_m, reach_m), np.int64)
        st, along = np.full((len(about), 2), np.nan), np.full((len(about), 3), np.nan)
        order = np.argsort(about)
        at = order[np.searchsorted(about, self.members, sorter=order)]
        st[at], along[at] = self.st_mm, self.along
        normals = surface.normals[about]
        return cKDTree(surface.smoothed_m[about]), st, np.stack((along, np.cross(normals, along), normals), 1)


@dataclass(frozen=True, eq=False)
class CloudProjection(CloudPatch):
    """All points plumb upon the plane through the anchor, along whose normal they move: see crossmodal.projection."""

    crossing: ClassVar[bool] = False

    @classmethod
    def of(cls, surface: CloudSurface, anchor_m, normal, heading) -> "CloudProjection":
        """The whole object upon the plane of a normal through an anchor."""
        anchor_m, normal, heading = (np.array(v, np.float64) for v in (anchor_m, normal, heading))
        axes = np.stack((heading, np.cross(normal, heading)), 1)
        st = 1e3 * (surface.xyz_m - anchor_m) @ axes
        return cls(surface, read_only(anchor_m), read_only(normal), read_only(heading),
                   read_only(np.arange(len(st))), read_only(st), np.broadcast_to(heading, (len(st), 3)))

    def coordinates(self, points: np.ndarray, feet: np.ndarray | None = None) -> np.ndarray:
        """(s, t, h) in mm (N, 3) float64 of points (N, 3) in metres."""
        frame = np.stack((self.heading, np.cross(self.normal, self.heading), self.normal), 1)
        return (np.asarray(points, np.float64) - self.anchor_m) * 1e3 @ frame

    def holds(self, points: np.ndarray, local: np.ndarray, normals: np.ndarray, near_mm: float) -> np.ndarray:
        """Every point of the object."""
        return np.isfinite(local[:, 0])


def _among(local, near, n):
    """(m, k) int32: neighbours (m, k), of n points, as places in ``local`` (m,); -1 for those that are not in it."""
    place = np.full(n, -1, np.int32)
    place[local] = np.arange(len(local))
    return place[near]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _linked(points, normals, i, j):
    """Whether two neighbours are of one sheet."""
    alike, rise, steep, square = between(points, normals, i, j)
    return alike > SAME_SHEET and min(abs(rise), abs(steep)) <= STEEPEST * np.sqrt(square)


@njit(cache=True, nogil=True, error_model="numpy")
def _exponential(points, normals, near, start, heading, reach, bounds):
    """(s, t) (m, 2) and the heading carried along (m, 3) of points (m, 3) mm from the anchor; NaN where not reached."""
    m, k = near.shape
    st, along = np.full((m, 2), np.nan), np.full((m, 3), np.nan)
    fixed = np.zeros(m, np.bool_)
    best = np.full(m, np.inf)
    nx, ny, nz = normals[start]
    hx, hy, hz = heading
    tx, ty, tz = ny * hz - nz * hy, nz * hx - nx * hz, nx * hy - ny * hx
    px, py, pz = points[start]
    st[start, 0] = px * hx + py * hy + pz * hz
    st[start, 1] = px * tx + py * ty + pz * tz
    along[start] = heading
    # Neighbours are not mutual: a point may be reached from one that is not among its own.
    count = np.zeros(m + 1, np.int64)
    for i in range(m):
        for e in range(k):
            if near[i, e] >= 0:
                count[i + 1] += 1
                count[near[i, e] + 1] += 1
    first = np.cumsum(count)
    to, used = np.empty(first[m], np.int64), first[:-1].copy()
    for i in range(m):
        for e in range(k):
            j = near[i, e]
            if j >= 0:
                to[used[i]], to[used[j]] = j, i
                used[i] += 1
                used[j] += 1
    front = [(0.0, start)]
    best[start] = 0.0
    far = reach * reach
    while len(front):
        length, i = heapq.heappop(front)
        if fixed[i]:
            continue
        fixed[i] = True
        if i != start:
            _from_parents(points, normals, to[first[i]:first[i + 1]], fixed, st, along, i)
        s, t = st[i, 0], st[i, 1]
        if s * s + t * t > far or not (bounds[0] < s < bounds[1] and bounds[2] < t < bounds[3]):
            continue
        for e in range(first[i], first[i + 1]):
            j = to[e]
            if fixed[j] or not _linked(points, normals, i, j):
                continue
            step = 0.0
            for c in range(3):
                step += (points[j, c] - points[i, c]) ** 2
            way = length + np.sqrt(step)
            if way < best[j]:
                best[j] = way
                heapq.heappush(front, (way, j))
    return st, along


@njit(cache=True, nogil=True, error_model="numpy")
def _from_parents(points, normals, near, fixed, st, along, i):
    """Chart point i from those of its neighbours that are charted, each by its nearness."""
    nx, ny, nz = normals[i]
    s = t = weight = 0.0
    ax = ay = az = 0.0
    for j in near:
        if not fixed[j] or j == i or not _linked(points, normals, i, j):
            continue
        mx, my, mz = normals[j]
        hx, hy, hz = along[j]
        # The smallest rotation from the parent's normal m to n, applied to its heading h ⟂ m.
        gain = (hx * nx + hy * ny + hz * nz) / max(1.0 + mx * nx + my * ny + mz * nz, 1e-3)
        bx, by, bz = hx - gain * (mx + nx), hy - gain * (my + ny), hz - gain * (mz + nz)
        dx, dy, dz = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
        # The chord in the frame half way, stretched back to its own length.
        ux, uy, uz = hx + bx, hy + by, hz + bz
        kx, ky, kz = mx + nx, my + ny, mz + nz
        vx, vy, vz = ky * uz - kz * uy, kz * ux - kx * uz, kx * uy - ky * ux
        u, v = np.sqrt(ux * ux + uy * uy + uz * uz), np.sqrt(vx * vx + vy * vy + vz * vz)
        ds, dt = (dx * ux + dy * uy + dz * uz) / u, (dx * vx + dy * vy + dz * vz) / v
        square = dx * dx + dy * dy + dz * dz
        flat = ds * ds + dt * dt
        stretch = np.sqrt(square / flat) if flat > 1e-12 else 1.0
        w = 1.0 / max(np.sqrt(square), 1e-9)
        s += w * (st[j, 0] + ds * stretch)
        t += w * (st[j, 1] + dt * stretch)
        ax, ay, az = ax + w * bx, ay + w * by, az + w * bz
        weight += w
    st[i, 0], st[i, 1] = s / weight, t / weight
    rise = ax * nx + ay * ny + az * nz
    ax, ay, az = ax - rise * nx, ay - rise * ny, az - rise * nz
    length = np.sqrt(ax * ax + ay * ay + az * az)
    along[i, 0], along[i, 1], along[i, 2] = ax / length, ay / length, az / length
