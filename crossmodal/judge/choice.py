"""How a run chooses each sample: of how many draws, by what, and what is not good enough."""

from dataclasses import dataclass
from typing import Self

from crossmodal.capture import Capture
from crossmodal.judge.best import Best, best_of
from crossmodal.judge.judges import measures, reads
from crossmodal.judge.models import similarity
from crossmodal.recipe import Recipe
from crossmodal.weights import named

MEASURED = "measured"
DRAWS = 4


@dataclass(frozen=True)
class Choice:
    """judge: an image-text model, or "measured": by what is measured, with no model; draws: of each sample; least:
    the score below which a sample counts as failed."""

    judge: str = MEASURED
    draws: int = DRAWS
    least: float | None = None

    def __post_init__(self):
        if self.draws < 1:
            raise ValueError(f"--best-of must be at least 1, but got {self.draws}")

    @classmethod
    def said(cls, judge: str | None, draws: int | None, least: float | None) -> Self | None:
        """From the options of a command; None where none was given."""
        if judge is None and draws is None and least is None:
            return None
        return cls(MEASURED if judge is None else judge, DRAWS if draws is None else draws, least)

    def checked(self, recipe: Recipe) -> None:
        """Raises ValueError for a recipe that this choice cannot be made of."""
        if self.judge == MEASURED:
            measures(recipe)

    def ready(self) -> None:
        """Load the model. Raises ValueError, one line, for one that is missing, broken or of another sort."""
        if self.judge != MEASURED:
            similarity(self.judge)

    def made(self, capture: Capture, recipe: Recipe, seed: int, text: str | None = None) -> Best:
        """The best draw of a recipe on a capture; text: what was asked in words, if it was. Errors: as best_of."""
        judge = measures(recipe) if self.judge == MEASURED else reads(self.judge, text)
        return best_of(capture, recipe, seed, self.draws, judge, self.least)

    def record(self) -> dict:
        """The same for a record, without a machine's paths."""
        return {"judge": self.judge if self.judge == MEASURED else named(self.judge), "best_of": self.draws,
                "least": self.least}
