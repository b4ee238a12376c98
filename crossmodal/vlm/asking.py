"""Asking a model what a text means on one capture: kept answers first, one repair, then a clear failure or the grammar.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from os import environ

from crossmodal import weights
from crossmodal.capture import Capture
from crossmodal.guidance.prompt import LONGEST, understand
from crossmodal.guidance.sense import sensible
from crossmodal.recipe import Recipe
from crossmodal.vlm import cache
from crossmodal.vlm.answer import Refused, Unusable, read_answer
from crossmodal.vlm.question import Question
from crossmodal.vlm.told import Told

ENDPOINT = "endpoint"
"""The name of a model that means the one at $CROSSMODAL_VLM_BASE_URL."""


def recipe_from(capture: Capture, text: str, model: str, or_grammar: bool = False) -> Recipe:
    """The recipe that a text means on a capture, as a vision-language model sees it. See ask."""
    return ask(capture, text, model, or_grammar).recipe


def ask(capture: Capture, text: str, model: str, or_grammar: bool = False, in_pixels: bool = True,
        silent: ValueError | None = None) -> Told:
    """What a text means on a capture, by a model that sees it.

    model: a folder or the id, in the hub's cache, of a model of `transformers`; or "endpoint"
    or_grammar: whether the grammar answers where the model does not
    in_pixels: whether places may be cells of this capture's picture
    silent: why it cannot be asked, where that is known from before; only the answers kept are then looked at
    Errors: Unusable, a ValueError of one line: it has no answer that can be used; or Refused: it sees no defect asked
    for, or a size that the text names cannot be on the object, whatever a model makes of it. Any other ValueError: it
    cannot be asked, about this capture or another.
    """
    cut = _in_words(capture, text)[1]
    try:
        return _by_model(capture, text, model, in_pixels, cut, silent)
    except Refused:
        raise
    except ValueError as error:
        if not or_grammar:
            raise
        return by_grammar(capture, text, model, error)


def by_grammar(capture: Capture, text: str, model: str, error: ValueError) -> Told:
    """What the grammar answers in the place of a model that did not. Raises the model's error if it knows no more."""
    grammar = understand(text)
    fitted, cut = _in_words(capture, text)
    if fitted is None:
        raise type(error)(f"{error}; and the grammar: {grammar.refused}") from None
    missed = tuple(f"not understood, at {word.start}: {word.text}" for word in grammar.missed)
    return Told(fitted, text, named(model), "grammar",
                notes=(f"{error}; the grammar answered instead", *missed, *grammar.warnings, *cut))


def _in_words(capture: Capture, text: str) -> tuple[Recipe | None, tuple[str, ...]]:
    """What the grammar understands, kept to the object, and what was cut; None where it sees no defect asked for."""
    grammar = understand(text)
    if grammar.recipe is not None:
        try:
            return sensible(grammar.recipe, capture.surface)
        except ValueError as error:
            raise Refused(str(error)) from None
    if grammar.asked or len(text) > LONGEST or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(grammar.refused)
    return None, ()


def named(model: str) -> str:
    """A model in a record, an endpoint's as that calls it."""
    if model == ENDPOINT:
        from crossmodal.vlm.endpoint import MODEL

        return environ.get(MODEL, "").strip()
    return weights.named(model)


def _by_model(capture, text, model, in_pixels, cut, silent) -> Told:
    identity, reply = _asking(model)
    question = Question.about(capture, text, in_pixels)
    name = cache.key(identity, question)
    before = cache.kept(name)
    if before is not None:
        try:
            answer = read_answer(json.dumps(before["answer"]), capture.surface, in_pixels)
            return Told(answer.fitted, text, named(model), "model", before["sha256"], before["repaired"], True,
                        _once(cut, answer.cut))
        except Unusable:
            before = None
    if silent is not None:
        raise silent
    answer, said, notes = _answered(reply, question, capture.surface, in_pixels)
    unkept = cache.keep(name, answer.recipe.model_dump(mode="json", exclude_unset=True), said, bool(notes))
    return Told(answer.fitted, text, named(model), "model", said, bool(notes), False,
                _once(notes, cut, answer.cut, () if unkept is None else (unkept,)))


def _answered(reply, question, surface, in_pixels):
    """(answer, sha256 of the reply, notes) after one repair at the most."""
    first = ()
    while True:
        text = ""
        try:
            text = reply(question)
            return read_answer(text, surface, in_pixels), sha256(text.encode("utf-8", "replace")).hexdigest(), first
        except Refused:
            raise
        except Unusable as error:
            if first:
                raise Unusable(f"the model has no answer that can be used: {error}") from None
            first = (f"the model's first answer could not be used: {error}",)
            question = question.again(text, str(error))


def _asking(model: str) -> tuple[str, Callable[[Question], str]]:
    """(what its answers are kept under, how it is asked)."""
    if model == ENDPOINT:
        from crossmodal.vlm import endpoint

        where = endpoint.Endpoint.given()
        return where.identity, lambda question: endpoint.reply(where, question)
    from crossmodal.vlm import local

    return local.identity(model), lambda question: local.reply(model, question)


def _once(*notes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentence for some in notes for sentence in some))
