"""What the user wants: specs with weights, a count and a placement, as YAML that a person can read."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crossmodal.defects import DefectSpec
from crossmodal.plan import Number

MOST = 255  # defects of one capture: their numbers are one byte each


class Place(BaseModel):
    """Where defects may lie. Those that belong to edges find one where nothing else is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: Literal["object", "anywhere", "flat", "convex", "concave", "edge", "rim"] = "object"
    """On the found foreground or anywhere measured, clear of depth steps; on ground of this shape over the defect's
    size; on an edge (a fold, or where the object ends) or on a rim (only where it ends)."""
    clear_of_border_mm: float = Field(0.0, ge=0, allow_inf_nan=False)
    at_pixel: tuple[float, float] | None = None
    """(column, row) of the anchor, for one capture; None draws a place."""
    box: tuple[int, int, int, int] | None = None
    """(x0, y0, x1, y1): the pixels, x1 and y1 excluded, that a drawn defect keeps to; at_pixel overrides it."""
    mask: str | None = None
    """A picture as large as the capture: a drawn defect keeps to what is not black in it."""
    forbid: str | None = None
    """A picture as large as the capture: a drawn defect keeps away from what is not black in it."""


class Recipe(BaseModel):
    """Specs to draw from. Without ``count`` every listed defect is made once; with it, that many by weight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    defects: tuple[DefectSpec, ...] = Field(min_length=1, max_length=MOST)
    count: int | None = Field(None, ge=1, le=MOST)
    place: Place = Place()
    baseline_mm: tuple[Number, Number, Number] | None = None
    """(right, down, 0) from the lens to the depth sensor's projector: new relief takes its light from what lies
    behind. Left out, it is what the capture's own shadows tell."""


def read_recipe(path: str | Path) -> Recipe:
    """A recipe from a YAML file. Raises ValueError in one line that names the file and the key."""
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path} is no recipe; begin it with a line that says defects:")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise ValueError(f"{path}: {one_line(error)}") from None


def one_line(error: ValidationError) -> str:
    """A validation error's first complaint, with the key it speaks of."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "recipe"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"
