"""The words of a language: a data file read once, as phrases with the senses that each may have."""

from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from crossmodal.guidance.tokens import plain
from crossmodal.yaml_text import texts

LANGUAGES = ("en", "de", "es", "zh")
AS_LARGE = ("the size of", "size of", "as big as", "as large as", "as wide as", "as long as", "big as")
MAYBE = 4  # senses of one phrase are few; and so are the ways in which a word may be inflected


@dataclass
class Node:
    """A phrase's beginning: the words that may follow, and the senses if it may end here."""

    following: dict[str, "Node"] = field(default_factory=dict)
    senses: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Lexicon:
    """root: of the tree of phrases; endings: what a word may end in → what stands there in the lexicon;
    words: every single word, for spelling; letters: sizes by their initials.
    """

    language: str
    root: Node
    endings: tuple[tuple[str, str], ...]
    plural: frozenset[str]
    words: frozenset[str]
    letters: dict[str, str]
    kept: frozenset[str]
    """Words that are no slips of the lexicon's, though they look so."""

    def forms(self, word: str) -> list[tuple[str, bool]]:
        """The word, and what it may be an inflection of; each with whether that is a plural."""
        found = [(word, False)]
        for ending, instead in self.endings:
            if len(word) - len(ending) >= 2 and word.endswith(ending):
                found.append((word[:-len(ending)] + instead, ending in self.plural))
        return found

    def knows(self, word: str) -> bool:
        return any(form in self.words for form, _ in self.forms(word))

    def longest(self, words: list[str], start: int) -> tuple[int, dict, bool]:
        """(how many words, their senses, whether it is a plural) of the longest phrase that begins there; 0 if none."""
        best, plural = (0, {}), False
        nodes = [(self.root, False)]
        for count, word in enumerate(words[start:], 1):
            nodes = [(node.following[form], many) for node, _ in nodes for form, many in self.forms(word)
                     if form in node.following][:MAYBE]
            if not nodes:
                break
            for node, many in nodes:
                if node.senses:
                    best, plural = (count, node.senses), many
                    break
        return (*best, plural)


@lru_cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of one of LANGUAGES."""
    folder = files(__package__)
    text = folder.joinpath(f"lexicon_{language}.yaml").read_text(encoding="utf-8")
    kept = () if language == "zh" else folder.joinpath(f"kept_{language}.txt").read_text(encoding="utf-8").split()
    data = texts(text)
    root = Node()
    words: set[str] = set()
    for phrase, tag, value in _senses(data):
        node = root
        spoken = plain(phrase).replace("-", " ").split() if any(c.isalnum() for c in phrase) else [phrase]
        for word in _characters(spoken) if language == "zh" else spoken:
            node = node.following.setdefault(word, Node())
            words.add(word)
        node.senses.setdefault(tag, value)
    many = frozenset(map(plain, data.get("plural", ())))
    endings = tuple(sorted(((plain(a), plain(b)) for a, b in data.get("endings", {}).items()),
                           key=lambda pair: (pair[0] not in many, len(pair[0]))))
    return Lexicon(language, root, endings, many, frozenset(words),
                   dict(data.get("letters", {})), frozenset(kept))


def _characters(words):
    """Chinese is written without spaces: each of its characters is a word of a phrase."""
    return [part for word in words for part in (word if not word.isascii() else [word])]


def _senses(data):
    """(phrase, tag, value) of everything that a data file says."""
    for entry in data["kinds"]:
        value = {"kind": entry["kind"], "with": _values(entry.get("with", {})),
                 "weak": entry.get("weak") == "true", "like": entry.get("like") == "true"}
        for phrase in entry["say"]:
            yield phrase, "kind", value
        for phrase in entry.get("many", ()):
            yield phrase, "kind", value | {"many": True}
    for entry in data.get("features", ()):
        for phrase in entry["say"]:
            yield phrase, "feature", _values(entry["with"])
    for phrase in data.get("vague", ()):
        yield phrase, "vague", True
    for word, number in data.get("numbers", {}).items():
        yield word, "number", float(number)
    for word, number in data.get("counts", {}).items():
        yield word, "count", int(number)
    for unit, phrases in data.get("units", {}).items():
        for phrase in phrases:
            yield phrase, "unit", unit
    for thing, size in data.get("things", {}).items():
        for phrase in (f"{thing} sized", f"{thing} size", *(f"{as_} a {thing}" for as_ in AS_LARGE)):
            yield phrase, "thing", float(size)
    for role, said in data.get("roles", {}).items():
        for way in ("noun", "both", "more", "less"):
            for phrase in said.get(way, ()):
                yield phrase, "role", (role, way)
    for phrase, (role, bound) in data.get("than", {}).items():
        yield phrase, "than", (role, bound)
        for never in data.get("never", ()):
            yield f"{never} {phrase}", "than", (role, {"least": "most", "most": "least"}[bound])
    for section, tag in (("sizes", "degree"), ("difficulty", "difficulty"), ("show", "show"), ("shades", "shade"),
                         ("landmarks", "landmark"), ("parts", "part"), ("orientations", "orientation")):
        for value, phrases in data.get(section, {}).items():
            for phrase in phrases:
                yield phrase, tag, value
                if tag == "difficulty" and phrase.endswith("ly"):
                    yield phrase, "adverb", True
    for entry in data.get("colours", ()):
        for phrase in entry["say"]:
            yield phrase, "colour", tuple(int(level) for level in entry["rgb"])
    for tag in ("point", "square"):
        for phrase in data.get(tag, ()):
            yield phrase, tag, True
    for tag, phrases in data.get("words", {}).items():
        for phrase in phrases:
            yield phrase, tag, True


def _values(said: dict) -> dict:
    """The fields of a spec as the data file has them: words, numbers, yes or no, or a colour."""
    def read(value):
        if isinstance(value, list):
            return tuple(int(level) for level in value)
        if isinstance(value, dict):
            return _values(value)
        return {"true": True, "false": False}.get(value, int(value) if value.isdigit() else value)
    return {name: read(value) for name, value in said.items()}
