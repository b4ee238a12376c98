"""Pressed in or out: dent and bump."""

from typing import ClassVar, Literal

from crossmodal.defects.spec import Scale, Size, Spec


class Dent(Spec):
    """A smooth push into the surface, as from a knock."""

    extent: ClassVar = "local"
    effect: ClassVar = "in"
    sizes: ClassVar = ("diameter_mm", "depth_mm")

    kind: Literal["dent"] = "dent"
    diameter_mm: Size | None = None
    depth_mm: Size | None = None


class Bump(Spec):
    """A smooth push out of the surface, as from something caught beneath it."""

    extent: ClassVar = "local"
    effect: ClassVar = "out"
    sizes: ClassVar = ("diameter_mm", "height_mm")

    kind: Literal["bump"] = "bump"
    diameter_mm: Size | None = None
    height_mm: Size | None = None
