"""Surface that is gone from a mesh: what lay below is cut out as a solid, so that it has inner walls."""

import numpy as np

from crossmodal.edit import SurfaceEdit
from crossmodal.meshes.net import Net, shaded, vertices_of
from crossmodal.plan import Grown

THROUGH = 1.02  # of the wall's thickness, which the cut goes down
DEEPEST, DEEPEST_AT_EDGE = 4.0, 0.7  # of the opening's own size; a thicker wall is not cut through
FACING = 0.35  # cosine to the anchor's normal of triangles that the cut begins at; steeper ones lie below those
TOUCHING, APART = 2e-6, 4e-6  # of a mesh's size: points nearer than that are parted, for files join points within 1e-6
CLEAR_MM = 0.05  # over the highest lip, where the cut begins; and beyond what it takes away to the side


def opened(net: Net, edit: SurfaceEdit, removed, before, labels, shift, number: int, closed: bool):
    """A net without what a field took away: (Net, labels, shift, sentence on what it could not do).

    removed: (V,) bool of its points, rim included; before: (V, 3) m where they were before the field moved them.
    Closed nets are cut by a solid that reaches through the wall below, if manifold3d is there; others lose the
    triangles and have no inner wall.
    """
    gone = removed[net.faces].all(1)
    if not gone.any():
        return net, labels, shift, "it is finer than the triangles, and takes nothing away"
    if closed:
        try:
            import manifold3d
        except ImportError:
            return *_open(net, gone, labels, shift), ("left open, without an inner wall; manifold3d cuts it out as a "
                                                      'solid: pip install "crossmodal-anomaly[mesh]"')
        cut, blind = _cut(manifold3d, net, edit, gone, before, labels, shift, number)
        if cut is not None:
            return *cut, blind
        return *_open(net, gone, labels, shift), "left open, without an inner wall; the mesh crosses itself there"
    return *_open(net, gone, labels, shift), "left open, without an inner wall; the mesh was not closed before"


def _open(net, gone, labels, shift):
    kept = net.faces[~gone]
    used, own = np.unique(kept, return_inverse=True)
    colours = None if net.colours is None else net.colours[~gone]
    return Net(net.points[used], own.reshape(-1, 3), net.normals[~gone], colours), labels[used], shift[used]


def _cut(manifold3d, net, edit, gone, before, labels, shift, number):
    body = _manifold(manifold3d, net, np.concatenate((
        net.normals, net.colours if net.colours is not None else np.zeros_like(net.normals),
        labels[net.faces][..., None], shift[net.faces][..., None]), 2))
    tool, blind = _prism(manifold3d, net, edit, gone, before)
    if body.status() != manifold3d.Error.NoError or tool.status() != manifold3d.Error.NoError:
        return None, ""
    out = (body - tool).to_mesh64()
    rows, faces = np.asarray(out.vert_properties), np.asarray(out.tri_verts).astype(np.int64)
    if not len(faces):
        return None, ""
    merged = np.arange(len(rows))
    merged[np.asarray(out.merge_from_vert).astype(np.int64)] = np.asarray(out.merge_to_vert).astype(np.int64)
    used, own = np.unique(merged[faces], return_inverse=True)
    joined = own.reshape(-1, 3)
    points = _parted(rows[used, :3], joined)
    properties = rows[faces, 3:]
    fresh = (np.abs(properties[..., :3]).max(-1) < 1e-9).all(1)
    normals = properties[..., :3].copy()
    normals[fresh] = shaded(points, joined[fresh])
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-30)
    new_labels, new_shift = np.zeros(len(points), np.uint8), np.zeros(len(points), np.float32)
    new_labels[joined[~fresh]] = np.rint(properties[~fresh][..., 6]).astype(np.uint8)
    new_shift[joined[~fresh]] = properties[~fresh][..., 7]
    inner = np.setdiff1d(joined[fresh], joined[~fresh])
    new_labels[joined[fresh]] = number
    new_shift[inner] = np.nan
    colours = None
    if net.colours is not None:
        colours = properties[..., 3:6].copy()
        colours[fresh] = np.median(net.colours[gone].reshape(-1, 3), axis=0)
    return (Net(points, joined, normals, colours), new_labels, new_shift), blind


