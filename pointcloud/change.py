"""What can happen to a cloud: its points move, go, or are joined by others. Pure: a new cloud each time."""

from __future__ import annotations

import numpy as np

from pointcloud.cloud import PointCloud


def displaced(cloud: PointCloud, offset_m: np.ndarray) -> PointCloud:
    """The cloud with each point moved by its row of `offset_m` (N, 3), metres; a zero row keeps its bits.

    Normals are carried over as they are: take them anew (`normals`) where the shape has changed. Errors:
    ValueError.
    """
    if np.shape(offset_m) != cloud.xyz_m.shape:
        raise ValueError(f"offset_m must be float {cloud.xyz_m.shape}, but got {np.shape(offset_m)}")
    offset = np.asarray(offset_m, np.float64)
    moved = np.where(offset == 0, cloud.xyz_m, cloud.xyz_m + offset).astype(np.float32)  # -0 + 0 would be +0
    return PointCloud(moved, cloud.rgb, cloud.normals, cloud.labels)


def without(cloud: PointCloud, mask: np.ndarray) -> PointCloud:
    """The cloud less the points where `mask`, bool (N,), is True; the others keep their order. Errors:
    ValueError.
    """
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != (len(cloud),):
        raise ValueError(f"mask must be bool ({len(cloud)},), but got {mask.dtype} {mask.shape}")
    keep = ~mask
    return PointCloud(*(None if v is None else v[keep] for v in _arrays(cloud)))


def with_points(cloud: PointCloud, other: PointCloud) -> PointCloud:
    """`cloud` followed by `other`; labels take the wider type. Errors: ValueError if one knows what the other
    lacks.
    """
    for name, mine, theirs in zip(
        ("rgb", "normals", "labels"), _arrays(cloud)[1:], _arrays(other)[1:], strict=True
    ):
        if (mine is None) != (theirs is None):
            holder, lacking = ("the cloud", "the other") if theirs is None else ("the other", "the cloud")
            raise ValueError(f"{holder} has {name} and {lacking} has none; give both {name} or neither")
    pairs = zip(_arrays(cloud), _arrays(other), strict=True)
    return PointCloud(*(None if a is None else np.concatenate([a, b]) for a, b in pairs))


def _arrays(cloud: PointCloud) -> tuple[np.ndarray | None, ...]:
    return cloud.xyz_m, cloud.rgb, cloud.normals, cloud.labels
