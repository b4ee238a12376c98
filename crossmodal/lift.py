"""The inverse door: a change made in one modality becomes an edit that the others can see."""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from crossmodal.camera import residual
from crossmodal.capture import Capture
from crossmodal.easing import eased
from crossmodal.edit import exact_distance
from crossmodal.lifted import LiftedEdit, along_normal_mm
from crossmodal.surface import Surface

COLOUR_STEP = 2  # levels; resaving a picture changes less


@dataclass(frozen=True)
class Profile:
    """How a painted mask becomes relief: a smooth shoulder from its edge to its middle. Give one of the two, in mm."""

    depth_mm: float | None = None
    height_mm: float | None = None

    def __post_init__(self):
        given = [x for x in (self.depth_mm, self.height_mm) if x is not None]
        if len(given) != 1 or not (np.isfinite(given[0]) and given[0] > 0):
            raise ValueError("a profile needs depth_mm or height_mm, one of them, positive; "
                             f"but got depth_mm={self.depth_mm}, height_mm={self.height_mm}")

    @property
    def amplitude_mm(self) -> float:
        return -self.depth_mm if self.depth_mm is not None else self.height_mm


def lift(capture: Capture, rgb: np.ndarray | None = None, depth: np.ndarray | None = None,
         points: np.ndarray | None = None, mask: np.ndarray | None = None,
         relief: Profile | np.ndarray | Literal["shading"] | None = None) -> LiftedEdit:
    """Recover what was changed in one modality of a capture, ready for ``imprint``.

    rgb: (H, W, 3) uint8, painted, pasted or generated; geometry is untouched unless relief says otherwise
    depth: (H, W) float32 z in metres, NaN no return; every point stays on its pixel's ray
    points: (H, W, 3) float32 in metres, NaN no return; x and y may move within their pixels
    rgb and depth, or rgb and points: one change that was made in both; each is as given, and no light comes between
    mask: (H, W) bool, where the change is; without it, where it exceeds the modality's noise floor
    relief: with rgb only: a Profile, a height map (H, W) in mm, + out of the surface, or "shading": the heights that
        the change of brightness stands for under the capture's own light (see crossmodal.shading), whose confidence
        goes into the edit and its plan
    Raises ValueError for no modality, or two that both tell of the shape, for a size, unit or registration that does
    not fit the capture, where nothing changed, and where the light is too poor or the shading too unlike a relief to
    tell.
    """
    given = {"rgb": rgb, "depth": depth, "points": points}
    named = [name for name, value in given.items() if value is not None]
    if not named or named == ["depth", "points"] or len(named) == 3:
        raise ValueError("lift takes an edited rgb, an edited depth or edited points, or rgb with one of the others, "
                         f"but got {' and '.join(named) or 'none'}")
    modality = named[-1]
    if relief is not None and modality != "rgb":
        raise ValueError(f"relief goes with an edited rgb; the edited {modality} is its own relief")
    for name in named:
        _check(capture, name, given[name], mask)
    surface = capture.surface
    if modality == "rgb":
        return _lift_rgb(capture, surface, rgb, mask, relief)
    moved = points if depth is None else _along_rays(capture, depth)
    return _lift_points(capture, surface, modality, moved.astype(np.float32), mask, rgb)


def _along_rays(capture, depth):
    """Points (H, W, 3) at edited depths (H, W), each on the ray that its pixel was measured on."""
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = capture.points * (depth / capture.depth)[..., None]
    new = ~capture.valid & np.isfinite(depth)
    if new.any():
        rows, columns = np.nonzero(new)
        moved[new] = capture.camera.unproject(np.stack((columns, rows), -1), depth[new])
    moved[..., 2] = depth
    return moved


def _check(capture, modality, edited, mask):
    shape = capture.shape
    wanted = {"rgb": ("uint8", (*shape, 3)), "depth": ("float32", shape), "points": ("float32", (*shape, 3))}[modality]
    if not isinstance(edited, np.ndarray) or (edited.dtype.name, edited.shape) != wanted:
        got = f"{edited.dtype} {edited.shape}" if isinstance(edited, np.ndarray) else type(edited).__name__
        raise ValueError(f"edited {modality} must be {wanted[0]} {wanted[1]}, registered with the capture, "
                         f"but got {got}")
    if mask is not None and (mask.dtype != bool or mask.shape != shape):
        raise ValueError(f"mask must be bool {shape}, but got {mask.dtype} {mask.shape}")
    if modality == "rgb":
        return
    z = edited if modality == "depth" else edited[..., 2]
    if not np.isfinite(z).any():
        raise ValueError(f"edited {modality} has no valid value")
    ratio = float(np.nanmedian(z[np.isfinite(z)]) / np.nanmedian(capture.depth))
    if not 0.2 < ratio < 5:
        raise ValueError(f"edited {modality} is {ratio:.3g} times as far as the capture; "
                         f"it must be in metres, like the capture")
    if modality == "points":
        fit, own = residual(capture.camera, edited), residual(capture.camera, capture.points)
        if fit.p99_px > own.p99_px + 1.0:
            raise ValueError(f"edited points lie {fit.p99_px:.1f} px off their pixels (the capture's own: "
                             f"{own.p99_px:.1f}); they are not registered with the capture")


