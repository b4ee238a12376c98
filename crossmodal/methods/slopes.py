"""Relief that is nowhere steeper than it may be: what leans less has no foot that a slanted view cannot see."""

import cv2
import numpy as np
from numba import njit


def leaned(relief: np.ndarray, rise: float, wide: float) -> np.ndarray:
    """The largest relief (h, w) float32 within the given one, of the same sign or 0 everywhere, that changes by no more
    than a rise from a cell to the next; and then rounded by a Gaussian, wide cells in sigma, so that its crests do not
    fall between pixels.

    It is eroded by a cone, in the metric of steps to the eight neighbours (Borgefors 1986), which two passes do.
    """
    over, under = (np.maximum(side * relief, 0).astype(np.float32) for side in (1, -1))
    for part in (over, under):
        _eroded(part, np.float32(rise))
    return cv2.GaussianBlur(over - under, (0, 0), wide)


@njit(cache=True, nogil=True)
def _eroded(heights, rise):
    h, w = heights.shape
    askance = np.float32(np.sqrt(2.0)) * rise
    for i in range(h):
        for j in range(w):
            least = heights[i, j]
            if j > 0:
                least = min(least, heights[i, j - 1] + rise)
            if i > 0:
                least = min(least, heights[i - 1, j] + rise)
                if j > 0:
                    least = min(least, heights[i - 1, j - 1] + askance)
                if j < w - 1:
                    least = min(least, heights[i - 1, j + 1] + askance)
            heights[i, j] = least
    for i in range(h - 1, -1, -1):
        for j in range(w - 1, -1, -1):
            least = heights[i, j]
            if j < w - 1:
                least = min(least, heights[i, j + 1] + rise)
            if i < h - 1:
                least = min(least, heights[i + 1, j] + rise)
                if j > 0:
                    least = min(least, heights[i + 1, j - 1] + askance)
                if j < w - 1:
                    least = min(least, heights[i + 1, j + 1] + askance)
            heights[i, j] = least
