"""What a sample says beside its original: bits, masks, rays, sign and size of the relief."""

import cv2
import numpy as np

from crossmodal.camera import Camera
from crossmodal.defects import DEFECTS
from crossmodal.evaluation.alone import usual_unit, widened
from crossmodal.evaluation.arrays import Arrays
from crossmodal.evaluation.cameras import reprojection
from crossmodal.evaluation.records import Entry
from crossmodal.evaluation.relief import Relief, measure
from crossmodal.evaluation.report import Figure

EFFECTS = {spec.model_fields["kind"].default: spec.effect for spec in DEFECTS}
FAR_SHARE = 0.02  # of a mask's pixels may lie more than a pixel from any real change
RAY_PX = 0.05
SIGMAS = 6.0


def rgb_changed(before: Arrays, after: Arrays) -> np.ndarray | None:
    """(H, W) bool: pixels of another colour; None where either has no rgb of that size."""
    if before.rgb is None or after.rgb is None or before.rgb.shape != after.rgb.shape:
        return None
    return (before.rgb != after.rgb).any(-1)


def xyz_changed(before: Arrays, after: Arrays) -> np.ndarray | None:
    """(H, W) bool: points of other bits, whatever code of the source's standing for (0, 0, 0) in image files.

    Where unit or number type differ, or the source has depth alone, values farther apart than their rounding.
    None where either has no geometry.
    """
    if after.xyz is None or after.shape != before.shape:
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


def same(before: Arrays, after: Arrays) -> bool:
    """Whether neither modality differs anywhere."""
    changes = [c for c in (rgb_changed(before, after), xyz_changed(before, after)) if c is not None]
    return bool(changes) and not any(c.any() for c in changes)


def bits(before: Arrays, after: Arrays) -> list[Figure]:
    """No bit changed outside the mask of its modality (gt where there are no masks by modality)."""
    figures = []
    for word, role, changed in (
        ("rgb", "gt_rgb", rgb_changed(before, after)),
        ("xyz", "gt_depth", xyz_changed(before, after)),
    ):
        mask = after.mask(role if role in after.masks else "gt")
        if changed is None or mask is None:
            continue
        count = int((changed & ~mask).sum())
        figures.append(
            Figure(
                f"{word} outside its mask",
                count,
                f"{count} px of {word} changed outside the mask" if count else None,
            )
        )
    return figures


def really_changed(before: Arrays, after: Arrays) -> list[Figure]:
    """Every mask lies where its modality really changed: the share that did, and little far from a change."""
    in_rgb, in_xyz = rgb_changed(before, after), xyz_changed(before, after)
    either = np.logical_or.reduce([c for c in (in_rgb, in_xyz) if c is not None] or [False])
    figures = []
    for test, role, changed in (
        ("rgb mask really changed", "gt_rgb", in_rgb),
        ("depth mask really changed", "gt_depth", in_xyz),
        ("gt really changed", "gt", either if np.ndim(either) else None),
    ):
        mask = after.mask(role)
        if changed is None or mask is None or not mask.any():
            continue
        share = float(changed[mask].mean())
        # A coarse quantum, or 8 bits, swallow some small changes inside a mask, but not along its rim.
        far = float((mask & ~widened(_closed(changed))).sum() / mask.sum())
        fault = (
            f"{100 * far:.0f} % of {role} lies more than a pixel from any real change"
            if far > FAR_SHARE
            else None
        )
        figures.append(Figure(test, share, fault))
    return figures


def _closed(mask):
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0


def rays(before: Arrays, after: Arrays, camera: Camera | None) -> list[Figure]:
    """Changed points stay on their pixels' rays as well as the source's own points do."""
    changed = xyz_changed(before, after)
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


def relief(before: Arrays, after: Arrays, entry: Entry | None) -> list[Figure]:
    """Sign, displacement and size of what moved, measured on xyz alone, against displacement and manifest."""
    changed = xyz_changed(before, after)
    if changed is None:
        return []
    figures = appear(before, after, entry)
    if before.points is None or not changed.any():
        return figures
    found = measure(before.points * before.unit_m, after.points * after.unit_m, changed)
    changed = changed[found.window]
    figures += _sign(found, changed, _shown(after, found), entry)
    figures += _pixelwise(found, changed, _shown(after, found))
    return figures + _sizes(found, changed, after, entry)


def _shown(after, found):
    return None if after.displacement is None else after.displacement[found.window]


