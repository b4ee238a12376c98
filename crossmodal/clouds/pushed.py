"""Edits × a PointCloud value: its own points move and go, and keep their order; none are added."""

from collections.abc import Sequence

import numpy as np

from crossmodal.edit import SurfaceEdit
from pointcloud import PointCloud


def pushed(cloud: PointCloud, edits: Sequence[SurfaceEdit]) -> PointCloud:
    """The cloud with labels (N,) uint8, i + 1 where the i-th edit is. Raises ValueError for one without normals."""
    if cloud.normals is None:
        raise ValueError("a cloud needs normals to carry a defect; estimate them with pointcloud.normals")
    xyz = cloud.xyz_m.astype(np.float64)
    labels = np.zeros(len(cloud), np.uint8)
    keep = np.ones(len(cloud), bool)
    for i, edit in enumerate(edits):
        sample = edit(xyz, cloud.normals)
        ways = edit.directions(cloud.normals[None], np.ones((1, len(cloud), 1), bool))[0]
        xyz += sample.displacement_mm[:, None] * 1e-3 * ways
        labels[sample.support] = i + 1
        if sample.removed is not None:
            keep &= ~sample.removed
    colours = None if cloud.rgb is None else cloud.rgb[keep]
    return PointCloud(xyz[keep].astype(np.float32), rgb=colours, normals=cloud.normals[keep], labels=labels[keep])
