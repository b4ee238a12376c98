"""Regions made of regions, and every region, told apart by its kind."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from crossmodal.defects.spec import Scale
from crossmodal.methods.kernels import Kernel
from crossmodal.methods.masks import Disjoint, Patches, Score, Superpixels
from crossmodal.methods.regions import (
    TRIES,
    Bezier,
    Clump,
    Ellipse,
    Perlin,
    Rectangle,
    Region,
    Scar,
    area_of,
    shouldered,
)


class Several(Region):
    """What several regions make together."""

    parts: tuple["AnyRegion", ...] = Field(min_length=2)

    def resized(self, by):
        return self.model_copy(update={"parts": tuple(part.resized(by) for part in self.parts)})

    def box_mm(self):
        return tuple(max(sides) for sides in zip(*(part.box_mm() for part in self.parts), strict=True))

    @property
    def finest_mm(self):
        return min(part.finest_mm for part in self.parts)


class Both(Several):
    """Where all of several regions are."""

    kind: Literal["and"] = "and"
    nonempty: bool = False
    """Draw again where they do not meet, as noise may not; else that is refused."""


class Either(Several):
    """Where any of several regions is."""

    kind: Literal["or"] = "or"


class Without(Several):
    """Where the first region is and the others are not."""

    kind: Literal["without"] = "without"


class AnyOf(Several):
    """One of several regions, as likely each."""

    kind: Literal["one_of"] = "one_of"

    def drawn(self, rng, scale: Scale):
        return self.parts[int(rng.integers(len(self.parts)))].drawn(rng, scale)


@area_of.register
def _(region: Both, canvas, middle, seed):
    for attempt in range(TRIES if region.nonempty else 1):
        areas = [area_of(part, canvas, middle, seed + 101 * i + 7919 * attempt).inside
                 for i, part in enumerate(region.parts)]
        if (inside := np.logical_and.reduce(areas)).any():
            break
    return shouldered(inside, canvas)


@area_of.register
def _(region: Several, canvas, middle, seed):
    areas = [area_of(part, canvas, middle, seed + 101 * i).inside for i, part in enumerate(region.parts)]
    first, *rest = areas
    return shouldered(np.logical_or.reduce(areas) if region.kind == "or" else
                      first & ~np.logical_or.reduce(rest), canvas)


AnyRegion = Annotated[
    Rectangle | Scar | Ellipse | Bezier | Clump | Perlin | Kernel | Disjoint | Patches | Superpixels | Score | Both |
    Either | Without | AnyOf, Field(discriminator="kind")]
for _nested in (Several, Both, Either, Without, AnyOf):
    _nested.model_rebuild()
