"""Which way and how far the surface moved, against what the sample's displacement and manifest say."""

import cv2
import numpy as np
from scipy.spatial import cKDTree

from crossmodal.defects import DEFECTS
from crossmodal.evaluation.against import Pair
from crossmodal.evaluation.alone import widened
from crossmodal.evaluation.arrays import Arrays
from crossmodal.evaluation.records import Entry
from crossmodal.evaluation.relief import Relief, measure
from crossmodal.evaluation.report import Figure

KINDS = {spec.model_fields["kind"].default: spec for spec in DEFECTS}
BLUNT = {spec.model_fields["kind"].default for spec in DEFECTS if spec.blunts}
EDGED = {spec.model_fields["kind"].default for spec in DEFECTS if spec.at == "edge"}
ASTRAY, ASTRAY_AT_EDGE = 0.15, 0.4  # share of a displacement by which the way it went may be misjudged
OVERHANGING = {spec.model_fields["kind"].default for spec in DEFECTS if spec.overhangs}
STEEPEST = 0.35  # cosine of the steepest view (70°) of a surface that carries a defect
RIM_PX = 6  # from a surface's end inwards
SIGMAS = 6.0
RESOLVED_PX = 4.0
UNSEEN = 0.8  # of a cell's diagonal, within which something is seen of it
PEAK = 0.95  # of the largest displacement, and more: its peak


def relief(pair: Pair, entry: Entry | None) -> list[Figure]:
    """Sign, displacement and size of what moved, measured on xyz alone, against displacement and manifest."""
    before, after, changed = pair.before, pair.after, pair.xyz
    if changed is None or before.points is None or not changed.any():
        return []
    found = measure(before.points * before.unit_m, after.points * after.unit_m, changed)
    shown = None if after.displacement is None else after.displacement[found.window]
    _plumb(found, after, entry)
    asked = found, shown, after, entry
    return _sign(*asked) + _pixelwise(*asked) + _sizes(*asked)


def _effect(defect: dict) -> str | None:
    """What a manifest's defect does, its options included; None for a method that does both, or nobody knows what."""
    spec = KINDS.get(defect.get("kind"))
    if spec is None:
        return _effect_of_method(defect)
    try:
        return spec.model_validate(defect.get("requested") or {}).does
    except ValueError:
        return spec.effect  # another version's options


def _effect_of_method(defect: dict) -> str | None:
    made, region, sizes = _block(defect, "effect"), _block(defect, "region"), defect.get("measured") or {}
    if made.get("kind") in ("remove", "no_return"):
        return "remove"
    if made.get("kind") == "deposit":
        return "add"
    # A crater has a rim, and of signed noise there may be pits alone, whatever way its hills go.
    both = (sizes.get("max_height_mm") and sizes.get("max_depth_mm")) or _signed(region)
    return made.get("direction") if _hills(made) and not both and made.get("direction") in ("in", "out") else None


def _hills(made: dict) -> bool:
    return made.get("kind") == "hills" and made.get("along") != "rays"


def _signed(region) -> bool:
    """Whether a region of a method, or a part of it, goes both in and out."""
    parts = region.values() if isinstance(region, dict) else region if isinstance(region, list) else ()
    return (isinstance(region, dict) and region.get("signed") is True) or any(map(_signed, parts))


def _block(defect: dict, name: str) -> dict:
    """A method's block of that name; of a kind of the catalogue, and of what says none, nothing."""
    block = (defect.get("requested") or {}).get(name)
    return block if isinstance(block, dict) else {}


def _wanted(defect: dict, asked: str):
    """The depth or height that was asked for; hills have one size, whichever way they go."""
    if _hills(made := _block(defect, "effect")):
        return made.get("height_mm")
    return (defect.get("requested") or {}).get(asked)


def _plumb(found: Relief, after: Arrays, entry) -> None:
    """A warp moves all of an object one way, which the plan tells, and a method on depth maps each place along its ray,
    of which displacement tells the part along the normal; else a place goes along its own normal."""
    if entry is None or "instances" not in after.masks:
        return
    planned = entry.plan.get("defects") or ()
    for defect in entry.defects:
        instance = defect.get("instance", 1)
        if _effect(defect) == "warp" and 1 <= instance <= len(planned):
            found.direction[after.masks["instances"][found.window] == instance] = planned[instance - 1]["normal"]
        elif 1 <= instance <= len(planned) and _along_rays(planned[instance - 1]):
            there = after.masks["instances"][found.window] == instance
            ray, normal = found.moved[there], found.direction[there]
            found.direction[there] = ray / np.einsum("ij,ij->i", ray, normal)[:, None]


