"""Lens models as calibrations name them, in the one that this package projects with: OpenCV's (k1 k2 p1 p2 k3)."""

import re

import numpy as np

NONE, BROWN, INVERSE, MODIFIED, OTHER = "none", "brown", "inverse brown", "modified brown", "another"

_NAMES = (  # the longer name first: one may hold another
    ("modified_brown_conrady", MODIFIED), ("inverse_brown_conrady", INVERSE), ("brown_conrady", BROWN),
    ("brown", BROWN), ("plumb_bob", BROWN), ("radtan", BROWN), ("opencv", BROWN), ("rational_polynomial", BROWN),
    ("kannala_brandt", OTHER), ("equidistant", OTHER), ("fisheye", OTHER), ("ftheta", OTHER), ("f_theta", OTHER),
    ("none", NONE), ("pinhole", NONE))
_NUMBERS = (NONE, MODIFIED, INVERSE, OTHER, BROWN, OTHER)  # rs2_distortion's own values
_WORST_PX = 0.3


def model_of(word: object) -> str:
    """The lens model that a file names: ROS's, librealsense's words ("distortion.brown_conrady") or its numbers."""
    if isinstance(word, int) and 0 <= word < len(_NUMBERS):
        return _NUMBERS[word]
    text = re.sub(r"[^a-z]+", "_", word.lower()) if isinstance(word, str) else ""
    return next((model for name, model in _NAMES if name in text), BROWN)


def brown(model: str, values: tuple[float, ...], matrix: tuple[float, ...], size: tuple[int, int]) -> tuple:
    """Five Brown coefficients, or () for a pinhole, from a file's own model and coefficients.

    matrix: fx fy cx cy; size: width, height. An inverse or modified Brown lens (librealsense rsutil.h) is fitted,
    which is linear in the five. Raises ValueError where they cannot say the same to a third of a pixel.
    """
    if not any(values):
        return ()
    if model in (OTHER, NONE):
        raise ValueError(f"a {model} lens model with coefficients {' '.join(f'{v:g}' for v in values)} is not known; "
                         "undistort the images, or give a Brown lens (k1 k2 p1 p2 k3)")
    if any(values[5:]):
        raise ValueError("a rational lens model (k4 and above) is not known; undistort the images, "
                         "or give a Brown lens (k1 k2 p1 p2 k3)")
    five = np.array((*values[:5], *(0.0,) * (5 - len(values[:5]))))
    return tuple(five) if model == BROWN else _fitted(model, five, matrix, size)


@np.errstate(all="ignore")
def _fitted(model, five, matrix, size):
    fx, fy, cx, cy = matrix
    width, height = size
    grid = np.meshgrid(np.linspace(0, width - 1, 25), np.linspace(0, height - 1, 25))
    x, y = (grid[0].ravel() - cx) / fx, (grid[1].ravel() - cy) / fy
    bent = _bent(x, y, five, tangential_after=model == MODIFIED)
    straight, seen = ((x, y), bent) if model == MODIFIED else (bent, (x, y))
    u, v = straight
    r2 = u * u + v * v
    columns = np.stack([np.concatenate(pair) for pair in (
        (u * r2, v * r2), (u * r2**2, v * r2**2), (2 * u * v, r2 + 2 * v * v), (r2 + 2 * u * u, 2 * u * v),
        (u * r2**3, v * r2**3))], axis=1)
    wanted = np.concatenate((seen[0] - u, seen[1] - v))
    known = np.isfinite(columns).all() and np.isfinite(wanted).all()
    found = np.linalg.lstsq(columns, wanted, rcond=None)[0] if known else five * np.nan
    worst = float(np.abs(columns @ found - wanted).max()) * max(fx, fy)
    if not worst < _WORST_PX:
        raise ValueError(f"its {model} lens is {worst:.2g} px from any Brown lens; undistort the images")
    return tuple(map(float, found))


def _bent(x, y, five, tangential_after):
    k1, k2, p1, p2, k3 = five
    r2 = x * x + y * y
    gain = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    a, b = (x * gain, y * gain) if tangential_after else (x, y)
    return (x * gain + 2 * p1 * a * b + p2 * (r2 + 2 * a * a), y * gain + 2 * p2 * a * b + p1 * (r2 + 2 * b * b))
