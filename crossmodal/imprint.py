"""The coupler: edits × a capture, a rig or a cloud → the same type, in all its modalities, with the truth about it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

import cv2
import numpy as np

from crossmodal.backdrop import marked, over
from crossmodal.capture import Capture, Rig, read_only
from crossmodal.clouds.cloud import Cloud
from crossmodal.clouds.imprint import imprinted
from crossmodal.clouds.pushed import pushed
from crossmodal.clouds.result import CloudResult
from crossmodal.edit import SurfaceEdit, measure
from crossmodal.forecast import foretold, is_lost
from crossmodal.layer import see_matter
from crossmodal.lifted import LiftedEdit, see_lifted
from crossmodal.lifted_views import edits_of_views
from crossmodal.plan import Plan, PlannedLight
from crossmodal.recolour import largest_difference, recoloured
from crossmodal.remeasured import along_rays, beyond, laid, measured
from crossmodal.result import Masks, Measured, Result, Visibility
from crossmodal.scanner.mesh import Mesh
from crossmodal.see import Seen, see, widened
from crossmodal.sensor import IdealSensor, Sensor
from crossmodal.streams import stream
from pointcloud import PointCloud

Edit = SurfaceEdit | LiftedEdit
HALF_LEVEL = 0.5  # a smaller change of a pixel is rounded away more often than not
GAP_CONTRAST = 10.0  # a pixel that lost or gained its return, in noise floors: plain, but of no size


@singledispatch
def imprint(target, edits, plan: Plan | None = None, sensor: Sensor | None = None):
    """Let a capture, a rig, a cloud or a mesh see one edit or several, in order.

    Capture → Result. Rig → a tuple of Results, one a view, all of the one edit. Cloud → CloudResult. Mesh →
    MeshResult. PointCloud → PointCloud with labels (N,) uint8, i + 1 where the i-th edit is; its points rise with the
    matter that is laid on them, and none are added. Edits stand in the target's own frame, lifted ones in the view of a
    rig that the plan names, or in its first; a later one lies on what an earlier one left. The sensor (the capture's
    own if none is given) measures what changed; masks tell of the change before its noise and rounding.
    """
    raise TypeError("a defect can be imprinted in a Capture, a Rig, a Cloud, a Mesh or a PointCloud, but got "
                    f"{type(target).__name__}")


@imprint.register
def _(capture: Capture, edits, plan: Plan | None = None, sensor: Sensor | None = None) -> Result:
    edits = _several(edits)
    if len(edits) > 255:
        raise ValueError(f"one capture holds at most 255 defects, but got {len(edits)}")
    plan = plan or _plan(capture, edits)
    sensor = sensor or _sensor(capture, plan)
    shape = capture.shape
    rgb, points = capture.rgb.copy(), capture.points.copy()
    masks = Masks(*(np.zeros(shape, bool) for _ in range(4)))
    direct = np.zeros(shape, bool)
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
        change = _change(capture, surface, seen, edit, ground, rgb[window], points[window], sensor,
                         stream(plan.seed, capture.name, "sensor", i))
        laid(rgb[window], change.rgb, change.colours)
        laid(points[window], change.points, change.new_points)
        masks.rgb[window] |= change.rgb
        masks.depth[window] |= change.depth
        masks.points[window] |= change.points
        direct[window] |= seen.support
        np.copyto(displacement[window], seen.displacement_mm, where=change.points)
        instances[window][change.outline] = i + 1
        visibility.append(change.visibility)
        disturbed.append((seen.rows, seen.columns))
    np.logical_and(masks.union, ~direct, out=masks.effects)
    after = capture.replaced(rgb=rgb, points=points, origin=capture.origin or capture)
    for array in (masks.rgb, masks.depth, masks.points, masks.effects, masks.union, instances, displacement):
        array.setflags(write=False)
    return Result(capture, after, masks, read_only(instances > 0), instances, displacement, tuple(visibility),
                  plan, _hidden(capture, edits), tuple(_measurer(edit) for edit in edits))


@imprint.register
def _(rig: Rig, edits, plan: Plan | None = None, sensor: Sensor | None = None) -> tuple[Result, ...]:
    edits = _several(edits)
    if any(isinstance(edit, LiftedEdit) for edit in edits):
        at = rig.view_named("" if plan is None else plan.capture)
        return tuple(imprint(view, own, plan, sensor)
                     for view, own in zip(rig.views, edits_of_views(rig, edits, at, imprint), strict=True))
    return tuple(imprint(view, [edit.moved(np.linalg.inv(pose)) for edit in edits], plan, sensor)
                 for view, pose in zip(rig.views, rig.T_rig_camera, strict=True))


@imprint.register
def _(cloud: PointCloud, edits, plan: Plan | None = None, sensor: Sensor | None = None) -> PointCloud:
    return pushed(cloud, _several(edits))


@imprint.register
def _(cloud: Cloud, edits, plan: Plan | None = None, sensor: Sensor | None = None) -> CloudResult:
    return imprinted(cloud, edits, plan)


@imprint.register
def _(mesh: Mesh, edits, plan: Plan | None = None, sensor: Sensor | None = None):
    from crossmodal.meshes.edit import edited  # meshes are planned in views, so they come after them
    return edited(mesh, _several(edits), plan)


def _sensor(capture, plan) -> Sensor:
    """The capture's own, with the projector where the plan says if it says so."""
    own = (capture.origin or capture).surface.sensor
    return own if plan.baseline_mm is None else replace(own, baseline_mm=plan.baseline_mm)


