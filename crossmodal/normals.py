"""Local planes on an organised surface: links between neighbours, smoothed points, viewer-oriented normals.

On a plane n·p = d every pixel's 1/z is linear in its ray (x/z, y/z, 1): 1/z = a·r with n ∝ a. A least-squares
fit of a over a window therefore gives the normal and the smoothed depth at once, under any lens.
"""

import math

import numpy as np
from numba import njit

STEEPEST = 8.0  # tangent of the steepest surface that still counts as one surface between two pixels


@njit(cache=True, nogil=True)
def links(z, floor, mm_per_pixel):
    """Which neighbours lie on one surface.

    z: (H, W) float32 m, NaN invalid; floor: (H, W) float32 m; mm_per_pixel: (H, W) float32
    → (H, W, 2) bool: linked to the right, linked downwards. A step is a jump beyond the noise floor and the
    local slope on either side of it.
    """
    height, width = z.shape
    linked = np.zeros((height, width, 2), np.bool_)
    for v in range(height):
        for u in range(width):
            here = z[v, u]
            if not here == here:
                continue
            pixel = mm_per_pixel[v, u] * 1e-3
            noise = 4.0 * floor[v, u]
            for axis in range(2):
                du, dv = (1, 0) if axis == 0 else (0, 1)
                u1, v1 = u + du, v + dv
                if u1 >= width or v1 >= height or not z[v1, u1] == z[v1, u1]:
                    continue
                jump = abs(z[v1, u1] - here)
                slope = 0.0
                ub, vb, uf, vf = u - du, v - dv, u1 + du, v1 + dv
                if ub >= 0 and vb >= 0 and z[vb, ub] == z[vb, ub]:
                    slope = abs(here - z[vb, ub])
                if uf < width and vf < height and z[vf, uf] == z[vf, uf]:
                    slope = max(slope, abs(z[vf, uf] - z[v1, u1]))
                allowed = min(max(2.5 * slope, 1.5 * pixel), STEEPEST * pixel)
                linked[v, u, axis] = jump <= noise + allowed
    return linked


@njit(cache=True, nogil=True, inline="always")
def joined(linked, v, u, v1, u1):
    """Whether two of the eight neighbours lie on one surface; a diagonal goes by either corner."""
    top, left = min(v, v1), min(u, u1)
    if v == v1:
        return linked[v, left, 0]
    if u == u1:
        return linked[top, u, 1]
    bottom = top + 1
    if (v1 > v) == (u1 > u):
        return ((linked[top, left, 0] and linked[top, left + 1, 1])
                or (linked[top, left, 1] and linked[bottom, left, 0]))
    return ((linked[top, left, 0] and linked[top, left, 1])
            or (linked[top, left + 1, 1] and linked[bottom, left, 0]))


@njit(cache=True, nogil=True)
def local_planes(points, linked, radius, stride, rows, columns):
    """Fit a plane about every pixel of a window of rows and columns, over the pixels linked to it.

    points: (H, W, 3) float32 m; radius, stride: the fit's window in pixels
    → normals (h, w, 3) float32 towards the viewer, smoothed points (h, w, 3) float32 on the pixels' own rays.
    """
    height, width = points.shape[:2]
    h, w = rows[1] - rows[0], columns[1] - columns[0]
    normals = np.full((h, w, 3), np.nan, np.float32)
    smoothed = np.full((h, w, 3), np.nan, np.float32)
    size = 2 * radius + 1
    reach = np.zeros((size, size), np.bool_)
    for v in range(rows[0], rows[1]):
        for u in range(columns[0], columns[1]):
            z = points[v, u, 2]
            if not z == z:
                continue
            x0, y0 = points[v, u, 0] / z, points[v, u, 1] / z
            # Sums about the pixel's own ray keep the normal equations well conditioned.
            n = 1.0
            sx = sy = sxx = sxy = syy = sw = sxw = syw = 0.0
            w0 = 1.0 / np.float64(z)
            reach[:, :] = False
            reach[radius, radius] = True
            for ring in range(stride, radius + 1, stride):
                inner = ring - stride
                for dv in range(-ring, ring + 1, stride):
                    edge = abs(dv) == ring
                    for du in range(-ring, ring + 1, stride if edge else 2 * ring):
                        v1, u1 = v + dv, u + du
                        if v1 < 0 or u1 < 0 or v1 >= height or u1 >= width:
                            continue
                        # Towards the centre: a window cell is reached by way of the ring inside it.
                        pv = dv if abs(dv) <= inner else (inner if dv > 0 else -inner)
                        pu = du if abs(du) <= inner else (inner if du > 0 else -inner)
                        if not reach[radius + pv, radius + pu]:
                            continue
                        va, ua = v + pv, u + pu
                        ok = True
                        while ok and (va != v1 or ua != u1):
                            vb = va + (1 if v1 > va else (-1 if v1 < va else 0))
                            ub = ua + (1 if u1 > ua else (-1 if u1 < ua else 0))
                            ok = joined(linked, va, ua, vb, ub)
                            va, ua = vb, ub
                        if not ok:
                            continue
                        reach[radius + dv, radius + du] = True
                        z1 = np.float64(points[v1, u1, 2])
                        dx = points[v1, u1, 0] / z1 - x0
                        dy = points[v1, u1, 1] / z1 - y0
                        dw = 1.0 / z1 - w0
                        n += 1.0
                        sx += dx
                        sy += dy
                        sxx += dx * dx
                        sxy += dx * dy
                        syy += dy * dy
                        sw += dw
                        sxw += dx * dw
                        syw += dy * dw
            cxx, cxy, cyy = sxx - sx * sx / n, sxy - sx * sy / n, syy - sy * sy / n
            cxw, cyw = sxw - sx * sw / n, syw - sy * sw / n
            determinant = cxx * cyy - cxy * cxy
            if determinant <= 1e-9 * cxx * cyy or n < 3.0:
                # Too few neighbours for a plane: the surface is taken to face the viewer.
                length = math.sqrt(x0 * x0 + y0 * y0 + 1.0)
                nx, ny, nz = -x0 / length, -y0 / length, -1.0 / length
                inverse = w0
            else:
                a = (cxw * cyy - cyw * cxy) / determinant
                b = (cyw * cxx - cxw * cxy) / determinant
                inverse = w0 + (sw - a * sx - b * sy) / n
                c = inverse - a * x0 - b * y0
                length = math.sqrt(a * a + b * b + c * c)
                nx, ny, nz = -a / length, -b / length, -c / length
                if inverse <= 0.0:
                    inverse = w0
            i, j = v - rows[0], u - columns[0]
            normals[i, j, 0], normals[i, j, 1], normals[i, j, 2] = nx, ny, nz
            smoothed[i, j, 0] = x0 / inverse
            smoothed[i, j, 1] = y0 / inverse
            smoothed[i, j, 2] = 1.0 / inverse
    return normals, smoothed
