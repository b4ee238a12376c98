"""Local planes on an organised surface: links between neighbours, smoothed points, viewer-oriented normals.

On a plane n·p = d every pixel's 1/z is linear in its ray (x/z, y/z, 1): 1/z = a·r with n ∝ a. A least-squares
fit of a over a window therefore gives the normal and the smoothed depth at once, under any lens.
"""

import math

import cv2
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


@njit(cache=True, nogil=True, inline="always")
def hang_together(linked, v, u, v1, u1):
    """Whether each step of the straight way from one pixel to another stays on one surface."""
    ok = True
    while ok and (v != v1 or u != u1):
        vb = v + (1 if v1 > v else (-1 if v1 < v else 0))
        ub = u + (1 if u1 > u else (-1 if u1 < u else 0))
        ok = joined(linked, v, u, vb, ub)
        v, u = vb, ub
    return ok


@njit(cache=True, nogil=True)
def fitted_planes(points, linked, radius, stride, rows, columns):
    """Fit a plane about every pixel of a window of rows and columns, over the pixels linked to it.

    points: (H, W, 3) float32 m; radius, stride: the fit's window in pixels
    → normals (h, w, 3) float32 towards the viewer, smoothed points (h, w, 3) float32 on the pixels' own rays.
    """
    height, width = points.shape[:2]
    h, w = rows[1] - rows[0], columns[1] - columns[0]
    normals = np.full((h, w, 3), np.nan, np.float32)
    smoothed = np.full((h, w, 3), np.nan, np.float32)
    top, bottom = max(0, rows[0] - radius), min(height, rows[1] + radius)
    left, right = max(0, columns[0] - radius), min(width, columns[1] + radius)
    rays = np.empty((bottom - top, right - left, 3))  # x/z, y/z, 1/z
    for v in range(top, bottom):
        for u in range(left, right):
            inverse = 1.0 / np.float64(points[v, u, 2])
            rays[v - top, u - left, 0] = points[v, u, 0] * inverse
            rays[v - top, u - left, 1] = points[v, u, 1] * inverse
            rays[v - top, u - left, 2] = inverse
    if radius == 1:
        _planes_3x3(rays, linked, top, left, rows, columns, normals, smoothed)
        return normals, smoothed
    size = 2 * radius + 1
    reach = np.zeros((size, size), np.bool_)
    for v in range(rows[0], rows[1]):
        for u in range(columns[0], columns[1]):
            z = points[v, u, 2]
            if not z == z:
                continue
            x0, y0, w0 = rays[v - top, u - left]
            # Sums about the pixel's own ray keep the normal equations well conditioned.
            n = 1.0
            sx = sy = sxx = sxy = syy = sw = sxw = syw = 0.0
            for a in range(size):
                for b in range(size):
                    reach[a, b] = False
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
                        if not hang_together(linked, v + pv, u + pu, v1, u1):
                            continue
                        reach[radius + dv, radius + du] = True
                        dx = rays[v1 - top, u1 - left, 0] - x0
                        dy = rays[v1 - top, u1 - left, 1] - y0
                        dw = rays[v1 - top, u1 - left, 2] - w0
                        n += 1.0
                        sx += dx
                        sy += dy
                        sxx += dx * dx
                        sxy += dx * dy
                        syy += dy * dy
                        sw += dw
                        sxw += dx * dw
                        syw += dy * dw
            nx, ny, nz, inverse = _plane(x0, y0, w0, n, sx, sy, sxx, sxy, syy, sw, sxw, syw)
            i, j = v - rows[0], u - columns[0]
            normals[i, j, 0], normals[i, j, 1], normals[i, j, 2] = nx, ny, nz
            smoothed[i, j, 0] = x0 / inverse
            smoothed[i, j, 1] = y0 / inverse
            smoothed[i, j, 2] = 1.0 / inverse
    return normals, smoothed


def fine_relief_mm(points, normals, known, width_px: float) -> np.ndarray:
    """How far each point stands out of the coarse shape about it, mm: relief finer than so many pixels.

    points, normals: (h, w, 3) float32; known: (h, w) bool, one connected surface → (h, w) float32, 0 where not known.
    Twice a point's height over the mean about it: a surface of steady curvature has none.
    """
    side = 2 * max(1, round(0.25 * width_px)) + 1
    known = known[..., None]
    above = np.einsum("ijk,ijk->ij", _over_mean(points, known, side), np.where(known, normals, np.float32(0)))
    return _over_mean(np.float32(1e3) * above[..., None], known, side)[..., 0]


