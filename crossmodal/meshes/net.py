"""A mesh whose triangles know their neighbours: split where it must be fine, and stays joined.

A point belongs to every triangle about it, so that what moves it tears nothing; a normal and a colour belong to a
corner of one triangle, so that a sharp edge stays sharp and a seam of colour a seam.
"""

import math
from dataclasses import dataclass

import numpy as np

from crossmodal.scanner.mesh import Mesh

CREASE_DEG = 30.0  # edges flatter than this are shaded as round
ROUNDS = 40  # of halving: enough for edges of a metre and steps of a nanometre
_PATTERNS = {1: ((0, 3, 2), (3, 1, 2)), 2: ((3, 1, 4), (0, 3, 4), (0, 4, 2)),
             3: ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5))}
"""Triangles that one with so many split edges falls into; 3, 4 and 5 lie after its corners 0, 1 and 2."""


@dataclass(frozen=True, eq=False)
class Net:
    """points (V, 3) m, each once; faces (F, 3); normals and colours or None (F, 3, 3) of the faces' corners."""

    points: np.ndarray
    faces: np.ndarray
    normals: np.ndarray
    colours: np.ndarray | None = None

    @classmethod
    def of(cls, mesh: Mesh, crease_deg: float = CREASE_DEG) -> "Net":
        """A mesh's triangles with vertices at one place made one; those without area are left out."""
        points, own = np.unique(mesh.vertices, axis=0, return_inverse=True)
        faces = own.ravel()[mesh.faces]
        real = (faces != np.roll(faces, 1, 1)).all(1)
        kept, faces = mesh.faces[real], faces[real]
        normals = shaded(points, faces, crease_deg) if mesh.normals is None else mesh.normals[kept]
        return cls(points, faces, normals, None if mesh.colours is None else mesh.colours[kept])

    def mesh(self) -> tuple[Mesh, np.ndarray]:
        """As a Mesh, whose vertices are split where normals or colours differ; and the point (V',) of each vertex."""
        parts = [self.normals] if self.colours is None else [self.normals, self.colours]
        at, values, own = vertices_of(self.faces, np.concatenate(parts, 2))
        return Mesh(self.points[at], own, values[:, :3], None if self.colours is None else values[:, 3:]), at

    @property
    def watertight(self) -> bool:
        """Whether every edge is walked once each way: by two triangles, of one orientation."""
        ways = self.faces[:, ((0, 1), (1, 2), (2, 0))].reshape(-1, 2)
        forth, back = (np.sort(a * len(self.points) + b) for a, b in (ways.T, ways.T[::-1]))
        return bool((forth[1:] != forth[:-1]).all() and np.array_equal(forth, back))

    @property
    def volume_m3(self) -> float:
        """What a watertight net encloses."""
        a, b, c = self.points[self.faces].swapaxes(0, 1)
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)

    def point_normals(self) -> np.ndarray:
        """(V, 3) unit: the mean of each point's corners, by their angles."""
        return _unit(_gathered(self.faces, self.normals * corner_angles(self.points, self.faces)[..., None],
                               len(self.points)))

    def refined(self, near, longest_m: float, most: int) -> tuple["Net", bool]:
        """Split until no edge of a face that is near is longer; and whether that took no more than ``most`` faces.

        near: faces' corners (n, 3, 3) m → (n,) bool.
        """
        net, settled = self, np.zeros(len(self.faces), bool)
        for _ in range(ROUNDS):
            edges, of_face = net.edges()
            long = np.linalg.norm(net.points[edges[:, 0]] - net.points[edges[:, 1]], axis=1) > longest_m
            asked = np.flatnonzero(long[of_face].any(1) & ~settled)
            close = near(net.points[net.faces[asked]])
            settled[asked[~close]] = True
            marked = np.zeros(len(edges), bool)
            marked[of_face[asked[close]]] = True
            marked &= long
            if not marked.any():
                break
            if len(net.faces) + 2 * np.count_nonzero(marked) > most:
                return net, False
            net, parent = net.split(marked, edges, of_face)
            settled = settled[parent]
        return net, True

    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """(E, 2) pairs of points, low first, and (F, 3) which of them each face has after its corners 0, 1 and 2."""
        pairs = np.sort(self.faces[:, ((0, 1), (1, 2), (2, 0))].reshape(-1, 2), 1)
        _, first, number = np.unique(pairs[:, 0] * len(self.points) + pairs[:, 1], return_index=True,
                                     return_inverse=True)
        return pairs[first], number.reshape(-1, 3)

    def split(self, marked, edges, of_face) -> tuple["Net", np.ndarray]:
        """With a new point amid every marked edge (E,) bool; and which face (F',) each face is a part of."""
        ends = edges[marked]
        points = np.concatenate((self.points, 0.5 * (self.points[ends[:, 0]] + self.points[ends[:, 1]])))
        new = np.full(len(edges), -1)
        new[marked] = len(self.points) + np.arange(len(ends))
        middles = new[of_face]
        nodes = np.concatenate((self.faces, middles), 1)
        after = np.roll(self.normals, -1, 1)
        normals = np.concatenate((self.normals, _unit(self.normals + after)), 1)
        colours = None if self.colours is None else np.concatenate(
            (self.colours, 0.5 * (self.colours + np.roll(self.colours, -1, 1))), 1)
        cut = middles >= 0
        count = cut.sum(1)
        whole = np.flatnonzero(count == 0)
        rows, picks = [whole[:, None].repeat(3, 1)], [np.tile(np.arange(3), (len(whole), 1))]
        for n, triangles in _PATTERNS.items():
            those = np.flatnonzero(count == n)
            # Turned so that of the edges the first is split and the last is not.
            turn = np.argmax(cut[those] & ((n == 3) | ~np.roll(cut[those], 1, 1)), 1)
            for triangle in np.array(triangles):
                node = np.where(triangle < 3, (triangle + turn[:, None]) % 3, 3 + (triangle + turn[:, None]) % 3)
                rows.append(those[:, None].repeat(3, 1))
                picks.append(node)
        row, pick = np.concatenate(rows), np.concatenate(picks)
        return Net(points, nodes[row, pick], normals[row, pick],
                   None if colours is None else colours[row, pick]), row[:, 0]


