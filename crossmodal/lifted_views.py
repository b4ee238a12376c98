"""What was lifted from one view of a rig, as the others see it: its material and its relief stay on the surface."""

from collections.abc import Sequence

import cv2
import numpy as np

import rgb as rgb_room
from crossmodal.capture import Capture, Rig
from crossmodal.imprinted import imprinted
from crossmodal.lifted import LiftedEdit, material

NEAR_PX = 3.0  # footprints of a pixel by which the same surface may lie apart in two views


def seen_from(rig: Rig, edit: LiftedEdit, at: int) -> tuple[LiftedEdit | None, ...]:
    """The edit for each view of a rig; None where a view does not see it.

    edit: lifted from the picture of view ``at``, which must be as it was then. The gain of linear colour goes along:
    a matt surface keeps its shading, whoever looks at it. What view ``at`` did not see stays as it was.
    Errors: ValueError for an edit of depth or points, which says nothing of other views.
    """
    if edit.rgb is None or edit.points is not None:
        raise ValueError(f"a defect lifted from {edit.modality} belongs to its own view's pixels; lift it from rgb")
    return tuple(edit if k == at else _seen(rig.views[at], view, np.linalg.inv(rig.T_rig_camera[at]) @ pose, edit)
                 for k, (view, pose) in enumerate(zip(rig.views, rig.T_rig_camera, strict=True)))


def _seen(own: Capture, other: Capture, T_own_other: np.ndarray, edit: LiftedEdit) -> LiftedEdit | None:
    surface, there = own.surface, other.surface
    points = there.smoothed.astype(np.float64) @ T_own_other[:3, :3].T + T_own_other[:3, 3]
    with np.errstate(invalid="ignore", divide="ignore"):
        ahead = points[..., 2] > 1e-6
        pixel = np.full((*ahead.shape, 2), -1e6)
        pixel[ahead] = own.camera.project(points[ahead])
    pixel = np.nan_to_num(pixel, nan=-1e6).astype(np.float32)
    z = cv2.remap(np.nan_to_num(surface.smoothed[..., 2]), pixel[..., 0], pixel[..., 1], cv2.INTER_NEAREST)
    near_m = NEAR_PX * 1e-3 * max(surface.mm_per_pixel, there.mm_per_pixel) + 4e-3 * surface.floor_mm
    with np.errstate(invalid="ignore"):
        visible = ahead & (z > 0) & (np.abs(points[..., 2] - z) < near_m)
    column, row = pixel[..., 0] - edit.columns[0], pixel[..., 1] - edit.rows[0]

    def carried(values, outside=0.0):
        border = (outside,) * 4
        return cv2.remap(values.astype(np.float32), column, row, cv2.INTER_LINEAR, borderValue=border)

    changed = visible & (carried(edit.changed) > 0.5)
    if not changed.any():
        return None
    gain = carried(np.where(edit.changed[..., None], material(own.rgb, edit), 1.0), 1.0)
    colours = rgb_room.to_srgb(rgb_room.to_linear(other.rgb) * gain)
    relief = None if edit.relief_mm is None else np.where(changed, carried(edit.relief_mm), np.float32(0))
    margin = 3 if relief is None else 3 + int(np.ceil(np.abs(relief).max() / there.mm_per_pixel))
    rows, columns = (_span(changed.any(axis), size, margin) for axis, size in zip((1, 0), changed.shape, strict=True))
    window = np.s_[rows[0]:rows[1], columns[0]:columns[1]]
    return LiftedEdit("rgb", rows, columns, changed[window],
                      rgb=np.where(changed[window][..., None], colours[window], other.rgb[window]),
                      relief_mm=None if relief is None else relief[window].astype(np.float32),
                      pixel_mm2=float(there.pixel_area_mm2[changed].mean()), extents_mm=edit.extents_mm,
                      volume_mm3=edit.volume_mm3, kind=edit.kind, confidence=edit.confidence)


def _span(any_, size, margin):
    at = np.flatnonzero(any_)
    return max(0, int(at[0]) - margin), min(size, int(at[-1]) + 1 + margin)


def edits_of_views(rig: Rig, edits: Sequence, at: int) -> list[tuple]:
    """The edits of each view, in order; lifted ones are of view ``at``, on what the edits before them left."""
    lists: list[list] = [[] for _ in rig.views]
    for edit in edits:
        if isinstance(edit, LiftedEdit):
            views = tuple(imprinted(view, own).after if own else view
                          for view, own in zip(rig.views, lists, strict=True))
            for own, seen in zip(lists, seen_from(Rig(views, rig.T_rig_camera), edit, at), strict=True):
                own.extend(() if seen is None else (seen,))
        else:
            for own, pose in zip(lists, rig.T_rig_camera, strict=True):
                own.append(edit.moved(np.linalg.inv(pose)))
    return [tuple(own) for own in lists]
