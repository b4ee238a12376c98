"""Which pieces of a line reach a place: a grid of cells over them all, each with the pieces that reach into it."""

import numpy as np
from numba import njit

CELLS = 32  # a side


@njit(cache=True, nogil=True)
def gridded(boxes):
    """Sort pieces by the cells that they reach into.

    boxes: (n, 4) float64, least and most s, least and most t of each
    → frame (4,), for ``cell_at``; first (CELLS² + 1,), members: those of cell c, ascending, are
    members[first[c]:first[c + 1]]
    """
    low_s, low_t = boxes[:, 0].min(), boxes[:, 2].min()
    frame = np.array((low_s, low_t, CELLS / max(boxes[:, 1].max() - low_s, 1e-12),
                      CELLS / max(boxes[:, 3].max() - low_t, 1e-12)))
    first = np.zeros(CELLS * CELLS + 2, np.int64)
    for k in range(len(boxes)):
        a, b = cell_at(frame, boxes[k, 0], boxes[k, 2]), cell_at(frame, boxes[k, 1], boxes[k, 3])
        for row in range(a // CELLS, b // CELLS + 1):
            for column in range(a % CELLS, b % CELLS + 1):
                first[row * CELLS + column + 2] += 1
    first = np.cumsum(first)
    members = np.empty(first[-1], np.int64)
    for k in range(len(boxes)):
        a, b = cell_at(frame, boxes[k, 0], boxes[k, 2]), cell_at(frame, boxes[k, 1], boxes[k, 3])
        for row in range(a // CELLS, b // CELLS + 1):
            for column in range(a % CELLS, b % CELLS + 1):
                members[first[row * CELLS + column + 1]] = k
                first[row * CELLS + column + 1] += 1
    return frame, first[:-1], members


@njit(cache=True, nogil=True, inline="always")
def cell_at(frame, s, t):
    """The number of the cell that a place is in; -1 beyond all pieces, and for NaN."""
    x, y = (s - frame[0]) * frame[2], (t - frame[1]) * frame[3]
    # the last piece ends where the last cell does, but for rounding
    if not (0 <= x < CELLS + 1e-6 and 0 <= y < CELLS + 1e-6):
        return -1
    return min(int(x), CELLS - 1) * CELLS + min(int(y), CELLS - 1)