def crests_mm(relief: np.ndarray, width_px: float) -> np.ndarray:
    """The height (h, w) float32 of the highest crest of a relief within half so many pixels."""
    return cv2.dilate(relief, _disc(width_px))


def over_valleys_mm(relief: np.ndarray, width_px: float) -> np.ndarray:
    """How far a relief (h, w) float32 mm stands over the ground that its own valleys give, 0 or more.

    The top-hat (Meyer 1979): crests narrower than so many pixels go to their valleys, a broad step stays one.
    """
    return cv2.morphologyEx(relief, cv2.MORPH_TOPHAT, _disc(width_px))


def _disc(width_px):
    side = 2 * max(1, round(0.5 * width_px)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def _over_mean(values, known, side):
    """Values (h, w, n) less their mean over the known pixels about them; 0 where not known (h, w, 1).

    Two boxes of half the width, one after the other: one alone lets a thread of some pitches through.
    """
    def blurred(channel):
        for _ in range(2):
            channel = cv2.blur(channel, (side, side), borderType=cv2.BORDER_CONSTANT)
        return channel

    share = blurred(known.astype(np.float32)[..., 0])[..., None]
    mean = [blurred(np.where(known[..., 0], channel, np.float32(0))) for channel in np.moveaxis(values, -1, 0)]
    return np.where(known, values - np.stack(mean, -1) / np.maximum(share, 1e-6), np.float32(0))


@njit(cache=True, nogil=True, inline="always")
def _plane(x0, y0, w0, n, sx, sy, sxx, sxy, syy, sw, sxw, syw):
    """Unit normal towards the viewer and 1/z at the centre, from sums about the ray (x0, y0) and inverse depth w0."""
    cxx, cxy, cyy = sxx - sx * sx / n, sxy - sx * sy / n, syy - sy * sy / n
    cxw, cyw = sxw - sx * sw / n, syw - sy * sw / n
    determinant = cxx * cyy - cxy * cxy
    if determinant <= 1e-9 * cxx * cyy or n < 3.0:
        # Too few neighbours for a plane: the surface is taken to face the viewer.
        length = 1.0 / math.sqrt(x0 * x0 + y0 * y0 + 1.0)
        return -x0 * length, -y0 * length, -length, w0
    a = (cxw * cyy - cyw * cxy) / determinant
    b = (cyw * cxx - cxw * cxy) / determinant
    inverse = w0 + (sw - a * sx - b * sy) / n
    c = inverse - a * x0 - b * y0
    length = 1.0 / math.sqrt(a * a + b * b + c * c)
    return -a * length, -b * length, -c * length, (inverse if inverse > 0.0 else w0)


@njit(cache=True, nogil=True)
def _planes_3x3(rays, linked, top, left, rows, columns, normals, smoothed):
    """``fitted_planes`` for the smallest window, which low-noise scans need: no path to follow, no array to keep."""
    h, w = rays.shape[:2]
    for y in range(rows[0] - top, rows[1] - top):
        for x in range(columns[0] - left, columns[1] - left):
            x0, y0, w0 = rays[y, x]
            if not w0 == w0:
                continue
            n = 1.0
            sx = sy = sxx = sxy = syy = sw = sxw = syw = 0.0
            for dv in range(-1, 2):
                for du in range(-1, 2):
                    y1, x1 = y + dv, x + du
                    if (dv == 0 and du == 0) or y1 < 0 or x1 < 0 or y1 >= h or x1 >= w:
                        continue
                    if not joined(linked, y + top, x + left, y1 + top, x1 + left):
                        continue
                    dx, dy, dw = rays[y1, x1, 0] - x0, rays[y1, x1, 1] - y0, rays[y1, x1, 2] - w0
                    n += 1.0
                    sx += dx
                    sy += dy
                    sxx += dx * dx
                    sxy += dx * dy
                    syy += dy * dy
                    sw += dw
                    sxw += dx * dw
                    syw += dy * dw
            nx, ny, nz, inverse = _plane(x0, y0, w0, n, sx, sy, sxx, sxy, syy, sw, sxw, syw)
            i, j = y + top - rows[0], x + left - columns[0]
            normals[i, j, 0], normals[i, j, 1], normals[i, j, 2] = nx, ny, nz
            smoothed[i, j, 0] = x0 / inverse
            smoothed[i, j, 1] = y0 / inverse
            smoothed[i, j, 2] = 1.0 / inverse