def _plan(capture, edits) -> Plan:
    """The plan behind edits that came without one; a field that no plan describes is left out of it."""
    light = None if capture.light is None else PlannedLight.of(capture.light)
    return Plan(capture=capture.name, light=light,
                defects=tuple(edit.planned for edit in edits if edit.planned is not None))


def _several(edits) -> tuple[Edit, ...]:
    return tuple(edits) if isinstance(edits, Sequence) else (edits,)


def _seen(surface, edit: Edit) -> Seen | None:
    if isinstance(edit, LiftedEdit):
        return see_lifted(surface, edit)
    return see_matter(surface, edit) if getattr(edit.field, "matter", False) else see(surface, edit)


def _meet(seen: Seen, other) -> bool:
    (r0, r1), (c0, c1) = other
    return seen.rows[0] < r1 and r0 < seen.rows[1] and seen.columns[0] < c1 and c0 < seen.columns[1]


@dataclass(frozen=True, eq=False)
class _Change:
    """One edit's change to a window: masks (h, w), the values behind them, and how plainly it shows."""

    rgb: np.ndarray
    depth: np.ndarray
    points: np.ndarray
    colours: np.ndarray
    new_points: np.ndarray
    outline: np.ndarray
    visibility: Visibility


def _over_ground(capture, surface, seen: Seen, edit: Edit, old_z):
    """With the ground in sight where the surface is gone, and its colours (h, w, 3); None where none is known."""
    if isinstance(edit, SurfaceEdit) and np.isnan(seen.displacement_mm).any() and capture.backdrop is not None:
        return over(capture.backdrop, surface, seen, old_z)
    return seen, None


