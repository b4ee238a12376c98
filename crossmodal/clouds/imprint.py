"""Edits × a cloud → a cloud: its points move, go, change colour, and are joined by new ones where surface is new."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmodal.capture import read_only
from crossmodal.clouds.chart import CloudProjection
from crossmodal.clouds.cloud import Cloud
from crossmodal.clouds.colours import tinted
from crossmodal.clouds.densify import WALL, Strewn, new_points
from crossmodal.clouds.result import ADDED, CloudMeasured, CloudResult
from crossmodal.clouds.sheet import crests_over_valleys_mm, pushed_ways
from crossmodal.clouds.warn import hidden
from crossmodal.edit import Sample, SurfaceEdit, measure, scattered, within
from crossmodal.plan import Plan
from crossmodal.streams import stream

MOST = 255
AROUND = 6.0  # mean distances of points beyond a defect that tell how dense the cloud is there
BESIDE = 1.5  # mean distances of points within which one stands at a gap
DIFFERENCE = 0.02  # of a finest feature, between two places that tell a slope
QUIET = 1e-3  # of a mean distance: points that are less off their planes than this have no noise


@dataclass(eq=False)
class _State:
    """The cloud as the edits before left it; rows that an edit adds come last."""

    xyz: np.ndarray
    normals: np.ndarray
    rgb: np.ndarray | None
    source: np.ndarray
    parent: np.ndarray
    instances: np.ndarray
    displacement: np.ndarray
    recoloured: np.ndarray
    alive: np.ndarray
    removed: np.ndarray


def imprinted(cloud: Cloud, edits: SurfaceEdit | Sequence[SurfaceEdit], plan: Plan | None = None) -> CloudResult:
    """Let a cloud take one edit or several, in order, in its own frame. Raises ValueError for what it cannot take."""
    edits = tuple(edits) if isinstance(edits, Sequence) else (edits,)
    if len(edits) > MOST:
        raise ValueError(f"one cloud holds at most {MOST} defects, but got {len(edits)}")
    for edit in edits:
        if not isinstance(edit, SurfaceEdit):
            raise ValueError("a lifted defect belongs to the pixels of its own view; a cloud takes grown ones")
    plan = plan or Plan(capture=cloud.name, frame="object",
                        defects=tuple(edit.planned for edit in edits if edit.planned is not None))
    surface, n = cloud.surface, len(cloud)
    rows = np.arange(n)
    state = _State(cloud.xyz_m.copy(), surface.normals.copy(), None if cloud.rgb is None else cloud.rgb.copy(), rows,
                   rows, np.zeros(n, np.uint8), np.zeros(n, np.float32), np.zeros(n, bool), np.ones(n, bool),
                   np.zeros(n, np.uint8))
    for i, edit in enumerate(edits):
        _laid(cloud, state, edit, i + 1, stream(plan.seed, cloud.name, "sensor", i))
    return _result(cloud, state, edits, plan)


def _laid(cloud, state: _State, edit: SurfaceEdit, number: int, rng) -> None:
    surface, field, turn = cloud.surface, edit.field, edit.T_here_patch
    rows, st = _charted(cloud, state, edit)
    bounded = within(st, field.bounds_mm)
    if not bounded.any():
        return
    sample = scattered(field.sample(st[bounded, 0], st[bounded, 1]), bounded)
    spacing = float(np.sqrt(np.median(surface.area_mm2[state.parent[rows]])))
    ways = state.normals[rows]
    if edit.patch.crossing:
        ways = pushed_ways(st, ways, field.finest_mm, spacing)
    else:
        ways = np.broadcast_to(turn[:3, :3] @ edit.patch.normal, ways.shape)
    middle = state.xyz[rows].mean(0)
    points = 1e3 * (state.xyz[rows] - middle)
    height = sample.displacement_mm.astype(np.float64)
    if sample.flatten is not None:
        height -= sample.flatten * crests_over_valleys_mm(field.bounds_mm, field.flattens_mm, st, points, ways, spacing)
    free = np.ones(len(rows), bool)  # what hangs over a point leaves it alone
    if sample.underside_mm is not None:
        free = ~(sample.underside_mm > 0)
    gone = np.zeros(len(rows), bool)
    for mask in (sample.removed, sample.lost):  # a cloud is what a sensor saw
        if mask is not None:
            gone |= mask
    shifted = free & ~gone & (height != 0)
    after = points + np.where(shifted, height, 0.0)[:, None] * ways
    new = None
    if edit.patch.crossing:
        new = new_points(field, st, points, ways, after[~gone], spacing)
        new = _noisy(new, surface, spacing, rng)
    touched = shifted.copy()
    parents = _nearest(new, st) if new is not None and len(new.weight) else None
    if parents is not None:
        colours = None if state.rgb is None else _colours(field, new, state.rgb[rows[parents]], surface.white)
        _joined(state, new, colours, rows[parents], middle, number)
    if state.rgb is not None:
        painted = free & ~gone & _paints(sample)
        colours = tinted(state.rgb[rows[painted]], _part(sample, painted), surface.white)
        state.rgb[rows[painted]] = colours
        state.recoloured[rows[painted]] = True
        touched |= painted
    moved = rows[shifted]
    state.normals[moved] = _tilted(field, st[shifted], points, st, shifted, ways, state.normals[moved], height,
                                   edit.patch.crossing)
    state.xyz[moved] = middle + 1e-3 * after[shifted]
    state.displacement[moved] += height[shifted].astype(np.float32)
    if gone.any() and parents is None and not touched.any():  # a gap is told by the points about it
        touched = ~gone & _beside(st, gone, BESIDE * spacing)
    state.instances[rows[touched]] = number
    lost = rows[gone]
    own = lost[state.source[lost] != ADDED]
    state.removed[state.source[own]] = number
    state.alive[lost] = False


def _charted(cloud, state, edit):
    """Rows of the points that an edit can reach, and their (s, t) (m, 2) on its chart."""
    patch, turn = edit.patch, edit.T_here_patch
    own = getattr(patch, "surface", None) is cloud.surface and np.abs(turn - np.eye(4)).max() < 1e-12
    n = len(cloud)
    fresh = n + np.flatnonzero(state.alive[n:])
    if own:
        kept = state.alive[patch.members]
        rows, st = patch.members[kept], patch.st_mm[kept]
    elif isinstance(patch, CloudProjection):
        rows = np.flatnonzero(state.alive[:n])
        st = edit.chart(state.xyz[rows], state.normals[rows])
    else:
        rows = _about(cloud, edit)
        rows = rows[state.alive[rows]]
        st = edit.chart(state.xyz[rows], state.normals[rows])
    if len(fresh):
        there = edit.chart(state.xyz[fresh], state.normals[fresh])
        rows, st = np.concatenate((rows, fresh)), np.concatenate((st, there))
    known = np.isfinite(st[:, 0])
    return rows[known], np.asarray(st[known], np.float64)


def _about(cloud, edit):
    turn = edit.T_here_patch
    anchor = turn[:3, :3] @ edit.patch.anchor_m + turn[:3, 3]
    if not edit.patch.crossing:
        return np.arange(len(cloud))
    reach = edit.field.reach_mm + AROUND * cloud.surface.spacing_mm
    return np.sort(np.array(cloud.surface.tree.query_ball_point(anchor, 1e-3 * reach), np.int64))


def _paints(sample: Sample) -> np.ndarray:
    """(m,) bool: where a sample changes colour."""
    out = np.zeros(len(sample.displacement_mm), bool)
    if sample.albedo is not None:
        out |= (sample.albedo != 1).any(-1)
    if sample.whitening is not None:
        out |= sample.whitening > 0
    if sample.cover is not None:
        out |= sample.cover[..., 3] > 0
    return out


def _part(sample: Sample, where) -> Sample:
    return replace(sample, **{name: values[where] for name, values in vars(sample).items() if values is not None})


def _tilted(field, places, points, st, shifted, ways, normals, height, crossing):
    """Normals of moved points: tilted by the slope of what moved them."""
    e = max(DIFFERENCE * field.finest_mm, 1e-4)
    slopes = []
    for axis in range(2):
        step = np.zeros(2)
        step[axis] = e
        two = [_height(field, places + sign * step) for sign in (1, -1)]
        slopes.append((two[0] - two[1]) / (2 * e))
    tangents = _tangents(st, points, shifted)
    turned = normals - slopes[0][:, None] * tangents[0] - slopes[1][:, None] * tangents[1]
    if crossing:  # what already stood askew turns no further than over
        turned = np.where((np.einsum("ij,ij->i", turned, ways[shifted]) < 0)[:, None], normals, turned)
    return turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)


def _height(field, places):
    out = np.zeros(len(places))
    inside = within(places, field.bounds_mm)
    sample = field.sample(places[inside, 0], places[inside, 1])
    height = sample.displacement_mm.astype(np.float64)
    if sample.removed is not None:
        height[sample.removed] = 0.0
    out[inside] = height
    return out


def _tangents(st, points, shifted):
    """∂p/∂s and ∂p/∂t (m, 3) at the shifted points, by least squares over the points beside them in the chart."""
    from scipy.spatial import cKDTree

    near = cKDTree(st).query(st[shifted], k=min(9, len(st)))[1]
    d = st[near] - st[shifted][:, None]
    p = points[near] - points[shifted][:, None]
    normal = np.einsum("nki,nkj->nij", d, d)
    normal[:, [0, 1], [0, 1]] *= 1 + 1e-9
    right = np.einsum("nki,nkj->nij", d, p)
    determinant = normal[:, 0, 0] * normal[:, 1, 1] - normal[:, 0, 1] ** 2
    safe = np.maximum(determinant, 1e-12)[:, None]
    s = (normal[:, 1, 1, None] * right[:, 0] - normal[:, 0, 1, None] * right[:, 1]) / safe
    t = (normal[:, 0, 0, None] * right[:, 1] - normal[:, 0, 1, None] * right[:, 0]) / safe
    return s, t


def _nearest(new: Strewn, st):
    from scipy.spatial import cKDTree

    return cKDTree(st).query(new.st_mm)[1]


def _beside(st, places, far_mm):
    """(m,) bool: which of the charted points (m, 2) lie within a distance of those at (m,) places."""
    from scipy.spatial import cKDTree

    return np.isfinite(cKDTree(st[places]).query(st, distance_upper_bound=far_mm)[0])


def _noisy(new: Strewn, surface, spacing, rng) -> Strewn:
    """New surface is as rough as this cloud's own points are off their planes."""
    noise = surface.noise_mm
    if noise < QUIET * spacing or not len(new.weight):
        return new
    off = noise * rng.standard_normal(len(new.weight))
    return replace(new, points_mm=new.points_mm + off[:, None] * new.normals)


