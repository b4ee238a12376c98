"""Judges: each scores how well a Result reads as asked."""

import re
from collections.abc import Callable

import numpy as np

from crossmodal.guidance.asked import asked_and_got
from crossmodal.guidance.captions import summary
from crossmodal.judge.best import Judge
from crossmodal.judge.models import similarity
from crossmodal.methods.spec import Method
from crossmodal.recipe import Recipe
from crossmodal.result import Result

CONTEXT = 2.0  # times the changed pixels' box, a side of what a judge is shown
LEAST_PX = 64  # a side
QUESTION = ("How plainly does this picture show this: {text} Answer with one number from 0 (not at all) to 10 "
            "(beyond doubt).")


def before_after(result: Result) -> tuple[np.ndarray, np.ndarray]:
    """The same square about all that changed, (h, w, 3) uint8, before and after."""
    changed = result.gt | result.masks.rgb
    if not changed.any():
        return result.before.rgb, result.after.rgb
    spans = [np.flatnonzero(changed.any(axis)) for axis in (1, 0)]
    side = round(max(LEAST_PX, CONTEXT * max(span[-1] + 1 - span[0] for span in spans)))
    window = []
    for span, whole in zip(spans, changed.shape, strict=True):
        first = min(max(0, (int(span[0] + span[-1]) + 1 - side) // 2), max(0, whole - side))
        window.append(slice(first, first + side))
    return result.before.rgb[tuple(window)], result.after.rgb[tuple(window)]


def measures(recipe: Recipe) -> Judge:
    """The share of all that was asked and can be measured that is as asked, from 0 to 1: no model (see
    crossmodal.guidance.asked_and_got). Of a recipe with a count ValueError is raised."""
    if isinstance(recipe, Method):
        raise ValueError(f"{recipe.name} asks for no sizes that could be measured; judge a method by a model")
    if recipe.count is not None:
        raise ValueError("a recipe with a count draws its kinds, and cannot be judged by measures; leave count out")

    def judge(result: Result) -> float:
        told = [row.ok for row in asked_and_got(result, recipe) if row.ok is not None]
        return sum(told) / len(told)

    return judge


def reads(model: str, text: str | None = None) -> Judge:
    """By how much the picture after reads more like a text than the picture before: the difference of two cosines,
    from -2 to 2, of an image-text model (CLIP, Radford et al. 2021; SigLIP, Zhai et al. 2023; or the like).

    model: a folder, or an id in the cache; none is fetched. text: None says the plan's kinds.
    Errors: ValueError, one line: the model is missing, or of no such sort.
    """
    like = similarity(model)

    def judge(result: Result) -> float:
        before, after = like(before_after(result), f"This is a photo of {_said(result, text)}")
        return after - before

    return judge


def answers(ask: Callable[[np.ndarray, str], str | float], text: str | None = None) -> Judge:
    """By how much more plainly the picture after shows a text than the picture before, from -1 to 1, as anything
    answers that looks at a picture (h, w, 3) uint8 and a question, such as a vision-language model: with a number
    from 0 to 1, or in words that say one from 0 to 10, yes, or no."""

    def judge(result: Result) -> float:
        question = QUESTION.format(text=_said(result, text))
        before, after = (_number(ask(picture, question)) for picture in before_after(result))
        return after - before

    return judge


def _said(result, text):
    """A text, or the plan's kinds, as the end of a sentence."""
    said = text.strip().rstrip(".") if text is not None else summary([one.kind for one in result.plan.defects])[:-1]
    return f"{said[:1].lower()}{said[1:]}."


def _number(answer: str | float) -> float:
    if not isinstance(answer, str):
        number = float(answer)
        if not 0 <= number <= 1:
            raise ValueError(f"a judge must answer from 0 to 1, but got {number}")
        return number
    word = re.match(r"\W*(yes|no)\b", answer, re.IGNORECASE)
    if word is not None:
        return 1.0 if word[1].lower() == "yes" else 0.0
    found = re.search(r"-?\d+(?:\.\d+)?", answer)
    if found is None or not 0 <= float(found[0]) <= 10:
        raise ValueError(f"a judge must say a number from 0 to 10, but said {answer[:60]!r}")
    return float(found[0]) / 10
