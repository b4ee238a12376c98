"""Masks of real defects, from a folder that the user gives: one is drawn, and laid down in mm (AdaBLDM, PAIDF)."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

import cv2
import numpy as np
from pydantic import Field

from crossmodal.datasets.source import file_hash
from crossmodal.defects.spec import Positive, Scale, Size
from crossmodal.edit import exact_distance
from crossmodal.methods.block import Block, fixed
from crossmodal.methods.canvas import Canvas, box_of
from crossmodal.methods.folders import of_names
from crossmodal.methods.picked import PICTURES, Picked
from crossmodal.methods.regions import Area, Region, Sides, area_of, shouldered
from rgb import read_mask

GROUND_TRUTHS = ("ground_truth", "gt", "mask", "masks")
"""Folders of masks in a tree that holds pictures too."""
GREY = 127  # above which a JPEG's pixel is marked: what it blurs lies about a mask's border
OUTSIDE = -1e6  # pixels from a mask, of what lies beyond its own box


class Drawn(Picked):
    """A mask that was drawn.

    sides_mm: (down, across) of the box about what it marks; finest_mm: how wide that is in the mean
    """

    flipped: bool
    sides_mm: Sides
    finest_mm: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Library(Region):
    """The mask of a real defect, turned by the heading."""

    kind: Literal["library"] = "library"
    when_drawn = ("mask",)
    folder: str = Field(min_length=1)
    """Of masks, as deep as may be: not 0 is defect. Of a dataset's tree, its ground_truth, gt and mask folders."""
    length_mm: Size = ("8%", "25%")
    """Of the longer side of what it marks."""
    stretch: Positive = (0.85, 1.15)
    """How high it becomes beside how wide, of what it is."""
    flip: bool = True
    """Mirrored as often as not."""
    mask: Drawn | None = None

    def drawn(self, rng, scale: Scale) -> Self:
        name, digest, marked = _any_of(self.folder, rng)
        spec = Block.drawn(self, rng, scale)
        high, wide = fixed(spec.stretch) * marked.shape[0], marked.shape[1]
        step = fixed(spec.length_mm) / max(high, wide)
        sides = float(step * high), float(step * wide)
        found = Drawn(name=name, sha256=digest, flipped=bool(self.flip and rng.random() < 0.5), sides_mm=sides,
                      finest_mm=float(step * width_of(marked)))
        return spec.model_copy(update={"mask": found})

    @property
    def taken(self) -> Drawn:
        """The mask that was drawn. Raises ValueError before one is."""
        if self.mask is None:
            raise ValueError(f"no mask of {self.folder} is drawn yet; draw the method first")
        return self.mask

    def resized(self, by: float) -> Self:
        """The mask that was drawn so many times as large."""
        own = self.taken
        sizes = {"sides_mm": tuple(by * side for side in own.sides_mm), "finest_mm": by * own.finest_mm}
        return self.model_copy(update={"mask": own.model_copy(update=sizes)})

    def box_mm(self):
        return self.taken.sides_mm

    @property
    def finest_mm(self):
        return self.taken.finest_mm


@area_of.register
def _(region: Library, canvas: Canvas, middle, seed) -> Area:
    drawn = region.taken
    far = _far(drawn.path_in(region.folder, "mask", "library"), drawn.sha256)
    y, x = np.broadcast_arrays(*canvas.about(middle))
    down, across = drawn.sides_mm
    h, w = (n - 2 for n in far.shape)  # one pixel about it
    row, column = (y / down + 0.5) * h + 0.5, (x / across * (-1 if drawn.flipped else 1) + 0.5) * w + 0.5
    there = cv2.remap(far, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_CONSTANT, borderValue=OUTSIDE)
    return shouldered(there > 0, canvas)


def listed(folder: str) -> tuple[str, ...]:
    """The masks below a folder, in order. Raises ValueError where there are none."""
    return _listed(folder, of_names(folder))


@lru_cache(maxsize=8)
def _listed(folder, stamp):
    root = Path(folder)
    found = sorted(path.relative_to(root) for path in root.rglob("*")
                   if path.suffix.lower() in PICTURES and not path.name.startswith("."))
    found = [path for path in found if set(path.parts[:-1]) & {*GROUND_TRUTHS}] or found
    if not found:
        raise ValueError(f"{folder} holds no masks; give a folder of pictures that are not 0 where a defect is")
    return tuple(path.as_posix() for path in found)


def _any_of(folder, rng):
    """(name, sha256, marked box) of a mask that is not empty. Raises ValueError where all are, or one is no mask."""
    names = listed(folder)
    for i in rng.permutation(len(names)):
        path = Path(folder) / names[i]
        if (marked := _marked(path)) is not None:
            return names[i], file_hash(path), marked
    raise ValueError(f"{folder} holds {len(names)} masks and all are empty; give those of defects")


def _marked(path) -> np.ndarray | None:
    """(h, w) bool: the box about what a mask marks; None where that is nothing. Raises ValueError for what is none."""
    marked = read_mask(path) > (GREY if path.suffix.lower() in (".jpg", ".jpeg") else 0)
    if marked.all():
        raise ValueError(f"{path} marks all of its picture; a mask is 0 where the object is good")
    return marked[box_of(marked)] if marked.any() else None


@lru_cache(maxsize=16)
def _far(path, digest) -> np.ndarray:
    """(h + 2, w + 2) float32: how deep a pixel lies in a mask, and below 0 how far from it, one pixel about it too."""
    marked = np.pad(_marked(path), 1)
    return (exact_distance(marked) - exact_distance(~marked)).astype(np.float32)


def width_of(marked: np.ndarray) -> float:
    """Pixels across a mask in the mean: twice its area by its border's length, which of a disc is its radius."""
    contours, _ = cv2.findContours(marked.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    around = sum(cv2.arcLength(contour, True) for contour in contours)
    return float(min(*marked.shape, 2 * marked.sum() / max(around, 4.0)))
