"""Organised PCD scenes: read as captures, and written back with every other field and bit as it was."""

from pathlib import Path

import numpy as np

from crossmodal.capture import Capture
from crossmodal.datasets import ply
from crossmodal.datasets.source import Source
from pointcloud import Pcd, pcd_rgb, read_pcd, write_pcd
from pointcloud.pcd import encoding_of

SUFFIXES = (".pcd", ".ply")


def listed(root: Path) -> list[Source]:
    """Every .pcd or .ply of a folder, each a capture."""
    return [scene(path) for path in sorted(root.iterdir())
            if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")]


def scene(path: Path) -> Source:
    """One organised PCD, or PLY, as a capture."""
    return Source(path.stem, path, path, path.suffix.lower()[1:])


def read_scene(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """rgb (H, W, 3) uint8 and xyz (H, W, 3) as the file has them.

    Errors: ValueError where the cloud is not organised, or has no colour or no x y z.
    """
    rgb, xyz = read_grid(path)
    if rgb is None:
        raise ValueError(f"{path} has no rgb or rgba field; export it with its colours")
    return rgb, xyz


def read_grid(path: Path, shape: tuple[int, ...] | None = None) -> tuple[np.ndarray | None, np.ndarray]:
    """rgb (H, W, 3) uint8 or None, and xyz (H, W, 3), of a PCD or a PLY (see ply.read_grid). Errors: ValueError."""
    if path.suffix.lower() == ".ply":
        return ply.read_grid(path, shape)
    pcd = read_pcd(path)
    if not pcd.organised or pcd.width < 2:
        raise ValueError(f"{path} is not organised ({pcd.width}x{pcd.height} points); "
                         "export it with its grid, width and height both above 1")
    rgb = pcd_rgb(pcd)
    if rgb is None:
        rgb = ply.colours(dict(pcd.fields), (pcd.height, pcd.width))
    try:
        return rgb, pcd.xyz()
    except ValueError as error:
        raise ValueError(f"{path}: {error}; export it with x, y and z") from None


def read_labels(path: Path) -> np.ndarray | None:
    """The scene's own labels (H, W) as the file has them, or None."""
    pcd = read_pcd(path)
    return pcd.grid("label") if "label" in pcd.fields and pcd.organised else None


def write_scene(path: Path, source: Path, after: Capture, rgb: np.ndarray, points: np.ndarray) -> None:
    """Write `after` as the source scene with only the masked samples changed; fields and encoding are kept.

    rgb, points: (H, W) bool masks of what changed; all else keeps its bits. Errors: ValueError, OSError.
    """
    pcd = read_pcd(source)
    fields = dict(pcd.fields)
    xyz = after.encoding.encoded(after.points, points)
    for axis, name in enumerate("xyz"):
        fields[name] = np.ascontiguousarray(xyz[..., axis]).reshape(-1).astype(fields[name].dtype)
    for name in ("rgb", "rgba"):
        packed = fields.get(name)
        if packed is not None and packed.dtype.itemsize == 4 and packed.ndim == 1:
            parts = packed.view(np.uint8).reshape(-1, 4).copy()  # blue, green, red, alpha
            chosen = rgb.reshape(-1)
            parts[chosen, :3] = after.rgb.reshape(-1, 3)[chosen][:, ::-1]
            fields[name] = parts.reshape(-1).view(packed.dtype)
            break
    write_pcd(path, Pcd(fields, pcd.width, pcd.height, pcd.viewpoint), encoding_of(source))
