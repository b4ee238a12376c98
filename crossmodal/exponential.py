"""The chart of a patch, pixel by pixel outwards from its anchor.

The chart is a discrete exponential map (Schmidt, Grimm & Wyvill 2006): every pixel's tangent coordinates are those
of its parents plus the step between them, in a frame carried along by the smallest rotation between normals. Parents
lie on the image line towards the anchor, so no front has to be sorted, and the map is exact on planes and
cylinders. It does not cross a depth step.
"""

import math

import numpy as np
from numba import njit

from crossmodal.normals import joined

NONE = (1 << 30, -(1 << 30))  # first and last of nothing


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _step(normals, points, r0, c0, along, st, i, j, parent):
    """Chart the pixel (i, j) from a parent: (x, y, z, normal, along, s, t), perhaps between two pixels."""
    v, u, i, j = np.uintp(r0 + i), np.uintp(c0 + j), np.uintp(i), np.uintp(j)
    nx, ny, nz = normals[v, u, 0], normals[v, u, 1], normals[v, u, 2]
    px, py, pz, mx, my, mz, ax, ay, az, s, t = parent
    # The smallest rotation from the parent's normal m to n, applied to a ⟂ m.
    gain = (ax * nx + ay * ny + az * nz) / max(1.0 + mx * nx + my * ny + mz * nz, 1e-3)
    bx, by, bz = ax - gain * (mx + nx), ay - gain * (my + ny), az - gain * (mz + nz)
    dx, dy, dz = (points[v, u, 0] - px) * 1e3, (points[v, u, 1] - py) * 1e3, (points[v, u, 2] - pz) * 1e3
    # The chord in the frame half way, stretched back to its own length.
    hx, hy, hz = ax + bx, ay + by, az + bz
    kx, ky, kz = mx + nx, my + ny, mz + nz
    tx, ty, tz = ky * hz - kz * hy, kz * hx - kx * hz, kx * hy - ky * hx
    h = hx * hx + hy * hy + hz * hz
    ds = dx * hx + dy * hy + dz * hz
    dt = dx * tx + dy * ty + dz * tz
    k = kx * kx + ky * ky + kz * kz
    flat, whole = k * ds * ds + dt * dt, dx * dx + dy * dy + dz * dz
    stretch = math.sqrt(whole / flat if flat > 1e-12 * h * k else 1.0 / (h * k))
    st[i, j, 0] = s + ds * math.sqrt(k) * stretch
    st[i, j, 1] = t + dt * stretch
    length = 1.0 / math.sqrt(bx * bx + by * by + bz * bz)
    along[i, j, 0], along[i, j, 1], along[i, j, 2] = bx * length, by * length, bz * length


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _parent(normals, points, r0, c0, along, st, i, j, a, k, l, b):
    """Two charted pixels, weighted a and b, as one parent."""
    v, u, y, x = np.uintp(r0 + i), np.uintp(c0 + j), np.uintp(r0 + k), np.uintp(c0 + l)
    i, j, k, l = np.uintp(i), np.uintp(j), np.uintp(k), np.uintp(l)
    return (points[v, u, 0] * a + points[y, x, 0] * b, points[v, u, 1] * a + points[y, x, 1] * b,
            points[v, u, 2] * a + points[y, x, 2] * b, normals[v, u, 0] * a + normals[y, x, 0] * b,
            normals[v, u, 1] * a + normals[y, x, 1] * b, normals[v, u, 2] * a + normals[y, x, 2] * b,
            along[i, j, 0] * a + along[k, l, 0] * b, along[i, j, 1] * a + along[k, l, 1] * b,
            along[i, j, 2] * a + along[k, l, 2] * b, st[i, j, 0] * a + st[k, l, 0] * b,
            st[i, j, 1] * a + st[k, l, 1] * b)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _on_ring(i0, j0, k, side, o):
    """The pixel o from the middle of a side of the k-th ring about (i0, j0)."""
    out = k if side % 2 else -k
    return (i0 + out, j0 + o) if side < 2 else (i0 + o, j0 + out)


