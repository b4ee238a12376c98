"""From samples to pixels: colour is averaged, depth is not averaged across a step."""

import numpy as np
from numba import njit

from crossmodal.relight import WALL

LOST = 2  # state of a node that returns too little light for the depth sensor
BLIND = 0.35  # share of a pixel that may return no light before its depth is gone


@njit(cache=True, nogil=True, error_model="numpy")
def resolve(base, gap, z, source, seen, smooth, state, moved, support, displacement, gain, fine):
    """Gather a window's samples into its pixels.

    base: (h, w) float32 depth before, NaN invalid; gap: (h, w) float32, a jump that separates surfaces
    z, source: (h·fine, w·fine[, 2]) from the z-buffer; the rest are nodes (nh, nw[, 3 or channels])
    → z, gain, source, displacement, support as in ``Seen``. A pixel's depth is the mean of its samples on the
    surface that most of them see, nearest first on a tie; where too many return no light (state LOST), there is
    none. Nodes lie on the smoothed surface; what a pixel measured beside it is its own noise, and stays with it.
    """
    h, w = base.shape
    nh, nw = state.shape
    out_z = base.copy()
    channels = gain.shape[2]
    out_gain = np.ones((h, w, channels), np.float32)
    out_gain[..., 3:] = 0.0
    out_source = np.empty((h, w, 2), np.float32)
    out_displacement = np.zeros((h, w), np.float32)
    out_support = np.zeros((h, w), np.bool_)
    n = fine * fine
    value, shift = np.empty(n), np.empty(n)
    rows, columns = np.empty(n), np.empty(n)
    supported = np.empty(n, np.bool_)
    order = np.empty(n, np.int64)
    colour, at = np.empty(channels), np.empty(channels)
    centre = 0.5 * (fine - 1)
    near = concerned(h, w, z, state, moved, support, gain, fine)
    for i in range(h):
        for j in range(w):
            out_source[i, j, 0], out_source[i, j, 1] = i, j
            if not near[i, j]:
                continue
            here = base[i, j]
            count = 0
            holes = 0
            lost = 0
            touched = False
            for c in range(channels):
                colour[c] = 0.0
            for a in range(fine):
                for b in range(fine):
                    row, column = i * fine + a, j * fine + b
                    y, x = row - centre, column - centre
                    ya, xa = int(np.floor(y)), int(np.floor(x))
                    fy, fx = y - ya, x - xa
                    # Whether the old surface stands still at this sample, and how deep it is there.
                    still, known, old, weight = True, False, 0.0, 0.0
                    for dy in range(2):
                        for dx in range(2):
                            q = (fy if dy else 1.0 - fy) * (fx if dx else 1.0 - fx)
                            yy, xx = ya + dy, xa + dx
                            if q <= 0.0 or yy < 0 or xx < 0 or yy >= nh or xx >= nw or not state[yy, xx]:
                                continue
                            if moved[yy, xx]:
                                still = False
                            old += q * smooth[yy, xx, 2]
                            weight += q
                            known = True
                    base_there = old / weight if known else here
                    hit = z[row, column] < np.inf
                    if hit and still and base_there == base_there and base_there < z[row, column]:
                        hit = False
                    if hit:
                        touched = True
                        sy, sx = source[row, column, 0], source[row, column, 1]
                        level = z[row, column] - base_there + here if base_there == base_there else z[row, column]
                    elif still:
                        sy, sx = y, x
                        level = here
                    else:
                        # Moved away; a boundary node that shifted less than half a pixel still fills its own place.
                        yy = min(max(int(round(y)), 0), nh - 1)
                        xx = min(max(int(round(x)), 0), nw - 1)
                        touched = True
                        stays = (abs(seen[yy, xx, 0] - column) < 0.6 * fine and abs(seen[yy, xx, 1] - row) < 0.6 * fine)
                        if not (state[yy, xx] and state[yy, xx] != WALL and stays and moved[yy, xx]
                                and displacement[yy, xx] != 0.0):
                            holes += 1
                            continue
                        sy, sx = float(yy), float(xx)
                        level = seen[yy, xx, 2] - smooth[yy, xx, 2] + here
                    d, inside = bilinear(sy, sx, state, displacement, gain, support, at)
                    plain = True
                    for c in range(channels):
                        colour[c] += at[c]
                        plain = plain and at[c] == (1.0 if c < 3 else 0.0)
                    if inside or not plain:
                        touched = True
                    ys, xs = min(max(int(round(sy)), 0), nh - 1), min(max(int(round(sx)), 0), nw - 1)
                    lost += state[ys, xs] == LOST
                    value[count], shift[count] = level, d
                    rows[count], columns[count] = sy / fine, sx / fine
                    supported[count] = inside
                    count += 1
            if not touched:
                continue
            if holes > count:
                out_z[i, j] = np.nan
                out_displacement[i, j] = np.nan
                out_support[i, j] = True
                continue
            first, last = majority(value, order, count, gap[i, j])
            total, d, sy, sx, inside_count = 0.0, 0.0, 0.0, 0.0, 0
            for k in range(first, last):
                o = order[k]
                total += value[o]
                d += shift[o]
                sy += rows[o]
                sx += columns[o]
            for k in range(count):
                inside_count += supported[k]
            m = last - first
            out_z[i, j] = total / m if lost <= BLIND * n else np.nan
            out_displacement[i, j] = d / m
            out_source[i, j, 0] = sy / m
            out_source[i, j, 1] = sx / m
            for c in range(channels):
                out_gain[i, j, c] = colour[c] / count
            out_support[i, j] = 8 * inside_count >= n
    mend(base, gap, out_z, out_gain, out_source, out_displacement)
    return out_z, out_gain, out_source, out_displacement, out_support


