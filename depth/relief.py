"""Pictures of depth for people: shaded relief, colours, and the fine relief alone. uint8 (H, W, 3), sRGB."""

from __future__ import annotations

import cv2
import numpy as np

# 9 stops of viridis (van der Walt and Smith, matplotlib, CC0): lightness grows evenly, for all eyes.
_STOPS = np.array(
    [
        (68, 1, 84),
        (71, 44, 122),
        (59, 81, 139),
        (44, 113, 142),
        (33, 144, 141),
        (39, 173, 129),
        (92, 200, 99),
        (170, 220, 50),
        (253, 231, 37),
    ],
    float,
)
_COLOURS = np.rint([np.interp(np.linspace(0, 8, 256), np.arange(9), c) for c in _STOPS.T]).astype(np.uint8).T
_DARK = 24


def hillshade(points: np.ndarray, light: tuple[float, float, float] = (-0.6, -0.7, -0.8)) -> np.ndarray:
    """Organised points, float32 (H, W, 3), NaN invalid, as matt grey relief, uint8 (H, W, 3); invalid is
    dark.

    light: direction from the surface to the light in camera axes (+x right, +y down, +z away). Errors:
    ValueError.
    """
    if not isinstance(points, np.ndarray) or points.ndim != 3 or points.shape[2] != 3:
        got = f"{points.dtype} {points.shape}" if isinstance(points, np.ndarray) else type(points).__name__
        raise ValueError(f"points must be float32 (H, W, 3), but got {got}")
    p = points.astype(np.float64)
    across, down = _slope(p), _slope(p.swapaxes(0, 1)).swapaxes(0, 1)
    normal = np.cross(down, across)  # towards the camera, for x grows rightwards and y downwards
    length = np.linalg.norm(normal, axis=-1)
    toward = np.asarray(light, np.float64) / np.linalg.norm(light)
    with np.errstate(invalid="ignore", divide="ignore"):
        shade = 0.25 + 0.75 * np.clip(normal @ toward / length, 0, 1)
    return _grey(shade)


def _slope(p: np.ndarray) -> np.ndarray:
    """Change from column to column (H, W, 3): across both neighbours, or from the one that is there."""
    gap = np.full((p.shape[0], 1, 3), np.nan)
    ahead, behind = np.concatenate([np.diff(p, axis=1), gap], 1), np.concatenate([gap, np.diff(p, axis=1)], 1)
    both = (ahead + behind) / 2
    return np.where(np.isfinite(both), both, np.where(np.isfinite(ahead), ahead, behind))


def colour_relief(z_m: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """Depth, float (H, W), NaN invalid, in colours from `low` (dark blue) to `high` (yellow); NaN is black.

    Bounds not given are the 1st and 99th percentile. Errors: ValueError.
    """
    z = _depth(z_m)
    known = np.isfinite(z)
    if not known.any():
        return np.zeros((*z.shape, 3), np.uint8)
    low = float(np.quantile(z[known], 0.01)) if low is None else low
    high = float(np.quantile(z[known], 0.99)) if high is None else high
    scaled = np.clip((np.where(known, z, low) - low) / max(high - low, 1e-12), 0, 1)
    return _COLOURS[np.rint(scaled * 255).astype(np.uint8)] * known[..., None].astype(np.uint8)


def detail_relief(
    z_m: np.ndarray, radius_px: float = 6.0, range_m: float | None = None, step_m: float | None = None
) -> np.ndarray:
    """The fine relief: depth less its own smooth shape, float (H, W), NaN invalid; nearer is lighter, NaN
    dark.

    The smooth shape is a bilateral mean (Tomasi and Manduchi 1998) of sigma `radius_px`, which does not look
    across steps of `step_m` (0.4 % of the median depth if not given). range_m: the height between mid-grey
    and white or black; if not given, 4 times the median height, so that a 0.3 mm dent on a 100 mm object is
    seen. Errors: ValueError.
    """
    z = _depth(z_m)
    known = np.isfinite(z)
    if not known.any():
        return np.full((*z.shape, 3), _DARK, np.uint8)
    middle = float(np.median(z[known]))
    step = 0.004 * middle if step_m is None else step_m
    # From the middle, in steps: float32 keeps its digits. What is invalid lies too far off to be looked at.
    offset = np.where(known, (z - middle) / step, 1e4).astype(np.float32)
    smooth = cv2.bilateralFilter(offset, 2 * round(2 * radius_px) + 1, 1.0, radius_px)
    raised = (smooth - offset).astype(np.float64) * step
    size = 4 * float(np.median(np.abs(raised[known]))) if range_m is None else range_m
    return _grey(np.where(known, np.clip(0.5 + 0.5 * raised / max(size, 1e-9), 0, 1), np.nan))


def _depth(z_m: np.ndarray) -> np.ndarray:
    if not isinstance(z_m, np.ndarray) or z_m.ndim != 2 or z_m.dtype.kind != "f":
        got = f"{z_m.dtype} {z_m.shape}" if isinstance(z_m, np.ndarray) else type(z_m).__name__
        raise ValueError(f"depth must be float32 (H, W), but got {got}")
    return z_m.astype(np.float64)


def _grey(shade: np.ndarray) -> np.ndarray:
    levels = np.where(np.isfinite(shade), np.rint(np.nan_to_num(shade) * 255), _DARK).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)
