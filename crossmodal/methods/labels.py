"""Result → label, where a method asks for one that says more than where."""

from functools import singledispatch

import cv2
import numpy as np

from crossmodal.methods.canvas import box_of
from crossmodal.methods.label import Difference, Label, Logistic, Where
from crossmodal.plan import Made, Plan, Planned
from crossmodal.result import Result

GRAIN_PX, SPECKS_PX = 11, 5  # across NSA's medians, of a soft label and of a binary one
WHOLE = 65 / 6  # of a logistic, of steepness 1, beyond its half: there it is 1 within 2e-5, and a larger change no more


def label_of(planned: Planned) -> Label:
    """What a detector is to learn of a planned defect."""
    return planned.blocks.label if isinstance(planned, Made) else Where()


def soft_asked(plan: Plan) -> bool:
    """Whether any defect of a plan asks for a label that is not gt."""
    return any(label_of(planned) != Where() for planned in plan.defects)


def soft_label(result: Result) -> np.ndarray:
    """(H, W) float32, 0 outside gt, in it 0 to 1: what a detector is to learn.

    Of a defect whose method says ``label: logistic`` it is how plainly that is seen in colour or depth, above 0 in all
    of gt; of one that says ``label: difference`` it is 1 where it changed plainly, somewhere at least, and else 0
    (Schlüter et al. 2022; code hmsch/natural-synthetic-anomalies; see methods.label). Of any other it is 1: without
    such a method, gt.
    """
    label, asked = result.gt.astype(np.float32), [label_of(planned) for planned in result.plan.defects]
    for spec in dict.fromkeys(asked):
        theirs = np.array([False, *(one == spec for one in asked)])[result.instances]
        if spec != Where() and theirs.any():
            box = box_of(theirs, GRAIN_PX // 2)
            label[box][theirs[box]] = _labelled(spec, result, box)[theirs[box]]
    return label


@singledispatch
def _labelled(spec: Label, result: Result, box) -> np.ndarray:
    """(h, w) float32 in a box, as a label of this kind says in gt."""
    raise TypeError(f"nothing labels by {type(spec).__name__}")


@_labelled.register
def _(spec: Logistic, result, box):
    whole = min(spec.half_levels + WHOLE / spec.steepness, 255)
    depth = _floors(result, box) * (3 * spec.half_levels / spec.half_floors)
    change = np.minimum(np.maximum(_colour(result, box), depth), round(3 * whole)).astype(np.uint16)
    levels = np.arange(3 * 255 + 1) / 3
    table = 1 / (1 + np.exp(np.minimum(spec.steepness * (spec.half_levels - levels), 80)))  # more is 0 as a float32
    return table.astype(np.float32)[_median(_replicated(change, result.gt[box]), round(3 * whole))]


@_labelled.register
def _(spec: Difference, result, box):
    plain = (_colour(result, box) > 3 * spec.levels) | (_floors(result, box) > spec.floors)
    label = cv2.medianBlur(_replicated(plain.view(np.uint8), result.gt[box]), SPECKS_PX)
    instances = result.instances[box]
    hidden = np.setdiff1d(instances, instances[label > 0])
    return np.where(np.isin(instances, hidden), 1, label).astype(np.float32)


def _colour(result, box) -> np.ndarray:
    """(h, w) int in a box: how much the channels change together, which is thrice their mean."""
    return np.abs(result.after.rgb[box].astype(np.int16) - result.before.rgb[box]).sum(-1)


def _floors(result, box) -> np.ndarray:
    """(h, w) in a box: how many noise floors depth changes by; what was lost or gained is plain."""
    old_z, new_z = result.before.depth[box], result.after.depth[box]
    floors = np.abs(new_z - old_z) / np.maximum(result.before.surface.floor.at(old_z), 1e-12)
    floors = np.where(np.isnan(floors), np.inf, floors)
    return np.where(result.masks.depth[box], floors, 0)


def _median(values, most) -> np.ndarray:
    """The median (h, w) of values (h, w) uint16 up to most, about each; OpenCV's wide one has 8 bits, of which these
    are sums: a median goes through what is cut off below and above."""
    parts = (np.clip(values.astype(np.int32) - low, 0, 255).astype(np.uint8) for low in range(0, most, 255))
    return sum(cv2.medianBlur(part, GRAIN_PX).astype(np.uint16) for part in parts)


def _replicated(values, mask) -> np.ndarray:
    """Values (h, w) of a mask, and outside it those of its nearest pixel, so that a median rounds no corner off."""
    _, nearest = cv2.distanceTransformWithLabels((~mask).astype(np.uint8), cv2.DIST_L2, 5,
                                                 labelType=cv2.DIST_LABEL_PIXEL)
    own = np.zeros(nearest.max() + 1, values.dtype)
    own[nearest[mask]] = values[mask]
    return own[nearest]
