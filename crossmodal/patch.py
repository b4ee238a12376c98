"""A place on a surface: an anchor, a tangent frame, and a chart that measures (s, t, h) in mm along the surface.

The chart is a discrete exponential map (Schmidt, Grimm & Wyvill 2006): every pixel's tangent coordinates are those
of its parents plus the step between them, in a frame carried along by the smallest rotation between normals. Parents
lie on the image line towards the anchor, so no front has to be sorted, and the map is exact on planes and
cylinders. It does not cross a depth step.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np
from numba import njit

from crossmodal.capture import read_only
from crossmodal.normals import joined
from crossmodal.surface import Surface


@dataclass(frozen=True, eq=False)
class Patch:
    """A chart about an anchor, over a window of the view that its surface was seen in.

    anchor_m, normal, heading: (3,) float64 in the view's camera frame; the heading is tangent: the chart's +s
    rows, columns: the window (first, last + 1)
    st_mm: (h, w, 2) float32, NaN where the surface is not reached from the anchor
    along: (h, w, 3) float32, the heading carried to every pixel; ``normals × along`` is the chart's +t
    """

    crossing: ClassVar[bool] = True
    """Whether neighbours may move across each other's way."""

    surface: Surface
    anchor_m: np.ndarray
    normal: np.ndarray
    heading: np.ndarray
    rows: tuple[int, int]
    columns: tuple[int, int]
    st_mm: np.ndarray
    along: np.ndarray

    @classmethod
    def at(cls, surface: Surface, anchor_m, heading, reach_mm: float, bounds_mm=None) -> "Patch":
        """The patch of radius reach_mm about a 3-D anchor, charted within (s, s, t, t) bounds_mm if they are given.

        Raises ValueError where no surface lies there.
        """
        anchor_m = np.asarray(anchor_m, np.float64)
        row, column = nearest_pixel(surface, anchor_m)
        half = _half_window(surface, row, column, reach_mm)
        height, width = surface.points.shape[:2]
        rows = max(0, row - half), min(height, row + half + 1)
        columns = max(0, column - half), min(width, column + half + 1)
        normal = surface.normals[row, column].astype(np.float64)
        heading = np.asarray(heading, np.float64)
        heading = heading - normal * (heading @ normal)
        length = np.linalg.norm(heading)
        if length < 1e-6:
            raise ValueError("heading must not stand on the surface; give a direction along it")
        heading = heading / length
        st, along = _exponential_map(surface.smoothed, surface.normals, surface.linked, rows[0], rows[1],
                                     columns[0], columns[1], row, column, anchor_m, heading,
                                     reach_mm, np.array(bounds_mm or (-np.inf, np.inf, -np.inf, np.inf)),
                                     1.0 / min(surface.camera.fx, surface.camera.fy))
        return cls(surface, read_only(anchor_m), read_only(normal), read_only(heading), rows, columns,
                   read_only(st), read_only(along))

    @property
    def window(self) -> tuple[slice, slice]:
        """The patch's window as slices of the view's arrays."""
        return slice(*self.rows), slice(*self.columns)

    def coordinates(self, points: np.ndarray) -> np.ndarray:
        """(s, t, h) in mm (N, 3) float64 of any points (N, 3) in metres near the patch; NaN far from it.

        Another view, a cloud or a mesh looks its points up here: the nearest charted point, plus the rest in
        that point's frame. What is nearest to surface that the chart did not reach is off it, however near.
        """
        tree, st, frames, spacing = self._lookup
        points = np.asarray(points, np.float64)
        distance, nearest = tree.query(points, distance_upper_bound=max(8 * spacing, 0.2 * self._reach_m))
        found = np.isfinite(distance)
        nearest = np.where(found, nearest, 0)
        rest = (points - tree.data[nearest]) * 1e3
        local = np.einsum("nij,nj->ni", frames[nearest], rest)
        local[:, :2] += st[nearest]
        local[~found | np.isnan(local[:, 0])] = np.nan
        return local

    def holds(self, points: np.ndarray, local: np.ndarray, normals: np.ndarray, near_mm: float) -> np.ndarray:
        """(N,) bool: which points (N, 3) m at (s, t, h) (N, 3) with normals (N, 3), in the patch's frame, are of its
        surface: within near_mm of it, on the same side of a wall as the charted point that is nearest.
        """
        tree, _, frames, _ = self._lookup
        held = np.abs(local[:, 2]) <= near_mm
        _, nearest = tree.query(points[held])
        held[held] = np.einsum("ij,ij->i", normals[held], frames[nearest, 2]) > -0.2
        return held

    def directions(self, normals: np.ndarray, charted: np.ndarray, side: int) -> np.ndarray:
        """(h, w, 3) float32: the ways in which a window's points move, in the patch's frame.

        normals: (h, w, 3) float32; charted: (h, w, 1) bool; side: pixels over which matter moves as one piece, so
        that relief finer than that does not turn its way
        """
        if side < 3:
            return normals
        blurred = cv2.blur(np.where(charted, normals, np.float32(0)), (side, side))
        length = np.sqrt(np.einsum("ijk,ijk->ij", blurred, blurred))[..., None]
        return np.where(charted & (length > 0.1), blurred / np.maximum(length, 1e-6), normals)

    @cached_property
    def _reach_m(self) -> float:
        return float(np.nanmax(np.abs(self.st_mm))) * 1e-3

    @cached_property
    def _lookup(self):
        from scipy.spatial import cKDTree

        normals = self.surface.normals[self.window]
        known = np.isfinite(normals[..., 0])
        points = self.surface.smoothed[self.window][known].astype(np.float64)
        normals = normals[known].astype(np.float64)
        along = self.along[known].astype(np.float64)
        frames = np.stack((along, np.cross(normals, along), normals), 1)
        return (cKDTree(points), self.st_mm[known].astype(np.float64), frames,
                self.surface.mm_per_pixel * 1e-3)


