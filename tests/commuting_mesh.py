"""A mesh edited by a plan's field: split finely where the defect is, its vertices moved, its matter coloured.

Of the two ways round the diagram this one shares the field with the other, and nothing of how it is seen: no pixel,
no node, no z-buffer, no estimated light.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

import crossmodal as cm
from crossmodal.projection import Projection
from crossmodal.scanner import Material, Mesh

STEP_MM = 0.08  # length of an edge where the defect is: a third of a pixel
COARSE_MM = 0.6  # where it may be
HALVINGS = 8  # with which the rim of what is gone is found on an edge
WHITE = 1.5  # broken matter scatters more than the brightest channel of what it was
NEAREST = 3
ALIKE = 0.999  # cosine of a turn (2.6 degrees) that changes no way


@dataclass(frozen=True, eq=False)
class Net:
    """Triangles (F, 3) over points (V, 3) m with normals (V, 3), in the camera's axes."""

    points: np.ndarray
    normals: np.ndarray
    faces: np.ndarray

    @classmethod
    def of(cls, mesh: Mesh) -> "Net":
        if mesh.normals is None:
            raise ValueError("a mesh needs vertex normals to carry a defect")
        return cls(np.array(mesh.vertices), np.array(mesh.normals), np.array(mesh.faces))

    def edges(self):
        """(E, 2) vertex pairs, low first, and (F, 3) which of them each face has after its corners 0, 1 and 2."""
        pairs = np.sort(self.faces[:, ((0, 1), (1, 2), (2, 0))].reshape(-1, 2), 1)
        key = pairs[:, 0] * len(self.points) + pairs[:, 1]
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        return pairs[first], number.reshape(-1, 3)

    def split(self, marked: np.ndarray, edges: np.ndarray, of_face: np.ndarray, share=0.5) -> "Net":
        """With a new vertex on every marked edge (E,), at a share of its way; neighbours stay joined."""
        ends = edges[marked]
        share = np.broadcast_to(np.asarray(share, float)[..., None], (len(ends), 1))
        points = (1 - share) * self.points[ends[:, 0]] + share * self.points[ends[:, 1]]
        normals = (1 - share) * self.normals[ends[:, 0]] + share * self.normals[ends[:, 1]]
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        new = np.full(len(edges), -1)
        new[marked] = len(self.points) + np.arange(len(ends))
        middles = new[of_face]
        count = (middles >= 0).sum(1)
        faces = [self.faces[count == 0]]
        one, two, three = (_turned(self.faces, middles, count == n) for n in (1, 2, 3))
        (a, b, c), (m, _, _) = one
        faces += [np.stack(f, 1) for f in ((a, m, c), (m, b, c))]
        (a, b, c), (m, n, _) = two
        faces += [np.stack(f, 1) for f in ((m, b, n), (a, m, n), (a, n, c))]
        (a, b, c), (m, n, o) = three
        faces += [np.stack(f, 1) for f in ((a, m, o), (m, b, n), (o, n, c), (m, n, o))]
        return Net(np.concatenate((self.points, points)), np.concatenate((self.normals, normals)),
                   np.concatenate(faces))

    def refined(self, near, longest_mm: float) -> "Net":
        """Split until no edge of a face whose ball (centre (F, 3) m, radius (F,) m) is near is longer than this."""
        net = self
        for _ in range(20):
            corners = net.points[net.faces]
            centre = corners.mean(1)
            close = near(centre, np.linalg.norm(corners - centre[:, None], axis=2).max(1))
            edges, of_face = net.edges()
            long = np.linalg.norm(net.points[edges[:, 0]] - net.points[edges[:, 1]], axis=1) > 1e-3 * longest_mm
            asked = np.zeros(len(edges), bool)
            asked[of_face[close]] = True
            if not (asked & long).any():
                return net
            net = net.split(asked & long, edges, of_face)
        return net


def _turned(faces, middles, which):
    """Corners and edge vertices of some faces, turned so that an edge without one comes last, with one first."""
    faces, middles = faces[which], middles[which]
    split = middles >= 0
    first = np.where(split.all(1), 0, np.argmax(split & ~np.roll(split, 1, 1), 1))
    order = (first[:, None] + np.arange(3)) % 3
    return np.take_along_axis(faces, order, 1).T, np.take_along_axis(middles, order, 1).T


@dataclass(frozen=True, eq=False)
class Coloured:
    """Albedo (N, 3) at points (N, 3) mm: that of the vertices nearby, the paint's (3,) where none is."""

    tree: cKDTree
    albedo: np.ndarray
    paint: np.ndarray

    def __call__(self, points_mm):
        far, nearest = self.tree.query(points_mm, k=NEAREST)
        weight = 1 / (far + 1e-9)
        mean = (weight[..., None] * self.albedo[nearest]).sum(1) / weight.sum(1)[:, None]
        return np.where(far[:, :1] < 2 * STEP_MM, mean, self.paint)


