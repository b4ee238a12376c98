"""Point clouds on disk: PLY and PCD, by suffix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pointcloud.cloud import PointCloud
from pointcloud.pcd import Pcd, pack_rgb, pcd_rgb, read_pcd, write_pcd
from pointcloud.ply import read_vertices, write_vertices

_PLY = {"rgb": ("red", "green", "blue"), "normals": ("nx", "ny", "nz")}
_PCD_NORMALS = ("normal_x", "normal_y", "normal_z")


def read_cloud(path: str | Path, unit_m: float = 1.0) -> PointCloud:
    """Read .ply or .pcd; coordinates times `unit_m` are metres. Points that are not finite are left out.

    Fields beyond x y z, colour, normals and label are left out too (`read_pcd` keeps them, and the grid).
    Errors: ValueError (unknown suffix, damaged, no x y z), OSError; one line that names the file and the way
    out.
    """
    read, _ = _format(path)
    xyz, rgb, normals, labels = read(path)
    finite = np.isfinite(xyz).all(axis=1)
    if normals is not None:
        normals = np.where(np.isfinite(normals), normals, np.float32(0))
    if unit_m != 1.0:
        xyz = (xyz.astype(np.float64) * unit_m).astype(np.float32)
    return PointCloud(*(None if v is None else v[finite] for v in (xyz, rgb, normals, labels)))


def write_cloud(path: str | Path, cloud: PointCloud) -> None:
    """Write .ply (binary little endian) or .pcd (binary_compressed) in metres, atomically.

    The same cloud gives the same bytes. Errors: ValueError for an unknown suffix, OSError.
    """
    _, write = _format(path)
    write(path, cloud)


def _stack(
    path: str | Path, columns: dict[str, np.ndarray], names: tuple[str, ...], dtype: str
) -> np.ndarray | None:
    if any(name not in columns for name in names):
        return None
    if any(columns[name].shape != columns[names[0]].shape or columns[name].ndim != 1 for name in names):
        raise ValueError(f"{path} holds {names[0]} as several numbers a point; save it with one")
    if dtype == "uint8" and any(columns[name].dtype != np.uint8 for name in names):
        raise ValueError(f"{path} holds {columns[names[0]].dtype} colours; save them as uchar")
    return np.stack([columns[name] for name in names], axis=-1).astype(dtype, copy=False)


def _labels(path: str | Path, columns: dict[str, np.ndarray]) -> np.ndarray | None:
    labels = columns.get("label")
    if labels is None or labels.dtype.str[1:] in ("u1", "u2", "u4"):
        return labels
    whole = labels.astype(np.int64) if labels.dtype.kind in "iu" else None
    if whole is None or labels.ndim != 1 or (whole.size and not 0 <= whole.min() <= whole.max() < 1 << 32):
        raise ValueError(f"{path} holds {labels.dtype} labels that are no uint32; save them as uint")
    return whole.astype(np.uint32)


def _points(path: str | Path, columns: dict[str, np.ndarray]) -> np.ndarray:
    xyz = _stack(path, columns, ("x", "y", "z"), "float32")
    if xyz is None:
        raise ValueError(f"{path} has no x y z; a point cloud needs them")
    return xyz


def _read_ply(path: str | Path) -> tuple[np.ndarray | None, ...]:
    columns = read_vertices(path)
    return (
        _points(path, columns),
        _stack(path, columns, _PLY["rgb"], "uint8"),
        _stack(path, columns, _PLY["normals"], "float32"),
        _labels(path, columns),
    )


def _write_ply(path: str | Path, cloud: PointCloud) -> None:
    columns = {axis: cloud.xyz_m[:, i] for i, axis in enumerate("xyz")}
    for attribute, names in _PLY.items():
        values = getattr(cloud, attribute)
        if values is not None:
            columns |= {name: values[:, i] for i, name in enumerate(names)}
    if cloud.labels is not None:
        columns["label"] = cloud.labels
    write_vertices(path, columns)


def _read_pcd(path: str | Path) -> tuple[np.ndarray | None, ...]:
    pcd = read_pcd(path)
    rgb = pcd_rgb(pcd)
    return (
        _points(path, pcd.fields),
        None if rgb is None else rgb.reshape(-1, 3),
        _stack(path, pcd.fields, _PCD_NORMALS, "float32"),
        _labels(path, pcd.fields),
    )


def _write_pcd(path: str | Path, cloud: PointCloud) -> None:
    fields = {axis: cloud.xyz_m[:, i] for i, axis in enumerate("xyz")}
    if cloud.rgb is not None:
        fields["rgba"] = pack_rgb(cloud.rgb)
    if cloud.normals is not None:
        fields |= {name: cloud.normals[:, i] for i, name in enumerate(_PCD_NORMALS)}
    if cloud.labels is not None:
        fields["label"] = cloud.labels
    write_pcd(path, Pcd(fields, len(cloud)))


FORMATS = {".ply": (_read_ply, _write_ply), ".pcd": (_read_pcd, _write_pcd)}


def _format(path: str | Path) -> tuple:
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(f"{path} has no point cloud suffix that is known; use one of {' '.join(FORMATS)}")
    return FORMATS[suffix]
