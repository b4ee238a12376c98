"""How much of a picture is noise."""

from __future__ import annotations

import cv2
import numpy as np

ROUNDING = float(np.sqrt(1 / 12))  # what rounding to whole levels adds by itself
_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)  # blind to planes; its norm is 6
_BAND, _BANDS = 14, 8


def noise_levels(pixels: np.ndarray) -> float:
    """Standard deviation of the noise of sRGB pixels, uint8 (H, W, 3), in 8-bit levels; at least sqrt(1/12).

    Immerkaer's Laplacian difference (CVIU 64, 1996, eq. 4), in the flatter half of the picture only, so that
    texture does not count, and with clipped tails. Neighbouring pixels are taken as independent: a compressed
    or demosaiced picture has more noise than this sees. Looks at 8 bands of rows. Errors: ValueError.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"rgb must be uint8 (H, W, 3), but got {pixels.dtype} {pixels.shape}")
    height = len(pixels)
    starts = [0] if height <= _BAND * _BANDS else np.linspace(0, height - _BAND, _BANDS).astype(int)
    stop = height if len(starts) == 1 else _BAND
    parts = [_response(pixels[s : s + stop]) for s in starts]
    response, slope = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    if response.size == 0:
        return ROUNDING
    flat = response[slope <= np.median(slope)]
    # A median of whole numbers moves in jumps: use it only to cut the tail, at 3 sigma of what it suggests.
    limit = 3 * max(float(np.median(flat)) / 0.6745, 6 * ROUNDING)
    within = flat[flat <= limit]
    return max(ROUNDING, float(np.sqrt(np.pi / 2) / 6 * within.mean() / 0.9889))


def _response(band: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """|Laplacian difference| of each inner pixel and channel, and how steep the smoothed picture is there."""
    if min(band.shape[:2]) < 7:
        return np.empty(0, np.float32), np.empty(0, np.float32)
    levels = band.astype(np.float32)
    response = np.abs(cv2.filter2D(levels, -1, _MASK))
    smooth = cv2.blur(levels, (5, 5))
    slope = np.abs(cv2.Sobel(smooth, -1, 1, 0)) + np.abs(cv2.Sobel(smooth, -1, 0, 1))
    clipped = (band == 0) | (band == 255)  # a clipped pixel shows no noise, and says nothing about it
    inside = ~clipped[3:-3, 3:-3]
    return response[3:-3, 3:-3][inside], slope[3:-3, 3:-3][inside]
