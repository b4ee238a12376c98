"""How a rise is eased: level where it begins and where it ends."""

import numpy as np


def eased(x: np.ndarray) -> np.ndarray:
    """From 0 at x = 0 to 1 at x = 1, level at both and beyond: Hermite's 3x² - 2x³, elementwise."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
