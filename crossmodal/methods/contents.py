"""What a method puts in a region: matter from elsewhere, a texture, a colour, noise, or what is about it."""

from dataclasses import dataclass
from functools import singledispatch
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from crossmodal.defects.spec import Colour, Positive, Share, Size
from crossmodal.methods.block import Block, Choice, Range, fixed
from crossmodal.methods.canvas import Canvas, box_of
from crossmodal.methods.materials import material
from crossmodal.methods.picked import Picked
from crossmodal.methods.regions import Area, Cells
from crossmodal.methods.scorched import scorched
from crossmodal.methods.textures import AUGMENTERS, NATURAL, augmented, from_bank
from crossmodal.texture import hashed

Folder = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0, le=10, strict=True)]
Augmenters = Literal["ten", "natural"]
"""DRAEM's ten, solarised and in foreign hues too; or those alone that leave a material in its own colours."""
AMONG = {"ten": AUGMENTERS, "natural": NATURAL}


@dataclass(frozen=True, eq=False)
class Laid:
    """colours: (h, w, 3) float32, as the canvas keeps them, at least in the region's box; relief_mm: (h, w) float32 of
    that matter, or None where it says nothing of shape."""

    colours: np.ndarray
    relief_mm: np.ndarray | None = None
    slid: tuple[np.ndarray, np.ndarray] | None = None
    """(column, row), (h, w) float32 each: the cell that each cell's matter came from, where it was only slid along."""
    known: np.ndarray | None = None
    """(h, w) bool, where there is such matter, if not everywhere."""


class Content(Block):
    """What is laid in a region."""

    shows: ClassVar[str]
    """What is seen of it in RGB, in a few words."""

    @property
    def enlarges(self) -> float | None:
        """How many times as large as it is cut out a drawn one is laid down; None where that is not asked."""
        return None


class Shift(Content):
    """The object's own surface from another place, or a donor's, colours and fine relief (CutPaste, NSA)."""

    kind: Literal["shift"] = "shift"
    shows = "another place's own colours"
    donor: Folder | None = None
    """A folder of captures, or one of them: the matter is of an object in there."""
    jitter: Share = (0.0, 0.0)
    """How far brightness, contrast, saturation and hue may wander."""
    turn_deg: Range = (0.0, 0.0)
    """How it is turned before it is laid down."""
    resize: Positive | None = None
    """How many times as large it is laid down as it was cut out, which is what the region's sizes are of (NSA)."""

    @property
    def enlarges(self):
        return None if self.resize is None else fixed(self.resize)


class Crop(Content):
    """A real defect, cut out of a capture whose ground truth marks it: its colours, and its fine relief over the ground
    about it (AdaBLDM's and AnoGen's sources). Laid by the region ``outline`` it has its own shape."""

    kind: Literal["crop"] = "crop"
    shows = "a real defect's colours"
    folder: str = Field(min_length=1)
    """Of captures with their masks (see crossmodal.methods.crops)."""
    kinds: tuple[str, ...] = ()
    """Of these alone; of all where none is named."""
    scale: Positive = (1.0, 1.0)
    """Its size beside its own, relief and all."""


class GridShuffle(Content):
    """The canvas itself, cut into a grid whose cells are exchanged, colours and fine relief alike (MemSeg)."""

    kind: Literal["grid_shuffle"] = "grid_shuffle"
    shows = "its own cells, shuffled"
    grid: Cells = (8, 8)
    augment: Count = 0
    augmenters: Augmenters = "ten"


class Texture(Content):
    """A picture of another material, from a folder that the user gives; without one a procedural one (DRAEM)."""

    kind: Literal["texture"] = "texture"
    shows = "a texture"
    local = True
    bank: Folder | None = None
    augment: Count = 3
    """How many augmenters it goes through."""
    augmenters: Augmenters = "ten"


class Plain(Content):
    """One colour (cutout)."""

    kind: Literal["plain"] = "plain"
    shows = "one colour"
    colour: Colour | Literal["mean", "any"] = (20, 18, 16)


