"""Normals and smoothed points of a noisy scan: planes fitted about every pixel, that agree with their neighbours'."""

import math

import numpy as np
from numba import njit

from crossmodal.normals import fitted_planes, hang_together

NOISIEST = 4.0  # noise floors that a measured point may lie off its surface; what lies farther off is the shape's own


@njit(cache=True, nogil=True)
def keep_near(smoothed, z, floor):
    """Let smoothed points (h, w, 3) lie no farther off the depths z (h, w) measured than their noise floor (h, w)
    allows: a plane over a fold or over a tight bend cuts it short.
    """
    for v in range(z.shape[0]):
        for u in range(z.shape[1]):
            most = NOISIEST * floor[v, u]
            off = smoothed[v, u, 2] - z[v, u]
            if abs(off) > most:
                by = (z[v, u] + math.copysign(most, off)) / smoothed[v, u, 2]
                for c in range(3):
                    smoothed[v, u, c] *= by


@njit(cache=True, nogil=True)
def local_planes(points, linked, radius, stride, rows, columns):
    """Planes about every pixel of a window; arguments and results as in normals.fitted_planes.

    Fits that look at every stride-th pixel have no pixel in common with their neighbours' and would differ from them
    by noise: each is the mean of those about it, which together look at all.
    """
    if stride == 1:
        return fitted_planes(points, linked, radius, 1, rows, columns)
    by = stride // 2
    grown = ((max(0, rows[0] - by), min(points.shape[0], rows[1] + by)),
             (max(0, columns[0] - by), min(points.shape[1], columns[1] + by)))
    return _together(*fitted_planes(points, linked, radius, stride, *grown), points, linked, by, grown, rows, columns)


@njit(cache=True, nogil=True)
def _together(normals, smoothed, points, linked, by, grown, rows, columns):
    """Mean of the planes of a grown window over the linked pixels up to ``by`` away, each taken at the pixel's ray."""
    top, left = grown[0][0], grown[1][0]
    h, w = rows[1] - rows[0], columns[1] - columns[0]
    out_normals = np.full((h, w, 3), np.nan, np.float32)
    out_smoothed = np.full((h, w, 3), np.nan, np.float32)
    for v in range(rows[0], rows[1]):
        for u in range(columns[0], columns[1]):
            z = np.float64(points[v, u, 2])
            if not z == z:
                continue
            x0, y0 = points[v, u, 0] / z, points[v, u, 1] / z
            nx = ny = nz = inverse = count = 0.0
            for v1 in range(max(grown[0][0], v - by), min(grown[0][1], v + by + 1)):
                for u1 in range(max(grown[1][0], u - by), min(grown[1][1], u + by + 1)):
                    if not hang_together(linked, v, u, v1, u1):
                        continue
                    i, j = v1 - top, u1 - left
                    ax, ay, az = normals[i, j, 0], normals[i, j, 1], normals[i, j, 2]
                    away = ax * smoothed[i, j, 0] + ay * smoothed[i, j, 1] + az * smoothed[i, j, 2]
                    here = (ax * x0 + ay * y0 + az) / away if away < 0.0 else 0.0
                    if here <= 0.0:
                        continue
                    nx, ny, nz, inverse, count = nx + ax, ny + ay, nz + az, inverse + here, count + 1.0
            i, j = v - rows[0], u - columns[0]
            if count == 0.0:
                for c in range(3):
                    out_normals[i, j, c] = normals[v - top, u - left, c]
                    out_smoothed[i, j, c] = smoothed[v - top, u - left, c]
                continue
            length = math.sqrt(nx * nx + ny * ny + nz * nz)
            out_normals[i, j, 0], out_normals[i, j, 1], out_normals[i, j, 2] = nx / length, ny / length, nz / length
            depth = count / inverse
            out_smoothed[i, j, 0], out_smoothed[i, j, 1], out_smoothed[i, j, 2] = x0 * depth, y0 * depth, depth
    return out_normals, out_smoothed
