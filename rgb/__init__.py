"""Colour as seen, sRGB uint8 (H, W, 3): a value, its files, its shading and its noise."""

from rgb.files import read_mask, read_rgb, write_mask, write_rgb
from rgb.grain import NO_GRAIN, Grain, measure_grain
from rgb.image import RgbImage
from rgb.noise import noise_levels
from rgb.shading import relight, tint, to_linear, to_srgb

ROOM_OF = "crossmodal-anomaly"

__all__ = [
    "NO_GRAIN",
    "ROOM_OF",
    "Grain",
    "RgbImage",
    "measure_grain",
    "noise_levels",
    "read_mask",
    "read_rgb",
    "relight",
    "tint",
    "to_linear",
    "to_srgb",
    "write_mask",
    "write_rgb",
]
