"""Ground that can carry a defect: on one surface, facing the viewer, and how far it is clear of its edges."""

from dataclasses import dataclass

import cv2
import numpy as np

GRAZING = 0.35  # cosine of the steepest view (70°) under which a defect is placed


@dataclass(frozen=True, eq=False)
class Ground:
    """free: (H, W) bool; clear_mm: (H, W) float32, distance to the nearest pixel that is not free;
    index: (n,) the free pixels; area_mm2: (n,) float64, running sum of the surface behind them.
    """

    free: np.ndarray
    clear_mm: np.ndarray
    index: np.ndarray
    area_mm2: np.ndarray

    @classmethod
    def of(cls, points, normals, linked, usable, pixel_area_mm2, mm_per_pixel: float) -> "Ground":
        """From a surface's arrays (see crossmodal.surface) and the pixels (H, W) bool that may be used."""
        usable = usable & np.isfinite(normals[..., 0])
        # Both ends of a link must hold, or the pixel stands on a step.
        whole = usable.copy()
        whole[:, :-1] &= linked[:, :-1, 0] | ~usable[:, :-1]
        whole[:-1] &= linked[:-1, :, 1] | ~usable[:-1]
        towards = np.einsum("ijk,ijk->ij", points, normals)
        free = whole & (-towards > GRAZING * np.sqrt(np.einsum("ijk,ijk->ij", points, points)))
        clear = _clear_px(free) * np.float32(mm_per_pixel)
        index = np.flatnonzero(free)
        return cls(free, clear, index, np.cumsum(pixel_area_mm2.ravel()[index], dtype=np.float64))

    @property
    def widest_mm(self) -> float:
        """Diameter of the widest disc of free ground."""
        return 2 * float(self.clear_mm.max())

    def widest_within(self, region: np.ndarray, mm_per_pixel: float) -> float:
        """The same of what lies in a region (H, W) bool."""
        return 2 * mm_per_pixel * float(_clear_px(self.free & region).max())

    def pick(self, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(rows, columns) of the free pixels at shares (n,) in [0, 1) of the free area."""
        k = np.searchsorted(self.area_mm2, where * self.area_mm2[-1], side="right")
        return np.divmod(self.index[np.minimum(k, len(self.index) - 1)], self.free.shape[1])


def _clear_px(free):
    """(H, W) float32: how far each pixel is from the nearest that is not free; what is outside is not."""
    padded = cv2.copyMakeBorder(free.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    return cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
