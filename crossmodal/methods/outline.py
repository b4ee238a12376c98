"""The outline of the real defect that a content cuts out, as a region: at its own size."""

from typing import Annotated, Literal

from pydantic import Field

from crossmodal.methods.canvas import Canvas
from crossmodal.methods.library import Sides
from crossmodal.methods.regions import Area, Region, area_of, shouldered


class Outline(Region):
    """What the ground truth of a crop marks."""

    kind: Literal["outline"] = "outline"
    when_drawn = ("sides_mm",)
    sides_mm: Sides | None = None
    """(down, across) of a box about it: what was drawn."""
    width_mm: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How wide it is in the mean: what was drawn."""

    def box_mm(self):
        if self.sides_mm is None:
            raise ValueError("no defect is cut out yet; draw the method first")
        return self.sides_mm

    @property
    def finest_mm(self):
        return min(self.box_mm()) if self.width_mm is None else self.width_mm


@area_of.register
def _(region: Outline, canvas: Canvas, middle, seed) -> Area:
    return shouldered(canvas.lent.marked, canvas)
