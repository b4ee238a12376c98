"""What becomes of each node's light and colour when a field moves and colours it."""

from dataclasses import replace

import numpy as np
from numba import njit

from crossmodal.edit import Sample
from crossmodal.relight import along, glint, shading_ratio, shine
from crossmodal.surface import Surface

WET = 60.0  # shininess of what is wet


def light_gain(surface: Surface, sample: Sample, smooth, at, normal, state, fine, occlusion: float) -> np.ndarray:
    """What becomes of the light of each node, whose surface was at ``smooth`` and whose matter moves from ``at``."""
    camera, light = surface.camera, surface.light
    moves, film = sample.displacement_mm.any(), sample.gloss is not None
    ratio = np.ones(state.shape, np.float32)
    if moves or film:
        moved = along(at, normal, state, sample.displacement_mm)
    if moves:
        ratio = shading_ratio(light, smooth, normal, state, sample.displacement_mm, (camera.fx, camera.fy), fine, moved,
                              occlusion)
    white = np.zeros_like(ratio) if sample.whitening is None else sample.whitening
    shiny = light.specular > 0  # whether or not anything moves here: tiles of one window have the same channels
    albedo = np.empty((0, 0, 3), np.float32) if sample.albedo is None else sample.albedo
    gain = _spread(state, ratio, white, albedo, 4 + (2 if shiny or film else 0) + (0 if sample.cover is None else 4))
    if shiny and moves:
        gain[..., 4:6] = shine(light, smooth, moved, state, sample.displacement_mm)
    if film:
        wet = replace(light, specular=1.0, shininess=WET)
        gain[..., 5] += glint(wet, moved, state) * sample.gloss
    if sample.cover is not None:
        # Matter stands in the light of its place; its share hides what is beneath.
        at = np.flatnonzero((sample.cover[..., 3] > 0) & (state > 0))
        facing = light.shading(normal.reshape(-1, 3)[at])
        shade = 1 + light.confidence * (facing - 1)
        cover, told = sample.cover.reshape(-1, 4)[at], gain.reshape(-1, gain.shape[-1])
        told[at, -4:-1] = (told[at, 0] * shade)[:, None] * cover[:, :3]
        told[at, -1] = cover[:, 3]
    return gain


@njit(cache=True, nogil=True)
def _spread(state, ratio, white, albedo, channels):
    gain = np.zeros((*ratio.shape, channels), np.float32)
    for y in range(ratio.shape[0]):
        for x in range(ratio.shape[1]):
            if not state[y, x]:
                continue
            for c in range(3):
                gain[y, x, c] = ratio[y, x] * albedo[y, x, c] if albedo.size else ratio[y, x]
            gain[y, x, 3] = white[y, x]
    return gain
