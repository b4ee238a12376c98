"""Made → edit: what a drawn method's blocks make on a canvas is one field that every modality sees."""

from dataclasses import replace

import cv2
import numpy as np

from crossmodal.capture import View
from crossmodal.clouds.cloud import Cloud
from crossmodal.edit import SurfaceEdit
from crossmodal.forecast import HIDDEN_FLOORS
from crossmodal.lifted import LiftedEdit
from crossmodal.methods import crops, donors
from crossmodal.methods.blends import blended
from crossmodal.methods.block import fixed
from crossmodal.methods.canvas import Canvas, box_of
from crossmodal.methods.contents import Crop, Keep, laid
from crossmodal.methods.effects import PasteRelief, Shape, Smooth, shaped
from crossmodal.methods.field import Raster
from crossmodal.methods.grounds import patch_on, unrolled
from crossmodal.methods.photograph import in_its_photograph, lifted
from crossmodal.methods.regions import area_of
from crossmodal.methods.unrolled import Unrolled
from crossmodal.plan import Made
from crossmodal.relight import OCCLUSION_REACH

OF_RELIEF = PasteRelief, Smooth
ROUNDED = 0.01  # of a cell: relief that is lower is rounding


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
    source = source or donors.source_of(capture, content, planned.texture)
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
