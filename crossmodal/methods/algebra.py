"""Regions made of regions, a & b, a | b and ~a, and every region, told apart by its kind.

A region is a set of cells with a profile on them, at most 1 in size, that relief can be made of.
and       the intersection; its profile is the product
or        the union; its profile is whichever stands out most
without   the first less the others: a & ~b & ~c; its profile falls to 0 at what is cut away
not       the complement, which has no end: it only says where another region may lie
Operators write what they make in one way: and and or are flat, what is cut away stands last, ~~a is a, and by De Morgan
~a & ~b is ~(a | b), so that equal sets that were put together from the same parts are mostly equal values.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from crossmodal.easing import eased
from crossmodal.edit import exact_distance
from crossmodal.methods.block import Choice
from crossmodal.methods.kernels import Kernel
from crossmodal.methods.library import Library
from crossmodal.methods.masks import Disjoint, Patches, Score, Superpixels
from crossmodal.methods.outline import Outline
from crossmodal.methods.perlin import TRIES, Perlin
from crossmodal.methods.regions import (
    NOWHERE,
    Area,
    Bezier,
    Clump,
    Ellipse,
    Rectangle,
    Region,
    Scar,
    area_of,
)
from crossmodal.methods.unbounded import Facing, Half, Unbounded

MEETS = 7919  # between the seeds of noises that are drawn again until they meet


class Several(Region):
    """What several regions make together; their profiles too, so that hills of noise stay hills of that noise."""

    spreads = True
    parts: tuple["AnyRegion", ...] = Field(min_length=2)

    @property
    def bounded(self):
        return all(part.bounded for part in self.parts)

    def resized(self, by):
        return self.model_copy(update={"parts": tuple(part.resized(by) for part in self.parts)})

    def box_mm(self):
        return tuple(max(sides) for sides in zip(*(part.box_mm() for part in self.parts if part.bounded), strict=True))

    @property
    def finest_mm(self):
        return min(part.finest_mm for part in self.parts)


class Both(Several):
    """Where all of several regions are; its profile is the product of theirs."""

    kind: Literal["and"] = "and"
    nonempty: bool = False
    """Draw again where they do not meet, as noise may not; else that is refused."""

    @property
    def bounded(self):
        return any(part.bounded for part in self.parts)


class Either(Several):
    """Where any of several regions is; its profile is whichever stands out most."""

    kind: Literal["or"] = "or"


class Without(Several):
    """Where the first region is and the others are not."""

    kind: Literal["without"] = "without"

    @property
    def bounded(self):
        return self.parts[0].bounded

    def box_mm(self):
        return self.parts[0].box_mm()


class OneOf(Choice, Several):
    """One of several regions."""

    @property
    def options(self):
        return self.parts


class Not(Unbounded):
    """Where a region is not: it only says where another one may lie."""

    kind: Literal["not"] = "not"
    part: "AnyRegion"

    def resized(self, by):
        return opposite(self.part.resized(by))

    @property
    def finest_mm(self):
        return self.part.finest_mm


def met(a: Region, b: Region) -> Region:
    """Where both are; what is taken away stands last, so that it reads as a person would say it."""
    kept, cut = [], []
    for one in (a, b):
        if isinstance(one, Without):
            kept, cut = kept + _parts(one.parts[0], Both), [*cut, *one.parts[1:]]
        elif isinstance(one, Not):
            cut += _parts(one.part, Either)
        else:
            kept += _parts(one, Both)
    if not kept:
        return Not(part=_of(Either, cut))
    return _of(Without, [_of(Both, kept), *cut])


def joined(a: Region, b: Region) -> Region:
    """Where either is."""
    if isinstance(a, Not) or isinstance(b, Not):
        return opposite(met(opposite(a), opposite(b)))
    return _of(Either, _parts(a, Either) + _parts(b, Either))


def opposite(region: Region) -> Region:
    """Where it is not."""
    return region.part if isinstance(region, Not) else Not(part=region)


def fitted(region: Region, sides_mm: tuple[float, float], width_mm: float) -> Region:
    """The same region with the sizes of the defect that is cut out, wherever its outline is a part of it."""
    if isinstance(region, Outline):
        return region.model_copy(update={"sides_mm": sides_mm, "width_mm": width_mm})
    if isinstance(region, Several):
        return region.model_copy(update={"parts": tuple(fitted(part, sides_mm, width_mm) for part in region.parts)})
    if isinstance(region, Not):
        return opposite(fitted(region.part, sides_mm, width_mm))
    return region


def holds(region: Region, kinds: type | tuple[type, ...]) -> bool:
    """Whether it, or any part of it, is of a kind."""
    parts = region.parts if isinstance(region, Several) else (region.part,) if isinstance(region, Not) else ()
    return isinstance(region, kinds) or any(holds(part, kinds) for part in parts)


def _parts(region, kind) -> list[Region]:
    return [*region.parts] if isinstance(region, kind) else [region]


def _of(kind, parts):
    return kind(parts=tuple(parts)) if len(parts) > 1 else parts[0]


@area_of.register
def _(region: Both, canvas, middle, seed):
    for attempt in range(TRIES if region.nonempty else 1):
        inside, profile, cut = None, np.float32(1), []
        for i, part in enumerate(region.parts):
            apart = isinstance(part, Not)
            area = area_of(part.part if apart else part, canvas, middle, _seed(seed + MEETS * attempt, i))
            if apart:
                cut.append(area)
            else:
                inside = area.inside if inside is None else inside & area.inside
                profile = profile * area.profile
        inside = canvas.known if inside is None else inside
        if inside.any():
            break
    return _without(inside, profile, cut)


@area_of.register
def _(region: Either, canvas, middle, seed):
    first, *rest = _areas(region, canvas, middle, seed)
    inside, profile = first.inside, first.profile
    for area in rest:
        inside = inside | area.inside
        profile = np.where(np.abs(area.profile) > np.abs(profile), area.profile, profile)
    return _peaked(inside, profile)


@area_of.register
def _(region: Without, canvas, middle, seed):
    first, *rest = _areas(region, canvas, middle, seed)
    return _without(first.inside, first.profile, rest)


@area_of.register
def _(region: Not, canvas, middle, seed):
    return _without(canvas.known, np.float32(1), [area_of(region.part, canvas, middle, seed)])


def _areas(region: Several, canvas, middle, seed):
    return [area_of(part, canvas, middle, _seed(seed, i)) for i, part in enumerate(region.parts)]


def _seed(seed, i):
    return seed + 101 * i


def _without(inside, profile, cut: list[Area]) -> Area:
    """The same less other areas, at whose border it falls to 0, over as far as what is left is wide."""
    if cut:
        gone = np.logical_or.reduce([area.inside for area in cut])
        inside = inside & ~gone
        if inside.any():
            wide = exact_distance(np.pad(inside, 1)).max()
            profile = profile * eased(exact_distance(~gone) / wide)
    return _peaked(inside, profile)


def _peaked(inside, profile) -> Area:
    """Inside alone, and 1 where it is highest. Raises ValueError where nothing is left."""
    if not inside.any():
        raise ValueError(NOWHERE)
    profile = np.where(inside, profile, 0)
    return Area(inside, (profile / max(float(np.abs(profile).max()), 1e-9)).astype(np.float32))


AnyRegion = Annotated[
    Rectangle | Scar | Ellipse | Bezier | Clump | Perlin | Kernel | Disjoint | Patches | Superpixels | Score |
    Library | Outline | Facing | Half | Both | Either | Without | OneOf | Not, Field(discriminator="kind")]
for _nested in (Several, Both, Either, Without, OneOf, Not):
    _nested.model_rebuild()
