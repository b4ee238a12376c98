"""The chart carried on beyond the object's rim, for matter that reaches over it and stands on nothing there."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from crossmodal.edit import SurfaceEdit, within
from crossmodal.ground import GRAZING
from crossmodal.see import is_own
from crossmodal.surface import Surface

FIRM = 2  # pixels from the rim inwards, where a point and its normal are the surface's own
EVEN = (7, 31)  # pixels over which the surface is averaged to a plane that is carried on, half the matter's reach
RIM = 6  # pixels from the rim inwards, where a surface that falls away is left
FALLEN = 5e-4  # m for each mm a pixel spans: how far it has fallen away then
MARGIN = 3.0  # pixels about the matter's bounds that the planes reach
TORN = 4.0  # pixels between the chart places of two neighbours, beyond which no matter spans them


@dataclass(frozen=True, eq=False)
class Sheet:
    """What matter may lie on, over a window of a view: the surface, and planes that carry it on beyond its rim.

    points, normals: (h, w, 3) float32; linked: (h, w, 2) bool; st_mm: (h, w, 2) float32
    beyond: (h, w) bool, pixels of the planes: what was measured there, if anything was, lies behind them
    void: (h, w) bool, those of them behind which this surface is not seen
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    points: np.ndarray
    normals: np.ndarray
    linked: np.ndarray
    st_mm: np.ndarray
    beyond: np.ndarray
    void: np.ndarray

    @classmethod
    def over(cls, surface: Surface, edit: SurfaceEdit, rows, columns, st) -> "Sheet":
        """The sheet of an edit over a window that holds its chart st (h, w, 2).

        Where no surface is charted but matter may reach, it goes on in the tangent plane of the nearest pixel that
        stands firm within the rim and faces the viewer, as far as the plane is met before what was measured. Where
        the surface itself falls away before its rim, matter does not follow it: it goes on straight from there. A rim
        that turns away from the viewer has no such plane: there matter shows over it by its own height.
        """
        window = np.s_[rows[0]:rows[1], columns[0]:columns[1]]
        points, normals, linked = surface.smoothed[window], surface.normals[window], surface.linked[window]
        charted = np.isfinite(st[..., 0])
        beyond = np.zeros(charted.shape, bool)
        plain = cls(rows, columns, points, normals, linked, st, beyond, beyond)
        reached = within(st, edit.field.bounds_mm)
        if not (cv2.dilate(reached.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~charted).any():
            return plain
        faces = charted & (surface.facing[window] > GRAZING)
        firm = cv2.erode(faces.astype(np.uint8), np.ones((2 * FIRM + 1, 2 * FIRM + 1), np.uint8)).astype(bool)
        if not firm.any():
            return plain
        far, label = cv2.distanceTransformWithLabels((~firm).astype(np.uint8), cv2.DIST_L2, 5,
                                                     labelType=cv2.DIST_LABEL_PIXEL)
        ends = cv2.dilate((~charted).astype(np.uint8), np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)).astype(bool)
        beyond = ~firm & ends & (far * surface.mm_per_pixel < 2 * edit.field.reach_mm)
        whose = label[beyond]
        owns = np.bincount(whose, minlength=label.max() + 1) > 0
        owner = np.zeros(len(owns), np.int64)
        owner[label[firm]] = np.flatnonzero(firm)
        owner, whose = owner[owns], (np.cumsum(owns) - 1)[whose]
        side = 2 * int(np.clip(0.25 * edit.field.reach_mm / surface.mm_per_pixel, EVEN[0] // 2, EVEN[1] // 2)) + 1
        count = _total(firm.astype(np.float32), side)
        foot, even = _mean(points, firm, side, owner, count), _mean(normals, firm, side, owner, count)
        even /= np.linalg.norm(even, axis=-1, keepdims=True)
        i, j = np.nonzero(beyond)
        rays = surface.camera.rays(np.stack((j + columns[0], i + rows[0]), -1))
        down = np.einsum("ni,ni->n", rays, even[whose])
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.einsum("ni,ni->n", foot, even)[whose] / down
            measured = surface.points[window][..., 2][beyond]
            measured -= np.where(charted[beyond], 4 * surface.floor.at(measured) + FALLEN * surface.mm_per_pixel, 0)
            met = (down < -GRAZING * np.linalg.norm(rays, axis=-1)) & (z > 0) & ~(z >= measured)
        beyond[i[~met], j[~met]] = False
        if not beyond.any():
            return plain
        there, whose = rays[met] * z[met, None], whose[met]
        along = _mean(edit.patch.along, firm, side, owner, count) if is_own(surface, edit) else None
        carried = _carried(edit, _mean(st, firm, side, owner, count), there, even, foot, along, whose)
        # Nodes just outside the matter close its rim; farther out the chart ends for its own reasons.
        s0, s1, t0, t1 = edit.field.bounds_mm
        edge = MARGIN * surface.mm_per_pixel
        kept = within(carried, (s0 - edge, s1 + edge, t0 - edge, t1 + edge))
        beyond[i[met][~kept], j[met][~kept]] = False
        there, even, carried = there[kept], even[whose[kept]], carried[kept]
        st, points, normals = st.copy(), points.copy(), normals.copy()
        st[beyond] = carried
        points[beyond], normals[beyond] = there, even
        return cls(rows, columns, points, normals, _relinked(linked, st, beyond, surface.mm_per_pixel), st, beyond,
                   beyond & ~charted)

    def window(self, rows, columns) -> "Sheet":
        """The part of it in rows and columns of the view; those outside it are empty."""
        h, w = rows[1] - rows[0], columns[1] - columns[0]
        own = self.points, self.normals, self.linked, self.st_mm, self.beyond, self.void
        if self.rows[0] <= rows[0] and rows[1] <= self.rows[1]:
            if self.columns[0] <= columns[0] and columns[1] <= self.columns[1]:
                part = np.s_[rows[0] - self.rows[0]:, columns[0] - self.columns[0]:]
                return Sheet(rows, columns, *(array[part][:h, :w] for array in own))
        out = (np.full((h, w, 3), np.nan, np.float32), np.full((h, w, 3), np.nan, np.float32),
               np.zeros((h, w, 2), bool), np.full((h, w, 2), np.nan, np.float32), np.zeros((h, w), bool),
               np.zeros((h, w), bool))
        r0, r1 = max(rows[0], self.rows[0]), min(rows[1], self.rows[1])
        c0, c1 = max(columns[0], self.columns[0]), min(columns[1], self.columns[1])
        into = np.s_[r0 - rows[0]:r1 - rows[0], c0 - columns[0]:c1 - columns[0]]
        from_ = np.s_[r0 - self.rows[0]:r1 - self.rows[0], c0 - self.columns[0]:c1 - self.columns[0]]
        for array, mine in zip(out, own, strict=True):
            array[into] = mine[from_]
        return Sheet(rows, columns, *out)


def widened(surface: Surface, edit: SurfaceEdit, rows, columns, st):
    """A window that holds a chart, made wide enough for what hangs over the rim (a patch's own window is)."""
    if is_own(surface, edit):
        return rows, columns, st
    reach = math.ceil(edit.field.reach_mm / surface.mm_per_pixel)
    height, width = surface.points.shape[:2]
    wide = ((max(0, rows[0] - reach), min(height, rows[1] + reach)),
            (max(0, columns[0] - reach), min(width, columns[1] + reach)))
    out = np.full((wide[0][1] - wide[0][0], wide[1][1] - wide[1][0], 2), np.nan, np.float32)
    out[rows[0] - wide[0][0]:rows[1] - wide[0][0], columns[0] - wide[1][0]:columns[1] - wide[1][0]] = st
    return *wide, out


def _mean(array, firm, side, owner, count):
    """(n, k) float64 means of an array (h, w, k) over the firm pixels of a square, so many, about each owner."""
    total = _total(np.where(firm[..., None], array, np.float32(0)), side)
    return total.reshape(firm.size, -1)[owner] / count.ravel()[owner, None]


def _total(array, side):
    """Sums (h, w[, k]) float64 over a square about each pixel."""
    return cv2.boxFilter(array, cv2.CV_64F, (side, side), normalize=False)


def _carried(edit, st, there, normal, foot, along, whose):
    """(s, t) mm (n, 2) of points on the planes through feet, whose (n,) says which, straight on from each foot's own
    (s, t)."""
    if along is not None:
        along = along - normal * np.einsum("ni,ni->n", along, normal)[:, None]
        along /= np.linalg.norm(along, axis=-1, keepdims=True)
        rest = (there - foot[whose]) * 1e3
        return st[whose] + np.stack((np.einsum("ni,ni->n", rest, along[whose]),
                                     np.einsum("ni,ni->n", rest, np.cross(normal, along)[whose])), -1)
    back = np.linalg.inv(edit.T_here_patch)
    there, foot = (points @ back[:3, :3].T + back[:3, 3] for points in (there, foot))
    return st[whose] + edit.patch.coordinates(there, foot[whose])[:, :2] - edit.patch.coordinates(foot)[whose, :2]


def _relinked(linked, st, beyond, pixel_mm):
    """The surface's links, and those of the planes with each other and with the rim."""
    out = linked.copy()
    for axis, (one, other) in enumerate(((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1, :], np.s_[1:, :]))):
        new = beyond[one] | beyond[other]
        apart = np.linalg.norm(st[one][new] - st[other][new], axis=-1)
        out[..., axis][one][new] = apart < TORN * pixel_mm
    return out
