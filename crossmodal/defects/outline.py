"""Irregular blobs: a star-shaped outline of a given largest extent, and where a point lies inside it."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from crossmodal.texture import hashed

HARMONICS = 5


@dataclass(frozen=True, eq=False)
class Outline:
    """r(θ) = radius·(1 + Σ aₖ cos(kθ) + bₖ sin(kθ)), k = 2…, scaled so that its Feret diameter is as asked."""

    diameter_mm: float
    coefficients: np.ndarray
    """(HARMONICS, 2) float64, already scaled."""
    radius_mm: float

    @classmethod
    def drawn(cls, diameter_mm: float, roughness: float, seed: int) -> "Outline":
        """An outline whose wobble is at most ``roughness`` of its radius."""
        raw = hashed(seed, 2 * HARMONICS).reshape(HARMONICS, 2) / np.arange(2, 2 + HARMONICS)[:, None] ** 1.2
        raw *= roughness / max(float(np.abs(raw).sum()), 1e-9)
        return cls(diameter_mm, raw, diameter_mm / _feret(raw, 512, 128))

    @cached_property
    def reach_mm(self) -> float:
        """No point of the outline is farther from its centre than this."""
        return self.radius_mm * (1 + float(np.hypot(*self.coefficients.T).sum()))

    @property
    def bounds_mm(self) -> tuple[float, float, float, float]:
        return (-self.reach_mm, self.reach_mm, -self.reach_mm, self.reach_mm)

    def near(self, s_mm: np.ndarray, t_mm: np.ndarray, margin_mm: float) -> np.ndarray:
        """Bool (...): within a margin of the circle that holds the outline."""
        return s_mm * s_mm + t_mm * t_mm <= (self.reach_mm + margin_mm) ** 2

    def inside(self, s_mm: np.ndarray, t_mm: np.ndarray) -> np.ndarray:
        """(n,) float64: 0 at the centre, 1 on the outline, above 1 outside."""
        return _inside(np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64), self.coefficients, self.radius_mm)


@njit(cache=True, nogil=True)
def _feret(coefficients, rim, turns):
    """The largest extent in any direction of the outline of radius 1."""
    x, y = np.empty(rim), np.empty(rim)
    for i in range(rim):
        theta = 2.0 * math.pi * i / rim
        r = 1.0
        for k in range(len(coefficients)):
            r += coefficients[k, 0] * math.cos((k + 2) * theta) + coefficients[k, 1] * math.sin((k + 2) * theta)
        x[i], y[i] = r * math.cos(theta), r * math.sin(theta)
    largest = 0.0
    for j in range(turns):
        c, s = math.cos(math.pi * j / turns), math.sin(math.pi * j / turns)
        low = high = 0.0
        for i in range(rim):
            p = c * x[i] + s * y[i]
            low, high = min(low, p), max(high, p)
        largest = max(largest, high - low)
    return largest


@njit(cache=True, nogil=True)
def _inside(s, t, coefficients, radius):
    out = np.empty(len(s))
    for i in range(len(s)):
        r = math.sqrt(s[i] * s[i] + t[i] * t[i])
        if r < 1e-12:
            out[i] = 0.0
            continue
        c, d = s[i] / r, t[i] / r
        ck, dk = c, d
        edge = 1.0
        for k in range(len(coefficients)):
            ck, dk = ck * c - dk * d, dk * c + ck * d  # cos, sin of the next multiple of θ
            edge += coefficients[k, 0] * ck + coefficients[k, 1] * dk
        # The wobble fades towards the centre with the square of the distance, so that no ridges run into it.
        q = r / (radius * edge)
        out[i] = r / (radius * (1.0 + (edge - 1.0) * min(1.0, q * q)))
    return out
