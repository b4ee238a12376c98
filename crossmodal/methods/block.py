"""What every block of a method shares: ranges that a person can write, narrowed to numbers before anything is made."""

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from crossmodal.defects.spec import Angle, Scale, _mm

Range = Angle
"""Any two numbers, low to high; one number fixes it."""


class Block(BaseModel):
    """A frozen spec. A pair is a range, drawn uniformly; a size may be a percentage of the canvas's scale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    local: ClassVar[bool] = False
    """Whether it asks nothing of a surface beyond the region."""

    def drawn(self, rng: np.random.Generator, scale: Scale) -> Self:
        """The same block, and those inside it, with every range narrowed to one number in the order of the fields."""
        return self.model_copy(update={name: _drawn(getattr(self, name), rng, scale)
                                       for name in type(self).model_fields})


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
