"""Where a defect may lie, in words that are measured on the surface and not in pixels, or in pixels if told."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from crossmodal.packed import PackedArray

Landmark = Literal["centre", "corner", "hole", "thread"]
Part = Literal["top", "bottom", "left", "right", "top left", "top right", "bottom left", "bottom right"]


class Place(BaseModel):
    """Where defects may lie. Those that belong to edges find one where nothing else is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: Literal["object", "anywhere", "flat", "convex", "concave", "edge", "rim"] = "object"
    """On the found foreground or anywhere measured, clear of depth steps; on ground of this shape over the defect's
    size; on an edge (a fold, or where the object ends) or on a rim (only where it ends)."""
    near: Landmark | None = None
    """About what was measured on the object: its middle, a corner of its outline, an opening, a thread or the like."""
    part: Part | None = None
    """The half or the quarter of the box about the object in the picture."""
    avoid: tuple[Literal["edge", "rim", "centre", "corner", "hole", "thread"], ...] = ()
    """What a drawn defect keeps away from."""
    inward: bool = False
    """It begins at the edge or rim and runs towards the object's centre."""
    clear_of_border_mm: float = Field(0.0, ge=0, allow_inf_nan=False)
    at_pixel: tuple[float, float] | None = None
    """(column, row) of the anchor, for one capture; None draws a place."""
    box: tuple[int, int, int, int] | None = None
    """(x0, y0, x1, y1): the pixels, x1 and y1 excluded, that a drawn defect keeps to; at_pixel overrides it."""
    mask: str | None = None
    """A picture as large as the capture: a drawn defect keeps to what is not black in it."""
    forbid: str | None = None
    """A picture as large as the capture: a drawn defect keeps away from what is not black in it."""
    region: SkipJsonSchema[PackedArray | None] = None
    """Weights (H, W) uint8 of the capture's pixels that something found (see crossmodal.locate): a drawn defect keeps
    to what is not 0, and lies the oftener where it is more; at_pixel overrides it. Not for hands."""
