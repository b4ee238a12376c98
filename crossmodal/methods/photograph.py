"""A method on the photograph, as most were published: where it lies in the picture, and what it makes as one lifted
edit of the picture, or of the picture and its depth."""

from dataclasses import replace

import cv2
import numpy as np

from crossmodal.lift import lift
from crossmodal.lifted import LiftedEdit
from crossmodal.methods.block import fixed
from crossmodal.methods.contents import Crop, Laid, Shift
from crossmodal.methods.crops import cut_at
from crossmodal.methods.effects import Shape
from crossmodal.methods.picture import CutOut, Photograph
from crossmodal.methods.spec import Blocks
from crossmodal.placement import triple
from crossmodal.plan import Made

TRIES = 200  # places that may lie off the object, before it is given up; NSA's own number


def in_picture(capture, blocks: Blocks, rng: np.random.Generator) -> dict:
    """Where drawn blocks lie in the picture, as a plan says it. Raises ValueError where the object has no such place.
    """
    height, width = capture.shape
    half = [min(0.49, 0.5 * side / capture.surface.mm_per_pixel / n)
            for side, n in zip(blocks.region.box_mm(), capture.shape, strict=True)]
    if blocks.region.spreads:
        half = [0.0, 0.0]
    picked, times = [], blocks.content.enlarges
    cut_half = half if times is None else [min(0.49, side / times) for side in half]
    for box in (half, cut_half):
        if blocks.overlap:
            row, column = _overlapping(capture, box, blocks.overlap, rng)
        elif blocks.on_object:
            rows, columns = np.nonzero(capture.surface.foreground)
            k = int(rng.integers(len(rows)))
            row, column = int(rows[k]), int(columns[k])
        else:
            row, column = _anywhere(height, width, box, rng)
        picked.append((column, row))
    at = np.argwhere(capture.surface.foreground)
    row, column = at[np.argmin(np.abs(at - np.array(picked[0][::-1])).sum(1))]
    normal = capture.surface.normals[row, column].astype(float)
    along = np.array((1.0, 0, 0)) - normal * normal[0]
    return {"anchor_m": triple(capture.surface.smoothed[row, column]), "normal": triple(normal),
            "heading": triple(along / np.linalg.norm(along)), "pixel": picked[0],
            "elsewhere_pixel": picked[1] if isinstance(blocks.content, Shift) else None}


def _anywhere(height, width, half, rng):
    return int(height * rng.uniform(half[0], 1 - half[0])), int(width * rng.uniform(half[1], 1 - half[1]))


def _overlapping(capture, half, least, rng):
    """A place whose box, half (down, across) of the picture's sides to either side, is on the object by that share."""
    height, width = capture.shape
    down, across = max(1, round(half[0] * height)), max(1, round(half[1] * width))
    count = cv2.integral(capture.surface.foreground.view(np.uint8))
    for _ in range(TRIES):
        row, column = _anywhere(height, width, half, rng)
        top, bottom, left, right = (max(0, row - down), min(height, row + down),
                                    max(0, column - across), min(width, column + across))
        on = count[bottom, right] - count[top, right] - count[bottom, left] + count[top, left]
        if on >= least * (bottom - top) * (right - left):
            return row, column
    raise ValueError(f"no box of {2 * down} x {2 * across} pixels lies on the object by {100 * least:.0f} %; ask for a "
                     "smaller one or for less overlap")


def in_its_photograph(capture, planned: Made) -> tuple[Photograph, Photograph | None, tuple[int, int]]:
    """The photograph that a planned method is made on, the one that its content is cut from, and the pixel (row,
    column) that it lies about."""
    blocks, (column, row), elsewhere = planned.blocks, planned.pixel, None
    turn, times = fixed(blocks.orientation_deg), blocks.content.enlarges
    canvas = Photograph.of(capture, blocks.on_object, turn)
    if isinstance(blocks.content, Crop):
        source, marks = cut_at(blocks.content.folder, planned.texture, planned.elsewhere_pixel)
        elsewhere = CutOut.onto(canvas, planned.pixel, source, planned.elsewhere_pixel, turn,
                                fixed(blocks.content.scale), marks)
        canvas = replace(canvas, lent=elsewhere)
    elif planned.elsewhere_pixel is not None and times is not None:
        elsewhere = CutOut.onto(canvas, planned.pixel, capture, planned.elsewhere_pixel, 0.0, times)
    elif planned.elsewhere_pixel is not None:
        shift = planned.elsewhere_pixel[1] - row, planned.elsewhere_pixel[0] - column
        elsewhere = Photograph.of(capture, False, turn, shift)
    return canvas, elsewhere, (row, column)


def lifted(capture, planned: Made, canvas: Photograph, share: np.ndarray, content: Laid, shape: Shape) -> LiftedEdit:
    """The edit that a planned method is, of what its blocks made of its photograph. Raises ValueError where its depth
    would reach the camera."""
    blocks = planned.blocks
    depth = capture.depth - shape.displacement_mm * np.float32(1e-3)
    region = (share > 0) | (shape.displacement_mm != 0)
    if blocks.sharing == ("geometry",) and not shape.along_rays:
        return replace(lift(capture, depth=depth), kind=planned.kind)
    seen = canvas.colours + share[..., None] * (content.colours - canvas.colours)
    painted = np.where(region[..., None], canvas.as_srgb(seen), capture.rgb)
    if shape.along_rays and shape.displacement_mm.any():
        if (depth[region] <= 0).any():
            raise ValueError(f"{planned.kind} as published takes {float(shape.displacement_mm.max()):.0f} mm off the "
                             "depth, which is more than there is here; leave --as-published out")
        return replace(lift(capture, rgb=painted, depth=depth, mask=region), kind=planned.kind)
    relief = shape.displacement_mm if shape.displacement_mm.any() else None
    return replace(lift(capture, rgb=painted, mask=region, relief=relief), kind=planned.kind)
