"""What the depth sensor makes of new surface: its point-spread, noise, grid and drop-out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from depth.sensor import DepthSensor, measure_sensor

NARROWEST = 2.0  # pixels; to triangulate, it must match what it sees with what its lamp or its other eye does
STEP = 3.0  # pixel widths in depth, from one pixel to the next, beyond which two surfaces are not averaged


class Sensor(Protocol):
    """A model of the sensor that took a capture, asked only about pixels whose surface changed."""

    def resolves(self, z_m: np.ndarray, before_m: np.ndarray) -> np.ndarray:
        """Depth (h, w) float32 without noise, of first hits z_m where before_m was measured before."""
        ...

    def observe(self, z_m: np.ndarray, fresh: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Depth (h, w) float32 as measured, NaN no return; fresh (h, w) bool is surface that was never measured."""
        ...


class IdealSensor:
    """Reports every first hit as it is."""

    def resolves(self, z_m: np.ndarray, before_m: np.ndarray) -> np.ndarray:
        return z_m

    def observe(self, z_m: np.ndarray, fresh: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return z_m


@dataclass(frozen=True, eq=False)
class SensorModel:
    """The sensor of one capture, as its own depth tells; ideal where that depth is free of noise.

    depth: what was measured of it; pixel_rad: the angle of one pixel; floor_m: what it cannot tell apart
    softens: whether its blur also takes the edge, and with it some of the asked depth, off narrow relief
    """

    depth: DepthSensor
    pixel_rad: float
    floor_m: float
    softens: bool = False

    @classmethod
    def of(cls, z_m: np.ndarray, linked: np.ndarray, floor, pixel_rad: float) -> "SensorModel":
        """Measure depth (H, W) float32 m, NaN invalid; linked (H, W, 2) and floor as a Surface holds them."""
        return cls(measure_sensor(z_m, linked, floor, pixel_rad), pixel_rad, float(floor.at(floor.median_m)))

    @property
    def narrowest_px(self) -> float:
        """The narrowest steep gap that it looks into, pixels; 0 where it is not known to lose any return."""
        return NARROWEST if np.isfinite(self.depth.steepest) else 0.0

    def resolves(self, z_m: np.ndarray, before_m: np.ndarray) -> np.ndarray:
        if not (self.softens and self.depth.blur_px):
            return z_m
        gap = (3 * self.floor_m + STEP * self.pixel_rad * before_m).astype(np.float32)
        return self.depth.spread(z_m, before_m, gap)

    def observe(self, z_m: np.ndarray, fresh: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.depth.ideal:
            return z_m
        noisy = np.where(fresh, z_m + self.depth.grain(z_m.shape, rng), z_m) if fresh.any() else z_m
        measured = self.depth.rounded(noisy)
        blind = self.depth.blind(z_m, self.pixel_rad)
        return np.where(blind, np.float32(np.nan), measured) if blind.any() else measured
