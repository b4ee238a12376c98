"""What a run was asked to look for, and by what."""

from dataclasses import dataclass
from typing import Self

from crossmodal.capture import Capture
from crossmodal.locate.find import locate
from crossmodal.locate.models import locator, segmenter
from crossmodal.locate.region import Region
from crossmodal.packed import PackedArray
from crossmodal.recipe import Recipe
from crossmodal.weights import named


@dataclass(frozen=True)
class Where:
    """A text, the model that finds it in each capture, and one that outlines it, if any."""

    text: str
    locator: str
    segmenter: str | None = None

    @classmethod
    def said(cls, text: str | None, locator: str | None, segmenter: str | None) -> Self | None:
        """From the options of a command; None where none was given. Errors: ValueError where one is missing."""
        if text is None and locator is None and segmenter is None:
            return None
        if text is None or locator is None:
            raise ValueError("--where TEXT and --locator MODEL go together; --prompt 'a dent on the thread' needs no "
                             "model for places that are measured")
        return cls(text, locator, segmenter)

    def ready(self) -> None:
        """Load the models. Raises ValueError, one line, for one that is missing, broken or of another sort."""
        locator(self.locator)
        if self.segmenter is not None:
            segmenter(self.segmenter)

    def found(self, capture: Capture) -> Region:
        """The region of a capture's surface. Errors: ValueError where nothing is found."""
        return locate(capture, self.text, self.locator, self.segmenter)

    def record(self) -> dict:
        """The same for a record, without a machine's paths."""
        return {"where": self.text, "locator": named(self.locator)} | (
            {} if self.segmenter is None else {"segmenter": named(self.segmenter)})


class Placing:
    """Recipes on captures, kept to what is looked for in each, if anything is; each capture is searched once."""

    def __init__(self, where: Where | None):
        self.where, self._found = where, (None, None)

    def on(self, capture: Capture, recipe: Recipe) -> Recipe:
        """The recipe for a capture. Errors: ValueError where nothing is found."""
        if self.where is None:
            return recipe
        if self._found[0] is not capture:
            self._found = capture, self.where.found(capture)
        return self._found[1].on(recipe)

    def record(self) -> dict:
        """What was last found, for a manifest: {"where": {...}}, its region as text that a recipe's place takes."""
        if self._found[1] is None:
            return {}
        region = self._found[1]
        return {"where": self.where.record() | {"score": region.score,
                                                "region": PackedArray.of(region.weight).model_dump()}}
