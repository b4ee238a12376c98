"""The camera: which ray each pixel sees, and which pixel each point falls into.

OpenCV axes (+x right, +y down, +z forward); pixel (0, 0) is the centre of the top-left pixel.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numba import njit

Model = Literal["pinhole", "division", "brown"]
_CODES = {"pinhole": 0, "division": 1, "brown": 2}
_COEFFICIENTS = {"pinhole": 0, "division": 1, "brown": 5}


@dataclass(frozen=True)
class Camera:
    """A pinhole with one of three lens models.

    ``division``: one coefficient k = κ·f², so that with q = (X, Y)/Z the image point is
    q̃ = 2q / (1 + √(1 − 4k|q|²)) (Fitzgibbon 2001; HALCON's ``area_scan_division``).
    ``brown``: (k1, k2, p1, p2, k3) as in OpenCV.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    model: Model = "pinhole"
    distortion: tuple[float, ...] = ()

    def __post_init__(self):
        if self.model not in _CODES:
            raise ValueError(f"model must be one of {', '.join(_CODES)}, but got {self.model!r}")
        object.__setattr__(self, "distortion", tuple(float(k) for k in self.distortion))
        wanted = _COEFFICIENTS[self.model]
        if len(self.distortion) != wanted:
            raise ValueError(f"a {self.model} camera has {wanted} distortion coefficients, "
                             f"but got {len(self.distortion)}")
        if not (self.width > 0 and self.height > 0):
            raise ValueError(f"image size must be positive, but got {self.width}x{self.height}")
        numbers = (self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not all(map(math.isfinite, numbers)) or self.fx <= 0 or self.fy <= 0:
            raise ValueError(f"focal lengths must be positive and finite, but got fx={self.fx}, fy={self.fy}")

    @classmethod
    def from_halcon(cls, parameters: dict) -> "Camera":
        """From MVTec 3D-AD's ``camera_parameters.json`` (HALCON ``area_scan_division``)."""
        kind = parameters.get("camera_type")
        if kind != "area_scan_division":
            raise ValueError(f"camera_type must be 'area_scan_division', but got {kind!r}")
        focus, kappa = parameters["focus"], parameters["kappa"]
        return cls(int(parameters["image_width"]), int(parameters["image_height"]),
                   focus / parameters["sx"], focus / parameters["sy"], parameters["cx"], parameters["cy"],
                   "division", (kappa * focus**2,))

    @cached_property
    def kernel(self) -> np.ndarray:
        """The numbers a compiled loop needs: (fx, fy, cx, cy, model code, five coefficients)."""
        coefficients = self.distortion + (0.0,) * (5 - len(self.distortion))
        return np.array((self.fx, self.fy, self.cx, self.cy, _CODES[self.model], *coefficients))

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) in metres → pixels (..., 2) float64; NaN behind the camera or out of its view."""
        points = np.asarray(points, np.float64)
        return _project(self.kernel, points.reshape(-1, 3)).reshape(*points.shape[:-1], 2)

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) → viewing rays (..., 3) scaled to z = 1, float64."""
        pixels = np.asarray(pixels, np.float64)
        return _rays(self.kernel, pixels.reshape(-1, 2)).reshape(*pixels.shape[:-1], 3)

    def unproject(self, pixels: np.ndarray, z_m: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) and z-depth (...) in metres → points (..., 3) float64."""
        return self.rays(pixels) * np.asarray(z_m, np.float64)[..., None]

    def pixel_grid(self) -> np.ndarray:
        """Every pixel's own coordinates (H, W, 2), (column, row)."""
        return np.stack(np.meshgrid(np.arange(self.width), np.arange(self.height)), -1).astype(np.float64)

    def ray_map(self) -> np.ndarray:
        """The ray of every pixel (H, W, 3), z = 1."""
        return self.rays(self.pixel_grid())

    def cropped(self, column: int, row: int, width: int, height: int) -> "Camera":
        """The same camera seeing only a window of its image."""
        return replace(self, width=width, height=height, cx=self.cx - column, cy=self.cy - row)

    def resized(self, k: float) -> "Camera":
        """The same camera with k times the pixels a side; centres at integers make cx' = (cx + ½)k − ½."""
        return replace(self, width=round(self.width * k), height=round(self.height * k), fx=self.fx * k,
                       fy=self.fy * k, cx=(self.cx + 0.5) * k - 0.5, cy=(self.cy + 0.5) * k - 0.5)


@dataclass(frozen=True)
class CameraFit:
    """A camera fitted to measured points, and how far their pixels still are from it."""

    camera: Camera
    median_px: float
    p99_px: float


def residual(camera: Camera, points: np.ndarray) -> CameraFit:
    """How far organised points (H, W, 3), NaN invalid, project from their own pixels."""
    sample, pixels = _sample(points)
    return _report(camera, sample, pixels)


def fit_camera(points: np.ndarray, initial: Camera | None = None) -> CameraFit:
    """Fit a camera to organised points (H, W, 3) in metres, NaN invalid.

    With ``initial`` its lens model is refined; without it a pinhole is tried first and the division
    model is taken where it at least halves the residual. Raises ValueError below 50 valid points.
    """
    sample, pixels = _sample(points)
    if len(sample) < 50:
        raise ValueError(f"points must have at least 50 valid pixels to fit a camera, but got {len(sample)}")
    height, width = points.shape[:2]
    if initial is not None:
        return _refine(initial, sample, pixels)
    pinhole = _refine(_linear_pinhole(sample, pixels, width, height), sample, pixels)
    if pinhole.p99_px < 0.02:
        return pinhole
    division = _refine(replace(pinhole.camera, model="division", distortion=(0.0,)), sample, pixels)
    return division if division.p99_px < 0.5 * pinhole.p99_px else pinhole


def _sample(points, most=6000):
    valid = np.flatnonzero(np.isfinite(points[..., 2]) & (points[..., 2] > 0))
    step = max(1, len(valid) // most)
    chosen = valid[::step]
    width = points.shape[1]
    return points.reshape(-1, 3)[chosen].astype(np.float64), np.stack((chosen % width, chosen // width), -1)


def _linear_pinhole(sample, pixels, width, height):
    ratio = sample[:, :2] / sample[:, 2:]
    (fx, cx), (fy, cy) = (
        np.linalg.lstsq(np.stack((ratio[:, i], np.ones(len(ratio))), 1), pixels[:, i], rcond=None)[0]
        for i in (0, 1))
    return Camera(width, height, max(fx, 1.0), max(fy, 1.0), cx, cy)


def _refine(start, sample, pixels):
    from scipy.optimize import least_squares  # a fifth of the import, wanted only where a camera is fitted

    scale = max(start.width, start.height)

    def camera(parameters):
        fx, fy, cx, cy = parameters[:4] * scale
        return replace(start, fx=max(fx, 1e-3), fy=max(fy, 1e-3), cx=cx, cy=cy,
                       distortion=tuple(parameters[4:]))

    def error(parameters):
        difference = camera(parameters).project(sample) - pixels
        return np.nan_to_num(difference, nan=1e3).ravel()

    first = np.array((start.fx / scale, start.fy / scale, start.cx / scale, start.cy / scale,
                      *start.distortion))
    found = least_squares(error, first, loss="soft_l1", f_scale=0.5, x_scale="jac", max_nfev=60)
    return _report(camera(found.x), sample, pixels)


def _report(camera, sample, pixels):
    distance = np.linalg.norm(camera.project(sample) - pixels, axis=1)
    distance = np.where(np.isfinite(distance), distance, np.inf)
    if not len(distance):
        return CameraFit(camera, math.nan, math.nan)
    return CameraFit(camera, float(np.median(distance)), float(np.quantile(distance, 0.99)))


@njit(cache=True, nogil=True, inline="always")
def project_point(kernel, x, y, z):
    """One point → (column, row); NaN behind the camera or where the division model has no root."""
    if not z > 0.0:
        return np.nan, np.nan
    qx, qy = x / z, y / z
    code = kernel[4]
    if code == 1.0:
        radicand = 1.0 - 4.0 * kernel[5] * (qx * qx + qy * qy)
        if radicand < 0.0:
            return np.nan, np.nan
        gain = 2.0 / (1.0 + math.sqrt(radicand))
        qx, qy = qx * gain, qy * gain
    elif code == 2.0:
        qx, qy = _brown(kernel, qx, qy)
    return kernel[0] * qx + kernel[2], kernel[1] * qy + kernel[3]


@njit(cache=True, nogil=True, inline="always")
def _brown(kernel, x, y):
    r2 = x * x + y * y
    radial = 1.0 + r2 * (kernel[5] + r2 * (kernel[6] + r2 * kernel[9]))
    p1, p2 = kernel[7], kernel[8]
    return (x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
            y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y)


@njit(cache=True, nogil=True)
def _project(kernel, points):
    pixels = np.empty((len(points), 2))
    for i in range(len(points)):
        pixels[i, 0], pixels[i, 1] = project_point(kernel, points[i, 0], points[i, 1], points[i, 2])
    return pixels


@njit(cache=True, nogil=True)
def _rays(kernel, pixels):
    rays = np.ones((len(pixels), 3))
    for i in range(len(pixels)):
        x = (pixels[i, 0] - kernel[2]) / kernel[0]
        y = (pixels[i, 1] - kernel[3]) / kernel[1]
        if kernel[4] == 1.0:
            gain = 1.0 / (1.0 + kernel[5] * (x * x + y * y))
            x, y = x * gain, y * gain
        elif kernel[4] == 2.0:
            x, y = _undistort_brown(kernel, x, y)
        rays[i, 0], rays[i, 1] = x, y
    return rays


@njit(cache=True, nogil=True)
def _undistort_brown(kernel, x, y):
    # Newton with a numeric Jacobian: the fixed-point iteration of OpenCV diverges on strong lenses.
    qx, qy = x, y
    for _ in range(30):
        fx, fy = _brown(kernel, qx, qy)
        ex, ey = fx - x, fy - y
        if ex * ex + ey * ey < 1e-26:
            break
        h = 1e-6
        ax, ay = _brown(kernel, qx + h, qy)
        bx, by = _brown(kernel, qx, qy + h)
        j00, j10, j01, j11 = (ax - fx) / h, (ay - fy) / h, (bx - fx) / h, (by - fy) / h
        determinant = j00 * j11 - j01 * j10
        if determinant == 0.0:
            break
        qx -= (j11 * ex - j01 * ey) / determinant
        qy -= (j00 * ey - j10 * ex) / determinant
    return qx, qy
