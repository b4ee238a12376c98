"""What the commuting diagram is tried on: closed shapes, and machined parts from ../shared/data/cad."""

import math
import os
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import trimesh
from commuting_mesh import Net

import crossmodal as cm
from crossmodal.scanner import Lamp, Material, Mesh, Plane, Scene, rotation_about, scan

SIZE, MM_PER_PIXEL, FAR_M = 176, 0.25, 0.3
LAMP, SKY = Lamp(), Lamp(sky_rays=24)
"""One lamp and even light from everywhere; and the same with a sky, which a cavity shuts out."""
PAINT, DIRT = Material(albedo=(0.45, 0.45, 0.45)), Material(albedo=(0.12, 0.07, 0.04))
PAPER = Material(albedo=(0.8, 0.79, 0.76))
"""What the object lies on: added matter has a colour only beside something white. It is a little warm, for a picture
that is grey all over is taken for that of a camera of one channel, and stays grey."""
GROUND = Material(albedo=(0.25, 0.24, 0.22))
"""What other tests lay it on: a grey table."""
TURN = rotation_about((1, 0.4, 0), 24) @ np.diag((1.0, -1.0, -1.0))
SHIFT = np.array((0.0008, -0.0012, FAR_M))
CAMERA = cm.Camera(SIZE, SIZE, FAR_M * 1e3 / MM_PER_PIXEL, FAR_M * 1e3 / MM_PER_PIXEL, SIZE / 2 - 0.3, SIZE / 2 + 0.2)
SAMPLES = 2
RAYS = 4  # a side of a pixel, by which its depth is measured
GAP = 8.0  # tangent of what is so steep between two pixels that they see two surfaces
CREASE_DEG = 12
LEAST_TOLD = 1e-3  # of the mean square of what a component of the light adds to the brightness seen


@dataclass(frozen=True, eq=False)
class Shape:
    """A solid in mm, z up, on white paper, before a camera that leans over it.

    normals: of its vertices where it is round all over; None finds creases
    """

    name: str
    solid: trimesh.Trimesh
    normals: np.ndarray | None = field(default=None, repr=False)
    lamp: Lamp = LAMP

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
        """The scan that edits are planned on, and imprinted in where they are wide."""
        return self.seen((self.mesh,), (PAINT,))

    @cached_property
    def by_area(self) -> cm.Capture:
        """The same by a sensor whose pixels see an area: fine edits are imprinted in this one (see ``measured``)."""
        return self.before.replaced(points=self.measured((self.mesh,)))

    def seen(self, meshes, materials, camera=CAMERA, by_area: bool = False) -> cm.Capture:
        """Meshes on the paper, scanned."""
        made = scan((*meshes, self.ground), camera, self.lamp, (*materials, PAPER), samples=SAMPLES, name=self.name)
        return made.replaced(points=self.measured(meshes, camera)) if by_area else made

    def measured(self, meshes, camera=CAMERA) -> np.ndarray:
        """(H, W, 3) float32 m: meshes on the paper as a sensor has them whose pixels see an area, on the rays through
        their middles.

        Of RAYS² rays over a pixel those are heard that meet the surface that most of them meet, the nearer on a tie,
        and their mean is its depth. Of what is narrower than a few pixels one ray would see crest or foot by chance.
        """
        scene, pixels = Scene((*meshes, self.ground)), camera.pixel_grid()
        side = (np.arange(RAYS) + 0.5) / RAYS - 0.5
        z = np.stack([scene.trace(camera.rays(pixels + np.array((dx, dy))))[0] for dx in side for dy in side])
        z.sort(0)
        surface = np.cumsum(np.diff(z, axis=0, prepend=z[:1]) > z * GAP / camera.fx, 0)
        count = np.stack([(surface == k).sum(0) for k in range(int(surface.max()) + 1)])
        heard = surface == np.argmax(count, 0)
        depth = np.where(heard, z, 0).sum(0) / heard.sum(0)
        return (camera.rays(pixels) * depth[..., None]).astype(np.float32)

    @cached_property
    def under_a_sky(self) -> "Shape":
        return replace(self, lamp=SKY)

    @cached_property
    def skin(self) -> "Shape":
        """What of it the camera sees, under a sky: where that is cut through, the paper shows and a wall is dark."""
        seen = np.einsum("ij,ij->i", self.mesh.face_normals, self.mesh.corners.mean(1)) < 0
        return _Skin(self.name, self.solid, self.normals, SKY, replace(self.mesh, faces=self.mesh.faces[seen]))

    @cached_property
    def tells_the_light(self) -> bool:
        """Whether what is seen faces so many ways that brightness fixes a lamp and an ambient part: four unknowns."""
        _, normals, index = Scene((self.mesh, self.ground)).trace(CAMERA.rays(CAMERA.pixel_grid()))
        seen = normals[index == 0]
        basis = np.column_stack((np.ones(len(seen)), seen * (seen @ self.lamp.direction > 0)[:, None]))
        return bool(np.linalg.eigvalsh(basis.T @ basis / len(basis))[0] > LEAST_TOLD)