def _joined(state: _State, new: Strewn, colours, parents, middle, number) -> None:
    """Append the new points to the state's rows."""
    n = len(new.weight)
    state.xyz = np.concatenate((state.xyz, middle + 1e-3 * new.points_mm))
    state.normals = np.concatenate((state.normals, new.normals))
    if state.rgb is not None:
        state.rgb = np.concatenate((state.rgb, colours))
    state.source = np.concatenate((state.source, np.full(n, ADDED)))
    state.parent = np.concatenate((state.parent, state.parent[parents]))
    state.instances = np.concatenate((state.instances, np.full(n, number, np.uint8)))
    state.displacement = np.concatenate((state.displacement, new.displacement_mm.astype(np.float32)))
    state.recoloured = np.concatenate((state.recoloured, np.ones(n, bool)))
    state.alive = np.concatenate((state.alive, np.ones(n, bool)))


def _colours(field, new: Strewn, own, white) -> np.ndarray:
    """(n, 3) uint8 of new points, from those (n, 3) that their parents had before the edit."""
    inside = within(new.st_mm, field.bounds_mm)
    sample = scattered(field.sample(new.st_mm[inside, 0], new.st_mm[inside, 1]), inside)
    if getattr(field, "matter", False):
        sample = _covered(sample, new.st_mm)
    walls = new.part == WALL
    if walls.any() and sample.whitening is not None:  # a wall is as the field says of what is gone, not of its rim
        sample = replace(sample, whitening=np.where(walls, np.float32(0), sample.whitening))
    return tinted(own, sample, white)


