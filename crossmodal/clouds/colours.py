"""A point's colour under an edit, in linear light: what crossmodal.recolour does to a pixel, without a light."""

import numpy as np

import rgb as rgb_room
from crossmodal.edit import Sample
from crossmodal.recolour import WHITE


def tinted(colours: np.ndarray, sample: Sample, white: float) -> np.ndarray:
    """(n, 3) uint8 of points with colours (n, 3) uint8 under a sample of n places; white: linear light of white matter.

    Nobody knows in what light a cloud's colours were taken: they are changed as its matter is, and not relit.
    """
    if sample.albedo is None and sample.whitening is None and sample.cover is None:
        return colours
    linear = rgb_room.to_linear(np.ascontiguousarray(colours[None]))[0].astype(np.float64)
    if sample.albedo is not None:
        linear = linear * sample.albedo
    if sample.whitening is not None:
        scattered = WHITE * linear.max(1, keepdims=True)
        linear = linear + sample.whitening[:, None] * (scattered - linear)
    if sample.cover is not None:
        linear = (1 - sample.cover[:, 3:]) * linear + white * sample.cover[:, :3]
    return rgb_room.to_srgb(np.clip(linear, 0, 1).astype(np.float32)[None])[0]