def _parted(points, faces):
    """Points (V, 3) of a closed net, those at one place, where it touches itself, moved into their own matter."""
    from scipy.sparse import coo_array  # slow to import, and wanted for meshes alone
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    size = np.ptp(points, axis=0).max()
    one, other = cKDTree(points).query_pairs(TOUCHING * size, output_type="ndarray").T
    if not len(one):
        return points
    _, place = connected_components(coo_array((np.ones(len(one), bool), (one, other)), (len(points),) * 2), False)
    touching = np.unique((one, other))
    order = touching[np.argsort(place[touching], kind="stable")]
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    about = np.isin(faces, order).any(1)
    a, b, c = points[faces[about]].swapaxes(0, 1)
    across = np.cross(b - a, c - a).repeat(3, 0)
    out = np.stack([np.bincount(faces[about].ravel(), across[:, i], len(points)) for i in range(3)], 1)[order]
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-30)
    moved = points.copy()
    moved[order] -= APART * size * (1 + rank[:, None]) * out
    return moved


def _manifold(manifold3d, net, properties):
    """A solid whose vertices carry properties (F, 3, P), split where those differ and joined where points are one."""
    at, values, own = vertices_of(net.faces, properties)
    first = np.zeros(len(net.points), np.int64)
    first[at[::-1]] = np.arange(len(at))[::-1]
    doubled = np.flatnonzero(first[at] != np.arange(len(at)))
    return manifold3d.Manifold(manifold3d.Mesh64(
        np.ascontiguousarray(np.concatenate((net.points[at], values), 1)), own.astype(np.uint64),
        merge_from_vert=doubled.astype(np.uint64), merge_to_vert=first[at[doubled]].astype(np.uint64)))


def _prism(manifold3d, net, edit, gone, before):
    """What is cut out: the removed triangles, from over the surface down through the wall, along the anchor's normal;
    and a sentence where the wall is too thick for that."""
    normal = edit.T_here_patch[:3, :3] @ edit.patch.normal
    normal = normal / np.linalg.norm(normal)
    a, b, c = before[net.faces].swapaxes(0, 1)
    across = np.cross(b - a, c - a)
    upper = gone & (across @ normal > FACING * np.linalg.norm(across, axis=1))
    used, own = np.unique(net.faces[upper], return_inverse=True)
    faces, top = own.reshape(-1, 3), net.points[used]
    # Faces of the cut that lay in faces of the mesh would leave skins without thickness.
    side = gone & ~upper
    beyond = np.stack([np.bincount(net.faces[side].ravel(), across[side, i].repeat(3), len(net.points))
                       for i in range(3)], 1)[used]
    beyond = beyond - (beyond @ normal)[:, None] * normal
    top = top + 1e-3 * CLEAR_MM * beyond / np.maximum(np.linalg.norm(beyond, axis=1, keepdims=True), 1e-30)
    up = 1e-3 * (CLEAR_MM + edit.field.highest_mm)
    s0, s1, t0, t1 = edit.field.bounds_mm
    at_edge = isinstance(edit.planned, Grown) and edit.planned.spec.at == "edge"
    most = DEEPEST_AT_EDGE if at_edge else DEEPEST
    thick, deepest = _thickness_m(net, top, normal, gone), 1e-3 * most * max(s1 - s0, t1 - t0)
    blind = "" if thick <= deepest else (f"the wall is up to {1e3 * thick:.3g} mm thick; it is cut {1e3 * deepest:.3g} "
                                         "mm deep and not through")
    down = (THROUGH * thick if thick <= deepest else deepest) + 1e-6
    count = len(top)
    ways = faces[:, ((0, 1), (1, 2), (2, 0))].reshape(-1, 2)
    key, back = ways[:, 0] * count + ways[:, 1], ways[:, 1] * count + ways[:, 0]
    rim = ways[~np.isin(key, back)]
    walls = np.concatenate((np.column_stack((rim[:, 0], rim[:, 0] + count, rim[:, 1])),
                            np.column_stack((rim[:, 1], rim[:, 0] + count, rim[:, 1] + count))))
    points = np.concatenate((top + up * normal, top - down * normal))
    all_faces = np.concatenate((faces, faces[:, ::-1] + count, walls))
    prism = Net(points, all_faces, np.zeros((len(all_faces), 3, 3)))
    return _manifold(manifold3d, prism, np.zeros((len(all_faces), 3, 8))), blind


def _thickness_m(net, top, normal, gone) -> float:
    """The farthest way down from points (n, 3) through the wall below them; the whole mesh's where there is none."""
    from crossmodal.scanner.mesh import Mesh

    rest = Mesh(net.points, net.faces[~gone])
    far = rest.hit(-normal, top - 1e-6 * normal)
    whole = float(np.ptp(net.points @ normal)) + 1e-6
    return float(np.nanmax(far)) if np.isfinite(far).any() else whole
