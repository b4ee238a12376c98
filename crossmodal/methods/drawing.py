"""Method → Plan: its sizes, its files and its place are drawn once, by named streams."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from crossmodal.capture import View
from crossmodal.clouds.cloud import Cloud
from crossmodal.methods import crops, donors, textures
from crossmodal.methods.algebra import fitted
from crossmodal.methods.block import fixed
from crossmodal.methods.contents import Crop, Shift, Texture
from crossmodal.methods.crops import Cut
from crossmodal.methods.frames import bends_along
from crossmodal.methods.grounds import patch_on, spot_on
from crossmodal.methods.photograph import in_picture
from crossmodal.methods.picked import Picked
from crossmodal.methods.shape_alone import in_shape_alone
from crossmodal.methods.spec import Blocks, Method
from crossmodal.methods.units import Shares
from crossmodal.place import Place
from crossmodal.placement import triple
from crossmodal.plan import Made, Plan, PlannedLight
from crossmodal.streams import stream

MOST_CELLS = 480  # across a canvas
CELLS_A_FEATURE = 6  # at least, across the smallest part of a region
CELLS_A_PIXEL = 1.6
SPREADS = 0.5  # of the size of a region that spreads must lie clear of edges
MIDDLE = 0.1  # of the size of a region that its paper fixes must lie clear of edges
WIDEST = 0.8  # of the widest clear ground, that a region may take


@dataclass(frozen=True)
class _Lies:
    """What placement asks of a spec."""

    kind: str
    angle_deg: float
    at: str = "object"
    effect: str = "both"
    overhangs: bool = False

    def fixed(self, name: str) -> float:
        return self.angle_deg


def drawn_once(capture: View | Cloud, method: Method, seed: int, scale_of: Callable, refused: int = 0) -> Plan:
    """Choose everything that a method leaves open, after so many draws that its gate refused. Of what has no colours,
    its shape alone is made. Raises ValueError where it finds no place on the capture or cloud, or where nothing of it
    would be seen there."""
    asked = method.blocks
    if asked.space == "pixels" and (not isinstance(capture, View) or capture.rgb is None):
        raise ValueError(f"{method.name} as published works on a photograph; leave --as-published out, or give a "
                         "capture with rgb and depth")
    if capture.rgb is None:
        asked = in_shape_alone(asked, method.name)
    method = method.model_copy(update={"blocks": asked})
    scale = Shares.on(capture.surface, scale_of(capture, method.place))
    tosses = stream(seed, capture.name, method.name, "repeats").random(asked.at_most - 1)
    defects = tuple(_drawn_at(capture, method, scale, seed, i, refused) for i in range(1 + int((tosses < 0.5).sum())))
    light = getattr(capture, "light", None)
    return Plan(capture=capture.name, frame="object" if isinstance(capture, Cloud) else "camera", seed=seed,
                light=None if light is None else PlannedLight.of(light), defects=defects)


def _drawn_at(capture, method: Method, scale: Shares, seed: int, ordinal: int, refused: int) -> Made:
    asked = method.blocks
    name = (capture.name, method.name, ordinal, *((f"try {refused}",) if refused else ()))
    pixel_mm = capture.surface.mm_per_pixel
    if asked.space == "pixels":  # sizes are shares of the photograph
        scale = replace(scale, object_mm=pixel_mm * float(np.sqrt(capture.shape[0] * capture.shape[1])))
    blocks, texture, cut = _drawn(asked, scale, seed, name)
    wanted = min(blocks.region.box_mm()) * _room(blocks)
    if asked.space == "surface" and wanted > WIDEST * scale.clear_mm:  # shares of a thin object's size do not fit it
        scale = replace(scale, object_mm=scale.object_mm * WIDEST * scale.clear_mm / wanted)
        blocks, texture, cut = _drawn(asked, scale, seed, name)
    rng = stream(seed, *name, "place")
    drawn = {"kind": method.name, "blocks": blocks, "texture": texture,
             "texture_seed": int(stream(seed, *name, "texture").integers(0, 2**31 - 4096))}
    if blocks.space == "pixels":
        where = in_picture(capture, blocks, rng) | {"step_mm": pixel_mm}
        if cut is not None:
            where |= {"elsewhere_pixel": cut.pixel}
    else:
        box = blocks.region.box_mm()
        step = min(pixel_mm / CELLS_A_PIXEL, blocks.finest_mm / CELLS_A_FEATURE)
        where = _on_surface(capture, method, blocks, texture, rng)
        if cut is not None:
            where |= {"elsewhere_m": cut.anchor_m, "elsewhere_heading": cut.heading}
        where |= {"step_mm": max(step, max(box) / MOST_CELLS)}
    return Made(**drawn, **where, refused=refused)


def _drawn(asked: Blocks, scale, seed, name) -> tuple[Blocks, Picked | None, Cut | None]:
    """The blocks drawn, the file that is chosen for them, and what they cut out of it."""
    blocks, rng = asked.drawn(stream(seed, *name, "sizes"), scale), stream(seed, *name, "bank")
    if not isinstance(blocks.content, Crop):
        return blocks, _chosen(blocks, rng), None
    texture, cut = crops.picked_of(blocks.content.folder, blocks.content.kinds, rng)
    own = fixed(blocks.content.scale)
    if blocks.space == "pixels":  # a pixel is a pixel
        own *= scale.pixel_mm / cut.capture.surface.mm_per_pixel
    sides, width = tuple(own * side for side in cut.sides_mm), own * cut.finest_mm
    return blocks.model_copy(update={"region": fitted(blocks.region, sides, width)}), texture, cut


def _chosen(blocks, rng) -> Picked | None:
    content = blocks.content
    if isinstance(content, Shift) and content.donor is not None:
        if blocks.space == "pixels":
            raise ValueError("a donor lends a piece of its surface, not of its photograph; leave --as-published out")
        return donors.picked_of(content.donor, rng)
    if isinstance(content, Texture) and content.bank is not None:
        return textures.picked_of(content.bank, rng)
    return None


def _room(blocks) -> float:
    """The share of a region's box that must lie clear: what covers a piece of surface may run over an edge of it, and
    what is as large as its paper says moves what surface there is."""
    if blocks.sizes_of != "canvas":
        return MIDDLE
    return SPREADS if blocks.region.spreads else 1.0


def _on_surface(capture, method, blocks: Blocks, texture, rng) -> dict:
    down, across = blocks.region.box_mm()
    bounds = tuple(0.5 * _room(blocks) * side for side in (-across, across, -down, down))
    angle = fixed(blocks.orientation_deg)
    spot = spot_on(capture, method.place, _Lies(method.name, angle), bounds, (), rng)
    heading = spot.heading
    if blocks.along != "drawn":
        reach = 0.5 * max(down, across)
        patch = patch_on(capture, spot.anchor_m, spot.normal, heading, (2 * reach, 2 * reach), 0.0)
        heading = triple(bends_along(patch, reach, blocks.along))
    where = {"anchor_m": spot.anchor_m, "normal": spot.normal, "heading": heading}
    if isinstance(blocks.content, Shift):
        turned = _Lies(method.name, angle + fixed(blocks.content.turn_deg))
        place = Place(where=method.place.where)  # what was said of places is where it lies, not where it comes from
        source = donors.source_of(capture, blocks.content, texture)
        there = spot_on(source, place, turned, bounds, (spot,) if source is capture else (), rng)
        where |= {"elsewhere_m": there.anchor_m, "elsewhere_heading": there.heading}
    return where
