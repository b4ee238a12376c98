"""What every defect's spec shares: ranges in millimetres that a person can write, and how they become numbers."""

from dataclasses import dataclass
from functools import singledispatch
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    WrapValidator,
)

from crossmodal.place import Place

Extent = Literal["local", "global"]
Effect = Literal["in", "out", "both", "remove", "add", "appearance", "warp"]


def _pair(value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (value, value)
    return value


THIRDS = ("small", "medium", "large")
"""Words for a third of the range that a size has where it is left out."""


def third(low: float, high: float, which: int) -> tuple[float, float]:
    """The first, second or last third (0, 1, 2) of a range."""
    return low + which * (high - low) / 3, low + (which + 1) * (high - low) / 3


def _percentages(value, in_mm):
    """A size written in percent of the object, "5%" or ("5%", "10%"), or as one of THIRDS, kept as such; all else is
    read ``in_mm``."""
    ends = (value, value) if isinstance(value, str) else value
    if isinstance(ends, (tuple, list)) and len(ends) == 2 and ends[0] == ends[1] and ends[0] in THIRDS:
        return tuple(ends)
    if not isinstance(ends, (tuple, list)) or not any(isinstance(end, str) for end in ends):
        return in_mm(value)
    shares = [_share(end) for end in ends]
    if len(shares) != 2 or shares[0] > shares[1]:
        raise ValueError(f"a range goes from low to high, but got {' to '.join(map(str, ends))}")
    return tuple(f"{share:g}%" for share in shares)


def _share(text) -> float:
    number = str(text).removesuffix("%").strip()
    if not str(text).endswith("%") or not number.replace(".", "", 1).isdecimal() or not 0 < float(number) <= 100:
        raise ValueError(f'a size is in mm, or in percent of the object such as "5%", or small, medium or large, '
                         f'but got {text!r}')
    return float(number)


def to_mm(end: float | str, scale: "Scale | None") -> float:
    """One end of a size in mm. Raises ValueError for a percentage where no capture says of what."""
    if not isinstance(end, str):
        return end
    if scale is None:
        raise ValueError(f"a size of {end} of the object needs the scale of a capture; give it in mm")
    return float(end[:-1]) / 100 * scale.object_mm


def _ordered(pair):
    if pair[0] > pair[1]:
        raise ValueError(f"a range goes from low to high, but got {pair[0]:g} to {pair[1]:g}")
    return pair


MOST = 1e6  # mm, of any size: a kilometre
_Finite = Annotated[float, Field(ge=-MOST, le=MOST, allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, le=MOST, allow_inf_nan=False)]


def ranged(number, **bounds):
    """The type of a range of such numbers, low to high, that one number may stand for; bounds: of its JSON schema."""
    return Annotated[tuple[number, number], BeforeValidator(_pair), AfterValidator(_ordered),
                     PlainSerializer(lambda pair: pair[0] if pair[0] == pair[1] else list(pair)),
                     WithJsonSchema(_one_or_two({"type": "number", **bounds}))]


def _one_or_two(one: dict, *others: dict) -> dict:
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 2, "maxItems": 2}, *others]}


_PERCENT = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"}
Positive = ranged(_Positive, exclusiveMinimum=0)
"""A number above 0, low to high."""
Turn = Positive
"""Degrees above 0, low to high."""
Size = Annotated[ranged(_Positive), WrapValidator(_percentages), WithJsonSchema(_one_or_two(
    {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _PERCENT]}, {"enum": list(THIRDS)}))]
"""Millimetres, low to high, both ends included; one number fixes it. Or "5%" of the object's size in the capture, the
root of its visible area; or "small", "medium" or "large", a third of what would be chosen were it left out. It is mm
once it is drawn."""
Angle = ranged(_Finite)
"""Degrees, low to high."""
Share = ranged(Annotated[float, Field(ge=0, le=1)], minimum=0, maximum=1)
"""A share of one, low to high."""
Colour = Annotated[tuple[Annotated[int, Field(ge=0, le=255)], ...], Field(min_length=3, max_length=3)]
"""sRGB, 0 to 255 each."""


VISIBLE_FLOORS = 5  # a relief of so many noise floors is plainly seen


