"""One capture looked at before it is used: what its files hold, what was assumed, and what looks wrong."""

from dataclasses import dataclass, field, replace

import numpy as np

from crossmodal.camera import Camera, CameraFit, fit_camera, residual
from crossmodal.capture import Capture
from crossmodal.datasets import load
from crossmodal.datasets.decode import FEWEST_POINTS, assumed_m, voids
from crossmodal.datasets.intrinsics import Calibration, read_calibration
from crossmodal.datasets.raw import CODINGS, Raw, read_raw
from crossmodal.datasets.rig import is_rig, load_rig, read_rig
from crossmodal.datasets.source import Reading, Source
from crossmodal.evaluation.alignment import Alignment, alignment
from crossmodal.evaluation.plausible import OWN_PIXEL_PX, SHIPPED_PX, axes_fault, unit_fault, unit_for
from depth import measure_floor

OFF_CENTRE = 0.35  # of the picture's side: a principal point farther from the middle is a crop's, or another size's
EMPTY = 0.9
FEW_LEVELS = 256


@dataclass(frozen=True)
class Look:
    """What one capture says. Lengths in m unless named otherwise; None where it could not be measured."""

    name: str
    size: tuple[int, int] = (0, 0)
    holds: str = ""
    unit_m: float | None = None
    unit_why: str = ""
    void: dict[str, float] = field(default_factory=dict)
    z_m: tuple[float, float, float] | None = None
    given: str = ""
    camera: Camera | None = None
    given_px: float | None = None
    fitted_px: float | None = None
    mm_per_pixel: float | None = None
    noise_mm: float | None = None
    quantum_mm: float | None = None
    aligned: Alignment | None = None
    faults: tuple[str, ...] = ()


def look_at(source: Source, reading: Reading) -> Look:
    """Read one capture and measure it; what cannot be read, or looks wrong, stands in faults, one line each."""
    try:
        if is_rig(source, reading):
            return _of_rig(source, reading)
        if source.coding not in CODINGS:
            return _of_capture(load(source, reading), source.coding, "as the dataset's own files say", source.coding)
        raw = read_raw(source)
    except (ValueError, OSError) as error:
        return Look(source.path, faults=(" ".join(str(error).split()),))
    faults: list[str] = []
    given, said = _given(source, reading, raw, faults)
    values = raw.values
    counts = values.dtype.kind != "f"
    count_m = given.depth_unit_m if given is not None and counts else None
    unit_m = reading.unit_m or assumed_m(values, count_m)
    codes = voids(values)
    valid = ~np.logical_or.reduce(list(codes.values()))
    height, width = valid.shape
    held = {"size": (width, height), "unit_m": unit_m, "unit_why": _why(reading, given, counts, count_m),
            "holds": f"{'points' if values.ndim == 3 else 'depth'} {values.dtype}", "given": said,
            "void": {code: float(mask.mean()) for code, mask in codes.items()}}
    if valid.sum() < FEWEST_POINTS:
        return Look(source.path, **held, faults=(*faults, f"only {valid.sum()} pixels are measured"))
    if valid.mean() < 1 - EMPTY:
        faults.append(f"{100 * (1 - valid.mean()):.0f} % of the pixels are not measured")
    median = float(np.median(raw.z[valid]))
    if fault := unit_fault(median * unit_m):
        faults.append(fault + _way_out(median, reading, counts))
    if counts:
        faults += _levels(values[valid])
    metres = np.where(valid if values.ndim == 2 else valid[..., None], values * np.float64(unit_m), np.nan)
    metres = metres.astype(np.float32)
    z = metres if metres.ndim == 2 else np.ascontiguousarray(metres[..., 2])
    camera, given_px, fitted_px = _cameras(metres, given, faults)
    floor = measure_floor(np.abs(z))
    aligned = alignment(raw.rgb, np.abs(z))
    per_pixel = None if camera is None else abs(median) * unit_m * 1e3 / (camera.fx * camera.fy) ** 0.5
    low, high = np.quantile(z[valid], (0.01, 0.99))
    return Look(source.path, **held, z_m=(float(low), median * unit_m, float(high)), camera=camera,
                given_px=given_px, fitted_px=fitted_px, mm_per_pixel=per_pixel, noise_mm=floor.noise_m * 1e3,
                quantum_mm=floor.quantum_m * 1e3, aligned=aligned, faults=tuple(faults))


def _of_rig(source: Source, reading: Reading) -> Look:
    rig, (_, given, _) = load_rig(source, reading), read_rig(source.calibration)
    color, depth = rig.views
    values = depth.encoding.values
    look = _of_capture(depth, f"depth {values.dtype} of its own camera, {depth.camera.width}x{depth.camera.height}",
                       _why(reading, given, values.dtype.kind != "f", given.depth_unit_m),
                       f"rig.json: two, {1e3 * np.linalg.norm(rig.T_rig_camera[1][:3, 3]):.1f} mm apart")
    return replace(look, size=(color.camera.width, color.camera.height), camera=color.camera,
                   mm_per_pixel=look.z_m[1] * 1e3 / (color.camera.fx * color.camera.fy) ** 0.5,
                   aligned=alignment(color.rgb, color.depth))


