"""How far the surface really moved, by xyz before and after alone."""

from dataclasses import dataclass

import cv2
import numpy as np

from crossmodal.evaluation.old_surface import OldSurface, noise_of, smoothed, spacing

MOST = 200  # points are enough for one number


@dataclass(frozen=True, eq=False)
class Relief:
    """The measured relief of one window of a capture; arrays are (h, w) or (h, w, 3).

    window: the slices of the full frame; seen: bool, valid after and changed
    mm: float64 signed distance off the old surface, + out of it, NaN where not seen. On relief as deep as the
        defect this is less than what a point was moved by, for another part of the old surface may be nearer.
    nearer_m: float64, z before minus z after; range_m: range of z before in 3 x 3 pixels
    flat: bool, where the surface before is one surface; coarse: the old surface had to be smoothed
    floor_mm: what the capture itself varies by in z from pixel to pixel, its quantum included
    """

    window: tuple[slice, slice]
    seen: np.ndarray
    mm: np.ndarray
    nearer_m: np.ndarray
    range_m: np.ndarray
    flat: np.ndarray
    floor_mm: float
    quantum_mm: float
    surface: OldSurface
    moved: np.ndarray
    direction: np.ndarray
    coarse: bool

    def left_mm(self, displacement_mm: np.ndarray, where: np.ndarray, scale: float = 1.0) -> np.ndarray:
        """(N,) mm: how far points of ``where`` (h, w) are off the old surface once displaced back by ``scale`` times
        displacement_mm (h, w), or how far that is from their distance off it, the lesser. Nothing is left where
        displacement says what happened, relief or not, and over an edge, where directions are not sure.
        """
        told = scale * displacement_mm[where]
        back = 1e-3 * told[:, None] * self.direction[where]
        left = 1e3 * np.abs(self.surface.distance(self.moved[where] - back))
        return np.fmin(left, np.abs(self.mm[where] - told))

    def scale(self, displacement_mm: np.ndarray, where: np.ndarray) -> tuple[float, float]:
        """The factor on displacement_mm that xyz supports best, between -2 and 2, and how far it may be off."""
        size = np.abs(displacement_mm)
        strong = where & (size > 0.2 * size[where].max())
        chosen = np.flatnonzero(strong)
        strong.flat[np.setdiff1d(chosen, chosen[:: max(1, len(chosen) // MOST)])] = False
        middle, half = 0.0, 2.0
        for _ in range(4):
            tried = middle + half * np.linspace(-1, 1, 9)
            middle = tried[np.argmin([np.nanmean(self.left_mm(displacement_mm, strong, s)) for s in tried])]
            half /= 4
        power = float((size[strong].astype(np.float64) ** 2).sum())
        usual = (power / max(np.count_nonzero(strong), 1)) ** 0.5
        # Of what a coarse sensor rounds only that is seen to have moved which went up: by half a step more, at most.
        rounded = 0.5 * self.quantum_mm / max(usual, 1e-6)
        return float(middle), (0.1 if self.coarse else 0.02) + 4 * self.floor_mm / max(power, 1e-12) ** 0.5 + rounded


def measure(before: np.ndarray, after: np.ndarray, region: np.ndarray, margin: int = 24) -> Relief:
    """before, after: (H, W, 3) metres, NaN invalid; region: (H, W) bool, where something may have moved."""
    rows, columns = np.nonzero(region)
    window = tuple(slice(max(0, int(i.min()) - margin), int(i.max()) + margin + 1) for i in (rows, columns))
    old, new, region = before[window].astype(np.float64), after[window].astype(np.float64), region[window]
    noise, quantum = noise_of(old[..., 2])
    noise = min(noise, noise_of(before[..., 2])[0])  # relief finer than a few pixels looks like noise
    floor = float(np.hypot(noise, quantum / np.sqrt(12)))
    # Where noise rivals a pixel the surface is a smooth one, and a pixel's deviation from it stays with the
    # pixel; elsewhere every measured point is the surface.
    coarse = floor > 0.2 * spacing(old)
    smooth, rms = smoothed(old, 7 if coarse else 1)
    course = smooth if coarse else old
    z = old[..., 2]
    with np.errstate(invalid="ignore"):
        flat = (rms < 4 * floor + 2e-4) & np.isfinite(z)
    moved = np.where(np.isfinite(old), new - (old - course), new)
    near = cv2.dilate(region.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    surface = OldSurface.of(np.where(near[..., None], course, np.nan))
    # Matter is pushed as one piece: in the direction of the surface as seen at half the defect's own width.
    across = cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 5).max()
    direction = surface.directions(max(1, round(across / 2)))
    seen = region & np.isfinite(moved).all(-1)
    mm = np.full(seen.shape, np.nan)
    mm[seen] = 1e3 * surface.distance(moved[seen])
    return Relief(
        window,
        seen,
        mm,
        z - new[..., 2],
        _range(z),
        flat,
        floor * 1e3,
        quantum * 1e3,
        surface,
        moved,
        direction,
        bool(coarse),
    )


def _range(z):
    box = np.ones((3, 3), np.uint8)
    good = np.isfinite(z)
    low = cv2.erode(np.where(good, z, 1e6), box)
    high = cv2.dilate(np.where(good, z, -1e6), box)
    return np.where(good, high - low, np.nan)
