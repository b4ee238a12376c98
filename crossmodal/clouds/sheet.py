"""The surface under a cloud's chart, wherever it is asked for: moving least squares over the charted points."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from crossmodal.normals import fine_relief_mm, over_valleys_mm

FITTED, COUNTED = 2.0, 4.0  # mean distances of points within which they say where the surface is, and how dense
FEWEST = 4
OFF_MIDDLE = 0.45  # of that reach by which the fitted points' middle may miss a place that the surface still holds
SMOOTHED = 12.0  # mean distances over which matter moves as one piece, at most
TURNED = 0.2  # cosine between a point's normal and the way of the matter about it, below which it goes its own


@dataclass(frozen=True, eq=False)
class Nodes:
    """The surface at places of a chart, over a grid (nh, nw) of s and t mm; NaN where there is none.

    points_mm, ways: (nh, nw, 3) float64; dense: (nh, nw) float64, points a mm²
    """

    s_mm: np.ndarray
    t_mm: np.ndarray
    points_mm: np.ndarray
    ways: np.ndarray
    dense: np.ndarray


def nodes(bounds_mm, step_mm: float, wanted, st, points_mm, ways, spacing_mm: float) -> Nodes:
    """The nodes of a grid within (s, s, t, t) bounds that ``wanted`` (s, t) → bool asks for."""
    s0, s1, t0, t1 = bounds_mm
    s, t = np.meshgrid(np.arange(s0 - step_mm, s1 + 2 * step_mm, step_mm),
                       np.arange(t0 - step_mm, t1 + 2 * step_mm, step_mm))
    flat = np.stack((s.ravel(), t.ravel()), -1)
    asked = np.flatnonzero(wanted(flat[:, 0], flat[:, 1]))
    values = np.full((len(flat), 7), np.nan)
    values[asked] = fitted(flat[asked], st, np.concatenate((points_mm, ways), 1), spacing_mm)
    values = values.reshape(*s.shape, 7)
    length = np.linalg.norm(values[..., 3:6], axis=-1, keepdims=True)
    return Nodes(s, t, values[..., :3], values[..., 3:6] / length, values[..., 6])


def fitted(places: np.ndarray, st: np.ndarray, values: np.ndarray, spacing_mm: float) -> np.ndarray:
    """(q, n + 1): what charted points (m, 2) say, values (m, n), on the plane fitted about each place (q, 2) mm, and
    how many points there are a mm²; NaN where there is no surface."""
    return _fitted(places, *_bucketed(st, COUNTED * spacing_mm), values, FITTED * spacing_mm, COUNTED * spacing_mm)


def pushed_ways(st: np.ndarray, normals: np.ndarray, finest_mm: float, spacing_mm: float) -> np.ndarray:
    """(m, 3) float64: the ways in which charted points move: relief finer than a quarter of the defect's finest
    feature does not turn them (see Patch.directions), and none moves to the wrong side of its own plane."""
    reach = min(0.25 * finest_mm, SMOOTHED * spacing_mm)
    if reach < spacing_mm:
        return normals
    return _meant(*_bucketed(st, reach), normals, reach)


def crests_over_valleys_mm(bounds_mm, width_mm: float, st, points_mm, ways, spacing_mm: float) -> np.ndarray:
    """(m,) float64: how far charted points stand on crests narrower than width_mm over the valleys beside them."""
    grid = nodes(bounds_mm, spacing_mm, lambda s, t: np.ones(len(s), bool), st, points_mm, ways, spacing_mm)
    known = np.isfinite(grid.dense)
    width = width_mm / spacing_mm
    relief = fine_relief_mm(np.nan_to_num(1e-3 * grid.points_mm).astype(np.float32),
                            np.nan_to_num(grid.ways).astype(np.float32), known, width)
    tops = over_valleys_mm(relief, width)
    at = (st - (grid.s_mm[0, 0], grid.t_mm[0, 0])) / spacing_mm
    column, row = (np.clip(np.rint(at[:, i]).astype(int), 0, tops.shape[1 - i] - 1) for i in (0, 1))
    return tops[row, column].astype(np.float64)


def _bucketed(st, side):
    """st (m, 2), and where each bucket of so many mm begins among the points sorted by bucket."""
    low = st.min(0) - 1e-9
    size = np.floor((st.max(0) - low) / side).astype(np.int64) + 1
    place = np.floor((st - low) / side).astype(np.int64)
    bucket = place[:, 1] * size[0] + place[:, 0]
    order = np.argsort(bucket, kind="stable")
    first = np.searchsorted(bucket[order], np.arange(size[0] * size[1] + 1))
    return st, low, size, side, order, first


@njit(cache=True, nogil=True, error_model="numpy")
def _fitted(at, st, low, size, side, order, first, values, fit, count):
    """(q, n + 1): values (m, n) on the plane fitted about each place (q, 2), and points a mm²; NaN off the points."""
    n = values.shape[1]
    out = np.full((len(at), n + 1), np.nan)
    sums = np.empty((3, n))
    for q in range(len(at)):
        c0, r0 = int(np.floor((at[q, 0] - low[0]) / side)), int(np.floor((at[q, 1] - low[1]) / side))
        sums[:] = 0.0
        w0 = ws = wt = wss = wst = wtt = 0.0
        within, counted = 0, 0
        for r in range(max(0, r0 - 1), min(size[1], r0 + 2)):
            for c in range(max(0, c0 - 1), min(size[0], c0 + 2)):
                for e in range(first[r * size[0] + c], first[r * size[0] + c + 1]):
                    i = order[e]
                    s, t = st[i, 0] - at[q, 0], st[i, 1] - at[q, 1]
                    square = s * s + t * t
                    if square < count * count:
                        counted += 1
                    if square >= fit * fit:
                        continue
                    within += 1
                    w = (1.0 - square / (fit * fit)) ** 2
                    w0, ws, wt = w0 + w, ws + w * s, wt + w * t
                    wss, wst, wtt = wss + w * s * s, wst + w * s * t, wtt + w * t * t
                    for v in range(n):
                        sums[0, v] += w * values[i, v]
                        sums[1, v] += w * s * values[i, v]
                        sums[2, v] += w * t * values[i, v]
        if within < FEWEST or np.hypot(ws, wt) > OFF_MIDDLE * fit * w0:
            continue
        # Cramer's rule for the plane's height at the place itself.
        a, b, c = wss * wtt - wst * wst, wst * wt - ws * wtt, ws * wst - wss * wt
        determinant = w0 * a + ws * b + wt * c
        flat = determinant <= 1e-6 * w0 * wss * wtt
        for v in range(n):
            out[q, v] = sums[0, v] / w0 if flat else (
                sums[0, v] * a + sums[1, v] * b + sums[2, v] * c) / determinant
        out[q, n] = counted / (np.pi * count * count)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _meant(st, low, size, side, order, first, normals, reach):
    out = np.empty(normals.shape)
    for q in range(len(st)):
        c0, r0 = int(np.floor((st[q, 0] - low[0]) / side)), int(np.floor((st[q, 1] - low[1]) / side))
        x = y = z = 0.0
        for r in range(max(0, r0 - 1), min(size[1], r0 + 2)):
            for c in range(max(0, c0 - 1), min(size[0], c0 + 2)):
                for e in range(first[r * size[0] + c], first[r * size[0] + c + 1]):
                    i = order[e]
                    square = (st[i, 0] - st[q, 0]) ** 2 + (st[i, 1] - st[q, 1]) ** 2
                    if square < reach * reach:
                        w = 1.0 - square / (reach * reach)
                        x, y, z = x + w * normals[i, 0], y + w * normals[i, 1], z + w * normals[i, 2]
        length = np.sqrt(x * x + y * y + z * z)
        own = x * normals[q, 0] + y * normals[q, 1] + z * normals[q, 2]
        if own > TURNED * length and length > 0.0:
            out[q, 0], out[q, 1], out[q, 2] = x / length, y / length, z / length
        else:
            out[q] = normals[q]
    return out
