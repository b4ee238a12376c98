"""What one sample says by itself: files, units, codes, depth against z, ground truth and masks."""

import json
from pathlib import Path

import cv2
import numpy as np

from crossmodal.camera import Camera
from crossmodal.evaluation.arrays import Arrays
from crossmodal.evaluation.plausible import unit_fault
from crossmodal.evaluation.report import Figure
from crossmodal.evaluation.samples import Folder, Sample, find_above
from pointcloud import read_cloud

_BOX = np.ones((3, 3), np.uint8)
_UNITS = (1.0, 1e-3, 1e-2, 1e-4, 2e-4, 2.5e-4, 1e-6, 1e3)


def widened(mask: np.ndarray, pixels: int = 1) -> np.ndarray:
    """The mask (H, W bool) grown by so many pixels in all eight directions."""
    return cv2.dilate(mask.astype(np.uint8), _BOX, iterations=pixels) > 0 if pixels else mask


def usual_unit(ratio: float) -> float:
    """The unit of length in metres that a ratio of two numbers comes nearest to."""
    return min(_UNITS, key=lambda unit: abs(np.log(ratio / unit)))


def siblings(folder: Folder) -> list[Figure]:
    """Equal counts and names in the folders of files beside each other."""
    names = dict(folder.names)
    if len(names) < 2:
        return []
    all_names = frozenset().union(*(names[role] for role in ("rgb", "xyz", "depth") if role in names))
    lacks = [
        f"{role} lacks {', '.join(sorted(all_names - held)[:3])}"
        for role, held in names.items()
        if all_names - held and role not in ("cloud", "soft")
    ]
    extra = [
        f"{role} alone holds {', '.join(sorted(held - all_names)[:3])}"
        for role, held in names.items()
        if held - all_names
    ]
    return [Figure("sibling folders", None, "; ".join(lacks + extra) or None)]


def readable(arrays: Arrays) -> list[Figure]:
    """Every file opens, and all are of one size; ground truth is spoken of by its own test."""
    faults = [fault for role, fault in arrays.faults.items() if role != "gt"]
    return [Figure("readable", None, faults[0] if faults else None)]


def units(arrays: Arrays) -> list[Figure]:
    """The median z of a capture in metres is neither beyond 10 nor below a centimetre."""
    if arrays.points is None or not np.isfinite(arrays.points[..., 2]).any():
        return []
    middle = float(np.nanmedian(arrays.points[..., 2]))
    fault = unit_fault(middle)
    return [Figure("units, median z", middle, fault and f"{fault} xyz must be in metres")]


def codes(arrays: Arrays) -> list[Figure]:
    """One code for "nothing measured": (0, 0, 0) in image files, NaN in PCD; no inf, no 65535."""
    figures = []
    for word, grid in (("xyz", arrays.xyz), ("depth", arrays.depth)):
        if grid is None:
            continue
        wrong = {}
        zero = (grid == 0).all(-1) if grid.ndim == 3 else grid == 0
        z = grid[..., 2] if grid.ndim == 3 else grid
        nan = np.zeros(zero.shape, bool)
        if np.issubdtype(grid.dtype, np.floating):
            nans = np.isnan(grid)
            nan = nans.any(-1) if grid.ndim == 3 else nans
            if grid.ndim == 3:
                wrong["partly NaN"] = nan & ~nans.all(-1) & ~(nans[..., 2] & (arrays.coded == "nan"))
            infinite = np.isinf(grid)
            wrong["inf"] = infinite.any(-1) if grid.ndim == 3 else infinite
            if arrays.coded == "zero" and grid.ndim == 3:
                wrong["NaN, which readers of xyz images take for points"] = nan
            elif nan.any():
                wrong["(0, 0, 0) beside NaN"] = zero
        with np.errstate(invalid="ignore"):
            wrong["65535"] = (grid == 65535).any(-1) if grid.ndim == 3 else grid == 65535
            wrong["behind the camera"] = z < 0
            if grid.ndim == 3:
                wrong["z = 0 beside x or y"] = (z == 0) & ~zero
                axis = (grid[..., :2] == 0).all(-1) & (z != 0) & ~nan
                wrong["x = y = 0 beside z"] = axis if axis.sum() > 4 else np.zeros_like(axis)
            wrong["one huge value"] = _huge(z)
        faults = [f"{int(mask.sum())} px {what}" for what, mask in wrong.items() if mask.any()]
        count = int(np.logical_or.reduce(list(wrong.values())).sum())
        figures.append(Figure("invalid codes", count, f"{word}: {', '.join(faults)}" if faults else None))
    return figures


