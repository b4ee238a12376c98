"""What a capture, or one view of a rig, sees of edits: all its modalities, with the truth about them."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossmodal.backdrop import over
from crossmodal.capture import Capture, read_only
from crossmodal.change import Edit, changed
from crossmodal.edit import SurfaceEdit, measure
from crossmodal.forecast import foretold
from crossmodal.layer import see_matter
from crossmodal.lifted import LiftedEdit, see_lifted
from crossmodal.plan import Plan, PlannedLight
from crossmodal.remeasured import laid
from crossmodal.result import Masks, Measured, Result, Visibility
from crossmodal.see import Seen, see, widened
from crossmodal.sensor import Sensor
from crossmodal.streams import stream


def imprinted(capture: Capture, edits: Sequence[Edit], plan: Plan | None = None,
              sensor: Sensor | None = None) -> Result:
    """The capture with every edit in it, in order; see crossmodal.imprint.imprint. Errors: ValueError for too many."""
    if len(edits) > 255:
        raise ValueError(f"one capture holds at most 255 defects, but got {len(edits)}")
    plan = plan or _plan(capture, edits)
    sensor = sensor or _sensor(capture, plan)
    shape = capture.shape
    rgb, points = capture.rgb.copy(), capture.points.copy()
    masks = Masks(*(np.zeros(shape, bool) for _ in range(4)))
    instances, displacement = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    surface, visibility = capture.surface, []
    disturbed: list[tuple] = []
    for i, edit in enumerate(edits):
        seen = _seen(surface, edit)
        if seen is not None and any(_meet(seen, window) for window in disturbed):
            for rows, columns in disturbed:
                surface = surface.after(points, rows, columns)
            disturbed.clear()
            seen = _seen(surface, edit)
        if seen is None:
            visibility.append(Visibility(0.0, 0.0))
            continue
        reach = 0.0 if isinstance(edit, LiftedEdit) else sensor.shadow_px(seen.z_m, points[seen.window][..., 2])
        if reach > 0:
            seen = widened(surface, seen, math.ceil(reach))
        window = seen.window
        seen, ground = _over_ground(capture, surface, seen, edit, points[window][..., 2])
        change = changed(capture, surface, seen, edit, ground, rgb[window], points[window], sensor,
                         stream(plan.seed, capture.name, "sensor", i))
        laid(rgb[window], change.rgb, change.colours)
        laid(points[window], change.points, change.new_points)
        masks.rgb[window] |= change.rgb
        masks.depth[window] |= change.depth
        masks.points[window] |= change.points
        np.copyto(displacement[window], seen.displacement_mm, where=change.points)
        instances[window][change.outline] = i + 1
        visibility.append(change.visibility)
        disturbed.append((seen.rows, seen.columns))
    np.logical_and(masks.union, instances == 0, out=masks.effects)
    after = capture.replaced(rgb=rgb, points=points, origin=capture.origin or capture)
    for array in (masks.rgb, masks.depth, masks.points, masks.effects, masks.union, instances, displacement):
        array.setflags(write=False)
    return Result(capture, after, masks, read_only(instances > 0), instances, displacement, tuple(visibility),
                  plan, _hidden(capture, edits), tuple(_measurer(edit) for edit in edits))


def _sensor(capture, plan) -> Sensor:
    """The capture's own, with the projector where the plan says if it says so."""
    own = (capture.origin or capture).surface.sensor
    return own if plan.baseline_mm is None else replace(own, baseline_mm=plan.baseline_mm)


def _plan(capture, edits) -> Plan:
    """The plan behind edits that came without one; a field that no plan describes is left out of it."""
    light = None if capture.light is None else PlannedLight.of(capture.light)
    return Plan(capture=capture.name, light=light,
                defects=tuple(edit.planned for edit in edits if edit.planned is not None))


def _seen(surface, edit: Edit) -> Seen | None:
    if isinstance(edit, LiftedEdit):
        return see_lifted(surface, edit)
    return see_matter(surface, edit) if getattr(edit.field, "matter", False) else see(surface, edit)


def _meet(seen: Seen, other) -> bool:
    (r0, r1), (c0, c1) = other
    return seen.rows[0] < r1 and r0 < seen.rows[1] and seen.columns[0] < c1 and c0 < seen.columns[1]


def _over_ground(capture, surface, seen: Seen, edit: Edit, old_z):
    """With the ground in sight where the surface is gone, and its colours (h, w, 3); None where none is known."""
    if isinstance(edit, SurfaceEdit) and np.isnan(seen.displacement_mm).any() and capture.backdrop is not None:
        return over(capture.backdrop, surface, seen, old_z)
    return seen, None


def _hidden(capture, edits) -> tuple[str, ...]:
    doubts = tuple(edit.doubt for edit in edits if isinstance(edit, LiftedEdit) and edit.doubt)
    return foretold(capture.surface, [(edit.kind, edit.field, edit.patch.anchor_m, edit.patch.normal)
                                      for edit in edits if isinstance(edit, SurfaceEdit)]) + doubts


def _measurer(edit: Edit):
    def measured(area_px: int) -> Measured:
        extents = edit.extents() if isinstance(edit, LiftedEdit) else measure(edit.field)
        return Measured(extents.area_mm2, area_px, extents.length_mm, extents.width_mm, extents.max_depth_mm,
                        extents.max_height_mm, extents.volume_mm3)
    return measured