class Scorch(Content):
    """What heat leaves: charred in the middle, singed about it (the burn mark that cutout stands for)."""

    kind: Literal["scorch"] = "scorch"
    shows = "char"
    severity: Share = (0.7, 1.0)
    """How far the charring goes."""


class Speckle(Content):
    """Noise about a mean level, in cells of a few pixels (REB)."""

    kind: Literal["speckle"] = "speckle"
    shows = "noise"
    local = True
    level: Range = (50.0, 200.0)
    spread: Range = (0.0, 50.0)
    cell_mm: Size = (0.5, 2.0)


class Fill(Content):
    """What the surroundings suggest, as an inpainter would give it (Telea 2004)."""

    kind: Literal["fill"] = "fill"
    shows = "what its surroundings suggest"


class Slide(Content):
    """Its own surface, slid along the heading, most in the middle of the region (AF3AD's shear and drag)."""

    kind: Literal["slide"] = "slide"
    shows = "its own, slid along"
    along_mm: Size = ("1%", "4%")
    across: bool = False
    """Across the heading instead."""
    stretched: bool = False
    """Drawn out one way alone, as by a finger; else there and back again on the two sides of the middle."""


class Keep(Content):
    """The surface keeps its own colours."""

    kind: Literal["keep"] = "keep"
    shows = "light on relief"
    local = True


class OneOf(Choice, Content):
    """One of several contents."""

    of: tuple["AnyContent", ...] = Field(min_length=1)


AnyContent = Annotated[Shift | Crop | GridShuffle | Texture | Plain | Scorch | Speckle | Fill | Slide | Keep | OneOf,
                       Field(discriminator="kind")]
OneOf.model_rebuild()


@singledispatch
def laid(content: Content, canvas: Canvas, area: Area, elsewhere: Canvas | None, picked: Picked | None,
         seed: int) -> Laid:
    """What a drawn content lays on a canvas. elsewhere: the canvas that it is cut from; picked: its file, if any."""
    raise TypeError(f"nothing lays a {type(content).__name__}")


@laid.register
def _(content: Shift, canvas, area, elsewhere, picked, seed):
    colours = elsewhere.colours
    if fixed(content.jitter):
        colours = canvas.from_srgb(_jittered(canvas.as_srgb(colours), fixed(content.jitter), seed))
    return Laid(colours, elsewhere.relief_mm, known=elsewhere.known)


@laid.register
def _(content: Crop, canvas, area, elsewhere, picked, seed):
    return Laid(elsewhere.colours, np.float32(fixed(content.scale)) * elsewhere.relief_mm, known=elsewhere.known)