def _window(changed, shape, margin=3):
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    return ((max(0, int(rows[0]) - margin), min(shape[0], int(rows[-1]) + 1 + margin)),
            (max(0, int(columns[0]) - margin), min(shape[1], int(columns[-1]) + 1 + margin)))


def _something(changed, modality):
    if not changed.any():
        raise ValueError(f"the edited {modality} nowhere differs from the capture by more than its noise floor; "
                         f"there is nothing to lift")


def _lift_points(capture, surface, modality, edited, mask, rgb=None):
    """rgb: (H, W, 3) uint8, the picture that was edited with the points, if it was."""
    was, now = capture.valid, np.isfinite(edited[..., 2])
    moved = np.linalg.norm(edited - capture.points, axis=-1)
    shifted = np.where(was & now, moved > surface.floor.at(capture.depth), was != now)
    changed = shifted if rgb is None else shifted | _recoloured(capture, surface, rgb, mask)
    if mask is not None:
        shifted, changed = shifted & mask, changed & mask
    _something(changed, modality)
    rows, columns = _window(changed, capture.shape)
    window = np.s_[rows[0]:rows[1], columns[0]:columns[1]]
    inside = changed[window]
    points = np.where(shifted[window][..., None], edited[window], capture.points[window])
    colours = None if rgb is None else np.where(inside[..., None], rgb[window], capture.rgb[window])
    edit = LiftedEdit(modality, rows, columns, inside, rgb=colours, points=points)
    d = along_normal_mm(surface, edit)[shifted[window]]
    d = d[np.isfinite(d)]
    sizes = (float(max(0, -d.min())), float(max(0, d.max()))) if d.size else (0.0, 0.0)
    pixel_mm2 = _pixel_mm2(surface, changed)
    return replace(edit, pixel_mm2=pixel_mm2, extents_mm=sizes, volume_mm3=_volume_mm3(d, pixel_mm2))


def _recoloured(capture, surface, edited, mask):
    """(H, W) bool: where an edited picture differs; beyond its noise floor, unless a mask says where."""
    differs = cv2.absdiff(edited, np.ascontiguousarray(capture.rgb)).max(-1)
    return (differs > 0) & mask if mask is not None else differs >= max(COLOUR_STEP, surface.rgb_floor)


def _lift_rgb(capture, surface, edited, mask, relief):
    changed = _recoloured(capture, surface, edited, mask)
    region, confidence = mask if mask is not None else changed, None
    if isinstance(relief, str):
        from crossmodal.shading import shaped_by_shading  # its sparse equations are slow to import

        _something(changed, "rgb")
        relief_mm, confidence = shaped_by_shading(surface, capture.rgb, edited, changed, mask, relief)
    elif isinstance(relief, np.ndarray):
        if relief.shape != capture.shape:
            raise ValueError(f"relief must be a height map {capture.shape} in mm, but got {relief.shape}")
        if not np.isfinite(relief[region]).all():
            raise ValueError("relief must be finite, in mm, wherever the mask is")
        relief_mm = np.where(region, relief, 0).astype(np.float32)
    elif relief is not None:
        relief_mm = _profiled(surface, region, relief)
    else:
        relief_mm = None
    if relief_mm is not None:
        changed = changed | (relief_mm != 0)
    _something(changed, "rgb")
    margin = 3 if relief_mm is None else 3 + int(np.ceil(np.abs(relief_mm).max() / surface.mm_per_pixel))
    rows, columns = _window(changed, capture.shape, margin)
    window = np.s_[rows[0]:rows[1], columns[0]:columns[1]]
    inside = changed[window]
    colours = np.where(inside[..., None], edited[window], capture.rgb[window])
    sizes = (0.0, 0.0) if relief_mm is None else (float(max(0, -relief_mm.min())), float(max(0, relief_mm.max())))
    pixel_mm2 = _pixel_mm2(surface, changed)
    return LiftedEdit("rgb", rows, columns, inside, rgb=colours,
                      relief_mm=None if relief_mm is None else relief_mm[window], pixel_mm2=pixel_mm2,
                      confidence=confidence,
                      extents_mm=sizes, volume_mm3=0.0 if relief_mm is None else _volume_mm3(relief_mm, pixel_mm2))


def _profiled(surface: Surface, region: np.ndarray, profile: Profile) -> np.ndarray:
    """A smooth shoulder over the region: the distance to its edge, eased at both ends."""
    distance = exact_distance(np.pad(region, 1))[1:-1, 1:-1]
    if distance.max() == 0:
        return np.zeros(region.shape, np.float32)
    x = cv2.GaussianBlur(distance / distance.max(), (0, 0), max(0.8, 0.08 * distance.max())) * (distance > 0)
    return (profile.amplitude_mm * eased(x / x.max())).astype(np.float32)


def _volume_mm3(moved_mm, pixel_mm2) -> float:
    return float(np.abs(moved_mm, dtype=np.float64).sum() * pixel_mm2)


def _pixel_mm2(surface, changed):
    areas = surface.pixel_area_mm2[changed]
    areas = areas[areas > 0]
    return float(areas.mean()) if areas.size else surface.mm_per_pixel**2

