"""What every block of a method shares: ranges that a person can write, narrowed to numbers before anything is made."""

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_serializer, model_validator

from crossmodal.defects.spec import THIRDS, Angle, Scale, third, to_mm
from crossmodal.methods.draws import Laws

Range = Angle
"""Any two numbers, low to high; one number fixes it."""


class Block(BaseModel):
    """A frozen spec. A pair is a range, drawn uniformly; a size may be a percentage of the canvas's scale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    local: ClassVar[bool] = False
    """Whether it asks nothing of a surface beyond the region."""

    when_drawn: ClassVar[tuple[str, ...]] = ()
    """Fields that it has once it is drawn; None before, unless they are given."""

    unsaid: ClassVar[tuple[str, ...]] = ("laws",)
    """Fields that are not written while they are as usual."""

    laws: Laws = ()
    """By the name of a range, how it is drawn if not uniformly."""

    @model_serializer(mode="wrap")
    def _without_the_usual(self, handler):
        usual = {name for name in self.unsaid if getattr(self, name) == type(self).model_fields[name].default}
        return {name: value for name, value in handler(self).items() if name not in usual}

    @model_validator(mode="after")
    def _of_ranges(self) -> Self:
        for name, _ in self.laws:
            if name in self.when_drawn or not _is_range(getattr(self, name, None)):
                raise ValueError(f"laws are for ranges, and {name} of a {type(self).__name__.lower()} is none")
        return self

    def drawn(self, rng: np.random.Generator, scale: Scale) -> Self:
        """The same block, and those inside it, with every range narrowed to one number in the order of the fields."""
        numbers = {}
        for name in type(self).model_fields:
            if name not in self.when_drawn:
                numbers[name] = self._number(name, rng, self.scale_for(name, scale, numbers))
        return self.model_copy(update=numbers | {"laws": ()})

    def scale_for(self, name: str, scale: Scale, before: dict) -> Scale:
        """What the percentages of one of its fields are of.

        before: the fields before it, drawn, by name
        """
        return scale

    def by_law(self, name: str, rng: np.random.Generator, scale: Scale) -> float | None:
        """A number of a range, by the law that it has; None where it has none."""
        law = dict(self.laws).get(name)
        if law is None:
            return None
        return law.number(rng, *(to_mm(end, scale) for end in self._in_numbers(name, scale)), scale)

    def _number(self, name, rng, scale):
        number = self.by_law(name, rng, scale)
        return _drawn(self._in_numbers(name, scale), rng, scale) if number is None else (number, number)

    def _in_numbers(self, name, scale):
        """A field, with small, medium and large as thirds of what it is where it is left out."""
        value = getattr(self, name)
        if not (isinstance(value, tuple) and value and value[0] in THIRDS):
            return value
        usual = type(self).model_fields[name].default
        if not isinstance(usual, tuple):
            raise ValueError(f"{name} has no usual range to take a third of; give it in mm or percent")
        ends = (to_mm(end, scale) for end in usual)
        return third(*ends, THIRDS.index(value[0]))


class Choice(Block):
    """One of several blocks, as likely each; drawn, it is that one."""

    kind: Literal["one_of"] = "one_of"

    @property
    def options(self) -> tuple[Block, ...]:
        return self.of

    def drawn(self, rng, scale):
        return self.options[int(rng.integers(len(self.options)))].drawn(rng, scale)


def options(block: Block) -> tuple[Block, ...]:
    """All that a block may be drawn as, choices within choices too; itself where it is none."""
    return tuple(found for one in block.options for found in options(one)) if isinstance(block, Choice) else (block,)


def _drawn(value, rng, scale):
    if isinstance(value, Block):
        return value.drawn(rng, scale)
    if isinstance(value, tuple) and value and isinstance(value[0], Block):
        return tuple(one.drawn(rng, scale) for one in value)
    if _is_range(value):
        low, high = (to_mm(end, scale) for end in value)
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


def still_open(value, name: str = "blocks") -> str | None:
    """The name of the first part of a block that is not drawn yet; None where every one is."""
    if isinstance(value, Block):
        if isinstance(value, Choice):
            return name
        parts = [(f"{name}.{field}", getattr(value, field)) for field in type(value).model_fields
                 if field not in value.when_drawn]
        missing = [f"{name}.{field}" for field in value.when_drawn if getattr(value, field) is None]
        if missing:
            return missing[0]
    elif isinstance(value, tuple) and value and isinstance(value[0], Block):
        parts = ((f"{name}.{i}", part) for i, part in enumerate(value))
    else:
        is_open = isinstance(value, tuple) and len(value) == 2 and (
            value[0] in THIRDS or str(value[0]).endswith("%")
            or (isinstance(value[0], float) and value[0] != value[1]))
        return name if is_open else None
    return next((found for field, part in parts if (found := still_open(part, field))), None)
