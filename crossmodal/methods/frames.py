"""Which way a surface bends about a place: the frame that AF3AD takes from its neighbours, its outside known."""

import numpy as np

from crossmodal.clouds.chart import CloudPatch
from crossmodal.patch import Patch

FEWEST = 12  # places that tell how a surface bends


def bends_along(patch: Patch | CloudPatch, reach_mm: float, which: str) -> np.ndarray:
    """The tangent direction (3,) along which the surface bends the ``least`` or the ``most`` within a reach of a
    chart's anchor, of its two ways the one nearer to its heading; the heading itself where it bends alike all about, by
    less than the sensor can tell. Principal directions of the quadric that fits best (do Carmo 1976, 3.2)."""
    surface, (s, t) = patch.surface, np.moveaxis(patch.st_mm, -1, 0)
    near = s * s + t * t <= reach_mm**2  # NaN is not
    if near.sum() < FEWEST:
        return patch.heading
    s, t = (axis[near].astype(np.float64) for axis in (s, t))
    points = surface.smoothed_m[patch.members] if isinstance(patch, CloudPatch) else surface.smoothed[patch.window]
    height = 1e3 * (points[near].astype(np.float64) - patch.anchor_m) @ patch.normal
    terms = np.stack((np.ones_like(s), s, t, s * s, s * t, t * t), -1)
    _, _, _, a, b, c = np.linalg.lstsq(terms, height, rcond=None)[0]
    bend, ways = np.linalg.eigh(np.array(((2 * a, b), (b, 2 * c))))
    order = np.argsort(np.abs(bend), kind="stable")
    if 0.5 * reach_mm**2 * abs(bend[1] - bend[0]) < surface.floor_mm:
        return patch.heading
    along, across = ways[:, order[0 if which == "least" else 1]]
    way = along * patch.heading + across * np.cross(patch.normal, patch.heading)
    return way if along >= 0 else -way
