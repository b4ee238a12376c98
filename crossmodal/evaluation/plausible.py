"""What numbers a capture can have: judged in one place, for check and inspect alike."""

import numpy as np

FARTHEST_M, NEAREST_M = 10.0, 0.01
SHIPPED_PX = 5.0  # no lens convention or half pixel explains more: the calibration is of another camera
OWN_PIXEL_PX = 2.0
_WORDS = {"mm": 1e-3, "um": 1e-6, "m": 1.0}


def unit_fault(median_m: float) -> str | None:
    """What is wrong with a median z in metres; None where a camera could stand there."""
    if median_m > FARTHEST_M:
        return f"the median z is {median_m:.4g} m: {'micro' if median_m > 1e5 else 'milli'}metres?"
    if median_m < 0:
        return f"the median z is {median_m:.4g} m, behind the camera"
    return f"the median z is {median_m:.4g} m: kilometres?" if median_m < NEAREST_M else None


def unit_for(median: float) -> str | None:
    """The --unit that brings a median of raw numbers to between a centimetre and ten metres, the longest first."""
    fits = (word for word in ("m", "mm", "um") if NEAREST_M <= abs(median) * _WORDS[word] <= FARTHEST_M)
    return next(fits, None)


def axes_fault(points: np.ndarray) -> str | None:
    """How organised points (H, W, 3), NaN invalid, run across their own pixels, where it is not +x right, +y down."""
    rows, columns = np.nonzero(np.isfinite(points).all(-1))
    if len(rows) < 50:
        return None
    step = max(1, len(rows) // 4000)
    rows, columns = rows[::step], columns[::step]
    x, y, z = points[rows, columns].astype(np.float64).T
    across, down = x / np.abs(z), y / np.abs(z)
    along = {name: (_link(columns, value), _link(rows, value)) for name, value in (("x", across), ("y", down))}
    if abs(along["x"][1]) > abs(along["x"][0]) and abs(along["y"][0]) > abs(along["y"][1]):
        return "x runs down the rows and y along the columns: the grid is transposed or turned by 90 degrees"
    wrong = [said for bad, said in ((along["x"][0] < 0, "x runs to the left"), (along["y"][1] < 0, "y runs up"),
                                    (np.median(z) < 0, "z is negative")) if bad]
    if not wrong:
        return None
    flip = {"x runs to the left": "x", "y runs up": "y", "z is negative": "z"}
    turn = " and ".join(flip[said] for said in wrong)
    return f"{' and '.join(wrong)}: turn {turn} round (+x right, +y down, +z ahead)"


def _link(a, b):
    spread = np.std(a) * np.std(b)
    return float(np.mean((a - a.mean()) * (b - b.mean())) / spread) if spread > 0 else 0.0