def _along_rays(planned: dict) -> bool:
    effect = (planned.get("blocks") or {}).get("effect") or {}
    return effect.get("kind") == "print" or effect.get("along") == "rays"


def _sign(found: Relief, shown, after: Arrays, entry):
    """In an inward kind nothing seen is nearer, in an outward one nothing farther; so says displacement."""
    if entry is None or "instances" not in after.masks:
        return []
    # Within a pixel a slope may be met elsewhere, so a point counts only beyond its 3 x 3 neighbours' range.
    allowed = (SIGMAS * found.floor_mm + found.quantum_mm) * 1e-3 + found.range_m
    figures = []
    for defect, region in _alone(entry, after.masks["instances"][found.window]):
        kind = defect.get("kind", entry.kind)
        sense = {"in": -1, "out": 1, "add": 1}.get(_effect(defect))
        moved = region & found.seen
        if sense is None or not moved.any():
            continue
        with np.errstate(invalid="ignore"):
            wrong = int((moved & (-sense * found.nearer_m > allowed)).sum())
            mistold = 0 if shown is None else int((region & (-sense * shown > 0)).sum())
        faults = []
        if wrong > max(2, 1e-3 * moved.sum()):
            faults.append(f"{wrong} px moved {'nearer' if sense < 0 else 'farther'}")
        if mistold:
            faults.append(f"displacement says {'out' if sense < 0 else 'in'} in {mistold} px")
        fault = f"{kind}: {', '.join(faults)}" if faults else None
        figures.append(Figure("sign of the relief", wrong + mistold, fault))
    return figures


def _pixelwise(found: Relief, shown, after: Arrays, entry):
    """displacement/NNN.tiff is what xyz shows: taken back, every point lies on the old surface again."""
    good = _comparable(found, shown, after, entry)
    if good.sum() < 9:
        return []
    peak = float(np.abs(shown[good]).max())
    p95 = float(np.quantile(found.left_mm(shown, good), 0.95))
    kinds = {defect.get("kind") for defect in entry.defects} if entry else set()
    astray = ASTRAY_AT_EDGE if kinds & EDGED else ASTRAY
    allowed = 3 * found.floor_mm + found.quantum_mm + astray * peak + 1e-3
    scale, error = found.scale(shown, good)
    fault = None
    if p95 > allowed:
        fault = f"{p95:.3g} mm (p95) between displacement and xyz, {allowed:.3g} allowed, peak {peak:.3g}"
    elif abs(scale - 1) > 0.1 + error:
        fault = f"xyz moved {scale:.2f} times what displacement says"
    return [Figure("displacement against xyz, p95", p95, fault)]


def _comparable(found: Relief, shown, after: Arrays, entry):
    """(h, w) bool: pixels whose displacement can be taken back onto the old surface. Matter that reaches over a rim, or
    is seen before ground farther off, stands on nothing there: it came nearer by more than its height can make it.
    Nor does it follow a surface that falls away before its rim.
    """
    if shown is None:
        return np.zeros_like(found.seen)
    known = found.seen & found.flat & np.isfinite(found.direction).all(-1) & np.isfinite(shown)
    known &= np.where(known, shown, 0) != 0
    if entry is None or "instances" not in after.masks:
        return known
    rim = cv2.dilate((~found.surface.cells).astype(np.uint8), np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8)) > 0
    for defect in entry.defects:
        if defect.get("kind") in OVERHANGING:
            region = after.masks["instances"][found.window] == defect.get("instance", 1)
            reach_mm = np.abs(np.where(known, shown, 0)) / STEEPEST + 3 * found.floor_mm + found.quantum_mm
            known &= ~(region & (rim | (1e3 * np.nan_to_num(found.nearer_m) > reach_mm)))
    return known


