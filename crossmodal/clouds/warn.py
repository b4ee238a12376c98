"""What a cloud can show of a relief, known before anything is made."""

from collections.abc import Sequence

from crossmodal.clouds.cloud import Cloud
from crossmodal.edit import Field, SurfaceEdit
from crossmodal.forecast import HIDDEN_FLOORS
from crossmodal.methods.shape_alone import told_of_shape

APART = 1.0  # mean distances of points: a feature narrower than that falls between them


def hidden(cloud: Cloud, edits: Sequence[SurfaceEdit]) -> tuple[str, ...]:
    """Sentences on what the cloud's noise and spacing, or its want of colours, hide of edits."""
    found = [said(cloud, edit.kind or "defect", edit.field) for edit in edits]
    if cloud.rgb is None:
        found += [told_of_shape(edit.planned, cloud.name or "the cloud") for edit in edits]
    return tuple(dict.fromkeys(sentence for sentence in found if sentence))


def said(cloud: Cloud, kind: str, field: Field) -> str | None:
    """A sentence where a field's relief is below the noise or between the points; None where it shows."""
    surface = cloud.surface
    relief = max(field.deepest_mm, field.highest_mm)
    if relief == 0 or getattr(field, "gone", None) is not None:
        return None
    if relief <= HIDDEN_FLOORS * surface.noise_mm:
        return f"{relief:.2g} mm {kind} is below this cloud's {surface.noise_mm:.2g} mm noise"
    if field.finest_mm < APART * surface.spacing_mm:
        return (f"{field.finest_mm:.2g} mm features of the {kind} fall between points {surface.spacing_mm:.2g} mm "
                "apart: only those that hit it show it")
    return None
