"""The physical catalogue: one file a family, a spec and its grow() together."""

from typing import Annotated

from pydantic import Field

from crossmodal.defects.added import Blister, Contamination
from crossmodal.defects.appearance import Stain
from crossmodal.defects.crack import Crack
from crossmodal.defects.crease import Crease
from crossmodal.defects.cut import Cut
from crossmodal.defects.edges import Burr, Chip
from crossmodal.defects.fibre import Fibre
from crossmodal.defects.lines import Scratch
from crossmodal.defects.opening import Hole, Missing
from crossmodal.defects.peel import Peel
from crossmodal.defects.pit import Pit
from crossmodal.defects.pressed import Bump, Dent
from crossmodal.defects.spec import Scale, Spec, grow
from crossmodal.defects.state import Burn, Corrosion, Discoloration
from crossmodal.defects.warp import Bend, Twist
from crossmodal.defects.wear import Wear

DEFECTS: tuple[type[Spec], ...] = (Dent, Bump, Blister, Crease, Scratch, Crack, Cut, Hole, Pit, Chip, Missing,
    Contamination, Fibre, Burr, Bend, Twist, Wear, Corrosion, Peel, Burn, Stain, Discoloration)

DefectSpec = Annotated[Dent | Bump | Blister | Crease | Scratch | Crack | Cut | Hole | Pit | Chip | Missing |
    Contamination | Fibre | Burr | Bend | Twist | Wear | Corrosion | Peel | Burn | Stain | Discoloration,
    Field(discriminator="kind")]

__all__ = ["DEFECTS", "Bend", "Blister", "Bump", "Burn", "Burr", "Chip", "Contamination", "Corrosion", "Crack",
    "Crease", "Cut", "DefectSpec", "Dent", "Discoloration", "Fibre", "Hole", "Missing", "Peel", "Pit", "Scale",
    "Scratch", "Spec", "Stain", "Twist", "Wear", "grow"]