def _sign(found: Relief, changed, shown, entry):
    """In an inward kind nothing seen is nearer, in an outward one nothing farther; so says displacement."""
    kinds = {defect.get("kind", entry.kind) for defect in entry.defects} if entry else set()
    effects = {EFFECTS.get(kind) for kind in kinds}
    sense = {("in",): -1, ("out",): 1}.get(tuple(effects))
    if sense is None:
        return []
    # Within a pixel a slope may be met elsewhere, so a point counts only beyond its 3 x 3 neighbours' range.
    allowed = (SIGMAS * found.floor_mm + found.quantum_mm) * 1e-3 + found.range_m
    with np.errstate(invalid="ignore"):
        wrong = changed & (-sense * found.nearer_m > allowed)
        said = np.zeros_like(wrong) if shown is None else -sense * shown > 0
    count, mistold = int(wrong.sum()), int(said.sum())
    faults = []
    if count > max(2, 1e-3 * changed.sum()):
        faults.append(f"{count} px moved {'nearer' if sense < 0 else 'farther'}")
    if mistold:
        faults.append(f"displacement says {'out' if sense < 0 else 'in'} in {mistold} px")
    kind = " and ".join(sorted(kinds))
    return [Figure("sign of the relief", count + mistold, f"{kind}: {', '.join(faults)}" if faults else None)]


def _pixelwise(found: Relief, changed, shown):
    """displacement/NNN.tiff is what xyz shows, pixel by pixel."""
    if shown is None:
        return []
    with np.errstate(invalid="ignore"):
        good = changed & found.flat & np.isfinite(shown) & np.isfinite(found.mm)
    if good.sum() < 9:
        return []
    away = np.abs(found.mm - shown)[good]
    peak = float(np.abs(shown[good]).max())
    p95 = float(np.quantile(away, 0.95))
    allowed = 3 * found.floor_mm + found.quantum_mm + 0.1 * peak + 1e-3
    fault = None
    if p95 > allowed:
        fault = f"{p95:.3g} mm (p95) between displacement and xyz, {allowed:.3g} allowed, peak {peak:.3g}"
    return [Figure("displacement against xyz, p95", p95, fault)]


def _sizes(found: Relief, changed, after: Arrays, entry):
    """The largest relief of each defect against the manifest's measured and requested depth or height."""
    if entry is None or "instances" not in after.masks:
        return []
    instances = after.masks["instances"][found.window]
    figures = []
    for defect, region in _alone(entry, instances):
        if not {"depth", "points"} & set(defect.get("visible_in") or ()):
            continue
        effect = EFFECTS.get(defect.get("kind"))
        measured, requested = defect.get("measured") or {}, defect.get("requested") or {}
        with np.errstate(invalid="ignore"):
            good = region & changed & np.isfinite(found.mm)
            smooth = good & found.flat
        if smooth.sum() < max(4, 0.5 * good.sum()):
            continue
        height, depth = measured.get("max_height_mm") or 0, measured.get("max_depth_mm") or 0
        outward = effect == "out" or (effect is None and height > depth)
        sense, most, asked = (
            (1, "max_height_mm", "height_mm") if outward else (-1, "max_depth_mm", "depth_mm")
        )
        peak = float(np.quantile(sense * found.mm[smooth], 1 - 1 / max(1000, smooth.sum())))
        slack = _slack(good & (sense * found.mm > 0.1 * peak)) if peak > 0 else 0.0
        for test, wanted in (
            ("size as measured", measured.get(most)),
            ("size as requested", requested.get(asked)),
        ):
            low, high = _bounds(wanted)
            if low is None or high <= 0:
                continue
            short = (0.02 + slack) * low + 3 * found.floor_mm + found.quantum_mm
            beyond = 0.03 * high + (4 * found.floor_mm + found.quantum_mm)
            away = max(low - peak, peak - high, 0.0)
            fault = None
            if peak < low - short or peak > high + beyond:
                fault = f"{defect.get('kind')}: xyz moved {peak:.3g} mm, but {asked} is {high:.3g}"
            figures.append(Figure(test, away, fault))
    return figures


def _alone(entry, instances):
    """Each defect with its own pixels, where no other defect reaches them."""
    for defect in entry.defects:
        region = instances == defect.get("instance", 1)
        others = (instances > 0) & ~region
        if region.any() and not (widened(region, 2) & others).any():
            yield defect, region


def _slack(region):
    """How much of a peak may fall between the samples of a region only a few pixels across."""
    inner = cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 5).max()
    return min(1.0, 0.5 / float(inner)) if inner > 0 else 1.0


def _bounds(size):
    if isinstance(size, (list, tuple)) and len(size) == 2:
        return float(size[0]), float(size[1])
    return (float(size), float(size)) if isinstance(size, (int, float)) else (None, None)


def appear(before: Arrays, after: Arrays, entry: Entry | None) -> list[Figure]:
    """Every defect of the manifest really changed each modality that it is said to be visible in."""
    if entry is None or "instances" not in after.masks:
        return []
    changes = {"rgb": rgb_changed(before, after), "depth": xyz_changed(before, after)}
    changes["points"] = changes["depth"]
    instances = after.masks["instances"]
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
    counts = []
    for before in copies:
        changes = [c for c in (rgb_changed(before, after), xyz_changed(before, after)) if c is not None]
        if changes:
            counts.append(int(np.logical_or.reduce(changes).sum()))
    if not counts:
        return [Figure("good copies untouched", None, "the source's capture has another size")]
    count = min(counts)
    return [Figure("good copies untouched", count, f"{count} px differ from the source" if count else None)]
