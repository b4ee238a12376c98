"""Regions without an end of their own, which say where on the surface another one may lie (AF3AD's gates)."""

from typing import Literal

import numpy as np

from crossmodal.defects.spec import Size, Turn
from crossmodal.easing import eased
from crossmodal.methods.block import fixed
from crossmodal.methods.canvas import Canvas
from crossmodal.methods.regions import Area, Region, area_of, on_surface

SOFT = 0.25  # of the angle, over which what faces too far away fades out


class Unbounded(Region):
    """It takes another region to end it."""

    @property
    def bounded(self):
        return False

    def box_mm(self):
        return 0.0, 0.0

    @property
    def finest_mm(self):
        return float("inf")


class Facing(Unbounded):
    """Where the surface faces nearly as it does in the middle: what folds away stays as it was."""

    kind: Literal["facing"] = "facing"
    within_deg: Turn = (30.0, 30.0)


class Half(Unbounded):
    """Ahead of the middle, along the heading."""

    kind: Literal["half"] = "half"
    fades_mm: Size = ("2%", "2%")
    """How far ahead its profile is whole; it rises from 0 at the middle."""


@area_of.register
def _(region: Facing, canvas: Canvas, middle, seed) -> Area:
    limit = fixed(region.within_deg)
    off = np.degrees(np.arccos(np.clip(canvas.facing(middle), -1, 1)))
    return _ended(canvas, off < limit, (limit - off) / (SOFT * limit))


@area_of.register
def _(region: Half, canvas, middle, seed):
    _, x = canvas.about(middle)
    x = np.broadcast_to(x, canvas.shape)
    return _ended(canvas, x > 0, x / fixed(region.fades_mm))


def _ended(canvas, mask, rise):
    mask = on_surface(mask, canvas)
    return Area(mask, np.where(mask, eased(rise), 0).astype(np.float32))
