"""Folders as sensors and their tools leave them, made from organised captures.

What is known of each layout is its description (the sources stand in crossmodal/datasets), not a real copy.
Usage: CROSSMODAL_SHARED=../shared python tests/rgbd_trees.py OUT   makes all of them from mOSD scenes.
"""

import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import yaml

from crossmodal.camera import Camera
from crossmodal.capture import Capture
from depth import write_xyz
from pointcloud import Pcd, pack_rgb, write_pcd
from rgb import write_rgb

BROWN = (0.11, -0.24, 0.0007, -0.0004, 0.02)


def counts(capture: Capture, unit_m: float = 0.001) -> np.ndarray:
    """16-bit depth (H, W), 0 where nothing was measured."""
    return np.rint(np.nan_to_num(capture.depth.astype(np.float64)) / unit_m).astype(np.uint16)


def matrix(camera: Camera) -> list[float]:
    """K row by row."""
    return [float(k) for k in (camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1)]


def put(path: Path, values: np.ndarray) -> None:
    """A picture, a 16-bit PNG or an NPY, by its suffix and type."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".tiff":
        write_xyz(path, values)
    elif values.dtype == np.uint16:
        cv2.imwrite(str(path), values)
    elif path.suffix == ".jpg":
        cv2.imwrite(str(path), values[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 97))
    else:
        write_rgb(path, values)


def say(path: Path, data: dict) -> None:
    """A JSON or YAML file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) if path.suffix == ".json" else yaml.safe_dump(data))


def realsense(root: Path, captures: list[Capture], unit_m: float = 0.001) -> Path:
    """color/ with aligned depth/, intrinsics.json as people dump rs2_intrinsics, its depth_scale in metres."""
    for i, capture in enumerate(captures):
        put(root / f"color/color_{i:04d}.png", capture.rgb)
        put(root / f"depth/depth_{i:04d}.png", counts(capture, unit_m))
    camera = captures[0].camera
    say(root / "intrinsics.json", {
        "width": camera.width, "height": camera.height, "ppx": camera.cx, "ppy": camera.cy, "fx": camera.fx,
        "fy": camera.fy, "model": "distortion.inverse_brown_conrady", "coeffs": [0.0] * 5, "depth_scale": unit_m})
    return root


def ros(root: Path, captures: list[Capture], lens: tuple[float, ...] = (), floats: bool = False) -> Path:
    """rgb/ with aligned_depth/ (and the raw one, which is another camera's), camera_info.yaml, REP-118."""
    for i, capture in enumerate(captures):
        put(root / f"rgb/{i:06d}.png", capture.rgb)
        put(root / f"aligned_depth/{i:06d}{'.npy' if floats else '.png'}",
            capture.depth.copy() if floats else counts(capture))
        put(root / f"depth/{i:06d}.png", np.zeros((4, 4), np.uint16))
    camera = captures[0].camera
    say(root / "camera_info.yaml", {
        "image_width": camera.width, "image_height": camera.height, "camera_name": "head",
        "camera_matrix": {"rows": 3, "cols": 3, "data": matrix(camera)}, "distortion_model": "plumb_bob",
        "distortion_coefficients": {"rows": 1, "cols": 5, "data": list(lens or (0.0,) * 5)}})
    return root


def bop(root: Path, captures: list[Capture], scale: float = 0.1) -> Path:
    """A split with one scene: each image its own camera, depth_scale in millimetres a count."""
    scene = root / "test" / "000002"
    cameras = {}
    for i, capture in enumerate(captures):
        put(scene / f"rgb/{i:06d}.jpg", capture.rgb)
        put(scene / f"depth/{i:06d}.png", counts(capture, scale * 1e-3))
        cameras[str(i)] = {"cam_K": matrix(capture.camera), "depth_scale": scale}
    say(scene / "scene_camera.json", cameras)
    say(scene / "scene_gt.json", {str(i): [] for i in range(len(captures))})
    return root


def open3d(root: Path, captures: list[Capture]) -> Path:
    """color/ as JPEG with depth/, camera_intrinsic.json column by column, depth_scale in counts a metre."""
    for i, capture in enumerate(captures):
        put(root / f"color/{i:05d}.jpg", capture.rgb)
        put(root / f"depth/{i:05d}.png", counts(capture))
    camera = captures[0].camera
    say(root / "camera_intrinsic.json", {
        "width": camera.width, "height": camera.height, "depth_scale": 1000.0,
        "intrinsic_matrix": [camera.fx, 0, 0, 0, camera.fy, 0, camera.cx, camera.cy, 1]})
    return root


