"""A sample of a rig of two: what the depth camera saw of the same edit, in its own pixels, unit and codes."""

import io
from pathlib import Path

import cv2
import numpy as np

from crossmodal.capture import Capture
from crossmodal.datasets import Reading, Source
from crossmodal.datasets.rig import is_rig, load_rig
from crossmodal.datasets.source import file_hash
from crossmodal.result import Result
from pointcloud.atomic import write_bytes
from rgb import write_mask


def with_depth_camera(out: Path, entry: dict, source: Source, reading: Reading, capture: Capture,
                      result: Result) -> dict:
    """The manifest entry with depth_raw and gt_depth_raw added, their files written; untouched without a rig.json.

    capture, result: of the colour camera, whose surface the plan was grown on. What the edit did not change has the
    source's own bits. Errors: ValueError, OSError; on an error no file of the sample stays.
    """
    if not is_rig(source, reading):
        return entry
    files = dict(entry["files"])
    try:
        rig = load_rig(source, reading)
        seen = _seen(rig, capture, result)
        values = seen.before.encoding.encoded(seen.after.points, seen.masks.points | seen.masks.depth)
        suffix = ".png" if values.dtype == np.uint16 else ".npy"
        folder, number = entry["id"].rsplit("/", 1)
        files |= {"depth_raw": f"{folder}/depth_raw/{number}{suffix}",
                  "gt_depth_raw": f"{folder}/gt_depth_raw/{number}.png"}
        for word in ("depth_raw", "gt_depth_raw"):
            (out / files[word]).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(out / files["depth_raw"], _bytes(values))
        write_mask(out / files["gt_depth_raw"], seen.masks.depth.astype(np.uint8) * np.uint8(255))
    except BaseException:
        for name in files.values():
            (out / name).unlink(missing_ok=True)
        raise
    hashes = {word: file_hash(out / files[word]) for word in ("depth_raw", "gt_depth_raw")}
    return {**entry, "files": files, "sha256": entry["sha256"] | hashes}


def _seen(rig, capture, result) -> Result:
    from crossmodal.imprint import imprint  # compiled loops load here, in the process that needs them
    from crossmodal.synthesis import grown

    there = np.linalg.inv(rig.T_rig_camera[1])
    edits = tuple(grown(capture, planned).moved(there) for planned in result.plan.defects)
    return imprint(rig.views[1], edits, result.plan)


def _bytes(values: np.ndarray) -> bytes:
    if values.dtype == np.uint16:
        return cv2.imencode(".png", values)[1].tobytes()
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()