@laid.register
def _(content: GridShuffle, canvas, area, elsewhere, picked, seed):
    """The grid spans the region's box, so that no cell comes from beyond the canvas, and any size will do."""
    (y0, y1), (x0, x1) = ((span.start, span.stop) for span in box_of(canvas.known))
    box = tuple(slice(max(span.start, low), min(span.stop, high))
                for span, low, high in zip(area.box, (y0, x0), (y1, x1), strict=True))
    rows, columns = content.grid
    order = np.argsort(hashed(seed, rows * columns), kind="stable").reshape(rows, columns)
    y, x = (np.arange(span.start, span.stop) - low for span, low in zip(box, (y0, x0), strict=True))
    cell_y, cell_x = (y * rows // (y1 - y0))[:, None], (x * columns // (x1 - x0))[None, :]
    taken = order[cell_y, cell_x]
    high, wide = (y1 - y0) / rows, (x1 - x0) / columns
    there = (np.clip((taken // columns - cell_y) * high + y[:, None] + 0.5, 0, y1 - y0 - 1).astype(int) + y0,
             np.clip((taken % columns - cell_x) * wide + x[None, :] + 0.5, 0, x1 - x0 - 1).astype(int) + x0)
    known = canvas.known[there]  # what would come from where nothing is known stays
    there = tuple(np.where(known, from_, at) for from_, at in zip(there, np.ogrid[box], strict=True))
    colours, relief = canvas.colours.copy(), canvas.relief_mm.copy()
    if content.augment:
        picture = augmented(canvas.as_srgb(canvas.colours), content.augment, seed + 1,
                            AMONG[content.augmenters])
        colours[box] = canvas.from_srgb(picture[there])
    else:
        colours[box] = canvas.colours[there]
    relief[box] = canvas.relief_mm[there]
    return Laid(colours, relief)


@laid.register
def _(content: Texture, canvas, area, elsewhere, picked, seed):
    among, box = AMONG[content.augmenters], area.box
    if content.bank is None:
        picture = augmented(material(canvas.shape, box, seed), content.augment, seed + 1, among)
    else:
        whole = from_bank(content.bank, picked, canvas.shape, seed)
        picture = augmented(whole, content.augment, seed + 1, among)[box]
    colours = np.zeros((*canvas.shape, 3), np.float32)
    colours[box] = canvas.from_srgb(np.ascontiguousarray(picture))
    return Laid(colours)


@laid.register
def _(content: Plain, canvas, area, elsewhere, picked, seed):
    if content.colour == "mean":
        colour = canvas.colours[canvas.known].mean(0)
    else:
        given = 127.5 * (1 + hashed(seed, 3)) if content.colour == "any" else np.array(content.colour)
        colour = canvas.from_srgb(given.astype(np.uint8)[None, None])[0, 0]
    return Laid(np.broadcast_to(colour.astype(np.float32), (*canvas.shape, 3)))


@laid.register
def _(content: Scorch, canvas, area, elsewhere, picked, seed):
    return Laid(scorched(canvas, area, fixed(content.severity), seed))


@laid.register
def _(content: Speckle, canvas, area, elsewhere, picked, seed):
    noise = canvas.grain(fixed(content.cell_mm), seed)
    grey = np.clip(fixed(content.level) + fixed(content.spread) * noise, 0, 255).astype(np.uint8)
    return Laid(canvas.from_srgb(np.repeat(grey[..., None], 3, -1)))


@laid.register
def _(content: Fill, canvas, area, elsewhere, picked, seed):
    return Laid(canvas.filled(area.inside), np.zeros(canvas.shape, np.float32))


@laid.register
def _(content: Slide, canvas, area, elsewhere, picked, seed):
    h, w = canvas.shape
    y, x = (np.arange(n, dtype=np.float32) for n in (h, w))
    far = np.abs(area.profile) * np.float32(fixed(content.along_mm) / canvas.step_mm)
    if not content.stretched:  # what is on one side of the middle goes one way, and the other the other
        side = (x - w // 2)[None, :] / max(w // 2, 1) if content.across else (y - h // 2)[:, None] / max(h // 2, 1)
        far = far * np.clip(3 * side, -1, 1).astype(np.float32)
    y, x = np.meshgrid(y, x, indexing="ij")
    at = (x, y - far) if content.across else (x - far, y)
    return Laid(*(cv2.remap(values, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                  for values in (canvas.colours, canvas.relief_mm)), at)


@laid.register
def _(content: Keep, canvas, area, elsewhere, picked, seed):
    return Laid(np.broadcast_to(np.float32(0), (*canvas.shape, 3)))  # no share of it is seen


def _jittered(picture, most, seed):
    bright, contrast, full, hue = most * hashed(seed, 4)
    levels = np.arange(256, dtype=np.float32)
    lit = np.clip((levels * (1 + bright) - 127) * (1 + contrast) + 127, 0, 255).astype(np.uint8)
    tables = np.stack(((levels + 90 * hue) % 180, np.clip(levels * (1 + full), 0, 255), levels), -1).astype(np.uint8)
    hsv = cv2.LUT(cv2.cvtColor(cv2.LUT(picture, lit), cv2.COLOR_RGB2HSV), tables[None])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
