"""What came out of a cloud: before, after, labels, displacement, where each point is from, and the plan behind them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from crossmodal.clouds.cloud import Cloud
from crossmodal.plan import Plan
from pointcloud import PointCloud, Table

ADDED = -1


@dataclass(frozen=True)
class CloudMeasured:
    """Sizes of one defect found on its field in the chart, and how many points it changed. mm, mm², mm³, points."""

    area_mm2: float
    length_mm: float
    width_mm: float
    max_depth_mm: float
    max_height_mm: float
    volume_mm3: float
    points: int
    points_added: int
    points_removed: int


@dataclass(frozen=True, eq=False)
class CloudResult:
    """One cloud before and after; after holds the old points that are left in their order, then the new ones.

    instances: (M,) uint8 of the points after, 0 where good, i + 1 for the plan's i-th defect
    displacement_mm: (M,) float32, + out of the surface; of a new point, how far it lies off the old surface
    source: (M,) int64, the point of before that each is, ADDED (-1) for a new one
    parent: (M,) int64, the same, or for a new one the point of before that is nearest to where it grew
    removed: (N,) uint8 of the points before, i + 1 where the i-th defect took them away
    recoloured: (M,) bool, points whose colour changed
    warnings: sentences on what the cloud's noise or spacing hides
    """

    before: Cloud
    after: Cloud
    instances: np.ndarray
    displacement_mm: np.ndarray
    source: np.ndarray
    parent: np.ndarray
    removed: np.ndarray
    recoloured: np.ndarray
    plan: Plan
    warnings: tuple[str, ...] = ()
    measurers: tuple[Callable[["CloudResult"], CloudMeasured], ...] = field(default=(), repr=False)

    @property
    def gt(self) -> np.ndarray:
        """(M,) bool of the points after: what a defect touched."""
        return self.instances > 0

    def classes(self, ids: dict[str, int]) -> np.ndarray:
        """(M,) uint8 of the points after: the class id of the defect's kind, 0 where good."""
        return np.array([0, *(ids[defect.kind] for defect in self.plan.defects)], np.uint8)[self.instances]

    @cached_property
    def measured(self) -> tuple[CloudMeasured, ...]:
        """Sizes of each defect of the plan, measured when first asked for."""
        return tuple(measure(self) for measure in self.measurers)

    @property
    def moved(self) -> np.ndarray:
        """(M,) bool of the points after: those that are new, or not where they were."""
        return (self.source == ADDED) | (self.displacement_mm != 0)

    @property
    def labelled(self) -> PointCloud:
        """The cloud after, in metres, with its instances as labels."""
        return PointCloud(self.after.xyz_m.astype(np.float32), self.after.rgb, self.after.normals, self.instances)

    @cached_property
    def table(self) -> Table:
        """The columns of the source's file, in its unit: an untouched point keeps its bits, a new one has what its
        parent has where no column of ours says otherwise. Raises ValueError for a cloud from no file."""
        before = self.before
        if before.table is None:
            raise ValueError(f"{before.name or 'the cloud'} came from no file; write result.labelled instead")
        return before.table.edited(before.rows[self.parent], self.moved, self.after.xyz_m / before.unit_m,
                                   self.after.normals, self.recoloured | (self.source == ADDED), self.after.rgb)
