"""A method: blocks, and where they come from."""

import math
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from crossmodal.defects import DEFECTS
from crossmodal.defects.spec import Angle, Scale
from crossmodal.methods.algebra import AnyRegion, Outline, holds
from crossmodal.methods.blends import AnyBlend, Hard
from crossmodal.methods.block import Block, options
from crossmodal.methods.contents import AnyContent, Crop, Keep
from crossmodal.methods.effects import AnyEffect, Flat, Print, Roughen
from crossmodal.methods.gate import Gate
from crossmodal.methods.label import AnyLabel, Where
from crossmodal.methods.perlin import Perlin
from crossmodal.methods.units import HeightsOf, Of
from crossmodal.place import Place

Sharing = Literal["both", "rgb", "geometry"]
TAKEN = ("good", "combined", "lifted", *(spec.model_fields["kind"].default for spec in DEFECTS))


def _free(name: str) -> str:
    if name in TAKEN:
        raise ValueError(f"a method may not be called {name}, which means something else here")
    return name


Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64), AfterValidator(_free)]


class Origin(BaseModel):
    """Where a method comes from, and what it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    source: str = ""
    """Paper, venue; and the code that its parameters were read in, if any."""
    branch: str = "own"
    year: int | None = None
    kind: Literal["defect", "corruption", "feature", "study"] = "defect"
    """A corruption is a hole for an inpainter to fill: nobody takes one for a defect."""


class Blocks(Block):
    """Region × content × blend × effect, in a space."""

    space: Literal["surface", "pixels"] = "surface"
    """On the surface, in mm, under the capture's own light; or on the photograph, as most were published."""
    on_object: bool = True
    """Of a photograph: on the foreground alone. A surface's region is on the object in any case."""
    overlap: float = Field(0.0, ge=0, lt=1)
    """Of a photograph: the least share of a region's box that is on the object, where it is laid and is cut from."""
    at_most: int = Field(1, ge=1, le=16)
    """How often it is made: once, and again by the toss of a coin, so often at most (NSA)."""
    sizes_of: Of = "canvas"
    """What a region's percentages are of."""
    heights_of: HeightsOf = "canvas"
    """What an effect's and a content's percentages are of. width: an effect's are of the region's finest part, so that
    hills are no needles, however fine the noise that they are of."""
    region: AnyRegion
    content: AnyContent = Keep()
    blend: AnyBlend = Hard()
    effect: AnyEffect = Flat()
    sharing: tuple[Sharing, ...] = Field(("both",), min_length=1)
    """Drawn from these: seen in all modalities, in colour alone, or in geometry alone."""
    orientation_deg: Angle = (0.0, 360.0)
    along: Literal["drawn", "least", "most"] = "drawn"
    """Its heading on a surface: as drawn, or along the direction in which that bends the least or the most there; which
    of the two ways, and all of it where the surface tells none, is as drawn."""
    label: AnyLabel = Where()
    """What a detector is to learn: where it is, where it changed plainly, or how plainly it is seen there
    (labels.soft_label). Of a cloud alone, where it is in any case: a point has no picture about it."""

    gate: Gate | None = None
    """What a draw must be like to be kept."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.region.bounded:
            raise ValueError(f"region: {self.region.kind} only says where another one may lie; give both as parts of "
                             "an and")
        if holds(self.region, Outline) and not all(isinstance(one, Crop) for one in options(self.content)):
            raise ValueError("region: an outline is that of a crop; give content: {kind: crop, folder: ...} with it")
        if self.heights_of == "width" and holds(self.region, Outline):
            raise ValueError("heights_of: how wide an outline is is told by the defect that is cut out, after heights "
                             "are drawn; leave width out")
        if self.heights_of == "width" and any(isinstance(one, Roughen) for one in options(self.effect)):
            raise ValueError("heights_of: roughness is as fine as its own grain, whatever the region; leave width out")
        if self.gate is not None and self.at_most > 1:
            raise ValueError("gate: it looks at one defect; leave at_most out")
        if self.along != "drawn" and self.space == "pixels":
            raise ValueError(f"along: a photograph does not bend; leave {self.along} out, or make it on the surface")
        return self

    @model_validator(mode="after")
    def _of_photographs(self) -> Self:
        for effect in options(self.effect):
            if effect.on_rays and self.space != "pixels":
                raise ValueError("effect: what changes depth along the rays is made on a photograph; say space: pixels")
            if isinstance(effect, Print) and effect.of == "noise" and not isinstance(self.region, Perlin):
                raise ValueError(f"effect: a {self.region.kind} region is cut from no noise; give a perlin one")
        return self

    def scale_for(self, name: str, scale: Scale, before: dict) -> Scale:
        of = {"region": self.sizes_of, "effect": self.heights_of, "content": self.heights_of}.get(name, "canvas")
        if of == "width" and name == "effect":
            return replace(scale, object_mm=_sized(before["region"], before["content"]).finest_mm)
        return scale if of in ("canvas", "width") else scale.of(of)

    @property
    def finest_mm(self) -> float:
        """Width of the smallest part of what was drawn, relief's own grain included."""
        return min(self.region.finest_mm, self.effect.finest_mm)

    @property
    def reach_mm(self) -> float:
        """How far from its middle what was drawn looks at a surface; no end where it looks beyond the region."""
        return self.region.reach_mm if self.content.local and self.effect.local else math.inf

    def drawn(self, rng, scale: Scale) -> Self:
        spec = super().drawn(rng, scale)
        return spec.model_copy(update={"sharing": (self.sharing[int(rng.integers(len(self.sharing)))],),
                                       "region": _sized(spec.region, spec.content)})


def _sized(region: AnyRegion, content: AnyContent) -> AnyRegion:
    """A drawn region, as large as a drawn content makes it."""
    return region if content.enlarges is None else region.resized(content.enlarges)


class Method(BaseModel):
    """A method by name: the corrected form in millimetres, and the published one where it differs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    origin: Origin = Origin()
    about: str = ""
    blocks: Blocks
    as_published: Blocks | None = None
    """With the parameters and in the space of the paper or its code."""
    unpublished: str = ""
    """Why there is no published form, where there is none."""
    place: Place = Place()

    @model_validator(mode="after")
    def _changes(self) -> Self:
        for blocks in (self.blocks, self.as_published):
            if blocks is not None and isinstance(blocks.content, Keep) and isinstance(blocks.effect, Flat):
                raise ValueError("content keep and effect none change nothing; give a content or an effect")
        return self

    def published(self) -> Self:
        """The method in its published form. Raises ValueError where it has none."""
        if self.as_published is None:
            why = f": {self.unpublished}" if self.unpublished else " of its own"
            raise ValueError(f"{self.name} has no published form{why}; leave --as-published out")
        return self.model_copy(update={"blocks": self.as_published})
