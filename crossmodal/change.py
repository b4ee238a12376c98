"""What one edit changes in a window of a capture beyond its noise floors, and how plainly that shows."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from crossmodal.backdrop import marked
from crossmodal.edit import SurfaceEdit
from crossmodal.forecast import is_lost
from crossmodal.lifted import LiftedEdit
from crossmodal.recolour import largest_difference, recoloured
from crossmodal.remeasured import along_rays, beyond, measured
from crossmodal.result import Visibility
from crossmodal.see import Seen
from crossmodal.sensor import IdealSensor, Sensor

Edit = SurfaceEdit | LiftedEdit
HALF_LEVEL = 0.5  # a smaller change of a pixel is rounded away more often than not
GAP_CONTRAST = 10.0  # a pixel that lost or gained its return, in noise floors: plain, but of no size


@dataclass(frozen=True, eq=False)
class Change:
    """One edit's change to a window: masks (h, w), the values behind them, and how plainly it shows."""

    rgb: np.ndarray
    depth: np.ndarray
    points: np.ndarray
    colours: np.ndarray
    new_points: np.ndarray
    outline: np.ndarray
    visibility: Visibility


def changed(capture, surface, seen: Seen, edit: Edit, ground, rgb, points, sensor: Sensor, rng) -> Change:
    """What changes beyond the noise floors; the rest keeps its input bits.

    seen: what is seen of the edit in a window; ground: colours (h, w, 3) behind the surface there, or None;
    rgb, points: (h, w, 3) of the window so far
    """
    old_z, lifted = points[..., 2], isinstance(edit, LiftedEdit)
    floor = np.asarray(surface.floor.at(old_z), np.float32)
    if lifted:
        sensor = IdealSensor()  # what was lifted has been measured already
    seen = _resolved(seen, old_z, sensor)
    if lifted and edit.points is not None:
        new_points, shifted, depth = _as_edited(capture, edit, seen, old_z)
    else:
        depth = beyond(old_z, seen.z_m, floor)
        if not lifted and is_lost(surface, edit.field, edit.patch.anchor_m, edit.patch.normal):
            depth[:] = False  # as the forecast said: seen in colour only
        measured_m, depth = measured(old_z, _observed(surface, seen, old_z, sensor, rng), depth)
        new_points, shifted = along_rays(capture.camera, seen, points, measured_m, depth), depth
    if lifted and edit.rgb is not None:
        colours, difference = edit.rgb, np.abs(edit.rgb.astype(np.int16) - rgb).max(-1)
        coloured = edit.changed & (difference > 0)
    else:
        colours, difference = _relit(capture, surface, seen, edit, ground, rgb)
        coloured = (difference > max(surface.rgb_floor, HALF_LEVEL)) & (largest_difference(colours, rgb) > 0)
    direct = (coloured | shifted) & seen.support
    colour_contrast = float(difference[direct].max(initial=0)) / max(surface.rgb_floor, 1e-6)
    return Change(coloured, depth, shifted, colours, new_points, _outline(direct, seen.support),
                  Visibility(colour_contrast, _depth_contrast(old_z, seen.z_m, floor, direct & depth)))


def _resolved(seen: Seen, old_z, sensor: Sensor) -> Seen:
    """With the depth that the sensor resolves, none where its projector does not reach any more."""
    seen = replace(seen, z_m=sensor.resolves(seen.z_m, old_z))
    dark = sensor.shadowed(seen.z_m, old_z)
    return seen if dark is None or not dark.any() else replace(seen, z_m=np.where(dark, np.float32(np.nan), seen.z_m))


def _as_edited(capture, edit: LiftedEdit, seen: Seen, old_z):
    """Points as they were given, and which moved, and which of these in depth: one that slid sideways keeps that."""
    own = capture.points[seen.window]
    shifted = edit.changed & ~((edit.points == own) | (np.isnan(edit.points) & np.isnan(own))).all(-1)
    return edit.points, shifted, shifted & ~((seen.z_m == old_z) | (~np.isfinite(old_z) & ~np.isfinite(seen.z_m)))


def _observed(surface, seen: Seen, old_z, sensor: Sensor, rng):
    """Depth (h, w) float32 as the sensor measures it, with the grain that new surface lacks."""
    fresh = (~np.isfinite(old_z) | np.isnan(seen.displacement_mm)).astype(np.float32)
    if seen.worn is None:
        return sensor.observe(seen.z_m, old_z, fresh, rng)
    # What flattened the crests took the sensor's grain along with them.
    taken = np.float32(surface.sensor.depth.passed(surface.radius, surface.stride))
    observed = sensor.observe(seen.z_m, old_z, np.maximum(fresh, taken * seen.worn), rng)
    # Its new grain stays below what it was worn from: nothing grows by being rubbed.
    return np.where((seen.worn > 0) & (observed < old_z), old_z, observed)


def _relit(capture, surface, seen: Seen, edit: Edit, ground, rgb):
    """Colours (h, w, 3) uint8, and their largest difference to what they were, in levels (h, w)."""
    worn_px = 0.0 if seen.worn is None else edit.field.flattens_mm / surface.mm_per_pixel
    colours, difference = recoloured(rgb, seen, surface.white, ground, surface.grain, worn_px)
    if not capture.grey:
        return colours, difference
    # Whatever its matter's colour, such a camera gives its lightness.
    colours = cv2.cvtColor(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return colours, largest_difference(colours, rgb)


def _depth_contrast(old_z, new_z, floor, told) -> float:
    """The largest change of depth where it is told (h, w bool), in noise floors."""
    if not told.any():
        return 0.0
    old_z, new_z = old_z[told], new_z[told]
    moved, gap = np.abs(new_z - old_z), np.isfinite(new_z) != np.isfinite(old_z)
    contrast = float((moved / np.maximum(floor[told], 1e-12)).max(initial=0.0, where=np.isfinite(moved)))
    return max(contrast, GAP_CONTRAST) if gap.any() else contrast


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