def nearest_pixel(surface: Surface, anchor_m: np.ndarray, search: int = 4) -> tuple[int, int]:
    """(row, column) of the measured pixel nearest to a 3-D point. Raises ValueError when there is none near."""
    pixel = surface.camera.project(anchor_m)
    height, width = surface.points.shape[:2]
    if not np.isfinite(pixel).all() or not (-0.5 <= pixel[0] < width - 0.5 and -0.5 <= pixel[1] < height - 0.5):
        raise ValueError(f"the anchor {_mm(anchor_m)} is outside the picture")
    column, row = np.rint(pixel).astype(int)
    r0, c0 = max(0, row - search), max(0, column - search)
    near = surface.smoothed[r0:row + search + 1, c0:column + search + 1].astype(np.float64)
    distance = np.linalg.norm(near - anchor_m, axis=-1)
    if np.isnan(distance).all():
        raise ValueError(f"no surface was measured at the anchor {_mm(anchor_m)}")
    i, j = np.unravel_index(np.nanargmin(distance), distance.shape)
    limit = 3e-3 * surface.mm_per_pixel * search + 8e-3 * surface.floor_mm
    if distance[i, j] > limit:
        raise ValueError(f"the anchor {_mm(anchor_m)} lies {distance[i, j] * 1e3:.1f} mm off the measured surface")
    return r0 + int(i), c0 + int(j)


def _mm(point):
    return "(" + ", ".join(f"{x * 1e3:.1f}" for x in point) + ") mm"


def _half_window(surface, row, column, reach_mm):
    focal = max(surface.camera.fx, surface.camera.fy)
    z = float(surface.smoothed[row, column, 2])
    # The surface may come nearer within the reach, and then spans more pixels.
    nearest = max(z - reach_mm * 1e-3, 0.5 * z)
    return math.ceil(reach_mm * 1e-3 * focal / nearest) + 3


