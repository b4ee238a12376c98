"""What came out: before, after, masks, ground truth, displacement, visibility and the plan behind them."""

from dataclasses import dataclass

import numpy as np

from crossmodal.capture import Capture
from crossmodal.plan import Plan


@dataclass(frozen=True, eq=False)
class Masks:
    """Where each modality changed beyond its noise floor, all (H, W) bool.

    effects: pixels changed only by shadow, ambient occlusion or drop-out; union: every changed pixel.
    """

    rgb: np.ndarray
    depth: np.ndarray
    points: np.ndarray
    effects: np.ndarray

    @property
    def union(self) -> np.ndarray:
        return self.rgb | self.depth | self.points


@dataclass(frozen=True)
class Visibility:
    """How plainly one defect is seen: its largest change in units of each modality's noise floor."""

    rgb_contrast: float
    depth_contrast: float

    @property
    def seen_in(self) -> tuple[str, ...]:
        """Which of "rgb", "depth", "points" show it."""
        return (("rgb",) if self.rgb_contrast > 1 else ()) + (
            ("depth", "points") if self.depth_contrast > 1 else ())


@dataclass(frozen=True)
class Measured:
    """Sizes of one defect, found on its field in the chart, and its area in pixels; what the manifest keeps."""

    area_mm2: float
    area_px: int
    length_mm: float
    width_mm: float
    max_depth_mm: float
    max_height_mm: float


@dataclass(frozen=True, eq=False)
class Result:
    """One capture before and after.

    masks: see Masks
    gt: (H, W) bool, what an annotator would outline
    instances: (H, W) uint8, 0 where good, i + 1 for the plan's i-th defect
    displacement_mm: (H, W) float32 of the point seen after, + out of the surface, NaN removed or revealed
    visibility, measured: one for each defect of the plan
    warnings: sentences on what the capture's noise floor hides
    """

    before: Capture
    after: Capture
    masks: Masks
    gt: np.ndarray
    instances: np.ndarray
    displacement_mm: np.ndarray
    visibility: tuple[Visibility, ...]
    measured: tuple[Measured, ...]
    plan: Plan
    warnings: tuple[str, ...] = ()
