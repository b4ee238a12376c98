"""What the commuting diagram is tried on: closed shapes, and machined parts from ../shared/data/cad."""

import math
import os
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import trimesh

import crossmodal as cm
from crossmodal.scanner import Lamp, Material, Mesh, Plane, rotation_about, scan

SIZE, MM_PER_PIXEL, FAR_M = 176, 0.25, 0.3
LAMP = Lamp()
PAINT, DIRT = Material(albedo=(0.45, 0.45, 0.45)), Material(albedo=(0.12, 0.07, 0.04))
PAPER = Material(albedo=(0.8, 0.8, 0.8))
"""What the object lies on: added matter has a colour only beside something white."""
TURN = rotation_about((1, 0.4, 0), 24) @ np.diag((1.0, -1.0, -1.0))
SHIFT = np.array((0.0008, -0.0012, FAR_M))
CAMERA = cm.Camera(SIZE, SIZE, FAR_M * 1e3 / MM_PER_PIXEL, FAR_M * 1e3 / MM_PER_PIXEL, SIZE / 2 - 0.3, SIZE / 2 + 0.2)
SAMPLES = 2
CREASE_DEG = 12


@dataclass(frozen=True, eq=False)
class Shape:
    """A solid in mm, z up, on white paper, before a camera that leans over it.

    normals: of its vertices where it is round all over; None finds creases
    """

    name: str
    solid: trimesh.Trimesh
    normals: np.ndarray | None = field(default=None, repr=False)

    @cached_property
    def mesh(self) -> Mesh:
        """The solid as the camera has it before it, in metres."""
        if self.normals is None:
            return placed(self.solid)
        return Mesh(self.solid.vertices * 1e-3, self.solid.faces, self.normals).placed(TURN, SHIFT)

    @cached_property
    def ground(self) -> Plane:
        foot = float(self.solid.bounds[0, 2])
        return Plane(SHIFT + TURN @ np.array((0, 0, foot * 1e-3)), TURN @ np.array((0.0, 0.0, 1.0)))

    @cached_property
    def before(self) -> cm.Capture:
        """The scan that every edit is imprinted in."""
        return self.seen((self.mesh,), (PAINT,))

    def seen(self, meshes, materials, camera=CAMERA) -> cm.Capture:
        """Meshes on the paper, scanned."""
        return scan((*meshes, self.ground), camera, LAMP, (*materials, PAPER), samples=SAMPLES, name=self.name)

    @cached_property
    def tells_the_light(self) -> bool:
        """Whether what is seen faces so many ways that brightness fixes a lamp and an ambient part: four unknowns."""
        normals = self.before.normals[self.before.surface.foreground].astype(float)
        basis = np.column_stack((np.ones(len(normals)), normals))
        return bool(np.linalg.eigvalsh(basis.T @ basis / len(basis))[0] > LEAST_TOLD)


LEAST_TOLD = 1e-3


def placed(solid: trimesh.Trimesh, crease_deg: float = CREASE_DEG) -> Mesh:
    """A solid in mm as a mesh before the camera, its normals smooth over edges flatter than a crease."""
    smooth = trimesh.graph.smooth_shade(solid, angle=math.radians(crease_deg))
    return Mesh(np.asarray(smooth.vertices) * 1e-3, smooth.faces, np.array(smooth.vertex_normals)).placed(TURN, SHIFT)


@lru_cache
def plate() -> Shape:
    """A plate with bevels all round, its top at z = 0: faces that tell where the light comes from."""
    top = [(x, y, 0) for x in (-13, 13) for y in (-11, 11)]
    foot = [(x, y, -8) for x in (-17, 17) for y in (-16, 16)]
    return Shape("bevelled plate", trimesh.convex.convex_hull(top + foot))


@lru_cache
def bar(radius: float = 25.0) -> Shape:
    """A round bar along x whose crest is at z = 0."""
    made = trimesh.creation.cylinder(radius=radius, height=34, sections=1440)
    made.apply_transform(trimesh.transformations.rotation_matrix(math.pi / 2, (0, 1, 0)))
    made.apply_translation((0, 0, -radius))
    return Shape("round bar", made)


@lru_cache
def ball(radius: float = 18.0) -> Shape:
    """A sphere whose top is at z = 0."""
    made = trimesh.creation.icosphere(subdivisions=6, radius=radius)
    normals = np.array(made.vertices) / radius
    made.apply_translation((0, 0, -radius))
    return Shape("sphere", made, normals)