@njit(cache=True, nogil=True, inline="always")
def _step(normals, points, r0, c0, along, st, i, j, parent):
    """Chart the pixel (i, j) from a parent: (x, y, z, normal, along, s, t), perhaps between two pixels."""
    v, u = r0 + i, c0 + j
    nx, ny, nz = normals[v, u, 0], normals[v, u, 1], normals[v, u, 2]
    px, py, pz, mx, my, mz, ax, ay, az, s, t = parent
    # The smallest rotation from the parent's normal m to n, applied to a ⟂ m.
    gain = (ax * nx + ay * ny + az * nz) / max(1.0 + mx * nx + my * ny + mz * nz, 1e-3)
    bx, by, bz = ax - gain * (mx + nx), ay - gain * (my + ny), az - gain * (mz + nz)
    dx, dy, dz = (points[v, u, 0] - px) * 1e3, (points[v, u, 1] - py) * 1e3, (points[v, u, 2] - pz) * 1e3
    # The chord in the frame half way, stretched back to its own length.
    hx, hy, hz = ax + bx, ay + by, az + bz
    kx, ky, kz = mx + nx, my + ny, mz + nz
    tx, ty, tz = ky * hz - kz * hy, kz * hx - kx * hz, kx * hy - ky * hx
    h = hx * hx + hy * hy + hz * hz
    ds = dx * hx + dy * hy + dz * hz
    dt = dx * tx + dy * ty + dz * tz
    k = kx * kx + ky * ky + kz * kz
    ds2, dt2 = ds * ds / h, dt * dt / (h * k)
    stretch = math.sqrt((dx * dx + dy * dy + dz * dz) / (ds2 + dt2)) if ds2 + dt2 > 1e-12 else 1.0
    root = math.sqrt(h)
    st[i, j, 0] = s + ds / root * stretch
    st[i, j, 1] = t + dt / (root * math.sqrt(k)) * stretch
    length = 1.0 / math.sqrt(bx * bx + by * by + bz * bz)
    along[i, j, 0], along[i, j, 1], along[i, j, 2] = bx * length, by * length, bz * length


@njit(cache=True, nogil=True, inline="always")
def _parent(normals, points, r0, c0, along, st, i, j, a, k, l, b):
    """Two charted pixels, weighted a and b, as one parent."""
    v, u, y, x = r0 + i, c0 + j, r0 + k, c0 + l
    return (points[v, u, 0] * a + points[y, x, 0] * b, points[v, u, 1] * a + points[y, x, 1] * b,
            points[v, u, 2] * a + points[y, x, 2] * b, normals[v, u, 0] * a + normals[y, x, 0] * b,
            normals[v, u, 1] * a + normals[y, x, 1] * b, normals[v, u, 2] * a + normals[y, x, 2] * b,
            along[i, j, 0] * a + along[k, l, 0] * b, along[i, j, 1] * a + along[k, l, 1] * b,
            along[i, j, 2] * a + along[k, l, 2] * b, st[i, j, 0] * a + st[k, l, 0] * b,
            st[i, j, 1] * a + st[k, l, 1] * b)


