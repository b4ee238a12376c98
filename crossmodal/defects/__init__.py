"""The physical catalogue: one file a family, a spec and its grow() together."""

from typing import Annotated

from pydantic import Field

from crossmodal.defects.added import Blister, Contamination
from crossmodal.defects.appearance import Stain
from crossmodal.defects.holes import Pit
from crossmodal.defects.lines import Scratch
from crossmodal.defects.pressed import Bump, Dent
from crossmodal.defects.spec import Scale, Spec, grow
from crossmodal.defects.wear import Wear

DEFECTS: tuple[type[Spec], ...] = (Dent, Bump, Scratch, Stain, Wear, Pit, Blister, Contamination)

DefectSpec = Annotated[Dent | Bump | Scratch | Stain | Wear | Pit | Blister | Contamination,
                       Field(discriminator="kind")]

__all__ = ["DEFECTS", "Blister", "Bump", "Contamination", "DefectSpec", "Dent", "Pit", "Scale",
           "Scratch", "Spec", "Stain", "Wear", "grow"]
