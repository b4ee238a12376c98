"""Light is linear and sRGB is not: shading and material are changed on the linear side."""

from __future__ import annotations

from functools import cache

import numpy as np


def _curve(encoded: np.ndarray) -> np.ndarray:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _inverse(linear: np.ndarray) -> np.ndarray:
    return np.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    )


_FINE = 65535  # the darkest two levels lie 20 such steps apart, so every level finds itself again
_TO_LINEAR = _curve(np.arange(256) / 255).astype(np.float32)
_LEVELS = (_inverse(np.arange(_FINE + 1) / _FINE) * 255).astype(np.float32)
_TO_SRGB = np.rint(_LEVELS).astype(np.uint8)


def to_linear(pixels: np.ndarray) -> np.ndarray:
    """sRGB uint8, any shape -> linear light, float32 in [0, 1]. Source: IEC 61966-2-1. Errors: ValueError."""
    if pixels.dtype != np.uint8:
        raise ValueError(f"rgb must be uint8 (H, W, 3), but got {pixels.dtype} {pixels.shape}")
    return np.take(_TO_LINEAR, pixels)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light, float, any shape -> nearest sRGB level, uint8; NaN is black. Undoes to_linear exactly."""
    scaled = np.asarray(linear, np.float32) * np.float32(_FINE) + np.float32(0.5)
    np.fmax(scaled, np.float32(0), out=scaled)  # fmax, unlike clip, takes the number and not the NaN
    np.fmin(scaled, np.float32(_FINE), out=scaled)
    return _TO_SRGB[scaled.astype(np.uint16)]


def relight(linear: np.ndarray, ratio: np.ndarray | float) -> np.ndarray:
    """Linear light (H, W, 3) times new shading / old shading, (H, W), (H, W, 3) or a number; float32 in [0,
    1].
    """
    ratio = np.asarray(ratio, np.float32)
    return np.clip(linear * (ratio[..., None] if ratio.ndim == 2 else ratio), 0, 1, dtype=np.float32)


def tint(linear: np.ndarray, albedo: np.ndarray | float) -> np.ndarray:
    """Linear light (H, W, 3) times new albedo / old albedo, (3,), (H, W, 3) or a number; float32, 0 to 1."""
    return np.clip(linear * np.asarray(albedo, np.float32), 0, 1, dtype=np.float32)


def level_table() -> np.ndarray:
    """(65536,) float32: sRGB levels, not rounded, of linear light from 0 to 1 in even steps."""
    return _LEVELS


@cache
def linear_table(parts: int) -> np.ndarray:
    """(255 parts + 1,) float32: linear light of sRGB levels in even parts of a level."""
    return _curve(np.arange(255 * parts + 1) / (255 * parts)).astype(np.float32)
