"""Organised PLY as Zivid and Photoneo write it: a point a pixel, row by row, in colour or in a grey texture."""

from pathlib import Path

import numpy as np

from pointcloud import read_ply

_COLOURS = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))
_GREYS = ("intensity", "texture", "gray", "grey", "scalar_intensity", "scalar_texture", "i")


def read_grid(path: Path, shape: tuple[int, ...] | None = None) -> tuple[np.ndarray | None, np.ndarray]:
    """rgb (H, W, 3) uint8 or None, and xyz (H, W, 3) as the file has them.

    shape: (H, W) of the picture beside it, for a file that does not say its grid.
    Errors: ValueError in one line: no grid, no x y z; OSError.
    """
    ply = read_ply(path)
    vertices = ply.vertices
    if any(axis not in vertices for axis in "xyz"):
        raise ValueError(f"{path} has no x y z; export it with them")
    count = len(vertices["x"])
    size = ply.size or shape
    if size is None or size[0] * size[1] != count or min(size[:2]) < 2:
        there = f" and its picture {shape[1]}x{shape[0]} pixels" if shape else ""
        raise ValueError(f"{path} holds {count} points{there} but no grid that they fill; export it organised, "
                         "a point a pixel, the missing ones kept as zeros or NaN")
    xyz = np.stack([vertices[axis] for axis in "xyz"], -1).reshape(*size[:2], 3)
    if xyz.dtype.kind != "f":
        raise ValueError(f"{path} holds {xyz.dtype} coordinates; export them as float")
    return colours(vertices, size[:2]), xyz


def colours(fields: dict[str, np.ndarray], size: tuple[int, int]) -> np.ndarray | None:
    """rgb (H, W, 3) uint8 of a cloud's own fields (N,): its colours, else its grey texture thrice, else None."""
    for names in _COLOURS:
        if all(name in fields and fields[name].dtype == np.uint8 for name in names):
            return np.stack([fields[name] for name in names], -1).reshape(*size, 3)
    by_name = {name.lower(): values for name, values in fields.items()}
    for name in _GREYS:
        if name in by_name and by_name[name].ndim == 1:
            return np.repeat(_grey(by_name[name]).reshape(*size, 1), 3, axis=-1)
    return None


def _grey(values):
    """uint8 (N,): 8 bits as they are; more bits, or floats, by the brightest thousandth."""
    if values.dtype == np.uint8:
        return values
    light = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0).clip(0)
    top = float(np.quantile(light, 0.999)) if light.size else 0.0
    return (light * (255 / top)).clip(0, 255).round().astype(np.uint8) if top > 0 else np.zeros(len(light), np.uint8)
