"""The sensor's noise floor, measured from the capture itself: what it cannot tell from nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit

RESOLUTION = 2.4e-7  # 2 float32 ulps, relative: below it even a perfect sensor shows nothing
_LINES, _BLOCK = 48, 16
# Lower quartile over blocks of the median |fourth difference| of white noise of sigma 1, sqrt(70) x 0.53: the
# quietest quarter of the blocks speaks, for there the surface is flattest, and this undoes its modesty.
_QUIET = 4.35


@dataclass(frozen=True)
class DepthFloor:
    """noise_m: standard deviation of z at depth `median_m`, beside quantisation. quantum_m: the step between
    neighbouring depths there, 0 if there is none. law: how both grow with depth z, as 1 or as z^2 (a sensor
    that measures disparity: dz = z^2 / (f b) dd, Khoshelham and Elberink, Sensors 12, 2012, eq. 5).
    """

    noise_m: float
    quantum_m: float
    median_m: float
    law: Literal["constant", "disparity"] = "constant"

    def at(self, z_m: np.ndarray | float) -> np.ndarray | float:
        """Floor in metres at depth z_m, same shape: sqrt(noise^2 + quantum^2 / 12), at least float32's own
        grain.
        """
        base = float(np.sqrt(self.noise_m**2 + self.quantum_m**2 / 12))
        if isinstance(z_m, np.ndarray) and z_m.dtype == np.float32 and z_m.ndim:
            median = self.median_m if self.law == "disparity" else 0.0
            return _floor(np.ravel(z_m), base, median).reshape(z_m.shape)
        z = np.asarray(z_m, np.float64)
        grown = base * (z / self.median_m) ** 2 if self.law == "disparity" else np.float64(base)
        grain = np.abs(z)
        grain *= RESOLUTION
        floor = np.maximum(grown, grain)
        return float(floor) if floor.ndim == 0 else floor.astype(np.float32)

    def quantum_at(self, z_m: np.ndarray | float) -> np.ndarray | float:
        """The step between neighbouring depths at z_m, metres, same shape; 0 if there is none."""
        z = np.asarray(z_m, np.float64)
        step = self.quantum_m * ((z / self.median_m) ** 2 if self.law == "disparity" else np.ones_like(z))
        return float(step) if step.ndim == 0 else step.astype(np.float32)


@njit(cache=True, nogil=True)
def _floor(z, base, median):
    """``DepthFloor.at`` of (n,) float32, in one pass; median 0 where the floor does not grow with depth."""
    out = np.empty(len(z), np.float32)
    for i in range(len(z)):
        share = np.float64(z[i]) / median if median > 0.0 else 1.0
        grain = RESOLUTION * abs(np.float64(z[i]))
        out[i] = base * (share * share) if base * (share * share) > grain else grain
    return out


def measure_floor(z_m: np.ndarray) -> DepthFloor:
    """Measure a depth map, float32 (H, W) in metres, NaN = no return, on up to 48 rows and 48 columns of it.

    Noise comes from fourth differences in the quietest quarter of short runs: second differences still see
    the curve of a smooth object (6 um on MVTec's cable gland, where neighbours agree to 0.7 um), fourth do
    not. Neighbouring pixels are taken as independent, so that a smoothed map shows the little it has. A
    quantum is believed only where steps border on plateaus, as no smooth surface has them. A fully invalid
    map has only float32's grain. Errors: ValueError.
    """
    if not isinstance(z_m, np.ndarray) or z_m.dtype != np.float32 or z_m.ndim != 2:
        got = f"{z_m.dtype} {z_m.shape}" if isinstance(z_m, np.ndarray) else type(z_m).__name__
        raise ValueError(f"depth must be float32 (H, W), but got {got}")
    lines = [
        z_m[_spread(z_m.shape[0])].astype(np.float64),
        z_m[:, _spread(z_m.shape[1])].T.astype(np.float64),
    ]
    values = np.concatenate([line[np.isfinite(line)] for line in lines])
    if values.size == 0:
        return DepthFloor(0.0, 0.0, 1.0)
    median = float(np.median(values))
    steps = [np.diff(line, axis=1) for line in lines]
    quantum, law = _quantum(values, median) if _on_plateaus(steps) else (0.0, "constant")
    spread = _spread_of(steps)
    noise = np.sqrt(max(0.0, spread**2 - quantum**2 / 12))  # the differences have seen the rounding too
    return DepthFloor(max(float(noise), RESOLUTION * median), quantum, median, law)


def _spread(n: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, _LINES)).astype(int))


def _spread_of(steps: list[np.ndarray]) -> float:
    """Sigma of white noise that would give these first differences (lines, n), by three differences more."""
    quiet = []
    for step in steps:
        bend = np.abs(np.diff(step, 3, axis=1))
        count = bend.shape[1] // _BLOCK
        if count:
            runs = bend[:, : count * _BLOCK].reshape(-1, _BLOCK)
            runs = runs[np.isfinite(runs).all(axis=1)]
            quiet.append(np.median(runs, axis=1))
    medians = np.concatenate(quiet) if quiet else np.empty(0)
    return float(np.quantile(medians, 0.25)) / _QUIET if medians.size else 0.0


def _on_plateaus(steps: list[np.ndarray]) -> bool:
    """Do jumps border on runs of equal depth, often? So it is wherever depth is rounded."""
    pairs = jumps = bordering = 0
    for step in steps:
        jump, still = (step != 0) & np.isfinite(step), step == 0
        pairs += int(np.isfinite(step).sum())
        inner = jump[:, 1:-1]
        jumps += int(inner.sum())
        bordering += int((inner & (still[:, :-2] | still[:, 2:])).sum())
    return jumps > 0.01 * pairs and bordering > 0.25 * jumps


def _quantum(values: np.ndarray, median: float) -> tuple[float, Literal["constant", "disparity"]]:
    """Step at the median depth, and its law: the one that leaves the gaps between distinct depths less
    unexplained.
    """
    low, high = np.quantile(values, [0.02, 0.98])
    levels = np.unique(values)
    gaps, middles = np.diff(levels), (levels[1:] + levels[:-1]) / 2
    inside = (middles >= low) & (middles <= high)
    if inside.any():  # beyond, depths are too few to fill every level
        gaps, middles = gaps[inside], middles[inside]
    if gaps.size == 0:
        return 0.0, "constant"
    growth = (middles / median) ** 2
    constant, disparity = float(np.median(gaps)), float(np.median(gaps / growth))
    if gaps.size >= 8 and np.abs(gaps - disparity * growth).mean() < 0.9 * np.abs(gaps - constant).mean():
        return disparity, "disparity"
    return constant, "constant"
