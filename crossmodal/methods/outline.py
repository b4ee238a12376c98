"""The outline of the real defect that a content cuts out, as a region: at its own size."""

from typing import Literal

from crossmodal.methods.canvas import Canvas
from crossmodal.methods.library import Sides
from crossmodal.methods.regions import Area, Region, area_of, shouldered


class Outline(Region):
    """What the ground truth of a crop marks."""

    kind: Literal["outline"] = "outline"
    sides_mm: Sides | None = None
    """(down, across) of a box about it: what was drawn."""
    width_mm: float | None = None
    """How wide it is in the mean: what was drawn."""

    def box_mm(self):
        return self.sides_mm

    @property
    def finest_mm(self):
        return self.width_mm


@area_of.register
def _(region: Outline, canvas: Canvas, middle, seed) -> Area:
    return shouldered(canvas.lent.marked, canvas)
