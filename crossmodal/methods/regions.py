"""Where a method changes a surface: shapes on a canvas, each with a profile that relief can be made of."""

import math
from dataclasses import dataclass
from functools import cached_property, singledispatch
from typing import Annotated, Literal, Self

import cv2
import numpy as np
from pydantic import Field

from crossmodal.defects.spec import Scale, Size, Turn, _range
from crossmodal.edit import exact_distance
from crossmodal.methods.block import Block, Range, fixed
from crossmodal.methods.canvas import Canvas, box_of
from crossmodal.methods.noise import framed, perlin
from crossmodal.texture import hashed

Whole = Annotated[int, Field(ge=1)]
Cells = tuple[Whole, Whole]
Wholes = _range(Whole, minimum=1)
Roughness = _range(Annotated[float, Field(ge=0, le=0.9)], minimum=0, maximum=0.9)
TRIES = 32  # noise that may be empty, before it is given up
FADES = 0.25  # of a canvas's half width, over which noise falls below any threshold at its border


@dataclass(frozen=True, eq=False)
class Area:
    """weight: (h, w) float32, 0 to 1; profile: (h, w) float32, −1 to 1, relief of this region: 0 at its border; noise:
    (h, w) float32, the noise that it was cut from, or None."""

    weight: np.ndarray
    profile: np.ndarray
    noise: np.ndarray | None = None

    @cached_property
    def inside(self) -> np.ndarray:
        return self.weight > 0

    @cached_property
    def box(self) -> tuple[slice, slice]:
        """The rows and columns that hold it, and a cell about it, which a blend may join it to."""
        return box_of(self.inside, 1)


class Region(Block):
    """A shape. Its sizes are in mm on a surface, or in percent of the object; of a photograph, of its side."""

    def resized(self, by: float) -> Self:
        """A drawn region so many times as large."""
        sizes = {name: tuple(by * side for side in getattr(self, name)) for name in type(self).model_fields
                 if name.endswith("_mm") and getattr(self, name) is not None}
        return self.model_copy(update=sizes)

    def box_mm(self) -> tuple[float, float]:
        """(down, across) of the canvas that a drawn region takes on a surface."""
        raise NotImplementedError

    @property
    def finest_mm(self) -> float:
        """Width of its smallest part, drawn."""
        return 0.5 * min(self.box_mm())


class Rectangle(Region):
    """A box of a share of the object's visible area, or of the photograph's."""

    kind: Literal["rectangle"] = "rectangle"
    area_percent: Turn = (2, 15)
    aspect: Turn = (0.3, 3.3)
    """Length by width, drawn so that a shape and the same one upright are as likely."""
    sides_mm: tuple[float, float] | None = None
    """(down, across): what was drawn."""

    def drawn(self, rng, scale: Scale) -> Self:
        area = rng.uniform(*self.area_percent) / 100 * scale.object_mm**2
        aspect = float(np.exp(rng.uniform(*np.log(self.aspect))))
        return self.model_copy(update={"sides_mm": (float((area / aspect) ** 0.5), float((area * aspect) ** 0.5))})

    def box_mm(self):
        return self.sides_mm


class Scar(Region):
    """A thin strip along the heading."""

    kind: Literal["scar"] = "scar"
    length_mm: Size = ("4%", "11%")
    width_mm: Size = ("0.8%", "7%")

    def box_mm(self):
        return fixed(self.width_mm), fixed(self.length_mm)

    @property
    def finest_mm(self):
        return min(self.box_mm())


class Ellipse(Region):
    """An ellipse along the heading."""

    kind: Literal["ellipse"] = "ellipse"
    length_mm: Size = ("5%", "20%")
    width_mm: Size = ("5%", "20%")

    def box_mm(self):
        return fixed(self.width_mm), fixed(self.length_mm)


