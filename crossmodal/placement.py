"""Where a defect may lie: on the object, clear of depth steps and of what was placed before it."""

from dataclasses import dataclass

import cv2
import numpy as np

from crossmodal.defects import Spec
from crossmodal.recipe import Place
from crossmodal.surface import Surface

GRAZING = 0.35  # cosine of the steepest view (70°) under which a defect is placed
TRIALS = 24


@dataclass(frozen=True)
class Spot:
    """A drawn place: anchor (m), normal and heading, in the camera's frame."""

    anchor_m: tuple[float, float, float]
    normal: tuple[float, float, float]
    heading: tuple[float, float, float]


class Placer:
    """Draws places on one surface, each clear of those drawn before."""

    def __init__(self, surface: Surface, place: Place):
        self.surface, self.place_ = surface, place
        usable = np.isfinite(surface.normals[..., 0])
        if place.where == "object":
            usable = usable & surface.foreground
        # Both ends of a link must hold, or the pixel stands on a step.
        whole = usable.copy()
        whole[:, :-1] &= surface.linked[:, :-1, 0] | ~usable[:, :-1]
        whole[:-1] &= surface.linked[:-1, :, 1] | ~usable[:-1]
        self.facing = self._facing()
        self.free = whole & (self.facing > GRAZING)
        if not self.free.any():
            raise ValueError("the capture shows no surface that faces the camera well enough to carry a defect")

    def _facing(self):
        points, normals = self.surface.smoothed, self.surface.normals
        length = np.linalg.norm(points, axis=-1)
        return -np.einsum("ijk,ijk->ij", points, normals) / np.maximum(length, 1e-9)

    def place(self, spec: Spec, bounds_mm, rng: np.random.Generator) -> Spot:
        """A place for a drawn spec whose field has these bounds, uniform over the surface's area.

        Raises ValueError where it fits nowhere.
        """
        heading_angle = np.deg2rad(spec.fixed("orientation_deg"))
        s0, s1, t0, t1 = bounds_mm
        if self.place_.at_pixel is not None:
            row, column = self._asked()
        else:
            row, column = self._drawn(spec, (s1 - s0, t1 - t0), heading_angle, rng)
        self._take(row, column, 0.5 * np.hypot(s1 - s0, t1 - t0))
        normal = self.surface.normals[row, column].astype(np.float64)
        return Spot(_triple(self.surface.smoothed[row, column]), _triple(normal),
                    _triple(self._heading(normal, heading_angle)))

    def _asked(self):
        column, row = (round(x) for x in self.place_.at_pixel)
        height, width = self.free.shape
        if not (0 <= row < height and 0 <= column < width):
            raise ValueError(f"at_pixel {self.place_.at_pixel} is outside the {width}x{height} picture")
        if not np.isfinite(self.surface.normals[row, column, 0]):
            raise ValueError(f"at_pixel {self.place_.at_pixel} has no measured surface; choose another pixel")
        return row, column

    def _drawn(self, spec, size_mm, angle, rng):
        pixel = self.surface.mm_per_pixel
        clear = self.place_.clear_of_border_mm
        room = cv2.distanceTransform(np.pad(self.free, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        room = room[1:-1, 1:-1] * pixel
        half_narrow = 0.5 * min(size_mm)
        wanted = half_narrow + clear
        open_ = room > wanted
        if not open_.any():
            raise ValueError(f"no place for a {spec.kind} {2 * half_narrow:.3g} mm across: the widest clear place is "
                             f"{2 * float(room.max()):.3g} mm; ask for a smaller one or for less clearance")
        index = np.flatnonzero(open_)
        weights = self.surface.pixel_area_mm2.ravel()[index].astype(np.float64)
        cumulative = np.cumsum(weights)
        best, best_share = None, -1.0
        for _ in range(TRIALS):
            pick = int(index[np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right").clip(
                max=len(index) - 1)])
            row, column = divmod(pick, self.free.shape[1])
            share = self._lies_free(row, column, size_mm, angle, half_narrow)
            if share > best_share:
                best, best_share = (row, column), share
            if share == 1.0:
                break
        if best_share < 0.6:
            raise ValueError(f"no place for a {spec.kind} {max(size_mm):.3g} mm long on this object; "
                             f"ask for a shorter one or another orientation_deg")
        return best

    def _lies_free(self, row, column, size_mm, angle, half_narrow):
        """Share of the defect's long axis that lies on free surface, by way of the surface's slant."""
        normal = self.surface.normals[row, column].astype(np.float64)
        along = self._heading(normal, angle)
        if size_mm[1] > size_mm[0]:
            along = np.cross(normal, along)
        reach = np.linspace(-0.5, 0.5, 17)[:, None] * max(size_mm) * 1e-3
        points = self.surface.smoothed[row, column].astype(np.float64) + reach * along
        pixels = np.rint(self.surface.camera.project(points))
        height, width = self.free.shape
        good = 0
        for u, v in pixels:
            good += bool(0 <= u < width and 0 <= v < height and self.free[int(v), int(u)])
        return good / len(pixels)

    def _take(self, row, column, radius_mm):
        radius = int(np.ceil(radius_mm / self.surface.mm_per_pixel)) + 2
        blocked = np.zeros(self.free.shape, np.uint8)
        cv2.circle(blocked, (int(column), int(row)), radius, 1, cv2.FILLED)
        remaining = self.free & ~blocked.astype(bool)
        # When everything is taken, defects may overlap rather than fail.
        if remaining.any():
            self.free = remaining

    @staticmethod
    def _heading(normal, angle):
        """The image direction at this angle from +x towards +y, laid onto the surface."""
        direction = np.array((np.cos(angle), np.sin(angle), 0.0))
        along = direction - normal * (direction @ normal)
        return along / np.linalg.norm(along)


def _triple(vector) -> tuple[float, float, float]:
    return tuple(float(x) for x in vector)
