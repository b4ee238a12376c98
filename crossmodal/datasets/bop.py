"""BOP scenes: rgb/ (or gray/) and depth/ beside a scene_camera.json, which gives each image its own camera.

A scene that says where its cameras stood, or where its only object lay before each of them, is several views of one
thing. Source: bop_toolkit, docs/bop_datasets_format.md.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from crossmodal.datasets.intrinsics import parsed
from crossmodal.datasets.names import SCENE_CAMERA, folders_of
from crossmodal.datasets.rig import rigid
from crossmodal.datasets.source import Source, paired

SCENE_OBJECTS = "scene_gt.json"
_MM = 1e-3


def listed(root: Path) -> list[Source]:
    """Every image of a scene, a split or a whole dataset; empty if no scene_camera.json is near."""
    scenes = sorted(path.parent for level in ("", "*/", "*/*/") for path in root.glob(level + SCENE_CAMERA))
    return [source for scene in scenes for source in _scene(root, scene)]


def _scene(root, scene):
    folders = folders_of(scene)
    if "rgb" not in folders or "depth" not in folders:
        raise ValueError(f"{scene} has no rgb/ with depth/ beside its {SCENE_CAMERA}; a capture needs both")
    place = scene.relative_to(root).as_posix()
    return [Source(stem if place == "." else f"{place}/{stem}", image, depth, "depth",
                   calibration=scene / SCENE_CAMERA)
            for stem, image, depth in paired(folders["rgb"], folders["depth"], "depth")]


def posed(root: Path) -> list[Source]:
    """The images of one scene as views of a rig, or nothing where root is no scene or says no pose for each of them.

    Errors: ValueError, one line, for a pose that is none.
    """
    path = root / SCENE_CAMERA
    if not path.is_file():
        return []
    found = _scene(root, root)
    poses = _poses(path)
    if len(found) < 2 or not all(source.rgb.stem.isdecimal() and int(source.rgb.stem) in poses for source in found):
        return []
    return [replace(source, split="test", view=k) for k, source in enumerate(found, 1)]


def pose_of(source: Source) -> np.ndarray:
    """T_rig_camera (4, 4) of a view that posed listed: in the scene's world, or in its object's own frame."""
    return _poses(source.calibration)[int(source.rgb.stem)]


def _poses(path: Path) -> dict[int, np.ndarray]:
    """Image → T_rig_camera: by cam_R_w2c, else by the object that stands once in every image if there is but one."""
    cameras = {int(key): one for key, one in parsed(path).items() if key.isdecimal() and isinstance(one, dict)}
    if cameras and all("cam_R_w2c" in one and "cam_t_w2c" in one for one in cameras.values()):
        return {image: _inverse(path, one, "w2c") for image, one in cameras.items()}
    objects = path.with_name(SCENE_OBJECTS)
    if not objects.is_file():
        return {}
    images = {int(key): there for key, there in parsed(objects).items() if key.isdecimal()}
    if not all(isinstance(there, list) and len(there) > 0 and all(isinstance(one, dict) for one in there)
               for there in images.values()):
        return {}
    counts = [Counter(str(one.get("obj_id")) for one in there) for there in images.values()]
    once = {name for name in set().union(*counts) if all(count[name] == 1 for count in counts)}
    if len(once) != 1:  # of several that moved, none says how the others did
        return {}
    name = once.pop()
    chosen = {image: next(one for one in there if str(one.get("obj_id")) == name) for image, there in images.items()}
    if not all("cam_R_m2c" in one and "cam_t_m2c" in one for one in chosen.values()):
        return {}
    return {image: _inverse(objects, one, "m2c") for image, one in chosen.items()}


def _inverse(path, one, ways):
    pose = np.eye(4)
    try:
        pose[:3, :3] = np.array(one[f"cam_R_{ways}"], float).reshape(3, 3)
        pose[:3, 3] = _MM * np.array(one[f"cam_t_{ways}"], float).reshape(3)
    except (ValueError, TypeError):
        raise ValueError(f"{path}: cam_R_{ways} must be nine numbers and cam_t_{ways} three; mend it") from None
    return np.linalg.inv(rigid(path, pose.tolist(), f"cam_R_{ways}"))
