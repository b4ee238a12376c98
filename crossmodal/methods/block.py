"""What every block of a method shares: ranges that a person can write, narrowed to numbers before anything is made."""

from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_serializer, model_validator

from crossmodal.defects.spec import Angle, Scale, _mm
from crossmodal.methods.draws import Laws

Range = Angle
"""Any two numbers, low to high; one number fixes it."""


class Block(BaseModel):
    """A frozen spec. A pair is a range, drawn uniformly; a size may be a percentage of the canvas's scale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    laws: Laws = ()
    """By the name of a range, how it is drawn if not uniformly."""

    @model_serializer(mode="wrap")
    def _without_no_laws(self, handler):
        return {name: value for name, value in handler(self).items() if name != "laws" or value}

    @model_validator(mode="after")
    def _of_ranges(self) -> Self:
        for name, _ in self.laws:
            if not _is_range(getattr(self, name, None)):
                raise ValueError(f"laws are for ranges, and {name} of a {type(self).__name__.lower()} is none")
        return self

    def drawn(self, rng: np.random.Generator, scale: Scale) -> Self:
        """The same block, and those inside it, with every range narrowed to one number in the order of the fields."""
        numbers = {name: self._number(name, rng, self.scale_for(name, scale)) for name in type(self).model_fields}
        return self.model_copy(update=numbers | {"laws": ()})

    def scale_for(self, name: str, scale: Scale) -> Scale:
        """What the percentages of one of its fields are of."""
        return scale

    def _number(self, name, rng, scale):
        value = getattr(self, name)
        law = dict(self.laws).get(name)
        if law is None:
            return _drawn(value, rng, scale)
        number = law.number(rng, *(_mm(end, scale) for end in value), scale)
        return (number, number)


def _drawn(value, rng, scale):
    if isinstance(value, Block):
        return value.drawn(rng, scale)
    if isinstance(value, tuple) and value and isinstance(value[0], Block):
        return tuple(one.drawn(rng, scale) for one in value)
    if _is_range(value):
        low, high = (_mm(end, scale) for end in value)
        number = float(rng.uniform(low, high))
        return (number, number)
    return value


def _is_range(value) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(
        isinstance(end, float) or (isinstance(end, str) and end.endswith("%")) for end in value)


def fixed(pair: tuple[float, float]) -> float:
    """A drawn number. Raises ValueError while it is still a range."""
    if pair[0] != pair[1]:
        raise ValueError(f"{pair[0]} to {pair[1]} is still a range; draw the method first")
    return pair[0]