def _change(capture, surface, seen: Seen, edit: Edit, ground, rgb, points, sensor: Sensor, rng) -> _Change:
    """What changes beyond the noise floors; the rest keeps its input bits."""
    old_z = points[..., 2]
    floor = np.asarray(surface.floor.at(old_z), np.float32)
    if isinstance(edit, LiftedEdit):
        sensor = IdealSensor()  # what was lifted has been measured already
    seen = replace(seen, z_m=sensor.resolves(seen.z_m, old_z))
    dark = sensor.shadowed(seen.z_m, old_z)
    if dark is not None and dark.any():
        seen = replace(seen, z_m=np.where(dark, np.float32(np.nan), seen.z_m))
    depth = beyond(old_z, seen.z_m, floor)
    if isinstance(edit, SurfaceEdit) and is_lost(surface, edit.field, edit.patch.anchor_m, edit.patch.normal):
        depth[:] = False  # as the forecast said: seen in colour only
    if isinstance(edit, LiftedEdit) and edit.points is not None:
        new_points = edit.points
        shifted = edit.changed & ~_same(new_points, capture.points[seen.window])
        # A point that slid sideways keeps its depth.
        depth = shifted & ~((seen.z_m == old_z) | (~np.isfinite(old_z) & ~np.isfinite(seen.z_m)))
    else:
        fresh = (~np.isfinite(old_z) | np.isnan(seen.displacement_mm)).astype(np.float32)
        if seen.worn is not None:  # what flattened the crests took the sensor's grain along with them
            taken = np.float32(surface.sensor.depth.passed(surface.radius, surface.stride))
            np.maximum(fresh, taken * seen.worn, out=fresh)
        observed = sensor.observe(seen.z_m, old_z, fresh, rng)
        if seen.worn is not None:  # its grain stays below what it was worn from: nothing grows by being rubbed
            observed = np.where((seen.worn > 0) & (observed < old_z), old_z, observed)
        measured_m, depth = measured(old_z, observed, depth)
        new_points = along_rays(capture.camera, seen, points, measured_m, depth)
        shifted = depth
    if isinstance(edit, LiftedEdit) and edit.rgb is not None:
        colours, difference = edit.rgb, np.abs(edit.rgb.astype(np.int16) - rgb).max(-1)
        coloured = edit.changed & (difference > 0)
    else:
        worn_px = 0.0 if seen.worn is None else edit.field.flattens_mm / surface.mm_per_pixel
        colours, difference = recoloured(rgb, seen, surface.white, ground, surface.grain, worn_px)
        if capture.grey:  # whatever its matter's colour, such a camera gives its lightness
            colours = cv2.cvtColor(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
            difference = largest_difference(colours, rgb)
        coloured = difference > max(surface.rgb_floor, HALF_LEVEL)
    direct = (coloured | shifted) & seen.support
    contrast = 0.0
    if direct.any():
        told = direct & depth
        moved, gap = np.abs(seen.z_m[told] - old_z[told]), np.isfinite(seen.z_m[told]) != np.isfinite(old_z[told])
        contrast = float((moved / np.maximum(floor[told], 1e-12)).max(initial=0.0, where=np.isfinite(moved)))
        if gap.any():
            contrast = max(contrast, GAP_CONTRAST)
    colour_contrast = float(difference[direct].max(initial=0)) / max(surface.rgb_floor, 1e-6)
    return _Change(coloured, depth, shifted, colours, new_points, _outline(direct, seen.support),
                   Visibility(colour_contrast, contrast))


def _same(points, others) -> np.ndarray:
    """(h, w) bool: points (h, w, 3) that are the others, or missing in both."""
    return ((points == others) | (np.isnan(points) & np.isnan(others))).all(-1)


def _outline(direct, support) -> np.ndarray:
    """What an annotator would draw: the changed pixels closed over the field's support, without holes in it."""
    if not direct.any():
        return direct
    seen = direct.astype(np.uint8)
    closed = cv2.morphologyEx(cv2.copyMakeBorder(seen, 3, 3, 3, 3, cv2.BORDER_CONSTANT), cv2.MORPH_CLOSE,
                              cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(closed, contours, -1, 1, cv2.FILLED)
    drawn = direct | (closed[3:-3, 3:-3].astype(bool) & support)
    # What closing joined across ground that the field leaves alone may be cut off from all that changed.
    _, pieces = cv2.connectedComponents(drawn.astype(np.uint8))
    return drawn & marked(pieces, direct)


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
