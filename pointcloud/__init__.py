"""Points in metres, float32 (N, 3): a value, its files, its neighbours, and what can happen to it."""

from pointcloud.change import displaced, with_points, without
from pointcloud.cloud import PointCloud
from pointcloud.files import read_cloud, write_cloud
from pointcloud.neighbours import normals, spacing
from pointcloud.pcd import Pcd, pack_rgb, pcd_rgb, read_pcd, write_pcd
from pointcloud.ply import Ply, read_ply
from pointcloud.table import Table, read_table, write_table

ROOM_OF = "crossmodal-anomaly"

__all__ = [
    "ROOM_OF",
    "Pcd",
    "Ply",
    "PointCloud",
    "Table",
    "displaced",
    "normals",
    "pack_rgb",
    "pcd_rgb",
    "read_cloud",
    "read_pcd",
    "read_ply",
    "read_table",
    "spacing",
    "with_points",
    "without",
    "write_cloud",
    "write_pcd",
    "write_table",
]
