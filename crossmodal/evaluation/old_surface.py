"""The surface as it was: its noise, its smooth course, and how far a point lies off it.

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
class OldSurface:
    """An organised surface as bilinear cells, each looked at in FINE x FINE places.

    places: (M, 3) m; normals: (cells, 3) towards the viewer; sizes: (cells,) m; cells: (h, w) bool, the cell to the
    right and below of each pixel is one surface and not a depth step
    """

    places: np.ndarray
    normals: np.ndarray
    sizes: np.ndarray
    cells: np.ndarray
    tree: cKDTree | None

    @classmethod
    def of(cls, points: np.ndarray) -> "OldSurface":
        """From points (h, w, 3) in metres, NaN invalid."""
        p00, p01, p10, p11 = points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]
        across, back = p11 - p00, p10 - p01
        size = np.maximum(np.linalg.norm(across, axis=-1), np.linalg.norm(back, axis=-1))
        with np.errstate(invalid="ignore"):
            good = size < 1.5 * SLOPE * spacing(points)
        steps = (np.arange(FINE) + 0.5) / FINE
        v, u = (t.reshape(-1, 1, 1) for t in np.meshgrid(steps, steps, indexing="ij"))
        corners = (p[good] for p in (p00, p01, p10, p11))
        weights = ((1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u)
        places = sum(weight * corner for weight, corner in zip(weights, corners, strict=True)).reshape(-1, 3)
        normal = np.cross(across[good], back[good])
        normal *= -np.sign((normal * p00[good]).sum(-1, keepdims=True))
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-30)
        cells = np.pad(good, ((0, 1), (0, 1)))
        return cls(places, normal, size[good], cells, cKDTree(places) if len(places) else None)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Signed distance (N,) m of points (N, 3) from the surface, + towards the viewer; NaN if there is none."""
        if self.tree is None:
            return np.full(len(points), np.nan)
        _, nearest = self.tree.query(points)
        away = points - self.places[nearest]
        cell = nearest % len(self.normals)
        along = (away * self.normals[cell]).sum(-1)
        aside = np.linalg.norm(away - along[:, None] * self.normals[cell], axis=-1)
        beyond = np.maximum(0, aside - self.sizes[cell] / FINE)  # over an edge, more than a place's own grain
        return np.sign(along) * np.hypot(along, beyond)

    def directions(self, radius: int) -> np.ndarray:
        """Unit normals (h, w, 3) averaged over a square of that radius; NaN where none is near."""
        spread = np.zeros((*self.cells.shape, 3))
        spread[self.cells] = self.normals
        mean = cv2.blur(spread, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_CONSTANT)
        length = np.linalg.norm(mean, axis=-1, keepdims=True)
        return np.where(length > 1e-6, mean / np.maximum(length, 1e-6), np.nan)


def spacing(points: np.ndarray) -> float:
    """Median distance of neighbours in a row of (h, w, 3)."""
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    return float(np.nanmedian(steps)) if np.isfinite(steps).any() else np.inf


def noise_of(z: np.ndarray) -> tuple[float, float]:
    """Noise from pixel to pixel and quantum of a depth map (H, W), NaN invalid, both in its own unit."""
    step = np.abs(np.diff(z, axis=1))
    step = step[np.isfinite(step)]
    quantum = 0.0
    if len(step) and np.mean(step == 0) > 0.3 and (step > 0).any():
        quantum = float(np.median(step[step > 0]))
    bend = np.abs(np.diff(z, 4, axis=1))  # fourth differences and the quarter that is flattest: noise, not relief
    bend = bend[np.isfinite(bend)]
    return (float(np.quantile(bend, 0.25) / 0.3186 / np.sqrt(70)) if len(bend) else 0.0), quantum


def smoothed(points, radius):
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
