"""What a model is asked: the task, what was measured on the object, the picture of it, and the user's words."""

import json
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from crossmodal.capture import Capture
from crossmodal.defects import DEFECTS
from crossmodal.guidance.prompt import understand
from crossmodal.vlm.offered import has_halves, landmarks, offered
from crossmodal.vlm.strip import png, strip

TASK = """You plan synthetic defects for training inspection. Read the request, look at the picture and answer with \
one JSON object and nothing else: {"defects": [...]}, an entry for each defect that is asked for, as many as are asked \
for. An entry is {"kind": ...} and, where the request tells it, the fields of its kind, "orientation_deg" and "place". \
Leave out what the request does not tell. Sizes are in millimetres: one number, or [low, high]; or "5%" of the object; \
or "small", "medium", "large". A colour is [red, green, blue], 0 to 255. orientation_deg: 0 is to the right, 90 is down.
"place" is {"where": one of object, flat, convex, concave, edge, rim; "part": one of top, bottom, left, right, top \
left, top right, bottom left, bottom right; "near": a landmark that was measured, or "avoid": a list of them; \
"inward": true for what runs from the rim towards the middle}, or {"box": a cell of the grid as [left, top, right, \
bottom]} for what only the picture tells.
The picture shows the object three times: its colour, its relief and its normals. The numbers beside it are pixels.
The kinds:
"""
REFUSAL = 'If the request asks for no defect at all, answer {"refused": "no defect is asked for"}.\n'
AGAIN = ("That cannot be used: {why}. Answer again with the whole corrected JSON object and nothing else; change only "
         "what is wrong.")


@dataclass(frozen=True, eq=False)
class Question:
    """One request about one capture, with what was answered before and why that could not be used.

    schema: of the answer (see offered); tries: (reply, why not)
    """

    task: str
    measured: str
    request: str
    png: bytes
    schema: dict
    tries: tuple[tuple[str, str], ...] = ()

    @classmethod
    def about(cls, capture: Capture, text: str, in_pixels: bool = True) -> "Question":
        """The question that a text is about a capture. A model may refuse only where the grammar, too, finds no defect.

        in_pixels: whether places may be cells of this capture's picture
        """
        may_refuse = understand(text).recipe is None
        schema = offered(capture.surface, may_refuse, in_pixels)
        return cls(TASK + _kinds() + (REFUSAL if may_refuse else ""), _measured(capture), text, png(strip(capture)),
                   schema)

    def again(self, reply: str, why: str) -> "Question":
        """The same question after a reply that could not be used."""
        return replace(self, tries=(*self.tries, (reply, why)))

    @property
    def said(self) -> str:
        """The user's part, as text beside the picture."""
        return f"{self.measured}\nRequest: {json.dumps(self.request, ensure_ascii=False)}"

    @property
    def turns(self) -> list[tuple[str, str]]:
        """(role, text) of what follows the first question."""
        return [turn for reply, why in self.tries
                for turn in (("assistant", reply), ("user", AGAIN.format(why=why)))]

    @cached_property
    def words(self) -> bytes:
        """All of it but the picture, as bytes that name it."""
        return json.dumps([self.task, self.said, self.schema, self.tries], ensure_ascii=True).encode()


def _kinds() -> str:
    lines = []
    for spec in DEFECTS:
        own = [name for name in spec.model_fields if name not in (
            "kind", "weight", "orientation_deg", "difficulty", "place") and (name != "show" or has_halves(spec))]
        lines.append(f"- {spec.model_fields['kind'].default}: {' '.join((spec.__doc__ or '').split())} "
                     f"({', '.join(sorted(own, key=lambda name: name not in spec.sizes))})\n")
    return "".join(lines)


def _measured(capture: Capture) -> str:
    surface, said = capture.surface, []
    for name in landmarks(surface):
        rows, columns = np.nonzero(getattr(surface.landmarks, name) & surface.foreground)
        said.append(f"{name} (pixels {columns.min()} to {columns.max()}, {rows.min()} to {rows.max()})")
    return (f"Measured: the object is {surface.axes.long_mm:.3g} mm long and {surface.axes.wide_mm:.3g} mm wide; a "
            f"pixel is {surface.mm_per_pixel:.3g} mm; relief below {surface.floor_mm:.2g} mm is hidden by noise. "
            f"Landmarks: {', '.join(said) or 'none'}.")
