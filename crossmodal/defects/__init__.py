"""The physical catalogue: one file a family, a spec and its grow() together."""

from typing import Annotated

from pydantic import Field

from crossmodal.defects.appearance import Stain
from crossmodal.defects.lines import Scratch
from crossmodal.defects.pressed import Bump, Dent
from crossmodal.defects.spec import Scale, Spec, grow
from crossmodal.defects.wear import Wear

DEFECTS: tuple[type[Spec], ...] = (Dent, Bump, Scratch, Stain, Wear)

DefectSpec = Annotated[Dent | Bump | Scratch | Stain | Wear, Field(discriminator="kind")]

__all__ = ["DEFECTS", "Bump", "DefectSpec", "Dent", "Scale", "Scratch", "Spec", "Stain", "Wear", "grow"]
