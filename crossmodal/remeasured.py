"""What is written of a window's new depth: where it differs beyond the floor, and the points on its pixels' rays."""

import numpy as np
from numba import njit

from crossmodal.see import Seen


@njit(cache=True, nogil=True)
def beyond(old_m, z_m, floor_m):
    """(h, w) bool: where depth (h, w) float32 moved by more than the floor, or was lost or gained."""
    out = np.empty(old_m.shape, np.bool_)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            was, is_ = np.isfinite(old_m[i, j]), np.isfinite(z_m[i, j])
            out[i, j] = abs(z_m[i, j] - old_m[i, j]) > floor_m[i, j] if was and is_ else was != is_
    return out


@njit(cache=True, nogil=True)
def measured(old_m, observed_m, changed):
    """Depth (h, w) float32, observed where it changed (h, w) bool, and where it did: what the sensor's grid rounds
    away was not measured."""
    out, told = np.empty(old_m.shape, np.float32), np.zeros(changed.shape, np.bool_)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = observed_m[i, j] if changed[i, j] else old_m[i, j]
            lost = np.isnan(out[i, j]) and not np.isfinite(old_m[i, j])
            told[i, j] = changed[i, j] and out[i, j] != old_m[i, j] and not lost
    return out, told


def along_rays(camera, seen: Seen, points, z_m, changed) -> np.ndarray:
    """Points (h, w, 3) at depths z_m (h, w) where they changed, each on the ray its pixel was measured on, the camera's
    where none was; undefined elsewhere."""
    new, missing = _scaled(points, z_m, changed)
    if missing.any():
        rows, columns = np.nonzero(missing)
        pixels = np.stack((columns + seen.columns[0], rows + seen.rows[0]), -1)
        new[missing] = camera.unproject(pixels, z_m[missing])
        new[missing, 2] = z_m[missing]
    return new


@njit(cache=True, nogil=True, error_model="numpy")
def _scaled(points, z_m, changed):
    new, missing = np.empty(points.shape, np.float32), np.zeros(changed.shape, np.bool_)
    for i in range(changed.shape[0]):
        for j in range(changed.shape[1]):
            if changed[i, j]:
                by = z_m[i, j] / points[i, j, 2]
                new[i, j, 0], new[i, j, 1], new[i, j, 2] = points[i, j, 0] * by, points[i, j, 1] * by, z_m[i, j]
                missing[i, j] = np.isnan(points[i, j, 2]) and np.isfinite(z_m[i, j])
    return new, missing


@njit(cache=True, nogil=True)
def laid(target, where, values):
    """Write values (h, w, 3) into a target where (h, w) says so."""
    for i in range(where.shape[0]):
        for j in range(where.shape[1]):
            if where[i, j]:
                for c in range(3):
                    target[i, j, c] = values[i, j, c]
