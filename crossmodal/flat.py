"""A picture alone, as a Capture of a flat part: its points are assumed, not measured, so that relief can be relit."""

import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import Capture
from rgb.estimate import estimate_light
from rgb.light import Light

UPPER_LEFT = (-0.5, -0.5, -0.7)
"""Where a lamp is taken to stand if nobody says; people read relief in pictures so (Ramachandran 1988)."""
LONG = 4.0  # focal length in picture sides: nearly parallel rays, as an inspection lens has them


def flat_capture(rgb: np.ndarray, mm_per_pixel: float, light: tuple[float, float, float] = UPPER_LEFT,
                 name: str = "") -> Capture:
    """A plane square to the camera behind every pixel of rgb (H, W, 3) uint8.

    mm_per_pixel: across the plane, everywhere. light: towards the lamp, camera axes (+x right, +y down, +z into the
    picture), as a plane does not tell it. The points are what is assumed; write no file of them as measured.
    Errors: ValueError for a scale that is not above 0, or no direction.
    """
    return flat_in(rgb, mm_per_pixel, name).lit_by(lamp(light))


def flat_in(rgb: np.ndarray, mm_per_pixel: float, name: str = "") -> Capture:
    """The same in a light that nothing tells of."""
    camera = flat_camera(rgb.shape, mm_per_pixel)
    return Capture.from_depth(rgb, np.full(rgb.shape[:2], distance_m(camera, mm_per_pixel), np.float32), camera, name)


def flat_camera(shape: tuple[int, ...], mm_per_pixel: float) -> Camera:
    """A pinhole for pictures (H, W) that sees nearly parallel rays. Errors: ValueError."""
    if not 0 < mm_per_pixel < np.inf:
        raise ValueError(f"mm per pixel must be above 0, but got {mm_per_pixel}")
    height, width = shape[:2]
    focal = LONG * max(height, width)
    return Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)


def distance_m(camera: Camera, mm_per_pixel: float) -> float:
    """How far a plane stands of which a pixel sees so much."""
    return camera.fx * mm_per_pixel * 1e-3


def lamp(towards: tuple[float, float, float]) -> Light:
    """A lamp in a usual room whose direction somebody says. Errors: ValueError for none."""
    length = float(np.linalg.norm(towards))
    if not 0 < length < np.inf:
        raise ValueError(f"the direction of a light must be a vector x, y, z, but got {towards}")
    return estimate_light((None,), np.asarray(towards, np.float64) / length)
