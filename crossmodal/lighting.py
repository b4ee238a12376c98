"""The light that a capture stands in, and that captures of one rig share."""

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

import rgb as rgb_room
from crossmodal.capture import Capture
from rgb.estimate import estimate_light
from rgb.light import Light
from rgb.witnesses import Witnesses

ALIKE = 0.05  # share by which the focal lengths of one camera, each found by itself, may differ
DIGITS = 6  # of a shared light: what hangs on how a library sums is not in them


def witnesses(rgb: np.ndarray, points: np.ndarray, normals: np.ndarray, foreground: np.ndarray,
              rgb_floor: float) -> Witnesses | None:
    """What a picture (H, W, 3) uint8 tells of its light, given what it shows; None where that is too little."""
    step = 2 if rgb.shape[0] * rgb.shape[1] > 250_000 else 1
    linear = rgb_room.to_linear(np.ascontiguousarray(rgb[::step, ::step]))
    if step == 1:
        linear = cv2.blur(linear, (3, 3))
    return Witnesses.of(linear, normals[::step, ::step], foreground[::step, ::step], noise=rgb_floor / 255 / 12,
                        points=points[::step, ::step])


def same_camera(one: Capture, other: Capture) -> bool:
    """Whether two captures can be of one rig: their pictures' size and, nearly, their focal length."""
    a, b = one.camera, other.camera
    return one.shape == other.shape and abs(a.fx / b.fx - 1) < ALIKE and abs(a.fy / b.fy - 1) < ALIKE


def pool_light(captures: Iterable[Capture], towards: np.ndarray | None = None) -> Light:
    """The light that captures of one rig stand in, found in all of them at once; each keeps its own albedos.

    captures: of a camera and a lamp that stand still; they are read one at a time
    towards: (3,) towards the lamp, camera axes, where somebody knows it; then only its strength is fitted
    Parts that lie in many poses show many directions together, where each alone shows few. A capture stands in it by
    ``capture.lit_by(light)``. Errors: ValueError for no capture, for captures of several cameras, no direction.
    """
    if towards is not None:
        length = float(np.linalg.norm(towards))
        if not 0 < length < np.inf:
            raise ValueError(f"the direction of a light must be a vector x, y, z, but got {towards}")
        towards = np.asarray(towards, np.float64) / length
    first, told = None, []
    for capture in captures:
        first = first or capture
        if not same_camera(first, capture):
            raise ValueError(f"{capture.name or 'a capture'} is not by the camera of {first.name or 'the first'}; "
                             "captures that share a light are of one rig")
        surface = capture.surface
        told.append(witnesses(capture.rgb, surface.points, surface.normals, surface.foreground, surface.rgb_floor))
    if first is None:
        raise ValueError("a light is pooled from at least one capture, but got none")
    return _rounded(estimate_light(told, towards))


def _rounded(light: Light) -> Light:
    return replace(light, direction=tuple(round(x, DIGITS) for x in light.direction),
                   sky=tuple(round(x, DIGITS) for x in light.sky),
                   **{name: round(getattr(light, name), DIGITS)
                      for name in ("ambient", "diffuse", "confidence", "specular", "shininess", "doubt_deg")})
