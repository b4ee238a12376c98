"""Which side of a cloud is out: planes through neighbours, turned alike along the surface, outwards if it is closed.

Sources: Hoppe et al. 1992 (propagation along a minimum spanning tree); the divergence theorem and the winding number
of a cloud of dipoles (Barill et al. 2018) tell whether it is closed, and which side is inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

CHUNK = 1 << 17  # points looked at at once
OPEN_FLUX = 0.06  # |Σ area·normal| / Σ area, which is 0 for a closed surface
INSIDE, TOLERANCE = 0.5, 0.25  # a winding number is 1 inside and 0 outside, here so nearly
SURE = 0.9  # share of the tried places that must say so
TRIED, SOURCES = 300, 200_000  # places tried for their winding number, and dipoles that make it up
BESIDE = 1.5  # mean distances of those dipoles by which a tried place lies to a side of the surface
OPPOSED, BESIDE_EACH_OTHER = -0.3, 0.5  # cosine between normals, and slope from one to the other, of a seam
CRISPER, UNTURNED = 0.8, 0.97  # distances that are left, and cosine of a turn (14°) that is worth it, at an edge
SMALLEST_PIECE = 0.01  # share of the points below which a piece is not asked whether it lies in another


@dataclass(frozen=True, eq=False)
class Planes:
    """Of N points: near (N, k) int32 their nearest others; normals (N, 3) float64, their sides unknown; above (N,)
    float32, how far each lies off the plane through its neighbours, along its normal; area (N,) float64 that each
    stands for. Units of xyz."""

    near: np.ndarray
    normals: np.ndarray
    above: np.ndarray
    area: np.ndarray


def planes(xyz: np.ndarray, k: int = 12) -> Planes:
    """Least-squares planes through each point of xyz (N, 3) float64 and its k nearest others. Errors: ValueError."""
    n = len(xyz)
    if n <= k:
        raise ValueError(f"a surface needs more than {k} points, but got {n}")
    from scipy.spatial import cKDTree

    tree = cKDTree(xyz)
    near, normals = np.empty((n, k), np.int32), np.empty((n, 3))
    above, area = np.empty(n, np.float32), np.empty(n)
    for first in range(0, n, CHUNK):
        part = slice(first, min(first + CHUNK, n))
        far, index = tree.query(xyz[part], k=k + 1)
        near[part] = _others(index, first)
        around = xyz[index] - xyz[part][:, None]
        middle = around.mean(axis=1)
        around -= middle[:, None]
        axes = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))[1]
        normals[part] = axes[:, :, 0]
        above[part] = -np.einsum("ni,ni->n", middle, axes[:, :, 0])
        area[part] = np.pi * far[:, -1] ** 2 / (k - 1)  # unbiased for points strewn at random
    return Planes(near, normals, above, area)


@numba.njit(cache=True, nogil=True)
def _others(index, first):
    """(n, k) int32: the nearest without the point itself, which points on one spot may have put anywhere."""
    n, k = index.shape[0], index.shape[1] - 1
    out = np.empty((n, k), np.int32)
    for i in range(n):
        m = 0
        for j in range(k + 1):
            if index[i, j] != first + i and m < k:
                out[i, m] = index[i, j]
                m += 1
    return out


def turned_alike(xyz: np.ndarray, near: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normals (N, 3) of one side along each connected piece of surface, and the piece (N,) int32 of each point."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import minimum_spanning_tree

    n, k = near.shape
    cost = _costs(xyz, near, normals)
    graph = csr_matrix((cost.ravel(), near.flatten(), np.arange(0, n * k + 1, k)), shape=(n, n))
    tree = minimum_spanning_tree(graph)
    tree = (tree + tree.T).tocsr()
    return _spread(tree.indptr, tree.indices, normals)


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def between(xyz, normals, i, j):
    """Of two points: the cosine between their normals, the step from one to the other along each, its square."""
    alike = rise = steep = square = 0.0
    for c in range(3):
        step = xyz[j, c] - xyz[i, c]
        alike += normals[i, c] * normals[j, c]
        rise += step * normals[i, c]
        steep += step * normals[j, c]
        square += step * step
    return alike, rise, steep, square


@numba.njit(cache=True, nogil=True)
def _costs(xyz, near, normals):
    """How likely two neighbours are not of one sheet: their planes differ, or one lies over the other."""
    out = np.empty(near.shape, np.float32)
    for i in range(near.shape[0]):
        for m in range(near.shape[1]):
            j = near[i, m]
            alike, rise, steep, far = between(xyz, normals, i, j)
            far = max(np.sqrt(far), 1e-300)
            out[i, m] = 1e-3 + (1.0 - abs(alike)) + max(abs(rise), abs(steep)) / far
    return out


@numba.njit(cache=True, nogil=True)
def _spread(first, to, normals):
    n = len(normals)
    out, piece = normals.copy(), np.full(n, -1, np.int32)
    queue = np.empty(n, np.int64)
    pieces = 0
    for start in range(n):
        if piece[start] >= 0:
            continue
        piece[start] = pieces
        queue[0] = start
        head, tail = 0, 1
        while head < tail:
            i = queue[head]
            head += 1
            for e in range(first[i], first[i + 1]):
                j = to[e]
                if piece[j] >= 0:
                    continue
                piece[j] = pieces
                if out[i, 0] * out[j, 0] + out[i, 1] * out[j, 1] + out[i, 2] * out[j, 2] < 0.0:
                    out[j] = -out[j]
                queue[tail] = j
                tail += 1
        pieces += 1
    return out, piece


def turned_outwards(xyz: np.ndarray, normals: np.ndarray, piece: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Alike normals (N, 3) turned out of the volume that each piece encloses; into a hollow that lies inside matter."""
    out = normals.copy()
    count = int(piece.max()) + 1
    enclosed = _enclosed(xyz, out, piece, area, count)
    out[enclosed[piece] < 0] *= -1
    sizes = np.bincount(piece, minlength=count)
    large = np.flatnonzero(sizes >= max(SMALLEST_PIECE * len(xyz), 2))
    if len(large) > 1:
        some = _some(len(xyz))
        weight = area[some] * (area.sum() / area[some].sum())
        for one in large:
            at = xyz[np.flatnonzero(piece == one)[:1]]
            around = [other for other in large if other != one and
                      _winding(at, *(a[piece[some] == other] for a in (xyz[some], out[some], weight)))[0] > INSIDE]
            if len(around) % 2:
                out[piece == one] *= -1
    return out


