"""What a method lies on, a capture or a bare cloud: where there is room on it, and a piece of it unrolled."""

from functools import singledispatch

import numpy as np

from crossmodal.capture import View
from crossmodal.clouds.chart import CloudPatch
from crossmodal.clouds.cloud import Cloud
from crossmodal.clouds.imprint import AROUND
from crossmodal.clouds.place import find_spot as find_spot_on_cloud
from crossmodal.methods.canvas import Canvas
from crossmodal.methods.cloud_canvas import CloudCanvas
from crossmodal.methods.unrolled import Unrolled
from crossmodal.patch import Patch
from crossmodal.placement import Spot, find_spot
from crossmodal.relight import shadow_reach_mm


@singledispatch
def spot_on(ground, place, lies, bounds_mm, taken: tuple[Spot, ...], rng: np.random.Generator) -> Spot:
    """A place for what has these bounds (see placement.find_spot). Raises ValueError where there is none."""
    raise ValueError(f"a method lies on one view or on a cloud, but got a {type(ground).__name__}")


@singledispatch
def patch_on(ground, anchor_m, normal, heading, room_mm: tuple[float, float], tall_mm: float,
             within_mm: float = np.inf) -> Patch | CloudPatch:
    """A chart about an anchor that holds a canvas, and as much about it as imprint asks of what stands tall_mm out of
    it.

    normal: (3,), or None where nothing will stand there; room_mm: (down, across); within_mm: how far from the anchor
    the canvas is looked at
    Raises ValueError where no surface lies there.
    """
    raise ValueError(f"a method is made on one view or on a cloud, but got a {type(ground).__name__}")


def unrolled(ground, anchor_m, normal, heading, room_mm: tuple[float, float], tall_mm: float, step_mm: float,
             within_mm: float = np.inf) -> Canvas:
    """The canvas of cells of step_mm over such a chart."""
    patch = patch_on(ground, anchor_m, normal, heading, room_mm, tall_mm, within_mm)
    shape = tuple(2 * int(np.ceil(0.5 * side / step_mm)) + 1 for side in room_mm)
    return (CloudCanvas if isinstance(ground, Cloud) else Unrolled)(capture=ground, step_mm=step_mm, shape=shape,
                                                                    patch=patch)


@spot_on.register
def _(ground: View, place, lies, bounds_mm, taken, rng):
    return find_spot(ground.surface, place, lies, bounds_mm, taken, rng)


@spot_on.register
def _(ground: Cloud, place, lies, bounds_mm, taken, rng):
    return find_spot_on_cloud(ground.surface, place, lies, bounds_mm, taken, rng)


@patch_on.register
def _(ground: View, anchor_m, normal, heading, room_mm, tall_mm, within_mm=np.inf):
    surface = ground.surface
    shadow_mm = 0.0 if normal is None else shadow_reach_mm(surface.light, np.array(normal), tall_mm)
    return Patch.at(surface, anchor_m, heading, *_reach(room_mm, 3 * surface.mm_per_pixel + shadow_mm, within_mm))


@patch_on.register
def _(ground: Cloud, anchor_m, normal, heading, room_mm, tall_mm, within_mm=np.inf):
    surface = ground.surface
    side = surface.normals[surface.tree.query(anchor_m)[1]] if normal is None else normal
    return CloudPatch.at(surface, anchor_m, side, heading, *_reach(room_mm, AROUND * surface.spacing_mm, within_mm))


def _reach(room_mm, margin_mm, within_mm):
    """(radius, bounds) mm of a chart that holds a canvas, or what is looked at of it, and a margin about it."""
    t, s = (0.5 * side + margin_mm for side in room_mm)
    return min(float(np.hypot(s, t)), within_mm + margin_mm), (-s, s, -t, t)
