"""How far the surface really moved: signed distance of xyz after from the surface before.

Independent of how a defect is made. Where the surface must be smoothed, it is by least-squares planes in 1/z
over a square window (1/z = a x/z + b y/z + c on the plane a x + b y + c z = 1), by box sums.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

FINE = 4  # places a side at which a cell of the surface is looked at
SLOPE = 6.0  # pixels between neighbours of one surface; more is a depth step


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
    noise = min(noise, noise_of(before[..., 2])[0])  # relief finer than a few pixels looks like noise
    floor = float(np.hypot(noise, quantum / np.sqrt(12)))
    # Where noise rivals a pixel the surface is a smooth one, and a pixel's deviation from it stays with the
    # pixel; elsewhere every measured point is the surface.
    coarse = floor > 0.2 * _spacing(old)
    smooth, rms = _smoothed(old, 7 if coarse else 1)
    surface = smooth if coarse else old
    z = old[..., 2]
    with np.errstate(invalid="ignore"):
        flat = (rms < 4 * floor + 2e-4) & np.isfinite(z)
    moved = np.where(np.isfinite(old), new - (old - surface), new)
    near = cv2.dilate(region[window].astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    mm = np.full(flat.shape, np.nan)
    seen = region[window] & np.isfinite(moved).all(-1)
    mm[seen] = 1e3 * _off_surface(np.where(near[..., None], surface, np.nan), moved[seen])
    return Relief(window, mm, z - new[..., 2], flat, floor * 1e3, quantum * 1e3, _range(z))


def _spacing(points):
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    return float(np.nanmedian(steps)) if np.isfinite(steps).any() else np.inf


def _off_surface(surface, points):
    """Signed distance (N,) of points (N, 3) from an organised surface (h, w, 3), taken as bilinear cells.

    A pixel that sees a displaced curved surface sees another place of it than before, so that the distance
    from its own old tangent plane will not do. Cells longer than SLOPE pixels bridge a depth step: left out.
    """
    p00, p01, p10, p11 = surface[:-1, :-1], surface[:-1, 1:], surface[1:, :-1], surface[1:, 1:]
    across, back = p11 - p00, p10 - p01
    size = np.maximum(np.linalg.norm(across, axis=-1), np.linalg.norm(back, axis=-1))
    with np.errstate(invalid="ignore"):
        good = size < 1.5 * SLOPE * _spacing(surface)
    if not good.any():
        return np.full(len(points), np.nan)
    steps = (np.arange(FINE) + 0.5) / FINE
    v, u = (t.reshape(-1, 1, 1) for t in np.meshgrid(steps, steps, indexing="ij"))
    corners = (p[good] for p in (p00, p01, p10, p11))
    weights = ((1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u)
    dense = sum(weight * corner for weight, corner in zip(weights, corners, strict=True))
    normal = np.cross(across[good], back[good])
    normal *= -np.sign((normal * p00[good]).sum(-1, keepdims=True))
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    _, nearest = cKDTree(dense.reshape(-1, 3)).query(points)
    away = points - dense.reshape(-1, 3)[nearest]
    cell = nearest % good.sum()
    along = (away * normal[cell]).sum(-1)
    aside = np.linalg.norm(
        away - along[:, None] * normal[cell], axis=-1
    )  # beyond the cell's own grain at an edge
    return np.sign(along) * np.hypot(along, np.maximum(0, aside - size[good][cell] / FINE))


def noise_of(z: np.ndarray) -> tuple[float, float]:
    """Noise from pixel to pixel and quantum of a depth map (H, W), NaN invalid, both in its own unit."""
    step = np.abs(np.diff(z, axis=1))
    step = step[np.isfinite(step)]
    quantum = 0.0
    if len(step) and np.mean(step == 0) > 0.3 and (step > 0).any():
        quantum = float(np.median(step[step > 0]))
    bend = np.abs(
        np.diff(z, 4, axis=1)
    )  # fourth differences and the quarter that is flattest: noise, not relief
    bend = bend[np.isfinite(bend)]
    return (float(np.quantile(bend, 0.25) / 0.3186 / np.sqrt(70)) if len(bend) else 0.0), quantum


def _smoothed(points, radius):
    """Points moved along their rays onto the plane about them (h, w, 3), and the rms of z about it (h, w)."""
    z = points[..., 2]
    good = np.isfinite(z)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y, w = points[..., 0] / z, points[..., 1] / z, 1 / z
    x0, y0, w0 = (v[good].mean() if good.any() else 0.0 for v in (x, y, w))
    dx, dy, dw = (np.where(good, v, 0.0) for v in (x - x0, y - y0, w - w0))
    size = (2 * radius + 1, 2 * radius + 1)

    def total(values):
        return cv2.boxFilter(values, cv2.CV_64F, size, normalize=False, borderType=cv2.BORDER_CONSTANT)

    n = total(good.astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        mx, my, mw = total(dx) / n, total(dy) / n, total(dw) / n
        cxx, cxy, cyy = (
            total(dx * dx) / n - mx * mx,
            total(dx * dy) / n - mx * my,
            total(dy * dy) / n - my * my,
        )
        cxw, cyw, cww = (
            total(dx * dw) / n - mx * mw,
            total(dy * dw) / n - my * mw,
            total(dw * dw) / n - mw * mw,
        )
        determinant = cxx * cyy - cxy * cxy
        a = (cxw * cyy - cyw * cxy) / determinant
        b = (cyw * cxx - cxw * cxy) / determinant
        smooth = points / (z * (mw + w0 + a * (dx - mx) + b * (dy - my)))[..., None]
        rms = np.sqrt(np.maximum(cww - a * cxw - b * cyw, 0)) * z * z
    return smooth, np.where(n > 0.5 * size[0] * size[1], rms, np.inf)


def _range(z):
    box = np.ones((3, 3), np.uint8)
    good = np.isfinite(z)
    low = cv2.erode(np.where(good, z, 1e6), box)
    high = cv2.dilate(np.where(good, z, -1e6), box)
    return np.where(good, high - low, np.nan)
