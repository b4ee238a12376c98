"""BOP: <split>/<scene>/{rgb,depth,mask,mask_visib}/IMAGE.png with scene_camera.json; depth in steps, OpenCV axes.

Source: bop_toolkit/docs/bop_datasets_format.md. Its masks are of objects, so that what it holds is good, unless a
class_ids.json beside the splits says which obj_id is which defect, as our own writer does.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from crossmodal.camera import fit_camera, residual
from crossmodal.datasets import load
from crossmodal.datasets.bop import listed as images_of
from crossmodal.datasets.class_ids import encoded, read_class_ids
from crossmodal.datasets.source import Reading, Source
from crossmodal.formats.paths import inside, read_json, split_of
from crossmodal.formats.places import kind_of
from crossmodal.formats.sample import Dataset, Entry, Format, Head, Place, Put, Sample
from depth import write_depth
from pointcloud.atomic import write_bytes
from rgb import read_mask, write_mask, write_rgb

_SPLITS = {"train": "train", "validation": "val", "test": "test"}
_STEPS_MM = (0.001, 0.01, 0.1, 1.0)
_MOST = 65534  # 65535 means "too far" to many sensors
_WORST_PX = 0.5


def listed(root: Path, reading: Reading) -> Dataset | None:
    """The images; with class_ids.json their masks are defects, else they are objects and everything is good."""
    found = images_of(root)
    if not found:
        return None
    known = next((f / "class_ids.json" for f in (root, *root.resolve().parents[:2])
                  if (f / "class_ids.json").is_file()), None)
    ids = read_class_ids(known) if known else {"good": 0}
    entries = []
    for source in found:
        scene, stem = source.rgb.parents[1], source.rgb.stem
        for path in (source.rgb, source.geometry, scene / "scene_camera.json"):
            inside(root, path)
        numbers = _objects(scene, stem)
        names = {level: kind for kind, level in ids.items()}
        kind = kind_of(names.get(number, "defect") for number in numbers) if known else "good"
        place = Place("", split_of(scene.resolve().parent.name), kind, f"{scene.name}_{stem}")
        entries.append(Entry(place, source.path, frozenset({"rgb", "xyz", "gt"}),
                             partial(_read, root, source, tuple(numbers), known is not None)))
    return Dataset(tuple(entries), ids)


def _read(root: Path, source: Source, numbers: tuple[int, ...], defects: bool) -> Sample:
    capture = load(source)
    levels, instances = np.zeros(capture.shape, np.uint8), np.zeros(capture.shape, np.uint16)
    scene, stem = source.rgb.parents[1], source.rgb.stem
    for i, number in enumerate(numbers):
        path = inside(root, scene / "mask_visib" / f"{stem}_{i:06d}.png")
        mask = read_mask(path) > 0
        if mask.shape != capture.shape:
            raise ValueError(f"{path} has another size than {source.rgb}; copy it again from the source")
        instances[mask] = i + 1
        if defects:
            levels[mask] = number if number < 256 else 255
    return Sample(capture.rgb, capture.points, capture.camera, levels, instances if defects else None)


def _objects(scene, stem):
    path = scene / "scene_gt.json"
    if not path.is_file() or not (scene / "mask_visib").is_dir():
        return []
    try:
        return [int(one["obj_id"]) for one in _json(path, path.stat().st_mtime_ns).get(str(int(stem)), ())]
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{path} has no obj_id for an object of image {stem}; copy it again from the source") from None


@lru_cache(maxsize=8)
def _json(path: Path, changed: int) -> dict:
    return read_json(path)


@contextmanager
def written(out: Path, head: Head) -> Iterator[Put]:
    """One scene for each split, category and kind. A defect has no pose: scene_gt.json says its class id alone."""
    scenes: dict[Path, dict[str, dict]] = {}
    first = None

    def put(place: Place, sample: Sample) -> None:
        nonlocal first
        camera = _pinhole(sample, place)
        scene = out / _SPLITS[place.split] / f"{_number(head, place):06d}"
        own = scenes.setdefault(scene, {"scene_camera": {}, "scene_gt": {}, "scene_gt_info": {}})
        image = len(own["scene_camera"])
        for word in ("rgb", "depth", "mask", "mask_visib"):
            (scene / word).mkdir(parents=True, exist_ok=True)
        write_rgb(scene / "rgb" / f"{image:06d}.png", sample.rgb)
        z = np.ascontiguousarray(sample.points[..., 2])
        step_mm = _step_mm(z, place)
        write_depth(scene / "depth" / f"{image:06d}.png", z, step_mm / 1000)
        first = first or (camera, step_mm)
        own["scene_camera"][image] = {"cam_K": [camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1],
                                      "depth_scale": step_mm}
        own["scene_gt"][image], own["scene_gt_info"][image] = [], []
        for i, (level, mask) in enumerate(sample.defects()):
            for word in ("mask", "mask_visib"):
                write_mask(scene / word / f"{image:06d}_{i:06d}.png", mask.astype(np.uint8) * np.uint8(255))
            own["scene_gt"][image].append({"obj_id": level})
            own["scene_gt_info"][image].append(_info(mask, sample.points))

    yield put
    write_bytes(out / "class_ids.json", encoded(dict(head.ids)))
    for scene, files in scenes.items():
        for name, value in files.items():
            write_bytes(scene / f"{name}.json", (json.dumps(value, indent=1) + "\n").encode())
    if first:
        camera, step_mm = first
        write_bytes(out / "camera.json", (json.dumps({
            "fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy, "width": camera.width,
            "height": camera.height, "depth_scale": step_mm}, indent=1) + "\n").encode())


def _number(head, place):
    categories, kinds = head.categories or ("",), ("good", *(k for k in head.kinds if k != "good"))
    return categories.index(place.category) * len(kinds) + kinds.index(place.kind)


def _pinhole(sample, place):
    own = sample.camera or fit_camera(sample.points).camera
    fit = (residual(own, sample.points) if own.model == "pinhole" else
           fit_camera(sample.points, replace(own, model="pinhole", distortion=())))
    if not fit.p99_px <= _WORST_PX:
        raise ValueError(f"bop needs a pinhole camera, but {place.flat} was seen through a lens that moves points by "
                         f"{fit.p99_px:.1f} px; undistort picture and depth first, or choose another format")
    return fit.camera


def _step_mm(z, place):
    far_mm = float(np.nanmax(z)) * 1000
    for step_mm in _STEPS_MM:
        if far_mm / step_mm <= _MOST:
            return step_mm
    raise ValueError(f"bop cannot hold {place.flat}: {far_mm / 1000:.0f} m is too far for 16 bits of millimetres")


def _info(mask, points):
    rows, columns = np.nonzero(mask)
    box = [int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1]
    count = len(rows)
    return {"bbox_obj": box, "bbox_visib": box, "px_count_all": count, "px_count_visib": count,
            "px_count_valid": int(np.isfinite(points[..., 2][mask]).sum()), "visib_fract": 1.0}


FORMAT = Format("bop", "BOP", ("rgb", "xyz", "gt"), ("rgb", "xyz", "gt", "pinhole"), listed, written, one_class=False)
