"""Asking a model what a text means on one capture: kept answers first, one repair, then a clear failure or the grammar.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from crossmodal.capture import Capture
from crossmodal.guidance.prompt import LONGEST, understand
from crossmodal.guidance.sense import sensible
from crossmodal.recipe import Recipe
from crossmodal.vlm import cache
from crossmodal.vlm.answer import Refused, Unusable, read_answer
from crossmodal.vlm.question import Question

ENDPOINT = "endpoint"
"""The name of a model that means the one at $CROSSMODAL_VLM_BASE_URL."""


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


def recipe_from(capture: Capture, text: str, model: str, or_grammar: bool = False) -> Recipe:
    """The recipe that a text means on a capture, as a vision-language model sees it. See told."""
    return told(capture, text, model, or_grammar).recipe


def told(capture: Capture, text: str, model: str, or_grammar: bool = False, in_pixels: bool = True) -> Told:
    """What a text means on a capture, by a model that sees it.

    model: a folder or the id, in the hub's cache, of a model of `transformers`; or "endpoint"
    or_grammar: whether the grammar answers where the model does not
    in_pixels: whether places may be cells of this capture's picture
    Errors: ValueError, one line: a size that the text names cannot be on the object; the model cannot be asked.
    Unusable, a ValueError: it was, and has no answer that can be used, or Refused: it sees no defect asked for.
    """
    grammar = understand(text)
    if grammar.recipe is None and (grammar.asked or len(text) > LONGEST or not _is_unicode(text)):
        raise ValueError(grammar.refused)
    # A size that the words name is held against the object whatever a model makes of it.
    fitted, cut = (None, ()) if grammar.recipe is None else sensible(grammar.recipe, capture.surface)
    try:
        return _by_model(capture, text, model, in_pixels, cut)
    except ValueError as error:
        if not or_grammar or isinstance(error, Refused):
            raise
        if fitted is None:
            raise type(error)(f"{error}; and the grammar: {grammar.refused}") from None
        missed = tuple(f"not understood, at {word.start}: {word.text}" for word in grammar.missed)
        return Told(fitted, text, named(model), "grammar",
                    notes=(f"{error}; the grammar answered instead", *missed, *grammar.warnings, *cut))


def named(model: str) -> str:
    """A model's name for records: an id, the last part of a folder's path, or what the endpoint calls it."""
    if model == ENDPOINT:
        import os

        from crossmodal.vlm.endpoint import MODEL

        return os.environ.get(MODEL, "").strip()
    return Path(model).resolve().name if Path(model).is_dir() else model


def _by_model(capture, text, model, in_pixels, cut) -> Told:
    identity, reply = _asking(model)
    question = Question.about(capture, text, in_pixels)
    name = cache.key(identity, question)
    before = cache.kept(name)
    if before is not None:
        try:
            answer = read_answer(json.dumps(before["answer"]), capture.surface)
            return Told(answer.fitted, text, named(model), "model", before["sha256"], before["repaired"], True,
                        _once(cut, answer.cut))
        except Unusable:
            before = None
    answer, said, notes = _answered(reply, question, capture)
    unkept = cache.keep(name, answer.recipe.model_dump(mode="json", exclude_unset=True), said, bool(notes))
    return Told(answer.fitted, text, named(model), "model", said, bool(notes), False,
                _once(notes, cut, answer.cut, () if unkept is None else (unkept,)))


def _answered(reply, question, capture):
    """(answer, sha256 of the reply, notes) after one repair at the most."""
    first = None
    for _ in range(2):
        text = ""
        try:
            text = reply(question)
            answer = read_answer(text, capture.surface)
            notes = () if first is None else (f"the model's first answer could not be used ({first})",)
            return answer, sha256(text.encode("utf-8", "replace")).hexdigest(), notes
        except Refused:
            raise
        except Unusable as error:
            if first is not None:
                raise Unusable(f"the model has no answer that can be used: {error} (and before: {first})") from None
            first = error
            question = question.again(text, str(error))
    raise AssertionError("two tries end in an answer or an error")


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


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)
