"""What one cloud of a run says beside the cloud that it was made from: rows, bits, ways, and the same made again."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crossmodal.clouds.cloud import Cloud
from crossmodal.clouds.sheet import TURNED
from crossmodal.datasets.mvtec3d_writer import own_version
from crossmodal.evaluation.cloud_alone import Written, resolution, taken_away
from crossmodal.evaluation.records import Entry
from crossmodal.evaluation.report import Figure
from crossmodal.evaluation.sizes import KINDS
from crossmodal.plan import Plan

SURE = 30.0  # of a file's resolution, that a point must have moved for its way to be told
AGAIN_MM = 1e-3  # by which another machine's replay may differ
BORDER = 0.01  # of a defect's points, that lie on its border


@dataclass(frozen=True, eq=False)
class Beside:
    """A cloud of a run beside its source: row k of it was row ``made.labels["source"][k]`` of before's file."""

    made: Written
    before: Cloud
    entry: Entry

    @cached_property
    def plan(self) -> Plan:
        """Errors: ValidationError."""
        return Plan.model_validate(self.entry.plan)

    @cached_property
    def rows(self) -> np.ndarray:
        """(M,) int64 rows of the source's file; of a new point, its first."""
        return np.maximum(self.made.labels["source"].astype(np.int64), 0)

    @cached_property
    def changed(self) -> np.ndarray:
        """(M,) bool: points with other bits in any column than the source's, and new ones."""
        now, then = self.made.table.columns, self.before.table.columns
        if [(name, values.dtype) for name, values in now.items()] != [(n, v.dtype) for n, v in then.items()]:
            return np.ones(len(self.rows), bool)
        return ~self.made.old | np.logical_or.reduce(
            [(_bits(now[name]) != _bits(then[name][self.rows])).any(-1) for name in now])

    @cached_property
    def step_mm(self) -> np.ndarray:
        """(M, 3) how far each point is from where it was; 0 of a new one."""
        step = 1e3 * self.before.unit_m * (self.made.table.xyz - self.before.table.xyz[self.rows])
        return np.where(self.made.old[:, None], step, 0.0)

    @cached_property
    def resolution_mm(self) -> float:
        """What the file's numbers cannot tell apart."""
        return 2e3 * self.before.unit_m * resolution(self.made.table)


def _bits(values):
    values = np.ascontiguousarray(values)
    return values.view(np.uint8).reshape(len(values), -1)


def against(made: Written, before: Cloud, entry: Entry) -> list[Figure]:
    """Every test that needs the original. Errors: ValueError: the source's outside cannot be told."""
    pair = Beside(made, before, entry)
    lost = int((~np.isin(made.labels["source"][made.old], before.rows)).sum())
    if lost:
        return [Figure("points of the source", lost, f"{lost} points name a row where the source has no point")]
    return _order(pair) + _outside(pair) + _moved(pair) + _again(pair)


def _order(pair: Beside) -> list[Figure]:
    """The source's points follow one another as they did, new ones after them, and as many are gone as is said."""
    old, rows, faults = pair.made.old, pair.made.labels["source"][pair.made.old], []
    if (np.diff(rows) <= 0).any() or (np.diff(old.astype(int)) > 0).any():
        faults.append("points of the source are not in their order, stand twice, or stand behind new ones")
    gone, said = len(pair.before) - len(rows), taken_away(pair.entry)
    if gone != said:
        faults.append(f"{gone} points are gone, but the manifest says {said}")
    return [Figure("points of the source", abs(gone - said), "; ".join(faults) or None)]


def _outside(pair: Beside) -> list[Figure]:
    """A point that no defect touched has the source's bits in every column, and one that lies still its place."""
    labels = pair.made.labels
    strayed = (labels["instance"] == 0) & pair.changed
    strayed |= pair.made.old & (labels["displacement_mm"] == 0) & (pair.step_mm != 0).any(-1)
    count = int(strayed.sum())
    return [Figure("rows outside the labels", count, f"{count} points changed that no label tells of" if count else
                   None)]


def _moved(pair: Beside) -> list[Figure]:
    """Of one defect, a point moved as far as displacement says, along its normal, to the side that the sign says."""
    told = pair.made.labels["displacement_mm"]
    moved = pair.made.old & (told != 0) & np.isfinite(told) & np.isfinite(pair.step_mm).all(-1)
    if len(pair.plan.defects) != 1 or not moved.any():
        return []  # of several, one may have moved what another turned
    step, said = pair.step_mm[moved], told[moved].astype(np.float64)
    far = np.linalg.norm(step, axis=1)
    off = np.abs(far - np.abs(said))
    wrong = int((off > pair.resolution_mm + np.spacing(np.abs(told[moved]))).sum())
    figures = [Figure("moved as displacement says", float(off.max()),
                      f"{wrong} points moved farther or less than displacement says" if wrong else None)]
    sure = far > SURE * pair.resolution_mm
    if not sure.any():
        return figures
    cosine = np.einsum("ij,ij->i", step[sure], _ways(pair, moved)[sure]) / (np.sign(said) * far)[sure]
    # Matter moves as one piece, whose way is never as far from a point's own normal as this.
    astray = int((cosine < TURNED - 2 / SURE).sum())
    return [*figures, Figure("moved along their normals", float(np.degrees(np.arccos(np.clip(cosine.min(), -1, 1)))),
                             f"{astray} points moved to the side, or the other way" if astray else None)]


def _ways(pair, moved):
    """(m, 3) the source's normals, outwards; a warp moves all one way, which the plan tells."""
    [planned] = pair.plan.defects
    if planned.kind in KINDS and KINDS[planned.kind].effect == "warp":
        return np.broadcast_to(planned.normal, (int(moved.sum()), 3))
    return pair.before.surface.normals[np.searchsorted(pair.before.rows, pair.rows[moved])]


def _again(pair: Beside) -> list[Figure]:
    """The plan touches the same points and puts them where they are: on this machine exactly, and from another one's
    no farther than AGAIN_MM, but for some on a defect's border."""
    from crossmodal.synthesis import replay

    if pair.entry.version != own_version():
        return []  # another version may make other points
    result, labels = replay(pair.before, pair.plan), pair.made.labels
    again = np.where(result.source >= 0, pair.before.rows[np.maximum(result.source, 0)], -1)
    both, here, there = np.intersect1d(labels["source"], again[again >= 0], return_indices=True)  # new ones come last
    off = 1e3 * pair.before.unit_m * np.linalg.norm(pair.made.table.xyz[here] - result.table.xyz[there], axis=1)
    astray = abs(len(labels["source"]) - len(again)) + 2 * (int(pair.made.old.sum()) - len(both))
    astray += int(((off > AGAIN_MM + pair.resolution_mm) | (labels["instance"][here] != result.instances[there])).sum())
    fault = f"the plan makes {astray} points otherwise" if astray > BORDER * result.gt.sum() else None
    return [Figure("made again from its plan", float(off.max(initial=0.0)), fault)]
