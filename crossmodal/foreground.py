"""The object in front of its background: a robust plane behind it, or everything measured where there is none."""

import cv2
import numpy as np

_TRIALS = 120


def find_foreground(points: np.ndarray, floor: np.ndarray, extent_share: float = 0.004) -> np.ndarray:
    """Pixels of the object: in front of the dominant plane of the frame by more than its noise.

    points: (H, W, 3) float32 m, NaN invalid; floor: (H, W) float32 m, noise of each pixel
    → (H, W) bool. Where no plane holds 15 % of the frame, or nothing stands on it (a plane that fills the
    frame is itself the object), every measured pixel is foreground. RANSAC (Fischler & Bolles 1981) on the
    image border where that is measured, else on the whole frame, with fixed draws: analysis has no seed.
    """
    valid = np.isfinite(points[..., 2])
    if np.count_nonzero(valid) < 100:
        return valid
    extent = float(np.ptp(np.percentile(_some(points, valid, 2000, floor)[0], [2, 98], axis=0), axis=0).max())
    tolerance = np.maximum(3.0 * floor, np.float32(extent_share * extent))
    plane = _dominant_plane(points, valid, tolerance)
    if plane is None:
        return valid
    normal, offset = plane
    above = points @ normal - offset  # NaN compares false
    object_ = _without_specks(above > 1.5 * tolerance)
    if np.count_nonzero(object_) < 0.003 * object_.size:
        return valid
    inside = _not_touching_border(object_)
    return inside if np.count_nonzero(inside) > 0.5 * np.count_nonzero(object_) else object_


def _dominant_plane(points, valid, tolerance):
    border = valid.copy()
    margin = max(2, min(valid.shape) // 16)
    border[margin:-margin, margin:-margin] = False
    pool, near = _some(points, border if np.count_nonzero(border) > 200 else valid, 1500, tolerance)
    rng = np.random.Generator(np.random.PCG64(0))
    a, b, c = pool[rng.integers(0, len(pool), (3, _TRIALS))]
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1)
    usable = lengths > 1e-12
    if not usable.any():
        return None
    normals = normals[usable] / lengths[usable, None]
    offsets = np.einsum("ij,ij->i", normals, a[usable])
    votes = (np.abs(pool @ normals.T - offsets) < near[:, None]).sum(0)
    best = int(np.argmax(votes))
    if votes[best] < 0.35 * len(pool):
        return None
    everything, near = _some(points, valid, 8000, tolerance)
    normal, offset = normals[best], offsets[best]
    for _ in range(4):  # grown from the border's vote to all that lies on the plane
        held = np.abs(everything @ normal - offset) < near
        if held.mean() < 0.15:
            return None
        centre = everything[held].mean(0)
        normal = np.linalg.eigh(np.cov((everything[held] - centre).T))[1][:, 0]
        normal = -normal if normal @ centre > 0 else normal  # towards the viewer
        offset = normal @ centre
    return normal.astype(np.float32), np.float32(offset)


def _some(points, mask, most, tolerance):
    index = np.flatnonzero(mask)
    index = index[::max(1, len(index) // most)]
    return points.reshape(-1, 3)[index].astype(np.float64), tolerance.ravel()[index]


def _without_specks(mask):
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count < 2:
        return np.zeros_like(mask)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return (areas >= max(16, 0.05 * areas.max()))[labels]


def _not_touching_border(mask):
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    rim = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
    keep = np.ones(count, bool)
    keep[rim] = False
    keep[0] = False
    return keep[labels]
