"""An edit on a mesh: split finely where the defect is, its points moved by the field, its corners coloured."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from crossmodal.capture import read_only
from crossmodal.edit import Sample, SurfaceEdit, measure
from crossmodal.meshes.net import Net
from crossmodal.meshes.opening import opened
from crossmodal.meshes.planning import GREY, drawn, grown_on
from crossmodal.methods.shape_alone import told_of_shape
from crossmodal.methods.spec import Method
from crossmodal.plan import Plan
from crossmodal.recipe import Recipe
from crossmodal.result import Measured
from crossmodal.scanner.mesh import Mesh

STEPS = 8  # triangles across the finest feature of a field, which then cut off a sixtieth of its depth
BESIDE = 1.5  # edges about a field that are as short as those in it
MOST_FACES = 600_000  # that a mesh may come to; a finer field is sampled as finely as that allows
HALVINGS = 10  # with which the rim of what is gone is found on an edge
WHITE = 1.5  # broken matter scatters more than the brightest channel of what it was


@dataclass(frozen=True, eq=False)
class MeshResult:
    """A mesh before and after.

    labels: (V,) uint8 of after's vertices, 0 where good, i + 1 for the plan's i-th defect
    displacement_mm: (V,) float32, + out of the surface; NaN on new inner walls
    watertight: whether after is closed
    warnings: sentences on what a mesh cannot show of the defect
    """

    before: Mesh
    after: Mesh
    labels: np.ndarray
    displacement_mm: np.ndarray
    plan: Plan
    watertight: bool
    warnings: tuple[str, ...] = ()
    edits: tuple[SurfaceEdit, ...] = field(default=(), repr=False)

    @cached_property
    def measured(self) -> tuple[Measured, ...]:
        """Sizes of each defect, found on its field; a mesh has no pixels."""
        sizes = map(measure, (edit.field for edit in self.edits))
        return tuple(Measured(s.area_mm2, 0, s.length_mm, s.width_mm, s.max_depth_mm, s.max_height_mm, s.volume_mm3)
                     for s in sizes)


def synthesized(mesh: Mesh, what: Recipe | Method | Plan, seed: int) -> MeshResult:
    """Defects in a mesh: a Recipe's or a Method's, drawn by the seed, or a Plan's of the mesh's own frame, again.

    Raises ValueError where a defect finds no place, or the plan is of a capture.
    """
    plan = what if isinstance(what, Plan) else drawn(mesh, what, seed)
    if plan.frame != "object":
        raise ValueError("the plan is in a camera's frame; move it to the mesh's (plan.moved, frame \"object\") first")
    return edited(mesh, tuple(grown_on(mesh, planned) for planned in plan.defects), plan)


def edited(mesh: Mesh, edits: Sequence[SurfaceEdit], plan: Plan | None = None) -> MeshResult:
    """The mesh after edits of its own frame, each a field on the undisturbed surface; where they meet they add up.

    Closed stays closed: a field moves points and opens nothing; where it takes surface away, what is below is cut out
    as a solid (see opening). Every vertex of the result is a function of the mesh and the edits alone.
    """
    plan = plan or Plan(frame="object", defects=tuple(edit.planned for edit in edits if edit.planned is not None))
    net, warnings = Net.of(mesh), []
    closed = net.watertight
    for edit in edits:
        net, coarse = _fine(net, edit)
        warnings += [f"{edit.kind}: {coarse}"] if coarse else []
    net, rims = _rimmed(net, edits)
    normals = net.point_normals()
    points = net.points.copy()
    shift, labels = np.zeros(len(points), np.float32), np.zeros(len(points), np.uint8)
    colours, gone = net.colours, []
    for i, edit in enumerate(edits):
        sample = edit(net.points, normals)
        ways = edit.directions(normals[None], np.ones((1, len(normals), 1), bool))[0]
        points += 1e-3 * sample.displacement_mm[:, None] * ways
        shift += sample.displacement_mm
        labels[sample.support] = i + 1
        colours = _coloured(colours, net.faces, sample)
        if sample.removed is not None and sample.removed.any():
            gone.append((i + 1, edit, sample.removed | rims[i]))
        warnings += [f"{edit.kind}: {sentence}" for sentence in _unshown(sample)]
        if mesh.colours is None and (sentence := told_of_shape(edit.planned, "the mesh")):
            warnings.append(sentence)
    made = Net(points, net.faces, _turned(net, points), colours)
    if len(gone) > 1:
        raise ValueError("a mesh can be opened by one defect at a time; imprint the others in what it gives")
    for number, edit, removed in gone:
        made, labels, shift, sentence = opened(made, edit, removed, net.points, labels, shift, number, closed)
        warnings += [f"{edit.kind}: {sentence}"] if sentence else []
    after, at = made.mesh()
    whole = Net.of(after).watertight
    if closed and gone and not whole and not any("left open" in sentence for sentence in warnings):
        warnings.append(f"{gone[0][1].kind}: what is left touches itself, so that it is not closed everywhere")
    return MeshResult(mesh, after, read_only(labels[at]), read_only(shift[at]), plan, whole,
                      tuple(dict.fromkeys(warnings)), tuple(edits))


def _fine(net: Net, edit: SurfaceEdit) -> tuple[Net, str]:
    """The net with short edges where the edit may do something, and what is coarser than it should be."""
    f = edit.field
    s0, s1, t0, t1 = f.bounds_mm
    step_mm = f.finest_mm / STEPS
    anchor = edit.T_here_patch[:3, :3] @ edit.patch.anchor_m + edit.T_here_patch[:3, 3]
    reach = 1e-3 * (1.1 * f.reach_mm + step_mm)
    if edit.patch.crossing:
        # First down to pieces that the chart can tell apart, wherever the defect may be; then only along the field.
        coarse = 1e-3 * max(step_mm, 0.04 * max(s1 - s0, t1 - t0))
        net, _ = net.refined(lambda corners: _away(corners, anchor) < reach, coarse, MOST_FACES)

    def near(corners):
        radius_mm = 1e3 * np.linalg.norm(corners - corners.mean(1, keepdims=True), axis=2).max(1)
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
        st = edit.chart(corners.mean(1), normal)
        for k in range(3):  # a triangle may reach into the chart though its middle lies beyond it
            off = np.flatnonzero(np.isnan(st[:, 0]))
            st[off] = edit.chart(corners[off, k], normal[off])
        margin, found = radius_mm + BESIDE * step_mm, np.zeros(len(corners), bool)
        # Triangles of like size are asked about together: a field takes one margin at a time.
        size = np.ceil(2 * np.log2(margin))
        for one in np.unique(size):
            found[size == one] = f.near(st[size == one, 0], st[size == one, 1], 2 ** (one / 2))
        return found

    net, whole = net.refined(near, 1e-3 * step_mm, MOST_FACES)
    return net, "" if whole else (f"its features of {f.finest_mm:.2g} mm are shown by longer edges than they need; "
                                  f"all of them would take more than {MOST_FACES} triangles")


def _rimmed(net: Net, edits) -> tuple[Net, list[np.ndarray]]:
    """The net with a point wherever an edge crosses from what stays to what is gone, and those points (V,) bool of
    each edit: the rim then is the field's own, not the triangles'."""
    new = []
    for edit in edits:
        normals = net.point_normals()
        gone = edit(net.points, normals).removed
        if gone is None or not gone.any():
            new.append((0, 0))
            continue
        edges, of_face = net.edges()
        cut = gone[edges[:, 0]] != gone[edges[:, 1]]
        ends = edges[cut]
        kept, lost = np.where(gone[ends], -1, ends).max(1), np.where(gone[ends], ends, -1).max(1)
        low, high = np.zeros(len(ends)), np.ones(len(ends))
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            there = net.points[kept] + middle[:, None] * (net.points[lost] - net.points[kept])
            out = edit(there, normals[kept]).removed
            low, high = np.where(out, low, middle), np.where(out, middle, high)
        # Not so near to an end that a triangle has no area left.
        place = net.points[kept] + np.clip(low, 0.02, 0.98)[:, None] * (net.points[lost] - net.points[kept])
        first = len(net.points)
        net, _ = net.split(cut, edges, of_face)
        net.points[first:] = place
        new.append((first, len(net.points)))
    rims = [np.zeros(len(net.points), bool) for _ in new]
    for rim, (first, last) in zip(rims, new, strict=True):
        rim[first:last] = True
    return net, rims


def _away(corners, anchor):
    """(n,) m between a point (3,) and the balls about triangles (n, 3, 3)."""
    centre = corners.mean(1)
    return np.linalg.norm(centre - anchor, axis=1) - np.linalg.norm(corners - centre[:, None], axis=2).max(1)


def _turned(net: Net, moved: np.ndarray) -> np.ndarray:
    """(F, 3, 3) corner normals after points moved: the old ones, by as much as the faces about each point turned."""
    before, after = (_mean_normals(points, net.faces) for points in (net.points, moved))
    still = (net.points == moved).all(1)
    touched = ~still[net.faces].all(1)
    touched = np.isin(net.faces, net.faces[touched]).any(1) if touched.any() else touched
    normals = net.normals.copy()
    changed = normals[touched] + (after - before)[net.faces[touched]]
    normals[touched] = changed / np.maximum(np.linalg.norm(changed, axis=-1, keepdims=True), 1e-30)
    return normals


def _mean_normals(points, faces):
    a, b, c = points[faces].swapaxes(0, 1)
    across = np.cross(b - a, c - a)
    total = np.stack([np.bincount(faces.ravel(), across[:, i].repeat(3), len(points)) for i in range(3)], 1)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)


def _coloured(colours, faces, sample: Sample):
    """Corner colours (F, 3, 3) after a sample of the points: gain, then whitening, then what lies upon it."""
    if sample.albedo is None and sample.whitening is None and sample.cover is None:
        return colours
    new = np.full((*faces.shape, 3), GREY) if colours is None else colours.copy()
    if sample.albedo is not None:
        new *= sample.albedo[faces]
    if sample.whitening is not None:
        new += sample.whitening[faces][..., None] * (WHITE * new.max(-1, keepdims=True) - new)
    if sample.cover is not None:
        cover = sample.cover[faces]
        new = (1 - cover[..., 3:]) * new + cover[..., :3]
    return np.clip(new, 0, 1)


def _unshown(sample: Sample) -> list[str]:
    said = []
    if sample.underside_mm is not None and (sample.underside_mm > 0).any():
        said.append("its matter hangs over the surface; on a mesh it stands on it")
    if sample.flatten is not None and (sample.flatten > 0).any():
        said.append("it wears the surface's own fine relief away; a mesh keeps what it has of that")
    if sample.lost is not None and sample.lost.any():
        said.append("it returns nothing to a depth sensor; a mesh was seen by none, and keeps its surface")
    return said
