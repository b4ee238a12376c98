"""What a depth sensor makes of a surface: its grid, its grain, its blur and its blindness, measured from one map."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from depth.edges import measure_flying
from depth.floor import RESOLUTION, DepthFloor

FOURTH = np.array((1.0, -4.0, 6.0, -4.0, 1.0))
WIDEST_BLUR = 2.0  # pixels
LEAST_BLUR = 0.65  # pixels; quiet runs of white noise pass for smoothed by 0.6
STEP = 3.0  # pixel widths in depth, from one pixel to the next, beyond which two surfaces are not averaged
FAR = 1.5  # times the object's distance, beyond which steps say nothing of those on it
TWICE_ROUNDED = 0.5  # share of the old rounding error that is taken off before the sensor rounds again
_TERRACES = 2  # steps of the grid, up to which neighbours are one surface
_BLOCK, _LINES = 16, 96
_BEYOND = 400  # steps of the grid outside the depths that were seen
_ENOUGH = 200  # links or runs, below which nothing is said


@dataclass(frozen=True, eq=False)
class DepthSensor:
    """levels_m: (k,) float32 ascending depths that the sensor can give; empty if it does not round
    noise_m: standard deviation of its noise, as independent neighbours would show it in fourth differences
    blur_px: sigma of the Gaussian that it smooths with, pixels, 0 for none
    steepest: tangent of incidence beyond which it gets no return, inf if it never lost one
    flying: share of depth steps at which one point hangs between near and far
    quantum_m: the step of its grid at the depth where it was measured
    """

    levels_m: np.ndarray
    noise_m: float
    blur_px: float
    steepest: float
    flying: float = 0.0
    quantum_m: float = 0.0

    @property
    def ideal(self) -> bool:
        """Whether every first hit is reported as it is."""
        return not (self.levels_m.size or self.noise_m or self.blur_px or np.isfinite(self.steepest) or self.flying)

    def spread(self, z_m: np.ndarray, before_m: np.ndarray, gap_m: np.ndarray) -> np.ndarray:
        """Depth (h, w) float32 whose change from before_m is as smooth as the sensor's own picture of it.

        Only pixels that changed are written; gap_m (h, w) float32 is a jump across which nothing is averaged.
        """
        if not self.blur_px:
            return z_m
        kernel = _gaussian(self.blur_px).astype(np.float32)
        return _spread(np.ascontiguousarray(z_m), np.ascontiguousarray(before_m), np.ascontiguousarray(gap_m), kernel)

    def grain(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Noise (h, w) float32 in metres, as strong and as correlated as the sensor's own."""
        if not self.noise_m:
            return np.zeros(shape, np.float32)
        white = rng.standard_normal(shape, np.float32)
        if not self.blur_px:
            return white * np.float32(self.noise_m)
        kernel = _gaussian(self.blur_px)
        seen = np.sqrt((np.convolve(kernel, FOURTH) ** 2).sum() * (kernel**2).sum() / (FOURTH**2).sum())
        smooth = cv2.sepFilter2D(white, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
        return smooth * np.float32(self.noise_m / seen)

    def passed(self, radius: int, stride: int) -> float:
        """Share of its grain, in standard deviations, that a mean over (2·radius + 1)² pixels, stride apart, keeps."""
        apart = np.subtract.outer(*2 * (stride * np.arange(-radius, radius + 1),))
        alike = np.exp(-((apart / (2 * self.blur_px)) ** 2)) if self.blur_px else apart == 0
        return float(alike.mean())  # of the variance that is each axis's share, and there are two axes

    def unrounded(self, z_m: np.ndarray, before_m: np.ndarray) -> np.ndarray:
        """Depth (h, w) float32, a change of before_m (h, w), with less of the error that rounding left in that.

        All of the error would come on top of what rounding again adds; none of it would leave terraces with
        cleaner edges than the sensor's own. What does not change rounds back to what it was.
        """
        levels = self.levels_m
        if not levels.size:
            return z_m
        bounds = np.concatenate((levels[:1], (levels[1:] + levels[:-1]) / 2, levels[-1:]))
        return z_m - np.float32(TWICE_ROUNDED) * _rounding_error(np.ascontiguousarray(before_m), bounds)

    def rounded(self, z_m: np.ndarray) -> np.ndarray:
        """The nearest depths that the sensor can give, same shape, float32; NaN stays NaN."""
        levels = self.levels_m
        if not levels.size:
            return z_m
        z = np.asarray(z_m, np.float32)
        up = np.clip(np.searchsorted(levels, z), 1, len(levels) - 1)
        low, high = levels[up - 1], levels[up]
        return np.where(np.isnan(z), np.float32(np.nan), np.where(z - low <= high - z, low, high))

    def blind(self, z_m: np.ndarray, pixel_rad: float) -> np.ndarray:
        """(h, w) bool: surface turned too far away to return light; a depth step beside it is no tilt."""
        if np.isinf(self.steepest):
            return np.zeros(z_m.shape, bool)
        return _tilt(z_m, pixel_rad) > self.steepest


def measure_sensor(z_m: np.ndarray, linked: np.ndarray, floor: DepthFloor, pixel_rad: float) -> DepthSensor:
    """Measure a depth map (H, W) float32 m, NaN = no return, of known floor.

    linked: (H, W, 2) bool, on one surface with the right and the lower neighbour; pixel_rad: one pixel's angle.
    Blur comes from the correlation of neighbouring fourth differences in the quietest runs, -0.8 for white noise
    and rising as smoothing widens; a map that is rounded, or as clean as float32, is taken to have none.
    """
    if floor.noise_m <= 4 * RESOLUTION * floor.median_m and not floor.quantum_m:
        return DepthSensor(np.empty(0, np.float32), 0.0, 0.0, np.inf)
    levels = _levels(z_m) if floor.quantum_m else np.empty(0, np.float32)
    blur = 0.0 if floor.quantum_m else _blur(z_m, linked)
    flying = measure_flying(z_m, separation(floor.at(z_m), z_m, pixel_rad), FAR * floor.median_m)
    return DepthSensor(levels, floor.noise_m, blur, _steepest(z_m, linked, pixel_rad), flying, floor.quantum_m)


def separation(floor_m, z_m: np.ndarray, pixel_rad: float) -> np.ndarray:
    """(h, w) float32: the jump in depth from one pixel to the next that separates two surfaces."""
    return (3 * floor_m + STEP * pixel_rad * z_m).astype(np.float32)


def _levels(z_m) -> np.ndarray:
    """Depths seen, and between and beyond them those that the steps around (even in 1 / z) say there are."""
    seen = np.unique(z_m[np.isfinite(z_m)]).astype(np.float64)
    if len(seen) < 3:
        return np.empty(0, np.float32)
    whole = np.abs(seen * 1e3 - np.round(seen * 1e3)).max() < 1e-3  # sensors that speak in millimetres
    # A depth or two may be missing anywhere: the usual step is the median of its surroundings.
    step = np.diff(seen) / (seen[1:] * seen[:-1])
    padded = np.pad(step, 4, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, 9), axis=1)
    missing = np.maximum(np.round(step / usual), 1).astype(int)
    extra = [1 / np.linspace(1 / a, 1 / b, n + 1)[1:-1]
             for a, b, n in zip(seen[:-1], seen[1:], missing, strict=True) if n > 1]
    beyond = np.arange(1, _BEYOND + 1)
    far = 1 / seen[-1] - usual[-1] * beyond
    extra += [1 / far[far > 0.25 / seen[-1]], 1 / (1 / seen[0] + usual[0] * beyond)]
    added = np.concatenate(extra)
    if whole:
        added = np.round(added, 3)
    added = added.astype(np.float32)
    kept = seen.astype(np.float32)
    # What was seen is given bit for bit; a rounded neighbour of it is the same level.
    place = np.clip(np.searchsorted(kept, added), 1, len(kept) - 1)
    away = np.minimum(np.abs(added - kept[place - 1]), np.abs(added - kept[place]))
    return np.unique(np.concatenate((kept, added[away > 1e-6])))


