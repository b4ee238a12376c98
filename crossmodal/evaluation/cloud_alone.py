"""What one cloud of a run says by itself and beside its manifest line: files, labels and counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossmodal.evaluation.records import Entry
from crossmodal.evaluation.report import Figure
from pointcloud import Table, read_ply, read_table
from pointcloud.text import LEAST_DECIMALS

SAYS = ("x", "y", "z", "label", "instance", "displacement_mm", "source")
"""The columns of labels/NNN.ply, a row for each point of its cloud."""

TEXTS = (".xyz", ".txt", ".asc")


@dataclass(frozen=True, eq=False)
class Written:
    """A cloud of a run as it stands on disk.

    name: test/dent/003; files: "cloud" and, where there is one, "labels"; table: the cloud's columns
    labels: the columns SAYS (M,) of its points; None for a good cloud outside test, which has none
    """

    name: str
    kind: str
    files: Mapping[str, Path]
    table: Table
    labels: dict[str, np.ndarray] | None

    @classmethod
    def read(cls, name: str, files: Mapping[str, Path]) -> "Written":
        """Errors: ValueError, OSError, one line."""
        kind, table, labels = name.split("/")[-2], read_table(files["cloud"]), None
        if "labels" in files:
            labels = read_ply(files["labels"]).vertices
            if lacking := [word for word in SAYS if word not in labels]:
                raise ValueError(f"{files['labels']} has no {' '.join(lacking)}; make the run again")
            if len(labels["x"]) != len(table):
                raise ValueError(f"{files['labels']} has {len(labels['x'])} rows but {files['cloud']} {len(table)} "
                                 "points; make the run again")
            labels = {word: labels[word] for word in SAYS}
        return cls(name, kind, files, table, labels)

    @property
    def old(self) -> np.ndarray:
        """(M,) bool: points that the source had."""
        return self.labels["source"] >= 0


def resolution(table: Table) -> float:
    """What the numbers of a file's coordinates cannot tell apart, in its own unit."""
    if table.suffix in TEXTS:
        return 10.0**-LEAST_DECIMALS
    types = (table.columns[name].dtype.type for name in table.roles.xyz)
    most = np.abs(table.xyz[np.isfinite(table.xyz)]).max(initial=0)
    return max(float(np.spacing(one(most))) if issubclass(one, np.floating) else 1.0 for one in types)


def beside_their_points(made: Written) -> list[Figure]:
    """Each row of labels lies at its point."""
    there = np.stack([made.labels[axis] for axis in "xyz"], -1)
    away = np.abs(there - made.table.xyz) - np.spacing(np.abs(there))
    nowhere = np.isnan(there) & np.isnan(made.table.xyz)
    far = int((~(away <= resolution(made.table)) & ~nowhere).any(-1).sum())
    return [Figure("labels at their points", far, f"{far} rows of labels lie elsewhere" if far else None)]


def label_values(made: Written, ids: Mapping[str, int], entry: Entry | None) -> list[Figure]:
    """A label is the class id of its instance's kind, and 0 where there is no instance, as in all of a good cloud; and
    displacement is a number."""
    label, instance = made.labels["label"], made.labels["instance"]
    wrong = ~np.isin(label, [0, *ids.values()])
    if entry is None:
        wrong |= (label > 0) != ((instance > 0) & (made.kind != "good"))
    else:
        known = np.array([0, *(defect["class_id"] for defect in entry.defects)])
        wrong |= (instance >= len(known)) | (label != known[np.minimum(instance, len(known) - 1)])
    count, faults = int(wrong.sum()), []
    if count:
        faults.append(f"{count} points have another label than their instance's class id")
    if unmeasured := int((~np.isfinite(made.labels["displacement_mm"])).sum()):
        faults.append(f"{unmeasured} points have a displacement that is no number")
    if made.kind != "good" and not label.any() and not (entry and taken_away(entry)):
        faults.append("no point is labelled")
    return [Figure("label values", count, "; ".join(faults) or None)]


def counts(made: Written, entry: Entry) -> list[Figure]:
    """As many points are of each defect, and new, as its manifest line says."""
    away, faults = [], []
    for defect in entry.defects:
        mine, said = made.labels["instance"] == defect["instance"], defect["measured"]
        for word, there in (("points", mine), ("points_added", mine & ~made.old)):
            away.append(abs(int(there.sum()) - said[word]))
            if away[-1]:
                faults.append(f"{defect['kind']}: {int(there.sum())} {word}, but the manifest says {said[word]}")
    return [Figure("counts as in the manifest", max(away, default=0), "; ".join(faults) or None)]


def taken_away(entry: Entry) -> int:
    """How many of the source's points are gone, as the manifest line says."""
    return sum(defect["measured"]["points_removed"] for defect in entry.defects)
