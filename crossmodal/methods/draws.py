"""How a number is drawn from its range where a paper has another law than the uniform one."""

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from crossmodal.defects.spec import Scale, to_mm

Above = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Law(BaseModel):
    """A law on a range that goes from low to high."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def number(self, rng: np.random.Generator, low: float, high: float, scale: Scale) -> float:
        """One number from low to high."""
        raise NotImplementedError


class Beta(Law):
    """Beta(a, b), stretched over the range (AF3AD)."""

    law: Literal["beta"] = "beta"
    a: Above
    b: Above

    def number(self, rng, low, high, scale):
        return low + (high - low) * float(rng.beta(self.a, self.b))


class Normal(Law):
    """A normal law, clipped to the range: what is beyond an end counts as that end (GLASS, NSA)."""

    law: Literal["normal"] = "normal"
    mean: Annotated[float, Field(allow_inf_nan=False)]
    sd: Above

    def number(self, rng, low, high, scale):
        return float(np.clip(rng.normal(self.mean, self.sd), low, high))


class Gamma(Law):
    """Gamma(shape, size) above the low end, clipped to the high one (NSA)."""

    law: Literal["gamma"] = "gamma"
    shape: Above
    size: Above | Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?%$")]
    """Its scale; a percentage where the range's ends are."""

    def number(self, rng, low, high, scale):
        return float(np.clip(low + rng.gamma(self.shape, to_mm(self.size, scale)), low, high))


AnyLaw = Annotated[Beta | Normal | Gamma, Field(discriminator="law")]
Laws = Annotated[tuple[tuple[str, AnyLaw], ...],
                 BeforeValidator(lambda laws: tuple(laws.items()) if isinstance(laws, dict) else laws),
                 PlainSerializer(lambda laws: {name: law.model_dump() for name, law in laws}),
                 WithJsonSchema({"type": "object"})]
"""By name; written as a mapping, kept as pairs, which can be hashed."""
