"""A text understood by the grammar: the Recipe that it asks for, what each word came to, and what was not known."""

import re
from dataclasses import dataclass, field

from pydantic import ValidationError

from crossmodal.guidance.clauses import Request, requests
from crossmodal.guidance.encoder import Encoder
from crossmodal.guidance.items import Item, items, language_of
from crossmodal.guidance.measures import measured
from crossmodal.guidance.minus import below_nought
from crossmodal.guidance.ratios import ratios
from crossmodal.guidance.sense import WORDS
from crossmodal.guidance.several import each_its_own
from crossmodal.guidance.specs import VAGUE, spec_fields
from crossmodal.recipe import MOST, Recipe, one_line

LONGEST = 2000  # characters of a prompt
OF_PLACES = {"thread": "wear", "corner": "chip", "edge": "chip", "rim": "chip"}  # what "damage" is there
# Lines of a program: a definition, a call, a query, a command.
CODE = re.compile(r"\b(?:def|function|fn)\s+\w+\s*\(|^\s*import\s+\w+|^\s*from\s+\w+\s+import\b|=>|</\w+>|\bprint\(|"
                  r"\bin\s+range\(|\b[a-z]+_\w+\(|\b[a-z_]\w*\.[a-z_]\w*\(|\bselect\s+(?:\*|count\()|"
                  r"^\s*(?:git|pip|sudo|curl|docker)\s", re.IGNORECASE)
NOTHING = ("no defect is asked for; say a kind, such as 'a 12 mm scratch near the rim' "
           "(crossmodal defects lists them)")

SIZES = {name: f"{{}} {word}" for name, word in WORDS.items()} | {"angle_deg": "of 0 degrees"}  # of which none is 0


@dataclass(frozen=True)
class Word:
    """A piece of a text, from start to end, and what it came to; "" where that is not known."""

    text: str
    start: int
    end: int
    meaning: str = ""
    likened: bool = False
    """Whether a text encoder took it for that, and no lexicon."""


@dataclass(frozen=True)
class Asked:
    """One kind that was asked for: so many of it, with these fields of its spec."""

    kind: str
    count: int
    fields: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Understood:
    """What a text came to.

    recipe: None where it is refused, and ``refused`` says why in one line
    asked: kind by kind, in the order of the recipe's defects
    words: what was understood; missed: what was not; warnings: sentences
    """

    text: str
    language: str
    recipe: Recipe | None
    asked: tuple[Asked, ...]
    words: tuple[Word, ...]
    missed: tuple[Word, ...]
    warnings: tuple[str, ...]
    refused: str | None = None


def prompt(text: str, encoder: Encoder | None = None) -> Recipe:
    """The recipe that a text asks for, by the grammar: no model, no network. Raises ValueError, in one line, for a text
    that asks for no defect or for one that cannot be.

    encoder: for words that the lexicon does not know; they are taken for the kind that they are surely like.

    ``cm.synthesize(capture, cm.prompt("a 12 mm scratch near the rim"))`` is bit for bit what the same recipe makes.
    """
    understood = understand(text, encoder)
    if understood.recipe is None:
        raise ValueError(understood.refused)
    return understood.recipe


def understand(text: str, encoder: Encoder | None = None) -> Understood:
    """A text of at most LONGEST characters, in English, German, Spanish or Chinese, as a recipe; never an exception but
    the encoder's own."""
    if len(text) > LONGEST:
        said = f"a prompt has at most {LONGEST} characters, but got {len(text)}"
        return Understood(text, "en", None, (), (), (), (), said)
    if any("\ud800" <= c <= "\udfff" for c in text):
        return Understood(text, "en", None, (), (), (), (), "a prompt is text in UTF-8, but this is not")
    if CODE.search(text):
        return Understood(text, "en", None, (), (), (), (), "this is a program and no request; " + NOTHING)
    language = language_of(text)
    read = items(text, language)
    refused = below_nought(read, text)
    if encoder is not None:
        from crossmodal.guidance.likeness import likened

        read = likened(read, text, encoder)
    found = measured(ratios(read))
    wanted = requests(found)
    asked, warnings = _asked(wanted)
    recipe = None
    asks = [item.asks for item in found if item.asks and item.tag != "refused"]
    if not asked:
        refused = asks[0] if asks else _why_nothing(found)
    elif refused is None:
        try:
            recipe = _recipe(asked, wanted)
        except ValidationError as error:
            refused = one_line(error)
        except ValueError as error:
            refused = str(error)
    words, missed = _words(text, found, wanted)
    warnings = tuple(dict.fromkeys(warnings + asks))
    return Understood(text, language, recipe, tuple(asked), words, missed, warnings, refused)


def _asked(wanted: list[Request]):
    asked, warnings = [], []
    for request in wanted:
        if request.kind is None:
            place = request.one("place")
            about = {} if place is None else place.value
            request.kind = OF_PLACES.get(about.get("near") or about.get("where"), VAGUE[0])
            warnings.append(f"damage of no kind is asked for, and a {request.kind} was chosen; name one, such as "
                            f"{', '.join(VAGUE)}")
        for one in each_its_own(request):
            fields, notes = spec_fields(one)
            warnings += notes
            asked.append(Asked(one.kind, one.many, fields))
    return asked, warnings


def _recipe(asked, wanted) -> Recipe:
    if sum(one.count for one in asked) > MOST:
        raise ValueError(f"a capture holds at most {MOST} defects, but {sum(one.count for one in asked)} are asked for")
    for one in asked:
        for name, sizes in one.fields.items():
            least = sizes[0] if isinstance(sizes, list | tuple) else sizes
            if least in (0, "0%") and name in SIZES:
                raise ValueError(f"a {one.kind} {SIZES[name].format(least or '0 mm')} is none; say a size above 0, or "
                                 "leave it open")
    listed = [dict(one.fields) for one in asked for _ in range(one.count)]
    return Recipe.model_validate({"defects": listed})


def _why_nothing(found: list[Item]) -> str:
    denied = [item for item in found if item.tag == "denied"]
    if denied:
        return "only what shall not be there is said; " + NOTHING
    if any(item.tag == "refused" for item in found):
        return "only defects can be made, nothing answered or taken away; " + NOTHING
    return NOTHING


def _words(text, found, wanted):
    known, missed = [], []
    kinds = {id(request.head): request for request in wanted}
    for item in found:
        said = text[item.start:item.end]
        if id(item) in kinds:
            request = kinds[id(item)]
            meaning = f"{request.kind}" + (f" ({item.meant})" if item.meant else "")
            known.append(Word(said, item.start, item.end, meaning, item.likened))
        elif item.tag == "denied":
            known.append(Word(said, item.start, item.end, f"no {item.value['kind'] or 'damage'}"))
        elif item.tag in ("unknown", "measure", "place", "degree", "colour", "shade", "orientation", "feature", "show",
                          "difficulty", "count", "ratio"):
            if item.meaning and item.known and item.tag != "unknown":
                known.append(Word(said, item.start, item.end, item.meaning))
            else:
                missed.append(Word(said, item.start, item.end, "; ".join([*item.notes, *filter(None, [item.asks])])))
        elif item.tag == "refused" and not item.senses:
            missed.append(Word(said, item.start, item.end))
    return tuple(known), tuple(missed)
