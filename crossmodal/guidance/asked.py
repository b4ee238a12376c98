"""What was asked, beside what was measured on the result: kind, count, millimetres, place and colour, with no model."""

from dataclasses import dataclass

import numpy as np

from crossmodal.defects import Spec
from crossmodal.defects.spec import THIRDS
from crossmodal.features import fitting
from crossmodal.place import Place
from crossmodal.plan import Grown, Plan
from crossmodal.recipe import Recipe
from crossmodal.result import Result
from crossmodal.synthesis import scale_of
from rgb import to_linear

TOLERANCE = 0.05  # of a size, beside two pixels of it where it lies across the surface
DEEP_TOLERANCE = 0.1  # of a depth or a height: a field is sampled at the chart's nodes
REACH_PX = 3  # how near to an edge what lies on it comes
MEASURES = {"length_mm": "length_mm", "diameter_mm": "length_mm", "depth_mm": "max_depth_mm",
            "height_mm": "max_height_mm"}
ALIKE = 0.94  # cosine between two colours, or between what two colours swallow
TINTS = ("stain", "discoloration")


@dataclass(frozen=True)
class Row:
    """One thing that was asked of a defect. instance: from 1, 0 for the whole; ok: None where it cannot be measured."""

    instance: int
    what: str
    asked: str
    got: str
    ok: bool | None


def asked_and_got(result: Result, recipe: Recipe) -> tuple[Row, ...]:
    """Whether a result is what a recipe asked for, measured on the result and not taken from its plan.

    The recipe has no ``count`` of its own, so that its defects and the plan's go together. Raises ValueError otherwise.
    """
    if recipe.count is not None:
        raise ValueError("a recipe with a count draws its kinds; only one without it says what each defect shall be")
    seen = sum(bool(one.seen_in) for one in result.visibility)
    rows = [Row(0, "count", str(len(recipe.defects)), str(seen), seen == len(recipe.defects))]
    for i, (spec, planned) in enumerate(zip(recipe.defects, result.plan.defects, strict=True)):
        place = spec.place or recipe.place
        rows.append(_kind(result, i, spec, planned))
        rows += [_size(result, i, spec, planned, name, place) for name in spec.sizes if _was_given(spec, name)]
        rows += _place(result, i, place)
        if getattr(spec, "colour", None) is not None and result.before.rgb is not None:
            rows.append(_colour(result, i, spec))
    return tuple(rows)


def planned_rows(plan: Plan) -> list[tuple[str, str, str]]:
    """(kind, sizes, anchor) of each defect of a plan, for a table."""
    return [(one.kind, ", ".join(f"{name.removesuffix('_mm')} {one.spec.fixed(name):.3g}" for name in one.spec.sizes),
             " ".join(f"{1e3 * x:.1f}" for x in one.anchor_m)) for one in plan.defects if isinstance(one, Grown)]


def _was_given(spec: Spec, name: str) -> bool:
    return name in spec.model_fields_set and getattr(spec, name) is not None


def _kind(result, i, spec, planned):
    """The kind, and whether the result does what that kind does: goes in, comes out, is gone, or is colour alone."""
    size, own = result.measured[i], result.instances == i + 1
    flat = size.max_depth_mm == size.max_height_mm == 0
    does = "appearance" if spec.show == "colour" else spec.does
    shown = {"in": size.max_depth_mm > 0, "out": size.max_height_mm > 0, "add": size.max_height_mm > 0,
             "both": not flat, "appearance": flat,
             "remove": np.isnan(result.displacement_mm[own]).any(), "warp": own.any()}[does]
    return Row(i + 1, "kind", spec.kind, planned.kind, planned.kind == spec.kind and bool(shown))


