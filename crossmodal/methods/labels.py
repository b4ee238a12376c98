"""Labels that say more than where: NSA's soft one."""

import cv2
import numpy as np

from crossmodal.result import Result

STEEPNESS, HALF_LEVELS = 1 / 6, 20  # NSA's logistic: how fast it rises, and the change that is worth one half


def soft_label(result: Result) -> np.ndarray:
    """(H, W) float32, 0 to 1: how plainly a defect is seen in colour, a logistic of the median-filtered change in
    8-bit levels (Schlüter et al. 2022); 0 outside gt, and at least one half where the shape alone tells of it."""
    change = np.abs(result.after.rgb.astype(np.float32) - result.before.rgb).mean(-1)
    change = cv2.medianBlur(change, 5)
    label = 1 / (1 + np.exp(-STEEPNESS * (change - HALF_LEVELS)))
    label = np.where(result.masks.depth, np.maximum(label, 0.5), label)
    return np.where(result.gt, label, 0).astype(np.float32)
