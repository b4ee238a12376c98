"""One synthesized sample in the layout of MVTec 3D-AD: its files, and the manifest line that they earn."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import tifffile

from crossmodal.capture import Capture
from crossmodal.datasets.source import file_hash
from crossmodal.guidance import asked_and_got, captions, understand
from crossmodal.methods.labels import soft_asked, soft_label
from crossmodal.plan import Grown, Made, Plan, Planned
from crossmodal.recipe import Recipe
from crossmodal.result import Result
from depth import write_xyz
from pointcloud import PointCloud, write_cloud
from pointcloud.atomic import write_bytes
from rgb import write_mask, write_rgb

KEPT = ("rgb", "xyz", "gt", "gt_rgb", "gt_depth", "instances", "displacement")
FLOATS = "xyz", "displacement", "soft"


def folder_of(plan: Plan) -> str:
    """The only kind of a plan, or ``combined`` when there are several."""
    kinds = {defect.kind for defect in plan.defects}
    return kinds.pop() if len(kinds) == 1 else "combined"


def xyz_of(capture: Capture, changed: np.ndarray | None = None) -> np.ndarray:
    """Points (H, W, 3) float32 in metres with zeros where nothing was measured, as MVTec 3D-AD keeps them.

    A source that is float32 xyz in metres keeps the bits of every sample outside changed (H, W bool).
    """
    own = capture.encoding
    if own is not None and own.unit_m == 1.0 and own.values.dtype == np.float32 and own.values.ndim == 3:
        points = own.values if changed is None else own.encoded(capture.points, changed)
    else:
        points = capture.points
    void = ~capture.valid & (points[..., 2] != 0)  # NaN, inf or 65535: this format has zeros there
    return np.where(void[..., None], np.float32(0), points)


def write_sample(out: Path, sample: str, result: Result, ids: dict[str, int], origin: dict, seed: int,
                 ply: bool = False, prompt: str | None = None, vlm: dict | None = None,
                 likened: dict | None = None) -> dict:
    """Write a sample's files below `out` and return its manifest entry; on an error none of them stays.

    Where a method asks for a soft label, also soft/NNN.tiff, float32 (see soft_label).
    sample: "test/dent/003". ids: kind → class id. origin: {"path", "sha256": {"rgb", "xyz"}} of its source.
    ply: also points/NNN.ply with the ground truth's class ids as labels. prompt: the text that it was made from, if
    any; the entry then says whether it is what was asked. vlm: what a model said that it means; likened: what a text
    encoder took its words for. Errors: OSError, ValueError.
    """
    folder, number = sample.rsplit("/", 1)
    words = (*KEPT, "soft") if soft_asked(result.plan) else KEPT
    files = {word: f"{folder}/{word}/{number}.{'tiff' if word in FLOATS else 'png'}" for word in words}
    writers = _writers(result, ids)
    if ply:
        files["points"] = f"{folder}/points/{number}.ply"
        writers["points"] = partial(_write_ply, result, ids)
    try:
        for word, name in files.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            writers[word](path)
    except BaseException:
        for name in files.values():
            (out / name).unlink(missing_ok=True)
        raise
    return {"id": sample, "source": origin, "kind": folder_of(result.plan), "seed": seed, "files": files,
            "defects": _defects(result, ids), "plan": result.plan.model_dump(mode="json"), "prompt": prompt,
            **({} if vlm is None else {"vlm": vlm}), **({} if likened is None else {"likened": likened}),
            "captions": list(captions(result)),
            **_asked(result, prompt, vlm or likened),
            "version": own_version(), "sha256": {word: file_hash(out / name) for word, name in files.items()}}


def _asked(result: Result, prompt: str | None, read: dict | None) -> dict:
    """{"asked_and_got": rows} where a text was given that asks for as many defects as the plan has."""
    if read is not None:  # by a model
        recipe = Recipe.model_validate(read["recipe"])
    else:
        recipe = None if prompt is None else understand(prompt).recipe
    kinds = [one.kind for one in result.plan.defects]
    if recipe is None or recipe.count is not None or [spec.kind for spec in recipe.defects] != kinds:
        return {}
    return {"asked_and_got": [asdict(row) for row in asked_and_got(result, recipe)]}


def ground_truth(result: Result, ids: dict[str, int]) -> np.ndarray:
    """(H, W) uint8: class id of the defect seen at each pixel, 0 elsewhere; the later in the plan wins."""
    levels = np.array([0, *(ids[defect.kind] for defect in result.plan.defects)], np.uint8)
    return np.where(result.gt, levels[result.instances], np.uint8(0))


def write_floats(path: Path, values: np.ndarray) -> None:
    """Write (H, W) float32 as a TIFF, the same bytes for the same values. Errors: OSError."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.ascontiguousarray(values, "<f4"), photometric="minisblack",
                     metadata=None, software=False, byteorder="<")
    write_bytes(path, buffer.getvalue())


def line(entry: dict) -> bytes:
    """A manifest entry as one line of strict JSON."""
    return (json.dumps(plain(entry), ensure_ascii=False, allow_nan=False) + "\n").encode()


def own_version() -> str:
    """The version of the code that makes a sample."""
    from crossmodal import __version__  # the package's door imports this file

    return __version__


def _writers(result: Result, ids) -> dict[str, Callable[[Path], None]]:
    masks = result.masks

    def grey(mask):
        return lambda path: write_mask(path, mask.astype(np.uint8) * np.uint8(255))

    return {
        "rgb": lambda path: write_rgb(path, result.after.rgb),
        "xyz": lambda path: write_xyz(path, xyz_of(result.after, masks.points | masks.depth)),
        "gt": lambda path: write_mask(path, ground_truth(result, ids)),
        "gt_rgb": grey(masks.rgb),
        "gt_depth": grey(masks.depth),
        "instances": lambda path: write_mask(path, result.instances),
        "displacement": lambda path: write_floats(path, result.displacement_mm),
        "soft": lambda path: write_floats(path, soft_label(result)),
    }


def _write_ply(result, ids, path):
    after = result.after
    moved = result.masks.points | result.masks.depth  # labels stand for geometry, so a stain has none
    labels = np.where(moved, ground_truth(result, ids), np.uint8(0))[after.valid]
    write_cloud(path, PointCloud(np.ascontiguousarray(after.points[after.valid]), rgb=after.rgb[after.valid],
                                 labels=labels))


def _defects(result, ids):
    rows = []
    for i, defect in enumerate(result.plan.defects):
        seen, measured = result.visibility[i], result.measured[i]
        contrast = {"rgb_contrast": seen.rgb_contrast, "depth_contrast": seen.depth_contrast}
        rows.append({"instance": i + 1, "kind": defect.kind, "class_id": ids[defect.kind],
                     "requested": requested(defect), "measured": asdict(measured) | contrast,
                     "visible_in": list(seen.seen_in), "difficulty": seen.difficulty,
                     "difficulty_in": seen.difficulty_in})
    return rows


def requested(planned: Planned) -> dict:
    """What was asked of a defect, for its manifest entry."""
    if isinstance(planned, Grown):
        return planned.spec.model_dump(mode="json", exclude={"kind", "weight"}, exclude_none=True)
    if isinstance(planned, Made):
        return planned.blocks.model_dump(mode="json", exclude_none=True)
    return {"modality": planned.modality}


def plain(value):
    """The same value for strict JSON, which has no NaN, no infinity and none of numpy's numbers."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
