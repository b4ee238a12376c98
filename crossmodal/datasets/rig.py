"""RGB and depth from two cameras: rig.json beside the folders says both cameras and the pose between them.

    {"color": {"width": 1280, "height": 720, "fx": ..., ...}, "depth": {...}, "depth_scale": 0.001,
     "T_color_depth": [[r, r, r, x], [r, r, r, y], [r, r, r, z], [0, 0, 0, 1]]}

Either camera in any form that intrinsics reads; T_color_depth maps the depth camera's coordinates, in metres, to
the colour camera's. librealsense's extrinsics from depth to colour, {"rotation": nine numbers column by column,
"translation": three}, are taken under the same name.
"""

from pathlib import Path

import numpy as np

from crossmodal.align import aligned, colours_of
from crossmodal.capture import Capture, Encoding, Rig, View
from crossmodal.datasets.decode import depth_m
from crossmodal.datasets.intrinsics import Calibration, checked_size, parsed, understood
from crossmodal.datasets.names import RIG_FILE
from crossmodal.datasets.raw import read_geometry
from crossmodal.datasets.source import Reading, Source
from rgb import read_rgb


def is_rig(source: Source, reading: Reading) -> bool:
    """Whether a source's picture and depth come from two cameras, as a rig.json beside it says."""
    return (reading.intrinsics is None and not source.view and source.calibration is not None
            and source.calibration.name == RIG_FILE)


def load_rig(source: Source, reading: Reading) -> Rig:
    """The colour camera's Capture, with depth aligned to it, and the depth camera's, its file's own numbers kept.

    The rig's frame is the colour camera's. Errors: ValueError or OSError, one line that names the file.
    """
    color, depth, pose = read_rig(source.calibration)
    rgb = read_rgb(source.rgb).pixels
    values = read_geometry(source.geometry)
    checked_size(color.camera, source.calibration, rgb.shape, source.rgb)
    checked_size(depth.camera, source.calibration, values.shape, source.geometry)
    z, encoding = depth_m(source.geometry, values, reading.unit_m, depth.depth_unit_m)
    return rig_of(rgb, z, color, depth, pose, source.path, encoding)


def rig_of(rgb: np.ndarray, z_m: np.ndarray, color: Calibration, depth: Calibration, T_color_depth: np.ndarray,
           name: str = "", encoding: Encoding | None = None) -> Rig:
    """A rig of two from rgb (H, W, 3) uint8 and z (h, w) float32 m of the depth camera, NaN invalid."""
    rays = depth.camera.ray_map()
    points = (rays * z_m[..., None]).astype(np.float32)
    points[..., 2] = z_m
    view = View(depth.camera, None, points, name, encoding)
    z_color = aligned(view, color.camera, T_color_depth)
    if not np.isfinite(z_color).any():
        raise ValueError(f"{name}: nothing that the depth camera measured lies in the colour camera's view; "
                         "check T_color_depth (it maps depth's coordinates to colour's, in metres)")
    painted = colours_of(view, rgb, color.camera, z_color, T_color_depth)
    return Rig((Capture.from_depth(rgb, z_color, color.camera, name),
                Capture(depth.camera, painted, points, name, encoding)), (np.eye(4), T_color_depth))


def read_rig(path: Path) -> tuple[Calibration, Calibration, np.ndarray]:
    """Both cameras and T_color_depth (4, 4) float64. Errors: ValueError, one line that names the file."""
    data = parsed(path)
    lowered = {str(key).lower(): value for key, value in data.items()}
    missing = next((word for word in ("color", "depth", "t_color_depth") if word not in lowered), None)
    if missing:
        raise ValueError(f"{path} has no {missing}; give color, depth and T_color_depth")
    scale = {"depth_scale": lowered["depth_scale"]} if "depth_scale" in lowered else {}
    cameras = []
    for word in ("color", "depth"):
        if not isinstance(lowered[word], dict):
            raise ValueError(f"{path}: {word} must be a camera by name and number; give fx fy cx cy width height")
        own = {str(key).lower(): value for key, value in lowered[word].items()}
        cameras.append(understood(path, own | (scale if word == "depth" and "depth_scale" not in own else {}), None))
    pose = rigid(path, lowered["t_color_depth"], "T_color_depth")
    if np.linalg.norm(pose[:3, 3]) > 5:
        raise ValueError(f"{path}: T_color_depth puts the cameras {np.linalg.norm(pose[:3, 3]):.4g} m apart; "
                         "give its translation in metres")
    return cameras[0], cameras[1], pose


def rigid(path: Path, said, word: str) -> np.ndarray:
    """(4, 4) float64 of a pose that a file says under a name. Errors: ValueError, one line: no rigid motion."""
    try:
        if isinstance(said, dict):
            pose = np.eye(4)
            pose[:3, :3] = np.array(said["rotation"], float).reshape(3, 3, order="F")
            pose[:3, 3] = np.array(said["translation"], float).reshape(3)
        else:
            pose = np.array(said, float).reshape(4, 4)
    except (KeyError, ValueError, TypeError):
        raise ValueError(f"{path}: {word} must be 4x4, or rotation and translation; mend it") from None
    turn = pose[:3, :3]
    rigid = np.isfinite(pose).all() and np.allclose(turn @ turn.T, np.eye(3), atol=1e-4)
    if not rigid or np.linalg.det(turn) < 0 or not np.allclose(pose[3], (0, 0, 0, 1)):
        raise ValueError(f"{path}: {word} is no rigid motion; its rotation must be orthonormal, "
                         "its last row 0 0 0 1")
    u, _, v = np.linalg.svd(turn)  # what a file's rounding took from it
    pose[:3, :3] = u @ v
    return pose
