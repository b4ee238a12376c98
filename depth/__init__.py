"""z-depth in metres, float32 (H, W), NaN = no return: a value, its files, its noise floor, and pictures of
it.
"""

from depth.files import read_depth, read_xyz, write_depth, write_xyz
from depth.floor import DepthFloor, measure_floor
from depth.map import DepthMap
from depth.relief import colour_relief, detail_relief, hillshade

ROOM_OF = "crossmodal-anomaly"

__all__ = [
    "ROOM_OF",
    "DepthFloor",
    "DepthMap",
    "colour_relief",
    "detail_relief",
    "hillshade",
    "measure_floor",
    "read_depth",
    "read_xyz",
    "write_depth",
    "write_xyz",
]
