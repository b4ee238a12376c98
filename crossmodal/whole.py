"""From nodes to pixels where each pixel has one: what ``resolve`` does with one sample, without its sorting."""

import numpy as np
from numba import njit

from crossmodal.relight import WALL
from crossmodal.resolve import LOST, bilinear, concerned, mend


@njit(cache=True, nogil=True, error_model="numpy")
def resolve_whole(base, gap, z, source, seen, smooth, state, moved, support, displacement, gain):
    """Gather a window's nodes into its pixels; arguments and result as in ``crossmodal.resolve.resolve``."""
    h, w = base.shape
    channels = gain.shape[2]
    out_z = base.copy()
    out_gain = np.ones((h, w, channels), np.float32)
    out_gain[..., 3:] = 0.0
    out_source = np.empty((h, w, 2), np.float32)
    out_displacement = np.zeros((h, w), np.float32)
    out_support = np.zeros((h, w), np.bool_)
    at = np.empty(channels)
    near = concerned(h, w, z, state, moved, support, gain, 1)
    for i in range(h):
        for j in range(w):
            out_source[i, j, 0], out_source[i, j, 1] = i, j
            if not near[i, j]:
                continue
            here = np.float64(base[i, j])
            known = state[i, j] != 0
            still = not (known and moved[i, j])
            old = np.float64(smooth[i, j, 2]) if known else here
            hit = z[i, j] < np.inf and not (still and old < z[i, j])
            y, x, level, touched = np.float64(i), np.float64(j), here, hit
            if hit:
                y, x = np.float64(source[i, j, 0]), np.float64(source[i, j, 1])
                level = z[i, j] - old + here if old == old else np.float64(z[i, j])
            elif not still:
                # Moved away; a boundary node that shifted less than half a pixel still fills its own place.
                stays = abs(seen[i, j, 0] - j) < 0.6 and abs(seen[i, j, 1] - i) < 0.6
                if state[i, j] == WALL or not stays or displacement[i, j] == 0.0:
                    out_z[i, j], out_displacement[i, j], out_support[i, j] = np.nan, np.nan, True
                    continue
                touched, level = True, seen[i, j, 2] - smooth[i, j, 2] + here
            d, inside = _at(y, x, state, displacement, gain, support, at)
            for c in range(channels):
                touched = touched or at[c] != (1.0 if c < 3 else 0.0)
            if not (touched or inside):
                continue
            ys, xs = min(max(int(round(y)), 0), h - 1), min(max(int(round(x)), 0), w - 1)
            out_z[i, j] = np.nan if state[ys, xs] == LOST else level
            out_displacement[i, j], out_support[i, j] = d, inside
            out_source[i, j, 0], out_source[i, j, 1] = y, x
            for c in range(channels):
                out_gain[i, j, c] = at[c]
    mend(base, gap, out_z, out_gain, out_source, out_displacement)
    return out_z, out_gain, out_source, out_displacement, out_support


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _at(y, x, state, displacement, gain, support, colour):
    """Displacement and support of the nodes at (y, x), bilinear over those that exist; their gain into colour."""
    i, j = int(np.floor(y)), int(np.floor(x))
    p, q = y - i, x - j
    i1 = i + 1 if p > 0.0 else i
    j1 = j + 1 if q > 0.0 else j
    outside = i < 0 or j < 0 or i1 >= state.shape[0] or j1 >= state.shape[1]
    if outside or not (state[i, j] and state[i, j1] and state[i1, j] and state[i1, j1]):
        return bilinear(y, x, state, displacement, gain, support, colour)
    a, b, c, d = (1.0 - p) * (1.0 - q), (1.0 - p) * q, p * (1.0 - q), p * q
    weight = a + b + c + d
    for k in range(len(colour)):
        colour[k] = (a * gain[i, j, k] + b * gain[i, j1, k] + c * gain[i1, j, k] + d * gain[i1, j1, k]) / weight
    inside = a * support[i, j] + b * support[i, j1] + c * support[i1, j] + d * support[i1, j1]
    shift = (a * displacement[i, j] + b * displacement[i, j1] + c * displacement[i1, j] + d * displacement[i1, j1])
    return shift / weight, inside >= 0.5 * weight
