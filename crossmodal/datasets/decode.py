"""From a file's numbers to metres: units, the codes for "nothing measured", and what cannot be a capture."""

from pathlib import Path

import numpy as np

from crossmodal.capture import Encoding

FEWEST_POINTS = 50
_HUGE = 1e9  # renderers write such a depth where nothing was hit


def points_m(path: Path, xyz: np.ndarray, unit_m: float | None) -> tuple[np.ndarray, Encoding]:
    """A file's organised xyz (H, W, 3) → float32 metres with NaN, and the encoding to write it back.

    A point is invalid where z is 0, not finite or 65535, or x or y is not finite. Raises ValueError in one
    line that names the file: nothing valid, metres in doubt, a camera that looks along -z.
    """
    return _metres(path, xyz, xyz[..., 2], unit_m, 1.0)


def depth_m(path: Path, values: np.ndarray, unit_m: float | None,
            count_m: float | None = None) -> tuple[np.ndarray, Encoding]:
    """A file's z-depth (H, W), float or 16-bit → float32 metres with NaN, and the encoding.

    unit_m: as the user said; count_m: metres a 16-bit count, as the camera's file says. 16-bit counts are
    millimetres unless told (REP-118). Raises ValueError as points_m does.
    """
    if values.ndim != 2 or not (values.dtype.kind == "f" or values.dtype == np.uint16):
        raise ValueError(f"{path} holds {values.dtype} {values.shape}; depth is one channel, float or 16-bit")
    return _metres(path, values, values, unit_m, assumed_m(values, count_m))


def assumed_m(values: np.ndarray, count_m: float | None = None) -> float:
    """Metres for one of the file's units where the user did not say: floats are metres, counts as depth_m says."""
    return 1.0 if values.dtype.kind == "f" else count_m or 0.001


def voids(values: np.ndarray) -> dict[str, np.ndarray]:
    """Which pixels (H, W bool) hold no measurement, by the code that stands there; no pixel has two.

    values: z-depth (H, W) or points (H, W, 3).
    """
    z = values if values.ndim == 2 else values[..., 2]
    whole = z if values.ndim == 2 else values.sum(axis=-1, dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        nan, zero, full = np.isnan(whole), z == 0, z == 65535
        inf = (np.isinf(whole) | (np.abs(z) >= _HUGE)) & ~nan
    return {"0": zero & ~nan & ~inf, "NaN": nan, "inf": inf, "65535": full & ~nan & ~inf}


def _metres(path, values, z, unit_m, default_m):
    valid = ~np.logical_or.reduce(list(voids(values).values()))
    if valid.sum() < FEWEST_POINTS:
        raise ValueError(f"{path} has {valid.sum()} valid points (0, NaN, inf and 65535 are none); "
                         "export it again with its depth")
    scale = default_m if unit_m is None else unit_m
    median = float(np.median(z[valid])) * scale
    if median < 0:
        raise ValueError(f"{path}: median z is {median:.3g} m, behind the camera; turn y and z round, "
                         "so that +z looks forward")
    if unit_m is None and median > 10:
        unit = "mm" if median < 1e5 else "um"
        word = {"mm": "millimetres", "um": "micrometres"}[unit]
        if default_m == 1.0:
            raise ValueError(f"{path}: median z is {median:.0f}; that looks like {word}: say --unit {unit}")
        raise ValueError(f"{path}: median z is {median:.0f} m if a count is {default_m * 1e3:g} mm; "
                         "say --unit or --depth-scale")
    chosen = valid if values.ndim == 2 else valid[..., None]
    metres = np.where(chosen, values.astype(np.float64) * scale if scale != 1.0 else values, np.nan)
    return metres.astype(np.float32), Encoding(values, scale, _code(values, valid))


def _code(values, valid):
    # The file's own habit decides what a pixel that loses its point is written as.
    if values.dtype.kind != "f" or valid.all():
        return 0.0
    void = values[~valid].reshape(-1, 1 if values.ndim == 2 else values.shape[2])
    return np.nan if np.isnan(void).any() and not (void == 0).all(axis=1).any() else 0.0


def same_size(rgb_path: Path, rgb: np.ndarray, path: Path, values: np.ndarray) -> None:
    """Raises ValueError where a picture and its geometry are not the same pixels."""
    if rgb.shape[:2] != values.shape[:2]:
        (h, w), (height, width) = rgb.shape[:2], values.shape[:2]
        way = ("a capture needs both at the same size, pixel for pixel" if values.ndim == 3 else
               "align depth to colour, or describe both cameras in a rig.json beside them")
        raise ValueError(f"{rgb_path} is {w}x{h} pixels but {path} is {width}x{height}; {way}")