@dataclass(frozen=True)
class Scale:
    """What a capture's sizes are, for presets that must fit it: all in millimetres."""

    pixel_mm: float
    object_mm: float
    floor_mm: float
    clear_mm: float
    """Diameter of the widest disc of ground without a step."""
    long_mm: float = 100.0
    wide_mm: float = 60.0
    """How far the object reaches along and across its long axis."""
    colour: tuple[float, float, float] | None = None
    """The object's own, linear, where white matter is 1; None where no picture tells."""

    def stands_out(self, colours: np.ndarray, least: float) -> np.ndarray:
        """(n,) bool: which linear colours (n, 3) differ by so much of white, as the eye sees it, from the object's
        own; where none does, the one that differs most. All where the object's is not known.
        """
        if self.colour is None:
            return np.ones(len(colours), bool)
        apart = np.abs(np.cbrt(colours) - np.cbrt(self.colour)).max(1)
        return apart >= min(least, float(apart.max()))

    def turn_deg(self, lever_mm: float, low: float, high: float) -> tuple[float, float]:
        """An angle that lifts the end of a lever plainly above the noise floor."""
        least = float(np.rad2deg(np.arctan(3 * VISIBLE_FLOORS * self.floor_mm / lever_mm)))
        return max(low, min(least, 30.0)), max(high, min(1.3 * least, 35.0))

    def across(self, low: float, high: float, pixels: float, steepest: float = 1.0,
               room: float = 0.6) -> tuple[float, float]:
        """A lateral size as shares of the object that fits its widest ground, but never below so many pixels, nor so
        small that relief above the noise floor would be steeper than ``steepest``.
        """
        least = max(pixels * self.pixel_mm, VISIBLE_FLOORS * self.floor_mm / steepest)
        most = max(min(high * self.object_mm, room * self.clear_mm), 1.3 * least)
        return max(min(low * self.object_mm, 0.6 * most), least), most

    def relief(self, across: tuple[float, float], low: float, high: float) -> tuple[float, float]:
        """A depth or height as shares of a lateral size, but plainly above the noise floor."""
        least = VISIBLE_FLOORS * self.floor_mm
        return max(low * across[0], least), max(high * across[1], 1.3 * least)


class Spec(BaseModel):
    """A kind of defect, with its sizes as ranges. A size left out is chosen to suit the capture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    extent: ClassVar[Extent]
    effect: ClassVar[Effect]
    """Of the kind; an option may add to it, see ``does``."""
    blunts: ClassVar[bool] = False
    """Whether the surface's own fine relief goes too, beside the asked depth."""
    overhangs: ClassVar[bool] = False
    """Whether it may reach over the rim of what it lies on, where it is asked to lie there."""
    at: ClassVar[Literal["object", "edge", "axis"]] = "object"
    """Where on the object it belongs, unless the recipe says otherwise."""
    sizes: ClassVar[tuple[str, ...]]
    """The fields that are drawn, in the order in which they are drawn."""

    kind: str
    weight: float = Field(1.0, gt=0, allow_inf_nan=False)
    """How often this entry is drawn beside the others of a recipe."""
    orientation_deg: Angle = (0.0, 360.0)
    """Heading on the surface, from the image's +x towards its +y; at an edge, from the edge's own run."""

    show: Literal["both", "colour", "geometry"] = "both"
    """The whole defect, or what it does to colour alone, or to shape (and so to light) alone."""
    difficulty: Literal["any", "easy", "medium", "hard"] = "any"
    """The third of every size's range that is drawn from: large is easy to find, small is hard."""
    place: Place | None = None
    """Where this one may lie; None is where the recipe says. A plan has an anchor instead."""

    def coloured(self, rng: np.random.Generator, scale: Scale) -> Self:
        """The same spec with a colour that was left open drawn to suit the object's own, where the kind has one."""
        return self

    @property
    def does(self) -> Effect:
        """What this very spec does, its options included."""
        return self.effect

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        """The range of a size that was left out, for a capture of this scale and the sizes before it."""
        raise NotImplementedError

    def suited(self, scale: Scale) -> Self:
        """The same spec with every missing or relative size filled in for a capture of this scale, in mm."""
        spec = self
        for name in self.sizes:
            spec = spec.model_copy(update={name: spec._range_of(name, scale)})
        return spec

    def _range_of(self, name: str, scale: Scale | None) -> tuple[float, float]:
        given = getattr(self, name)
        if given is None or given[0] in THIRDS:
            if scale is None:
                said = "was left out" if given is None else f"is said to be {given[0]}"
                raise ValueError(f"{self.kind}.{name} {said}; give it in mm, or the scale of a capture")
            low, high = self.usual(name, scale)
            return (low, high) if given is None else third(low, high, THIRDS.index(given[0]))
        low, high = given
        return to_mm(low, scale), to_mm(high, scale)

    def drawn(self, rng: np.random.Generator, scale: Scale | None = None) -> Self:
        """The same spec with every range narrowed to one drawn number; a missing size suits those drawn before it.

        Raises ValueError for a missing size where no scale says what would suit.
        """
        spec = self
        for name in (*self.sizes, "orientation_deg"):
            low, high = spec._range_of(name, scale)
            if name != "orientation_deg" and self.difficulty != "any":
                low, high = third(low, high, ("hard", "medium", "easy").index(self.difficulty))
            number = float(rng.uniform(low, high))
            spec = spec.model_copy(update={name: (number, number)})
        return spec if scale is None else spec.coloured(rng, scale)

    def fixed(self, name: str) -> float:
        """A drawn number. Raises ValueError while it is still a range."""
        pair = getattr(self, name)
        if pair is None or pair[0] != pair[1] or isinstance(pair[0], str):
            raise ValueError(f"{self.kind}.{name} is still a range; draw the spec first")
        return pair[0]


@singledispatch
def grow(spec: Spec, seed: int):
    """The field (see crossmodal.edit.Field) of a drawn spec; ``seed`` shapes what sizes leave open."""
    raise TypeError(f"nothing grows a {type(spec).__name__}")
