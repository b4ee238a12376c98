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
from crossmodal.patch import Patch
from crossmodal.placement import Spot, find_spot
from crossmodal.relight import shadow_reach_mm


@singledispatch
def spot_on(ground, place, lies, bounds_mm, taken: tuple[Spot, ...], rng: np.random.Generator) -> Spot:
    """A place for what has these bounds (see placement.find_spot). Raises ValueError where there is none."""
    raise ValueError(f"a method lies on one view or on a cloud, but got a {type(ground).__name__}")


@singledispatch
def unrolled(ground, planned, anchor_m, heading, room_mm: tuple[float, float], tall_mm: float) -> Canvas:
    """The canvas of a planned method, room_mm (down, across), about an anchor; its chart reaches as far as imprint asks
    about what stands tall_mm out of it. Raises ValueError where no surface lies there."""
    raise ValueError(f"{planned.kind} is made on one view or on a cloud, but got a {type(ground).__name__}")


@spot_on.register
def _(ground: View, place, lies, bounds_mm, taken, rng):
    return find_spot(ground.surface, place, lies, bounds_mm, taken, rng)


@spot_on.register
def _(ground: Cloud, place, lies, bounds_mm, taken, rng):
    return find_spot_on_cloud(ground.surface, place, lies, bounds_mm, taken, rng)


@unrolled.register
def _(ground: View, planned, anchor_m, heading, room_mm, tall_mm):
    surface = ground.surface
    margin = 3 * surface.mm_per_pixel + shadow_reach_mm(surface.light, np.array(planned.normal), tall_mm)
    patch = Patch.at(surface, anchor_m, heading, *_reach(room_mm, margin))
    return Canvas.unrolled(ground, patch, room_mm, planned.step_mm)


@unrolled.register
def _(ground: Cloud, planned, anchor_m, heading, room_mm, tall_mm):
    surface, normal = ground.surface, planned.normal
    if anchor_m != planned.anchor_m:  # where its matter is cut from
        normal = surface.normals[surface.tree.query(anchor_m)[1]]
    patch = CloudPatch.at(surface, anchor_m, normal, heading, *_reach(room_mm, AROUND * surface.spacing_mm))
    return CloudCanvas.unrolled(ground, patch, room_mm, planned.step_mm)


def _reach(room_mm, margin_mm):
    """(radius, bounds) mm of a chart that holds a canvas and a margin about it."""
    t, s = (0.5 * side + margin_mm for side in room_mm)
    return float(np.hypot(s, t)), (-s, s, -t, t)
