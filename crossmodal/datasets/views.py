"""Several views of one object: rig.json names each view's files, its camera and where it stands.

    {"views": [{"rgb": "rgb/000.png", "xyz": "xyz/000.tiff", "camera": {"fx": ..., "width": ..., ...},
                "T_rig_camera": [[r, r, r, x], [r, r, r, y], [r, r, r, z], [0, 0, 0, 1]]}, ...],
     "light": {"direction": [x, y, z], "ambient": 0.3, "diffuse": 0.7}}

xyz may be depth; a camera may have any form that intrinsics reads. T_rig_camera maps a view's coordinates, in metres,
to the rig's. A view's "split" is test, where defects are made, or train, which is copied. The light, in the rig's axes
and towards the lamp, may be left out; then each view's own picture tells. A BOP scene with poses is such a rig too.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from crossmodal.capture import Capture, Rig
from crossmodal.datasets import bop
from crossmodal.datasets.decode import depth_m, points_m
from crossmodal.datasets.intrinsics import Calibration, checked_size, parsed, read_calibration, understood
from crossmodal.datasets.names import COLOUR, RIG_FILE, SCENE_CAMERA
from crossmodal.datasets.raw import read_raw
from crossmodal.datasets.rig import rigid
from crossmodal.datasets.source import SPLITS, Reading, Source
from rgb.light import Light

MOST_VIEWS = 4096
KEPT = 16  # views that are held in memory, each with what was found out about it


def listed(root: Path) -> list[Source]:
    """The views of a folder whose rig.json lists them, or of a BOP scene with poses, or nothing.

    Errors: ValueError, one line.
    """
    path = root / RIG_FILE
    if not path.is_file():
        return bop.posed(root)
    data = parsed(path)
    if "views" not in data:
        return []
    views = data["views"]
    if not isinstance(views, list) or not 1 <= len(views) <= MOST_VIEWS:
        raise ValueError(f"{path}: views must be a list of 1 to {MOST_VIEWS} views; mend it")
    found = [_source(root, path, k, view) for k, view in enumerate(views)]
    if len({source.path for source in found}) < len(found):
        raise ValueError(f"{path} names one picture twice; give each view its own")
    return found


def _source(root, path, k, view) -> Source:
    role = next((role for role in ("xyz", "depth") if isinstance(view, dict) and role in view), None)
    if role is None or not isinstance(view.get("rgb"), str) or not isinstance(view[role], str):
        raise ValueError(f"{path}: view {k} must name its files, rgb and xyz or depth; mend it")
    files = []
    for name in (view["rgb"], view[role]):
        there = root / name
        if not there.resolve().is_relative_to(root.resolve()) or not there.is_file():
            raise ValueError(f"{path}: view {k} names {name}, which is no file of that folder; mend it")
        files.append(there)
    split = view.get("split", "test")
    if split not in SPLITS:
        raise ValueError(f"{path}: view {k} is of split {split!r}; say one of {', '.join(SPLITS)}")
    picture = Path(view["rgb"])
    place = picture.parent.parent if picture.parent.name.lower() in COLOUR else picture.parent
    return Source((place / picture.stem).as_posix(), *files, role, split=split, calibration=path, view=k + 1)


def pose_of(source: Source) -> np.ndarray:
    """A view's T_rig_camera (4, 4). Errors: ValueError, one line that names the file."""
    if source.calibration.name == SCENE_CAMERA:
        return bop.pose_of(source)
    return rigid(source.calibration, _said(source, "T_rig_camera")[1], "T_rig_camera")


def _said(source, word):
    """What rig.json holds, and of the view by a word."""
    path = source.calibration
    data = parsed(path)
    view = data["views"][source.view - 1]
    if word not in view:
        raise ValueError(f"{path}: view {source.view - 1} has no {word}; give it")
    return data, view[word]


def _camera(source: Source, shape) -> tuple[Calibration, Light | None]:
    """A view's calibration for pictures of a shape, and the light in its own axes if the rig says one."""
    path = source.calibration
    if path.name == SCENE_CAMERA:
        return read_calibration(path, shape, source.rgb.stem), None
    data, camera = _said(source, "camera")
    if not isinstance(camera, dict):
        raise ValueError(f"{path}: a camera must be given by name and number: fx fy cx cy width height")
    scale = {"depth_scale": data["depth_scale"]} if "depth_scale" in data else {}
    calibration = understood(path, scale | {str(key).lower(): value for key, value in camera.items()}, None)
    turn = pose_of(source)[:3, :3]
    return calibration, None if data.get("light") is None else _light(path, data["light"]).turned(turn.T)


def _light(path, said) -> Light:
    try:
        direction = np.array(said["direction"], float).reshape(3)
        numbers = {name: float(said[name]) for name in ("ambient", "diffuse", "confidence", "specular", "shininess")
                   if name in said}
        length = float(np.linalg.norm(direction))
        if not 0 < length < np.inf or not all(0 <= x < np.inf for x in numbers.values()):
            raise ValueError
        light = Light(tuple(float(x) for x in direction / length), **{"confidence": 1.0, **numbers})
    except (KeyError, ValueError, TypeError):
        raise ValueError(f"{path}: light must have direction (x, y, z), ambient and diffuse, none below 0; "
                         "mend it") from None
    return light


def load_view(source: Source, reading: Reading) -> Capture:
    """One view of a rig, in the rig's light if that is known. Errors: as crossmodal.datasets.load."""
    if reading.intrinsics is not None:
        raise ValueError(f"{source.calibration} gives each view its camera; leave --intrinsics away")
    raw = read_raw(source)
    calibration, light = _camera(source, raw.rgb.shape)
    checked_size(calibration.camera, source.calibration, raw.rgb.shape, source.rgb)
    if source.coding == "xyz":
        points, encoding = points_m(source.geometry, raw.values, reading.unit_m)
        capture = Capture.from_points(raw.rgb, points, calibration.camera, source.path, encoding)
    else:
        z, encoding = depth_m(source.geometry, raw.values, reading.unit_m, calibration.depth_unit_m)
        capture = Capture.from_depth(raw.rgb, z, calibration.camera, source.path, encoding)
    return capture.lit_by(light)


@lru_cache(maxsize=KEPT)
def kept_view(source: Source, reading: Reading) -> Capture:
    """The same, held in memory for the next that asks."""
    return load_view(source, reading)


def siblings(source: Source) -> tuple[Source, ...]:
    """The views of a view's rig that defects are made in, in order."""
    return tuple(one for one in listed(source.calibration.parent) if one.split != "train")


def load_views(found: list[Source], reading: Reading) -> Rig:
    """A rig of views. Errors: as load_view."""
    return Rig(tuple(load_view(one, reading) for one in found), tuple(pose_of(one) for one in found))
