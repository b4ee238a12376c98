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
    """The nodes about the line where a field begins to take surface away; (nh, nw) arrays.

    top: bool, nodes of surface that stays, at its very end
    wall: bool, nodes of surface that is gone, which stand in for the wall below that end
    down: float32, how far down the wall each stands, from 0 at its top to 1 at its foot
    shift: (nh, nw, 2) float32, (rows, columns) in nodes by which each was moved, 0 elsewhere
    """

    top: np.ndarray
    wall: np.ndarray
    down: np.ndarray
    shift: np.ndarray

    def onto(self, nodes: np.ndarray) -> np.ndarray:
        """Values (nh, nw, c) float32 of nodes, those at the brink taken where they were moved to."""
        out = nodes.copy()
        y, x = np.nonzero(self.top | self.wall)
        values = _between(nodes, np.stack((y, x), -1) + self.shift[y, x])
        out[y, x] = np.where(np.isfinite(values[:, :1]), values, out[y, x])
        return out


def find_brink(field: Field, chart: np.ndarray, removed: np.ndarray, state: np.ndarray, node_mm: float) -> Brink:
    """The brink on nodes with a chart (nh, nw, 2) mm, of which some are removed (nh, nw) bool; state: 0 for no node;
    node_mm: from one node to the next."""
    there = state > 0
    kept = there & ~removed
    rings = max(1, math.ceil(field.deepest_mm / (STEEP * node_mm)))
    far, to_kept = _nearest(kept)
    wall = removed & there & (far < rings + 1)
    far_gone, to_gone = _nearest(removed & there)
    top = kept & (far_gone < 1.5)
    y, x = np.nonzero(top | wall)
    at, goes = np.stack((y, x), -1).astype(np.float32), wall[y, x]
    way = np.where(goes[:, None], to_kept[y, x], to_gone[y, x])
    # The nearest node lies one way or another by chance; what the neighbours say together is square to the line.
    evened = np.where(goes[:, None], _evened(to_kept, wall)[y, x], _evened(to_gone, top)[y, x])

    def gone(share, way):
        st = _between(chart, at + share[:, None] * way)
        out, known = goes.copy(), np.isfinite(st[:, 0])
        out[known] = field.sample(st[known, 0], st[known, 1]).removed
        return out

    low, high = np.zeros(len(y), np.float32), np.ones(len(y), np.float32)
    way = np.where((gone(high, evened) != goes)[:, None], evened, way)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        same = gone(middle, way) == goes
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    shift = np.zeros((*state.shape, 2), np.float32)
    shift[y, x] = low[:, None] * way
    down = np.where(wall, np.minimum(np.ceil(far - 0.5) / rings, 1), 0).astype(np.float32)
    return Brink(top, wall, down, shift)


def _nearest(mask):
    """(nh, nw) float32 distance in nodes to the nearest true node, and (nh, nw, 2) float32 the way to it."""
    far, label = cv2.distanceTransformWithLabels((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5,
                                                 labelType=cv2.DIST_LABEL_PIXEL)
    places = np.zeros((label.max() + 1, 2), np.float32)
    places[label[mask]] = np.argwhere(mask)
    return far, places[label] - np.stack(np.indices(mask.shape, np.float32), -1)


def _evened(way, where):
    """Ways (nh, nw, 2) turned to the mean of those about them, where there are some, and a little longer."""
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    unit = np.where(where[..., None], way / np.maximum(length, 1e-6), 0).astype(np.float32)
    mean = cv2.blur(unit, (EVEN, EVEN))
    return mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-6) * (length + 0.5)


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
