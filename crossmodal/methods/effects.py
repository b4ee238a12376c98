"""What a method does to the shape: nothing, hills of its own region's noise, relief from elsewhere, or a gap."""

import math
from dataclasses import dataclass
from functools import singledispatch
from typing import Annotated, ClassVar, Literal, Self

import cv2
import numpy as np
from pydantic import Field

from crossmodal.defects.spec import VISIBLE_FLOORS, Share, Size
from crossmodal.methods.block import Block, Choice, fixed
from crossmodal.methods.canvas import Canvas
from crossmodal.methods.contents import Laid
from crossmodal.methods.regions import Area
from crossmodal.methods.slopes import leaned

ROUNDED_PX = 0.6  # sigma: a pixel sees the mean of about as much
WALL = 1e3  # mm a mm: steeper is nothing that a number tells apart
TALL = 0.05  # of a canvas, as high as relief that comes from elsewhere is taken to stand
Direction = Literal["in", "out", "either"]


@dataclass(frozen=True, eq=False)
class Shape:
    """displacement_mm: (h, w) float32, + out of the surface; removed: (h, w) bool, or None."""

    displacement_mm: np.ndarray
    removed: np.ndarray | None = None
    lost: np.ndarray | None = None
    """(h, w) bool, surface that is there but returns nothing to the depth sensor; or None."""
    along_rays: bool = False
    """Displaced towards the camera by so much depth, and not along the normals."""
    matter: bool = False
    """Whether what stands out lies on the surface, which stays beneath it."""


class Effect(Block):
    """What becomes of the shape in a region."""

    shows: ClassVar[str]
    """What is seen of it in depth, in a few words."""

    @property
    def on_rays(self) -> bool:
        """Whether it changes depth along the rays of a photograph, and nothing along normals."""
        return False

    @property
    def finest_mm(self) -> float:
        """Width of its smallest part, drawn, where it has parts of its own beside the region's."""
        return math.inf

    def tall_mm(self, side_mm: float) -> float:
        """How high a drawn one is taken to stand out of a surface, or reach into it, on a canvas with such a side."""
        return TALL * side_mm


class Flat(Effect):
    """The shape stays."""

    kind: Literal["none"] = "none"
    shows = "-"
    local = True

    def tall_mm(self, side_mm):
        return 0.0


class Hills(Effect):
    """The region's profile as relief: of noise it is that very noise above its threshold.

    Fields move along normals. What moves askance, as AF3AD's λ·n + (1 − λ)·η, is a content that slides under hills: its
    profile goes with it, and so does the relief of its own.
    """

    kind: Literal["hills"] = "hills"
    shows = "hills of the region"
    local = True
    height_mm: Size = ("1.5%", "4%")
    """How far the highest hill or the deepest pit moves; at least what the capture's sensor plainly sees."""
    direction: Direction = "either"
    along: Literal["normals", "rays"] = "normals"
    """rays: so much is taken off the depth of a photograph's pixels, as methods on depth maps do."""

    @property
    def on_rays(self):
        return self.along == "rays"

    def tall_mm(self, side_mm):
        return fixed(self.height_mm)

    def drawn(self, rng, scale) -> Self:
        spec = super().drawn(rng, scale)
        out = rng.random() < 0.5
        way = ("out" if out else "in") if self.direction == "either" else self.direction
        return _seen(spec, scale).model_copy(update={"direction": way})


class Deposit(Effect):
    """The content is matter that lies on the surface: its top is level, whatever relief it fills, and what stands out
    farther than that pokes through. Unlike hills it has a side of its own, hides what it covers and shades what is
    beside it. Where the surface keeps its colours it is relief."""

    kind: Literal["deposit"] = "deposit"
    shows = "matter on it"
    height_mm: Size = ("1.5%", "4%")
    """Over the surface's coarse shape; at least what the capture's sensor plainly sees."""
    edge: Share = (0.2, 0.6)
    """The share of its profile over which its rim is round: 0 is a slab, 1 a drop."""

    def tall_mm(self, side_mm):
        return fixed(self.height_mm)

    def drawn(self, rng, scale) -> Self:
        return _seen(super().drawn(rng, scale), scale)


def _seen(drawn: Effect, scale) -> Effect:
    """The same, at least as high as the capture's sensor plainly sees."""
    height = max(drawn.height_mm[0], VISIBLE_FLOORS * scale.floor_mm)
    return drawn.model_copy(update={"height_mm": (height, height)})


class PasteRelief(Effect):
    """The content's fine relief takes the place of the surface's own."""

    kind: Literal["paste"] = "paste"
    shows = "the same in relief"
    steepest: Annotated[float, Field(gt=0, le=WALL)] | None = None
    """mm a mm, that it may lean, its border included, and it is rounded then to what a pixel sees: relief from another
    place would else have walls and needles where that had slopes. None: as it was there, but for two pixels at its
    border."""


