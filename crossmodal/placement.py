"""Where a defect may lie: on ground of the asked shape, or on an edge, clear of what was placed before it."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from crossmodal.allowed import CUTS, allowed_by, weights_of
from crossmodal.camera import project_point
from crossmodal.defects import Spec
from crossmodal.features import fitting, followed, run_of
from crossmodal.ground import Ground
from crossmodal.inward import inwards
from crossmodal.place import Place
from crossmodal.surface import Surface

TRIALS = 64
EDGE_TRIALS = 16
EDGEWISE = 0.2  # cosine of the steepest view (78°) of an edge that carries a defect
FOLD = 0.8  # cosine of the turn (37°) beyond which ground folds away under a defect
CLOSE = 2.5  # pixels to an edge, beyond which a normal is the surface's own
HELD = 0.2  # share of what is about a place on an edge that is whole surface; a corner has a quarter
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
    elif place.inward:
        row, column, angle = inwards(surface, "edge" if place.where == "edge" else "rim", allowed_by(surface, place),
                                     max(size_mm), rng)
    elif (found := _on_edge(surface, place, spec, size_mm, taken, rng)) is not None:
        row, column, run = found
        angle += run
    else:
        row, column = _drawn(surface, place, spec.kind, size_mm, angle, taken, rng)
    normal = surface.normals[row, column].astype(np.float64)
    return Spot(triple(surface.smoothed[row, column]), triple(normal), triple(_heading(normal, angle)),
                0.5 * float(np.hypot(*size_mm)))


def on_axis(surface: Surface, place: Place, spec: Spec, rng: np.random.Generator) -> tuple[Spec, Spot]:
    """A warp of the whole object, at one end of its long axis: the spec as long and wide as the object is there.

    A place asked for in pixels is where the warp begins; it then lasts to the object's end.
    """
    axes, up = surface.axes, rng.random() < 0.5
    heading = axes.long if up else -axes.long
    left = 0.5 * axes.long_mm - spec.fixed("length_mm")
    if place.at_pixel is not None:
        row, column = _asked(surface, place.at_pixel)
        left = float((surface.smoothed[row, column] - axes.centre_m) @ heading) * 1e3
    if not -0.5 * axes.long_mm - 1e-6 <= left < 0.5 * axes.long_mm:
        raise ValueError(f"no place for a {spec.kind} {spec.fixed('length_mm'):.3g} mm long: the object is "
                         f"{axes.long_mm:.3g} mm long; ask for a shorter one")
    sizes = {"length_mm": 0.5 * axes.long_mm - left, "width_mm": axes.wide_mm}
    spec = spec.model_copy(update={name: (size, size) for name, size in sizes.items()})
    anchor = axes.centre_m + 1e-3 * left * heading
    return spec, Spot(triple(anchor), triple(axes.normal), triple(heading), 0.5 * axes.long_mm)


def _asked(surface, at_pixel):
    column, row = (round(x) for x in at_pixel)
    height, width = surface.foreground.shape
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(f"at_pixel {at_pixel} is outside the {width}x{height} picture")
    if not np.isfinite(surface.normals[row, column, 0]):
        raise ValueError(f"at_pixel {at_pixel} has no measured surface; choose another pixel")
    return row, column


def _ground(surface, place, across_mm):
    """The ground of a place: free pixels of the asked shape, within what is allowed."""
    ground = surface.measured_ground if place.where == "anywhere" else surface.object_ground
    allowed, weights = allowed_by(surface, place), weights_of(place, surface.foreground.shape)
    area_mm2 = surface.pixel_area_mm2 if weights is None else surface.pixel_area_mm2 * weights
    shaped = None if place.where in ("object", "anywhere", "edge", "rim") else fitting(surface, place.where, across_mm)
    if allowed is None and shaped is None:
        return ground
    usable = ground.free if allowed is None else ground.free & allowed
    if not usable.any():
        said = " and ".join(f"place.{name}" for name in CUTS if getattr(place, name))
        raise ValueError(f"{said} leaves no surface that can carry a defect; ask for another place")
    if shaped is not None:
        # A defect's middle lies on such ground; its rest may lie about it.
        index = np.flatnonzero(usable & shaped)
        if not len(index):
            raise ValueError(f"place.where: nothing here is {place.where} over {across_mm:.3g} mm; ask for another "
                             f"place or a smaller defect")
        area = np.cumsum(area_mm2.ravel()[index], dtype=np.float64)
        whole = ground if allowed is None else _cut(surface, usable, area_mm2)
        return Ground(whole.free, whole.clear_mm, index, area)
    return _cut(surface, usable, area_mm2)


def _cut(surface, usable, area_mm2):
    return Ground.of(surface.smoothed, surface.normals, surface.linked, usable, area_mm2, surface.mm_per_pixel)


def _on_edge(surface, place, spec, size_mm, taken, rng):
    """(row, column, direction of the edge in the picture) of a place on an edge; None where none is to be sought,
    or where the object has none and only the kind would have one."""
    where = spec.at if place.where == "object" else place.where
    if where not in ("edge", "rim"):
        return None
    edge = fitting(surface, where, 0.5 * min(size_mm))
    usable = _beside(edge, spec, size_mm, surface)
    border = 1 + round(0.25 * min(size_mm) / surface.mm_per_pixel)
    usable[:border] = usable[-border:] = usable[:, :border] = usable[:, -border:] = False
    allowed = allowed_by(surface, place)
    if allowed is not None:
        usable &= allowed
    index = np.flatnonzero(usable)
    index = index[surface.facing.ravel()[index] > EDGEWISE]
    held = _held(surface, index, min(size_mm))
    index, held = index[held > HELD], held[held > HELD]
    if not len(index):
        if place.where == "object":
            return None
        raise ValueError(f"place.where: no {where} is seen here; ask for another place")
    weights = weights_of(place, edge.shape)
    share = None if weights is None else np.cumsum(weights.ravel()[index], dtype=np.float64)
    reach = max(3, round(0.5 * max(size_mm) / surface.mm_per_pixel))
    best, best_score = None, -1.0
    for _ in range(EDGE_TRIALS):
        trial = _pick(len(index), share, rng.random())
        row, column = divmod(int(index[trial]), edge.shape[1])
        x, y = run_of(edge, row, column, reach)
        follows = followed(edge, row, column, x, y, 0.45 * max(size_mm) / surface.mm_per_pixel)
        # Half is what a straight edge has on its one side, and enough.
        score = follows * _apart(surface.smoothed[row, column], size_mm, taken) * min(1, 2 * held[trial])
        if score > best_score:
            best, best_score = (row, column, float(np.arctan2(y, x))), score
    return best


def _pick(many, share, where):
    """One of so many, by their running sum of weights (many,); of the same weight each where that is None."""
    if share is None:
        return int(where * many)
    return min(int(np.searchsorted(share, where * share[-1], side="right")), many - 1)


def _drawn(surface, place, kind, size_mm, angle, taken, rng):
    ground = _ground(surface, place, min(size_mm))
    if not len(ground.index):
        raise ValueError("the capture shows no surface that faces the camera well enough to carry a defect")
    wanted = 0.5 * min(size_mm) + place.clear_of_border_mm
    if ground.clear_mm.max() <= wanted:
        raise ValueError(f"no place for a {kind} {min(size_mm):.3g} mm across: the widest clear place is "
                         f"{2 * float(ground.clear_mm.max()):.3g} mm; ask for a smaller one or for less clearance")
    best, best_score = None, -1.0
    rows, columns = ground.pick(rng.random(TRIALS))
    lies, flat = _fits(surface, ground, rows, columns, size_mm, angle)
    for i in np.flatnonzero((ground.clear_mm[rows, columns] > wanted) & (lies >= ENOUGH)):
        score = lies[i] * _apart(surface.smoothed[rows[i], columns[i]], size_mm, taken) * flat[i]
        if score > best_score:
            best, best_score = (int(rows[i]), int(columns[i])), score
        if best_score == 1.0:
            break
    if best is None:
        # Few clear places, missed by the draw: the clearest there is.
        best = divmod(int(np.argmax(ground.clear_mm)), ground.clear_mm.shape[1])
        if _fits(surface, ground, *np.array(best)[:, None], size_mm, angle)[0] < ENOUGH:
            raise ValueError(f"no place for a {kind} {max(size_mm):.3g} mm long on this object; "
                             f"ask for a shorter one or another orientation_deg")
    return best


def _beside(edge, spec, size_mm, surface):
    """The edge itself for what breaks out of it; for what stands on it, the pixels that are half its width inwards,
    and for what may reach over it those from there to the edge."""
    usable = np.zeros_like(edge) if spec.effect not in ("in", "remove") else edge.copy()
    if spec.effect in ("in", "remove") or not edge.any():
        return usable
    half = 0.5 * min(size_mm) / surface.mm_per_pixel
    rows, columns = (np.flatnonzero(edge.any(axis)) for axis in (1, 0))
    about = tuple(slice(max(0, one[0] - int(half) - 3), one[-1] + int(half) + 4) for one in (rows, columns))
    far = cv2.distanceTransform((~edge[about]).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    least = min(half, CLOSE) if spec.overhangs else half
    usable[about] = surface.foreground[about] & (far >= least) & (far <= half + 1.5)
    return usable


def _held(surface, index, across_mm):
    """(n,) float32, of pixels (n,): how much of what is about each is whole surface that is seen well; 0 for a lone
    one."""
    half = round(0.5 * across_mm / surface.mm_per_pixel)
    side, width = 1 + 2 * half, surface.hold.shape[1]
    whole = cv2.copyMakeBorder((surface.hold == 2).view(np.uint8), *(half,) * 4, cv2.BORDER_REFLECT_101)
    whole = cv2.integral(whole)
    v, u = np.divmod(index, width)
    count = whole[v + side, u + side] - whole[v + side, u] - whole[v, u + side] + whole[v, u]
    return np.where(surface.hold.ravel()[index] > 0, (count * (1 / side**2)).astype(np.float32), np.float32(0))


def _fits(surface, ground, rows, columns, size_mm, angle):
    """(n,) float64 each, of pixels: the share of the defect's long axis that lies on free ground, by way of the
    surface's slant; and of its two axes, the share on which the surface does not fold away from the anchor's normal.
    """
    return _along_axes(surface.camera.kernel, surface.smoothed, surface.normals, ground.free, rows, columns,
                       1e-3 * np.array(size_mm), angle, np.linspace(-0.5, 0.5, 17), np.linspace(-0.45, 0.45, 9))


@njit(cache=True, nogil=True)
def _along_axes(camera, points, normals, free, rows, columns, size_m, angle, long, both):
    h, w = free.shape
    lies, flat = np.zeros(len(rows)), np.zeros(len(rows))
    axes = np.empty((2, 3))
    for i in range(len(rows)):
        x, y, z = points[rows[i], columns[i]]
        nx, ny, nz = normals[rows[i], columns[i]]
        rise = math.cos(angle) * nx + math.sin(angle) * ny
        ax, ay, az = math.cos(angle) - nx * rise, math.sin(angle) - ny * rise, -nz * rise
        length = math.sqrt(ax * ax + ay * ay + az * az)
        axes[0] = ax / length, ay / length, az / length
        ax, ay, az = axes[0]
        axes[1] = ny * az - nz * ay, nz * ax - nx * az, nx * ay - ny * ax
        a = 1 if size_m[1] > size_m[0] else 0
        for share in long:
            d = share * size_m[a]
            u, v = project_point(camera, x + d * axes[a, 0], y + d * axes[a, 1], z + d * axes[a, 2])
            u, v = np.rint(u), np.rint(v)
            if 0 <= u < w and 0 <= v < h and free[int(v), int(u)]:
                lies[i] += 1
        for a in range(2):
            for share in both:
                d = share * size_m[a]
                u, v = project_point(camera, x + d * axes[a, 0], y + d * axes[a, 1], z + d * axes[a, 2])
                if not (u == u and v == v):
                    continue
                u, v = int(min(max(np.rint(u), 0), w - 1)), int(min(max(np.rint(v), 0), h - 1))
                if normals[v, u, 0] * nx + normals[v, u, 1] * ny + normals[v, u, 2] * nz > FOLD:
                    flat[i] += 1
    return lies / len(long), flat / (2 * len(both))


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


def triple(vector) -> tuple[float, float, float]:
    """A vector (3,) as a spot and a plan hold it."""
    return tuple(float(x) for x in vector)
