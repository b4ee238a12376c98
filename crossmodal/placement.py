"""Where a defect may lie: on the object, clear of depth steps and of what was placed before it."""

from dataclasses import dataclass

import numpy as np

from crossmodal.defects import Spec
from crossmodal.ground import Ground
from crossmodal.recipe import Place
from crossmodal.surface import Surface

TRIALS = 64
FOLD = 0.8  # cosine of the turn (37°) beyond which ground folds away under a defect
ENOUGH = 0.6  # share of a long defect that must lie on free ground when no trial finds more


@dataclass(frozen=True)
class Spot:
    """A drawn place: anchor (m), normal and heading in the camera's frame, and the radius (mm) it takes up."""

    anchor_m: tuple[float, float, float]
    normal: tuple[float, float, float]
    heading: tuple[float, float, float]
    radius_mm: float


def find_spot(surface: Surface, place: Place, spec: Spec, bounds_mm, taken: tuple[Spot, ...],
              rng: np.random.Generator) -> Spot:
    """A place for a drawn spec whose field has these bounds, uniform over the surface's area.

    Spots already taken are avoided where there is room. Raises ValueError where the defect fits nowhere.
    """
    s0, s1, t0, t1 = bounds_mm
    size_mm, angle = (s1 - s0, t1 - t0), float(np.deg2rad(spec.fixed("orientation_deg")))
    if place.at_pixel is not None:
        row, column = _asked(surface, place.at_pixel)
    else:
        row, column = _drawn(surface, place, spec.kind, size_mm, angle, taken, rng)
    normal = surface.normals[row, column].astype(np.float64)
    return Spot(_triple(surface.smoothed[row, column]), _triple(normal), _triple(_heading(normal, angle)),
                0.5 * float(np.hypot(*size_mm)))


def _asked(surface, at_pixel):
    column, row = (round(x) for x in at_pixel)
    height, width = surface.foreground.shape
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(f"at_pixel {at_pixel} is outside the {width}x{height} picture")
    if not np.isfinite(surface.normals[row, column, 0]):
        raise ValueError(f"at_pixel {at_pixel} has no measured surface; choose another pixel")
    return row, column


def _ground(surface, place):
    ground = surface.object_ground if place.where == "object" else surface.measured_ground
    if place.box is None:
        return ground
    x0, y0, x1, y1 = place.box
    allowed = np.zeros_like(ground.free)
    allowed[max(y0, 0):max(y1, 0), max(x0, 0):max(x1, 0)] = True
    if not (allowed & ground.free).any():
        raise ValueError(f"place.box {place.box} holds no surface that can carry a defect; ask for another box")
    return Ground.of(surface.smoothed, surface.normals, surface.linked, ground.free & allowed,
                     surface.pixel_area_mm2, surface.mm_per_pixel)


def _drawn(surface, place, kind, size_mm, angle, taken, rng):
    ground = _ground(surface, place)
    if not len(ground.index):
        raise ValueError("the capture shows no surface that faces the camera well enough to carry a defect")
    wanted = 0.5 * min(size_mm) + place.clear_of_border_mm
    if ground.clear_mm.max() <= wanted:
        raise ValueError(f"no place for a {kind} {min(size_mm):.3g} mm across: the widest clear place is "
                         f"{2 * float(ground.clear_mm.max()):.3g} mm; ask for a smaller one or for less clearance")
    best, best_score = None, -1.0
    for _ in range(TRIALS):
        row, column = ground.pick(rng.random())
        if ground.clear_mm[row, column] <= wanted:
            continue
        lies = _lies_free(surface, ground, row, column, size_mm, angle)
        flat = _flat(surface, row, column, size_mm, angle)
        apart = _apart(surface.smoothed[row, column], size_mm, taken)
        if lies * apart * flat > best_score and lies >= ENOUGH:
            best, best_score = (row, column), lies * apart * flat
        if best_score == 1.0:
            break
    if best is None:
        # Few clear places, missed by the draw: the clearest there is.
        row, column = np.unravel_index(int(np.argmax(ground.clear_mm)), ground.clear_mm.shape)
        best = int(row), int(column)
        if _lies_free(surface, ground, *best, size_mm, angle) < ENOUGH:
            raise ValueError(f"no place for a {kind} {max(size_mm):.3g} mm long on this object; "
                             f"ask for a shorter one or another orientation_deg")
    return best


def _lies_free(surface, ground, row, column, size_mm, angle):
    """Share of the defect's long axis that lies on free ground, by way of the surface's slant."""
    normal = surface.normals[row, column].astype(np.float64)
    along = _heading(normal, angle)
    if size_mm[1] > size_mm[0]:
        along = np.cross(normal, along)
    reach = np.linspace(-0.5, 0.5, 17)[:, None] * max(size_mm) * 1e-3
    pixels = np.rint(surface.camera.project(surface.smoothed[row, column].astype(np.float64) + reach * along))
    height, width = ground.free.shape
    inside = (pixels >= 0).all(1) & (pixels[:, 0] < width) & (pixels[:, 1] < height)
    columns, rows = pixels[inside].astype(int).T
    return float(ground.free[rows, columns].sum()) / len(pixels)


def _flat(surface, row, column, size_mm, angle):
    """Share of the defect's two axes on which the surface does not fold away from the anchor's normal."""
    normal = surface.normals[row, column].astype(np.float64)
    along = _heading(normal, angle)
    reach = np.linspace(-0.45, 0.45, 9)[:, None] * 1e-3
    axes = np.concatenate((reach * size_mm[0] * along, reach * size_mm[1] * np.cross(normal, along)))
    pixels = np.rint(surface.camera.project(surface.smoothed[row, column].astype(np.float64) + axes))
    height, width = surface.foreground.shape
    columns, rows = np.clip(pixels, 0, (width - 1, height - 1)).astype(int).T
    with np.errstate(invalid="ignore"):
        return float(np.mean(surface.normals[rows, columns] @ normal > FOLD))


def _apart(point, size_mm, taken):
    """1 clear of every taken spot, falling to 0 on top of one."""
    radius = 0.5 * float(np.hypot(*size_mm))
    gaps = [np.linalg.norm(point - np.array(spot.anchor_m)) * 1e3 / (radius + spot.radius_mm) for spot in taken]
    return min(1.0, *gaps) if gaps else 1.0


def _heading(normal, angle):
    """The image direction at this angle from +x towards +y, laid onto the surface."""
    direction = np.array((np.cos(angle), np.sin(angle), 0.0))
    along = direction - normal * (direction @ normal)
    return along / np.linalg.norm(along)


def _triple(vector) -> tuple[float, float, float]:
    return tuple(float(x) for x in vector)
