"""What came out: before, after, masks, ground truth, displacement, visibility and the plan behind them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

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

    @cached_property
    def union(self) -> np.ndarray:
        return self.rgb | self.depth | self.points


Grade = Literal["easy", "medium", "hard", "hidden"]


def graded(contrast: float) -> Grade:
    """How hard a change of so many noise floors is to see."""
    return "easy" if contrast >= 10 else "medium" if contrast >= 3 else "hard" if contrast > 1 else "hidden"


@dataclass(frozen=True)
class Visibility:
    """How plainly one defect is seen: its largest change in units of each modality's noise floor."""

    rgb_contrast: float
    depth_contrast: float

    @property
    def difficulty(self) -> Grade:
        """How hard the defect is to see where it is seen best."""
        return graded(max(self.rgb_contrast, self.depth_contrast))

    @property
    def difficulty_in(self) -> dict[str, Grade]:
        """The same for each modality; points move with depth."""
        return {"rgb": graded(self.rgb_contrast), "depth": graded(self.depth_contrast)}

    @property
    def seen_in(self) -> tuple[str, ...]:
        """Which of "rgb", "depth", "points" show it."""
        return (("rgb",) if self.rgb_contrast > 1 else ()) + (
            ("depth", "points") if self.depth_contrast > 1 else ())


@dataclass(frozen=True)
class Measured:
    """Sizes of one defect: found on its field in the chart, and in pixels of the picture. mm, mm², mm³, pixels.

    volume_mm3: between the surface before and after; what went in and what came out both count
    """

    area_mm2: float
    area_px: int
    length_mm: float
    width_mm: float
    max_depth_mm: float
    max_height_mm: float
    volume_mm3: float


@dataclass(frozen=True, eq=False)
class Result:
    """One capture before and after.

    masks: see Masks
    gt: (H, W) bool, what an annotator would outline
    instances: (H, W) uint8, 0 where good, i + 1 for the plan's i-th defect
    displacement_mm: (H, W) float32 of the point seen after, + out of the surface, NaN removed or revealed; of matter
        that lies on the surface its height over it, and beyond a rim over the surface carried straight on
    visibility: one for each defect of the plan
    warnings: sentences on what the capture's noise floor or its light hides
    """

    before: Capture
    after: Capture
    masks: Masks
    gt: np.ndarray
    instances: np.ndarray
    displacement_mm: np.ndarray
    visibility: tuple[Visibility, ...]
    plan: Plan
    warnings: tuple[str, ...] = ()
    measurers: tuple[Callable[[int], Measured], ...] = field(default=(), repr=False)

    @cached_property
    def measured(self) -> tuple[Measured, ...]:
        """Sizes of each defect of the plan, measured when first asked for."""
        return tuple(measure(int(np.count_nonzero(self.instances == i + 1)))
                     for i, measure in enumerate(self.measurers))
