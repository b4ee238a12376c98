"""Small datasets on disk for tests: analytic captures in the layouts that the readers know."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import toys

from crossmodal.capture import Capture
from depth import write_xyz
from pointcloud import Pcd, pack_rgb, write_pcd
from rgb import write_mask, write_rgb

FOCUS = 0.01


@lru_cache
def good(i: int) -> Capture:
    """The i-th good part: a cylinder before a wall, turned a little further each time, with a corner of nothing."""
    capture = toys.cylinder(turn_deg=20.0 + 7 * i)
    points = capture.points.copy()
    points[:4, :6] = np.nan
    return capture.replaced(points=points)


def halcon(capture: Capture) -> dict:
    """A pinhole as MVTec 3D-AD's calibration says it."""
    camera = capture.camera
    return {"camera_type": "area_scan_division", "focus": FOCUS, "kappa": 0.0, "sx": FOCUS / camera.fx,
            "sy": FOCUS / camera.fy, "cx": camera.cx, "cy": camera.cy, "image_width": camera.width,
            "image_height": camera.height}


def zeros(points: np.ndarray) -> np.ndarray:
    """Points with the code of MVTec 3D-AD for nothing measured."""
    return np.where(np.isfinite(points), points, np.float32(0))


def write_pair(folder: Path, stem: str, capture: Capture, scale: float = 1.0) -> None:
    """rgb/ and xyz/ of one capture; scale: the file's units a metre."""
    for word in ("rgb", "xyz"):
        (folder / word).mkdir(parents=True, exist_ok=True)
    write_rgb(folder / "rgb" / f"{stem}.png", capture.rgb)
    write_xyz(folder / "xyz" / f"{stem}.tiff", zeros(capture.points) * np.float32(scale))


def write_category(root: Path, train: int = 4, validation: int = 1, test: int = 2) -> Path:
    """A category of MVTec 3D-AD with its calibration, class ids and one real defect folder."""
    split_sizes = {"train": train, "validation": validation, "test": test}
    i = 0
    for split, size in split_sizes.items():
        for k in range(size):
            write_pair(root / split / "good", f"{k:03d}", good(i))
            i += 1
    write_pair(root / "test" / "hole", "000", good(0))
    (root / "test" / "hole" / "gt").mkdir()
    write_mask(root / "test" / "hole" / "gt" / "000.png", np.full(good(0).shape, 255, np.uint8))
    (root / "calibration").mkdir()
    (root / "calibration" / "camera_parameters.json").write_text(json.dumps(halcon(good(0))))
    (root / "class_ids.json").write_text('{"255": "hole", "254": "dent", "0": "good"}')
    (root / "license.txt").write_text("yours\n")
    return root


def write_scenes(root: Path, many: int = 3) -> Path:
    """A folder of organised PCD scenes with labels, NaN where nothing was measured."""
    root.mkdir(parents=True, exist_ok=True)
    for i in range(many):
        write_pcd(root / f"scene{i}.pcd", scene(good(i)))
    return root


def scene(capture: Capture) -> Pcd:
    """A capture as the Point Cloud Library keeps it."""
    height, width = capture.shape
    fields = {"label": np.arange(height * width, dtype=np.uint32) % 7}
    fields |= {axis: np.ascontiguousarray(capture.points[..., i]).ravel() for i, axis in enumerate("xyz")}
    return Pcd(fields | {"rgba": pack_rgb(capture.rgb)}, width, height)


def digests(folder: Path, *but: str) -> dict[str, bytes]:
    """Every file below a folder by its relative path, save those whose name begins with one of `but`."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(but or ("\0",))}
