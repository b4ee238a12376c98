"""Say it, and it is painted where the mask is; lifted, it stays on the surface for every view and modality.

The models' random numbers come from the seed alone; what they drew is kept in the plan, so that a replay needs none.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from crossmodal.capture import Capture
from crossmodal.guidance import captions
from crossmodal.imprint import imprint
from crossmodal.inpaint.crop import Crop, nearness
from crossmodal.inpaint.models import Model, Sampling, drawn, least_side
from crossmodal.lift import Profile, lift
from crossmodal.lifted import LiftedEdit
from crossmodal.plan import Plan
from crossmodal.result import Result

KIND = "inpainted"


@dataclass(frozen=True, eq=False)
class Inpainted:
    """What a model painted on a capture, or on a result's picture.

    rgb: (H, W, 3) uint8, outside the mask as it was to the bit; mask: (H, W) bool; text: what was asked for
    edit: the change lifted; result: the capture before and after all edits, with their plan
    """

    rgb: np.ndarray
    mask: np.ndarray
    text: str
    edit: LiftedEdit
    result: Result


def inpaint(target: Capture | Result, text: str | None, model: Model | str, mask: np.ndarray | None = None, *,
            sampling: Sampling | None = None, relief: Profile | np.ndarray | str | None = None, kind: str = KIND,
            tell: Callable[[int, int], None] | None = None) -> Inpainted:
    """Paint what a text says inside a mask of a capture, or where a result's defects are, and lift it.

    target: of a Result the picture and the depth *after* its defects are used, so that a model with a ControlNet is fed
        our own edited depth
    text: None takes the result's captions
    mask: (H, W) bool; of a Result its ground truth if None
    sampling: seed, steps, strength, guidance, negative; None takes Sampling()
    relief: as in ``lift``; the relief that a result's defects have stays
    kind: what the defect is called; tell: told (steps done, of all)
    Errors: ValueError, one line: weights or a library are missing, no mask, no text, a mask that does not fit, or what
    was painted differs nowhere from what was there; and those of ``lift``.
    """
    model = Model(model) if isinstance(model, str) else model
    done = target if isinstance(target, Result) else None
    base = target if done is None else done.after
    mask = done.gt if mask is None and done is not None else mask
    if mask is None:
        raise ValueError("inpainting a capture needs a mask: where to paint")
    if mask.dtype != bool or mask.shape != base.shape:
        raise ValueError(f"mask must be bool {base.shape}, but got {mask.dtype} {mask.shape}")
    if not mask.any():
        raise ValueError("the mask is empty; there is nowhere to paint")
    text = _said(text, done)
    crop = Crop.around(mask, *least_side(model))
    control = None if model.control is None else nearness(crop.cut(base.depth))
    made = drawn(model, text, crop.cut(base.rgb), crop.cut(mask), control, sampling or Sampling(), tell)
    rgb = crop.laid(base.rgb, made, mask)
    edit = replace(lift(base, rgb=rgb, mask=mask, relief=relief), kind=kind)
    return Inpainted(rgb, mask, text, edit, _imprinted(target, edit))


def _said(text, done) -> str:
    text = " ".join(captions(done)) if text is None and done is not None else text
    if not text or not text.strip():
        raise ValueError("there are no words for what to paint; give a text")
    return text


def _imprinted(target, edit) -> Result:
    """The edit in a capture, or after the edits of a result, whose plan then holds it too."""
    from crossmodal.synthesis import replay  # a result is made again with one edit more

    if isinstance(target, Capture):
        return imprint(target, edit)
    plan: Plan = target.plan
    return replay(target.before, plan.model_copy(update={"defects": (*plan.defects, edit.planned)}))
