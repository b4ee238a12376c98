"""From samples to pixels where matter lies on a surface: whatever is nearer is seen, the surface stays beneath."""

import numpy as np
from numba import njit

from crossmodal.resolve import majority

DEEP = 0.45  # of the light on its top, what the middle of an underside returns
SEEN_SHARE = 8  # one sample of so many, at least, shows the matter where a pixel counts as its


@njit(cache=True, nogil=True)
def laid(base, gap, z, below, source, smooth, ground, lit, inside, loose, top, under, tone, shade, fine):
    """Lay matter over a window.

    base: (h, w) float32 depth before, NaN invalid; gap: (h, w) float32, a jump that separates surfaces
    z, below, source: (h·fine, w·fine[, 2]) first hits of the matter (inf none), whether on its underside, and the
    (row, column) of the node there; the rest are nodes (nh, nw[, channels]): smooth m; ground bool, of the surface,
    lit bool, where its light is known; inside bool, of the matter; loose bool, beside it where it stands on nothing;
    top, under mm; tone 4 float32, linear colour times its share, and the share; shade, the surface's brightness after
    over before
    → z, gain (h, w, 8), source (h, w, 2), displacement, support as in ``crossmodal.see.Seen``. A pixel's depth is
    the mean of its samples on whichever of matter and surface most of them see, the nearer on a tie.
    """
    h, w = base.shape
    n = fine * fine
    out_z = base.copy()
    out_gain = np.ones((h, w, 8), np.float32)
    out_gain[..., 3:] = 0.0
    out_source = np.empty((h, w, 2), np.float32)
    out_displacement = np.zeros((h, w), np.float32)
    out_support = np.zeros((h, w), np.bool_)
    value, height, order = np.empty(n), np.empty(n), np.empty(n, np.int64)
    colour = np.empty(4)
    centre = 0.5 * (fine - 1)
    concerned = _concerned(h, w, z, lit, shade, fine)
    thickest = 1e-9
    for y in range(top.shape[0]):
        for x in range(top.shape[1]):
            thickest = max(thickest, top[y, x] - under[y, x])
    for i in range(h):
        for j in range(w):
            out_source[i, j, 0], out_source[i, j, 1] = i, j
            if not concerned[i, j]:
                continue
            here = base[i, j] if base[i, j] == base[i, j] else np.inf
            covered, bare, lightness = 0, 0.0, 0.0
            colour[:] = 0.0
            for a in range(fine):
                for b in range(fine):
                    k = a * fine + b
                    row, column = i * fine + a, j * fine + b
                    old, light = _beneath(row - centre, column - centre, smooth, ground, lit, inside, shade)
                    there = old if old == old else here
                    value[k], height[k] = here, 0.0
                    share = 0.0
                    if z[row, column] < there:
                        y, x = source[row, column, 0], source[row, column, 1]
                        ys, xs = int(round(y)), int(round(x))
                        if inside[ys, xs] or not loose[ys, xs]:
                            value[k] = z[row, column] - there + here if old == old and here < np.inf else z[row, column]
                            height[k], dim = _between(y, x, top), 1.0
                            if below[row, column]:
                                dim, height[k] = height[k], _between(y, x, under)
                                dim = 1.0 - (1.0 - DEEP) * min(1.0, (dim - height[k]) / thickest)
                            if inside[ys, xs]:
                                covered += 1
                                share = _tone(y, x, inside, tone, dim, colour)
                    bare += 1.0 - share
                    lightness += (1.0 - share) * light
            first, last = majority(value, order, n, gap[i, j] if gap[i, j] == gap[i, j] else 0.0)
            depth, d = 0.0, 0.0
            for k in range(first, last):
                depth += value[order[k]]
                d += height[order[k]]
            if d > 0.0:
                out_z[i, j] = depth / (last - first)
                out_displacement[i, j] = d / (last - first)
            for c in range(4):
                out_gain[i, j, 4 + c] = colour[c] / n
            if bare > 1e-9:
                for c in range(3):
                    out_gain[i, j, c] = lightness / bare
            out_support[i, j] = SEEN_SHARE * covered >= n
    return out_z, out_gain, out_source, out_displacement, out_support


@njit(cache=True, nogil=True)
def _concerned(h, w, z, lit, shade, fine):
    """(h, w) bool: pixels under a sample that was drawn, or next to a node whose light has changed."""
    out = np.zeros((h, w), np.bool_)
    for y in range(z.shape[0]):
        for x in range(z.shape[1]):
            if z[y, x] < np.inf:
                out[y // fine, x // fine] = True
    for y in range(lit.shape[0]):
        for x in range(lit.shape[1]):
            if lit[y, x] and shade[y, x] != 1.0:
                for i in range(y // fine, min(y // fine + 2, h)):
                    for j in range(x // fine, min(x // fine + 2, w)):
                        out[i, j] = True
    return out


@njit(cache=True, nogil=True, inline="always")
def _beneath(y, x, smooth, ground, lit, inside, shade):
    """(depth m, brightness) of the surface at a place between nodes; NaN where there is none. Its light is that of
    the nodes in the open, if there are any.
    """
    ya, xa = int(np.floor(y)), int(np.floor(x))
    if ya == y and xa == x:
        depth = np.float64(smooth[ya, xa, 2]) if ground[ya, xa] else np.nan
        return depth, np.float64(shade[ya, xa]) if lit[ya, xa] else 1.0
    old = weight = light = shaded = open_ = clear = 0.0
    for dy in range(2):
        for dx in range(2):
            q = (y - ya if dy else 1.0 - y + ya) * (x - xa if dx else 1.0 - x + xa)
            i, j = ya + dy, xa + dx
            if q <= 0.0 or i < 0 or j < 0 or i >= ground.shape[0] or j >= ground.shape[1]:
                continue
            if ground[i, j]:
                old += q * smooth[i, j, 2]
                weight += q
            if lit[i, j]:
                light += q * shade[i, j]
                shaded += q
                if not inside[i, j]:
                    open_ += q * shade[i, j]
                    clear += q
    depth = old / weight if weight > 0.0 else np.nan
    if clear > 0.0:
        return depth, open_ / clear
    return depth, light / shaded if shaded > 0.0 else 1.0


@njit(cache=True, nogil=True, inline="always")
def _between(y, x, nodes):
    ya, xa = int(np.floor(y)), int(np.floor(x))
    total = 0.0
    for dy in range(2):
        for dx in range(2):
            q = (y - ya if dy else 1.0 - y + ya) * (x - xa if dx else 1.0 - x + xa)
            if q > 0.0:
                total += q * nodes[ya + dy, xa + dx]
    return total


@njit(cache=True, nogil=True, inline="always")
def _tone(y, x, inside, tone, dim, colour):
    """Add the matter's dimmed colour and its share at a place between nodes, over those of it; return that share."""
    ya, xa = int(np.floor(y)), int(np.floor(x))
    weight = 0.0
    mean0 = mean1 = mean2 = mean3 = 0.0
    for dy in range(2):
        for dx in range(2):
            q = (y - ya if dy else 1.0 - y + ya) * (x - xa if dx else 1.0 - x + xa)
            i, j = ya + dy, xa + dx
            if q <= 0.0 or not inside[i, j]:
                continue
            weight += q
            mean0 += q * tone[i, j, 0]
            mean1 += q * tone[i, j, 1]
            mean2 += q * tone[i, j, 2]
            mean3 += q * tone[i, j, 3]
    colour[0] += dim * mean0 / weight
    colour[1] += dim * mean1 / weight
    colour[2] += dim * mean2 / weight
    colour[3] += mean3 / weight
    return mean3 / weight
