"""The physical catalogue: one file a family, a spec and its grow() together."""

from typing import Annotated

from pydantic import Field

from crossmodal.defects.added import Blister, Contamination
from crossmodal.defects.appearance import Stain
from crossmodal.defects.crease import Crease
from crossmodal.defects.holes import Pit
from crossmodal.defects.lines import Scratch
from crossmodal.defects.pressed import Bump, Dent
from crossmodal.defects.spec import Scale, Spec, grow
from crossmodal.defects.state import Burn, Corrosion, Discoloration
from crossmodal.defects.wear import Wear

DEFECTS: tuple[type[Spec], ...] = (Dent, Bump, Blister, Crease, Scratch, Pit, Contamination, Wear, Corrosion, Burn,
    Stain, Discoloration)

DefectSpec = Annotated[Dent | Bump | Blister | Crease | Scratch | Pit | Contamination | Wear | Corrosion | Burn |
    Stain | Discoloration, Field(discriminator="kind")]

__all__ = ["DEFECTS", "Blister", "Bump", "Burn", "Contamination", "Corrosion", "Crease", "DefectSpec", "Dent",
    "Discoloration", "Pit", "Scale", "Scratch", "Spec", "Stain", "Wear", "grow"]
