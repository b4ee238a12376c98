"""BOP scenes: rgb/ (or gray/) and depth/ beside a scene_camera.json, which gives each image its own camera.

Source: bop_toolkit, docs/bop_datasets_format.md.
"""

from pathlib import Path

from crossmodal.datasets.names import SCENE_CAMERA, folders_of
from crossmodal.datasets.source import Source, paired


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
