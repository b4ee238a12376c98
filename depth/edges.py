"""What a depth sensor makes of a step: the shadow of its projector, and points that hang between near and far."""

from __future__ import annotations

import numpy as np
from numba import njit

_ENOUGH = 50  # steps of one side, below which nothing is said of it
_STEEP = 12.0  # pixel widths in depth that make a step
_WIDEST = 60  # pixels of no return that may still be one step's shadow
_TIGHT = 0.2  # spread of the shadows' baselines against their median, up to which they have one cause
_MIXED = 0.15  # share of a step that a point between must keep from both its sides


def shadowed(z_m: np.ndarray, baseline_m: tuple[float, float], focal_px: float) -> np.ndarray:
    """(h, w) bool: surface that a projector beside the lens does not reach, for something nearer stands between.

    z_m: (h, w) float32, NaN no return; baseline_m: of the projector, right and down of the lens
    Along the way to the projector the picture of a ray falls behind by one pixel for each f·b·(1/z' − 1/z) of
    disparity, so a point is hidden by any that stands out more than it is far: a step from z to z − h casts
    f·b·h / (z (z − h)) pixels.
    """
    return newly_shadowed(z_m, np.full(z_m.shape, np.nan, np.float32), baseline_m, focal_px)


@njit(cache=True, nogil=True)
def newly_shadowed(z_m: np.ndarray, before_m: np.ndarray, baseline_m: tuple[float, float],
                   focal_px: float) -> np.ndarray:
    """(h, w) bool: what is `shadowed` at depths z_m (h, w) float32 and was not at before_m (h, w) float32."""
    h, w = z_m.shape
    out = np.zeros((h, w), np.bool_)
    length = np.hypot(baseline_m[0], baseline_m[1])
    if length == 0.0:
        return out
    dx, dy = baseline_m[0] / length, baseline_m[1] / length
    stride = 1.0 / max(abs(dx), abs(dy))
    dx, dy = dx * stride, dy * stride
    scale = focal_px * length
    nearest, nearest_changed, nearest_before = -np.inf, -np.inf, -np.inf
    disparity, before = np.empty((h, w)), np.empty((h, w))
    for i in range(h):
        for j in range(w):
            disparity[i, j], before[i, j] = scale / z_m[i, j], scale / before_m[i, j]
            if disparity[i, j] > nearest:
                nearest = disparity[i, j]
            if disparity[i, j] > nearest_changed and z_m[i, j] != before_m[i, j]:
                nearest_changed = disparity[i, j]
            if before[i, j] > nearest_before:
                nearest_before = before[i, j]
    for i in range(h):
        for j in range(w):
            # Only what changed can take the light from what did not.
            most = nearest if z_m[i, j] != before_m[i, j] else nearest_changed
            if _hidden(disparity, i, j, most, dx, dy, stride):
                out[i, j] = not _hidden(before, i, j, nearest_before, dx, dy, stride)
    return out


@njit(cache=True, nogil=True, inline="always")
def _hidden(disparity, i, j, most, dx, dy, stride):
    """Whether something of a disparity up to ``most`` stands between a pixel and the projector."""
    here = disparity[i, j]
    k = 1
    while k * stride < most - here:
        y, x = int(round(i + k * dy)), int(round(j + k * dx))
        if y < 0 or x < 0 or y >= disparity.shape[0] or x >= disparity.shape[1]:
            return False
        if disparity[y, x] - here > k * stride:
            return True
        k += 1
    return False


def measure_baseline(z_m: np.ndarray, focal_px: float) -> tuple[float, float]:
    """Where the projector of a depth map (H, W) float32 m stands, metres right and down of the lens; 0 if unknown.

    Beside a step returns are missing on both sides alike, for edges return little; what is missing on one side more
    is the projector's shadow, believed where it grows with the step as one baseline says.
    """
    across, down = _one_way(z_m, focal_px), _one_way(np.ascontiguousarray(z_m.T), focal_px)
    return across, down


def _one_way(z, focal_px) -> float:
    width, baseline = _gaps(np.ascontiguousarray(z), focal_px, _STEEP, _WIDEST)
    found = [baseline[width == side] for side in (-1, 1)]
    if min(map(len, found)) < _ENOUGH:
        return 0.0
    middle = [float(np.median(one)) for one in found]
    side = int(np.argmax(middle))
    spread = np.subtract(*np.quantile(found[side], (0.75, 0.25))) / middle[side]
    shadow = middle[side] - middle[1 - side]
    if spread > _TIGHT or shadow < 0.5 * middle[side]:
        return 0.0
    return shadow if side else -shadow


