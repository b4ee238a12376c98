"""One half of a defect: what it does to the shape, or what it does to the colour."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from crossmodal.defects.spec import Spec, grow
from crossmodal.edit import Field, Sample


@dataclass(frozen=True, eq=False)
class Only:
    """A field without its colours (the light on its shape stays), or without its shape."""

    whole: Field
    half: Literal["colour", "geometry"]

    @property
    def bounds_mm(self):
        return self.whole.bounds_mm

    @property
    def finest_mm(self):
        return self.whole.finest_mm

    @property
    def reach_mm(self):
        return self.whole.reach_mm

    @property
    def deepest_mm(self):
        return self.whole.deepest_mm if self.half == "geometry" else 0.0

    @property
    def highest_mm(self):
        return self.whole.highest_mm if self.half == "geometry" else 0.0

    @property
    def flattens_mm(self):
        return getattr(self.whole, "flattens_mm", 0)

    @property
    def gone(self):
        return getattr(self.whole, "gone", None) if self.half == "geometry" else None

    def near(self, s_mm, t_mm, margin_mm):
        return self.whole.near(s_mm, t_mm, margin_mm)

    def sample(self, s_mm, t_mm) -> Sample:
        sample = self.whole.sample(s_mm, t_mm)
        if self.half == "geometry":
            return replace(sample, albedo=None, whitening=None, cover=None, gloss=None, underside_mm=None)
        return replace(sample, displacement_mm=np.zeros_like(sample.displacement_mm), removed=None, lost=None,
                       flatten=None, underside_mm=None, gap_mm=None)


def grown_as_asked(spec: Spec, seed: int) -> Field:
    """The field of a drawn spec, or the half of it that ``show`` asks for.

    Raises ValueError where the kind has no such half: a stain has no shape, a dent no colour of its own.
    """
    field = grow(spec, seed)
    if spec.show == "both":
        return field
    half = Only(field, spec.show)
    s0, s1, t0, t1 = field.bounds_mm
    s, t = (axis.ravel() for axis in np.meshgrid(np.linspace(s0, s1, 65), np.linspace(t0, t1, 65)))
    if not half.sample(s, t).support.any():
        raise ValueError(f"{spec.kind}.show: a {spec.kind} has no {spec.show} of its own; leave show out, or ask for "
                         f"another kind")
    return half
