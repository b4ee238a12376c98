"""Cameras about an object: where each stands, and what a ring of them sees of one part in one light."""

import math
from dataclasses import replace

import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import Rig
from crossmodal.scanner.exposure import scan
from crossmodal.scanner.materials import Cast, Lamp, Material
from crossmodal.scanner.mesh import Mesh
from crossmodal.scanner.shapes import Plane
from rgb.light import Light

LEAN_DEG = 40.0  # how high the cameras stand over the table
FILLS = 0.9  # share of the picture that the part may take
FOV_DEG = 32.0
PAINT = Material((0.30, 0.33, 0.36), Cast(grain_mm=0.6, contrast=0.05, seed=4), specular=0.1, shininess=30)
TABLE = Material((0.13, 0.12, 0.11), Cast(grain_mm=0.7, contrast=0.1, seed=8))
POWER, AMBIENT_SHARE = 1.9, 0.25  # of the light on a face that looks into the lamp
LAMP_WORLD = (-0.45, -0.6, 1.0)
"""Towards the lamp, in the part's own frame, z up: it stays where it is as the cameras go round."""


def look_at(eye, target, up) -> np.ndarray:
    """T_world_camera (4, 4) of a camera at ``eye`` (3,) m that looks at ``target`` (3,), ``up`` (3,) upwards in the
    picture. Raises ValueError where it looks along up.
    """
    forward = np.asarray(target, np.float64) - eye
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-9:
        raise ValueError("up must not point along the view; give another direction")
    right = right / np.linalg.norm(right)
    T = np.eye(4)
    T[:3, :3] = np.stack((right, np.cross(forward, right), forward), 1)
    T[:3, 3] = eye
    return T


def ring(views: int, centre, radius_m: float, lean_deg: float = LEAN_DEG, first_deg: float = 0.0) -> tuple:
    """T_world_camera (4, 4) of cameras evenly round the z axis through ``centre``, all looking at it."""
    if views < 1:
        raise ValueError(f"views must be at least 1, but got {views}")
    lean = math.radians(lean_deg)
    poses = []
    for k in range(views):
        turn = math.radians(first_deg) + 2 * math.pi * k / views
        side = np.array((math.cos(lean) * math.cos(turn), math.cos(lean) * math.sin(turn), math.sin(lean)))
        poses.append(look_at(np.asarray(centre) + radius_m * side, centre, (0, 0, 1)))
    return tuple(poses)


def scan_ring(mesh: Mesh, views: int = 12, size: int = 320, *, lean_deg: float = LEAN_DEG, first_deg: float = 0.0,
              material: Material = PAINT, samples: int = 2) -> Rig:
    """A part that stands on a table, z up, as a ring of cameras scans it: a Rig in the mesh's own frame, its light
    known. size: pixels a side.
    """
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    centre, reach = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    focal = 0.5 * size / math.tan(math.radians(FOV_DEG / 2))
    distance = reach / (FILLS * math.sin(math.radians(FOV_DEG / 2)))
    camera = Camera(size, size, focal, focal, (size - 1) / 2, (size - 1) / 2)
    poses = ring(views, centre, distance, lean_deg, first_deg)
    # The scanner's noise would shade a table that the part's own foot coincides with.
    foot = np.array((*centre[:2], low[2] - 1e-5))
    seen = []
    for k, pose in enumerate(poses):
        there = np.linalg.inv(pose)
        lamp = Lamp(there[:3, :3] @ LAMP_WORLD, AMBIENT_SHARE * POWER, (1 - AMBIENT_SHARE) * POWER, softness_deg=4)
        table = Plane(there[:3, :3] @ foot + there[:3, 3], there[:3, 2])
        view = scan((mesh.placed(there[:3, :3], there[:3, 3]), table), camera, lamp, (material, TABLE),
                    samples=samples, name=f"{k:02d}")
        light = Light(tuple(float(x) for x in lamp.direction), AMBIENT_SHARE, 1 - AMBIENT_SHARE, 1.0,
                      material.specular, material.shininess)
        seen.append(replace(view, light=light))
    return Rig(tuple(seen), poses)