@njit(cache=True, nogil=True)
def _exponential_map(points, normals, linked, r0, r1, c0, c1, row, column, anchor, heading, reach, bounds, pixel):
    h, w = r1 - r0, c1 - c0
    st = np.full((h, w, 2), np.nan, np.float32)
    along = np.full((h, w, 3), np.nan, np.float32)
    i0, j0 = row - r0, column - c0
    nx, ny, nz = normals[row, column, 0], normals[row, column, 1], normals[row, column, 2]
    tx = ny * heading[2] - nz * heading[1]
    ty = nz * heading[0] - nx * heading[2]
    tz = nx * heading[1] - ny * heading[0]
    dx = points[row, column, 0] - anchor[0]
    dy = points[row, column, 1] - anchor[1]
    dz = points[row, column, 2] - anchor[2]
    st[i0, j0, 0] = (dx * heading[0] + dy * heading[1] + dz * heading[2]) * 1e3
    st[i0, j0, 1] = (dx * tx + dy * ty + dz * tz) * 1e3
    along[i0, j0, 0], along[i0, j0, 1], along[i0, j0, 2] = heading[0], heading[1], heading[2]
    slack = 3e3 * abs(points[row, column, 2]) * pixel
    s_low, s_high, t_low, t_high = bounds[0] - slack, bounds[1] + slack, bounds[2] - slack, bounds[3] + slack
    far = (reach + 3e3 * abs(points[row, column, 2]) * pixel) ** 2
    largest = max(max(i0, h - 1 - i0), max(j0, w - 1 - j0))
    for k in range(1, largest + 1):
        for di in range(-k, k + 1):
            i = i0 + di
            if i < 0 or i >= h:
                continue
            for dj in range(-k, k + 1, 1 if abs(di) == k else 2 * k):
                j = j0 + dj
                if j < 0 or j >= w or not normals[r0 + i, c0 + j, 0] == normals[r0 + i, c0 + j, 0]:
                    continue
                # Straight and slanted parents, weighted by where the line to the anchor passes between them.
                if abs(dj) >= abs(di):
                    pj = j - (1 if dj > 0 else -1)
                    pa, share = i, abs(di) / k
                    pb, qj = i - (1 if di > 0 else (-1 if di < 0 else 0)), pj
                    qa = pj
                else:
                    pa = i - (1 if di > 0 else -1)
                    share = abs(dj) / k
                    pb, qa = pa, j
                    qj = j - (1 if dj > 0 else (-1 if dj < 0 else 0))
                weight_a = 1.0 - share
                weight_b = share
                if weight_a > 0 and (not st[pa, qa, 0] == st[pa, qa, 0]
                                     or not joined(linked, r0 + i, c0 + j, r0 + pa, c0 + qa)):
                    weight_a = 0.0
                if weight_b > 0 and (not st[pb, qj, 0] == st[pb, qj, 0]
                                     or not joined(linked, r0 + i, c0 + j, r0 + pb, c0 + qj)):
                    weight_b = 0.0
                total = weight_a + weight_b
                if total == 0.0:
                    continue
                if weight_a == 0.0:
                    pa, qa = pb, qj
                elif weight_b == 0.0:
                    pb, qj = pa, qa
                parent = _parent(normals, points, r0, c0, along, st, pa, qa, weight_a / total, pb, qj,
                                 weight_b / total)
                if (parent[9] * parent[9] + parent[10] * parent[10] < far and s_low < parent[9] < s_high
                        and t_low < parent[10] < t_high):
                    _step(normals, points, r0, c0, along, st, i, j, parent)
    _fill_behind(points, normals, linked, along, st, r0, c0, far, s_low, s_high, t_low, t_high)
    return st, along


@njit(cache=True, nogil=True)
def _fill_behind(points, normals, linked, along, st, r0, c0, far, s_low, s_high, t_low, t_high):
    """Reach what lies behind gaps, where the straight line was blocked: breadth first, from what is charted."""
    h, w = st.shape[:2]
    queue = np.empty((h * w, 2), np.int32)
    head, tail = 0, 0
    for i in range(h):
        for j in range(w):
            if not st[i, j, 0] == st[i, j, 0]:
                continue
            for d in range(4):
                i1, j1 = i + (0, 0, 1, -1)[d], j + (1, -1, 0, 0)[d]
                if 0 <= i1 < h and 0 <= j1 < w and not st[i1, j1, 0] == st[i1, j1, 0] and joined(
                        linked, r0 + i, c0 + j, r0 + i1, c0 + j1):
                    queue[tail, 0], queue[tail, 1] = i, j
                    tail += 1
                    break
    while head < tail:
        i, j = queue[head, 0], queue[head, 1]
        head += 1
        if (st[i, j, 0] * st[i, j, 0] + st[i, j, 1] * st[i, j, 1] > far or not s_low < st[i, j, 0] < s_high
                or not t_low < st[i, j, 1] < t_high):
            continue
        for d in range(4):
            i1, j1 = i + (0, 0, 1, -1)[d], j + (1, -1, 0, 0)[d]
            if not (0 <= i1 < h and 0 <= j1 < w) or st[i1, j1, 0] == st[i1, j1, 0]:
                continue
            if not joined(linked, r0 + i, c0 + j, r0 + i1, c0 + j1):
                continue
            _step(normals, points, r0, c0, along, st, i1, j1,
                  _parent(normals, points, r0, c0, along, st, i, j, 1.0, i, j, 0.0))
            if tail < h * w:
                queue[tail, 0], queue[tail, 1] = i1, j1
                tail += 1
