"""What an inpainter is trained or asked to fill: cells, patches and superpixels, and places that a score picks."""

from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import Field

from crossmodal.defects.spec import Share, Size
from crossmodal.methods.block import fixed
from crossmodal.methods.canvas import Canvas
from crossmodal.methods.regions import MOST_PARTS, Area, Region, Whole, area_of, shouldered
from crossmodal.texture import hashed


class Mask(Region):
    """A mask over a piece of surface, or over a whole photograph."""

    spreads = True
    diameter_mm: Size = ("40%", "60%")
    """Of the surface that it covers; of a photograph it covers all."""

    def box_mm(self):
        return (fixed(self.diameter_mm),) * 2


class Disjoint(Mask):
    """One of n random sets of square cells, which together are all of it (RIAD)."""

    kind: Literal["disjoint"] = "disjoint"
    sets: Annotated[int, Field(ge=2, le=MOST_PARTS, strict=True)] = 3
    cell_mm: Size = ("1%", "4%")

    @property
    def finest_mm(self):
        return min(fixed(self.cell_mm), fixed(self.diameter_mm))


class Patches(Mask):
    """Square patches of a grid, a share of them, or one where the share is 0 (InTra, AMI-Net)."""

    kind: Literal["patches"] = "patches"
    across: Whole = 7
    share: Share = (0.0, 0.0)

    @property
    def finest_mm(self):
        return fixed(self.diameter_mm) / self.across


class Superpixels(Mask):
    """Some superpixels: a grid of seeds grown to where colours change (SMAI; watershed, Meyer 1992)."""

    kind: Literal["superpixels"] = "superpixels"
    size_mm: Size = ("5%", "8%")
    count: Whole = 3

    @property
    def finest_mm(self):
        return 0.5 * min(fixed(self.size_mm), fixed(self.diameter_mm))


class Score(Mask):
    """Cells whose colours their own surroundings foretell worst: a mask that a score picks (I3AD)."""

    kind: Literal["score"] = "score"
    cell_mm: Size = ("3%", "5%")
    worst: Share = (0.02, 0.1)
    """The share of the cells that is taken."""
    rounds: Whole = 1
    """At most: each foretells by the picture that the one before filled, until the same cells are taken again."""

    @property
    def finest_mm(self):
        return min(fixed(self.cell_mm), fixed(self.diameter_mm))


@area_of.register
def _(region: Disjoint, canvas: Canvas, middle, seed) -> Area:
    cell, many = _cells(canvas, fixed(region.cell_mm))
    which = (0.4999 * (hashed(seed, many) + 1) * region.sets).astype(int)
    return shouldered(which[cell] == seed % region.sets, canvas)


@area_of.register
def _(region: Patches, canvas, middle, seed):
    h, w = canvas.shape
    row, column = np.arange(h) * region.across // h, np.arange(w) * region.across // w
    cell = row[:, None] * region.across + column[None, :]
    share, many = fixed(region.share), region.across**2
    order = np.argsort(hashed(seed, many), kind="stable")
    # The one patch that a window predicts is its middle one.
    taken = order[:max(1, round(share * many))] if share else np.array([many // 2])
    return shouldered(np.isin(cell, taken), canvas)


@area_of.register
def _(region: Superpixels, canvas, middle, seed):
    labels = _superpixels(canvas, fixed(region.size_mm))
    there = np.unique(labels[canvas.known])
    order = np.argsort(hashed(seed, len(there)), kind="stable")
    return shouldered(np.isin(labels, there[order[:region.count]]), canvas)


@area_of.register
def _(region: Score, canvas, middle, seed):
    cell, many = _cells(canvas, fixed(region.cell_mm))
    colours = filled = canvas.colours.mean(-1)
    side = 2 * min(round(fixed(region.cell_mm) / canvas.step_mm), max(canvas.shape)) + 1
    count = np.maximum(np.bincount(cell[canvas.known], minlength=many), 1)
    most, mask = max(1, round(fixed(region.worst) * many)), None
    for _ in range(region.rounds):
        off = np.abs(colours - cv2.blur(filled, (side, side))) * canvas.known
        score = np.bincount(cell.ravel(), off.ravel().astype(np.float64), many) / count
        before, mask = mask, np.isin(cell, np.argsort(-score, kind="stable")[:most])
        if before is not None and (before == mask).all():
            break
        if region.rounds > 1:
            filled = canvas.filled(mask).mean(-1)
    return shouldered(mask, canvas)


def _cells(canvas, cell_mm):
    """(number of each cell's square (h, w), how many there are)."""
    side = max(1, min(round(cell_mm / canvas.step_mm), max(canvas.shape)))
    h, w = canvas.shape
    across = -(-w // side)
    return (np.arange(h) // side)[:, None] * across + (np.arange(w) // side)[None, :], across * -(-h // side)


def _superpixels(canvas, size_mm):
    side = max(3, min(round(size_mm / canvas.step_mm), max(canvas.shape)))
    h, w = canvas.shape
    markers = np.zeros((h, w), np.int32)
    y, x = np.arange(side // 2, h, side), np.arange(side // 2, w, side)
    markers[y[:, None], x[None, :]] = 1 + np.arange(len(y) * len(x)).reshape(len(y), len(x))
    grown = cv2.watershed(np.ascontiguousarray(canvas.as_srgb(canvas.colours)), markers)
    # The lines between basins go to a neighbour.
    return np.where(grown > 0, grown, cv2.dilate(np.maximum(grown, 0).astype(np.float32),
                                                np.ones((3, 3))).astype(np.int32))
