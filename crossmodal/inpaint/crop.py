"""The piece of a picture that a model sees: at native size, whole multiples of its stride, and back bit for bit."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

CONTEXT = 1.0  # of the mask's longer side: what is seen around it on each side
SEAM_PX = 2.0  # inside the mask's rim over which what was made takes over from what was there


@dataclass(frozen=True)
class Crop:
    """Rows and columns (from, to) of the picture, and the model's own height and width, at least as large."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def around(cls, mask: np.ndarray, stride: int, least: int) -> "Crop":
        """About a mask (H, W) bool, with context, at least ``least`` pixels a side where the picture has them.

        Nothing is resized: the side that the model gets is the next multiple of ``stride``.
        """
        spans = [(int(at[0]), int(at[-1]) + 1) for at in (np.flatnonzero(mask.any(axis)) for axis in (1, 0))]
        reach = math.ceil(CONTEXT * max(end - start for start, end in spans))
        rows, columns = (_grown(span, reach, least, size) for span, size in zip(spans, mask.shape, strict=True))
        shape = tuple(-(-(end - start) // stride) * stride for start, end in (rows, columns))
        return cls(rows, columns, shape)

    @property
    def window(self):
        return np.s_[self.rows[0]:self.rows[1], self.columns[0]:self.columns[1]]

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """(h, w[, c]) of the model's shape, its last rows and columns repeated where the picture has no more."""
        inner = picture[self.window]
        more = [(0, wanted - got) for wanted, got in zip(self.shape, inner.shape, strict=False)]
        return np.pad(inner, more + [(0, 0)] * (inner.ndim - 2), mode="edge")

    def laid(self, picture: np.ndarray, made: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The picture (H, W, 3) uint8 with what was made (h, w, 3) uint8 inside the mask; not a bit changes outside."""
        height, width = self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]
        inside = np.pad(mask.astype(np.uint8), 1)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1][self.window]
        share = np.minimum(depth / SEAM_PX, 1.0)[..., None]
        old = picture[self.window]
        mixed = np.rint(old + share * (made[:height, :width].astype(np.float64) - old)).astype(np.uint8)
        out = picture.copy()
        out[self.window] = np.where(mask[self.window][..., None], mixed, old)
        return out


def _grown(span, reach, least, size):
    start, end = span[0] - reach, span[1] + reach
    short = max(0, least - (end - start))
    start, end = start - short // 2, end + short - short // 2
    # Pushed back into the picture at the one side, it reaches farther at the other.
    start, end = (0, end - start) if start < 0 else (start, end)
    start, end = (start - (end - size), size) if end > size else (start, end)
    return max(0, start), min(size, end)


def nearness(depth: np.ndarray) -> np.ndarray:
    """What a depth ControlNet is fed: inverse depth over the crop, nearest 255, farthest 0, (h, w, 3) uint8.

    depth: (h, w) float32 m, NaN where nothing was measured, which counts as farthest
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / depth.astype(np.float64)
    known = np.isfinite(inverse)
    if not known.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    low, high = inverse[known].min(), inverse[known].max()
    scaled = np.where(known, (inverse - low) / max(high - low, 1e-12), 0.0)
    return np.repeat(np.rint(255 * scaled).astype(np.uint8)[..., None], 3, -1)
