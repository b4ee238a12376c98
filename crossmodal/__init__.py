"""crossmodal: one defect on one surface, in millimetres, seen by RGB, depth and point cloud alike."""

from importlib import import_module

import depth
import pointcloud
import rgb

for _room in (rgb, depth, pointcloud):
    if getattr(_room, "ROOM_OF", None) != "crossmodal-anomaly":
        raise ImportError(f"'import {_room.__name__}' found {getattr(_room, '__file__', _room)}, which is not "
                          f"crossmodal's; rename or uninstall it, and reinstall crossmodal-anomaly")

from crossmodal.augment import Augment
from crossmodal.camera import Camera, fit_camera
from crossmodal.capture import Capture, Encoding, Rig, View
from crossmodal.clouds.cloud import Cloud, read_cloud
from crossmodal.clouds.result import CloudResult
from crossmodal.datasets import read_capture, read_captures, read_rig
from crossmodal.defects import (
    DEFECTS,
    Bend,
    Blister,
    Bump,
    Burn,
    Burr,
    Chip,
    Contamination,
    Corrosion,
    Crack,
    Crease,
    Cut,
    Dent,
    Discoloration,
    Fibre,
    Hole,
    Missing,
    Peel,
    Pit,
    Scratch,
    Spec,
    Stain,
    Twist,
    Wear,
)
from crossmodal.edit import SurfaceEdit
from crossmodal.estimated import estimate_depth
from crossmodal.flat import flat_capture
from crossmodal.imprint import imprint
from crossmodal.lift import Profile, lift
from crossmodal.lighting import pool_light
from crossmodal.methods.labels import soft_label
from crossmodal.methods.presets import method
from crossmodal.methods.spec import Method
from crossmodal.patch import Patch
from crossmodal.place import Place
from crossmodal.plan import Plan
from crossmodal.presets import preset
from crossmodal.recipe import Recipe, read_recipe
from crossmodal.result import Result
from crossmodal.surface import Surface
from crossmodal.synthesis import draw, forecast, grown, replay, synthesize

__version__ = "0.1.0"

__all__ = [
    "DEFECTS", "Augment", "Bend", "Blister", "Bump", "Burn", "Burr", "Camera", "Capture", "Chip", "Cloud",
    "CloudResult", "Contamination", "Corrosion", "Crack", "Crease", "Cut", "Dent", "Discoloration", "Encoding",
    "Fibre", "Hole", "MeshResult", "Method", "Missing", "Patch", "Peel", "Pit", "Place", "Plan", "Profile",
    "Recipe", "Result", "Rig", "Scratch", "Spec", "Stain", "Surface", "SurfaceEdit", "Twist", "View", "Wear",
    "depth", "draw", "estimate_depth", "fit_camera", "flat_capture", "forecast", "grown", "imprint", "lift",
    "method", "pointcloud", "pool_light", "preset", "prompt", "read_capture", "read_captures", "read_cloud",
    "read_mesh", "read_recipe", "read_rig", "replay", "rgb", "soft_label", "synthesize", "write_mesh",
]  # fmt: skip

_LATER = {name: f"crossmodal.{name}" for name in ("guidance", "inpaint", "judge", "locate", "optimise")} | {
    "prompt": "crossmodal.guidance", "MeshResult": "crossmodal.meshes", "read_mesh": "crossmodal.meshes",
    "write_mesh": "crossmodal.meshes"}
"""Where lies what is imported when first asked for: words and meshes are not every user's."""


def __getattr__(name: str):
    if name not in _LATER:
        raise AttributeError(f"module 'crossmodal' has no attribute {name!r}")
    module = import_module(_LATER[name])
    return module if _LATER[name] == f"crossmodal.{name}" else getattr(module, name)
