"""Where surface ends: a wall stands plumb on that line, and the nodes of what is gone are the wall.

A grid of nodes has one depth a place, and a plumb wall many. But nodes whose surface is gone show nothing of their
own: those next to the line are moved onto it, each farther one a step further down, and make up the wall.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from crossmodal.edit import Field

HALVINGS = 8
EVEN = 5  # nodes across that say together which way the line lies
STEEP = 3.0  # slope of the collar that becomes the wall: above what the lamp's rays have as they come in


@dataclass(frozen=True, eq=False)
class Brink:
    """The n nodes about the line where a field begins to take surface away.

    at: (n,) int64, which of the grid's nodes (nh, nw), counted row by row
    wall: (n,) bool, nodes of surface that is gone, which stand in for the wall below its end; the others are of surface
        that stays, at its very end
    down: (n,) float32, how far down the wall each stands, from 0 at its top to 1 at its foot
    shift: (n, 2) float32, (rows, columns) in nodes by which each was moved
    """

    at: np.ndarray
    wall: np.ndarray
    down: np.ndarray
    shift: np.ndarray

    def moved(self, nodes: np.ndarray, state: np.ndarray) -> np.ndarray:
        """(n, c) float32: values of nodes (nh, nw, c) where the brink's were moved to, their own where they are none
        there; state (nh, nw): 0 for no node."""
        return _moved(nodes, state, self.at, self.shift)


def find_brink(field: Field, chart: np.ndarray, removed: np.ndarray, state: np.ndarray, node_mm: float) -> Brink:
    """The brink on nodes with a chart (nh, nw, 2) mm, of which some are removed (nh, nw) bool; state: 0 for no node;
    node_mm: from one node to the next."""
    rings = math.ceil(field.deepest_mm / (STEEP * node_mm))  # none where what is taken away had no thickness
    box = _about(removed, rings + EVEN)
    there = state[box] > 0
    kept, lost = there & ~removed[box], there & removed[box]
    y, x, goes, far, way, evened = _beside(kept, lost, *_nearest(kept), *_nearest(lost), rings + 1, EVEN // 2)
    y, x = y + box[0].start, x + box[1].start
    at = np.stack((y, x), -1).astype(np.float32)
    says = getattr(field, "gone", None) or (lambda s_mm, t_mm: field.sample(s_mm, t_mm).removed)

    def gone(share, way):
        st = _between(chart, at + share[:, None] * way)
        out, known = goes.copy(), np.isfinite(st[:, 0])
        out[known] = says(st[known, 0], st[known, 1])
        return out

    low, high = np.zeros(len(y), np.float32), np.ones(len(y), np.float32)
    # The nearest node lies one way or another by chance; what the neighbours say together is square to the line.
    way = np.where((gone(high, evened) != goes)[:, None], evened, way)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        same = gone(middle, way) == goes
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    down = np.where(goes, np.minimum(np.ceil(far - 0.5) / max(rings, 1), 1), 0).astype(np.float32)
    return Brink(y * state.shape[1] + x, goes, down, low[:, None] * way)


def _about(mask, margin):
    """Slices of the box that holds all true nodes and a margin about them."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
            slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin))


