"""Appearance only: stain. Geometry stays bit-identical."""

from typing import ClassVar, Literal

from crossmodal.defects.spec import Colour, Share, Size, Spec


class Stain(Spec):
    """Something soaked in or dried on, too thin to measure: the colour changes and nothing else."""

    extent: ClassVar = "local"
    effect: ClassVar = "appearance"
    sizes: ClassVar = ("diameter_mm", "opacity")

    kind: Literal["stain"] = "stain"
    diameter_mm: Size | None = None
    opacity: Share = (0.45, 0.8)
    colour: Colour | None = None
    """None darkens towards a warm brown of the object's own brightness."""
