"""A model's reply as a Recipe: by the same validation as a person's, and by nothing else that it says.

Accepted is one JSON object that holds "defects" (or "refused"), alone, in a fence, or with prose about it, after a
<think> part or not. A field that is null counts as left out, and a range's two numbers may come in either order. All
else that is not JSON is not: trailing commas, comments, single quotes, NaN, YAML, a name that comes twice. An answer
names no file: ``mask`` and ``forbid`` of a place are refused.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from crossmodal.guidance.sense import sensible
from crossmodal.place import Place
from crossmodal.recipe import Recipe, one_line
from crossmodal.surface import Surface

LONGEST = 1 << 16  # characters of a reply
DEEPEST = 16  # brackets within brackets
SAID = 240  # characters of a complaint
FILES = frozenset({"mask", "forbid"})
OF_AN_ANSWER = frozenset({"defects", "refused"})


class Unusable(ValueError):
    """A model answered, and the answer cannot be used; the message says why, in one line."""


class Refused(Unusable):
    """Nothing can be made of the text here: no defect is asked for, or one that the object cannot carry."""


@dataclass(frozen=True)
class Answer:
    """What a reply came to. recipe: as it was said; fitted: kept to what the object can carry; cut: a sentence for each
    size that was."""

    recipe: Recipe
    fitted: Recipe
    cut: tuple[str, ...]


def read_answer(reply: str, surface: Surface, in_pixels: bool = True) -> Answer:
    """The recipe that a reply asks for on the object of a surface. Raises Refused, or Unusable, in one line.

    in_pixels: whether its places may be told in pixels of this picture; not where one recipe is for several views
    """
    try:
        value = _found(reply)
        if "refused" in value:
            raise Refused(f"the model sees no defect asked for: {short(str(value['refused']))}")
        _no_files(value)
        recipe = Recipe.model_validate(_tidied(value))
        fitted, cut = sensible(recipe, surface)
        for place in [spec.place or recipe.place for spec in recipe.defects]:
            surface.landmarks.allowed(place)
            _in_sight(place, surface, in_pixels)
    except Unusable:
        raise
    except ValidationError as error:
        raise Unusable(short(one_line(error))) from None
    except (ValueError, TypeError, OverflowError) as error:
        raise Unusable(short(str(error))) from None
    except RecursionError:
        raise Unusable("the answer is nested too deep") from None
    return Answer(recipe, fitted, cut)


def short(text: str) -> str:
    """A text as one printable line of at most SAID characters."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text[:4 * SAID].split()))
    return line if len(line) <= SAID else line[:SAID - 1] + "…"


def _found(reply: str) -> dict:
    """The one object of a reply that is an answer."""
    if len(reply) > LONGEST:
        raise Unusable(f"an answer has at most {LONGEST} characters, but got {len(reply)}")
    text = re.sub(r"\A\s*<think>.*?</think>", "", reply.removeprefix("\ufeff"), flags=re.DOTALL)
    found, wrong = [], None
    for piece in _objects(text):
        try:
            value = json.loads(piece, object_pairs_hook=_once, parse_constant=_no_constant)
        except ValueError as error:
            wrong = wrong or error
            continue
        if not OF_AN_ANSWER.isdisjoint(value):
            found.append(value)
    if not found:
        raise Unusable('the answer is no JSON object with "defects"' + ("" if wrong is None else f" ({wrong})"))
    if any(other != found[0] for other in found[1:]):
        raise Unusable(f"the reply holds {len(found)} answers; give one")
    return found[0]


def _objects(text: str) -> Iterator[str]:
    """The outermost {...} of a text; brackets within strings do not count."""
    depth, start, quoted, skip = 0, 0, False, False
    for i, c in enumerate(text):
        if skip:
            skip = False
        elif quoted:
            skip, quoted = c == "\\", c != '"'
        elif c == '"' and depth:
            quoted = True
        elif c in "{[" and (depth or c == "{"):
            start, depth = (i if depth == 0 else start), depth + 1
            if depth > DEEPEST:
                raise Unusable("the answer is nested too deep")
        elif c in "}]" and depth:
            depth -= 1
            if depth == 0:
                yield text[start:i + 1]
    if depth:
        raise Unusable("the answer breaks off; its JSON object is not closed")


def _once(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return dict(pairs)


def _no_constant(name):
    raise ValueError(f"{name} is no number of JSON")


def _no_files(value) -> None:
    for name, part in value.items() if isinstance(value, dict) else enumerate(value):
        if name in FILES and part is not None:
            raise Unusable(f"place.{name} names a file, which an answer must not; use words or a box")
        if isinstance(part, dict | list):
            _no_files(part)


def _in_sight(place: Place, surface: Surface, in_pixels: bool) -> None:
    """Raises Unusable for a place in pixels that holds nothing of the object: models count in pixels of their own."""
    if place.box is None and place.at_pixel is None:
        return
    if not in_pixels:
        raise Unusable("a place in pixels is of one view alone, and this is for several; use words")
    x0, y0, x1, y1 = place.box or (*(int(x) for x in place.at_pixel), *(int(x) + 1 for x in place.at_pixel))
    seen = surface.foreground if place.where != "anywhere" else np.isfinite(surface.smoothed[..., 2])
    if not seen[max(y0, 0):max(y1, 0), max(x0, 0):max(x1, 0)].any():
        raise Unusable(f"place: nothing of the object is at pixels {[x0, y0, x1, y1]}; it lies within "
                       f"{[*surface.landmarks.box]}")


def _tidied(value):
    """Without what is null; two numbers from low to high where the field is a range."""
    if isinstance(value, list):
        return [_tidied(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _tidied(part) for name, part in value.items() if part is not None}
    return {name: sorted(part) if _is_range(name, part) else part for name, part in kept.items()}


def _is_range(name, part) -> bool:
    numbers = isinstance(part, list) and len(part) == 2 and all(type(one) in (int, float) for one in part)
    return numbers and (name.endswith(("_mm", "_deg")) or name in ("opacity", "severity"))
