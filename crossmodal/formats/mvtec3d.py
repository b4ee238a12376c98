"""MVTec 3D-AD: <split>/<kind>/{rgb,xyz,gt}/NNN, class_ids.json, calibration; xyz in metres, zeros where nothing is.

Source: the dataset itself, and what its loaders assume (Bergmann et al., VISAPP 2022).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from crossmodal.camera import Camera
from crossmodal.datasets import load
from crossmodal.datasets.anomalib import configs
from crossmodal.datasets.class_ids import assigned, encoded, read_class_ids
from crossmodal.datasets.intrinsics import read_camera
from crossmodal.datasets.mvtec3d import listed as captures_of
from crossmodal.datasets.mvtec3d_writer import write_floats
from crossmodal.datasets.source import Reading, Source
from crossmodal.formats.masks import read_binary, read_levels
from crossmodal.formats.paths import inside, pictures
from crossmodal.formats.sample import Dataset, Entry, Format, Head, Place, Put, Sample
from depth import write_xyz
from depth.files import FORMATS
from pointcloud.atomic import write_bytes
from rgb import read_mask, write_mask, write_rgb

_MODALITIES = {"gt_rgb": "rgb", "gt_depth": "depth"}
_CAMERA = "camera_parameters.json"
_FOCUS_M = 0.01  # HALCON's form wants one; only its ratio to the pixel's size counts


def listed(root: Path, reading: Reading, gt: str = "gt") -> Dataset | None:
    """A dataset root, a category or a split. gt: what the folder of ground truths is called."""
    sources = captures_of(root)
    return dataset_of(root, sources, reading, gt) if sources else None


def dataset_of(root: Path, sources: list[Source], reading: Reading, gt: str) -> Dataset:
    """Captures with the masks beside them. Errors: ValueError, one line."""
    known = {top: _class_ids(top) for top in {source.rgb.parents[3] for source in sources}}
    ids = _merged([*known.values()], {source.kind for source in sources})
    folders: dict[Path, dict[str, dict[str, Path]]] = {}
    owned = []
    for source in sources:
        kind = source.rgb.parents[1]
        if kind not in folders:
            folders[kind] = {word: pictures(kind / folder, root, (".png",)) for word, folder in
                             (("gt", gt), ("instances", "instances"), *((name, name) for name in _MODALITIES))}
            folders[kind]["soft"] = pictures(kind / "soft", root, (".tiff",))
        inside(root, source.rgb)
        inside(root, source.geometry)
        stem = source.rgb.stem
        owned.append({word: files[stem] for word, files in folders[kind].items() if stem in files})
    there = {"gt"}.union(*owned)  # a good sample lacks only what some other one has
    soft = {"soft"} & there  # gt is one too
    return Dataset(tuple(
        Entry(Place(source.category, source.split, source.kind, source.rgb.stem), source.path,
              _holds(own.keys() | (there if source.kind == "good" else soft if "gt" in own else set())),
              partial(_read, source, reading, own, known[source.rgb.parents[3]], ids))
        for source, own in zip(sources, owned, strict=True)), ids)


def _holds(words):
    masks = {"masks"} if words >= _MODALITIES.keys() else set()
    return frozenset({"rgb", "xyz"} | masks | (words & {"gt", "instances", "soft"}))


@contextmanager
def written(out: Path, head: Head, gt: str = "gt", always: bool = False) -> Iterator[Put]:
    """A tree of MVTec 3D-AD with anomalib's config. always: a ground truth in every folder, else in test only."""
    cameras: dict[Path, set[Camera | None]] = {}
    folders: dict[Path, set[tuple[str, str]]] = {}

    def put(place: Place, sample: Sample) -> None:
        top = head.folder(out, place)
        cameras.setdefault(top, set()).add(sample.camera)
        folders.setdefault(top, set()).add((place.split, place.kind))
        here = top / place.split / place.kind
        masks = {gt: sample.levels()} if always or place.split == "test" else {}
        for folder, modality in _MODALITIES.items():
            if modality in sample.masks:
                masks[folder] = sample.masks[modality].astype(np.uint8) * np.uint8(255)
        if sample.instances is not None and sample.instances.max() < 256:
            masks["instances"] = sample.instances.astype(np.uint8)
        for word in ("rgb", "xyz", *masks):
            (here / word).mkdir(parents=True, exist_ok=True)
        write_rgb(here / "rgb" / f"{place.name}.png", sample.rgb)
        void = ~np.isfinite(sample.points[..., 2])
        write_xyz(here / "xyz" / f"{place.name}.tiff", np.where(void[..., None], np.float32(0), sample.points))
        for word, mask in masks.items():
            write_mask(here / word / f"{place.name}.png", mask)
        if sample.soft is not None:
            (here / "soft").mkdir(exist_ok=True)
            write_floats(here / "soft" / f"{place.name}.tiff", sample.soft)

    yield put
    for top, seen in folders.items():
        write_bytes(top / "class_ids.json", encoded(dict(head.ids)))
        kinds = sorted({kind for split, kind in seen if split == "test"} - {"good"})
        if gt == "gt" and ("train", "good") in seen and kinds:
            name = top.name if len(head.categories) > 1 else head.categories[0] or "crossmodal"
            for file, text in configs(name, kinds, ("test", "good") in seen).items():
                write_bytes(top / file, text)
        if len(cameras[top]) == 1 and (halcon := _halcon(next(iter(cameras[top])))):
            (top / "calibration").mkdir()
            write_bytes(top / "calibration" / _CAMERA, halcon)