@numba.njit(cache=True, nogil=True)
def _enclosed(xyz, normals, piece, area, count):
    middle, total, out = np.zeros((count, 3)), np.zeros(count), np.zeros(count)
    for i in range(len(xyz)):
        total[piece[i]] += area[i]
        middle[piece[i]] += area[i] * xyz[i]
    for p in range(count):
        middle[p] /= max(total[p], 1e-300)
    for i in range(len(xyz)):
        for c in range(3):
            out[piece[i]] += area[i] * normals[i, c] * (xyz[i, c] - middle[piece[i], c])
    return out


def is_closed(xyz: np.ndarray, normals: np.ndarray, area: np.ndarray) -> bool:
    """Whether a cloud with alike normals (N, 3) encloses a volume: no net flux, and inside its winding number is 1."""
    flux = np.linalg.norm((area[:, None] * normals).sum(0)) / area.sum()
    if flux > OPEN_FLUX:
        return False
    some = _some(len(xyz))
    weight = area[some] * (area.sum() / area[some].sum())
    tried = some[:: max(1, len(some) // TRIED)]
    beside = BESIDE * np.sqrt(np.median(weight))
    inside = _winding(xyz[tried] - beside * normals[tried], xyz[some], normals[some], weight)
    outside = _winding(xyz[tried] + beside * normals[tried], xyz[some], normals[some], weight)
    fair = (np.abs(inside - 1) < TOLERANCE) & (np.abs(outside) < TOLERANCE)
    return bool(fair.mean() >= SURE)


def _some(n):
    """(m,) int64: points that stand for all; strewn, as files may list points along lines."""
    if n <= SOURCES:
        return np.arange(n)
    return np.unique((np.arange(SOURCES) * 0.6180339887498949 % 1.0 * n).astype(np.int64))


@numba.njit(cache=True, nogil=True)
def _winding(at, xyz, normals, area):
    """(q,) winding number of dipoles about places at (q, 3)."""
    out = np.zeros(len(at))
    for q in range(len(at)):
        total = 0.0
        for i in range(len(xyz)):
            dx, dy, dz = xyz[i, 0] - at[q, 0], xyz[i, 1] - at[q, 1], xyz[i, 2] - at[q, 2]
            square = dx * dx + dy * dy + dz * dz
            if square > 0.0:
                total += area[i] * (dx * normals[i, 0] + dy * normals[i, 1] + dz * normals[i, 2]) / (
                    square * np.sqrt(square))
        out[q] = total / (4 * np.pi)
    return out


@numba.njit(cache=True, nogil=True)
def sharpened(xyz: np.ndarray, near: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Turned normals (N, 3) made those of one face beside an edge: a plane fitted across it lies askew to both.

    Each takes the neighbour's normal whose plane through the point passes most of the others by far the best, as the
    sum of distances says, not of squares: it lets the few of another face be.
    """
    n, k = near.shape
    out = normals.copy()
    for i in range(n):
        own = best = 0.0
        for m in range(k):
            j = near[i, m]
            own += abs((xyz[j, 0] - xyz[i, 0]) * normals[i, 0] + (xyz[j, 1] - xyz[i, 1]) * normals[i, 1]
                       + (xyz[j, 2] - xyz[i, 2]) * normals[i, 2])
        best = CRISPER * own
        for c in range(k):
            x, y, z = normals[near[i, c]]
            if x * normals[i, 0] + y * normals[i, 1] + z * normals[i, 2] > UNTURNED:
                continue
            total = 0.0
            for m in range(k):
                j = near[i, m]
                total += abs((xyz[j, 0] - xyz[i, 0]) * x + (xyz[j, 1] - xyz[i, 1]) * y + (xyz[j, 2] - xyz[i, 2]) * z)
                if total >= best:
                    break
            if total < best:
                best = total
                out[i, 0], out[i, 1], out[i, 2] = x, y, z
    return out


def sure(xyz: np.ndarray, near: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """(N,) bool: points on a large piece of surface whose alike normals nowhere meet opposite ones beside them.

    Where walls are thinner than points are apart, neighbours of both sides cannot be told apart, and normals meet so.
    """
    out = ~_seams(xyz, near, normals)
    if out.all():
        return out
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    n, k = near.shape
    held = (out[:, None] & out[near]).ravel()
    graph = csr_matrix((held.astype(np.uint8), near.flatten(), np.arange(0, n * k + 1, k)), shape=(n, n))
    graph.eliminate_zeros()
    piece = connected_components(graph, directed=False)[1]
    sizes = np.bincount(piece)
    return out & (sizes[piece] >= max(SMALLEST_PIECE * n, 2))


@numba.njit(cache=True, nogil=True)
def _seams(xyz, near, normals):
    out = np.zeros(len(xyz), np.bool_)
    for i in range(near.shape[0]):
        for m in range(near.shape[1]):
            j = near[i, m]
            alike, rise, steep, far = between(xyz, normals, i, j)
            if alike < OPPOSED and max(abs(rise), abs(steep)) < BESIDE_EACH_OTHER * np.sqrt(far):
                out[i] = out[j] = True
    return out


def turned_to(xyz: np.ndarray, normals: np.ndarray, viewpoint: np.ndarray) -> np.ndarray:
    """Normals (N, 3) turned to a viewpoint (3,)."""
    away = np.einsum("ni,ni->n", normals, np.asarray(viewpoint, np.float64) - xyz) < 0
    return np.where(away[:, None], -normals, normals)
