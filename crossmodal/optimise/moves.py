"""What of a planned defect may be moved, and how far: its numbers within the bounds of its spec and its object."""

import math
from dataclasses import dataclass

import numpy as np

from crossmodal.defects import Scale, Spec
from crossmodal.edit import Field
from crossmodal.guidance.sense import sensible
from crossmodal.patch import Patch, along_surface
from crossmodal.plan import Grown
from crossmodal.recipe import Recipe
from crossmodal.surface import Surface

TURN, ALONG, ACROSS = "turn_deg", "along_mm", "across_mm"
COLOUR = "colour"
WIDER = 2.0
"""A plan's number may become so many times as much or as little, if the catalogue would not choose that far."""
MOST_TURN_DEG = 45.0
AWAY = 0.25
"""Share of the defect's narrow side by which its anchor may move each way."""
INSIDE = 0.02
"""Share of its range by which a number starts within it: at a bound nothing could move it."""


@dataclass(frozen=True, eq=False)
class Moves:
    """The numbers that are free, and what a defect is when they are set.

    planned: the defect at the start
    names: sizes of its spec, and of TURN (degrees, as orientation_deg), ALONG, ACROSS (mm in its chart)
    low, high, start: (k,) float64; by_ratio: (k,) bool, lengths, which grow by ratios
    """

    planned: Grown
    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    start: np.ndarray
    by_ratio: np.ndarray

    @property
    def widest(self) -> Field:
        """The field with all its sizes at their most."""
        values = np.where([name in self.planned.spec.sizes for name in self.names], self.high, 0.0)
        return self.planned.model_copy(update={"spec": self.spec(values)}).field()

    @property
    def away_mm(self) -> tuple[float, float]:
        """How far the anchor may move along the chart's axes."""
        most = dict(zip(self.names, self.high, strict=True))
        return float(most.get(ALONG, 0)), float(most.get(ACROSS, 0))

    def spec(self, values: np.ndarray) -> Spec:
        """The spec with its sizes set, and its orientation turned along."""
        said = dict(zip(self.names, (float(value) for value in values), strict=True))
        sizes = {name: (value, value) for name, value in said.items() if name in self.planned.spec.sizes}
        if said.get(TURN):
            heading = (self.planned.spec.fixed("orientation_deg") + said[TURN]) % 360
            sizes["orientation_deg"] = (heading, heading)
        return self.planned.spec.model_copy(update=sizes)

    def placed(self, values: np.ndarray, patch: Patch) -> Grown:
        """The defect with its numbers set, at its new place on the patch about its old one."""
        at = dict(zip(self.names, values, strict=True))
        place = {}
        if any(at.get(name, 0.0) != 0 for name in (TURN, ALONG, ACROSS)):
            place = _at(patch, float(at.get(ALONG, 0)), float(at.get(ACROSS, 0)), float(at.get(TURN, 0)))
        return self.planned.model_copy(update={"spec": self.spec(values), **place})

    def charted(self, values: np.ndarray, st: np.ndarray) -> np.ndarray:
        """Coordinates (N, 2) of the old chart in the new one."""
        at = dict(zip(self.names, values, strict=True))
        s, t = st[:, 0] - at.get(ALONG, 0.0), st[:, 1] - at.get(ACROSS, 0.0)
        cos, sin = _cos_sin(at.get(TURN, 0.0))
        return np.stack((cos * s - sin * t, sin * s + cos * t), -1)


def moves(planned: Grown, ranges: Spec, scale: Scale, surface: Surface, free=None, stays: bool = False) -> Moves:
    """What of a planned defect is free.

    ranges: its spec as it was asked, a size that was left out as the catalogue would choose it; free: names, of those
    that could be; stays: where it was asked for is a point
    Raises ValueError for a name that is none, for a defect that an edge or the whole object holds, or that is a gap.
    """
    spec = planned.spec
    if spec.extent != "local" or spec.at != "object" or spec.does == "remove":
        why = ("is the whole object's" if spec.extent != "local" else "belongs to an edge" if spec.at != "object" else
               "is a gap, of which a picture shows a rim alone")
        raise ValueError(f"a {spec.kind} {why}; it cannot be optimised")
    ranges, _ = sensible(Recipe(defects=(ranges.suited(scale),)), surface)
    ranges = ranges.defects[0]
    found = {name: (*getattr(ranges, name), spec.fixed(name)) for name in spec.sizes}
    heading = spec.fixed("orientation_deg")
    low, high = ranges.orientation_deg
    found[TURN] = max(low - heading, -MOST_TURN_DEG), min(high - heading, MOST_TURN_DEG), 0.0
    s0, s1, t0, t1 = planned.field().bounds_mm
    away = 0.0 if stays else AWAY * min(s1 - s0, t1 - t0)
    found[ALONG] = found[ACROSS] = -away, away, 0.0
    could = [name for name, (low, high, _) in found.items() if low < high]
    unknown = [name for name in free or () if name not in (*could, COLOUR)]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} of this {spec.kind} is not free; {', '.join((*could, COLOUR))} are")
    names = tuple(name for name in could if free is None or name in free)
    low, high, start = np.array([found[name] for name in names], np.float64).reshape(-1, 3).T
    by_ratio = np.array([name in spec.sizes and name.endswith("_mm") for name in names], bool)
    return Moves(planned, names, low, high, start, by_ratio)


def widened(spec: Spec, scale: Scale) -> Spec:
    """How far the numbers of a drawn spec may go where nothing was asked: as far as the catalogue's own, and at least
    to their half and their double."""
    usual = spec.model_copy(update={name: type(spec).model_fields[name].default for name in spec.sizes}).suited(scale)
    wide = {}
    for name in spec.sizes:
        low, high = getattr(usual, name)
        value = spec.fixed(name)
        most = math.inf if name.endswith("_mm") else 1.0
        wide[name] = min(low, value / WIDER), min(max(high, WIDER * value), most)
    return spec.model_copy(update={**wide, "orientation_deg": type(spec).model_fields["orientation_deg"].default})


def shares(moves: Moves) -> np.ndarray:
    """(k,) where each number starts between its bounds, 0 to 1, a little inside."""
    low, high, start = (np.where(moves.by_ratio, np.log(np.where(moves.by_ratio, x, 1)), x)
                        for x in (moves.low, moves.high, moves.start))
    return np.clip((start - low) / (high - low), INSIDE, 1 - INSIDE)


def _at(patch: Patch, along_mm: float, across_mm: float, turn_deg: float) -> dict:
    """Anchor, normal and heading at a place of a patch's chart, turned."""
    apart = np.hypot(patch.st_mm[..., 0] - along_mm, patch.st_mm[..., 1] - across_mm)
    i, j = np.unravel_index(np.nanargmin(apart), apart.shape)
    point = patch.surface.smoothed[patch.window][i, j].astype(np.float64)
    normal = patch.surface.normals[patch.window][i, j].astype(np.float64)
    along = along_surface(patch.along[i, j], normal)
    across = np.cross(normal, along)
    rest = along_mm - float(patch.st_mm[i, j, 0]), across_mm - float(patch.st_mm[i, j, 1])
    cos, sin = _cos_sin(turn_deg)
    return {"anchor_m": _floats(point + 1e-3 * (rest[0] * along + rest[1] * across)), "normal": _floats(normal),
            "heading": _floats(cos * along - sin * across)}


def _cos_sin(degrees):
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def _floats(vector):
    return tuple(float(x) for x in vector)