def vertices_of(faces: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners (F, 3, n) as vertices, one for each point and different values: its point (V',), its values (V', n),
    and which vertex (F, 3) each corner is."""
    flat, rows = faces.ravel(), values.reshape(faces.size, -1)
    points, first, own = np.unique(flat, return_index=True, return_inverse=True)
    other = np.flatnonzero((rows != rows[first[own]]).any(1))
    if len(other):
        _, at, more = np.unique(np.column_stack((flat[other], rows[other])), axis=0, return_index=True,
                                return_inverse=True)
        own[other] = len(points) + more.ravel()
        first = np.concatenate((first, other[at]))
    return flat[first], rows[first], own.reshape(-1, 3)


def shaded(points: np.ndarray, faces: np.ndarray, crease_deg: float = CREASE_DEG) -> np.ndarray:
    """(F, 3, 3) unit normals of the faces' corners: means over faces joined by edges flatter than a crease."""
    a, b, c = points[faces].swapaxes(0, 1)
    own = _unit(np.cross(b - a, c - a))
    ways = np.concatenate([np.column_stack((faces[:, k], faces[:, (k + 1) % 3])) for k in range(3)])
    corner = np.concatenate([3 * np.arange(len(faces)) + k for k in range(3)])
    following = np.concatenate([3 * np.arange(len(faces)) + (k + 1) % 3 for k in range(3)])
    order = np.lexsort(np.sort(ways, 1).T)
    pair = np.sort(ways, 1)[order]
    same = np.flatnonzero((pair[1:] == pair[:-1]).all(1))
    one, other = order[same], order[same + 1]
    round_ = np.einsum("ij,ij->i", own[corner[one] // 3], own[corner[other] // 3]) > math.cos(math.radians(crease_deg))
    one, other = one[round_], other[round_]
    opposite = ways[one, 0] == ways[other, 1]
    firsts, seconds = (np.where(opposite, x[other], y[other]) for x, y in ((following, corner), (corner, following)))
    from scipy.sparse import coo_array  # slow to import, and wanted for meshes alone
    from scipy.sparse.csgraph import connected_components

    joined = coo_array((np.ones(2 * len(one), bool), (np.concatenate((corner[one], following[one])),
                                                      np.concatenate((firsts, seconds)))), (3 * len(faces),) * 2)
    number, group = connected_components(joined, directed=False)
    group = group.reshape(-1, 3)
    weighted = own[:, None] * corner_angles(points, faces)[..., None]
    return _unit(_gathered(group, weighted, number))[group]


def corner_angles(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F, 3) angles of the triangles, in radians."""
    corners = points[faces]
    ahead, behind = (_unit(np.roll(corners, -k, 1) - corners) for k in (1, 2))
    return np.arccos(np.clip(np.einsum("fki,fki->fk", ahead, behind), -1, 1))


def _gathered(index, values, count):
    """(count, 3) sums of values (F, 3, 3) by index (F, 3)."""
    return np.stack([np.bincount(index.ravel(), values[..., i].ravel(), count) for i in range(3)], 1)


def _unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-30)
