"""What a sample says beside its original: bits, masks and rays."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from crossmodal.camera import Camera
from crossmodal.evaluation.alone import usual_unit, widened
from crossmodal.evaluation.arrays import Arrays
from crossmodal.evaluation.cameras import reprojection
from crossmodal.evaluation.records import Entry
from crossmodal.evaluation.report import Figure

FAR_SHARE = 0.02  # of a mask's pixels may lie more than a pixel from any real change
RAY_PX = 0.05


@dataclass(frozen=True, eq=False)
class Pair:
    """A sample and its original, of one size, and where they differ."""

    before: Arrays
    after: Arrays

    @cached_property
    def rgb(self) -> np.ndarray | None:
        """(H, W) bool: pixels of another colour; None where either has no rgb."""
        if self.before.rgb is None or self.after.rgb is None:
            return None
        return (self.before.rgb != self.after.rgb).any(-1)

    @cached_property
    def xyz(self) -> np.ndarray | None:
        """(H, W) bool: points of other bits; None where either has no geometry."""
        return _xyz_changed(self.before, self.after)

    @property
    def changes(self) -> list[np.ndarray]:
        """Of rgb and xyz, those that could be compared."""
        return [changed for changed in (self.rgb, self.xyz) if changed is not None]

    @property
    def same(self) -> bool:
        """Whether something was compared and nothing differs."""
        return bool(self.changes) and not any(changed.any() for changed in self.changes)


def _xyz_changed(before: Arrays, after: Arrays) -> np.ndarray | None:
    """Points of other bits, whatever code of the source's standing for (0, 0, 0) in image files.

    Where unit or number type differ, or the source has depth alone, values farther apart than their rounding.
    """
    if after.xyz is None:
        return None
    if before.xyz is None:
        return None if before.depth is None else _z_changed(before.depth, after)
    old, new = before.xyz, after.xyz
    if after.coded == "zero":
        void = np.isnan(before.points[..., 2]) & (old[..., 2] != 0)
        old = np.where(void[..., None], np.zeros((), old.dtype), old)
    if old.dtype == new.dtype and before.unit_m == after.unit_m:
        as_bits = f"u{old.dtype.itemsize}"
        return (np.ascontiguousarray(old).view(as_bits) != np.ascontiguousarray(new).view(as_bits)).any(-1)
    return _apart(old.astype(np.float64) * before.unit_m, new.astype(np.float64) * after.unit_m).any(-1)


def _z_changed(depth, after):
    old, new = depth.astype(np.float64), after.xyz[..., 2].astype(np.float64) * after.unit_m
    old[~np.isfinite(old) | (old == 65535)] = 0
    both = (old > 0) & (new > 0)
    return _apart(old * usual_unit(np.median(new[both] / old[both])), new) if both.any() else old != new


def _apart(old, new):
    with np.errstate(invalid="ignore"):
        near = np.abs(old - new) <= 1e-6 * np.abs(new) + 1e-9
    return ~(near | (np.isnan(old) & np.isnan(new)))


def bits(pair: Pair) -> list[Figure]:
    """No bit changed outside the mask of its modality (gt where there are no masks by modality)."""
    figures = []
    for word, role, changed in (("rgb", "gt_rgb", pair.rgb), ("xyz", "gt_depth", pair.xyz)):
        mask = pair.after.mask(role if role in pair.after.masks else "gt")
        if changed is None or mask is None:
            continue
        count = int((changed & ~mask).sum())
        fault = f"{count} px of {word} changed outside the mask" if count else None
        figures.append(Figure(f"{word} outside its mask", count, fault))
    return figures


def really_changed(pair: Pair) -> list[Figure]:
    """Every mask lies where its modality really changed: the share that did, and little far from a change."""
    either = np.logical_or.reduce(pair.changes) if pair.changes else None
    figures = []
    for test, role, changed in (
        ("rgb mask really changed", "gt_rgb", pair.rgb),
        ("depth mask really changed", "gt_depth", pair.xyz),
        ("gt really changed", "gt", either),
    ):
        mask = pair.after.mask(role)
        if changed is None or mask is None or not mask.any():
            continue
        share = float(changed[mask].mean())
        # A coarse quantum, or 8 bits, swallow some small changes inside a mask, but not along its rim.
        far = float((mask & ~widened(_closed(changed))).sum() / mask.sum())
        fault = None
        if far > FAR_SHARE:
            fault = f"{100 * far:.0f} % of {role} lies more than a pixel from any real change"
        figures.append(Figure(test, share, fault))
    return figures


def _closed(mask):
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0


def rays(pair: Pair, camera: Camera | None) -> list[Figure]:
    """Changed points stay on their pixels' rays as well as the source's own points do."""
    before, after, changed = pair.before, pair.after, pair.xyz
    if camera is None or changed is None or before.points is None or not changed.any():
        return []
    own = reprojection(camera, before.points)
    new = reprojection(camera, after.points)[changed]
    new = new[np.isfinite(new)]
    if not len(new):
        return []
    there = own[widened(changed, 3)]
    there = there[np.isfinite(there)]
    usual = max(np.nanquantile(own, 0.99), np.quantile(there, 0.99) if len(there) else 0.0)
    worst = float(np.quantile(new, 0.99))
    fault = None
    if worst > usual + RAY_PX:
        fault = f"changed points are {worst:.2f} px (p99) from their own pixels, the source's {usual:.2f} px"
    return [Figure("changed points on their rays", worst, fault)]


def appear(pair: Pair, entry: Entry | None) -> list[Figure]:
    """Every defect of the manifest really changed each modality that it is said to be visible in."""
    if entry is None or "instances" not in pair.after.masks:
        return []
    changes = {"rgb": pair.rgb, "depth": pair.xyz, "points": pair.xyz}
    instances = pair.after.masks["instances"]
    faults, told = [], False
    for defect in entry.defects:
        region = widened(instances == defect.get("instance", 1))
        for modality in defect.get("visible_in") or ():
            changed = changes.get(modality)
            told = told or changed is not None
            if changed is not None and not (changed & region).any():
                faults.append(f"{defect.get('kind')} {defect.get('instance')} is not there in {modality}")
    return [Figure("defects appear", None, "; ".join(faults) or None)] if told else []


def untouched(copies: list[Arrays], after: Arrays) -> list[Figure]:
    """A good capture is one of the source's, bit for bit. copies: what it may have been copied from."""
    if not copies:
        return [Figure("good copies untouched", None, "no capture of the source has this picture")]
    pairs = [Pair(before, after) for before in copies if before.shape == after.shape]
    counts = [int(np.logical_or.reduce(pair.changes).sum()) for pair in pairs if pair.changes]
    if not counts:
        return [Figure("good copies untouched", None, "the source's capture has another size")]
    count = min(counts)
    return [Figure("good copies untouched", count, f"{count} px differ from the source" if count else None)]
