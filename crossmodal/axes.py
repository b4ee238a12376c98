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
        known = np.flatnonzero(foreground & np.isfinite(normals[..., 0]))
        points, normals = smoothed.reshape(-1, 3), normals.reshape(-1, 3)
        some = known[::max(1, len(known) // MOST)]
        normal = normals[some].astype(np.float64).mean(0)
        normal /= np.linalg.norm(normal)
        middle = points[some].astype(np.float64).mean(0)
        flat = points[some] - middle
        flat -= (flat @ normal)[:, None] * normal
        long = np.linalg.eigh(np.cov(flat.T))[1][:, 2]
        long -= normal * (long @ normal)
        long /= np.linalg.norm(long)
        # An axis has two ends; the one that points right, or down, is its own.
        long = long if abs(long[0]) * long[0] + abs(long[1]) * long[1] >= 0 else -long
        wide = np.cross(normal, long)
        plane = np.stack((long, wide), 1)
        low, high = np.full(2, np.inf), np.full(2, -np.inf)
        for part in np.array_split(known, 1 + len(known) // MOST):  # in doubles, all at once is a lot of memory
            reached = (points[part] - middle) @ plane
            low, high = np.minimum(low, reached.min(0)), np.maximum(high, reached.max(0))
        centre = middle + plane @ (0.5 * (low + high))
        return cls(centre, normal, long, *(1e3 * (high - low)).tolist())


def spans_mm(points_m: np.ndarray) -> tuple[float, float]:
    """Across the ball about the mean of points (N, 3) that holds them all, and across their box."""
    points = points_m.astype(np.float64)
    far = float(np.sqrt(((points - points.mean(0)) ** 2).sum(1).max()))
    return 2e3 * far, 1e3 * float(np.linalg.norm(np.ptp(points, axis=0)))