def _sizes(found: Relief, shown, after: Arrays, entry):
    """The largest relief of each defect against the manifest's measured and requested depth or height.

    Short of it by what sampling costs is no fault, and a defect under RESOLVED_PX across is not sized.
    """
    if entry is None or "instances" not in after.masks:
        return []
    instances = after.masks["instances"][found.window]
    figures = []
    for defect, region in _alone(entry, instances):
        if not {"depth", "points"} & set(defect.get("visible_in") or ()):
            continue
        effect = _effect(defect)
        if effect in ("remove", "warp"):
            continue  # a wall is seen only as far as one looks into it, an object only as far as it reaches
        measured = defect.get("measured") or {}
        good = region & found.seen & np.isfinite(found.mm)
        smooth = good & found.flat
        if smooth.sum() < max(4, 0.5 * good.sum()):
            continue
        height, depth = measured.get("max_height_mm") or 0, measured.get("max_depth_mm") or 0
        outward = effect in ("out", "add") or (effect is None and height > depth)
        sense, most, asked = -1, "max_depth_mm", "depth_mm"
        if outward:
            sense, most, asked = 1, "max_height_mm", "height_mm"
        comparable = _comparable(found, shown, after, entry)
        if shown is not None and defect.get("kind") in OVERHANGING and (smooth & comparable).sum() < 0.5 * smooth.sum():
            continue  # the better part of it lies at a rim
        peak, error = _peak(found, shown, smooth, sense, comparable)
        across = _across(smooth & (np.sign(peak) * sense * found.mm > 0.1 * abs(peak)))
        hidden = _out_of_sight(found, shown, region & comparable, sense)
        share = min(1.0, 1 / across)  # of a peak, that may fall between the samples
        between = _between(found, shown, smooth & comparable, sense)
        sizes = {"size as measured": measured.get(most), "size as requested": _wanted(defect, asked)}
        for test, wanted in sizes.items():
            low, high = _bounds(wanted)
            if low is None or high <= 0:
                continue
            away = max(low - peak, peak - high, 0.0)
            short = peak < 0.95 * low - max(share * low, between) - error
            if short and (across < RESOLVED_PX or hidden):
                continue  # not seen to its ground: no size can be told
            kind = defect.get("kind")
            wrong = short or (peak > 1.03 * high + error and kind not in BLUNT)
            fault = f"{kind}: xyz moved {peak:.3g} mm, but {asked} is {high:.3g}" if wrong else None
            figures.append(Figure(test, away, fault))
    return figures


def _peak(found: Relief, shown, good, sense, comparable):
    """The largest relief in one sense, mm, and its error: displacement's peak, or what xyz shows of it.

    Where there is no displacement, the largest distance off the old surface.
    """
    known = good & comparable
    if not known.any():
        return float((sense * found.mm[good]).max()), 4 * found.floor_mm + found.quantum_mm + 1e-3
    scale, error = found.scale(shown, known)
    if abs(scale - 1) <= 0.1 + error:
        scale = 1.0
    peak = float((sense * scale * shown[known]).max())
    return peak, error * abs(peak) + 1e-3


def _between(found, shown, good, sense) -> float:
    """How far, mm, relief may rise between the highest sample and the next: where it is concave it stays under the line
    through a sample and the one behind it, so that half way on it has risen by half of what it falls behind, down the
    rows and across them.
    """
    if shown is None or not good.any():
        return 0.0
    i, j = np.unravel_index(np.argmax(np.where(good, sense * shown, -np.inf)), shown.shape)
    about = np.pad(sense * shown, 1, constant_values=np.nan)[i:i + 3, j:j + 3].astype(float)
    falls = np.clip(about[1, 1] - np.array((about[:, 1], about[1])), 0, max(about[1, 1], 0.0))
    return float(0.5 * np.nan_to_num(falls).max(-1).sum())


def _out_of_sight(found: Relief, shown, region, sense) -> bool:
    """Whether relief may be hidden behind relief: more of the old surface in a region stands where nothing is seen
    after than what is seen reaches its peak. Told only where displacement is what xyz shows.
    """
    if shown is None or not region.any():
        return False
    scale, error = found.scale(shown, region)
    here = region[found.surface.cells]
    if abs(scale - 1) > 0.1 + error or not here.any():
        return False
    stood = found.moved - 1e-3 * np.nan_to_num(shown)[..., None] * found.direction  # before it was moved
    seen = cKDTree(stood[np.isfinite(stood).all(-1) & np.isfinite(shown)])
    middles = found.surface.places.reshape(-1, len(here), 3).mean(0)[here]
    unseen = int((seen.query(middles)[0] > UNSEEN * found.surface.sizes[here]).sum())
    told = sense * shown[region]
    return unseen > 1 and unseen >= (told > PEAK * told.max()).sum()


def _alone(entry, instances):
    """Each defect with its own pixels, where no other defect reaches them."""
    for defect in entry.defects:
        region = instances == defect.get("instance", 1)
        others = (instances > 0) & ~region
        if region.any() and not (widened(region, 2) & others).any():
            yield defect, region


def _across(region):
    """Pixels across the widest disc inside a region."""
    return max(1.0, 2 * float(cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 5).max()))


def _bounds(size):
    if isinstance(size, (list, tuple)) and len(size) == 2:
        return float(size[0]), float(size[1])
    return (float(size), float(size)) if isinstance(size, (int, float)) else (None, None)
