"""What a capture can show of a relief, known before anything is made."""

from collections.abc import Sequence

import numpy as np

from crossmodal.edit import Field
from crossmodal.surface import Surface

HIDDEN_FLOORS = 1.5  # a relief of so many noise floors is lost in them: few of its pixels rise above one
RESOLVED = 0.6  # of a groove g pixels wide, a pixel's mean sees about 0.6·g of the depth, until g reaches 1.7
PLAIN = 0.7  # a relief of which less than this share is seen is worth a word
DIM = 0.3  # confidence in the light below which relief is hardly relit


def foretold(surface: Surface, grown: Sequence[tuple[str, Field, Sequence[float], Sequence[float]]]) -> tuple[str, ...]:
    """Sentences on what a surface's sensor or light will hide of defects: (kind, field, anchor m, normal) of each."""
    said = [sentence for one in grown if (sentence := hidden(surface, *one))]
    sure = surface.light.confidence
    if sure < DIM and any(max(field.deepest_mm, field.highest_mm) > 0 for _, field, _, _ in grown):
        said.append(f"the light of this capture is poorly known (confidence {sure:.2f}): relief is hardly seen in RGB")
    return tuple(said)


def hidden(surface: Surface, kind: str, field: Field, anchor_m, normal) -> str | None:
    """A sentence where the depth noise floor or the pixels hide a field's relief at a place (m) with this normal.

    None where the relief shows, or where there is none.
    """
    deepest_mm = max(field.deepest_mm, field.highest_mm)
    if deepest_mm == 0 or _opens(field):
        return None
    if is_lost(surface, field, anchor_m, normal):
        floor = surface.floor
        cause = (f"{floor.quantum_m * 1e3:.2g} mm depth quantum" if floor.quantum_m > 0
                 else f"{1e3 * float(floor.at(np.float32(anchor_m[2]))):.2g} mm depth noise")
        return f"{deepest_mm:.2g} mm {kind} is below this capture's {cause}: visible in colour only"
    pixels, seen_mm = _seen(surface, field, anchor_m, normal)
    if seen_mm >= PLAIN * deepest_mm:
        return None
    return (f"{deepest_mm:.2g} mm {kind} is {pixels:.1f} pixels wide here: "
            f"about {seen_mm:.2g} mm of its depth can be seen")


def is_lost(surface: Surface, field: Field, anchor_m, normal) -> bool:
    """Whether the noise floor hides a field's relief at a place (m) with this normal; no relief is not lost."""
    if _opens(field):
        return False
    _, seen_mm = _seen(surface, field, anchor_m, normal)
    floor_mm = 1e3 * float(surface.floor.at(np.float32(anchor_m[2])))
    return max(field.deepest_mm, field.highest_mm) > 0 and seen_mm <= HIDDEN_FLOORS * floor_mm


def _opens(field) -> bool:
    """Whether surface is gone: what lies behind is seen however thin it was."""
    return getattr(field, "gone", None) is not None


def _seen(surface, field, anchor_m, normal) -> tuple[float, float]:
    """How many pixels the finest feature spans, slant included, and how many mm of the relief they can show."""
    anchor_m, normal = np.asarray(anchor_m), np.asarray(normal)
    pixel_mm = 1e3 * float(anchor_m[2]) / (surface.camera.fx * surface.camera.fy) ** 0.5
    facing = max(0.0, -float(anchor_m @ normal) / float(np.linalg.norm(anchor_m)))
    pixels = field.finest_mm / pixel_mm * facing
    return pixels, max(field.deepest_mm, field.highest_mm) * min(1.0, RESOLVED * pixels)
