"""Analytic captures for tests: their geometry is known in closed form, their light and matter are too."""

from functools import lru_cache

import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import Capture
from crossmodal.scanner import Box, Cast, Cylinder, Lamp, Material, Plane, Sphere, Step, rotation_about, scan

LAMP = Lamp(direction=(-0.5, -0.4, -0.75), ambient=0.3, diffuse=0.7)
MATERIAL = Material((0.45, 0.43, 0.40), Cast(contrast=0.05, seed=1))
PLAIN = Material((0.45, 0.43, 0.40))


def toy_camera(size: int = 160, z_m: float = 0.3, mm_per_pixel: float = 0.25) -> Camera:
    """A square pinhole that sees ``mm_per_pixel`` at ``z_m``."""
    focal = z_m * 1000 / mm_per_pixel
    return Camera(size, size, focal, focal, (size - 1) / 2, (size - 1) / 2)


def tilted(tilt_deg: float, about=(0.0, 1.0, 0.0)) -> np.ndarray:
    """The unit normal (3,) of a plane that faces the camera, turned by ``tilt_deg`` about an axis."""
    return rotation_about(about, tilt_deg) @ np.array((0.0, 0.0, -1.0))


@lru_cache
def plane(z_m: float = 0.3, size: int = 160, mm_per_pixel: float = 0.25, textured: bool = True) -> Capture:
    """A plane square to the camera's axis."""
    return tilted_plane(0.0, z_m, size, mm_per_pixel, textured)


@lru_cache
def tilted_plane(tilt_deg: float, z_m: float = 0.3, size: int = 160, mm_per_pixel: float = 0.25,
                 textured: bool = True, about=(0.0, 1.0, 0.0)) -> Capture:
    """A plane through (0, 0, z_m), tilted about the camera's y axis unless told."""
    return scan(Plane((0, 0, z_m), tilted(tilt_deg, about)), toy_camera(size, z_m, mm_per_pixel), LAMP,
                MATERIAL if textured else PLAIN, name=f"plane tilted by {tilt_deg:g}")


@lru_cache
def sphere(radius_m: float = 0.03, z_m: float = 0.3, size: int = 160, mm_per_pixel: float = 0.25,
           wall: bool = True) -> Capture:
    """A sphere whose nearest point is at z_m, before a wall unless told."""
    shapes = [Sphere((0, 0, z_m + radius_m), radius_m)]
    shapes += [Plane((0, 0, z_m + 2 * radius_m), (0, 0, -1))] * wall
    return scan(shapes, toy_camera(size, z_m, mm_per_pixel), LAMP, MATERIAL, name="sphere")


@lru_cache
def cylinder(radius_m: float = 0.025, z_m: float = 0.3, size: int = 160, mm_per_pixel: float = 0.25,
             turn_deg: float = 20.0) -> Capture:
    """An endless cylinder across the picture, turned in its plane, before a wall."""
    axis = rotation_about((0, 0, 1), turn_deg) @ np.array((1.0, 0, 0))
    wall = Plane((0, 0, z_m + 2 * radius_m), (0, 0, -1))
    return scan([Cylinder((0, 0, z_m + radius_m), axis, radius_m), wall],
                toy_camera(size, z_m, mm_per_pixel), LAMP, MATERIAL, name="cylinder")


@lru_cache
def step(jump_m: float = 0.01, z_m: float = 0.3, size: int = 160, mm_per_pixel: float = 0.25) -> Capture:
    """A step down from left to right through the middle of the picture."""
    return scan(Step((0, 0, z_m), (0, 0, -1), (1, 0, 0), jump_m), toy_camera(size, z_m, mm_per_pixel), LAMP,
                MATERIAL, name="step")


@lru_cache
def box(z_m: float = 0.3, size: int = 160, mm_per_pixel: float = 0.25, holes: bool = True) -> Capture:
    """A turned box before a wall; with ``holes`` a patch on its face has colour but no depth."""
    turn = rotation_about((1, 0.4, 0), 28)
    wall = Plane((0, 0, z_m + 0.03), (0, 0, -1))
    capture = scan([Box((0, 0, z_m + 0.012), (0.013, 0.009, 0.008), turn), wall],
                   toy_camera(size, z_m, mm_per_pixel), LAMP, MATERIAL, name="box")
    if not holes:
        return capture
    points = capture.points.copy()
    a, b = int(size * 0.40), int(size * 0.46)
    points[a:b, a:b + 3] = np.nan
    return capture.replaced(points=points)
