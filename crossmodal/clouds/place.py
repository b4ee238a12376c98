"""Where a defect may lie on a cloud: clear of edges, or on one, apart from what was placed before it."""

import numpy as np

from crossmodal.axes import Axes
from crossmodal.clouds.surface import CloudSurface
from crossmodal.defects import Spec
from crossmodal.placement import FOLD, TRIALS, Spot, triple
from crossmodal.recipe import Place

ENOUGH = 0.6  # share of a defect's two axes that must lie on even ground
RISE = 0.35  # of the way from the anchor by which ground may leave the anchor's plane
RUN = 3.0  # mean distances of points about one on an edge that tell its run, at least
PIXELS = ("at_pixel", "box", "mask", "forbid", "region")


def find_spot(surface: CloudSurface, place: Place, spec: Spec, bounds_mm, taken: tuple[Spot, ...],
              rng: np.random.Generator) -> Spot:
    """A place for a drawn spec whose field has these bounds, uniform over the surface's area.

    Raises ValueError where the defect fits nowhere, and for places that only a picture has.
    """
    _understood(place)
    s0, s1, t0, t1 = bounds_mm
    size_mm, angle = (s1 - s0, t1 - t0), float(np.deg2rad(spec.fixed("orientation_deg")))
    where = spec.at if place.where in ("object", "anywhere") else place.where
    edgewise = where in ("edge", "rim")
    index = _on_edge(surface, where, spec, size_mm) if edgewise else _ground(surface, place, spec, size_mm)
    if edgewise and not len(index):
        if place.where in ("edge", "rim"):
            raise ValueError(f"place.where: this cloud has no {where}; ask for another place")
        index, edgewise = _ground(surface, place, spec, size_mm), False
    area = np.cumsum(surface.area_mm2[index])
    tried = index[np.searchsorted(area, rng.random(TRIALS) * area[-1], side="right").clip(0, len(index) - 1)]
    best, best_score = None, -1.0
    for i in tried:
        heading = _heading(surface.normals[i], angle, _run(surface, i, size_mm) if edgewise else None)
        held = _held(surface, i, size_mm) if edgewise else _even(surface, i, heading, size_mm)
        score = _apart(surface.xyz_m[i], size_mm, taken) * held
        if score > best_score:
            best, best_score = (i, heading), score
        if best_score == 1.0:
            break
    if best_score < ENOUGH and not taken and not edgewise:
        raise ValueError(f"no place for a {spec.kind} {max(size_mm):.3g} mm long on this cloud; ask for a shorter one")
    i, heading = best
    return Spot(triple(surface.smoothed_m[i]), triple(surface.normals[i]), triple(heading),
                0.5 * float(np.hypot(*size_mm)))


def on_axis(surface: CloudSurface, place: Place, spec: Spec, rng: np.random.Generator) -> tuple[Spec, Spot]:
    """A warp of the whole object, at one end of its long axis (see crossmodal.placement.on_axis)."""
    _understood(place)
    axes: Axes = surface.axes
    heading = axes.long if rng.random() < 0.5 else -axes.long
    left = 0.5 * axes.long_mm - spec.fixed("length_mm")
    if left < -0.5 * axes.long_mm:
        raise ValueError(f"no place for a {spec.kind} {spec.fixed('length_mm'):.3g} mm long: the object is "
                         f"{axes.long_mm:.3g} mm long; ask for a shorter one")
    sizes = {"length_mm": 0.5 * axes.long_mm - left, "width_mm": axes.wide_mm}
    spec = spec.model_copy(update={name: (size, size) for name, size in sizes.items()})
    anchor = axes.centre_m + 1e-3 * left * heading
    return spec, Spot(triple(anchor), triple(axes.normal), triple(heading), 0.5 * axes.long_mm)


def _understood(place: Place) -> None:
    said = next((name for name in PIXELS if getattr(place, name) is not None), None)
    if said is not None:
        raise ValueError(f"place.{said} is in pixels, and a cloud has none; leave it out, or give a plan")
    seen = next((name for name in ("near", "part", "avoid", "inward") if getattr(place, name)), None)
    if seen is not None:
        raise ValueError(f"place.{seen} is measured in a picture's view, and a cloud alone has none; leave it out")
    if place.where in ("flat", "convex", "concave"):
        raise ValueError(f"place.where: {place.where} is not told on a cloud; say object, edge or rim")


