"""What the depth sensor makes of new surface: its point-spread, noise, grid, drop-out, shadow, flying points."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from depth.edges import flown, measure_baseline, newly_shadowed
from depth.sensor import DepthSensor, measure_sensor, separation

NARROWEST = 2.0  # pixels; to triangulate, it must match what it sees with what its lamp or its other eye does


class Sensor(Protocol):
    """A model of the sensor that took a capture, asked only about pixels whose surface changed."""

    def resolves(self, z_m: np.ndarray, before_m: np.ndarray) -> np.ndarray:
        """Depth (h, w) float32 without noise, of first hits z_m where before_m was measured before."""
        ...

    def shadow_px(self, z_m: np.ndarray, before_m: np.ndarray) -> float:
        """How far surface that came nearer can take the light from what lies beside it, in pixels."""
        ...

    def shadowed(self, z_m: np.ndarray, before_m: np.ndarray) -> np.ndarray | None:
        """(h, w) bool: what the projector reached before and does not any more, or None where nothing can be."""
        ...

    def observe(self, z_m: np.ndarray, before_m: np.ndarray, fresh: np.ndarray,
                rng: np.random.Generator) -> np.ndarray:
        """Depth (h, w) float32 as measured, NaN no return; fresh (h, w) float32 is the share of the sensor's grain
        that z_m lacks, 1 on surface that was never measured.

        For the rest z_m strays from its surface as far as before_m, what was measured there before.
        """
        ...


class IdealSensor:
    """Reports every first hit as it is."""

    def resolves(self, z_m: np.ndarray, before_m: np.ndarray) -> np.ndarray:
        return z_m

    def shadow_px(self, z_m: np.ndarray, before_m: np.ndarray) -> float:
        return 0.0

    def shadowed(self, z_m: np.ndarray, before_m: np.ndarray) -> None:
        return None

    def observe(self, z_m: np.ndarray, before_m: np.ndarray, fresh: np.ndarray,
                rng: np.random.Generator) -> np.ndarray:
        return z_m


@dataclass(frozen=True, eq=False)
class SensorModel:
    """The sensor of one capture, as its own depth tells; ideal where that depth is free of noise.

    depth: what was measured of it; pixel_rad: the angle of one pixel; floor_m: what it cannot tell apart
    softens: whether its blur also takes the edge, and with it some of the asked depth, off narrow relief
    baseline_mm: where its projector stands in the camera's axes, beside the lens; 0 if it casts no shadow that
        could be measured. Ask for another one by ``replace(capture.surface.sensor, baseline_mm=(75, 0, 0))``.
    """

    depth: DepthSensor
    pixel_rad: float
    floor_m: float
    softens: bool = False
    baseline_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self):
        baseline = tuple(float(x) for x in self.baseline_mm)
        if len(baseline) != 3 or not np.isfinite(baseline).all() or baseline[2] != 0:
            raise ValueError("baseline_mm must be (right, down, 0), millimetres from the lens to the projector "
                             f"beside it, but got {self.baseline_mm}")
        object.__setattr__(self, "baseline_mm", baseline)

    @classmethod
    def of(cls, z_m: np.ndarray, linked: np.ndarray, floor, pixel_rad: float) -> "SensorModel":
        """Measure depth (H, W) float32 m, NaN invalid; linked (H, W, 2) and floor as a Surface holds them."""
        right, down = measure_baseline(z_m, 1 / pixel_rad)
        return cls(measure_sensor(z_m, linked, floor, pixel_rad), pixel_rad, float(floor.at(floor.median_m)),
                   baseline_mm=(1e3 * right, 1e3 * down, 0.0))

    @property
    def narrowest_px(self) -> float:
        """The narrowest steep gap that it looks into, pixels; 0 where it is not known to lose any return."""
        return NARROWEST if np.isfinite(self.depth.steepest) else 0.0

    def resolves(self, z_m: np.ndarray, before_m: np.ndarray) -> np.ndarray:
        if not (self.softens and self.depth.blur_px):
            return z_m
        return self.depth.spread(z_m, before_m, self._gap(before_m))

    def shadow_px(self, z_m: np.ndarray, before_m: np.ndarray) -> float:
        nearer = z_m < before_m
        if not any(self.baseline_mm) or not nearer.any():
            return 0.0
        rise = (1 / z_m[nearer] - 1 / before_m[nearer]).max()
        return float(1e-3 * np.hypot(*self.baseline_mm[:2]) / self.pixel_rad * rise)

    def shadowed(self, z_m: np.ndarray, before_m: np.ndarray) -> np.ndarray | None:
        if not any(self.baseline_mm):
            return None
        baseline_m = 1e-3 * self.baseline_mm[0], 1e-3 * self.baseline_mm[1]
        return newly_shadowed(np.ascontiguousarray(z_m, np.float32), np.ascontiguousarray(before_m, np.float32),
                              baseline_m, 1 / self.pixel_rad)

    def observe(self, z_m: np.ndarray, before_m: np.ndarray, fresh: np.ndarray,
                rng: np.random.Generator) -> np.ndarray:
        if self.depth.ideal:
            return z_m
        noisy = self.depth.unrounded(z_m, before_m)
        if fresh.any():
            noisy = np.where(fresh == 1, z_m, noisy) + fresh * self.depth.grain(z_m.shape, rng)
        if self.depth.flying:
            noisy = flown(np.ascontiguousarray(noisy, np.float32), np.ascontiguousarray(before_m), self._gap(z_m),
                          self.depth.flying, rng.random((*z_m.shape, 2), np.float32))
        measured = self.depth.rounded(noisy)
        blind = self.depth.blind(z_m, self.pixel_rad)
        return np.where(blind, np.float32(np.nan), measured) if blind.any() else measured

    def _gap(self, z_m):
        return separation(self.floor_m, z_m, self.pixel_rad)