@dataclass(frozen=True, eq=False)
class _Skin(Shape):
    """A shape of which only some faces are left."""

    mesh: Mesh = None


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
    made = trimesh.creation.cylinder(radius=radius, height=34, sections=480)
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


@dataclass(frozen=True)
class Part:
    """A CAD part: its file, how much it is scaled, how it is turned, what of it (mm) comes to the origin, and whether
    its facets stand for what is round."""

    file: str
    scale: float
    turn: np.ndarray
    centre: tuple[float, float, float] | None = None
    is_round: bool = False


PARTS = {
    "plate with holes": Part("plate_holes.STL", 0.6, rotation_about((1, 0, 0), 180), (46.0, -78.0, 0.0)),
    "bottle": Part("fuze.obj", 330.0, rotation_about((1, 0, 0), 90), (0.0, 16.0, 0.0), is_round=True),
}


@lru_cache
def part(name: str) -> Shape:
    """A machined part of ../shared/data/cad. Raises FileNotFoundError where that folder is not."""
    made, folder = PARTS[name], cad_folder()
    loaded = trimesh.load(folder / made.file, force="mesh", process=False)
    solid = trimesh.Trimesh(loaded.vertices * made.scale @ made.turn.T, loaded.faces, process=True)
    middle = 0.5 * (solid.bounds[0] + solid.bounds[1])
    solid.apply_translation(-np.array((*middle[:2], solid.bounds[1, 2])))
    if made.centre is not None:
        solid.apply_translation(-np.array(made.centre))
    return Shape(name, rounded(solid) if made.is_round else solid)


def rounded(solid: trimesh.Trimesh, times: int = 2) -> trimesh.Trimesh:
    """A solid with its facets halved so often, new corners on the arcs that the normals at the old ones call for
    (after Boubekeur & Alexa 2008, Phong Tessellation).

    Else its light, smooth over the facets, would be of another shape than its depth.
    """
    smooth = trimesh.graph.smooth_shade(solid, angle=math.radians(CREASE_DEG))
    net = Net(np.array(smooth.vertices), np.array(smooth.vertex_normals), np.array(smooth.faces))
    for _ in range(times):
        edges, of_face = net.edges()
        half = 0.5 * (net.points[edges[:, 1]] - net.points[edges[:, 0]])
        ends = net.normals[edges]
        lift = 0.25 * sum(sign * np.einsum("ei,ei->e", half, n)[:, None] * n
                          for sign, n in zip((-1, 1), ends.swapaxes(0, 1), strict=True))
        net = net.split(np.ones(len(edges), bool), edges, of_face)
        # Both sides of a crease go with the one that goes farther, or the solid would gape there.
        _, place = np.unique(np.round(net.points[-len(edges):], 9), axis=0, return_inverse=True)
        order = np.lexsort((np.linalg.norm(lift, axis=1), place.ravel()))
        last = order[np.cumsum(np.bincount(place.ravel())) - 1]
        net.points[-len(edges):] += lift[last[place.ravel()]]
    return trimesh.Trimesh(net.points, net.faces, process=True)


def cad_folder() -> Path:
    shared = Path(os.environ.get("CROSSMODAL_SHARED", Path(__file__).parents[1] / ".." / "shared"))
    return shared / "data" / "cad"