def _ground(surface, place, spec, size_mm):
    wanted = 0.5 * min(size_mm) + place.clear_of_border_mm
    index = np.flatnonzero(surface.usable & surface.faced & (surface.clear_mm > wanted))
    if not len(index):
        raise ValueError(f"no place for a {spec.kind} {min(size_mm):.3g} mm across: the widest clear place is "
                         f"{2 * float(surface.clear_mm.max()):.3g} mm; ask for a smaller one or for less clearance")
    return index


def _on_edge(surface, where, spec, size_mm):
    """The edge itself for what breaks out of it; for what stands on it, the points half its width inwards."""
    edge = surface.rim if where == "rim" else surface.crest
    if spec.effect in ("in", "remove"):
        return np.flatnonzero(edge & surface.usable & surface.faced)
    half = 0.5 * min(size_mm)
    beside = (surface.clear_mm >= half) & (surface.clear_mm <= half + 1.5 * surface.spacing_mm)
    index = np.flatnonzero(beside & surface.usable & surface.faced)
    if not edge.any() or not len(index):
        return np.zeros(0, np.int64)
    from scipy.spatial import cKDTree

    far = cKDTree(surface.xyz_m[edge]).query(surface.xyz_m[index])[0]
    return index[1e3 * far <= half + 1.5 * surface.spacing_mm]


def _run(surface, i, size_mm):
    """(3,) the direction of the edge about a point, or None where it has none."""
    reach = max(0.5 * max(size_mm), RUN * surface.spacing_mm) + float(surface.clear_mm[i])
    about = np.array(surface.tree.query_ball_point(surface.xyz_m[i], 1e-3 * reach))
    about = about[surface.edge[about]]
    if len(about) < 3:
        return None
    return np.linalg.eigh(np.cov(surface.xyz_m[about].T))[1][:, 2]


def _heading(normal, angle, run=None):
    """A tangent at this angle from the edge's run, or from the axis that lies flattest on the surface."""
    first = np.eye(3)[np.argmin(np.abs(normal))] if run is None else run
    first = first - normal * (first @ normal)
    if np.linalg.norm(first) < 1e-6:
        first = np.eye(3)[np.argmin(np.abs(normal))] - normal * normal[np.argmin(np.abs(normal))]
    first /= np.linalg.norm(first)
    return np.cos(angle) * first + np.sin(angle) * np.cross(normal, first)


def _even(surface, i, heading, size_mm):
    """The share of a defect's two axes along which ground lies beneath, and does not fold away."""
    point, normal = surface.xyz_m[i], surface.normals[i]
    shares = np.linspace(-0.45, 0.45, 9)
    steps = 1e-3 * np.concatenate((shares * size_mm[0], shares * size_mm[1]))
    ways = np.repeat(np.stack((heading, np.cross(normal, heading))), len(shares), axis=0)
    far, near = surface.tree.query(point + steps[:, None] * ways)
    lies = far <= RISE * np.abs(steps) + 2e-3 * surface.spacing_mm
    good = surface.usable[near] & surface.faced[near]
    return float((lies & good & (surface.normals[near] @ normal > FOLD)).mean())


def _held(surface, i, size_mm):
    """How much of what is about a point on an edge is surface that is seen well: 1 from half a disc on, as a straight
    edge has."""
    reach = 0.5 * max(min(size_mm), 4 * surface.spacing_mm)
    about = np.array(surface.tree.query_ball_point(surface.xyz_m[i], 1e-3 * reach))
    area = surface.area_mm2[about[surface.faced[about]]].sum()
    return min(1.0, 2 * float(area) / (np.pi * reach * reach))


def _apart(point, size_mm, taken):
    """1 clear of every taken spot, falling to 0 on top of one."""
    radius = 0.5 * float(np.hypot(*size_mm))
    gaps = [np.linalg.norm(point - np.array(spot.anchor_m)) * 1e3 / (radius + spot.radius_mm) for spot in taken]
    return min(1.0, *gaps) if gaps else 1.0
