"""What a detector is to learn of a defect: where it is, where it changed plainly, or how plainly it is seen there."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer


def _fraction(written):
    """A number that is written as 1/6."""
    if not isinstance(written, str):
        return written
    try:
        return float(Fraction(written))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"must be a number or a fraction as 1/6, but is {written}") from None


Levels = Annotated[float, Field(ge=0, le=255)]
Floors = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Label(BaseModel):
    """A frozen spec, of changes of colour in 8-bit levels, the mean of its channels, and of depth in noise floors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Where(Label):
    """Where anything changed: gt."""

    kind: Literal["region"] = "region"


class Difference(Label):
    """Where the change is plain: 1 where more than half of what is about a pixel changes beyond a tolerance, and 0 in
    the rest of gt (NSA's binary label). A defect that is nowhere so plain is 1 in all of gt, lest it count as none."""

    kind: Literal["difference"] = "difference"
    levels: Levels = 1.0
    floors: Floors = 1.0


class Logistic(Label):
    """How plainly it is seen: a logistic of the median-filtered change (NSA's soft label).

    As it stands it is the default of NSA's code, which trains on steepness 1/12 and 24 half levels (bottle, cable,
    hazelnut) to 1 and 3 (screw); 1/2 and 4 for capsules, 1/3 and 7 for most textures: the fainter the defects of a part
    are, the fewer half levels it needs.
    """

    kind: Literal["logistic"] = "logistic"
    half_levels: Annotated[float, Field(ge=1, le=255)] = 20.0
    """The change of colour that is worth one half."""
    steepness: Annotated[float, BeforeValidator(_fraction), Field(gt=0, le=10)] = 1 / 6
    """How fast it rises a level; in YAML a fraction will do."""
    half_floors: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3.0
    """The change of depth that is worth one half; 3 is where that is graded medium."""


def _spelled(written):
    """A bare word as the label of that kind."""
    return {"kind": written} if isinstance(written, str) else written


def _word(label: Label):
    """A label as its kind alone, where it is as usual."""
    return label.kind if label == type(label)() else label.model_dump()


AnyLabel = Annotated[Where | Difference | Logistic, Field(discriminator="kind"), BeforeValidator(_spelled),
                     PlainSerializer(_word)]
"""Written as a word, or as a mapping with numbers of its own."""
