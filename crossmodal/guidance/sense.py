"""Physical sense: whether what is asked for can be on the object that a capture shows."""

from math import hypot

from crossmodal.defects import Spec
from crossmodal.recipe import Recipe
from crossmodal.surface import Surface

ACROSS = ("length_mm", "width_mm", "diameter_mm")
THROUGH = ("depth_mm", "height_mm", "thickness_mm")
WORDS = {"length_mm": "long", "width_mm": "wide", "diameter_mm": "across", "depth_mm": "deep", "height_mm": "high",
         "thickness_mm": "thick"}


def sensible(recipe: Recipe, surface: Surface) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe with its sizes kept to what the object of a surface can carry, and a sentence for each that was cut.

    Raises ValueError, with the reason, for a size of which even the least is larger than the object.
    """
    made, said = [], []
    for spec in recipe.defects:
        changes = {}
        for name in (*ACROSS, *THROUGH):
            limit, what = largest(spec, name, surface)
            sizes = getattr(spec, name, None)
            if limit is None or sizes is None or isinstance(sizes[0], str):
                continue
            if sizes[0] > limit:
                raise ValueError(f"a {spec.kind} {sizes[0]:.4g} mm {WORDS[name]} cannot be on this object, which is "
                                 f"{surface.axes.long_mm:.3g} mm long and {surface.axes.wide_mm:.3g} mm wide; {what}")
            if sizes[1] > limit:
                changes[name] = (sizes[0], limit)
                said.append(f"{spec.kind}.{name} of up to {sizes[1]:.4g} mm was cut to {limit:.3g} mm: {what}")
        made.append(spec.model_copy(update=changes) if changes else spec)
    changed = any(a is not b for a, b in zip(made, recipe.defects, strict=True))
    return (recipe.model_copy(update={"defects": tuple(made)}) if changed else recipe), tuple(dict.fromkeys(said))


def largest(spec: Spec, name: str, surface: Surface) -> tuple[float | None, str]:
    """The largest that a size of a spec can be (mm), and why; None where it is not held against the object."""
    axes = surface.axes
    if spec.at == "axis":
        return (axes.long_mm, "a bend or a twist is no longer than its object") if name == "length_mm" else (None, "")
    if name in ACROSS:
        return hypot(axes.long_mm, axes.wide_mm), "nothing on it is longer than its diagonal"
    return axes.wide_mm, "nothing goes farther into it or out of it than it is wide"