def _of_capture(capture: Capture, holds: str, why: str, given: str) -> Look:
    """What was read already, its unit and camera said by the dataset's own files."""
    camera, own, floor = capture.camera, capture.encoding, measure_floor(capture.depth)
    low, middle, high = (float(z) for z in np.nanquantile(capture.depth, (0.01, 0.5, 0.99)))
    fault = unit_fault(middle)
    return Look(
        capture.name, (camera.width, camera.height), holds, own.unit_m if own else 1.0, why,
        {code: float(mask.mean()) for code, mask in voids(own.values if own else capture.depth).items()},
        (low, middle, high), given, camera, None, None, middle * 1e3 / (camera.fx * camera.fy) ** 0.5,
        floor.noise_m * 1e3, floor.quantum_m * 1e3, alignment(capture.rgb, capture.depth), (fault,) if fault else ())


def _given(source: Source, reading: Reading, raw: Raw, faults) -> tuple[Calibration | None, str]:
    path = reading.intrinsics or source.calibration
    if path is None:
        if raw.values.ndim == 2:
            faults.append("depth has no camera: say --intrinsics FILE, or put intrinsics.json beside the folders")
        return None, "none"
    try:
        calibration = read_calibration(path, raw.rgb.shape, source.rgb.stem)
    except ValueError as error:
        faults.append(" ".join(str(error).split()))
        return None, f"{path.name}, not understood"
    camera, (height, width) = calibration.camera, raw.rgb.shape[:2]
    said = f"{path.name} ({calibration.form}{'' if calibration.sized else ', size not said'}), {camera.model}"
    if (camera.width, camera.height) != (width, height):
        scale = width / camera.width
        way = ("; width and height look swapped" if (camera.width, camera.height) == (height, width) else
               f"; resized by {scale:g} it would fit" if abs(scale * camera.height - height) < 1 else "")
        faults.append(f"{path.name} is for {camera.width}x{camera.height} pixels, but the picture has "
                      f"{width}x{height}{way}")
        return None, said
    if not (0.2 < camera.fx / width < 20 and 0.8 < camera.fx / camera.fy < 1.25):
        faults.append(f"fx {camera.fx:.4g}, fy {camera.fy:.4g} for {width}x{height} pixels: millimetres, or swapped?")
    return calibration, said


def _centre(camera: Camera) -> list[str]:
    return [f"{word} is {at:.4g}, far off the middle of {side} pixels: a crop, or another size's camera?"
            for word, at, side in (("cx", camera.cx, camera.width), ("cy", camera.cy, camera.height))
            if abs(at - (side - 1) / 2) > OFF_CENTRE * side]


def _why(reading: Reading, given: Calibration | None, counts: bool, count_m: float | None) -> str:
    if reading.unit is not None:
        return f"--unit {reading.unit}"
    if reading.depth_scale is not None:
        return f"--depth-scale {reading.depth_scale:g}"
    if not counts:
        return "floats are taken for metres"
    return given.unit_said if count_m else "16-bit counts are taken for millimetres (REP-118)"


def _way_out(median: float, reading: Reading, counts: bool) -> str:
    if median < 0:
        return "; turn the axes round, so that +z looks ahead"
    unit = unit_for(median)
    if counts:
        return "; say --depth-scale (metres a count)"
    return f" say --unit {unit}" if unit and unit != reading.unit else "; say --depth-scale (metres a unit)"


def _levels(counts) -> list[str]:
    levels = np.unique(counts)
    if levels[-1] < FEW_LEVELS or (len(levels) > 8 and (not (levels % 256).any() or not (levels % 257).any())):
        return [f"depth has {len(levels)} levels up to {levels[-1]}: 8 bits in a 16-bit file? export it with 16"]
    return []


def _cameras(points, given: Calibration | None, faults) -> tuple[Camera | None, float | None, float | None]:
    """The camera to go by, how many px points lie off the given one, and off the fitted one."""
    if points.ndim == 2:
        faults += [] if given is None else _centre(given.camera)
        return (None if given is None else given.camera), None, None
    if fault := axes_fault(points):
        faults.append(fault)
        return (None if given is None else given.camera), None, None
    given_px = None if given is None else residual(given.camera, points).median_px
    fitted: CameraFit = fit_camera(points, None if given is None or given_px > SHIPPED_PX else given.camera)
    if given_px is not None and given_px > SHIPPED_PX:
        faults.append(f"points lie {given_px:.1f} px (median) off the given camera: it is another camera's")
    if not fitted.median_px < OWN_PIXEL_PX:
        faults.append(f"points lie {fitted.median_px:.1f} px off their own pixels: not organised as the picture is?")
    return fitted.camera, given_px, fitted.median_px
