"""What every block of a method shares: ranges that a person can write, narrowed to numbers before anything is made."""

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from crossmodal.defects.spec import THIRDS, Angle, Scale, _mm, _third

Range = Angle
"""Any two numbers, low to high; one number fixes it."""


class Block(BaseModel):
    """A frozen spec. A pair is a range, drawn uniformly; a size may be a percentage of the canvas's scale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    local: ClassVar[bool] = False
    """Whether it asks nothing of a surface beyond the region."""

    def drawn(self, rng: np.random.Generator, scale: Scale) -> Self:
        """The same block, and those inside it, with every range narrowed to one number in the order of the fields."""
        return self.model_copy(update={name: _drawn(self._in_numbers(name, scale), rng, scale)
                                       for name in type(self).model_fields})

    def _in_numbers(self, name, scale):
        """A field, with small, medium and large as thirds of what it is where it is left out."""
        value = getattr(self, name)
        if not (isinstance(value, tuple) and value and value[0] in THIRDS):
            return value
        usual = type(self).model_fields[name].default
        if not isinstance(usual, tuple):
            raise ValueError(f"{name} has no usual range to take a third of; give it in mm or percent")
        ends = (_mm(end, scale) for end in usual)
        return _third(*ends, THIRDS.index(value[0]))


def _drawn(value, rng, scale):
    if isinstance(value, Block):
        return value.drawn(rng, scale)
    if isinstance(value, tuple) and value and isinstance(value[0], Block):
        return tuple(one.drawn(rng, scale) for one in value)
    if isinstance(value, tuple) and len(value) == 2 and all(_end(end) for end in value):
        low, high = (_mm(end, scale) for end in value)
        number = float(rng.uniform(low, high))
        return (number, number)
    return value


def _end(end) -> bool:
    return isinstance(end, float) or (isinstance(end, str) and end.endswith("%"))


def fixed(pair: tuple[float, float]) -> float:
    """A drawn number. Raises ValueError while it is still a range."""
    if pair[0] != pair[1]:
        raise ValueError(f"{pair[0]} to {pair[1]} is still a range; draw the method first")
    return pair[0]


DRAWN = ("sides_mm", "cells", "mask")
"""Fields that a block has only once it is drawn."""


def still_open(value, name: str = "blocks") -> str | None:
    """The name of the first part of a block that is not drawn yet; None where every one is."""
    if isinstance(value, Block):
        if getattr(value, "kind", "") == "one_of":
            return name
        parts = [(f"{name}.{field}", getattr(value, field)) for field in type(value).model_fields]
        missing = [field for field, part in parts if part is None and field.endswith(DRAWN)]
        if missing:
            return missing[0]
        parts = [(field, part) for field, part in parts if not field.endswith(DRAWN)]
    elif isinstance(value, tuple) and value and isinstance(value[0], Block):
        parts = ((f"{name}.{i}", part) for i, part in enumerate(value))
    else:
        is_open = isinstance(value, tuple) and len(value) == 2 and (
            value[0] in THIRDS or str(value[0]).endswith("%")
            or (isinstance(value[0], float) and value[0] != value[1]))
        return name if is_open else None
    return next((found for field, part in parts if (found := still_open(part, field))), None)
