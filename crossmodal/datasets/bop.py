"""BOP scenes: rgb/ (or gray/) and depth/ beside a scene_camera.json, which gives each image its own camera.

Source: bop_toolkit, docs/bop_datasets_format.md.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import Capture
from crossmodal.datasets.decode import depth_m, same_size
from crossmodal.datasets.source import Reading, Source, paired
from depth.files import FORMATS as DEPTH_FORMATS
from rgb import read_rgb

_CAMERA = "scene_camera.json"


def listed(root: Path) -> list[Source]:
    """Every image of a scene, a split or a whole dataset; empty if no scene_camera.json is near. Errors: ValueError."""
    found = []
    for scene in sorted(path.parent for level in ("", "*/", "*/*/") for path in root.glob(level + _CAMERA)):
        folder = scene / "rgb" if (scene / "rgb").is_dir() else scene / "gray"
        if not folder.is_dir() or not (scene / "depth").is_dir():
            raise ValueError(f"{scene} has no rgb/ with depth/ beside its {_CAMERA}; a capture needs both")
        place = scene.relative_to(root)
        found += [Source((place / stem).as_posix(), image, depth, "bop")
                  for stem, image, depth in paired(folder, scene / "depth", (".png",))]
    return found


def load(source: Source, reading: Reading) -> Capture:
    """Picture and depth by the image's own K and step. Errors: ValueError, OSError."""
    if reading != Reading():
        raise ValueError(f"{source.geometry} has its unit and camera beside it; leave --unit, --depth-scale and "
                         "--intrinsics away")
    path = source.rgb.parents[1] / _CAMERA
    entry = _entry(path, source.rgb.stem)
    rgb, counts = read_rgb(source.rgb).pixels, DEPTH_FORMATS[".png"][0](source.geometry)
    same_size(source.rgb, rgb, source.geometry, counts)
    try:
        k, step_mm = np.array(entry["cam_K"], np.float64).reshape(3, 3), float(entry["depth_scale"])
        if k[0, 1] or not 0 < step_mm < np.inf:
            raise ValueError
        camera = Camera(counts.shape[1], counts.shape[0], k[0, 0], k[1, 1], k[0, 2], k[1, 2])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{path} has no camera without skew and depth_scale for {source.rgb.name}; "
                         "copy it again from the source") from None
    z, encoding = depth_m(source.geometry, counts, step_mm / 1000)
    return Capture.from_depth(rgb, z, camera, source.path, encoding)


def _entry(path, stem):
    try:
        return _scene(path, path.stat().st_mtime_ns)[str(int(stem))]
    except (KeyError, ValueError) as error:
        if isinstance(error, ValueError) and str(path) in str(error):
            raise
        raise ValueError(f"{path} has no image {stem}; copy it again from the source") from None


@lru_cache(maxsize=8)
def _scene(path: Path, changed: int) -> dict:
    from crossmodal.formats.paths import read_json

    return read_json(path)
