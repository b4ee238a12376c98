"""One synthesized cloud on disk: the cloud in its source's own format, its labels, and the manifest line they earn."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from crossmodal.clouds.result import CloudResult
from crossmodal.datasets.clouds import load_cloud
from crossmodal.datasets.copies import Copy, copied
from crossmodal.datasets.mvtec3d_writer import folder_of, own_version, requested
from crossmodal.datasets.source import Reading, file_hash
from pointcloud import write_table
from pointcloud.ply import write_vertices


def write_cloud_sample(out: Path, sample: str, result: CloudResult, ids: dict[str, int], origin: dict, seed: int,
                       prompt: str | None = None) -> dict:
    """Write a sample's files below `out` and return its manifest entry; on an error none of them stays.

    sample: "test/dent/003". cloud/NNN.* has the source's format, columns and unit; labels/NNN.ply a row for each of its
    points, in its order: x y z there, label (class id), instance, displacement_mm, and source, the row of the source's
    file that it was, or -1 for a new point. Errors: OSError, ValueError.
    """
    folder, number = sample.rsplit("/", 1)
    table = result.table
    files = {"cloud": f"{folder}/cloud/{number}{table.suffix}", "labels": f"{folder}/labels/{number}.ply"}
    try:
        for name in files.values():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
        write_table(out / files["cloud"], table)
        write_vertices(out / files["labels"], _labels(result, table, ids))
    except BaseException:
        for name in files.values():
            (out / name).unlink(missing_ok=True)
        raise
    return {"id": sample, "source": origin, "kind": folder_of(result.plan), "seed": seed, "files": files,
            "defects": _defects(result, ids), "plan": result.plan.model_dump(mode="json"), "prompt": prompt,
            "version": own_version(), "sha256": {word: file_hash(out / name) for word, name in files.items()}}


def write_cloud_copy(out: Path, copy: Copy, reading: Reading) -> None:
    """Copy one good cloud's bytes below `out`, with labels that are all zero in test/good; what is there stays.

    The cloud is read first, so that a broken one is refused. Errors: ValueError, OSError; no half files.
    """
    folder, number = copy.sample.rsplit("/", 1)
    own, labels = copy.source.file, out / folder / "labels" / f"{number}.ply"
    path, tested = out / folder / "cloud" / f"{number}{own.suffix.lower()}", folder == "test/good"
    if path.is_file() and (labels.is_file() or not tested):
        return
    table = load_cloud(copy.source, reading).table
    nothing = np.zeros(len(table), np.uint8)
    try:
        if tested:
            labels.parent.mkdir(parents=True, exist_ok=True)
            write_vertices(labels, _rows(table, nothing, nothing, nothing.astype(np.float32), np.arange(len(table))))
        path.parent.mkdir(parents=True, exist_ok=True)
        copied(own, path)
    except BaseException:
        path.unlink(missing_ok=True)
        labels.unlink(missing_ok=True)
        raise


def _labels(result: CloudResult, table, ids):
    rows = np.where(result.source >= 0, result.before.rows[np.maximum(result.source, 0)], -1)
    return _rows(table, result.classes(ids), np.asarray(result.instances), np.asarray(result.displacement_mm), rows)


def _rows(table, classes, instances, displacement_mm, rows):
    xyz = table.xyz.astype(np.float32)
    return {"x": xyz[:, 0], "y": xyz[:, 1], "z": xyz[:, 2], "label": classes, "instance": instances,
            "displacement_mm": displacement_mm, "source": rows.astype(np.int32)}


def _defects(result: CloudResult, ids):
    shape = "points", "points_added", "points_removed"
    rows = []
    for i, (defect, measured) in enumerate(zip(result.plan.defects, result.measured, strict=True)):
        sizes = asdict(measured)
        rows.append({"instance": i + 1, "kind": defect.kind, "class_id": ids[defect.kind],
                     "requested": requested(defect),
                     "measured": sizes, "visible_in": ["points"] if any(sizes[name] for name in shape) else []})
    return rows
