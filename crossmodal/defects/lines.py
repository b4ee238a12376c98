"""Lines along the surface: scratch."""

from typing import ClassVar, Literal

from crossmodal.defects.spec import Size, Spec


class Scratch(Spec):
    """A groove ploughed along the surface, with lips of pushed-up matter on either side."""

    extent: ClassVar = "local"
    effect: ClassVar = "both"
    sizes: ClassVar = ("length_mm", "width_mm", "depth_mm")

    kind: Literal["scratch"] = "scratch"
    length_mm: Size | None = None
    width_mm: Size | None = None
    """Across, lips included."""
    depth_mm: Size | None = None