@njit(cache=True, nogil=True, error_model="numpy")
def _charted(st, spans, i0, j0, k):
    """Set the spans (4, 2) of the charted pixels on a ring's sides, corners included; False where there are none."""
    h, w = st.shape[:2]
    found = False
    for side in range(4):
        low, high = max(spans[side, 0] - 1, -k), min(spans[side, 1] + 1, k)
        first, last = NONE
        for o in range(low, high + 1):
            i, j = _on_ring(i0, j0, k, side, o)
            if 0 <= i < h and 0 <= j < w and st[i, j, 0] == st[i, j, 0]:
                first, last = min(first, o), o
                found = True
        spans[side, 0], spans[side, 1] = first, last
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def exponential_map(points, normals, linked, r0, r1, c0, c1, row, column, anchor, heading, reach, bounds, pixel):
    """Chart a window of rows r0…r1 and columns c0…c1 from the pixel (row, column) and the anchor (3,) m beside it.

    points, normals: (H, W, 3) float32; linked: (H, W, 2) bool; heading: (3,) tangent unit vector; reach in mm;
    bounds: (s, s, t, t) in mm; pixel: a pixel's angle
    → (s, t) (h, w, 2) float32 mm, the heading carried along (h, w, 3) float32; NaN where the chart does not reach
    """
    h, w = r1 - r0, c1 - c0
    st = np.full((h, w, 2), np.nan, np.float32)
    along = np.full((h, w, 3), np.nan, np.float32)
    i0, j0 = row - r0, column - c0
    nx, ny, nz = normals[row, column, 0], normals[row, column, 1], normals[row, column, 2]
    tx = ny * heading[2] - nz * heading[1]
    ty = nz * heading[0] - nx * heading[2]
    tz = nx * heading[1] - ny * heading[0]
    dx = points[row, column, 0] - anchor[0]
    dy = points[row, column, 1] - anchor[1]
    dz = points[row, column, 2] - anchor[2]
    st[i0, j0, 0] = (dx * heading[0] + dy * heading[1] + dz * heading[2]) * 1e3
    st[i0, j0, 1] = (dx * tx + dy * ty + dz * tz) * 1e3
    along[i0, j0, 0], along[i0, j0, 1], along[i0, j0, 2] = heading[0], heading[1], heading[2]
    slack = 3e3 * abs(points[row, column, 2]) * pixel
    s_low, s_high, t_low, t_high = bounds[0] - slack, bounds[1] + slack, bounds[2] - slack, bounds[3] + slack
    far = (reach + 3e3 * abs(points[row, column, 2]) * pixel) ** 2
    # Parents lie in the ring before, so only pixels beside its charted ones are reached. A ring has four sides (top,
    # bottom, left, right); of each, the first and last charted pixel, counted from its middle.
    spans = np.zeros((4, 2), np.int64)
    for k in range(1, max(i0, h - 1 - i0, j0, w - 1 - j0) + 1):
        for side in range(4):
            ends = k if side < 2 else k - 1  # the corners belong to top and bottom
            for o in range(max(spans[side, 0] - 1, -ends), min(spans[side, 1] + 1, ends) + 1):
                i, j = _on_ring(i0, j0, k, side, o)
                if not (0 <= i < h and 0 <= j < w) or not normals[r0 + i, c0 + j, 0] == normals[r0 + i, c0 + j, 0]:
                    continue
                di, dj = i - i0, j - j0
                # Straight and slanted parents, weighted by where the line to the anchor passes between them.
                if abs(dj) >= abs(di):
                    pj = j - (1 if dj > 0 else -1)
                    pa, share = i, abs(di) / k
                    pb, qj = i - (1 if di > 0 else (-1 if di < 0 else 0)), pj
                    qa = pj
                else:
                    pa = i - (1 if di > 0 else -1)
                    share = abs(dj) / k
                    pb, qa = pa, j
                    qj = j - (1 if dj > 0 else (-1 if dj < 0 else 0))
                weight_a = 1.0 - share
                weight_b = share
                if weight_a > 0 and (not st[pa, qa, 0] == st[pa, qa, 0]
                                     or not joined(linked, r0 + i, c0 + j, r0 + pa, c0 + qa)):
                    weight_a = 0.0
                if weight_b > 0 and (not st[pb, qj, 0] == st[pb, qj, 0]
                                     or not joined(linked, r0 + i, c0 + j, r0 + pb, c0 + qj)):
                    weight_b = 0.0
                if weight_a == 0.0:
                    if weight_b == 0.0:
                        continue
                    pa, qa, weight_b = pb, qj, 1.0
                elif weight_b == 0.0:
                    pb, qj, weight_a = pa, qa, 1.0
                parent = _parent(normals, points, r0, c0, along, st, pa, qa, weight_a, pb, qj, weight_b)
                if (parent[9] * parent[9] + parent[10] * parent[10] < far and s_low < parent[9] < s_high
                        and t_low < parent[10] < t_high):
                    _step(normals, points, r0, c0, along, st, i, j, parent)
        if not _charted(st, spans, i0, j0, k):
            break
    _fill_behind(points, normals, linked, along, st, r0, c0, far, s_low, s_high, t_low, t_high)
    return st, along


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_behind(points, normals, linked, along, st, r0, c0, far, s_low, s_high, t_low, t_high):
    """Reach what lies behind gaps, where the straight line was blocked: breadth first, from what is charted."""
    h, w = st.shape[:2]
    queue = np.empty((h * w, 2), np.int32)
    head, tail = 0, 0
    for i in range(h):
        for j in range(w):
            if not st[i, j, 0] == st[i, j, 0]:
                continue
            if (0 < i < h - 1 and 0 < j < w - 1 and st[i - 1, j, 0] == st[i - 1, j, 0]
                    and st[i + 1, j, 0] == st[i + 1, j, 0] and st[i, j - 1, 0] == st[i, j - 1, 0]
                    and st[i, j + 1, 0] == st[i, j + 1, 0]):
                continue  # as most are, with charted ones all about
            for d in range(4):
                i1, j1 = i + (0, 0, 1, -1)[d], j + (1, -1, 0, 0)[d]
                if 0 <= i1 < h and 0 <= j1 < w and not st[i1, j1, 0] == st[i1, j1, 0] and joined(
                        linked, r0 + i, c0 + j, r0 + i1, c0 + j1):
                    queue[tail, 0], queue[tail, 1] = i, j
                    tail += 1
                    break
    while head < tail:
        i, j = queue[head, 0], queue[head, 1]
        head += 1
        if (st[i, j, 0] * st[i, j, 0] + st[i, j, 1] * st[i, j, 1] > far or not s_low < st[i, j, 0] < s_high
                or not t_low < st[i, j, 1] < t_high):
            continue
        for d in range(4):
            i1, j1 = i + (0, 0, 1, -1)[d], j + (1, -1, 0, 0)[d]
            if not (0 <= i1 < h and 0 <= j1 < w) or st[i1, j1, 0] == st[i1, j1, 0]:
                continue
            if not joined(linked, r0 + i, c0 + j, r0 + i1, c0 + j1):
                continue
            _step(normals, points, r0, c0, along, st, i1, j1,
                  _parent(normals, points, r0, c0, along, st, i, j, 1.0, i, j, 0.0))
            if tail < h * w:
                queue[tail, 0], queue[tail, 1] = i1, j1
                tail += 1
