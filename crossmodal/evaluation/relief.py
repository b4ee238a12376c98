"""How far the surface really moved: measured on the xyz before and after, along the old surface's normal.

Independent of how a defect is made: normals come from a least-squares plane in 1/z over a square window
(1/z = a x/z + b y/z + c on the plane a x + b y + c z = 1), by box sums.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree


@dataclass(frozen=True, eq=False)
class Relief:
    """The measured relief of one window of a capture.

    window: the slices of the full frame
    mm: (h, w) float64, + out of the surface, NaN where not both are valid
    nearer_m: (h, w) float64, z before minus z after; range_m: (h, w), range of z before in 3 x 3 pixels
    flat: (h, w) bool, where the surface before is one surface
    floor_mm: what the capture itself varies by in z from pixel to pixel, its quantum included
    """

    window: tuple[slice, slice]
    mm: np.ndarray
    nearer_m: np.ndarray
    flat: np.ndarray
    floor_mm: float
    quantum_mm: float
    range_m: np.ndarray


def measure(before: np.ndarray, after: np.ndarray, region: np.ndarray, margin: int = 24) -> Relief:
    """before, after: (H, W, 3) metres, NaN invalid; region: (H, W) bool, where something may have moved."""
    rows, columns = np.nonzero(region)
    window = tuple(slice(max(0, int(i.min()) - margin), int(i.max()) + margin + 1) for i in (rows, columns))
    old, new = before[window].astype(np.float64), after[window].astype(np.float64)
    noise, quantum = noise_of(old[..., 2])
    floor = float(np.hypot(noise, quantum / np.sqrt(12)))
    # Where noise rivals a pixel the surface is a smooth one, and a pixel's deviation from it stays with the
    # pixel; elsewhere every measured point is the surface.
    coarse = floor > 0.2 * _spacing(old)
    normal, smooth, rms = _planes(old, 7 if coarse else 1)
    surface = smooth if coarse else old
    z = old[..., 2]
    with np.errstate(invalid="ignore"):
        flat = (rms < 4 * floor + 2e-4) & np.isfinite(z)
    along = _off_surface(surface, normal, flat, np.where(np.isfinite(old), new - (old - surface), new))
    return Relief(window, along * 1e3, z - new[..., 2], flat, floor * 1e3, quantum * 1e3, _range(z))


def _spacing(points):
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    return float(np.nanmedian(steps)) if np.isfinite(steps).any() else np.inf


def _off_surface(surface, normal, flat, moved):
    """Signed distance (h, w) of points from a surface: to the tangent plane at the nearest of its points.

    A pixel that sees a displaced curved surface sees another place of it than before, so that its own old
    point will not do.
    """
    distance = np.full(flat.shape, np.nan)
    seen = np.isfinite(moved).all(-1)
    if flat.any() and seen.any():
        _, nearest = cKDTree(surface[flat]).query(moved[seen])
        distance[seen] = ((moved[seen] - surface[flat][nearest]) * normal[flat][nearest]).sum(-1)
    return distance


def noise_of(z: np.ndarray) -> tuple[float, float]:
    """Noise from pixel to pixel and quantum of a depth map (H, W), NaN invalid, both in its own unit."""
    step = np.abs(np.diff(z, axis=1))
    step = step[np.isfinite(step)]
    quantum = 0.0
    if len(step) and np.mean(step == 0) > 0.3 and (step > 0).any():
        quantum = float(np.median(step[step > 0]))
    bend = np.abs(z[:, :-2] - 2 * z[:, 1:-1] + z[:, 2:])
    bend = bend[np.isfinite(bend)]
    return (float(1.4826 * np.median(bend) / np.sqrt(6)) if len(bend) else 0.0), quantum


def _planes(points, radius):
    """Viewer-oriented normals (h, w, 3), points on the planes (h, w, 3), the rms of z about them (h, w)."""
    z = points[..., 2]
    good = np.isfinite(z)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y, w = points[..., 0] / z, points[..., 1] / z, 1 / z
    x0, y0 = (np.nanmean(v) if good.any() else 0.0 for v in (x, y))
    x, y, w = (np.where(good, v, 0.0) for v in (x - x0, y - y0, w))
    w0 = w[good].mean() if good.any() else 0.0
    w = np.where(good, w - w0, 0.0)
    size = (2 * radius + 1, 2 * radius + 1)

    def total(values):
        return cv2.boxFilter(values, cv2.CV_64F, size, normalize=False, borderType=cv2.BORDER_CONSTANT)

    n = total(good.astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        mx, my, mw = total(x) / n, total(y) / n, total(w) / n
        cxx, cxy, cyy = total(x * x) / n - mx * mx, total(x * y) / n - mx * my, total(y * y) / n - my * my
        cxw, cyw, cww = total(x * w) / n - mx * mw, total(y * w) / n - my * mw, total(w * w) / n - mw * mw
        determinant = cxx * cyy - cxy * cxy
        a = (cxw * cyy - cyw * cxy) / determinant
        b = (cyw * cxx - cxw * cxy) / determinant
        c = mw + w0 - a * (mx + x0) - b * (my + y0)
        smooth = points / (z * (a * points[..., 0] / z + b * points[..., 1] / z + c))[..., None]
        normal = -np.stack((a, b, c), -1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        rms = np.sqrt(np.maximum(cww - a * cxw - b * cyw, 0)) * z * z
    return normal, smooth, np.where(n > 0.5 * size[0] * size[1], rms, np.inf)


def _range(z):
    box = np.ones((3, 3), np.uint8)
    good = np.isfinite(z)
    low = cv2.erode(np.where(good, z, 1e6), box)
    high = cv2.dilate(np.where(good, z, -1e6), box)
    return np.where(good, high - low, np.nan)