def ply(path: Path, points: np.ndarray, columns: dict[str, np.ndarray], says: str = "num_cols") -> None:
    """An organised PLY; says: num_cols (obj_info), camera (PCL's element) or nothing."""
    height, width = points.shape[:2]
    columns = {axis: points[..., i].astype("<f4").ravel() for i, axis in enumerate("xyz")} | columns
    table = np.empty(height * width, [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        table[name] = values
    words = {"f4": "float", "u1": "uchar", "u2": "ushort"}
    grid = f"obj_info num_cols {width}\nobj_info num_rows {height}\n" if says == "num_cols" else ""
    properties = "".join(f"property {words[values.dtype.str[1:]]} {name}\n" for name, values in columns.items())
    numbers = ("view_px", "focal", "centerx")
    camera = "".join(f"property float {name}\n" for name in numbers) + "".join(
        f"property int {name}\n" for name in ("viewportx", "viewporty")) + "property float k1\nproperty float k2\n"
    head = (f"ply\nformat binary_little_endian 1.0\ncomment generated\n{grid}element vertex {height * width}\n"
            f"{properties}element face 0\nproperty list uchar int vertex_indices\n"
            + (f"element camera 1\n{camera}" if says == "camera" else "") + "end_header\n")
    tail = (np.zeros(3, "<f4").tobytes() + np.array((width, height), "<i4").tobytes()
            + np.zeros(2, "<f4").tobytes()) if says == "camera" else b""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.encode() + table.tobytes() + tail)


def zivid(root: Path, captures: list[Capture], says: str = "num_cols") -> Path:
    """One coloured organised PLY a capture, millimetres, NaN."""
    for i, capture in enumerate(captures):
        colours = {name: capture.rgb[..., k].ravel() for k, name in enumerate(("red", "green", "blue"))}
        colours["alpha"] = np.full(colours["red"].shape, 255, np.uint8)
        ply(root / f"scan{i}.ply", capture.points * np.float32(1e3), colours, says)
    return root


def photoneo(root: Path, captures: list[Capture]) -> Path:
    """rgb/ of one grey channel beside ply/: millimetres, zeros, no word of the grid; texture in the cloud too."""
    for i, capture in enumerate(captures):
        grey = cv2.cvtColor(capture.rgb, cv2.COLOR_RGB2GRAY)
        (root / "rgb").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / f"rgb/{i:03d}.png"), grey)
        points = np.where(np.isfinite(capture.points), capture.points, np.float32(0)) * np.float32(1e3)
        ply(root / f"ply/{i:03d}.ply", points, {"Texture": grey.ravel().astype("<f4") * 4}, "nothing")
    return root


def pcd(root: Path, captures: list[Capture]) -> Path:
    """Organised PCD scenes in metres."""
    root.mkdir(parents=True, exist_ok=True)
    for i, capture in enumerate(captures):
        height, width = capture.shape
        fields = {axis: np.ascontiguousarray(capture.points[..., k]).ravel() for k, axis in enumerate("xyz")}
        write_pcd(root / f"{i}.pcd", Pcd(fields | {"rgba": pack_rgb(capture.rgb)}, width, height))
    return root


def per_folder(root: Path, captures: list[Capture]) -> Path:
    """One folder a capture: color.png, depth.npy in metres, camera.json of plain numbers."""
    for i, capture in enumerate(captures):
        camera = capture.camera
        put(root / f"part{i}/color.png", capture.rgb)
        put(root / f"part{i}/depth.npy", np.nan_to_num(capture.depth))
        say(root / f"part{i}/camera.json", {name: getattr(camera, name) for name in
                                            ("fx", "fy", "cx", "cy", "width", "height")})
    return root


def npy_points(root: Path, captures: list[Capture]) -> Path:
    """Flat pairs: scan_0_rgb.png with scan_0_xyz.npy, float64 millimetres, NaN."""
    for i, capture in enumerate(captures):
        put(root / f"scan_{i}_rgb.png", capture.rgb)
        put(root / f"scan_{i}_xyz.npy", capture.points.astype(np.float64) * 1e3)
    return root


LAYOUTS = {"realsense": realsense, "ros": ros, "bop": bop, "open3d": open3d, "zivid": zivid, "photoneo": photoneo,
           "pcd": pcd, "per_folder": per_folder, "npy_points": npy_points}
UNITS = {"zivid": "mm", "photoneo": "mm", "npy_points": "mm"}
"""Floats in millimetres: the unit is asked for, never guessed."""


def main(out: Path) -> None:
    from crossmodal import datasets

    folder = Path(os.environ.get("CROSSMODAL_SHARED", "../shared")) / "data/mosd"
    scenes = [datasets.load(source) for source in datasets.sources(folder)[:3]]
    for name, make in LAYOUTS.items():
        print(make(out / name, scenes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
