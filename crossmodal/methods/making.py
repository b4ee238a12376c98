"""Method → Plan → edit: its choices are drawn once, and what they make is one field that every modality sees."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from crossmodal.capture import Capture, View
from crossmodal.clouds.cloud import Cloud
from crossmodal.edit import SurfaceEdit
from crossmodal.forecast import HIDDEN_FLOORS
from crossmodal.lifted import LiftedEdit
from crossmodal.methods import crops, donors, textures
from crossmodal.methods.algebra import Several, fitted
from crossmodal.methods.blends import blended
from crossmodal.methods.block import fixed
from crossmodal.methods.canvas import Canvas, box_of
from crossmodal.methods.contents import Crop, Keep, Shift, Texture, laid
from crossmodal.methods.crops import Cut
from crossmodal.methods.effects import PasteRelief, Shape, Smooth, shaped
from crossmodal.methods.field import Raster
from crossmodal.methods.frames import bends_along
from crossmodal.methods.grounds import patch_on, spot_on, unrolled
from crossmodal.methods.masks import Mask
from crossmodal.methods.perlin import Perlin
from crossmodal.methods.photograph import in_its_photograph, in_picture, lifted, triple
from crossmodal.methods.picked import Picked
from crossmodal.methods.regions import area_of
from crossmodal.methods.shape_alone import in_shape_alone
from crossmodal.methods.spec import Blocks, Method
from crossmodal.methods.units import Shares
from crossmodal.methods.unrolled import Unrolled
from crossmodal.place import Place
from crossmodal.plan import Made, Plan, PlannedLight
from crossmodal.relight import OCCLUSION_REACH
from crossmodal.streams import stream

MOST_CELLS = 480  # across a canvas
CELLS_A_FEATURE = 6  # at least, across the smallest part of a region
CELLS_A_PIXEL = 1.6
SPREADS = 0.5  # of the size of a region that spreads must lie clear of edges
MIDDLE = 0.1  # of the size of a region that its paper fixes must lie clear of edges
WIDEST = 0.8  # of the widest clear ground, that a region may take
OF_RELIEF = PasteRelief, Smooth
ROUNDED = 0.01  # of a cell: relief that is lower is rounding


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
    defects = tuple(_one_of(capture, method, scale, seed, i, refused) for i in range(1 + int((tosses < 0.5).sum())))
    light = getattr(capture, "light", None)
    return Plan(capture=capture.name, frame="object" if isinstance(capture, Cloud) else "camera", seed=seed,
                light=None if light is None else PlannedLight.of(light), defects=defects)


def _one_of(capture, method: Method, scale: Shares, seed: int, ordinal: int, refused: int) -> Made:
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
    return SPREADS if isinstance(blocks.region, Perlin | Mask | Several) else 1.0


def _source(capture, content, planned: Picked | None) -> Capture:
    """The capture that a drawn content's matter is cut from."""
    if isinstance(content, Shift) and content.donor is not None:
        return donors.donor(content.donor, planned)
    return capture


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
        source = _source(capture, blocks.content, texture)
        there = spot_on(source, place, turned, bounds, (spot,) if source is capture else (), rng)
        where |= {"elsewhere_m": there.anchor_m, "elsewhere_heading": there.heading}
    return where


def made(capture: View | Cloud, planned: Made, source: View | None = None) -> SurfaceEdit | LiftedEdit:
    """The edit that a planned method is, on the capture or cloud that it was planned for or another of the same
    surface.

    source: where its matter is cut from, in whose own frame the plan then says so, if it is another view
    Raises ValueError where nothing of it would be seen.
    """
    if not isinstance(capture, View | Cloud):
        raise ValueError(f"{planned.kind} takes its matter from a picture; grow it on a capture, not on its surface")
    if planned.pixel is None:
        return _grown(capture, planned, source)
    if not isinstance(capture, View) or capture.rgb is None:
        raise ValueError(f"{planned.kind} was made on a photograph; give the capture that it was planned for")
    canvas, elsewhere, middle = begun(capture, planned)
    return lifted(capture, planned, canvas, *_made_on(canvas, elsewhere, middle, planned))


