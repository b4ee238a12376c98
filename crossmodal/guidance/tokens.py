"""Text as tokens: numbers in every spelling of digits, colours in hexadecimal, words, signs; each with its place."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

VULGAR = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3, "⅛": 0.125, "⅜": 0.375, "⅝": 0.625, "⅞": 0.875,
          "⅕": 0.2, "⅖": 0.4, "⅗": 0.6, "⅘": 0.8, "⅙": 1 / 6, "⅚": 5 / 6}
MOST_DIGITS = 12
NUMBERS = ("mixed", "fraction", "vulgar", "number")
_TOKEN = re.compile(r"""
    (?P<hex>\#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})(?![0-9a-zA-Z]))
  | (?P<rgb>(?:rgb\s*)?\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)|rgb\s+\d{1,3}[ ,]+\d{1,3}[ ,]+\d{1,3})
  | (?P<clock>\d{1,2}\s?o\s?['’]?\s?clock\b)
  | (?P<mixed>\d{1,6}(?:[ ]|[ ]?-[ ]?)\d{1,3}[/⁄]\d{1,3}(?!\d))
  | (?P<fraction>\d{1,4}\s?[/⁄]\s?\d{1,4}(?![.,]?\d))
  | (?P<vulgar>\d*[ ]?[½¼¾⅓⅔⅛⅜⅝⅞⅕⅖⅗⅘⅙⅚])
  | (?P<short>\bw/(?:o\b|(?=\s|\w{3})))
  | (?P<number>\d+(?:[.,]\d+)*(?:e[+-]?\d{1,2}(?![\w]))?|(?<![\w.,])[.,]\d+)
  | (?P<cjk>[\u3400-\u9fff\uf900-\ufaff])
  | (?P<word>[^\W\d_\u3400-\u9fff\uf900-\ufaff]+(?:['’](?:s|t|re|d|ll|ve)\b)?)
  | (?P<sign>\+/-|\+-|<=|>=|\.\.\.|\.\.|\S)
""", re.VERBOSE | re.IGNORECASE)
_SERIAL = re.compile(r"\b(?:no|nr|nº)\.\s?\d+\b", re.IGNORECASE)  # "part no. 4" counts nothing
_LABEL = re.compile(r"\b(?:item|defect|fault|flaw|finding|pos|position|point|step|no|nr)\.?\s?#?\d{1,3}\s?[:)]",
                    re.IGNORECASE)
_LISTED = re.compile(r"(?:(?<=\s)|(?<!.))\d{1,2}[.)](?=\s)", re.DOTALL)

_KEY = re.compile(r"_mm\b(?=[\"']?\s*[:=])")  # "diameter_mm: 4" is 4 of what is taken for mm
_QUOTED = re.compile(r'"([a-z_][a-z_ ]*)"', re.IGNORECASE)
# "[3, 5] mm", "U(3,6)"; but "(0,5)" is a half.
_INTERVAL = re.compile(r"(?:\[\s*|(?<=[a-z])\(\s*|\((?=[\d.]+[,;]\s))([\d.]+)(\s*[,;]\s*)([\d.]+)\s*[\])]",
                       re.IGNORECASE)


@dataclass(frozen=True)
class Token:
    """text: lower case without accents; start, end: in what was written; value: of a number or a colour."""

    kind: Literal["number", "colour", "word", "sign"]
    text: str
    start: int
    end: int
    value: object = None
    glued: bool = False
    """Whether it follows the token before it without a space."""


@lru_cache(4096)
def plain(text: str) -> str:
    """Lower case, without accents, apostrophes straight."""
    folded = unicodedata.normalize("NFD", text.casefold().replace("’", "'"))
    return unicodedata.normalize("NFC", "".join(c for c in folded if not unicodedata.combining(c)))


def widths(text: str) -> str:
    """Full-width letters, digits and signs as the usual ones, one for one."""
    return "".join(chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else {"　": " ", "。": ".", "、": ",", "，": ","}
                   .get(c, c) for c in text)


def tokens(text: str, comma_is_decimal: bool = False) -> list[Token]:
    """comma_is_decimal: whether 1,000 is one (German, Spanish) and not a thousand."""
    found: list[Token] = []
    text = _LABEL.sub(_parting, widths(text))  # "Item 1: a dent, item 2: a scratch"
    text = _KEY.sub(lambda said: " " * len(said.group()), text)
    text = _QUOTED.sub(r" \1 ", text)
    text = _INTERVAL.sub(_ranged, text)
    text = _SERIAL.sub(lambda said: " " * len(said.group()), text)
    if _LISTED.match(text):  # "1) a dent 2) a scratch"
        text = _LISTED.sub(_parting, text)
    for match in _TOKEN.finditer(text):
        kind, said = match.lastgroup, match.group()
        start, end = match.span()
        glued = bool(found) and found[-1].end == start
        if kind == "hex":
            digits = said[1:] if len(said) == 7 else "".join(2 * c for c in said[1:])
            value = tuple(int(digits[k:k + 2], 16) for k in (0, 2, 4))
            found.append(Token("colour", said, start, end, value, glued))
        elif kind == "rgb" and (levels := _levels(said)):
            found.append(Token("colour", said, start, end, levels, glued))
        elif kind in NUMBERS and (value := _number(kind, said, comma_is_decimal)) is not None:
            found.append(Token("number", said, start, end, value, glued))
        elif kind in ("clock", "short", "rgb", *NUMBERS):  # a dial's place, or no value that could be meant: one word
            found.append(Token("word", plain(said), start, end, None, glued))
        elif kind in ("word", "cjk"):
            found += _split(Token("word", plain(said), start, end, None, glued), found, said)
        else:
            found.append(Token("sign", said, start, end, None, glued))
    return found


def _parting(said: re.Match) -> str:
    return "".join(c if c.isspace() else ";" for c in said.group())


def _ranged(said: re.Match) -> str:
    first, between, second = said.groups()
    start = said.start(1) - said.start()
    middle = "-".ljust(len(between)) if len(between) < 3 else " - ".ljust(len(between))
    return (" " * start + first + middle + second).ljust(len(said.group()))


def _levels(said):
    levels = tuple(int(digits) for digits in re.findall(r"\d+", said))
    return levels if max(levels) <= 255 else None


def _number(kind, said, comma_is_decimal):
    if len(said) > MOST_DIGITS:
        return None
    if kind == "vulgar":
        whole = said[:-1].strip()
        return (float(whole) if whole else 0.0) + VULGAR[said[-1]]
    if kind in ("mixed", "fraction"):
        *whole, top, bottom = map(float, re.findall(r"\d+", said))
        return sum(whole) + top / bottom if bottom else None
    if "e" in said.lower():
        return float(said.replace(",", ".")) if said.count(".") + said.count(",") < 2 else None
    if said.count(".") + said.count(",") == 1 and (re.fullmatch(r"[1-9]\d{0,2},\d{3}", said) and not comma_is_decimal):
        return float(said.replace(",", ""))
    if "," in said and "." in said:
        last = max(said.rfind(","), said.rfind("."))
        return float(re.sub(r"[.,]", "", said[:last]) + "." + re.sub(r"[.,]", "", said[last + 1:]))
    if said.count(".") > 1 or said.count(",") > 1:
        return float(re.sub(r"[.,]", "", said))
    return float(said.replace(",", "."))


def _split(token, before, said):
    """A word that sticks to a number: "5mmx3mm" holds a unit and a times sign, "2xdent" a times sign and a word."""
    text = token.text
    if token.glued and before[-1].kind == "number" and len(text) > 1:
        for unit in ("mm", "cm", "um", "µm", "μm", "in", "m", "mil", "thou", ""):
            rest = text[len(unit):]
            if text.startswith(unit) and rest[:1] in ("x", "×") and text not in ("x",):
                cut = [(unit, 0), ("x", len(unit)), (rest[1:], len(unit) + 1)]
                return [Token("word", part, token.start + at, token.start + at + len(part), None, True)
                        for part, at in cut if part]
    return [token]
