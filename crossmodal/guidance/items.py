"""Tokens as items: the longest phrases of the lexicon, each with every sense that it may have."""

from dataclasses import dataclass, field
from unicodedata import category

from crossmodal.guidance.lexicon import LANGUAGES, Lexicon, lexicon
from crossmodal.guidance.spelling import meant
from crossmodal.guidance.tokens import Token, tokens

MOST_SLIPS = 40  # words of one text that are looked up as misspelt
SEPARATORS = {",": "comma", ";": "stop", ":": "colon", ".": "stop", "?": "question", "!": "stop", "\n": "stop", "¿": "",
              "/": "comma", "|": "comma", "•": "stop"}
EMPTY = {"filler", "object", "sign"}
NAMES = {"kind", "vague", "landmark", "object"}
SHORTEST_PART = 4  # letters of either part of a compound
BEFORE_DOT = {"about", "least", "most", "role", "unit", "times"}  # what is often shortened


@dataclass
class Item:
    """A phrase. senses: tag → value; tag and value are those that the grammar settled on, "" while it has not."""

    senses: dict[str, object]
    start: int
    end: int
    plural: bool = False
    tag: str = ""
    value: object = None
    meant: str = ""
    """What it was read as, where it was misspelt."""
    meaning: str = ""
    """What it came to, in the words of a recipe."""
    known: bool = True
    notes: list[str] = field(default_factory=list)
    asks: str = ""
    """What one shall say, where it may be one of two kinds."""
    likened: bool = False
    """Whether a text encoder gave it its kind."""

    def may(self, *tags: str) -> bool:
        return not self.tag and any(tag in self.senses for tag in tags)

    def is_(self, *tags: str) -> bool:
        return self.tag in tags if self.tag else any(tag in self.senses for tag in tags)

    def settle(self, tag: str, value: object = None) -> "Item":
        self.tag, self.value = tag, self.senses.get(tag) if value is None else value
        return self


def language_of(text: str) -> str:
    """The language whose lexicon knows most of a text's words; English where none knows more."""
    found = tokens(text)
    if any(token.kind == "word" and "\u3400" <= token.text[0] <= "\u9fff" for token in found):
        return "zh"
    words = [token.text for token in found if token.kind == "word" and len(token.text) > 1]
    if all(lexicon("en").knows(word) for word in words):
        return "en"
    scores = {name: sum(_knows(lexicon(name), word) for word in words[:MOST_SLIPS]) for name in LANGUAGES[:3]}
    return max(scores, key=lambda name: (scores[name], name == "en"))


def _knows(book: Lexicon, word: str) -> float:
    """A word that is known is worth more than one that is a slip of one."""
    return 1.0 if book.knows(word) or word in book.kept else 0.4 if meant(word, book.words, book.kept) else 0.0


def items(text: str, language: str) -> list[Item]:
    """The items of a text. What English knows is understood in every language."""
    own, english = lexicon(language), lexicon("en")
    found = _joined(tokens(text, language in ("de", "es")), text)
    words = [token.text if token.kind in ("word", "sign") else "\0" for token in found]
    made: list[Item] = []
    slips, at = 0, 0
    while at < len(found):
        token = found[at]
        if token.kind == "number":
            made.append(Item({"number": token.value, "digits": True}, token.start, token.end))
        elif token.kind == "colour":
            made.append(Item({"colour": token.value}, token.start, token.end))
        else:
            count, senses, plural = own.longest(words, at)
            if language != "en":
                count, senses, plural = max((count, senses, plural), english.longest(words, at), key=lambda one: one[0])
            if count:
                letter = {"letter": own.letters[token.text]} if count == 1 and token.text in own.letters else {}
                made.append(Item(senses | letter, token.start, found[at + count - 1].end, plural))
                at += count
                continue
            if token.kind == "word" and (part := _compound(token, own)) is not None:
                made.append(part)
                at += 1
                continue
            if (parted := _parted(found, words, at, own)) is not None:
                item, more = parted
                made.append(item)
                at += more
                continue
            if token.kind == "sign":
                if category(token.text[0]) == "So":  # a picture of something: listed like a word that nobody knows
                    made.append(Item({}, token.start, token.end, known=False))
                    at += 1
                    continue
                tag = SEPARATORS.get(token.text, "sign")
                if tag == "stop" and token.text == "." and made and made[-1].end == token.start \
                        and set(made[-1].senses) & BEFORE_DOT and at + 1 < len(found):
                    tag = "sign"
                made.append(Item({tag or "sign": token.text}, token.start, token.end))
            else:
                made.append(_misspelt(token, own, english, slips))
                slips += 1
        at += 1
    return made


