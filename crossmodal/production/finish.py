"""What of a dataset is not a sample: class ids, calibration, merged manifests, anomalib's config."""

import json
import shutil
from pathlib import Path

from crossmodal.datasets import Reading, Source, alone, load
from crossmodal.datasets.anomalib import configs
from crossmodal.datasets.class_ids import encoded
from crossmodal.datasets.copies import copy_small, inside
from crossmodal.datasets.names import MVTEC_CAMERA, SCENE_CAMERA
from crossmodal.production.division import Division
from crossmodal.production.jobs import place_of_sample
from crossmodal.production.journal import merge
from crossmodal.production.request import Request, Shard
from pointcloud.atomic import write_bytes

FOCUS_M = 0.01  # any will do: of a pinhole only focus / sx is seen


def category_folder(root: Path, division: Division) -> Path:
    """The folder that holds class_ids.json and calibration/: the category's own, else what was listed."""
    source: Source = division.pool[0]
    if source.split and not source.view:
        return source.geometry.parents[2 if source.coding == alone.CODING else 3]
    shipped = source.calibration is not None and source.calibration.as_posix().endswith(MVTEC_CAMERA)
    return source.calibration.parents[1] if shipped else root if root.is_dir() else root.parent


def manifests(out: Path) -> list[Path]:
    """Finished manifests of earlier runs, shards' included."""
    return sorted(out.glob("manifest*.jsonl"))


def write_small(out: Path, root: Path, division: Division, ids: dict[str, int], request: Request) -> None:
    """class_ids.json, the calibration, and the licence and readme of what is copied."""
    write_bytes(out / "class_ids.json", encoded(ids))
    folder = category_folder(root, division)
    if camera := halcon(division.pool[0], request.reading):
        (out / MVTEC_CAMERA).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(out / MVTEC_CAMERA, camera)
    for name in ("license.txt", "readme.txt") if division.copies else ():
        if (folder / name).is_file():
            copy_small(folder / name, out / name)


def halcon(source: Source, reading: Reading) -> bytes | None:
    """calibration/camera_parameters.json: MVTec's own file as it is, or a pinhole that depth came with said so.

    None where the source says nothing of the kind, gives each image a camera of its own, or has another lens.
    """
    path = source.calibration
    if path is not None and path.as_posix().endswith(MVTEC_CAMERA):
        return inside(path).read_bytes()
    if source.coding != "depth" or (reading.intrinsics is None and (path is None or path.name == SCENE_CAMERA)):
        return None
    try:
        camera = load(source, reading).camera
    except (ValueError, OSError):
        return None  # it is among the failures of the run
    if camera.model != "pinhole":
        return None
    said = {"camera_type": "area_scan_division", "focus": FOCUS_M, "kappa": 0.0, "sx": FOCUS_M / camera.fx,
            "sy": FOCUS_M / camera.fy, "cx": camera.cx, "cy": camera.cy, "image_width": camera.width,
            "image_height": camera.height}
    return (json.dumps(said, indent=2) + "\n").encode()


def sweep(out: Path, request: Request, places: set[str], shard: Shard) -> None:
    """Remove what a killed process left half-written; another shard's files, at work perhaps, stay."""
    for partial in out.glob("test/*/*/.*.part"):
        _, kind, _, name = partial.relative_to(out).parts
        place = place_of_sample(request, f"test/{kind}/{name[1:].split('.', 1)[0]}")
        if shard.of == 1 or place in places:
            partial.unlink(missing_ok=True)
    if shard.of == 1:
        for pattern in (".*.part", "*/good/*/.*.part", "calibration/.*.part"):
            for partial in out.glob(pattern):
                if partial.is_dir() and not partial.is_symlink():  # a mesh's views
                    shutil.rmtree(partial)
                else:
                    partial.unlink(missing_ok=True)


def merge_shards(out: Path, shard: Shard) -> None:
    """Merge the shards' manifests and failures if all of them are there."""
    if shard.of == 1:
        return
    parts = [Shard(i, shard.of).suffix for i in range(1, shard.of + 1)]
    for word in ("manifest", "failures"):
        files = [out / f"{word}{part}.jsonl" for part in parts]
        if not all(file.is_file() for file in files):
            return
        merge(files, out / f"{word}.jsonl")


def write_configs(out: Path, division: Division, request: Request) -> None:
    """anomalib.yaml, once the whole manifest is there and there is something to train and to test on."""
    manifest = out / "manifest.jsonl"
    splits = {copy.sample.split("/", 1)[0] for copy in division.copies}
    if request.only_defects or not manifest.is_file() or "train" not in splits:
        return
    with open(manifest, "rb") as file:
        kinds = sorted({json.loads(text)["kind"] for text in file})
    if kinds:
        name = division.pool[0].category or "crossmodal"
        for file_name, text in configs(name, kinds, "test" in splits).items():
            write_bytes(out / file_name, text)


def drop_empty(out: Path) -> None:
    """Remove folders that hold nothing, once the whole manifest is there: loaders stumble over them."""
    if (out / "manifest.jsonl").is_file():
        for folder in (*out.glob("test/*/*/"), *out.glob("test/*/")):
            if not any(folder.iterdir()):
                folder.rmdir()
