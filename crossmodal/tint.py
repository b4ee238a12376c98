"""A change of colour over a defect, on its own chart: a net of numbers, smooth between them."""

from dataclasses import dataclass, replace

import numpy as np

from crossmodal.edit import Field, Sample

LEAST = 4
"""Numbers a side: a cubic needs four."""


@dataclass(frozen=True, eq=False)
class Tinted:
    """A field whose colour is multiplied by a net's, over its own support; all else is the field's own.

    net: (n, n, 3) float32, gains of linear colour along t, s and the channels, a cubic B-spline over the field's bounds
        (never beyond its numbers), fading out to the bounds' border. Raises ValueError for a net that is none.
    """

    whole: Field
    net: np.ndarray

    def __post_init__(self):
        shape = self.net.shape
        if len(shape) != 3 or shape[0] != shape[1] or shape[0] < LEAST or shape[2] != 3 or self.net.dtype.kind != "f":
            raise ValueError(f"a tint must be float32 (n, n, 3) of n from {LEAST}, but got {self.net.dtype} {shape}")
        if not (np.isfinite(self.net).all() and (self.net > 0).all()):
            raise ValueError("a tint must be of finite gains above 0")

    def __getattr__(self, name):
        return getattr(object.__getattribute__(self, "whole"), name)

    def sample(self, s_mm, t_mm) -> Sample:
        sample = self.whole.sample(s_mm, t_mm)
        u, v = across(np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64), self.whole.bounds_mm)
        knots = np.arange(len(self.net))
        net = np.einsum("nj,jkc,nk->nc", weights(v, knots), self.net.astype(np.float64), weights(u, knots),
                        optimize=True)
        gain = (1 + (faded(u, v) * sample.support)[:, None] * (net - 1)).astype(np.float32)
        albedo = gain if sample.albedo is None else sample.albedo * gain
        if sample.cover is None:
            return replace(sample, albedo=albedo)
        cover = sample.cover * np.concatenate((gain, np.ones((len(gain), 1), np.float32)), 1)
        return replace(sample, albedo=albedo, cover=cover)


def across(s_mm, t_mm, bounds_mm):
    """Where chart coordinates stand between bounds (s, s, t, t): -1 to 1 each way, cut off beyond."""
    s0, s1, t0, t1 = bounds_mm
    return ((2 * s_mm - s0 - s1) / (s1 - s0)).clip(-1, 1), ((2 * t_mm - t0 - t1) / (t1 - t0)).clip(-1, 1)


def weights(u, knots):
    """(N, n) of n numbers at u (N,) in [-1, 1]: a uniform cubic B-spline, above 0 and of sum 1. Arrays of numpy or
    torch; knots: 0 to n - 1."""
    away = abs((1 + (u + 1) * (0.5 * (len(knots) - 3)))[:, None] - knots)
    wide, narrow = (2 - away).clip(0), (1 - away).clip(0)
    return (wide * wide * wide - 4 * narrow * narrow * narrow) / 6


def faded(u, v):
    """1 in the middle, 0 at the bounds, smoothly; u, v (N,) of numpy or torch."""
    both = (1 - u * u) * (1 - v * v)
    return both * both