def _huge(z):
    good = np.isfinite(z) & (z > 0) & (z != 65535)
    if not good.any():
        return np.zeros(z.shape, bool)
    top, middle = float(z[good].max()), float(np.median(z[good]))
    at_top = good & (z == top)
    return at_top if top > 10 * middle and at_top.sum() >= 3 else np.zeros(z.shape, bool)


def depth_is_z(arrays: Arrays) -> list[Figure]:
    """A depth image says the same as the points' z, in some usual unit, to its own rounding."""
    if arrays.depth is None or arrays.points is None:
        return []
    z = arrays.points[..., 2].astype(np.float64)
    depth = arrays.depth.astype(np.float64)
    with np.errstate(invalid="ignore"):
        both = np.isfinite(z) & np.isfinite(depth) & (depth > 0)
    if not both.any():
        return [Figure("depth = z", None, "depth and xyz have no valid pixel in common")]
    ratio = float(np.median(z[both] / depth[both]))
    unit = usual_unit(ratio)
    away = np.abs(depth[both] * unit - z[both])
    quantum = unit if np.issubdtype(arrays.depth.dtype, np.integer) else 0.0
    allowed = 0.505 * quantum + 1e-6 * z[both]
    worst_mm = float(away.max()) * arrays.unit_m * 1e3
    fault = None
    beyond = float(np.mean(away > allowed))
    if beyond > 1e-3:
        fault = f"depth differs from z in {100 * beyond:.1f} % of the pixels, by up to {worst_mm:.3g} mm"
        distance = np.linalg.norm(arrays.points[both].astype(np.float64), axis=1)
        if np.mean(np.abs(depth[both] * unit - distance) > 0.505 * quantum + 1e-5 * distance) < 1e-2:
            fault = "depth is the distance along the ray, not z"
    return [Figure("depth = z", worst_mm, fault)]


def class_ids(sample: Sample) -> dict[int, str] | None:
    """The dataset's ids, from the nearest class_ids.json; None without one. Errors: ValueError."""
    path = find_above(sample, "class_ids.json")
    if path is None:
        return None
    try:
        return {int(number): str(name) for number, name in json.loads(path.read_text()).items()}
    except (ValueError, AttributeError, TypeError, RecursionError, OSError) as error:
        raise ValueError(f"{path} is no table of class ids ({error})") from None


def ground_truth(arrays: Arrays, folder: Folder, any_gt: bool) -> list[Figure]:
    """gt: there, of one size and one channel; 0 or at least 128; known ids; empty in good, and only there.

    any_gt: whether any test folder of the dataset has ground truth, so that to lack it says something.
    """
    sample = arrays.sample
    path, kind = sample.files.get("gt"), sample.kind
    if path is None:
        tested = "test" in sample.folder.lower().split("/")[:-1]
        if any_gt and tested and "gt" not in folder.names:
            return [Figure("gt file", None, f"{sample.folder} has no gt folder, and others have one")]
        missing = "gt" in folder.names and tested
        return [Figure("gt file", None, f"no gt for {sample.name}")] if missing else []
    channels = _channels(path)
    if "gt" in arrays.faults or channels is not None:
        return [Figure("gt file", None, channels or arrays.faults["gt"])]
    gt = arrays.masks["gt"]
    figures = [Figure("gt file")]
    low = int(((gt > 0) & (gt < 128)).sum())
    seen = sorted(int(v) for v in np.unique(gt) if 0 < v < 128)
    figures.append(
        Figure(
            "gt values",
            low,
            f"{low} px hold {seen[:5]}; common loaders read below 128 as empty" if low else None,
        )
    )
    try:
        known = class_ids(sample)
    except ValueError as error:
        figures.append(Figure("gt class ids", None, str(error)))
        known = None
    if known is not None:
        strangers = sorted({int(v) for v in np.unique(gt) if v >= 128} - set(known))
        count = int(np.isin(gt, strangers).sum())
        figures.append(
            Figure("gt class ids", count, f"ids {strangers} are not in class_ids.json" if strangers else None)
        )
    if kind is not None:
        marked = int((gt > 0).sum())
        fault = f"{marked} px are marked in a good capture" if kind == "good" and marked else None
        if kind != "good" and not marked:
            fault = f"nothing is marked, but the folder says {kind}"
        figures.append(Figure("gt where due", None, fault))
    return figures


