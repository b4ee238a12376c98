"""What a draw must be like to be kept: on the object, large and small enough, plain enough to see."""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from crossmodal.defects.spec import Positive

Least = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Gate(BaseModel):
    """Accepts a draw or refuses it; what is refused is drawn again, all of it, and the plan tells how often it was.

    NSA asks for an overlap of 0.25, AnoGen for one of 0.75; PAIDF draws again what is hard to see.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    overlap: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The least share of the region, as it was drawn, that lies on the object."""
    area_percent: Positive | None = None
    """The least and the most of the object's visible area that it takes up in the picture."""
    contrast: Least = 0.0
    """How plainly it is seen at least where it is plainest, in noise floors of the modality that shows it best."""
    levels: Least = 0.0
    """The least change of its colour in the mean, in 8-bit levels."""
    tries: Annotated[int, Field(ge=1, le=64)] = 16

    @property
    def looks(self) -> bool:
        """Whether it takes a result to tell."""
        return self.area_percent is not None or self.contrast > 0 or self.levels > 0

    def refuses_overlap(self, share: float) -> str:
        """Why, or nothing."""
        return f"{100 * share:.3g} % of it lies on the object" if share < self.overlap else ""

    def refuses(self, result) -> str:
        """Why it refuses a Result, or nothing."""
        surface, gt = result.before.surface, result.gt
        if self.area_percent is not None:
            percent = 100 * float(surface.pixel_area_mm2[gt].sum()) / surface.object_mm**2
            if not self.area_percent[0] <= percent <= self.area_percent[1]:
                return f"it takes up {percent:.3g} % of the object"
        faintest = min(max(seen.rgb_contrast, seen.depth_contrast) for seen in result.visibility)
        if faintest < self.contrast:
            return f"it is seen by {faintest:.3g} noise floors"
        change = np.abs(result.after.rgb[gt].astype(np.float32) - result.before.rgb[gt])
        mean = float(change.mean()) if change.size else 0.0
        return f"its colour changes by {mean:.3g} levels" if mean < self.levels else ""
