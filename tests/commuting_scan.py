"""Both ways round the diagram, and what they differ by."""

from dataclasses import dataclass, replace

import numpy as np
import trimesh
from commuting_mesh import edited
from commuting_shapes import CAMERA, DIRT, MM_PER_PIXEL, PAINT, SHIFT, SIZE, TURN, Shape, placed
from commuting_tools import Tool
from scipy.ndimage import binary_dilation, distance_transform_edt

import crossmodal as cm
from crossmodal.imprint import imprint
from crossmodal.projection import Projection
from crossmodal.synthesis import draw, grown

FINE_PX = 4.0  # a feature narrower than this is seen by area, a wider one by the ray through a pixel's middle
AROUND = 12  # pixels about what an edit touches that are scanned again
FACING, UP = TURN @ np.array((1.0, 0.0, 0.0)), TURN @ np.array((0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Row:
    """What the two ways round differ by: mm, mm, degrees, 8-bit levels (and by how many where nothing is relit),
    overlap of masks, share never scanned.

    walls: whether the edit steps somewhere; told: whether the shape tells the light that falls there: that of the lamp,
    as far as it reaches; same_points: whether the imprint left every point its bits
    """

    kind: str
    shape: str
    way: str
    walls: bool
    told: bool
    same_points: bool
    depth_mm: float
    depth_p95_mm: float
    normal_deg: float
    rgb: float
    rgb_unlit: float
    mask: float
    never_seen: float


@dataclass(frozen=True, eq=False)
class Both:
    """What the two ways round came to, for the numbers and for the eye."""

    shape: Shape
    kind: str
    way: str
    field: object
    result: cm.Result
    """Of the shape's scan ``before``, or ``by_area`` where the edit is fine; the truth is of the same sensor."""
    truth: cm.Capture
    warps: bool
    """Whether it moves the object's own outlines, which are steps."""


def by_tool(shape: Shape, tool: Tool) -> Both:
    """The edited mesh comes from a boolean operation or a closed form."""
    if tool.moved is not None:
        fine = trimesh.Trimesh(*trimesh.remesh.subdivide_to_size(shape.solid.vertices, shape.solid.faces, 0.8))
        fine.vertices = tool.moved(np.asarray(fine.vertices))
        truth = shape.seen((placed(fine),), (PAINT,))
        patch = Projection.of(shape.before.surface, SHIFT, UP, FACING)
    else:
        if tool.sign:
            operation = trimesh.boolean.union if tool.sign > 0 else trimesh.boolean.difference
            solid = operation([shape.solid, tool.solid], engine="manifold")
            truth = shape.seen((placed(solid),), (PAINT,))
        else:
            truth = shape.seen((shape.mesh, placed(tool.solid)), (PAINT, DIRT))
        patch = cm.Patch.at(shape.before.surface, SHIFT, FACING, 1.5 * tool.field.reach_mm + 2)
    result = imprint(shape.before, cm.SurfaceEdit(patch, tool.field, tool.kind))
    return Both(shape, tool.kind, "solid", tool.field, result, truth, tool.moved is not None)


@dataclass(frozen=True, eq=False)
class Matt:
    """A field whose matter and films mirror nothing: the vertices' material has no gloss of its own."""

    whole: object

    def __getattr__(self, name):
        return getattr(self.whole, name)

    def sample(self, s, t):
        return replace(self.whole.sample(s, t), gloss=None)


def by_plan(shape: Shape, spec, seed: int) -> Both:
    """The edited mesh has its vertices moved and coloured as the drawn plan's field says."""
    plan = draw(shape.before, cm.Recipe(defects=(spec,)), seed)
    before, edit = shape.before, grown(shape.before.surface, plan.defects[0])
    fine = edit.field.finest_mm < FINE_PX * before.surface.mm_per_pixel
    if fine:
        before, edit = shape.by_area, grown(shape.by_area.surface, plan.defects[0])
    edit = replace(edit, field=Matt(edit.field))
    result = imprint(before, edit, plan)
    mesh, matter = edited(shape.mesh, edit, PAINT)
    return Both(shape, spec.kind, "vertices", edit.field, result,
                _scanned_about(shape, before, mesh, matter, edit, fine), isinstance(edit.patch, Projection))


def _scanned_about(shape: Shape, before: cm.Capture, mesh, matter, edit: cm.SurfaceEdit, by_area: bool) -> cm.Capture:
    """The scan of an edited mesh, anew only where the edit is in the picture."""
    if isinstance(edit.patch, Projection):
        return shape.seen((mesh,), (matter,), by_area=by_area)
    field = edit.field
    reach = AROUND + round((field.reach_mm + field.highest_mm + field.deepest_mm) / MM_PER_PIXEL)
    middle = np.rint(CAMERA.project(edit.patch.anchor_m)).astype(int)
    low, high = np.maximum(middle - reach, 0), np.minimum(middle + reach, SIZE)
    window = replace(CAMERA, width=int(high[0] - low[0]), height=int(high[1] - low[1]), cx=CAMERA.cx - low[0],
                     cy=CAMERA.cy - low[1])
    part = shape.seen((mesh,), (matter,), window, by_area)
    rgb, points = before.rgb.copy(), before.points.copy()
    inside = np.s_[low[1]:high[1], low[0]:high[0]]
    rgb[inside], points[inside] = part.rgb, part.points
    return before.replaced(rgb=rgb, points=points)


def compared(both: Both) -> Row:
    before, result, truth = both.result.before, both.result, both.truth
    ground = both.shape.ground
    moved = np.abs(truth.depth.astype(float) - before.depth) > 1e-5
    found = np.abs(result.after.depth.astype(float) - before.depth) > 1e-5
    if not moved.any() and not found.any():
        moved, found = ((np.abs(after.rgb.astype(int) - before.rgb) > 1).any(-1) for after in (truth, result.after))
    union = moved | found
    behind = ground.hit(before.camera.rays(before.camera.pixel_grid()))
    revealed = union & (truth.depth > behind - 1e-5) & (before.depth < behind - 1e-4)
    judged = union & ~revealed & np.isfinite(result.after.depth)
    off = np.abs(result.after.depth.astype(float) - truth.depth)[judged] * 1e3
    inner = judged & ~binary_dilation(~(moved & found), iterations=2)
    if not inner.any():
        inner = judged
    cosine = np.einsum("ij,ij->i", result.after.normals[inner].astype(float), truth.normals[inner].astype(float))
    # A pixel that also shows what was never scanned tells nothing of how the rest of it was relit.
    pure = judged & ~binary_dilation(revealed, np.ones((3, 3)))
    reached = bool((before.normals[judged] @ both.shape.lamp.direction > 0).any())
    levels = [float(np.abs(picture[pure].astype(float) - truth.rgb[pure]).mean())
              for picture in (result.after.rgb, before.rgb)]
    kept_points = np.array_equal(result.after.points, before.points, equal_nan=True)
    return Row(both.kind, both.shape.name, both.way, has_walls(both.field) or both.warps,
               both.shape.tells_the_light and reached, kept_points, float(np.median(off)),
               float(np.percentile(off, 95)), float(np.degrees(np.median(np.arccos(np.clip(cosine, -1, 1))))),
               *levels, _agreement(moved, found), float(revealed.sum() / union.sum()))


def has_walls(field, across: int = 240) -> bool:
    """Whether a field steps somewhere, or takes surface away: steeper than 45 degrees over a hundredth of its size."""
    s0, s1, t0, t1 = field.bounds_mm
    step = max(s1 - s0, t1 - t0) / across
    s, t = np.meshgrid(np.arange(s0 - step, s1 + 2 * step, step), np.arange(t0 - step, t1 + 2 * step, step))
    inside = (s >= s0) & (s <= s1) & (t >= t0) & (t <= t1)
    d, gone = np.zeros(s.shape), False
    sample = field.sample(s[inside], t[inside])
    d[inside] = sample.displacement_mm
    gone = sample.removed is not None and sample.removed.any()
    steepest = max(np.abs(np.diff(d, axis=k)).max() for k in (0, 1)) / step
    return bool(gone or steepest > 1)


def _agreement(true, found):
    """Overlap of two masks; of a line narrower than 8 pixels the share of either within a pixel of the other."""
    if distance_transform_edt(true).max() >= 4:
        return float((true & found).sum() / (true | found).sum())
    wide_true, wide_found = (binary_dilation(mask, np.ones((3, 3))) for mask in (true, found))
    precision, recall = (found & wide_true).sum() / found.sum(), (true & wide_found).sum() / true.sum()
    return float(2 * precision * recall / (precision + recall))