def _blur(z_m, linked) -> float:
    together = power = 0.0
    count = 0
    for line, link in ((z_m, linked[..., 0]), (z_m.T, linked[..., 1].T)):
        rows = np.unique(np.linspace(0, len(line) - 1, min(len(line), _LINES)).astype(int))
        z = np.where(np.isfinite(line[rows]), line[rows], 0).astype(np.float64)
        bend, whole = np.diff(z, 4, axis=1), link[rows][:, :-1]
        n = bend.shape[1]
        whole = whole[:, :n] & whole[:, 1:n + 1] & whole[:, 2:n + 2] & whole[:, 3:n + 3]
        runs = bend[:, :n // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
        runs = runs[whole[:, :n // _BLOCK * _BLOCK].reshape(-1, _BLOCK).all(axis=1)]
        if not len(runs):
            continue
        strength = np.median(np.abs(runs), axis=1)
        runs = runs[strength <= np.quantile(strength, 0.25)]
        # One strong run must not speak for all.
        runs = runs / np.maximum(np.sqrt((runs**2).mean(axis=1, keepdims=True)), 1e-12)
        together += float((runs[:, 1:] * runs[:, :-1]).sum() * _BLOCK / (_BLOCK - 1))
        power += float((runs**2).sum())
        count += runs.size
    if count < _ENOUGH:
        return 0.0
    wanted = together / power
    sigmas = np.linspace(0, WIDEST_BLUR, 81)
    blur = float(np.interp(wanted, [_correlation(sigma) for sigma in sigmas], sigmas))
    return blur if blur > LEAST_BLUR else 0.0


def _correlation(sigma: float) -> float:
    """Of neighbouring fourth differences of white noise smoothed by a Gaussian."""
    bend = np.convolve(_gaussian(sigma), FOURTH)
    return float((bend[1:] * bend[:-1]).sum() / (bend**2).sum())


def _gaussian(sigma: float) -> np.ndarray:
    reach = int(np.ceil(4 * WIDEST_BLUR))
    if sigma < 0.05:
        return np.eye(1, 2 * reach + 1, reach)[0]
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return kernel / kernel.sum()


@njit(cache=True, nogil=True, error_model="numpy")
def _tilt(z_m, pixel_rad):
    """(h, w) float32: tangent of incidence, of the gentler side in each direction; 0 where it is not known."""
    h, w = z_m.shape
    out = np.zeros((h, w), np.float32)
    for i in range(h):
        for j in range(w):
            here = z_m[i, j]
            total = np.float32(0)
            for axis in range(2):
                di, dj = 1 - axis, axis
                gentler = np.float32(np.inf)
                if i >= di and j >= dj:
                    step = abs(here - z_m[i - di, j - dj])
                    gentler = step if step < gentler else gentler
                if i + di < h and j + dj < w:
                    step = abs(z_m[i + di, j + dj] - here)
                    gentler = step if step < gentler else gentler
                if gentler < np.inf:
                    total += gentler * gentler
            if here != 0:
                tangent = np.sqrt(total) / (here * np.float32(pixel_rad))
                out[i, j] = tangent if tangent == tangent else np.float32(0)
    return out


def _steepest(z_m, linked, pixel_rad) -> float:
    """Nothing is known of a sensor's blindness from a map that lost no return."""
    if np.isfinite(z_m).all():
        return np.inf
    tilt = _tilt(z_m, pixel_rad)[linked.all(-1)]
    return float(np.quantile(tilt, 0.9995)) if tilt.size >= _ENOUGH else np.inf


@njit(cache=True, nogil=True)
def _spread(z, before, gap, kernel):
    h, w = z.shape
    reach = 0
    middle = len(kernel) // 2
    while reach < middle and kernel[middle + reach + 1] > 1e-3 * kernel[middle]:
        reach += 1
    out = z.copy()
    for i in range(h):
        for j in range(w):
            here, was = z[i, j], before[i, j]
            if here == was or not (here == here and was == was):
                continue
            change = weight = 0.0
            for y in range(max(0, i - reach), min(h, i + reach + 1)):
                for x in range(max(0, j - reach), min(w, j + reach + 1)):
                    far = gap[i, j] * max(1, abs(y - i), abs(x - j))
                    if not (abs(z[y, x] - here) < far and abs(before[y, x] - was) < far):
                        continue
                    k = kernel[middle + y - i] * kernel[middle + x - j]
                    change += k * (z[y, x] - before[y, x])
                    weight += k
            if weight > 0:
                out[i, j] = was + change / weight
    return out


@njit(cache=True, nogil=True)
def _rounding_error(z, bounds):
    """(h, w) float32: by how much rounded depth differs from the mean of its surroundings, as far as that rounds to it
    too; 0 where it is not known. bounds: (k + 1,) float32, between the k levels and at their ends.
    """
    h, w = z.shape
    out = np.zeros((h, w), np.float32)
    for i in range(h):
        for j in range(w):
            here = z[i, j]
            if not here == here:
                continue
            up = min(max(np.searchsorted(bounds, here), 1), len(bounds) - 1)
            low, high = min(bounds[up - 1] - here, np.float32(0)), max(bounds[up] - here, np.float32(0))
            near = _TERRACES * (high - low)
            total, count = np.float32(0), 0
            for y in range(max(0, i - 1), min(h, i + 2)):
                for x in range(max(0, j - 1), min(w, j + 2)):
                    step = z[y, x] - here
                    if abs(step) <= near:
                        total += step
                        count += 1
            out[i, j] = -min(max(total / count, low), high)
    return out
