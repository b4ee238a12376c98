"""The axes of an object: the plane it lies in, which way it is long, and how far it reaches."""

from dataclasses import dataclass

import numpy as np

MOST = 20_000  # points that are looked at


@dataclass(frozen=True, eq=False)
class Axes:
    """centre_m, normal, long: (3,) float64, camera axes; long_mm, wide_mm: the object's extent along and across."""

    centre_m: np.ndarray
    normal: np.ndarray
    long: np.ndarray
    long_mm: float
    wide_mm: float

    @classmethod
    def of(cls, smoothed: np.ndarray, normals: np.ndarray, foreground: np.ndarray) -> "Axes":
        """Of points (H, W, 3) with normals, in the foreground (H, W) bool: its mean normal, and the principal axes of
        its points in the plane of that normal.

        The centre is the middle of the box about those points, so that half an extent lies to either side of it.
        """
        known = foreground & np.isfinite(normals[..., 0])
        points, normals = smoothed[known].astype(np.float64), normals[known].astype(np.float64)
        step = max(1, len(points) // MOST)
        normal = normals[::step].mean(0)
        normal /= np.linalg.norm(normal)
        middle = points[::step].mean(0)
        flat = points - middle
        flat -= (flat @ normal)[:, None] * normal
        long = np.linalg.eigh(np.cov(flat[::step].T))[1][:, 2]
        long -= normal * (long @ normal)
        long /= np.linalg.norm(long)
        # An axis has two ends; the one that points right, or down, is its own.
        long = long if abs(long[0]) * long[0] + abs(long[1]) * long[1] >= 0 else -long
        wide = np.cross(normal, long)
        spans = [(float((flat @ axis).min()), float((flat @ axis).max())) for axis in (long, wide)]
        centre = middle + sum(0.5 * (low + high) * axis for (low, high), axis in zip(spans, (long, wide), strict=True))
        return cls(centre, normal, long, *(1e3 * (high - low) for low, high in spans))
