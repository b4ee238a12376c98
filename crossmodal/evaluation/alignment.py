"""Does depth lie on its picture? Its steps are outlines, and outlines show in colour: where do they fit best?"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

STEP_SHARE = 0.02  # of its depth: a step between neighbours, not a slope
FEWEST = 150  # pixels of outline, below which chance decides
REACH = 0.05  # of the picture's longer side


@dataclass(frozen=True)
class Alignment:
    """Where outlines of depth fit the picture best: (column, row) to move depth by; and how plainly.

    gain: how much better than where depth lies now; plain: how far above chance the best fit is, in its scatter
    """

    columns: int
    rows: int
    gain: float
    plain: float


def alignment(rgb: np.ndarray, z_m: np.ndarray) -> Alignment | None:
    """From rgb (H, W, 3) uint8 and z (H, W) float32 m, NaN invalid; None where there is too little outline."""
    height, width = z_m.shape
    valid = np.isfinite(z_m)
    if valid.mean() < 0.05 or min(z_m.shape) < 48:
        return None
    nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    z = cv2.medianBlur(np.ascontiguousarray(z_m[tuple(nearest)], np.float32), 5)
    low, high = (cv2.morphologyEx(z, how, np.ones((3, 3), np.uint8)) for how in (cv2.MORPH_ERODE, cv2.MORPH_DILATE))
    outline = (high - low > STEP_SHARE * low).astype(np.float32)
    reach = max(8, round(REACH * max(height, width)))
    outline[:reach], outline[-reach:], outline[:, :reach], outline[:, -reach:] = 0, 0, 0, 0
    if outline.sum() < FEWEST:
        return None
    grey = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.2)
    slope = np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1))
    slope = np.minimum(slope, np.quantile(slope, 0.98))
    slope = slope - cv2.blur(slope, (2 * reach + 1, 2 * reach + 1))  # texture all over says nothing
    fits = cv2.matchTemplate(slope, outline[reach:-reach, reach:-reach], cv2.TM_CCORR) / outline.sum()
    fits = cv2.GaussianBlur(fits, (0, 0), 1.0)
    row, column = np.unravel_index(int(np.argmax(fits)), fits.shape)
    best, now = float(fits[row, column]), float(fits[reach, reach])
    spread = float(np.median(np.abs(fits - np.median(fits)))) * 1.4826
    plain = (best - float(np.median(fits))) / max(spread, 1e-9)
    return Alignment(int(column) - reach, int(row) - reach, best / max(now, 1e-3 * best, 1e-9), plain)
