"""Words that the lexicon does not know: which kind's description they are most like, if any.

The floor and the margins were chosen on all-MiniLM-L6-v2 (tests/prompts/likeness.yaml); another encoder may need
others.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from crossmodal.guidance.encoder import Encoder
from crossmodal.guidance.items import Item
from crossmodal.yaml_text import values

FORMS = ("{}", "It has a {}.")  # in which a phrase is compared; their mean counts
BEST = 2  # sentences of a kind that count; of what is no defect, one is enough
FLOOR = 0.25  # likeness to a kind below which a word is none
ABOVE = 0.08  # by which a kind lies above all that is no defect
MARGIN = 0.07  # by which it lies above the next kind; below, one is asked which
KNOWN = ("kind", "vague")
PARTS = ("comma", "colon", "stop", "question", "and", "or", "but", "with")


@dataclass(frozen=True)
class Likeness:
    """The two kinds that a phrase is most like, each with the cosine between it and their descriptions."""

    kind: str
    score: float
    other: str
    other_score: float

    @property
    def is_sure(self) -> bool:
        return self.score - self.other_score >= MARGIN

    def __str__(self) -> str:
        return f"by likeness {self.score:.2f}, next {self.other} {self.other_score:.2f}"


def likeness(phrase: str, encoder: Encoder) -> Likeness | None:
    """What a phrase is like, or None where it is like no defect."""
    kinds, owner, described = _descriptions(encoder)
    alike = described @ encoder.vectors(tuple(form.format(phrase.lower()) for form in FORMS)).mean(axis=0)
    scores = {kind: float(np.sort(alike[owner == k])[-BEST:].mean()) for k, kind in enumerate(kinds) if kind}
    (kind, score), (other, next_score) = sorted(scores.items(), key=lambda one: -one[1])[:2]
    if score < FLOOR or score < float(alike[owner == kinds.index("")].max()) + ABOVE:
        return None
    return Likeness(kind, score, other, next_score)


def likened(items: list[Item], text: str, encoder: Encoder) -> list[Item]:
    """The items, with a kind for the unknown words of each clause that names none, where they are surely like one;
    where they may be one of two, with a note that asks which."""
    out: list[Item] = []
    for clause in _clauses(items):
        runs = [] if any(item.may(*KNOWN) for item in clause) else _runs(clause)
        found = [(one, first, last) for first, last in runs
                 if (one := likeness(text[clause[first].start:clause[last].end], encoder)) is not None]
        if found:
            one, first, last = max(found, key=lambda each: (each[0].is_sure, each[0].score))
            clause[first:last + 1] = [_item(one, clause[first], clause[last], text)]
        out += clause
    return out


def _item(one: Likeness, first: Item, last: Item, text: str) -> Item:
    said = text[first.start:last.end]
    if not one.is_sure:
        return Item({}, first.start, last.end, known=False, asks=f"{said!r} may be a {one.kind} or a {one.other}; "
                                                                  "say which")
    entry = {"kind": one.kind, "with": {}, "weak": False, "like": False}
    return Item({"kind": entry}, first.start, last.end, said.endswith("s") and not said.endswith("ss"), meant=str(one),
                likened=True)


def _clauses(items):
    clause: list[Item] = []
    for item in items:
        clause.append(item)
        if item.may(*PARTS):
            yield clause
            clause = []
    yield clause


def _runs(clause) -> list[tuple[int, int]]:
    """(first, last) of the words side by side that nothing is known of."""
    unknown = [k for k, item in enumerate(clause) if not item.senses and not item.tag]
    starts = [k for k in unknown if k - 1 not in unknown]
    return [(k, next(j for j in range(k, len(clause)) if j + 1 not in unknown)) for k in starts]


@lru_cache(maxsize=4)
def _descriptions(encoder: Encoder) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """(kinds, the kind's number of each sentence, their vectors); "" is what is no defect."""
    said = values(files(__package__).joinpath("described.yaml").read_text(encoding="utf-8"))
    sentences = tuple(sentence for listed in said.values() for sentence in listed)
    owner = np.repeat(np.arange(len(said)), [len(listed) for listed in said.values()])
    return tuple(said), owner, encoder.vectors(sentences)
