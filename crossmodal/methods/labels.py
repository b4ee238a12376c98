"""Labels that say more than where: NSA's soft one."""

import cv2
import numpy as np

from crossmodal.methods.canvas import box_of
from crossmodal.plan import Made, Plan, Planned
from crossmodal.result import Result

STEEPNESS, HALF_LEVELS = 1 / 6, 20  # NSA's logistic: how fast it rises a level, and the change that is worth one half
HALF_FLOORS = 3  # of a change of depth: from where it is graded medium
GRAIN_PX = 11  # across NSA's median
UNITS = 3 * HALF_LEVELS  # of one half: the channels' sum is whole, so that a median of it in 8 bits is exact


def asks_for_soft(planned: Planned) -> bool:
    """Whether a planned defect's label is to say how plainly it is seen."""
    return isinstance(planned, Made) and planned.blocks.label == "logistic"


def soft_asked(plan: Plan) -> bool:
    """Whether any defect of a plan asks for a soft label."""
    return any(map(asks_for_soft, plan.defects))


def soft_label(result: Result) -> np.ndarray:
    """(H, W) float32, 0 outside gt, in it above 0 and at most 1: what a detector is to learn.

    Of a defect whose method says ``label: logistic`` it is how plainly that is seen in colour or depth: a logistic of
    the median-filtered change (Schlüter et al. 2022; code hmsch/natural-synthetic-anomalies), one half at 20 8-bit
    levels of colour or at 3 noise floors of depth. Of any other it is 1: without such a method, gt.
    """
    label = result.gt.astype(np.float32)
    asked = np.array([False, *map(asks_for_soft, result.plan.defects)])[result.instances]
    if asked.any():
        box = box_of(asked, GRAIN_PX // 2)
        label[box][asked[box]] = _logistic(_change(result, box))[asked[box]]
    return label


def _change(result, box) -> np.ndarray:
    """(h, w) uint8 in a box: the larger of the changes of colour and depth, in parts of what is worth one half."""
    before, after = result.before, result.after
    colour = np.abs(after.rgb[box].astype(np.int16) - before.rgb[box]).sum(-1)
    old_z, new_z = before.depth[box], after.depth[box]
    floors = np.abs(new_z - old_z) / np.maximum(before.surface.floor.at(old_z), 1e-12)
    floors = np.where(np.isnan(floors), np.inf, floors)  # what was lost or gained is plain
    depth = np.where(result.masks.depth[box], floors * (UNITS / HALF_FLOORS), 0)
    change = np.minimum(np.maximum(colour, depth), 255).astype(np.uint8)
    return cv2.medianBlur(_replicated(change, result.gt[box]), GRAIN_PX)


def _replicated(values, mask) -> np.ndarray:
    """Values (h, w) of a mask, and outside it those of its nearest pixel, so that a median rounds no corner off."""
    _, nearest = cv2.distanceTransformWithLabels((~mask).astype(np.uint8), cv2.DIST_L2, 5,
                                                 labelType=cv2.DIST_LABEL_PIXEL)
    own = np.zeros(nearest.max() + 1, values.dtype)
    own[nearest[mask]] = values[mask]
    return own[nearest]


def _logistic(change) -> np.ndarray:
    levels = np.arange(256) * (HALF_LEVELS / UNITS)
    return (1 / (1 + np.exp(STEEPNESS * (HALF_LEVELS - levels)))).astype(np.float32)[change]
