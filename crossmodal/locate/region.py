"""What is found in a picture, and the region of the object's surface that it comes to."""

from dataclasses import dataclass

import numpy as np

from crossmodal.capture import Capture, read_only
from crossmodal.packed import PackedArray
from crossmodal.patch import Patch
from crossmodal.place import Place
from crossmodal.recipe import Recipe

ABOUT = 0.14  # of the object's size: how far from a point is still about it
SHADES = 15  # weights that are told apart; few, so that a region is short as text


@dataclass(frozen=True)
class Box:
    """Pixels from (x0, y0) to (x1, y1), as a detector says them: their outer borders, and how sure it is."""

    x0: float
    y0: float
    x1: float
    y1: float
    score: float = 1.0


@dataclass(frozen=True)
class Point:
    """(column, row) of a pixel, and how far about it, in mm along the surface; None is a share of the object."""

    column: float
    row: float
    radius_mm: float | None = None
    score: float = 1.0


@dataclass(frozen=True, eq=False)
class Mask:
    """(H, W) bool, or float from 0 to 1: how surely each pixel is of it."""

    weights: np.ndarray
    score: float = 1.0


Found = Box | Point | Mask


@dataclass(frozen=True, eq=False)
class Region:
    """Pixels of a capture that show measured surface of its object, and how much the oftener a defect shall lie there.

    weight: (H, W) uint8, 0 outside; score: of what it was found by; by: what found it, in words for a record
    """

    weight: np.ndarray
    score: float = 1.0
    by: str = ""

    def __post_init__(self):
        if self.weight.dtype != np.uint8 or self.weight.ndim != 2 or not self.weight.any():
            raise ValueError(f"a region must be uint8 (H, W) and not empty, but got {self.weight.dtype} "
                             f"{self.weight.shape}")
        object.__setattr__(self, "weight", read_only(self.weight))

    def on(self, recipe: Recipe) -> Recipe:
        """The recipe with its defects kept to this region, beside all that it says of their places; draw, synthesize,
        a manifest and a YAML file take it as they take any. Raises ValueError for what moves a whole object."""
        whole = next((spec.kind for spec in recipe.defects if spec.extent == "global"), None)
        if whole is not None:
            raise ValueError(f"a {whole} moves the whole object and lies in no region of it; choose other kinds")
        packed = PackedArray.of(self.weight)

        def here(place: Place) -> Place:
            return place.model_copy(update={"region": packed})

        return recipe.model_copy(update={"place": here(recipe.place), "defects": tuple(
            spec if spec.place is None else spec.model_copy(update={"place": here(spec.place)})
            for spec in recipe.defects)})


def lifted(capture: Capture, found: Found, by: str = "") -> Region:
    """The surface of a capture's object that a box, a point or a mask holds, without the ground that is seen beside or
    through it. Raises ValueError where that is nothing, or the mask is not as large as the capture."""
    share = {Box: _in_box, Point: _about, Mask: _weighed}[type(found)](capture, found)
    share = np.where(capture.surface.foreground & np.isfinite(capture.normals[..., 0]), share, 0)
    if not share.max() > 0:
        raise ValueError(f"{by or 'what was found'} holds no measured surface of the object in "
                         f"{capture.name or 'the capture'}; ask for another place")
    weight = np.ceil(share * (SHADES / share.max())).astype(np.uint8) * np.uint8(255 // SHADES)
    return Region(weight, float(found.score), by)


def _in_box(capture, box):
    """Pixels whose middle lies in it."""
    rows, columns = np.ogrid[:capture.shape[0], :capture.shape[1]]
    # A border of x lies half a pixel before the middle of pixel x.
    inside_x = (columns + 0.5 >= box.x0) & (columns + 0.5 <= box.x1)
    return (inside_x & (rows + 0.5 >= box.y0) & (rows + 0.5 <= box.y1)).astype(np.float32)


def _about(capture, point):
    """Pixels within the radius of the point, measured along the surface: not across a step, nor through a wall."""
    surface, share = capture.surface, np.zeros(capture.shape, np.float32)
    row, column = round(point.row), round(point.column)
    if not (0 <= row < share.shape[0] and 0 <= column < share.shape[1] and surface.foreground[row, column]
            and np.isfinite(surface.normals[row, column, 0])):
        raise ValueError(f"the point ({point.column:g}, {point.row:g}) is on no measured surface of the object in "
                         f"{capture.name or 'the capture'}; give another")
    radius_mm = ABOUT * surface.object_mm if point.radius_mm is None else point.radius_mm
    if not 0 < radius_mm < np.inf:
        raise ValueError(f"a radius about a point must be above 0 mm, but got {radius_mm}")
    along = np.eye(3)[np.argmin(np.abs(surface.normals[row, column]))]
    patch = Patch.at(surface, surface.smoothed[row, column], along, radius_mm)
    with np.errstate(invalid="ignore"):
        share[patch.window] = np.hypot(patch.st_mm[..., 0], patch.st_mm[..., 1]) <= radius_mm
    return share


def _weighed(capture, mask):
    weights = np.asarray(mask.weights)
    if weights.shape != capture.shape:
        raise ValueError(f"a mask must be {capture.shape}, as large as the capture, but got {weights.shape}")
    weights = weights.astype(np.float32)
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.max() <= 1):
        raise ValueError("a mask must be bool, or from 0 to 1")
    return weights