def edited(mesh: Mesh, edit: cm.SurfaceEdit, paint: Material) -> tuple[Mesh, Material]:
    """The mesh after an edit, and what it is made of then."""
    net = _fine(Net.of(mesh), edit)
    sample = edit(net.points, net.normals)
    if sample.underside_mm is not None and (sample.underside_mm > 0).any():
        return _laid(net, edit, sample, paint)
    rim = None
    if sample.removed is not None and sample.removed.any():
        net, rim = _opened(net, edit, sample.removed)
        sample = edit(net.points, net.normals)
    moved = net.points + 1e-3 * sample.displacement_mm[:, None] * _ways(net, edit, sample.displacement_mm != 0)
    albedo = _albedo(np.asarray(paint.albedo, float), sample)
    normals = net.normals + _mean_normals(moved, net.faces) - _mean_normals(net.points, net.faces)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    faces, told = net.faces, sample.support
    told = told | np.isin(np.arange(len(moved)), faces[told[faces].any(1)])
    if rim is not None:
        foot = edit(rim.beyond, net.normals[rim.edges.ravel()])
        down = rim.beyond + 1e-3 * foot.displacement_mm[:, None] * net.normals[rim.edges.ravel()]
        wall, wall_faces = _wall(moved[rim.edges], down.reshape(-1, 2, 3))
        faces = np.concatenate((faces, wall_faces + len(moved)))
        moved, normals = np.concatenate((moved, wall)), np.concatenate((normals, _mean_normals(wall, wall_faces)))
        fresh = _albedo(np.asarray(paint.albedo, float), foot)
        albedo, told = np.concatenate((albedo, fresh, fresh)), np.concatenate((told, np.ones(len(wall), bool)))
    if (albedo[told] == paint.albedo).all():
        return Mesh(moved, faces, normals), paint
    return (Mesh(moved, faces, normals),
            replace(paint, albedo=(1, 1, 1), texture=Coloured(cKDTree(moved[told] * 1e3), albedo[told], paint.albedo)))


def _laid(net: Net, edit: cm.SurfaceEdit, sample, paint: Material) -> tuple[Mesh, Material]:
    """The mesh as it was, and over it a body of matter with a top and an underside."""
    n, ways = len(net.points), _ways(net, edit, sample.displacement_mm != 0)
    high = sample.displacement_mm > 0
    body = net.faces[high[net.faces].all(1)]
    top, under = (net.points + 1e-3 * mm[:, None] * ways for mm in (sample.displacement_mm, sample.underside_mm))
    points = np.concatenate((net.points, top, under))
    faces = np.concatenate((net.faces, body + n, body[:, ::-1] + 2 * n))
    normals = np.concatenate((net.normals, _mean_normals(points, faces)[n:]))
    paints = np.broadcast_to(np.asarray(paint.albedo, float), (n, 3))
    matter = _albedo(np.asarray(paint.albedo, float), sample)
    near = np.isin(np.arange(n), net.faces[np.isin(net.faces, body).any(1)])  # the ground that the body may touch
    told = np.concatenate((near, near & high, near & high))
    albedo = np.concatenate((paints, matter, matter))[told]
    return (Mesh(points, faces, normals),
            replace(paint, albedo=(1, 1, 1), texture=Coloured(cKDTree(points[told] * 1e3), albedo, paint.albedo)))


def _fine(net: Net, edit: cm.SurfaceEdit) -> Net:
    """The net with short edges where the edit may do something."""
    anchor = edit.patch.anchor_m
    if isinstance(edit.patch, Projection):
        return net.refined(lambda centre, radius: np.ones(len(centre), bool), COARSE_MM)
    reach = 1e-3 * (1.1 * edit.field.reach_mm + COARSE_MM)
    net = net.refined(lambda centre, radius: np.linalg.norm(centre - anchor, axis=1) - radius < reach, COARSE_MM)

    def near(centre, radius):
        close = np.linalg.norm(centre - anchor, axis=1) - radius < reach
        at = edit.patch.coordinates(centre[close])
        close[close] = edit.field.near(at[:, 0], at[:, 1], 1e3 * radius[close].max(initial=0))
        return close

    return net.refined(near, STEP_MM)