def _size(result, i, spec, planned, name, place):
    low, high = getattr(spec, name)
    said = low if low in THIRDS else f"{low:g}" if low == high and not isinstance(low, str) else f"{low} to {high}"
    said = low if low == high and isinstance(low, str) else said
    drawn = planned.spec.fixed(name)
    if name not in MEASURES or spec.at == "axis":
        return Row(i + 1, name, said, f"{drawn:.3g} (planned)", None)
    surface = result.before.surface
    if low in THIRDS:
        usual = planned.spec.usual(name, scale_of(result.before, place))
        third = (usual[1] - usual[0]) / 3
        low = usual[0] + THIRDS.index(low) * third
        high = low + third
    elif isinstance(low, str):
        low, high = (float(end[:-1]) / 100 * surface.object_mm for end in (low, high))
    size = result.measured[i]
    got = max(size.length_mm, size.width_mm) if name == "diameter_mm" else getattr(size, MEASURES[name])
    deep = name in ("depth_mm", "height_mm")
    slack = DEEP_TOLERANCE * high if deep else TOLERANCE * high + 2 * surface.mm_per_pixel
    return Row(i + 1, name, said, f"{got:.3g}", low - slack <= got <= high + slack)


def middle_of(result: Result, i: int) -> tuple[int, int] | None:
    """(row, column) of a defect's pixel nearest to the middle of its pixels; None where nothing of it is seen."""
    rows, columns = np.nonzero(result.instances == i + 1)
    if not len(rows):
        return None
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    return int(rows[nearest]), int(columns[nearest])


def _place(result, i, place: Place):
    surface, at = result.before.surface, middle_of(result, i)
    if at is None:
        return []
    own = result.instances == i + 1
    rows = []
    for name, wanted in (("near", place.near), ("part", place.part), *(("avoid", one) for one in place.avoid)):
        if wanted is not None:
            region = surface.landmarks.part(wanted) if name == "part" else getattr(surface.landmarks, wanted)
            inside = float(region[own].mean())
            ok = inside < 0.5 if name == "avoid" else inside > 0.5 or bool(region[at])
            rows.append(Row(i + 1, f"place.{name}", wanted, f"{100 * inside:.0f} % of it there", ok))
    if place.region is not None:
        inside = float((place.region.array() > 0)[own].mean())
        rows.append(Row(i + 1, "place.region", "found", f"{100 * inside:.0f} % of it there", inside > 0.5))
    if place.where in ("edge", "rim") or place.inward:
        where = place.where if place.where in ("edge", "rim") else "rim"
        distance = surface.landmarks.distance_px(where)
        gap, size_px = float(distance[own].min()), float(np.sqrt(own.sum()))
        rows.append(Row(i + 1, "place.where", where, f"{gap:.1f} pixels from it", gap <= REACH_PX + 0.5 * size_px))
    elif place.where in ("flat", "convex", "concave"):
        across = min(max(result.measured[i].length_mm, 2 * surface.mm_per_pixel), surface.object_mm)
        share = float(fitting(surface, place.where, across)[own].mean())
        rows.append(Row(i + 1, "place.where", place.where, f"{100 * share:.0f} % of it there", share > 0.3))
    return rows


def _colour(result, i, spec):
    """The colour that matter shows, or what a tint swallows, against what was asked; light is divided out of a tint."""
    own = (result.instances == i + 1) & result.masks.rgb
    asked = to_linear(np.array(spec.colour, np.uint8)).astype(np.float64)
    if not own.any():
        return Row(i + 1, "colour", str(list(spec.colour)), "not seen", False)
    after = np.median(result.after.rgb[own], axis=0).astype(np.uint8)
    got, wanted = to_linear(after).astype(np.float64), asked
    if spec.kind in TINTS:
        before = to_linear(np.median(result.before.rgb[own], axis=0).astype(np.uint8)).astype(np.float64)
        got, wanted = np.clip(1 - got / np.maximum(before, 1e-4), 0, 1), 1 - asked
    cosine = float(got @ wanted / max(np.linalg.norm(got) * np.linalg.norm(wanted), 1e-9))
    return Row(i + 1, "colour", str(list(spec.colour)), str(after.tolist()), cosine > ALIKE)