class Bezier(Region):
    """A closed curve of cubic Béziers through points on an ellipse (REB): a blob, or a scar where it is long."""

    kind: Literal["bezier"] = "bezier"
    length_mm: Size = ("8%", "25%")
    width_mm: Size = ("8%", "25%")
    points: Wholes = (8, 8)
    rough: Roughness = (0.5, 0.5)
    """How far towards the middle a point may lie."""
    area_percent: Turn | None = None
    """Of the box that it is drawn in, which is then as a rectangle's, instead of a length and a width."""

    def drawn(self, rng, scale: Scale) -> Self:
        (fewest, most), rough = self.points, self.rough
        update = {"rough": None, "area_percent": None}
        if self.area_percent is not None:
            sides = Rectangle(area_percent=self.area_percent).drawn(rng, scale).sides_mm
            update |= {"width_mm": (sides[0],) * 2, "length_mm": (sides[1],) * 2}
        spec = Block.drawn(self.model_copy(update=update), rng, scale)
        points = fewest if fewest == most else int(rng.integers(fewest, most + 1))
        rough = rough[0] if rough[0] == rough[1] else float(rng.uniform(*rough))
        return spec.model_copy(update={"points": (points, points), "rough": (rough, rough)})

    def box_mm(self):
        return fixed(self.width_mm), fixed(self.length_mm)


class Clump(Region):
    """Many small blobs, crowded about the middle (REB): a field of pits."""

    kind: Literal["clump"] = "clump"
    diameter_mm: Size = ("10%", "25%")
    count: Whole = 12
    piece: Annotated[float, Field(gt=0, le=0.5)] = 0.12
    """Of each piece, as a share of the diameter."""

    def box_mm(self):
        return (fixed(self.diameter_mm),) * 2

    @property
    def finest_mm(self):
        return 0.7 * self.piece * fixed(self.diameter_mm)


class Perlin(Region):
    """Gradient noise above a threshold (DRAEM): blobs of any shape, and hills of the same noise."""

    kind: Literal["perlin"] = "perlin"
    diameter_mm: Size = ("35%", "70%")
    """Of the surface that it covers; of a photograph it covers all."""
    octaves: tuple[int, int] = (0, 5)
    """The canvas has 2^k lattice cells down, and across, each k drawn from these."""
    threshold: Range = (0.5, 0.5)
    signed: bool = False
    """Both hills above the threshold and pits below its negative."""
    nonempty: bool = True
    """Draw again where nothing rises above it; else an empty region is refused, and never called good."""
    turn_deg: Range = (-90.0, 90.0)
    framed: bool = False
    """Of a photograph: as DRAEM's code has it, a picture of whole cells that was turned, and is empty more often."""
    cells: tuple[int, int] | None = None
    """(down, across): what was drawn."""

    def drawn(self, rng, scale: Scale) -> Self:
        cells = tuple(int(2**k) for k in rng.integers(self.octaves[0], self.octaves[1] + 1, 2))
        rest = Block.drawn(self.model_copy(update={"octaves": (0, 0), "cells": None}), rng, scale)
        return rest.model_copy(update={"octaves": self.octaves, "cells": cells})

    def box_mm(self):
        return (fixed(self.diameter_mm),) * 2

    @property
    def finest_mm(self):
        return 0.25 * fixed(self.diameter_mm) / max(self.cells)


@singledispatch
def area_of(region: Region, canvas: Canvas, middle: tuple[float, float], seed: int) -> Area:
    """A drawn region about a place (row, column) of a canvas. Raises ValueError where it is empty."""
    raise TypeError(f"nothing shapes a {type(region).__name__}")


@area_of.register
def _(region: Rectangle | Scar, canvas, middle, seed):
    down, across = region.box_mm()
    y, x = _about(canvas, middle)
    return shouldered((np.abs(y) <= 0.5 * down) & (np.abs(x) <= 0.5 * across), canvas)


@area_of.register
def _(region: Ellipse, canvas, middle, seed):
    down, across = region.box_mm()
    y, x = _about(canvas, middle)
    return shouldered((2 * y / down) ** 2 + (2 * x / across) ** 2 <= 1, canvas)


@area_of.register
def _(region: Bezier, canvas, middle, seed):
    return shouldered(_blob(canvas, middle, region.box_mm(), region.points[0], fixed(region.rough), seed), canvas)


@area_of.register
def _(region: Clump, canvas, middle, seed):
    diameter = fixed(region.diameter_mm)
    where = hashed(seed, 3 * region.count).reshape(-1, 3)
    mask = np.zeros(canvas.shape, bool)
    for i, (r, turn, size) in enumerate(where):
        # Squared, so that they crowd in the middle.
        far, piece = 0.5 * (1 - region.piece) * diameter * r * r, region.piece * diameter * (1 + 0.3 * size)
        at = (middle[0] + far * np.sin(np.pi * turn) / canvas.step_mm,
              middle[1] + far * np.cos(np.pi * turn) / canvas.step_mm)
        mask |= _blob(canvas, at, (piece, piece), 6, 0.3, seed + 1 + i)
    return shouldered(mask, canvas)


