"""Where a surface is flat, bulges, is hollow, or ends: measured over the size of what shall lie there."""

import math

import numpy as np
from numba import njit

FLAT = np.deg2rad(10)  # what turns less over a defect is flat
ROUND = np.deg2rad(16)  # what turns more is round
FOLD = np.deg2rad(55)  # and beyond this it is an edge
ACROSS = ((0, 1), (1, 0), (1, 1), (1, -1))
BLOCK = 8  # pixels a side
LITTLE_LESS = np.float32(0.9999)  # than one, by more than rounding
NARROWEST = 0.7  # share of its place's pixel width, at the least, that lies between two neighbours' points


@njit(cache=True, nogil=True)
def ends(points, object_, linked):
    """(H, W) bool: the object's last pixels, before the ground, before a step down, or before nothing measured.

    points: (H, W, 3) float32 m; object_: (H, W) bool; linked: (H, W, 2) bool, as a Surface holds them
    """
    h, w = object_.shape
    out = np.zeros((h, w), np.bool_)
    for v in range(h):
        for u in range(w):
            for axis in range(2):
                v1, u1 = (v, u + 1) if axis == 0 else (v + 1, u)
                if v1 >= h or u1 >= w:
                    continue
                here, there, apart = object_[v, u], object_[v1, u1], not linked[v, u, axis]
                if not (here or there) or (here and there and not apart):
                    continue
                if here and (not there or not points[v1, u1, 2] < points[v, u, 2]):
                    out[v, u] = True
                if there and (not here or not points[v, u, 2] < points[v1, u1, 2]):
                    out[v1, u1] = True
    return out


def folds(surface, across_mm: float) -> np.ndarray:
    """(H, W) bool: the object where it bulges over an edge, a turn beyond FOLD over so many millimetres."""
    half = _half_px(surface, across_mm)
    narrow_m = NARROWEST * 2 * half / max(surface.camera.fx, surface.camera.fy)
    return _folds(surface.smoothed, surface.normals, surface.foreground, surface.turning, half,
                  np.float32(1e-3 * across_mm), np.float32(FOLD), narrow_m, np.array(ACROSS))


