"""What the depth sensor makes of new surface: the door for its noise, drop-out and flying pixels."""

from typing import Protocol

import numpy as np


class Sensor(Protocol):
    """A model of the sensor that took a capture, asked only about pixels whose surface changed."""

    def observe(self, z_m: np.ndarray, before_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Depth (h, w) float32 as measured, NaN no return, of first hits z_m where before_m was measured before."""
        ...


class IdealSensor:
    """Reports every first hit as it is."""

    def observe(self, z_m: np.ndarray, before_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return z_m