def _channels(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(33)
    if not head.startswith(b"\x89PNG") or len(head) < 26:
        return None if head.startswith(b"\x89PNG") else f"{path} is not a PNG; masks must be lossless"
    names = {2: "3 channels", 3: "a palette", 4: "2 channels", 6: "4 channels"}
    return f"{path} has {names[head[25]]}; a mask has one" if head[25] in names else None


def soft(arrays: Arrays) -> list[Figure]:
    """A soft label is one number for each pixel, 0 outside gt and at most 1; of each defect it is above 0 in all of gt,
    or 0 or 1 in it and not 0 everywhere."""
    label, gt = arrays.soft, arrays.mask("gt")
    if label is None:
        return []
    if label.ndim != 2 or not np.issubdtype(label.dtype, np.floating):
        return [Figure("soft label on gt", None, f"soft must be floats (H, W), but is {label.dtype} {label.shape}")]
    wrong = {"are not within 0 and 1": ~((label >= 0) & (label <= 1))}
    if gt is not None:
        of = arrays.masks.get("instances", gt)
        binary = np.isin(of, np.setdiff1d(of[label == 1], of[(label != 0) & (label != 1)]))
        wrong |= {"are not 0 outside gt": (label > 0) & ~gt, "are 0 in gt": gt & (label == 0) & ~binary}
    faults = [f"{int(mask.sum())} px {what}" for what, mask in wrong.items() if mask.any()]
    return [Figure("soft label on gt", int(np.logical_or.reduce([*wrong.values()]).sum()), ", ".join(faults) or None)]


def masks(arrays: Arrays) -> list[Figure]:
    """gt lies within what the modalities' masks say, and no mask strays from the field's own footprint."""
    gt, in_rgb, in_depth = (arrays.mask(role) for role in ("gt", "gt_rgb", "gt_depth"))
    figures = []
    footprint = _footprint(arrays)
    if gt is not None and in_rgb is not None and in_depth is not None:
        union = in_rgb | in_depth
        allowed = widened(union) | (
            footprint
            if footprint is not None
            else cv2.morphologyEx(union.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) > 0
        )
        outside = gt & ~allowed
        _, parts = cv2.connectedComponents(gt.astype(np.uint8))
        unseen = gt & np.isin(parts, list(set(np.unique(parts)) - set(np.unique(parts[union]))))
        count = int((outside | unseen).sum())
        figures.append(
            Figure(
                "gt within the masks",
                count,
                f"{count} px of gt lie where neither modality changed" if count else None,
            )
        )
    if footprint is not None and gt is not None:
        # What a mask shows beyond gt is a declared effect, shadow or drop-out, and belongs beside the defect.
        near = widened(footprint)
        wrong = {"gt": gt & ~near}
        if in_depth is not None and arrays.points is not None:
            wrong["gt_depth"] = in_depth & ~widened(footprint, 2) & np.isfinite(arrays.points[..., 2])
        if in_rgb is not None:
            away = cv2.distanceTransform((~footprint).astype(np.uint8), cv2.DIST_L2, 5)
            rows, columns = np.nonzero(footprint)
            reach = max(10.0, 2 * float(np.hypot(np.ptp(rows), np.ptp(columns)))) if len(rows) else -1.0
            wrong["gt_rgb"] = in_rgb & (away > reach)
        count = int(np.logical_or.reduce(list(wrong.values())).sum())
        faults = [f"{word} by {int(mask.sum())} px" for word, mask in wrong.items() if mask.any()]
        figures.append(
            Figure(
                "masks within the footprint",
                count,
                f"beyond the footprint: {', '.join(faults)}" if faults else None,
            )
        )
    return figures


def _footprint(arrays):
    parts = []
    if arrays.displacement is not None:
        parts.append(arrays.displacement != 0)  # NaN, removed or revealed, counts
    if "instances" in arrays.masks:
        parts.append(arrays.masks["instances"] > 0)
    return np.logical_or.reduce(parts) if parts else None


def cloud_labels(arrays: Arrays, camera: Camera | None) -> list[Figure]:
    """The labelled points of points/NNN.ply fall into the depth mask, to one pixel, and cover it."""
    path, mask = arrays.sample.files.get("cloud"), arrays.mask("gt_depth")
    if path is None or mask is None or camera is None:
        return []
    try:
        cloud = read_cloud(path)
    except (ValueError, OSError) as error:
        return [Figure("readable", None, str(error))]
    if cloud.labels is None:
        return [Figure("cloud labels on the depth mask", None, f"{path} has no labels")]
    pixels = camera.project(cloud.xyz_m[cloud.labels > 0])
    height, width = mask.shape
    columns, rows = (np.rint(np.nan_to_num(pixels[:, i], nan=-1)).astype(int) for i in (0, 1))
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    hit = np.zeros(mask.shape, bool)
    hit[rows[inside], columns[inside]] = True
    seen = mask & np.isfinite(arrays.points[..., 2])
    count = int((~inside).sum() + (hit & ~widened(mask)).sum() + (seen & ~widened(hit)).sum())
    return [
        Figure(
            "cloud labels on the depth mask",
            count,
            f"{count} px of labels and depth mask do not meet" if count else None,
        )
    ]