def _covered(sample: Sample, st) -> Sample:
    """The same with all places covered: matter's own side, beyond its outline, is of what it is beside."""
    bare = sample.cover[:, 3] == 0
    if not bare.any() or bare.all():
        return sample
    from scipy.spatial import cKDTree

    cover = sample.cover.copy()
    cover[bare] = cover[~bare][cKDTree(st[~bare]).query(st[bare])[1]]
    return replace(sample, cover=cover)


def _result(cloud, state: _State, edits, plan) -> CloudResult:
    alive = state.alive
    normals = None
    if cloud.normals is not None:
        normals = state.normals[alive].astype(np.float32)
        still = (state.source[alive] != ADDED) & (state.displacement[alive] == 0)
        normals[still] = cloud.normals[state.source[alive][still]]
    after = Cloud(state.xyz[alive], None if state.rgb is None else state.rgb[alive], normals, cloud.viewpoint_m,
                  cloud.name, unit_m=cloud.unit_m)
    arrays = [read_only(a[alive]) for a in (state.instances, state.displacement, state.source, state.parent)]
    return CloudResult(cloud, after, *arrays, read_only(state.removed), read_only(state.recoloured[alive]), plan,
                       (*cloud.surface.warnings, *hidden(cloud, edits)),
                       tuple(_measurer(edit, i + 1) for i, edit in enumerate(edits)))


def _measurer(edit, number):
    def measured(result: CloudResult) -> CloudMeasured:
        sizes = measure(edit.field)
        mine = result.instances == number
        return CloudMeasured(sizes.area_mm2, sizes.length_mm, sizes.width_mm, sizes.max_depth_mm, sizes.max_height_mm,
                             sizes.volume_mm3, int(mine.sum()), int((mine & (result.source == ADDED)).sum()),
                             int((result.removed == number).sum()))
    return measured



