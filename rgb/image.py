"""RgbImage: colour as seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class RgbImage:
    """pixels: uint8 (H, W, 3), sRGB, red first; kept as a read-only view. Errors: ValueError."""

    pixels: np.ndarray

    def __post_init__(self) -> None:
        pixels = self.pixels
        if (
            not isinstance(pixels, np.ndarray)
            or pixels.dtype != np.uint8
            or pixels.shape[2:] != (3,)
            or not pixels.size
        ):
            got = (
                f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
            )
            raise ValueError(f"rgb must be uint8 (H, W, 3), but got {got}")
        view = pixels.view()
        view.setflags(write=False)
        object.__setattr__(self, "pixels", view)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)"""
        return self.pixels.shape[:2]