@njit(cache=True, nogil=True)
def _gaps(z, focal_px, steep, widest):
    """Of each step over pixels without return: its nearer side (-1 left, 1 right), and the baseline (m) that would
    throw so wide a shadow."""
    sides, found = np.empty(z.size, np.int8), np.empty(z.size, np.float32)
    n = 0
    for i in range(z.shape[0]):
        last = -1
        for j in range(z.shape[1]):
            if not z[i, j] == z[i, j]:
                continue
            if 0 <= last < j - 1 and j - last <= widest:
                step = z[i, last] - z[i, j]
                if abs(step) > steep * min(z[i, last], z[i, j]) / focal_px:
                    sides[n] = 1 if step > 0 else -1
                    found[n] = (j - last - 1) / (focal_px * abs(1 / z[i, j] - 1 / z[i, last]))
                    n += 1
            last = j
    return sides[:n], found[:n]


def measure_flying(z_m: np.ndarray, gap_m: np.ndarray, farthest_m: float) -> float:
    """Share of the steps of a depth map (H, W) float32 m between whose two sides one point hangs.

    gap_m: (H, W) float32, a jump that separates surfaces; farthest_m: beyond which no step counts, for far
    off a coarse grid looks like one. 0 where there are too few steps to tell.
    """
    z_m = np.where(z_m <= farthest_m, z_m, np.float32(np.nan))
    flying = steps = 0
    for z, gap in ((z_m, gap_m), (np.ascontiguousarray(z_m.T), np.ascontiguousarray(gap_m.T))):
        hanging, sharp = _steps(np.ascontiguousarray(z), np.ascontiguousarray(gap))
        flying, steps = flying + hanging, steps + hanging + sharp
    return flying / steps if steps >= _ENOUGH else 0.0


@njit(cache=True, nogil=True)
def _steps(z, gap):
    """Steps of rows, both sides of which are even for two pixels: with a point between, and without."""
    hanging = sharp = 0
    for i in range(z.shape[0]):
        for j in range(1, z.shape[1] - 3):
            a, b = z[i, j], z[i, j + 1]
            jump = abs(b - a)
            if jump > 2 * gap[i, j] and abs(a - z[i, j - 1]) < _MIXED * jump and abs(z[i, j + 2] - b) < _MIXED * jump:
                sharp += 1
            b = z[i, j + 2]
            jump = abs(b - a)
            share = (z[i, j + 1] - a) / (b - a) if jump > 0 else 0.0
            if (jump > 2 * gap[i, j] and abs(a - z[i, j - 1]) < _MIXED * jump
                    and abs(z[i, j + 3] - b) < _MIXED * jump and _MIXED < share < 1 - _MIXED):
                hanging += 1
    return hanging, sharp


@njit(cache=True, nogil=True)
def flown(z_m: np.ndarray, before_m: np.ndarray, gap_m: np.ndarray, share: float, draws: np.ndarray) -> np.ndarray:
    """Depth (h, w) float32 with points hanging at its new steps.

    before_m: (h, w) float32, depth before; only what differs from it is written. gap_m: (h, w) float32, a jump that
    separates surfaces; draws: (h, w, 2) float32 even in [0, 1), which pixels hang and how far
    """
    h, w = z_m.shape
    out = z_m.copy()
    for i in range(h):
        for j in range(w):
            here = z_m[i, j]
            if not here == here or here == before_m[i, j] or draws[i, j, 0] >= share:
                continue
            for y, x in ((i, j - 1), (i, j + 1), (i - 1, j), (i + 1, j)):
                if y < 0 or x < 0 or y >= h or x >= w:
                    continue
                other = z_m[y, x]
                if not abs(other - here) > 2 * gap_m[i, j] or abs(before_m[y, x] - before_m[i, j]) > 2 * gap_m[i, j]:
                    continue
                # One point a step: the far one, or the near one where the far one is as it was.
                if here > other or other == before_m[y, x]:
                    out[i, j] = here + (_MIXED + (1 - 2 * _MIXED) * draws[i, j, 1]) * (other - here)
                    break
    return out