def _nearest(mask):
    """(h, w) float32 distance in nodes to the nearest true node, and (h, w) int32, which of them it is, from 1 on."""
    return cv2.distanceTransformWithLabels((~mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5,
                                           labelType=cv2.DIST_LABEL_PIXEL)


@njit(cache=True, nogil=True)
def _beside(kept, gone, far_kept, label_kept, far_gone, label_gone, reach, half):
    """Nodes of what is gone nearer than ``reach`` to what is kept, and those of what is kept that touch the gone.

    → y, x (n,) int64, of the gone (n,) bool, distance to the kept, the way (n, 2) float32 to the nearest node of the
    other side, and that way turned to the mean of those within ``half`` nodes on its own side, and a little longer
    """
    h, w = kept.shape
    to_kept, to_gone = _places(kept, label_kept), _places(gone, label_gone)
    side, unit = np.zeros((h, w), np.uint8), np.zeros((h, w, 2), np.float32)
    n = 0
    for i in range(h):
        for j in range(w):
            if gone[i, j] and far_kept[i, j] < reach:
                side[i, j], place = 1, to_kept[label_kept[i, j]]
            elif kept[i, j] and far_gone[i, j] < 1.5:
                side[i, j], place = 2, to_gone[label_gone[i, j]]
            else:
                continue
            n += 1
            p, q = place // w - i, place % w - j
            length = math.sqrt(p * p + q * q)
            unit[i, j, 0], unit[i, j, 1] = p / length, q / length
    y, x, goes, far = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.bool_), np.empty(n, np.float32)
    way, evened = np.empty((n, 2), np.float32), np.empty((n, 2), np.float32)
    n = 0
    for i in range(h):
        for j in range(w):
            if not side[i, j]:
                continue
            y[n], x[n], goes[n], far[n] = i, j, side[i, j] == 1, far_kept[i, j]
            place = to_kept[label_kept[i, j]] if goes[n] else to_gone[label_gone[i, j]]
            p, q = place // w - i, place % w - j
            way[n, 0], way[n, 1] = p, q
            longer = math.sqrt(p * p + q * q) + 0.5
            p = q = 0.0
            for a in range(max(0, i - half), min(h, i + half + 1)):
                for b in range(max(0, j - half), min(w, j + half + 1)):
                    if side[a, b] == side[i, j]:
                        p += unit[a, b, 0]
                        q += unit[a, b, 1]
            longer /= max(math.sqrt(p * p + q * q), 1e-6)
            evened[n, 0], evened[n, 1] = p * longer, q * longer
            n += 1
    return y, x, goes, far, way, evened


@njit(cache=True, nogil=True)
def _places(mask, label):
    """Where each labelled node of a mask is, counted row by row."""
    h, w = mask.shape
    out = np.zeros(h * w + 2, np.int64)
    for i in range(h):
        for j in range(w):
            if mask[i, j]:
                out[label[i, j]] = i * w + j
    return out


@njit(cache=True, nogil=True)
def _between(nodes, at):
    """(n, c) float32: nodes (nh, nw, c) at fractional (row, column) (n, 2), bilinear; NaN off their grid."""
    nh, nw, channels = nodes.shape
    out = np.full((len(at), channels), np.nan, np.float32)
    for k in range(len(at)):
        y, x = at[k]
        if not (0.0 <= y <= nh - 1 and 0.0 <= x <= nw - 1):
            continue
        i, j = min(int(y), nh - 2), min(int(x), nw - 2)
        p, q = y - i, x - j
        for c in range(channels):
            out[k, c] = ((1 - p) * ((1 - q) * nodes[i, j, c] + q * nodes[i, j + 1, c])
                         + p * ((1 - q) * nodes[i + 1, j, c] + q * nodes[i + 1, j + 1, c]))
    return out


@njit(cache=True, nogil=True)
def _moved(nodes, state, at, shift):
    nh, nw, channels = nodes.shape
    out = np.empty((len(at), channels), np.float32)
    for k in range(len(at)):
        i, j = at[k] // nw, at[k] % nw
        y, x = np.float32(i) + shift[k, 0], np.float32(j) + shift[k, 1]
        inside = 0.0 <= y <= nh - 1 and 0.0 <= x <= nw - 1
        if inside:
            a, b = min(int(y), nh - 2), min(int(x), nw - 2)
            p, q = y - a, x - b
            inside = state[a, b] and state[a, b + 1] and state[a + 1, b] and state[a + 1, b + 1]
        for c in range(channels):
            out[k, c] = nodes[i, j, c]
            if inside:
                out[k, c] = ((1 - p) * ((1 - q) * nodes[a, b, c] + q * nodes[a, b + 1, c])
                             + p * ((1 - q) * nodes[a + 1, b, c] + q * nodes[a + 1, b + 1, c]))
    return out
