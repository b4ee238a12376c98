"""Noise on an integer-hash lattice in surface millimetres: bit-exact everywhere, indexed by (s, t), never by pixel.

Value noise with quintic fade (Perlin 2002); the hash is the finaliser of MurmurHash3 (Appleby 2011).
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, inline="always")
def hash_at(i, j, seed):
    """A fixed number in [-1, 1] of a lattice place (i, j) and a seed."""
    h = (np.uint32(i) * np.uint32(0x9E3779B1)) ^ (np.uint32(j) * np.uint32(0x85EBCA77)) ^ np.uint32(seed)
    h = np.uint32(h ^ (h >> np.uint32(16)))
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h = np.uint32(h ^ (h >> np.uint32(13)))
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    h = np.uint32(h ^ (h >> np.uint32(16)))
    return np.float64(h) * (2.0 / 4294967295.0) - 1.0


@njit(cache=True, nogil=True, inline="always")
def _corners(fs, ft, seed):
    """The noise at the corners of a lattice cell whose first is (fs, ft)."""
    i, j = np.int64(fs), np.int64(ft)
    return hash_at(i, j, seed), hash_at(i + 1, j, seed), hash_at(i, j + 1, seed), hash_at(i + 1, j + 1, seed)


@njit(cache=True, nogil=True, inline="always")
def _between(a, b, c, d, x, y):
    """The noise at (x, y) of a cell with those corners."""
    x = x * x * x * (x * (x * 6.0 - 15.0) + 10.0)
    y = y * y * y * (y * (y * 6.0 - 15.0) + 10.0)
    return (a + (b - a) * x) * (1.0 - y) + (c + (d - c) * x) * y


@njit(cache=True, nogil=True, inline="always")
def lattice_value(s, t, seed):
    """One sample of value noise in [-1, 1]; the lattice spacing is 1."""
    fs, ft = np.floor(s), np.floor(t)
    a, b, c, d = _corners(fs, ft, seed)
    return _between(a, b, c, d, s - fs, t - ft)


@njit(cache=True, nogil=True)
def _noise(s, t, seed, octaves):
    out = np.empty(s.shape, np.float32)
    flat_s, flat_t, flat = s.ravel(), t.ravel(), out.ravel()
    total, gain, frequency, weight = np.zeros(flat.size), 1.0, 1.0, 0.0
    for octave in range(octaves):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        last_s, last_t = np.nan, np.nan
        for k in range(flat.size):
            u, v = flat_s[k] * frequency, flat_t[k] * frequency
            fs, ft = np.floor(u), np.floor(v)
            if fs != last_s or ft != last_t:  # neighbours mostly share the corners of their cell
                a, b, c, d = _corners(fs, ft, seed + octave)
                last_s, last_t = fs, ft
            total[k] += gain * _between(a, b, c, d, u - fs, v - ft)
        weight += gain
        gain *= 0.5
        frequency *= 2.03
    for k in range(flat.size):
        flat[k] = total[k] / weight
    return out


def lattice_noise(s_mm: np.ndarray, t_mm: np.ndarray, seed: int, scale_mm: float, octaves: int = 1) -> np.ndarray:
    """Noise in [-1, 1] at chart coordinates (...) mm, float32; its features are about scale_mm wide."""
    s, t = np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64)
    if s.shape != t.shape:
        s, t = np.broadcast_arrays(s, t)
    return _noise(np.ascontiguousarray(s) / scale_mm, np.ascontiguousarray(t) / scale_mm,
                  int(seed) & 0x7FFFFFFF, octaves)


def hashed(seed: int, count: int) -> np.ndarray:
    """``count`` fixed numbers in [-1, 1] that belong to a seed, float64 (count,)."""
    return _hashed(int(seed) & 0x7FFFFFFF, count)


@njit(cache=True, nogil=True)
def _hashed(seed, count):
    out = np.empty(count)
    for i in range(count):
        out[i] = hash_at(i, 0x51ED, seed)
    return out