class Print(Effect):
    """Depth as a picture, 0 to 1 over its range in the frame, where what is not the object is 0, with another laid in.

    of noise: the noise that the region was cut from takes its place (EasyNet); of texture: the content in grey, blended
    in as in colour (BridgeNet). No metric, and a wall at its border: as published, on photographs.
    """

    kind: Literal["print"] = "print"
    shows = "another picture in its depth"
    of: Literal["noise", "texture"]

    @property
    def on_rays(self):
        return True


class Remove(Effect):
    """The surface is gone."""

    kind: Literal["remove"] = "remove"
    shows = "the surface gone"
    local = True


class NoReturn(Effect):
    """The surface stays, and the depth sensor sees nothing of it: a hole in the data, not in the object."""

    kind: Literal["no_return"] = "no_return"
    shows = "no return"
    local = True


class Smooth(Effect):
    """The surface's own fine relief goes, all or a share."""

    kind: Literal["smooth"] = "smooth"
    shows = "relief worn off"
    share: Share = (0.6, 1.0)


class Roughen(Effect):
    """Fine noise as relief, strongest in the middle."""

    kind: Literal["roughen"] = "roughen"
    shows = "roughness"
    local = True
    height_mm: Size = ("0.4%", "1%")
    grain_mm: Size = ("3%", "6%")

    @property
    def finest_mm(self):
        return fixed(self.grain_mm)

    def tall_mm(self, side_mm):
        return fixed(self.height_mm)


class OneOf(Choice, Effect):
    """One of several effects."""

    shows = "one of several"
    of: tuple["AnyEffect", ...] = Field(min_length=1)


AnyEffect = Annotated[Flat | Hills | Deposit | PasteRelief | Print | Remove | NoReturn | Smooth | Roughen | OneOf,
                      Field(discriminator="kind")]
OneOf.model_rebuild()


@singledispatch
def shaped(effect: Effect, canvas: Canvas, area: Area, share: np.ndarray, content: Laid, seed: int) -> Shape:
    """What a drawn effect does to a canvas, where a blend shows a share (h, w) of the content."""
    raise TypeError(f"nothing shapes by {type(effect).__name__}")


@shaped.register
def _(effect: Flat, canvas, area, share, content, seed):
    return Shape(np.zeros(canvas.shape, np.float32))


@shaped.register
def _(effect: Hills, canvas, area, share, content, seed):
    towards = np.float32(fixed(effect.height_mm) * (-1 if effect.direction == "in" else 1))
    if content.slid is None:
        return Shape(towards * area.profile, along_rays=effect.on_rays)
    profile = cv2.remap(area.profile, *content.slid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Shape(towards * profile + content.relief_mm - canvas.relief_mm)


@shaped.register
def _(effect: Deposit, canvas, area, share, content, seed):
    down = 1 - np.minimum(1, np.abs(area.profile) / max(fixed(effect.edge), 1e-6))
    level = np.float32(fixed(effect.height_mm)) * np.sqrt(1 - down * down)
    fills = np.where(area.inside, np.maximum(level - canvas.relief_mm, 0), 0).astype(np.float32)
    return Shape(fills, matter=True)


@shaped.register
def _(effect: Print, canvas, area, share, content, seed):
    depth = canvas.capture.depth
    picture = np.where(canvas.capture.surface.foreground & np.isfinite(depth), depth, np.float32(0))
    low, high = float(picture.min()), float(picture.max())
    if effect.of == "noise":
        laid, share = area.noise, area.weight
    else:
        laid = cv2.cvtColor(np.clip(content.colours, 0, 1).astype(np.float32), cv2.COLOR_RGB2GRAY)
    nearer = share * (depth - (low + (high - low) * laid))
    return Shape(np.nan_to_num(nearer * 1e3).astype(np.float32), along_rays=True)


@shaped.register
def _(effect: PasteRelief, canvas, area, share, content, seed):
    relief = np.zeros(canvas.shape, np.float32) if content.relief_mm is None else content.relief_mm
    rising, off = canvas.rising(share > 0), relief - canvas.relief_mm
    if effect.steepest is None:
        return Shape((share * rising * off).astype(np.float32))
    pixel = canvas.capture.surface.mm_per_pixel / canvas.step_mm
    there = leaned(share * off, effect.steepest * canvas.step_mm, ROUNDED_PX * pixel)
    return Shape((rising * there).astype(np.float32))


@shaped.register
def _(effect: Remove, canvas, area, share, content, seed):
    return Shape(np.zeros(canvas.shape, np.float32), area.inside)


@shaped.register
def _(effect: NoReturn, canvas, area, share, content, seed):
    return Shape(np.zeros(canvas.shape, np.float32), lost=area.inside)


@shaped.register
def _(effect: Smooth, canvas, area, share, content, seed):
    eased = np.minimum(1, 3 * np.abs(area.profile))
    return Shape((-np.float32(fixed(effect.share)) * eased * canvas.relief_mm).astype(np.float32))


@shaped.register
def _(effect: Roughen, canvas, area, share, content, seed):
    noise = canvas.grain(fixed(effect.grain_mm), seed, 2)
    rough = noise * np.minimum(1, 3 * np.abs(area.profile))
    return Shape((np.float32(fixed(effect.height_mm)) * rough / max(float(np.abs(rough).max()), 1e-9)).astype(
        np.float32))
