"""The best of n draws."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from crossmodal.capture import Capture
from crossmodal.recipe import Recipe
from crossmodal.result import Result
from crossmodal.streams import stream
from crossmodal.synthesis import synthesize

Judge = Callable[[Result], float]
"""How well a result reads as asked; more is better. A ValueError of its says why it cannot tell."""


@dataclass(frozen=True, eq=False)
class Best:
    """The result that was kept, and what it was chosen from; its plan replays without a judge.

    chosen: index from 0; seeds: (n,) of the draws; scores: (n,), None of one that could not be made or judged
    """

    result: Result
    chosen: int
    seeds: tuple[int, ...]
    scores: tuple[float | None, ...]

    def record(self) -> dict:
        """The same for a manifest, without the result."""
        return {"chosen": self.chosen, "seeds": [*self.seeds], "scores": [*self.scores]}


def best_of(capture: Capture, recipe: Recipe, seed: int, n: int, judge: Judge, least: float | None = None) -> Best:
    """Draw a recipe n times, and keep what the judge scores highest; of equals, the first.

    The first draw is ``synthesize(capture, recipe, seed)``; more draws never change the earlier ones.
    least: the score below which nothing is kept
    Raises ValueError where no draw can be made and judged (the first one's reason), or none comes up to the least.
    """
    if n < 1:
        raise ValueError(f"the best of at least 1 draw can be kept, but got {n}")
    seeds = tuple(seed if k == 0 else int(stream(seed, "best", k).integers(2**32)) for k in range(n))
    best, chosen, scores, reason = None, -1, [], None
    for k, own in enumerate(seeds):
        try:
            result = synthesize(capture, recipe, own)
            score = float(judge(result))
            if not isfinite(score):
                raise ValueError(f"the judge answered {score}, which is no score")
        except ValueError as error:
            reason = reason or error
            scores.append(None)
            continue
        if best is None or score > scores[chosen]:
            best, chosen = result, k
        scores.append(score)
    if best is None:
        raise reason
    if least is not None and scores[chosen] < least:
        raise ValueError(f"none of {n} draws reads as asked: the best scored {scores[chosen]:.3g}, and {least:g} is "
                         "the least; ask for more draws, or for less")
    return Best(best, chosen, seeds, tuple(scores))
