"""The z-buffer: which old surface point each new pixel sees, once part of a surface has moved.

A window of the view is refined into nodes (one a pixel, or several where the defect is fine); nodes are displaced,
the triangles between them are rasterised with perspective-correct interpolation, and every sample of the picture
keeps the nearest. Surface that did not move stands in the buffer at its own depth.
"""

import math

import numpy as np
from numba import njit

from crossmodal.camera import project_point

COARSEST_FEATURE_PX, COARSE_FEATURE_PX = 4.0, 3.5  # a feature narrower than these takes 2² and FINE² nodes a pixel
FINE = 4


def nodes_a_pixel(finest_px: float) -> int:
    """How many nodes a side of a pixel takes where the finest feature spans so many pixels."""
    if finest_px >= COARSEST_FEATURE_PX:
        return 1
    return 2 if finest_px >= COARSE_FEATURE_PX else FINE


def refine(smoothed, normals, linked, st, near, fine):
    """Nodes ``fine`` times denser than the pixels of a window, where it is near the defect.

    smoothed, normals: (h, w, 3) float32; linked: (h, w, 2) bool; st: (h, w, 2) chart; near: (h, w) bool
    → smooth, normal (nh, nw, 3) float32, chart (nh, nw, 2) float32, state (nh, nw) uint8: 1 where a node is; the first
    two are undefined where there is none.
    """
    if fine == 1:
        return smoothed, normals, *_charted(normals, st, near)
    return _refined(smoothed, normals, linked, st, near, fine)


@njit(cache=True, nogil=True)
def _charted(normals, st, near):
    h, w = near.shape
    chart, state = np.empty((h, w, 2), np.float32), np.zeros((h, w), np.uint8)
    for i in range(h):
        for j in range(w):
            known = near[i, j] and normals[i, j, 0] == normals[i, j, 0]
            state[i, j] = known
            for c in range(2):
                chart[i, j, c] = st[i, j, c] if known else np.float32(np.nan)
    return chart, state


@njit(cache=True, nogil=True)
def _refined(smoothed, normals, linked, st, near, fine):
    h, w = near.shape
    nh, nw = (h - 1) * fine + 1, (w - 1) * fine + 1
    smooth = np.empty((nh, nw, 3), np.float32)
    normal = np.empty((nh, nw, 3), np.float32)
    chart = np.full((nh, nw, 2), np.nan, np.float32)
    state = np.zeros((nh, nw), np.uint8)
    for i in range(h):
        for j in range(w):
            if not near[i, j] or not normals[i, j, 0] == normals[i, j, 0]:
                continue
            y, x = i * fine, j * fine
            state[y, x] = 1
            chart[y, x, 0], chart[y, x, 1] = st[i, j, 0], st[i, j, 1]
            for c in range(3):
                smooth[y, x, c] = smoothed[i, j, c]
                normal[y, x, c] = normals[i, j, c]
    for i in range(h - 1):
        for j in range(w - 1):
            y, x = i * fine, j * fine
            whole = (state[y, x] and state[y, x + fine] and state[y + fine, x] and state[y + fine, x + fine]
                     and linked[i, j, 0] and linked[i, j, 1] and linked[i + 1, j, 0] and linked[i, j + 1, 1])
            if not whole:
                continue
            for a in range(fine + 1):
                for b in range(fine + 1):
                    if state[y + a, x + b]:
                        continue
                    p, q = a / fine, b / fine
                    w00, w01, w10, w11 = (1 - p) * (1 - q), (1 - p) * q, p * (1 - q), p * q
                    length = 0.0
                    for c in range(3):
                        smooth[y + a, x + b, c] = (w00 * smoothed[i, j, c] + w01 * smoothed[i, j + 1, c]
                                                   + w10 * smoothed[i + 1, j, c] + w11 * smoothed[i + 1, j + 1, c])
                        n = (w00 * normals[i, j, c] + w01 * normals[i, j + 1, c]
                             + w10 * normals[i + 1, j, c] + w11 * normals[i + 1, j + 1, c])
                        normal[y + a, x + b, c] = n
                        length += n * n
                    for c in range(3):
                        normal[y + a, x + b, c] /= math.sqrt(length)
                    for c in range(2):
                        chart[y + a, x + b, c] = (w00 * st[i, j, c] + w01 * st[i, j + 1, c]
                                                  + w10 * st[i + 1, j, c] + w11 * st[i + 1, j + 1, c])
                    state[y + a, x + b] = 1
    return smooth, normal, chart, state


@njit(cache=True, nogil=True)
def displace(kernel, smooth, normal, state, displacement_mm, fine, out):
    """Where each node is seen after it moved: out (nh, nw, 3) float64 = column, row (in samples), z.

    A node keeps its own pixel plus the change of its projection, so that no displacement is the identity.
    """
    nh, nw = state.shape
    for y in range(nh):
        for x in range(nw):
            if not state[y, x]:
                continue
            # Sample k of a pixel lies at (k + ½)/fine − ½ pixels from its centre.
            offset = 0.5 * (fine - 1)
            px, py, pz = smooth[y, x, 0], smooth[y, x, 1], smooth[y, x, 2]
            d = displacement_mm[y, x] * 1e-3
            if d == 0.0:
                out[y, x, 0], out[y, x, 1], out[y, x, 2] = x + offset, y + offset, pz
                continue
            qx, qy, qz = px + d * normal[y, x, 0], py + d * normal[y, x, 1], pz + d * normal[y, x, 2]
            u0, v0 = project_point(kernel, px, py, pz)
            u1, v1 = project_point(kernel, qx, qy, qz)
            out[y, x, 0] = x + offset + (u1 - u0) * fine
            out[y, x, 1] = y + offset + (v1 - v0) * fine
            out[y, x, 2] = qz