@njit(cache=True, nogil=True, error_model="numpy")
def mend(base, gap, z, gain, source, displacement):
    """Close cracks one pixel wide: a hole that one surface surrounds reveals nothing, the mesh was torn there."""
    h, w = z.shape
    torn = np.zeros((h, w), np.bool_)
    found = False
    for i in range(h):
        for j in range(w):
            if np.isnan(z[i, j]) and np.isnan(displacement[i, j]) and not np.isnan(base[i, j]):
                torn[i, j] = found = True
    if not found:
        return
    colour = np.empty(gain.shape[2])
    for i in range(1, h - 1):
        for j in range(1, w - 1):
            if not torn[i, j]:
                continue
            near, far, n = np.inf, -np.inf, 0
            total_z = total_d = y = x = 0.0
            colour[:] = 0.0
            for k in range(9):
                a, b = i + k // 3 - 1, j + k % 3 - 1
                if torn[a, b] or not z[a, b] == z[a, b]:
                    continue
                near, far, n = min(near, z[a, b]), max(far, z[a, b]), n + 1
                total_z += z[a, b]
                total_d += displacement[a, b]
                y += source[a, b, 0]
                x += source[a, b, 1]
                colour += gain[a, b]
            if n < 5 or far - near > 2.0 * gap[i, j]:
                continue
            z[i, j] = total_z / n
            displacement[i, j] = total_d / n
            source[i, j, 0], source[i, j, 1] = y / n, x / n
            gain[i, j] = colour / n


@njit(cache=True, nogil=True, error_model="numpy")
def concerned(h, w, z, state, moved, support, gain, fine):
    """(h, w) bool: pixels next to a node where something happens, or under a sample that was drawn."""
    out = np.zeros((h, w), np.bool_)
    for y in range(state.shape[0]):
        i = y // fine
        for x in range(state.shape[1]):
            if state[y, x] and (moved[y, x] or support[y, x] or not _plain(gain, y, x)):
                j = x if fine == 1 else x // fine
                out[i, j] = True
                if i + 1 < h:
                    out[i + 1, j] = True
                if j + 1 < w:
                    out[i, j + 1] = True
                    if i + 1 < h:
                        out[i + 1, j + 1] = True
    for y in range(z.shape[0]):
        i = y // fine
        for x in range(z.shape[1]):
            if z[y, x] < np.inf:
                out[i, x if fine == 1 else x // fine] = True
    return out


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _plain(gain, y, x):
    """Whether a node's channels leave the picture as it is: times one, nothing added."""
    plain = gain[y, x, 0] == 1.0 and gain[y, x, 1] == 1.0 and gain[y, x, 2] == 1.0
    for c in range(3, gain.shape[2]):
        plain = plain and gain[y, x, c] == 0.0
    return plain


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def bilinear(y, x, state, displacement, gain, support, colour):
    """Displacement and support of the nodes at (y, x), bilinear over those that exist; their gain into colour."""
    ya, xa = int(np.floor(y)), int(np.floor(x))
    fy, fx = y - ya, x - xa
    d = weight = inside = 0.0
    for c in range(len(colour)):
        colour[c] = 0.0
    for dy in range(2):
        for dx in range(2):
            q = (fy if dy else 1.0 - fy) * (fx if dx else 1.0 - fx)
            yy, xx = ya + dy, xa + dx
            if q <= 0.0 or yy < 0 or xx < 0 or yy >= state.shape[0] or xx >= state.shape[1] or not state[yy, xx]:
                continue
            weight += q
            d += q * displacement[yy, xx]
            for c in range(len(colour)):
                colour[c] += q * gain[yy, xx, c]
            if support[yy, xx]:
                inside += q
    if weight == 0.0:
        colour[:3] = 1.0
        return 0.0, False
    for c in range(len(colour)):
        colour[c] /= weight
    return d / weight, inside >= 0.5 * weight


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def majority(value, order, count, gap):
    """Sort values near to far and return the bounds of the largest run without a gap, the nearest on a tie."""
    for k in range(count):
        m = k
        while m > 0 and value[order[m - 1]] > value[k]:
            order[m] = order[m - 1]
            m -= 1
        order[m] = k
    best, best_end, start = 0, 0, 0
    for k in range(1, count + 1):
        if k == count or value[order[k]] - value[order[k - 1]] > gap:
            if k - start > best_end - best:
                best, best_end = start, k
            start = k
    return best, best_end
