"""New points where an edit makes new surface: stretched ground, walls, sheets of matter, as dense as the cloud is.

The edited surface is laid out as small pieces; each asks for as many points as its area has gained times the density
about it. Pieces are put in one order along the chart and cut into strata of one point each; of its stratum that place
is taken which is farthest from all points that are already there (Mitchell's best candidate, 1991).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from crossmodal.clouds.sheet import Nodes, nodes
from crossmodal.edit import Field, scattered, within

STRETCHED = 1.1  # area after to area before, from which a piece asks for points
PIECES = 2.5  # that a mean distance of points is cut into
FINE = 3  # nodes across the finest feature
MOST_NODES = 1_500_000
MOST_PIECES = 4_000_000
HALVINGS = 12
PLASTIC = np.array((0.7548776662466927, 0.5698402909980532))  # Roberts' R2 sequence: an even strewing without a draw
OUTSIDE, WALL, UNDER = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Strewn:
    """n new points: where (n, 3) mm, normals (n, 3), the chart's (s, t) (n, 2) and displacement_mm (n,) they have; part
    (n,) uint8: OUTSIDE, a WALL below where surface is gone, or UNDER matter that hangs free."""

    points_mm: np.ndarray
    normals: np.ndarray
    st_mm: np.ndarray
    displacement_mm: np.ndarray
    part: np.ndarray
    weight: np.ndarray

    def taken(self, index: np.ndarray) -> "Strewn":
        return Strewn(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


def new_points(field: Field, st, points_mm, ways, held_mm, spacing_mm: float) -> Strewn:
    """The points that an edit adds.

    st, points_mm, ways: (m, 2), (m, 3), (m, 3), the charted points before it; held_mm: (h, 3), all that are near after
    """
    s0, s1, t0, t1 = field.bounds_mm
    step = min(spacing_mm / PIECES, max(field.finest_mm / FINE, spacing_mm / 8))
    step = max(step, np.sqrt((s1 - s0) * (t1 - t0) / MOST_NODES))
    grid = nodes(field.bounds_mm, step, lambda s, t: field.near(s, t, 2 * step), st, points_mm, ways, spacing_mm)
    known = np.isfinite(grid.dense)
    chart = np.stack((grid.s_mm, grid.t_mm), -1)
    inside = known & within(chart, field.bounds_mm)
    if not inside.any():
        return _none()
    sample = scattered(field.sample(grid.s_mm[inside], grid.t_mm[inside]), inside)
    height = np.where(inside, sample.displacement_mm, 0.0).astype(np.float64)
    gone = np.zeros(known.shape, bool) if sample.removed is None else sample.removed
    lifted = np.zeros(known.shape, bool) if sample.underside_mm is None else sample.underside_mm > 0
    area = (spacing_mm / PIECES) ** 2
    sheets = [_sheet(grid, known & ~gone, height, area, STRETCHED, OUTSIDE, ~_cells(lifted))]
    if lifted.any():
        under = np.where(inside, sample.underside_mm, 0.0).astype(np.float64)
        top, under, held = _met(height, under, lifted)
        sheets += [_sheet(grid, known & held, top, area, 0.0, OUTSIDE, _cells(lifted)),
                   _sheet(grid, known & held, under, area, 0.0, UNDER, _cells(lifted))]
    if gone.any():
        sheets.append(_walls(field, grid, known, gone, height, area))
    pieces = Strewn(*(np.concatenate([getattr(sheet, name) for sheet in sheets]) for name in
                      Strewn.__dataclass_fields__))
    if not len(pieces.weight):
        return pieces
    pieces = pieces.taken(_along_chart(pieces, 1.5 * spacing_mm))
    total = np.cumsum(pieces.weight)
    return pieces.taken(_farthest(pieces.points_mm, total, int(total[-1] + 0.5), held_mm, spacing_mm))


def _none():
    return Strewn(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 2)), np.zeros(0), np.zeros(0, np.uint8),
                  np.zeros(0))


def _cells(mask):
    """(h, w) of nodes → (h-1, w-1): cells any of whose corners is in it."""
    return mask[:-1, :-1] | mask[1:, :-1] | mask[:-1, 1:] | mask[1:, 1:]


def _met(top, under, lifted):
    """Heights (h, w) of the two sheets of matter that hangs free, which meet half way beside its rim; and the nodes of
    both."""
    beside = cv2.boxFilter(lifted.astype(np.float64), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    total = cv2.boxFilter(np.where(lifted, 0.5 * (top + under), 0.0), -1, (3, 3), normalize=False,
                          borderType=cv2.BORDER_CONSTANT)
    held = beside > 0.5
    middle = total / np.maximum(beside, 1.0)
    rim = held & ~lifted & (top == 0)
    return np.where(rim, middle, top), np.where(rim, middle, under), held


def _area(a, b, c, d):
    """Of quads with corners (…, 3) in the order (0, 0), (0, 1), (1, 0), (1, 1), and their normals times that."""
    across = 0.5 * np.cross(d - a, c - b)
    return np.linalg.norm(across, axis=-1), across


def _sheet(grid: Nodes, known, height, area, stretched, part, where) -> Strewn:
    """Pieces of the surface at a height over the grid, in the cells (h-1, w-1) of ``where``.

    stretched: 0 for a sheet of its own, which asks for all its points
    """
    after = grid.points_mm + height[..., None] * grid.ways
    whole = known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:] & known[1:, 1:] & where
    rows, columns = np.nonzero(whole & _cells(height != 0))
    if not len(rows):
        return _none()
    corners = [(rows, columns), (rows, columns + 1), (rows + 1, columns), (rows + 1, columns + 1)]
    now, across = _area(*(after[corner] for corner in corners))
    was, _ = _area(*(grid.points_mm[corner] for corner in corners))
    grown = np.flatnonzero(now > stretched * was) if stretched else np.arange(len(now))
    more = (now - was)[grown] if stretched else now[grown]
    many = _split(now[grown], area)
    of = np.repeat(grown, many)
    weight = np.repeat(more * grid.dense[rows[grown], columns[grown]] / many, many)
    u, v = _strewing(len(of))
    shares = ((1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v)

    def between(values):
        return sum((share[:, None] if values.ndim == 3 else share) * values[r[of], c[of]]
                   for share, (r, c) in zip(shares, corners, strict=True))

    normals = across[of] / np.maximum(now[of], 1e-12)[:, None]
    if part == UNDER:
        normals = -normals
    st = np.stack((between(grid.s_mm), between(grid.t_mm)), -1)
    return Strewn(between(after), normals, st, between(height), np.full(len(of), part, np.uint8), weight)


def _walls(field: Field, grid: Nodes, known, gone, height, area) -> Strewn:
    """Pieces of the plumb wall along the line where the surface begins to be gone, down to what the field says."""
    whole = known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:] & known[1:, 1:]
    ends = _crossings(field, grid, known, gone)
    rows, columns = np.nonzero(whole & _cells(gone) & _cells(~gone))
    # The cell's four sides, as the crossing on each: (row, column, axis) of its first node.
    sides = [(rows, columns, 0), (rows, columns, 1), (rows + 1, columns, 0), (rows, columns + 1, 1)]
    shares = np.stack([ends[r, c, axis] for r, c, axis in sides], -1)
    two = np.isfinite(shares).sum(-1) >= 2
    rows, columns, shares = rows[two], columns[two], shares[two]
    if not len(rows):
        return _none()
    order = np.argsort(np.isnan(shares), axis=1, kind="stable")[:, :2]
    steps = np.array(((0, 0, 0, 1), (0, 0, 1, 0), (1, 0, 0, 1), (0, 1, 1, 0)))  # row, column, to row, to column
    first, last = ([], [])
    for k, out in ((0, first), (1, last)):
        side, share = order[:, k], shares[np.arange(len(rows)), order[:, k]]
        a = rows + steps[side, 0], columns + steps[side, 1]
        b = a[0] + steps[side, 2], a[1] + steps[side, 3]
        rim = np.where(gone[a], height[b], height[a])
        for values in (grid.points_mm, grid.ways, np.stack((grid.s_mm, grid.t_mm), -1)):
            out.append(values[a] + share[:, None] * (values[b] - values[a]))
        out.append(rim)
        out.append(np.where(gone[a][:, None], grid.points_mm[a] - grid.points_mm[b],
                            grid.points_mm[b] - grid.points_mm[a]))
    foot = np.min([np.where(gone[r, c], height[r, c], 0.0) for r, c in (
        (rows, columns), (rows, columns + 1), (rows + 1, columns), (rows + 1, columns + 1))], axis=0)
    long = np.linalg.norm(first[0] - last[0], axis=1)
    deep = 0.5 * (first[3] + last[3]) - foot
    size = long * deep
    kept = np.flatnonzero(size > 0)
    many = _split(size[kept], area)
    of = np.repeat(kept, many)
    u, v = _strewing(len(of))
    at, way, st, rim = (((1 - u[:, None]) * a[of] + u[:, None] * b[of]) if a.ndim == 2 else (1 - u) * a[of] + u * b[of]
                        for a, b in zip(first[:4], last[:4], strict=True))
    down = rim + v * (foot[of] - rim)
    out = np.cross((last[0] - first[0])[of], way)
    towards = (first[4] + last[4])[of]
    out *= np.where(np.einsum("ij,ij->i", out, towards) < 0, -1.0, 1.0)[:, None]
    out /= np.maximum(np.linalg.norm(out, axis=1), 1e-12)[:, None]
    weight = np.repeat(size[kept] * grid.dense[rows[kept], columns[kept]] / many, many)
    return Strewn(at + down[:, None] * way, out, st, down, np.full(len(of), WALL, np.uint8), weight)


def _crossings(field, grid, known, gone):
    """(h, w, 2): how far along the step from each node to the right (0) and down (1) surface begins to be gone."""
    says = getattr(field, "gone", None) or (lambda s_mm, t_mm: field.sample(s_mm, t_mm).removed)
    out = np.full((*known.shape, 2), np.nan)
    for axis, (dr, dc) in enumerate(((0, 1), (1, 0))):
        h, w = known.shape[0] - dr, known.shape[1] - dc
        a, b = np.s_[:h, :w], np.s_[dr:dr + h, dc:dc + w]
        rows, columns = np.nonzero(known[a] & known[b] & (gone[a] != gone[b]))
        if not len(rows):
            continue
        begins = gone[rows, columns]
        s, t = grid.s_mm[rows, columns], grid.t_mm[rows, columns]
        s_step, t_step = grid.s_mm[rows + dr, columns + dc] - s, grid.t_mm[rows + dr, columns + dc] - t
        low, high = np.zeros(len(rows)), np.ones(len(rows))
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            same = says(s + middle * s_step, t + middle * t_step) == begins
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        out[rows, columns, axis] = 0.5 * (low + high)
    return out


def _split(size, area):
    many = np.maximum(np.ceil(size / area), 1)
    if many.sum() > MOST_PIECES:
        many = np.maximum(np.ceil(many * (MOST_PIECES / many.sum())), 1)
    return many.astype(np.int64)


def _strewing(n):
    return ((np.arange(1, n + 1)[:, None] * PLASTIC + 0.5) % 1.0).T


def _along_chart(pieces: Strewn, side_mm):
    """(n,) int64: an order in which what follows one another is near one another (Morton's, in s, t and height)."""
    place = np.column_stack((pieces.st_mm, pieces.displacement_mm)) / side_mm
    place = np.floor(place - place.min(0)).astype(np.int64)
    key = np.zeros(len(place), np.int64)
    for bit in range(20):
        for axis in range(3):
            key |= ((place[:, axis] >> bit) & 1) << (3 * bit + axis)
    return np.argsort(key, kind="stable")


@njit(cache=True, nogil=True)
def _farthest(places, total, many, held, spacing):
    """(many,) int64: of each stratum of the running sum (n,), the place (n, 3) farthest from all that are there."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for p in places:
        for c in range(3):
            low[c], high[c] = min(low[c], p[c]), max(high[c], p[c])
    side = spacing
    size = np.empty(3, np.int64)
    while True:
        for c in range(3):
            size[c] = int((high[c] - low[c]) / side) + 3
        if size[0] * size[1] * size[2] < 20_000_000:
            break
        side *= 1.5
    head = np.full(size[0] * size[1] * size[2], -1, np.int32)
    points = np.empty((len(held) + many, 3))
    after = np.empty(len(points), np.int32)
    n = 0
    for p in held:
        n = _put(p, low, side, size, head, points, after, n)
    out, chosen, k = np.empty(many, np.int64), 0, 0
    for m in range(many):
        end = (m + 1) * total[-1] / many
        best, far = -1, -1.0
        while k < len(places) and (total[k] <= end or best < 0 or m == many - 1):
            room = _room(places[k], low, side, size, head, points, after)
            if room > far:
                best, far = k, room
            k += 1
        if best < 0:
            break
        out[chosen] = best
        chosen += 1
        n = _put(places[best], low, side, size, head, points, after, n)
    return out[:chosen]


@njit(cache=True, nogil=True, inline="always")
def _put(p, low, side, size, head, points, after, n):
    i = int(np.floor((p[0] - low[0]) / side)) + 1
    j = int(np.floor((p[1] - low[1]) / side)) + 1
    k = int(np.floor((p[2] - low[2]) / side)) + 1
    if i < 0 or j < 0 or k < 0 or i >= size[0] or j >= size[1] or k >= size[2]:
        return n
    cell = (i * size[1] + j) * size[2] + k
    points[n] = p
    after[n] = head[cell]
    head[cell] = n
    return n + 1


@njit(cache=True, nogil=True, inline="always")
def _room(p, low, side, size, head, points, after):
    """Square distance to the nearest point that is there, or that of a cell's side."""
    i0, j0, k0 = (int(np.floor((p[0] - low[0]) / side)) + 1, int(np.floor((p[1] - low[1]) / side)) + 1,
                  int(np.floor((p[2] - low[2]) / side)) + 1)
    room = side * side
    for i in range(max(0, i0 - 1), min(size[0], i0 + 2)):
        for j in range(max(0, j0 - 1), min(size[1], j0 + 2)):
            for k in range(max(0, k0 - 1), min(size[2], k0 + 2)):
                e = head[(i * size[1] + j) * size[2] + k]
                while e >= 0:
                    square = ((points[e, 0] - p[0]) ** 2 + (points[e, 1] - p[1]) ** 2 + (points[e, 2] - p[2]) ** 2)
                    room = min(room, square)
                    e = after[e]
    return room
