"""Where a method changes a surface: shapes on a canvas, each with a profile that relief can be made of."""

import math
from dataclasses import dataclass
from functools import cached_property, singledispatch
from typing import Annotated, ClassVar, Literal, Self

import cv2
import numpy as np
from pydantic import Field

from crossmodal.defects.spec import MOST, Positive, Scale, Size, ranged
from crossmodal.easing import eased
from crossmodal.edit import exact_distance
from crossmodal.methods.block import Block, fixed
from crossmodal.methods.canvas import Canvas, box_of
from crossmodal.texture import hashed

MOST_PARTS = 1000  # of anything that a region or a grid is made of
Whole = Annotated[int, Field(ge=1, le=MOST_PARTS, strict=True)]
Cells = tuple[Whole, Whole]
Sides = tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], Annotated[float, Field(gt=0, allow_inf_nan=False)]]
Wholes = ranged(Whole, minimum=1)
Roughness = ranged(Annotated[float, Field(ge=0, le=0.9)], minimum=0, maximum=0.9)
NOWHERE = "the region has no surface under it; ask for a larger one or another place"


@dataclass(frozen=True, eq=False)
class Area:
    """inside: (h, w) bool; profile: (h, w) float32, −1 to 1, relief of this region: 0 at its border; noise: (h, w)
    float32, the noise that it was cut from, or None."""

    inside: np.ndarray
    profile: np.ndarray
    noise: np.ndarray | None = None

    @cached_property
    def weight(self) -> np.ndarray:
        """(h, w) float32: 1 inside, else 0."""
        return self.inside.astype(np.float32)

    @cached_property
    def box(self) -> tuple[slice, slice]:
        """The rows and columns that hold it, and a cell about it, which a blend may join it to."""
        return box_of(self.inside, 1)


class Region(Block):
    """A shape. Its sizes are in mm on a surface, or in percent of the object; of a photograph, of its side.

    a & b, a | b and ~a are what ``and``, ``or``, ``without`` and ``not`` are in YAML (see algebra).
    """

    spreads: ClassVar[bool] = False
    """Whether it strews parts over its box, of which some may run over an edge."""

    @property
    def bounded(self) -> bool:
        """Whether it ends by itself; what does not only says where another one may lie."""
        return True

    @property
    def two_sided(self) -> bool:
        """Whether its profile may go both in and out."""
        return True

    def __and__(self, other: "Region") -> "Region":
        from crossmodal.methods.algebra import met  # regions of regions come after them

        return met(self, other)

    def __or__(self, other: "Region") -> "Region":
        from crossmodal.methods.algebra import joined

        return joined(self, other)

    def __invert__(self) -> "Region":
        from crossmodal.methods.algebra import opposite

        return opposite(self)

    def resized(self, by: float) -> Self:
        """A drawn region so many times as large."""
        sizes = {name: tuple(min(by * side, MOST) for side in getattr(self, name)) for name in type(self).model_fields
                 if name.endswith("_mm") and getattr(self, name) is not None}
        return self.model_copy(update=sizes)

    def box_mm(self) -> tuple[float, float]:
        """(down, across) of the canvas that a drawn region takes on a surface."""
        raise NotImplementedError

    @property
    def reach_mm(self) -> float:
        """How far from its middle a drawn region may go on a surface."""
        return 0.5 * math.hypot(*self.box_mm())

    @property
    def finest_mm(self) -> float:
        """Width of its smallest part, drawn."""
        return 0.5 * min(self.box_mm())


class Rectangle(Region):
    """A box of a share of the object's visible area, or of the photograph's."""

    kind: Literal["rectangle"] = "rectangle"
    when_drawn = ("sides_mm",)
    area_percent: Positive = (2, 15)
    aspect: Positive = (0.3, 3.3)
    """Length by width, drawn so that a shape and the same one upright are as likely."""
    sides_mm: Sides | None = None
    """(down, across): what was drawn, or is to be."""

    def drawn(self, rng, scale: Scale) -> Self:
        if self.sides_mm is None:
            share, aspect = (self.by_law(name, rng, scale) for name in ("area_percent", "aspect"))
            area = (rng.uniform(*self.area_percent) if share is None else share) / 100 * scale.object_mm**2
            aspect = float(np.exp(rng.uniform(*np.log(self.aspect)))) if aspect is None else aspect
            down, across = float((area / aspect) ** 0.5), float((area * aspect) ** 0.5)
        else:
            down, across = self.sides_mm
        percent, aspect = np.clip((100 * down * across / scale.object_mm**2, across / down), 1 / MOST, MOST).tolist()
        return self.model_copy(update={"sides_mm": (down, across), "area_percent": (percent, percent),
                                       "aspect": (aspect, aspect), "laws": ()})

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
    area_percent: Positive | None = None
    """Of the box that it is drawn in, which is then as a rectangle's, instead of a length and a width."""

    def drawn(self, rng, scale: Scale) -> Self:
        (fewest, most), rough, law = self.points, self.rough, self.by_law("rough", rng, scale)
        of_box, own = ([one for one in self.laws if (one[0] == "area_percent") == boxed] for boxed in (True, False))
        update = {"rough": None, "area_percent": None, "laws": tuple(one for one in own if one[0] != "rough")}
        if self.area_percent is not None:
            sides = Rectangle(area_percent=self.area_percent, laws=tuple(of_box)).drawn(rng, scale).sides_mm
            width, length = (min(side, MOST) for side in sides)
            update |= {"width_mm": (width, width), "length_mm": (length, length)}
        spec = Block.drawn(self.model_copy(update=update), rng, scale)
        points = fewest if fewest == most else int(rng.integers(fewest, most + 1))
        rough = law if law is not None else rough[0] if rough[0] == rough[1] else float(rng.uniform(*rough))
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


@singledispatch
def area_of(region: Region, canvas: Canvas, middle: tuple[float, float], seed: int) -> Area:
    """A drawn region about a place (row, column) of a canvas. Raises ValueError where it is empty."""
    raise TypeError(f"nothing shapes a {type(region).__name__}")


@area_of.register
def _(region: Rectangle | Scar, canvas, middle, seed):
    down, across = region.box_mm()
    y, x = canvas.about(middle)
    return shouldered((np.abs(y) <= 0.5 * down) & (np.abs(x) <= 0.5 * across), canvas)


@area_of.register
def _(region: Ellipse, canvas, middle, seed):
    down, across = region.box_mm()
    y, x = canvas.about(middle)
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


def shouldered(mask: np.ndarray, canvas: Canvas) -> Area:
    """A mask (h, w) bool on the known part of a canvas, with a smooth shoulder for its profile. Raises ValueError where
    nothing of it is known."""
    mask = on_surface(mask, canvas)
    far = exact_distance(np.pad(mask, 1))[1:-1, 1:-1]
    return Area(mask, eased(far / far.max()).astype(np.float32))


def on_surface(mask: np.ndarray, canvas: Canvas) -> np.ndarray:
    """What of a mask (h, w) bool is known. Raises ValueError where nothing is."""
    mask = canvas.known_in(mask)
    if not mask.any():
        raise ValueError(NOWHERE)
    return mask


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
