"""The drawn numbers: everything a defect is, with no choice left, as JSON that replays bit for bit."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from crossmodal.defects import DefectSpec
from crossmodal.defects.only import grown_as_asked
from crossmodal.defects.spec import MOST
from crossmodal.edit import Field as DefectField
from crossmodal.methods.block import still_open
from crossmodal.methods.picked import Picked
from crossmodal.methods.spec import Blocks, Name
from crossmodal.packed import PackedArray
from crossmodal.tint import Tinted
from rgb.light import EVEN_SKY, NO_IDEA, Light

Number = Annotated[float, Field(allow_inf_nan=False)]
Vector = tuple[Number, Number, Number]


def _pointing(vector: Vector) -> Vector:
    if not 0 < sum(x * x for x in vector) < float("inf"):
        raise ValueError(f"must point somewhere, but is {', '.join(f'{x:g}' for x in vector)}")
    return vector


Direction = Annotated[Vector, AfterValidator(_pointing)]


MOST_CELLS = 4096  # across a canvas: a drawn one has a tenth of them
Pixel = tuple[Annotated[int, Field(ge=0, lt=1 << 20)], Annotated[int, Field(ge=0, lt=1 << 20)]]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
"""Of a texture."""


class Grown(BaseModel):
    """One defect of the catalogue: a spec narrowed to numbers, at a place in a named frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["grown"] = "grown"
    spec: DefectSpec
    anchor_m: Vector
    normal: Direction
    heading: Direction
    texture_seed: int

    @property
    def kind(self) -> str:
        return self.spec.kind

    def field(self) -> DefectField:
        """What it is on its chart. Raises ValueError for a half that the kind has not."""
        return grown_as_asked(self.spec, self.texture_seed)

    def moved(self, T: np.ndarray) -> "Grown":
        """The same defect in the coordinates that T (4, 4) maps to."""
        return self.model_copy(update={"anchor_m": _turned(T, self.anchor_m, True),
                                       "normal": _turned(T, self.normal, False),
                                       "heading": _turned(T, self.heading, False)})


class Made(BaseModel):
    """One defect of a published method: blocks narrowed to numbers, at a place in a named frame, or of a photograph.

    elsewhere_m, elsewhere_heading: where its content is cut from, if it is; of a donor, in that one's own camera frame
    pixel, elsewhere_pixel: (column, row), the same of a method that works on the photograph
    step_mm: a cell of the canvas that it is made on
    refused: how many draws its gate refused before this one
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["made"] = "made"
    kind: Name
    blocks: Blocks
    anchor_m: Vector
    normal: Direction
    heading: Direction
    elsewhere_m: Vector | None = None
    elsewhere_heading: Direction | None = None
    pixel: Pixel | None = None
    elsewhere_pixel: Pixel | None = None
    texture: Picked | None = None
    """A picture of a bank, a donor's capture, or that of a crop."""
    step_mm: Annotated[float, Field(gt=0, le=MOST, allow_inf_nan=False)]
    texture_seed: Seed
    refused: Annotated[int, Field(ge=0)] = 0

    def moved(self, T: np.ndarray) -> "Made":
        """The same defect in the coordinates that T (4, 4) maps to. Raises ValueError for one of a photograph."""
        if self.pixel is not None:
            raise ValueError(f"{self.kind} was made on a photograph and cannot be moved")
        lent = self.texture is not None  # what another capture lends stays where it is there
        names = ("anchor_m", "normal", "heading") + (() if lent else ("elsewhere_m", "elsewhere_heading"))
        move = {name: None if getattr(self, name) is None else _turned(T, getattr(self, name), name.endswith("_m"))
                for name in names}
        return self.model_copy(update=move)

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        if found := still_open(self.blocks):
            raise ValueError(f"{found} is still open; draw the method first (crossmodal.draw)")
        content, where = self.blocks.content, "elsewhere_pixel" if self.pixel is not None else "elsewhere_m"
        if len(self.blocks.sharing) > 1:
            raise ValueError("blocks.sharing is still open; draw the method first (crossmodal.draw)")
        if (self.blocks.space == "pixels") != (self.pixel is not None):
            raise ValueError(f"pixel is for what is made on a photograph, but blocks.space is {self.blocks.space}")
        if content.kind in ("shift", "crop") and getattr(self, where) is None:
            raise ValueError(f"{where} must say where the matter of a {content.kind} is cut from")
        if (self.elsewhere_m is None) != (self.elsewhere_heading is None):
            raise ValueError("elsewhere_m and elsewhere_heading go together, but one is missing")
        if any(getattr(content, name, None) for name in ("bank", "donor", "folder")) and self.texture is None:
            raise ValueError("texture must name the file that was drawn from the folder of the content")
        if self.pixel is None and max(self.blocks.region.box_mm()) > MOST_CELLS * self.step_mm:
            raise ValueError(f"step_mm must be at least 1/{MOST_CELLS} of the region, but is {self.step_mm:g}")
        return self