def _read(source: Source, reading: Reading, own: dict[str, Path], known: dict[str, int], ids) -> Sample:
    capture = load(source, reading)
    # What is loaded has its camera refined; a dataset keeps the one that it says.
    given = source.calibration
    if reading.intrinsics is not None or given is None or given.name != _CAMERA:
        given = None
    masks = {_MODALITIES[word]: read_mask(own[word]) > 0 for word in _MODALITIES if word in own}
    sample = Sample(capture.rgb, capture.points, read_camera(given) if given else capture.camera, masks=masks)
    if "gt" in own:
        if known:
            table = np.arange(256, dtype=np.uint8)
            table[[*known.values()]] = [ids[kind] for kind in known]
            levels = table[read_levels(own["gt"], source.kind, known, capture.shape)]
        else:
            levels = read_binary(own["gt"], ids[source.kind], capture.shape)
        sample = replace(sample, gt=levels)
    if "instances" in own:
        sample = replace(sample, instances=read_mask(own["instances"]))
    if "soft" in own:
        sample = replace(sample, soft=_soft(own["soft"]))
    for word, array in (("instances", sample.instances), ("soft", sample.soft), *masks.items()):
        if array is not None and array.shape != capture.shape:
            raise ValueError(f"{source.rgb}: its {word} mask has another size; a mask needs the picture's own size")
    return sample


def _soft(path):
    label = FORMATS[".tiff"][0](path)
    if label.ndim != 2 or label.dtype != np.float32 or not ((label >= 0) & (label <= 1)).all():
        raise ValueError(f"{path} must be float32 (H, W) of 0 to 1, but is {label.dtype} {label.shape}; make it again")
    return label


def _class_ids(category):
    path = category / "class_ids.json"
    return read_class_ids(path) if path.is_file() else {}


def _merged(known: list[dict[str, int]], kinds: set[str]) -> dict[str, int]:
    """Ids for all categories: their own where no two of them mean different things, else new ones."""
    pairs = {pair for own in known for pair in own.items()}
    if all(known):
        kinds = kinds - {"combined"}
    agreed = len({kind for kind, _ in pairs}) == len({level for _, level in pairs}) == len(pairs)
    return assigned(dict(pairs), kinds) if agreed else assigned({}, kinds | {kind for kind, _ in pairs})


def _halcon(camera: Camera | None) -> bytes | None:
    if camera is None or camera.model == "brown":
        return None
    kappa = camera.distortion[0] / _FOCUS_M**2 if camera.model == "division" else 0.0
    return json.dumps({
        "camera_type": "area_scan_division", "focus": _FOCUS_M, "kappa": kappa, "sx": _FOCUS_M / camera.fx,
        "sy": _FOCUS_M / camera.fy, "cx": camera.cx, "cy": camera.cy, "image_width": camera.width,
        "image_height": camera.height}, indent=1).encode()


FORMAT = Format("mvtec3d", "MVTec 3D-AD", ("rgb", "xyz", "gt"), ("rgb", "xyz", "gt"), listed, written,
                "a real copy (cable_gland), and the description", unit=True)
