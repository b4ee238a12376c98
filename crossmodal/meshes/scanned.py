"""A part scanned by a ring of cameras into a folder that reads as a rig of views: rig.json, rgb/ and xyz/."""

import json
import os
import shutil
from pathlib import Path

from crossmodal.capture import Rig
from crossmodal.datasets.mvtec3d_writer import xyz_of
from crossmodal.datasets.names import RIG_FILE
from crossmodal.datasets.source import file_hash
from crossmodal.meshes.files import read_mesh
from crossmodal.scanner.ring import scan_ring
from depth import write_xyz
from pointcloud.atomic import write_bytes
from rgb import write_rgb

FOLDER = "views"
MOST_VIEWS = 360  # one a degree


def scan_file(path: Path, out: Path, views: int, unit: str | None, size: int) -> Path:
    """The folder OUT/views of a mesh file's scan: a ring to make defects in (split test), and one half a step on, that
    stays good (train). What is there of the same file and the same ring is kept.

    Errors: ValueError, OSError, one line; nothing half-written.
    """
    if not 1 <= views <= MOST_VIEWS:
        raise ValueError(f"--views must be 1 to {MOST_VIEWS}, but got {views}")
    mesh = read_mesh(path, unit=unit)
    asked = {"mesh": file_hash(path), "unit": unit, "views": views, "size": size}
    folder = out / FOLDER
    if (folder / RIG_FILE).is_file():
        if json.loads((folder / RIG_FILE).read_bytes()).get("scan") == asked:
            return folder
        raise ValueError(f"{folder} holds the scan of another mesh or ring; choose another --out")
    if folder.exists():
        raise ValueError(f"{folder} is there already; choose another --out")
    partial = out / f".{FOLDER}.{os.getpid()}.part"
    partial.mkdir(parents=True)
    try:
        said: list[dict] = []
        for split, first_deg in (("test", 0.0), ("train", 180.0 / views)):
            rig = scan_ring(mesh, views, size, first_deg=first_deg)
            said += _written(partial, split, rig)
        light = rig.views[0].light.turned(rig.T_rig_camera[0][:3, :3])
        record = {"scan": asked, "light": {name: value for name, value in vars(light).items() if name != "sky"},
                  "views": said}
        write_bytes(partial / RIG_FILE, (json.dumps(record, indent=1) + "\n").encode())
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _written(folder: Path, split: str, rig: Rig) -> list[dict]:
    """Write a rig's pictures and points below a folder; what rig.json says of each view."""
    said = []
    for room in ("rgb", "xyz"):
        (folder / split / room).mkdir(parents=True)
    for k, (view, pose) in enumerate(zip(rig.views, rig.T_rig_camera, strict=True)):
        files = {"rgb": f"{split}/rgb/{k:03d}.png", "xyz": f"{split}/xyz/{k:03d}.tiff"}
        write_rgb(folder / files["rgb"], view.rgb)
        write_xyz(folder / files["xyz"], xyz_of(view))
        camera = {name: getattr(view.camera, name) for name in ("width", "height", "fx", "fy", "cx", "cy")}
        said.append({**files, "split": split, "camera": camera, "T_rig_camera": pose.tolist()})
    return said