@area_of.register
def _(region: Perlin, canvas, middle, seed):
    threshold = fixed(region.threshold)
    if region.framed and not canvas.lit:
        raise ValueError("framed noise reaches to the border of a photograph; leave framed out on a surface")
    least = 1 if canvas.lit else math.ceil((region.finest_mm / canvas.step_mm) ** 2)
    tries = [(attempt, cells) for cells in (least, 1) for attempt in range(TRIES)] if region.nonempty else [(0, 1)]
    for attempt, cells in tries:
        fades = None if canvas.lit else FADES
        if region.framed:
            noise = framed(canvas.shape, region.cells, fixed(region.turn_deg), seed + attempt)
        else:
            noise = perlin(canvas.shape, region.cells, fixed(region.turn_deg), seed + attempt, fades,
                           max(threshold, 0))
        over = np.maximum(noise - threshold, 0)
        over[~canvas.known_in(over > 0)] = 0
        under = np.where(canvas.known, np.maximum(-noise - threshold, 0), 0) if region.signed else None
        for part in (over, under):
            if part is not None and np.count_nonzero(part) < cells:  # of full height it would be a needle
                part[:] = 0
        most = [0.0 if part is None else float(part.max()) for part in (over, under)]
        if max(most) > 0:
            weight, profile = (over > 0).astype(np.float32), over / max(most[0], 1e-9)
            if under is not None:
                weight[under > 0] = 1
                profile -= under / max(most[1], 1e-9)
            return Area(weight, profile, noise)
    raise ValueError(f"no noise rises above {threshold:.2g} on this canvas"
                     + ("" if region.nonempty else ", as in the published method; say nonempty, or take another seed"))


def shouldered(mask: np.ndarray, canvas: Canvas) -> Area:
    """A mask (h, w) bool on the known part of a canvas, with a smooth shoulder for its profile. Raises ValueError where
    nothing of it is known."""
    mask = canvas.known_in(mask)
    if not mask.any():
        raise ValueError("the region has no surface under it; ask for a larger one or another place")
    far = exact_distance(np.pad(mask, 1))[1:-1, 1:-1]
    x = np.clip(far / far.max(), 0, 1)
    return Area(mask.astype(np.float32), (x * x * (3 - 2 * x)).astype(np.float32))


def _about(canvas, middle):
    """(y, x) in mm from a place of the canvas, in the axes of what is drawn."""
    h, w = canvas.shape
    y, x = canvas.step_mm * (np.arange(h) - middle[0])[:, None], canvas.step_mm * (np.arange(w) - middle[1])[None, :]
    if not canvas.turn_deg:
        return y, x
    c, s = np.cos(np.deg2rad(canvas.turn_deg)), np.sin(np.deg2rad(canvas.turn_deg))
    return c * y - s * x, s * y + c * x


def _blob(canvas, middle, box_mm, points, rough, seed):
    """(h, w) bool: a closed Catmull-Rom curve, which is one of cubic Béziers, through points about an ellipse."""
    numbers = hashed(seed, 2 * points)
    turn = 2 * np.pi * (np.arange(points) + 0.35 * numbers[:points]) / points
    radius = 1 - rough * (0.5 + 0.5 * numbers[points:])
    knots = np.stack((np.cos(turn) * box_mm[1], np.sin(turn) * box_mm[0]), -1) * (0.5 * radius[:, None])
    before, after = np.roll(knots, 1, 0), np.roll(knots, -1, 0)
    p = np.linspace(0, 1, 12, endpoint=False)[None, :, None]
    a, b = knots[:, None] + (after - before)[:, None] / 6, after[:, None] - (np.roll(knots, -2, 0) - knots)[:, None] / 6
    curve = (1 - p) ** 3 * knots[:, None] + 3 * p * (1 - p) ** 2 * a + 3 * p * p * (1 - p) * b + p**3 * after[:, None]
    pixels = curve.reshape(-1, 2) / canvas.step_mm + np.array((middle[1], middle[0]))
    mask = np.zeros(canvas.shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(pixels * 16).astype(np.int32)], 1, shift=4)
    return mask > 0
