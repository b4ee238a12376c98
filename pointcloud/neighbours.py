"""What a point's neighbours tell: the normal of the surface there, and how far apart points lie."""

from __future__ import annotations

import numpy as np


def normals(
    xyz: np.ndarray, viewpoint: np.ndarray | tuple[float, float, float] = (0.0, 0.0, 0.0), k: int = 16
) -> np.ndarray:
    """Unit normals, float32 (N, 3), turned to `viewpoint` (3,): the least principal axis of the k nearest
    points.

    xyz: float (N, 3), finite, N >= 3; k counts the point itself. Where the points have no plane of their own
    (all on one spot) the direction to the viewpoint stands in. Errors: ValueError. Source: Hoppe et al. 1992.
    """
    xyz = _checked(xyz)
    if not 3 <= k or len(xyz) < 3:
        raise ValueError(f"normals need at least 3 points and k >= 3, but got {len(xyz)} points and k = {k}")
    from scipy.spatial import cKDTree

    _, near = cKDTree(xyz).query(xyz, k=min(k, len(xyz)))
    around = xyz[near]
    around = around - around.mean(axis=1, keepdims=True)
    values, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))
    normal = axes[:, :, 0]
    sight = np.asarray(viewpoint, np.float64) - xyz
    reach = np.linalg.norm(sight, axis=1, keepdims=True)
    sight = np.divide(sight, reach, out=np.tile([0.0, 0.0, 1.0], (len(xyz), 1)), where=reach > 0)
    normal = np.where(values[:, 2:] > 0, normal, sight)
    away = np.einsum("ni,ni->n", normal, sight) < 0
    return np.where(away[:, None], -normal, normal).astype(np.float32)


def spacing(xyz: np.ndarray) -> float:
    """Median distance from a point to its nearest neighbour, in the unit of `xyz` (N, 3). Errors: ValueError
    if N < 2.
    """
    xyz = _checked(xyz)
    if len(xyz) < 2:
        raise ValueError(f"spacing needs at least 2 points, but got {len(xyz)}")
    from scipy.spatial import cKDTree

    nearest, _ = cKDTree(xyz).query(xyz, k=2)
    return float(np.median(nearest[:, 1]))


def _checked(xyz: np.ndarray) -> np.ndarray:
    values = np.asarray(xyz, np.float64)
    if values.ndim != 2 or values.shape[1] != 3:
        raise ValueError(f"xyz must be float (N, 3), but got {np.asarray(xyz).dtype} {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"xyz must be finite, but {(~np.isfinite(values).all(1)).sum()} rows are not")
    return values