def begun(capture, planned: Made, source: View | None = None) -> tuple[Canvas, Canvas | None, tuple[int, int]]:
    """A planned method's canvas, the one that its content is cut from, and the cell (row, column) that it lies about.
    """
    if planned.pixel is None:
        canvas, elsewhere = _canvases(capture, planned, source)
        return canvas, elsewhere, (canvas.shape[0] // 2, canvas.shape[1] // 2)
    return in_its_photograph(capture, planned)


def _canvases(capture, planned: Made, source: View | None = None) -> tuple[Canvas, Canvas | None]:
    box, step, effect = planned.blocks.region.box_mm(), planned.step_mm, planned.blocks.effect
    room, content = (box[0] + 4 * step, box[1] + 4 * step), planned.blocks.content
    tall = effect.tall_mm(max(room))
    dimmed = OCCLUSION_REACH * tall * (2 if planned.blocks.region.two_sided else 1)
    within = planned.blocks.reach_mm + 2 * step + dimmed
    canvas = unrolled(capture, planned.anchor_m, planned.normal, planned.heading, room, tall, step, within)
    if planned.elsewhere_m is None:
        return canvas, None
    there = planned.elsewhere_m, None, planned.elsewhere_heading
    if isinstance(content, Crop):
        source, marks = crops.cut_at(content.folder, planned.texture, None, planned.elsewhere_m)
        scale = fixed(content.scale)
        patch = patch_on(source, *there, tuple(side / scale for side in room), tall)
        lent = Unrolled(capture=source, step_mm=step / scale, shape=canvas.shape, patch=patch, marks=marks)
        return replace(canvas, lent=lent), lent
    source = source or _source(capture, content, planned.texture)
    lent, times = unrolled(source, *there, room, tall, step), content.enlarges
    # Cells that lie closer together there show it larger here.
    return canvas, lent if times is None else replace(lent, step_mm=step / times)


def _made_on(canvas, elsewhere, middle, planned: Made):
    """(share (h, w), what is laid, the shape) of a drawn method on a canvas."""
    blocks, seed = planned.blocks, planned.texture_seed
    area = area_of(blocks.region, canvas, middle, seed)
    content = laid(blocks.content, canvas, area, elsewhere, planned.texture, seed + 1009)
    share, content = blended(blocks.blend, canvas, area, content)
    if elsewhere is not None:
        share = np.where(elsewhere.known, share, np.float32(0))
    shape = shaped(blocks.effect, canvas, area, share, content, seed + 2003)
    if shape.matter:
        share = share * (shape.displacement_mm > 0)
    [sharing] = blocks.sharing
    if isinstance(blocks.content, Keep) or sharing == "geometry":
        share = np.zeros_like(share)
    if sharing == "rgb":
        shape = Shape(np.zeros_like(shape.displacement_mm))
    if isinstance(blocks.effect, OF_RELIEF) and not share.any():
        found = float(np.abs(shape.displacement_mm).max())
        if found < max(HIDDEN_FLOORS * canvas.floor_mm, ROUNDED * canvas.step_mm):
            raise ValueError(f"{planned.kind} is made of the surface's own relief, and there is none here; ask for "
                             "another place or seed, or for hills")
    return share, content, shape


def _grown(capture, planned: Made, source: View | None) -> SurfaceEdit:
    canvas, elsewhere, middle = begun(capture, planned, source)
    h, w = canvas.shape
    share, content, shape = _made_on(canvas, elsewhere, middle, planned)
    touched = (shape.displacement_mm != 0) | (share > 0)
    for mask in (shape.removed, shape.lost):
        if mask is not None:
            touched |= mask
    box = box_of(touched, 1)
    if not touched[box].any():
        raise ValueError(f"{planned.kind} changes nothing here; ask for another place or seed")
    removed, lost = (None if mask is None else mask[box] for mask in (shape.removed, shape.lost))
    share, cover = np.ascontiguousarray(share[box]), None
    if share.any():
        colours = cv2.split(np.ascontiguousarray(content.colours[box]))
        cover = cv2.merge([*(share * channel for channel in colours), share])
    field = Raster(planned.step_mm, (h, w), (box[0].start, box[1].start), shape.displacement_mm[box], cover, removed,
                   planned.blocks.finest_mm, lost, shape.matter and cover is not None)
    return SurfaceEdit(canvas.patch, field, planned.kind, planned)
