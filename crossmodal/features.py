"""Where a surface is flat, bulges, is hollow, or ends: measured over the size of what shall lie there."""

import cv2
import numpy as np

FLAT = np.deg2rad(10)  # what turns less over a defect is flat
ROUND = np.deg2rad(16)  # what turns more is round
FOLD = np.deg2rad(55)  # and beyond this it is an edge
ACROSS = ((0, 1), (1, 0), (1, 1), (1, -1))


def ends(surface) -> np.ndarray:
    """(H, W) bool: the object's last pixels, before the ground, before a step down, or before nothing measured."""
    z, object_ = surface.points[..., 2], surface.foreground
    out = np.zeros_like(object_)
    for axis, (down, right) in enumerate(((0, 1), (1, 0))):
        one, other = np.s_[:z.shape[0] - down, :z.shape[1] - right], np.s_[down:, right:]
        apart = ~surface.linked[one][..., axis]
        out[one] |= object_[one] & (~object_[other] | (apart & ~(z[other] < z[one])))
        out[other] |= object_[other] & (~object_[one] | (apart & ~(z[one] < z[other])))
    return out


def turns(surface, across_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """(least, most) (H, W) float32: how far the normal turns over so many millimetres, of four directions, radians;
    + bulges towards the viewer, NaN at what is not measured on both sides."""
    half = max(1, round(0.5 * across_mm / surface.mm_per_pixel))
    points, normals = surface.smoothed, surface.normals
    shape = points.shape[:2]
    least, most = np.full(shape, np.inf, np.float32), np.full(shape, -np.inf, np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        for down, right in ACROSS:
            a, b = half * down, half * right
            r, c = abs(a), abs(b)
            if 2 * r >= shape[0] or 2 * c >= shape[1]:
                continue
            here = np.s_[r:shape[0] - r, c:shape[1] - c]
            ahead = np.s_[r + a:shape[0] - r + a, c + b:shape[1] - c + b]
            behind = np.s_[r - a:shape[0] - r - a, c - b:shape[1] - c - b]
            apart = points[ahead] - points[behind]
            length = np.linalg.norm(apart, axis=-1)
            turned = np.einsum("ijk,ijk->ij", normals[ahead] - normals[behind], apart)
            turn = turned / length * (1e-3 * across_mm / length)
            least[here] = np.minimum(least[here], turn)
            most[here] = np.maximum(most[here], turn)
    unknown = ~np.isfinite(least) | ~np.isfinite(most)
    least[unknown] = most[unknown] = np.nan
    return least, most


def fitting(surface, where: str, across_mm: float) -> np.ndarray:
    """(H, W) bool: pixels that are flat, convex, concave, on an edge (a fold or an end) or on a rim (an end)."""
    if where == "rim":
        return ends(surface)
    least, most = turns(surface, across_mm)
    with np.errstate(invalid="ignore"):
        if where == "flat":
            return (least > -FLAT) & (most < FLAT)
        if where == "convex":
            return (most > ROUND) & (least > -FLAT)
        if where == "concave":
            return (least < -ROUND) & (most < FLAT)
        return ends(surface) | (surface.foreground & (most > FOLD))


def run_of(edge: np.ndarray, row: int, column: int, reach: int) -> tuple[float, float]:
    """(x, y) unit vector in the picture along which the edge (H, W) bool runs that a pixel is on, so far about it."""
    r0, c0 = max(0, row - reach), max(0, column - reach)
    near = edge[r0:row + reach + 1, c0:column + reach + 1]
    # A neighbouring thread's edge is another edge.
    _, pieces = cv2.connectedComponents(near.astype(np.uint8))
    rows, columns = np.nonzero(near & (pieces == pieces[row - r0, column - c0]))
    if len(rows) < 3:
        return 1.0, 0.0
    x, y = columns + c0 - column, rows + r0 - row
    xx, yy, xy = float(x @ x), float(y @ y), float(x @ y)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    return float(np.cos(angle)), float(np.sin(angle))
