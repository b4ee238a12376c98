"""Gradient noise on a hashed lattice (Perlin 1985, 2002): what the DRAEM family takes its masks and hills from."""

import math

import cv2
import numpy as np
from numba import njit

from crossmodal.texture import hash_at

HIGHEST = 0.999  # of a threshold: noise is 1 at most, and so never rises above it by rounding alone


def perlin(shape: tuple[int, int], cells: tuple[float, float], turn_deg: float, seed: int,
           fades: float | None = None, least: float = 0.0) -> np.ndarray:
    """Perlin noise (H, W) float32, about [-1, 1], of (down, across) lattice cells over the picture, turned about its
    middle. Any size and any number of cells will do: the lattice has no end.

    fades: the share of the half width over which it falls to 0 towards the circle in the picture, if it does; it is 0
    already where it would be least at most
    """
    turn = math.radians(turn_deg)
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    return _perlin(*shape, float(cells[0]), float(cells[1]), math.cos(turn), math.sin(turn), int(seed) & 0x7FFFFFFF,
                   y, x, np.float32(fades or 0), np.float32(HIGHEST * least))


def framed(shape: tuple[int, int], cells: tuple[int, int], turn_deg: float, seed: int) -> np.ndarray:
    """Perlin noise (H, W) float32 as DRAEM's code has it: whole lattice cells from corner to corner, and then turned as
    a picture, with nothing in the corners that come in."""
    (h, w), twice = shape, [1 + n % 2 for n in cells]  # an odd lattice has no node in the middle
    noise = perlin((h * twice[0], w * twice[1]), (cells[0] * twice[0], cells[1] * twice[1]), 0, seed)[-h:, -w:]
    turned = cv2.getRotationMatrix2D((0.5 * (w - 1), 0.5 * (h - 1)), turn_deg, 1)
    return cv2.warpAffine(noise, turned, (w, h), flags=cv2.INTER_LINEAR)


@njit(cache=True, nogil=True)
def _perlin(h, w, down, across, c, s, seed, rows, columns, fades, least):
    most = int(0.75 * max(down, across)) + 2
    ways = np.empty((2 * most + 2, 2 * most + 2, 2), np.float64)
    for a in range(2 * most + 2):
        for b in range(2 * most + 2):
            angle = math.pi * hash_at(a - most, b - most, seed)
            ways[a, b, 0], ways[a, b, 1] = math.cos(angle), math.sin(angle)
    out = np.zeros((h, w), np.float32)
    one, share = np.float32(1), np.float32(1)
    left = (np.arange(w) + 0.5) / w - 0.5
    for i in range(h):
        y = (i + 0.5) / h - 0.5
        for j in range(w):
            if fades > 0:
                far = (one - np.sqrt(rows[i] * rows[i] + columns[j] * columns[j])) / fades
                far = min(max(far, np.float32(0)), one)
                share = far * far * (np.float32(3) - np.float32(2) * far)
                if share <= least:
                    continue
            v, u = (c * y - s * left[j]) * down, (s * y + c * left[j]) * across
            a, b = np.floor(v), np.floor(u)
            p, q = v - a, u - b
            fp, fq = p * p * p * (p * (p * 6 - 15) + 10), q * q * q * (q * (q * 6 - 15) + 10)
            i0, j0 = np.uintp(int(a) + most), np.uintp(int(b) + most)
            i1, j1 = i0 + np.uintp(1), j0 + np.uintp(1)
            upper = (1 - fq) * (ways[i0, j0, 0] * p + ways[i0, j0, 1] * q) + fq * (
                ways[i0, j1, 0] * p + ways[i0, j1, 1] * (q - 1))
            lower = (1 - fq) * (ways[i1, j0, 0] * (p - 1) + ways[i1, j0, 1] * q) + fq * (
                ways[i1, j1, 0] * (p - 1) + ways[i1, j1, 1] * (q - 1))
            out[i, j] = share * np.float32(math.sqrt(2.0) * ((1 - fp) * upper + fp * lower))
    return out