@njit(cache=True, nogil=True)
def splat(seen, state, linked, moved, fine, z, source):
    """Rasterise every triangle with a moved corner into z (sh, sw) and source (sh, sw, 2), nearest first.

    seen: displaced nodes from ``displace``; z: inf where nothing was drawn; source: (row, column) in nodes.
    """
    nh, nw = state.shape
    lone = moved & (state != 0)
    for y in range(nh - 1):
        for x in range(nw - 1):
            if not (moved[y, x] or moved[y, x + 1] or moved[y + 1, x] or moved[y + 1, x + 1]):
                continue
            a, b, c, d = state[y, x], state[y, x + 1], state[y + 1, x], state[y + 1, x + 1]
            if fine == 1:
                right, down = linked[y, x, 0], linked[y, x, 1]
                below, beside = linked[y + 1, x, 0], linked[y, x + 1, 1]
                if a and b and c and right and down:
                    _triangle(seen, y, x, y, x + 1, y + 1, x, z, source)
                    lone[y, x] = lone[y, x + 1] = lone[y + 1, x] = False
                if b and c and d and below and beside:
                    _triangle(seen, y, x + 1, y + 1, x + 1, y + 1, x, z, source)
                    lone[y, x + 1] = lone[y + 1, x + 1] = lone[y + 1, x] = False
                if a and b and d and right and beside and not (c and down):
                    _triangle(seen, y, x, y, x + 1, y + 1, x + 1, z, source)
                    lone[y, x] = lone[y, x + 1] = lone[y + 1, x + 1] = False
                if a and c and d and down and below and not (b and right):
                    _triangle(seen, y, x, y + 1, x + 1, y + 1, x, z, source)
                    lone[y, x] = lone[y + 1, x + 1] = lone[y + 1, x] = False
            elif a and b and c and d:
                _triangle(seen, y, x, y, x + 1, y + 1, x, z, source)
                lone[y, x] = lone[y, x + 1] = lone[y + 1, x] = False
                _triangle(seen, y, x + 1, y + 1, x + 1, y + 1, x, z, source)
                lone[y, x + 1] = lone[y + 1, x + 1] = lone[y + 1, x] = False
    # A point that is linked to none, on a fold or at an end, still stands where it moved to.
    for y in range(nh):
        for x in range(nw):
            if not lone[y, x]:
                continue
            top = int(round(seen[y, x, 1] - 0.5 * (fine - 1)))
            left = int(round(seen[y, x, 0] - 0.5 * (fine - 1)))
            for row in range(max(0, top), min(z.shape[0], top + fine)):
                for column in range(max(0, left), min(z.shape[1], left + fine)):
                    if seen[y, x, 2] < z[row, column]:
                        z[row, column] = seen[y, x, 2]
                        source[row, column, 0], source[row, column, 1] = y, x


@njit(cache=True, nogil=True, inline="always")
def _triangle(seen, y0, x0, y1, x1, y2, x2, z, source):
    au, av, az = seen[y0, x0, 0], seen[y0, x0, 1], seen[y0, x0, 2]
    bu, bv, bz = seen[y1, x1, 0], seen[y1, x1, 1], seen[y1, x1, 2]
    cu, cv, cz = seen[y2, x2, 0], seen[y2, x2, 1], seen[y2, x2, 2]
    area = (bu - au) * (cv - av) - (bv - av) * (cu - au)
    if not (area > 1e-9 or area < -1e-9):
        return
    first_row = max(0, int(math.ceil(min(av, bv, cv) - 1e-6)))
    last_row = min(z.shape[0] - 1, int(math.floor(max(av, bv, cv) + 1e-6)))
    first_column = max(0, int(math.ceil(min(au, bu, cu) - 1e-6)))
    last_column = min(z.shape[1] - 1, int(math.floor(max(au, bu, cu) + 1e-6)))
    for row in range(first_row, last_row + 1):
        for column in range(first_column, last_column + 1):
            wa = ((bu - column) * (cv - row) - (bv - row) * (cu - column)) / area
            wb = ((cu - column) * (av - row) - (cv - row) * (au - column)) / area
            wc = 1.0 - wa - wb
            # Corners sit exactly on sample centres where nothing moved; the sliver of slack takes them in.
            if wa < -1e-6 or wb < -1e-6 or wc < -1e-6:
                continue
            # 1/z is linear in the picture (perspective-correct interpolation).
            ia, ib, ic = wa / az, wb / bz, wc / cz
            inverse = ia + ib + ic
            depth = 1.0 / inverse
            if depth < z[row, column]:
                z[row, column] = depth
                source[row, column, 0] = (ia * y0 + ib * y1 + ic * y2) / inverse
                source[row, column, 1] = (ia * x0 + ib * x1 + ic * x2) / inverse

