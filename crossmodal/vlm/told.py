"""What a text means on one capture, and how that came about."""

from dataclasses import dataclass

from crossmodal.recipe import Recipe


@dataclass(frozen=True)
class Told:
    """The recipe that a text means on a capture, and how it came about.

    model: as it is recorded, without a machine's folders; sha256: of the model's reply, "" by the grammar;
    by: "model" or "grammar"; repaired: after a first reply that could not be used; cached: from the answers kept;
    notes: sentences for the user
    """

    recipe: Recipe
    prompt: str
    model: str
    by: str
    sha256: str = ""
    repaired: bool = False
    cached: bool = False
    notes: tuple[str, ...] = ()

    @property
    def record(self) -> dict:
        """What a manifest keeps: the same whether the answer was kept from before or not."""
        return {"model": self.model, "by": self.by, "answer_sha256": self.sha256, "repaired": self.repaired,
                "recipe": self.recipe.model_dump(mode="json", exclude_unset=True)}
