"""What people call their folders and files: one table a role, the likeliest name first."""

import re
from pathlib import Path

COLOUR = ("rgb", "color", "colour", "image", "images", "rgb_images", "color_images", "texture", "gray", "grey")
POINTS = ("xyz", "ply", "pcd", "points", "pointcloud", "point_cloud", "pointclouds", "clouds", "cloud")
DEPTH = ("aligned_depth_to_color", "aligned_depth", "depth_aligned", "depth_registered", "depth", "depths",
         "depth_images", "depth_maps", "distance_to_image_plane")
"""Aligned depth comes first: recorders write the raw depth beside it."""

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
DEPTH_SUFFIXES = (".png", ".tiff", ".tif", ".npy")
POINT_SUFFIXES = (".tiff", ".tif", ".npy", ".ply", ".pcd")

ROLES = {name: role for role, names in (("rgb", COLOUR), ("xyz", POINTS), ("depth", DEPTH)) for name in names}
SUFFIXES = {"rgb": PICTURE_SUFFIXES, "xyz": POINT_SUFFIXES, "depth": DEPTH_SUFFIXES}

_CAMERAS = ("intrinsics", "intrinsic", "color_intrinsics", "color_intrinsic", "camera_intrinsics", "camera_intrinsic",
            "color_camera_info", "camera_info", "camera", "camera_parameters", "calibration", "calib")
RIG_FILE = "rig.json"
CAMERA_FILES = (RIG_FILE, *(f"{name}{suffix}" for name in _CAMERAS for suffix in (".json", ".yaml", ".yml")))
MVTEC_CAMERA = "calibration/camera_parameters.json"
SCENE_CAMERA = "scene_camera.json"

_WORD = re.compile(r"(?:^|(?<=[._\- ]))(" + "|".join(sorted(ROLES, key=len, reverse=True)) + r")(?=$|[._\- \d])",
                   re.IGNORECASE)


def role_of(stem: str) -> str | None:
    """rgb, xyz or depth, as a file's name says; None if it says nothing ("000", "part_7")."""
    found = _WORD.search(stem)
    return ROLES[found[1].lower()] if found else None


def rank_of(stem: str) -> int:
    """How likely a file is what its name says, the likeliest 0: of several for one role, the least is taken."""
    found = _WORD.search(stem)
    return list(ROLES).index(found[1].lower()) if found else len(ROLES)


def key_of(stem: str) -> str:
    """What a file shares with its partners: its name without the word for its role ("frame-7.color" → "frame-7")."""
    found = _WORD.search(stem)
    if not found:
        return stem
    parts = (stem[:found.start()].rstrip("._- "), stem[found.end():].lstrip("._- "))
    return "_".join(part for part in parts if part)


def folders_of(folder: Path) -> dict[str, Path]:
    """role → the likeliest of the folder's own folders for it."""
    there = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    return {role: there[name] for role, names in (("rgb", COLOUR), ("xyz", POINTS), ("depth", DEPTH))
            if (name := next((name for name in names if name in there), None))}


def camera_near(folder: Path) -> Path | None:
    """The camera file of a folder of captures: MVTec's up to three folders above, any other here or just above."""
    above = folder.resolve().parents
    for here in (folder, *above[:3]):
        if (path := here / MVTEC_CAMERA).is_file():
            return path
    pictures = folders_of(folder).get("rgb") if folder.is_dir() else None
    for here in (folder, *((pictures,) if pictures else ()), *above[:1]):
        for name in CAMERA_FILES:
            if (path := here / name).is_file():
                return path
    return None
