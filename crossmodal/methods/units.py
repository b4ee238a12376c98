"""What a size in percent is a share of: of the object, of the region's own finest part, or, as published, of a
unit-normalised cloud, of a box's diagonal, of normalised depth."""

from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

from crossmodal.clouds.surface import CloudSurface
from crossmodal.defects.spec import Scale
from crossmodal.surface import Surface

Of = Literal["canvas", "object", "diameter", "diagonal", "depth"]
HeightsOf = Literal[Of, "width"]
DEPTH_ROOM, LEAST_DEPTH_M = 1.1, 1.0  # TransFusion's: 0 m to a tenth beyond the farthest point, which is 1 m at least


@dataclass(frozen=True)
class Shares(Scale):
    """A scale that knows the surface it is of."""

    surface: Surface | CloudSurface | None = None

    @classmethod
    def on(cls, surface: Surface | CloudSurface, scale: Scale) -> "Shares":
        return cls(**{one.name: getattr(scale, one.name) for one in fields(Scale)}, surface=surface)

    def of(self, what: Of) -> Scale:
        """The scale whose percentages are of another length of the surface's object."""
        return self if what == "canvas" else replace(self, object_mm=length_mm(self.surface, what))


def length_mm(surface: Surface | CloudSurface, what: Of) -> float:
    """object: the root of the area of all points that there are; diameter: of the ball about their mean that holds them
    all, two units of a cloud that was normalised; diagonal: of their box; depth: the range that depth is normalised by.
    Raises ValueError for a cloud's depth."""
    if what == "object":
        return float(np.sqrt(surface.area_mm2.sum())) if isinstance(surface, CloudSurface) else surface.object_mm
    if what == "depth":
        if isinstance(surface, CloudSurface):
            raise ValueError("percentages of depth are of a depth picture, and a cloud has none; give a capture, or "
                             "leave heights_of and sizes_of out")
        return 1e3 * DEPTH_ROOM * max(LEAST_DEPTH_M, float(np.nanmax(surface.points[..., 2])))
    ball, box = surface.spans_mm
    return ball if what == "diameter" else box