def _ways(net: Net, edit: cm.SurfaceEdit, moves: np.ndarray) -> np.ndarray:
    """The ways (V, 3) in which vertices move: matter as wide as a quarter of the finest feature to either side goes
    as one piece, counted as the camera sees it."""
    if isinstance(edit.patch, Projection):
        return np.broadcast_to(edit.patch.normal, net.points.shape)
    pixel = edit.patch.surface.mm_per_pixel
    side = 2 * round(0.25 * edit.field.finest_mm / pixel) + 1
    turned = net.normals[moves] @ edit.patch.normal < ALIKE
    if side < 3 or not turned.any():
        return net.normals
    reach = 0.5e-3 * side * pixel * 2 / np.sqrt(np.pi)
    corners = net.points[net.faces]
    centre = corners.mean(1)
    shown = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # Each face counts by the area that the camera sees of it; those of a small cell count together.
    shown *= np.maximum(-np.einsum("ij,ij->i", _unit(shown), _unit(centre)), 0)[:, None]
    _, cell = np.unique(np.floor(centre / (0.3 * reach)).astype(int), axis=0, return_inverse=True)
    middle, total = (np.stack([np.bincount(cell, values[:, i]) for i in range(3)], 1) for values in (centre, shown))
    middle /= np.bincount(cell)[:, None]
    far, beside = cKDTree(middle).query(net.points[moves], k=48, distance_upper_bound=reach)
    mean = np.where(np.isfinite(far)[..., None], total[np.minimum(beside, len(middle) - 1)], 0).sum(1)
    ways = net.normals.copy()
    ways[moves] = np.where(np.abs(mean).max(1, keepdims=True) > 0, _unit(mean), ways[moves])
    return ways


def _unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)


@dataclass(frozen=True, eq=False)
class Rim:
    """Where surface ends: edges (E, 2) of vertices, and for each end (2 E, 3) m the place just beyond it."""

    edges: np.ndarray
    beyond: np.ndarray


def _opened(net: Net, edit: cm.SurfaceEdit, removed: np.ndarray) -> tuple[Net, Rim]:
    """The net cut along the line where the surface begins to be gone, without what is gone."""
    edges, of_face = net.edges()
    cut = removed[edges[:, 0]] != removed[edges[:, 1]]
    kept, gone = edges[cut].T
    kept, gone = np.where(removed[kept], gone, kept), np.where(removed[kept], kept, gone)
    low, high = np.zeros(len(kept)), np.ones(len(kept))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        there = net.points[kept] + middle[:, None] * (net.points[gone] - net.points[kept])
        out = edit(there, net.normals[kept]).removed
        low, high = np.where(out, low, middle), np.where(out, middle, high)
    beyond = net.points[kept] + high[:, None] * (net.points[gone] - net.points[kept])
    before = len(net.points)
    opened = net.split(cut, edges, of_face, np.where(kept == edges[cut][:, 0], low, 1 - low))
    left = opened.faces[~np.append(removed, np.zeros(cut.sum(), bool))[opened.faces].any(1)]
    around = np.concatenate([left[:, (k, (k + 1) % 3)] for k in range(3)])
    around = around[(around >= before).all(1)]
    twice = {(b, a) for a, b in map(tuple, around)}
    rim = np.array([edge for edge in map(tuple, around) if edge not in twice])
    return Net(opened.points, opened.normals, left), Rim(rim, beyond[rim.ravel() - before])


def _wall(top: np.ndarray, foot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (4 E, 3) and faces (2 E, 3) between edges (E, 2, 3) and those below them."""
    k = 2 * np.arange(len(top))[:, None]
    below = 2 * len(top) + k
    faces = np.concatenate((np.hstack((k, below, k + 1)), np.hstack((k + 1, below, below + 1))))
    return np.concatenate((top.reshape(-1, 3), foot.reshape(-1, 3))), faces


def _mean_normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals of the faces about each vertex, by area; zero where there is none."""
    a, b, c = points[faces].swapaxes(0, 1)
    across = np.cross(b - a, c - a)
    total = np.stack([sum(np.bincount(faces[:, k], across[:, i], len(points)) for k in range(3)) for i in range(3)], 1)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)


def _albedo(paint: np.ndarray, sample) -> np.ndarray:
    """Reflectance (V, 3) of paint (3,) where a sample changed it: gain, then whitening, then what lies upon it."""
    albedo = np.broadcast_to(paint, (len(sample.displacement_mm), 3)).copy()
    if sample.albedo is not None:
        albedo *= sample.albedo
    if sample.whitening is not None:
        albedo += sample.whitening[:, None] * (WHITE * albedo.max(1, keepdims=True) - albedo)
    if sample.cover is not None:
        albedo = (1 - sample.cover[:, 3:]) * albedo + sample.cover[:, :3]
    return albedo
