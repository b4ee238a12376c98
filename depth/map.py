"""DepthMap: how far the scene is, along the camera's axis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class DepthMap:
    """z_m: float32 (H, W), z (not distance) in metres, NaN = no return; kept as a read-only view. Errors:
    ValueError.
    """

    z_m: np.ndarray

    def __post_init__(self) -> None:
        z = self.z_m
        if not isinstance(z, np.ndarray) or z.dtype != np.float32 or z.ndim != 2 or not z.size:
            got = f"{z.dtype} {z.shape}" if isinstance(z, np.ndarray) else type(z).__name__
            raise ValueError(f"depth must be float32 (H, W), but got {got}")
        with np.errstate(invalid="ignore"):
            bad = (z <= 0) | np.isinf(z)
        if bad.any():
            raise ValueError(
                f"depth must be above 0 and finite, or NaN, but got {z[bad][0]} ({bad.sum()} such pixels)"
            )
        view = z.view()
        view.setflags(write=False)
        object.__setattr__(self, "z_m", view)

    @property
    def valid(self) -> np.ndarray:
        """bool (H, W): where there was a return."""
        return ~np.isnan(self.z_m)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)"""
        return self.z_m.shape

    @classmethod
    def from_raw(
        cls, values: np.ndarray, unit_m: float = 1.0, invalid_codes: Iterable[float] = (0,)
    ) -> DepthMap:
        """From a sensor's numbers, integer or float (H, W): times `unit_m` they are metres; the codes, NaN
        and infinities mean no return. Errors: ValueError (not (H, W), a unit that is not positive, a negative
        depth).
        """
        values = np.asarray(values)
        if values.ndim != 2 or values.dtype.kind not in "iuf":
            raise ValueError(f"depth must be numbers (H, W), but got {values.dtype} {values.shape}")
        if not (np.isfinite(unit_m) and unit_m > 0):
            raise ValueError(f"unit_m must be above 0, but got {unit_m}")
        void = ~np.isfinite(values) | np.isin(values, list(invalid_codes))
        metres = values.astype(np.float64) * unit_m  # one rounding, to float32, at the end
        metres[void] = np.nan
        return cls(metres.astype(np.float32))