def _turned(T, vector, is_place) -> Vector:
    turned = T[:3, :3] @ np.array(vector)
    return tuple(float(x) for x in (turned + T[:3, 3] if is_place else turned))


class Painted(Grown):
    """A defect of the catalogue in colours of its own."""

    source: Literal["painted"] = "painted"
    tint: PackedArray
    """See crossmodal.tint."""

    def field(self) -> DefectField:
        return Tinted(super().field(), self.tint.array())


class Lifted(BaseModel):
    """One defect recovered from an edited modality; its field is kept as packed arrays, so that it replays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["lifted"] = "lifted"
    kind: str = "lifted"
    modality: Literal["rgb", "depth", "points"]
    window: tuple[int, int, int, int]
    """Rows and columns (r0, r1, c0, c1) of the view that it was lifted from."""
    arrays: dict[str, PackedArray]
    pixel_mm2: float = 0.0
    extents_mm: tuple[float, float] = (0.0, 0.0)
    volume_mm3: float = 0.0
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    """How far relief that was read from shading is to be trusted."""


Planned = Annotated[Grown | Painted | Lifted | Made, Field(discriminator="source")]


class PlannedLight(BaseModel):
    """The light that a defect is seen in, where the capture's own picture does not tell it; as in rgb.light.Light."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    direction: Direction
    ambient: Number
    diffuse: Number
    confidence: Annotated[float, Field(ge=0, le=1)]
    specular: Number = 0.0
    shininess: Number = 1.0
    sky: tuple[Number, Number, Number, Number, Number, Number, Number, Number, Number] = EVEN_SKY
    doubt_deg: Annotated[float, Field(ge=0, le=NO_IDEA)] = 0.0

    @classmethod
    def of(cls, light: Light) -> "PlannedLight":
        return cls(**vars(light))

    def light(self) -> Light:
        return Light(**dict(self))


class Plan(BaseModel):
    """A flat list of drawn defects for one capture.

    frame: ``camera`` (of the named capture) or ``object``; every anchor, normal, heading and light is in it.
    light: what the capture stands in; None where its own picture tells
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    capture: str = ""
    frame: Literal["camera", "object"] = "camera"
    seed: int = 0
    baseline_mm: Vector | None = None
    """Where the depth sensor's projector stands beside the lens, if it is not to be taken from the capture."""
    defects: tuple[Planned, ...] = ()
    light: PlannedLight | None = None

    def moved(self, T: np.ndarray) -> "Plan":
        """The same defects in the coordinates that the rigid T (4, 4) maps to.

        Raises ValueError for a lifted defect, whose field belongs to the view it was lifted from.
        """
        if any(isinstance(defect, Lifted) for defect in self.defects):
            raise ValueError("a lifted defect belongs to its own view and cannot be moved")
        light = None if self.light is None else PlannedLight.of(self.light.light().turned(T[:3, :3]))
        return self.model_copy(update={"defects": tuple(defect.moved(T) for defect in self.defects), "light": light})