@njit(cache=True, nogil=True, error_model="numpy")
def _folds(points, normals, object_, ranges, half, across_m, fold, narrow_m, ways):
    h, w = object_.shape
    out = np.zeros((h, w), np.bool_)
    ranges = _about(ranges, (half + BLOCK - 1) // BLOCK)
    for row in range(ranges.shape[0]):
        for column in range(ranges.shape[1]):
            low, high = ranges[row, column, :, 0], ranges[row, column, :, 1]
            wide = math.sqrt((high[0] - low[0]) ** 2 + (high[1] - low[1]) ** 2 + (high[2] - low[2]) ** 2)
            # No two normals here differ by enough, however near to each other they may stand.
            if not wide * across_m > fold * narrow_m * low[3]:
                continue
            for v in range(row * BLOCK, min(h, (row + 1) * BLOCK)):
                for u in range(column * BLOCK, min(w, (column + 1) * BLOCK)):
                    if object_[v, u] and _turns(points, normals, v, u, half, across_m, fold, ways):
                        out[v, u] = _most(points, normals, v, u, half, across_m, ways) > fold
    return out


@njit(cache=True, nogil=True)
def _about(ranges, reach):
    """The ranges (h, w, 4, 2) of every block with all blocks about it, so many to either side."""
    h, w = ranges.shape[:2]
    across, out = ranges.copy(), np.empty_like(ranges)
    for row in range(h):
        for column in range(w):
            for c in range(max(0, column - reach), min(w, column + reach + 1)):
                for k in range(4):
                    across[row, column, k, 0] = min(across[row, column, k, 0], ranges[row, c, k, 0])
                    across[row, column, k, 1] = max(across[row, column, k, 1], ranges[row, c, k, 1])
    for row in range(h):
        for column in range(w):
            for k in range(4):
                low, high = across[row, column, k, 0], across[row, column, k, 1]
                for r in range(max(0, row - reach), min(h, row + reach + 1)):
                    low, high = min(low, across[r, column, k, 0]), max(high, across[r, column, k, 1])
                out[row, column, k, 0], out[row, column, k, 1] = low, high
    return out


@njit(cache=True, nogil=True)
def turning(points, normals):
    """Least and most of the normals' three coordinates and of depth, in blocks (h, w, 4, 2); inf, -inf for nothing."""
    h, w = normals.shape[:2]
    out = np.empty(((h + BLOCK - 1) // BLOCK, (w + BLOCK - 1) // BLOCK, 4, 2), np.float32)
    out[..., 0], out[..., 1] = np.inf, -np.inf
    for v in range(h):
        for column in range(out.shape[1]):
            block = out[v // BLOCK, column]
            for k in range(4):
                low, high = block[k, 0], block[k, 1]
                for u in range(column * BLOCK, min(w, (column + 1) * BLOCK)):
                    value = normals[v, u, k] if k < 3 else points[v, u, 2]
                    # what is not measured is neither less nor more
                    low = value if value < low else low
                    high = value if value > high else high
                block[k, 0], block[k, 1] = low, high
    return out


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _over(points, normals, v, u, a, b):
    """From one side of a pixel to the other: the turn of the normal along the way, and the way's square."""
    turned, square = np.float32(0), np.float32(0)
    for i in range(3):
        apart = points[v + a, u + b, i] - points[v - a, u - b, i]
        turned += (normals[v + a, u + b, i] - normals[v - a, u - b, i]) * apart
        square += apart * apart
    return turned, square


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _turns(points, normals, v, u, half, across_m, fold, ways):
    """Whether the normal may turn more than ``fold`` at a pixel over any of four ways: `_most` without its roots."""
    h, w = points.shape[:2]
    for k in range(4):
        a, b = half * ways[k, 0], half * ways[k, 1]
        r, c = abs(a), abs(b)
        if v < r or v >= h - r or u < c or u >= w - c:
            continue
        turned, square = _over(points, normals, v, u, a, b)
        if turned * across_m > LITTLE_LESS * fold * square:
            return True
    return False


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _most(points, normals, v, u, half, across_m, ways):
    """The most that the normal turns at a pixel over any of four ways; NaN where one is not measured."""
    h, w = points.shape[:2]
    most = np.float32(-np.inf)
    for k in range(4):
        a, b = half * ways[k, 0], half * ways[k, 1]
        r, c = abs(a), abs(b)
        if v < r or v >= h - r or u < c or u >= w - c:
            continue
        turned, square = _over(points, normals, v, u, a, b)
        length = np.sqrt(square)
        turn = turned / length * (across_m / length)
        if not abs(turn) < np.inf:
            return np.float32(np.nan)
        most = max(most, turn)
    return most


def _half_px(surface, across_mm) -> int:
    return max(1, round(0.5 * across_mm / surface.mm_per_pixel))


def turns(surface, across_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """(least, most) (H, W) float32: how far the normal turns over so many millimetres, of four directions, radians;
    + bulges towards the viewer, NaN at what is not measured on both sides."""
    half = _half_px(surface, across_mm)
    points, normals = surface.smoothed, surface.normals
    shape = points.shape[:2]
    least, most = np.full(shape, np.inf, np.float32), np.full(shape, -np.inf, np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        for down, right in ACROSS:
            a, b = half * down, half * right
            r, c = abs(a), abs(b)
            if 2 * r >= shape[0] or 2 * c >= shape[1]:
                continue
            here = np.s_[r:shape[0] - r, c:shape[1] - c]
            ahead = np.s_[r + a:shape[0] - r + a, c + b:shape[1] - c + b]
            behind = np.s_[r - a:shape[0] - r - a, c - b:shape[1] - c - b]
            apart = points[ahead] - points[behind]
            length = np.linalg.norm(apart, axis=-1)
            turned = np.einsum("ijk,ijk->ij", normals[ahead] - normals[behind], apart)
            turn = turned / length * (1e-3 * across_mm / length)
            least[here] = np.minimum(least[here], turn)
            most[here] = np.maximum(most[here], turn)
    unknown = ~np.isfinite(least) | ~np.isfinite(most)
    least[unknown] = most[unknown] = np.nan
    return least, most


def fitting(surface, where: str, across_mm: float) -> np.ndarray:
    """(H, W) bool: pixels that are flat, convex, concave, on an edge (a fold or an end) or on a rim (an end)."""
    if where == "rim":
        return surface.ends
    if where == "edge":
        return surface.ends | folds(surface, across_mm)
    least, most = turns(surface, across_mm)
    with np.errstate(invalid="ignore"):
        if where == "flat":
            return (least > -FLAT) & (most < FLAT)
        if where == "convex":
            return (most > ROUND) & (least > -FLAT)
        return (least < -ROUND) & (most < FLAT)


def run_of(edge: np.ndarray, row: int, column: int, reach: int) -> tuple[float, float]:
    """(x, y) unit vector in the picture along which, so far about a pixel, the edge (H, W) bool nearest to it runs."""
    xx, yy, xy = _spread(edge, row, column, reach)
    angle = 0.5 * np.arctan2(2.0 * xy, xx - yy)
    return float(np.cos(angle)), float(np.sin(angle))


@njit(cache=True, nogil=True)
def _spread(edge, row, column, reach):
    """Sums of x², y² and x·y, from a pixel, over that piece of an edge (H, W) bool about it which is nearest to it: a
    neighbouring thread's edge is another edge. 1, 0, 0 for fewer than three pixels of edge."""
    h, w = edge.shape
    r0, c0 = max(0, row - reach), max(0, column - reach)
    left = edge[r0:min(h, row + reach + 1), c0:min(w, column + reach + 1)].copy()
    rows, columns = left.shape
    found, nearest, start = 0, 1 << 62, 0
    for i in range(rows):
        for j in range(columns):
            if left[i, j]:
                found += 1
                far = (i + r0 - row) ** 2 + (j + c0 - column) ** 2
                if far < nearest:
                    nearest, start = far, i * columns + j
    if found < 3:
        return 1.0, 0.0, 0.0
    xx = yy = xy = 0
    stack = np.empty(found, np.int64)
    stack[0], left[start // columns, start % columns] = start, False
    n = 1
    while n:
        n -= 1
        i, j = stack[n] // columns, stack[n] % columns
        y, x = i + r0 - row, j + c0 - column
        xx, yy, xy = xx + x * x, yy + y * y, xy + x * y
        for a in range(max(0, i - 1), min(rows, i + 2)):
            for b in range(max(0, j - 1), min(columns, j + 2)):
                if left[a, b]:
                    left[a, b], stack[n] = False, a * columns + b
                    n += 1
    return float(xx), float(yy), float(xy)


@njit(cache=True, nogil=True)
def followed(edge, row, column, x, y, reach):
    """Share of nine places, up to reach pixels either way along (x, y) from a pixel, that have an edge (H, W) bool
    within two pixels."""
    h, w = edge.shape
    found = 0
    for k in range(9):
        along = (-1 + 0.25 * k) * reach
        v = int(min(max(np.rint(along * y) + row, 0), h - 1))
        u = int(min(max(np.rint(along * x) + column, 0), w - 1))
        found += edge[max(0, v - 2):v + 3, max(0, u - 2):u + 3].any()
    return found / 9
