"""The part in the pictures: a painted housing on a table, made of formulas, so that it needs no file."""

from functools import lru_cache

import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import Capture
from crossmodal.scanner.exposure import scan
from crossmodal.scanner.materials import Brushed, Cast, Lamp, Material, Painted
from crossmodal.scanner.shapes import Plane, rotation_about
from crossmodal.scanner.solid import Part, Solid

MM_PER_PIXEL = 0.25
_Z_M = 0.40


def housing_camera(width: int = 480, height: int = 360) -> Camera:
    """A pinhole that sees 0.25 mm a pixel at 0.40 m."""
    focal = _Z_M * 1000 / MM_PER_PIXEL
    return Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)


def _mm(*values):
    return tuple(v / 1000 for v in values)


def housing() -> tuple[Solid, Solid, Plane]:
    """The body, its four screws and the table, in camera axes; the body's own +z points out of its lid."""
    turn = rotation_about((1, 0, 0), -24) @ rotation_about((0, 0, 1), -9) @ rotation_about((1, 0, 0), 180)
    centre = np.array((0.0, -0.001, _Z_M))
    body = (
        Part("box", _mm(0, 0, -14), _mm(48, 32, 14), edge=0.005),
        # a lid that bulges by 1.4 mm over its length
        Part("box", _mm(0, 0, -4), _mm(30, 25.5, 8), edge=0.006, blend=0.003),
        Part("sphere", _mm(0, 0, -315), _mm(319, 0, 0), join="keep", blend=0.002),
        Part("slot", _mm(0, -18.5, 4.2), _mm(13, 2.2, 1.6), join="cut", edge=0.0004, blend=0.0009),
        Part("cylinder", _mm(39, 23, -5), _mm(6.4, 6.2, 0), edge=0.001, blend=0.004, fourfold=True),
        Part("cylinder", _mm(39, 23, 2), _mm(4.1, 2.6, 0), join="cut", blend=0.0005, fourfold=True),
    )
    screws = (
        Part("cylinder", _mm(39, 23, -0.9), _mm(3.5, 1.6, 0), edge=0.0007, fourfold=True),
        Part("cylinder", _mm(39, 23, 0.9), _mm(1.5, 1.3, 0), join="cut", blend=0.0003, fourfold=True),
    )
    table = Plane(centre + turn @ np.array((0, 0, -0.028)), turn @ np.array((0, 0, 1.0)))
    return Solid(body, turn, centre), Solid(screws, turn, centre), table


@lru_cache(maxsize=2)
def showcase(width: int = 480, height: int = 360) -> Capture:
    """A painted metal housing of 96 × 64 mm under one lamp, 0.25 mm a pixel, without noise."""
    body, screws, table = housing()
    lamp = Lamp(direction=(-0.84, -0.22, -0.36), ambient=0.32, diffuse=1.9, softness_deg=5, sky_rays=36,
                colour=(1.0, 0.97, 0.92))
    paint = Material((0.045, 0.19, 0.27), Painted(contrast=0.07, seed=3), specular=0.2, shininess=90,
                     mirror=0.12)
    steel = Material((0.33, 0.33, 0.34), Brushed(seed=5), specular=0.6, shininess=30, mirror=0.4)
    desk = Material((0.27, 0.245, 0.215), Cast(grain_mm=0.5, contrast=0.13, seed=8))
    return scan((body, screws, table), housing_camera(width, height), lamp, (paint, steel, desk), samples=2,
                name="housing")