def rest_of_clause(items: list[Item], at: int) -> list[Item]:
    """The items behind one, up to the next comma or "and"."""
    behind = items[at + 1:]
    ends = ("comma", "stop", "and", "but", "with", "colon")
    stop = next((k for k, one in enumerate(behind) if one.may(*ends)), len(behind))
    return behind[:stop]


def asked_for(items: list[Item], item: Item) -> bool:
    """Whether anything is asked of an item beside where it is."""
    return any(one.tag == "measure" or (one is not item and one.is_("kind", "head", "make", "degree", "vague"))
               for one in items)


def gone(items: list[Item], at: int) -> bool:
    """Whether what an item names is gone or shall go: "the dent has been repaired", "den Kratzer bitte entfernen"; the
    word that says so is read then."""
    following = next((one for one in items[at + 1:] if one.may("undone") or not one.may("filler", "of")), None)
    if following is None or not following.may("undone"):
        return False
    following.settle("filler", True)
    return True


def _compound(token: Token, book: Lexicon) -> Item | None:
    """A German word that is not known by the last of its parts: Schraubengewinde is a Gewinde."""
    if book.language != "de" or token.text in book.kept:
        return None
    for at in range(SHORTEST_PART, len(token.text) - SHORTEST_PART + 1):
        count, senses, plural = book.longest([token.text[at:]], 0)
        if count and set(senses) & NAMES:
            led = book.longest([token.text[:at]], 0)[1] if "object" in senses else {}
            place = {"landmark": led["landmark"]} if "landmark" in led else {}  # "an der Gewindeseite"
            return Item(place or senses, token.start, token.end, plural)
    return None


def _parted(found: list[Token], words: list[str], at: int, book: Lexicon) -> tuple[Item, int] | None:
    """A kind of defect written apart or together: "pin hole" is a pinhole, "oilstain" an oil stain; and its words."""
    token, word = found[at], words[at]
    if token.kind != "word" or book.language == "zh" or word in book.kept:
        return None
    if at + 1 < len(found) and min(len(word), len(words[at + 1])) >= SHORTEST_PART - 1:
        count, senses, plural = book.longest([word + words[at + 1]], 0)
        if "kind" in senses:
            return Item(senses, token.start, found[at + 1].end, plural), 2
    for k in range(SHORTEST_PART - 1, len(word) - SHORTEST_PART + 2):
        count, senses, plural = book.longest([word[:k], word[k:]], 0)
        if count == 2 and "kind" in senses:
            return Item(senses, token.start, token.end, plural), 1
    return None


def _misspelt(token: Token, own: Lexicon, english: Lexicon, slips: int) -> Item:
    if slips < MOST_SLIPS:
        book = english if own.language == "zh" else own
        if (word := meant(token.text, book.words, book.kept)) is not None:
            count, senses, plural = book.longest([word], 0)
            # A slip of a word that says nothing is listed as it stands, and none is taken for a "no".
            if count and set(senses) - EMPTY and not set(senses) & {"not", "away"}:
                return Item(senses, token.start, token.end, plural, meant=word)
    letter = {"letter": own.letters[token.text]} if token.text in own.letters else {}
    return Item(letter, token.start, token.end, known=bool(letter))


def _joined(found: list[Token], text: str) -> list[Token]:
    """Without the hyphens inside words; line ends as signs."""
    kept: list[Token] = []
    for at, token in enumerate(found):
        if kept and "\n" in text[kept[-1].end:token.start]:
            kept.append(Token("sign", "\n", kept[-1].end, token.start))
        if token.text in ("-", "‐", "‑") and kept and at + 1 < len(found):
            following = found[at + 1]
            if token.glued and following.glued and "word" in (kept[-1].kind, following.kind):
                if not (following.kind == "number" and kept[-1].kind == "word"):
                    continue
            elif not token.glued and not (kept[-1].kind == following.kind == "number") \
                    and not (following.kind == "number" and kept[-1].text in ("mm", "cm", "um")):
                token = Token("sign", ",", token.start, token.end)
        kept.append(token)
    return kept
