"""A place for what begins at an edge and runs inwards."""

import numpy as np

from crossmodal.features import fitting

TRIALS = 24
ACROSS_MM = 2.0  # over which an edge folds


def inwards(surface, where: str, allowed: np.ndarray | None, length_mm: float,
            rng: np.random.Generator) -> tuple[int, int, float]:
    """(row, column, angle) of the middle of a line of so many mm that begins on an edge or a rim and runs towards the
    middle of the object; the angle is the picture's, from +x to +y.

    allowed: (H, W) bool of where it may begin, or None. Raises ValueError where there is no such edge, or where the
    object ends before the line does.
    """
    edge = fitting(surface, where, ACROSS_MM) & np.isfinite(surface.normals[..., 0])
    index = np.flatnonzero(edge if allowed is None else edge & allowed)
    if not len(index):
        raise ValueError(f"place.inward: no {where} is seen here to begin at; ask for another place")
    centre = surface.camera.project(surface.axes.centre_m)
    best, best_share = None, 0.0
    for _ in range(TRIALS):
        start = np.array(divmod(int(index[int(rng.random() * len(index))]), edge.shape[1]))
        middle, share = _middle(surface, start, centre, length_mm)
        if share > best_share:
            x, y = centre - start[::-1]
            best, best_share = (*middle, float(np.arctan2(y, x))), share
        if best_share == 1.0:
            break
    if best is None:
        raise ValueError(f"no place for a line of {length_mm:.3g} mm from the {where} inwards; ask for a shorter one")
    return best


def _middle(surface, start, centre, length_mm):
    """The pixel half a length from the start on its way to the centre, and the share of the length that lies on the
    object; 0 where it does not come so far."""
    way = centre[::-1] - start
    far = float(np.hypot(*way))
    if far < 1:
        return None, 0.0
    line = np.rint(start + np.arange(1, 2 * round(far))[:, None] * way / far).astype(int)
    line = line[((line >= 0) & (line < surface.foreground.shape)).all(1)]
    rows, columns = line.T
    on = surface.foreground[rows, columns] & np.isfinite(surface.normals[rows, columns, 0])
    run_mm = 1e3 * np.linalg.norm(surface.smoothed[rows, columns] - surface.smoothed[tuple(start)], axis=-1)
    half = np.flatnonzero(on & (run_mm >= 0.5 * length_mm))
    if not len(half) or not (run_mm[on] >= 0.95 * length_mm).any():
        return None, 0.0
    end = int(np.argmax(on & (run_mm >= 0.95 * length_mm)))
    return (int(rows[half[0]]), int(columns[half[0]])), float(on[:end + 1].mean())
