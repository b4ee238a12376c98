"""Sentences about a result, from its plan and its measured sizes, that the grammar reads back as the same defect."""

import numpy as np

from crossmodal.guidance.asked import middle_of
from crossmodal.plan import Grown, Made
from crossmodal.result import Result
from crossmodal.streams import stream

NOUNS = {
    "dent": ("dent", "ding"), "bump": ("bump", "bulge"), "blister": ("blister", "bubble"), "crease": ("crease", "fold"),
    "scratch": ("scratch", "scratch mark"), "crack": ("crack", "fracture"), "cut": ("cut", "gash"), "hole": ("hole",),
    "pit": ("pit", "pore"), "chip": ("chip", "nick"), "missing": ("missing piece",), "fibre": ("fibre", "hair"),
    "contamination": ("foreign particle", "deposit"), "burr": ("burr",), "bend": ("bend",), "twist": ("twist",),
    "wear": ("wear mark", "abrasion"), "corrosion": ("rust spot", "corroded spot"),
    "peel": ("delamination", "patch of peeling paint"),
    "burn": ("burn mark", "scorch mark"), "stain": ("stain", "smear"), "discoloration": ("discoloration",)}
COLOURS = {"black": (25, 25, 25), "white": (235, 235, 230), "grey": (128, 128, 128), "red": (200, 35, 35),
           "orange": (225, 125, 40), "yellow": (215, 185, 70), "green": (40, 140, 60), "blue": (45, 75, 185),
           "brown": (115, 75, 40)}
COLOURED = ("contamination", "fibre", "stain", "discoloration", "corrosion")
FORMS = ("{article} {colour}{noun} {size}{place}.", "{Place}{article} {colour}{noun} {size}.",
         "There is {article} {colour}{noun} {size}{place}.",
         "The surface shows {article} {colour}{noun}, {size}{place}.")
LAID = {"shift": "matter from another place", "crop": "matter of a real defect",
        "grid_shuffle": "a shuffled grid", "texture": "a foreign texture",
        "plain": "a plain colour", "scorch": "char", "speckle": "speckles", "fill": "what its surroundings suggest",
        "slide": "matter slid along"}
SHAPED = {"hills": "relief", "deposit": "thickness", "paste": "its relief", "remove": "a gap",
          "print": "a picture in its depth",
          "smooth": "relief worn off", "roughen": "roughness", "no_return": "no return of depth"}
ON_EDGE_PX = 2.0
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def captions(result: Result) -> tuple[str, ...]:
    """One sentence for each defect that is seen, and before them one on all of them where there are several; which of
    the ways to say it is drawn from the plan's own seed. A published method's defect is told by its name and by what it
    changes; lifted defects, which are of no kind, are not described."""
    plan = result.plan
    said = [(one, _of_method(result, i, one) if isinstance(one, Made) else
             _sentence(result, i, one, stream(plan.seed, plan.capture, "caption", i)))
            for i, one in enumerate(plan.defects) if isinstance(one, Grown | Made) and middle_of(result, i) is not None]
    sentences = tuple(sentence for _, sentence in said)
    return (summary([one.kind for one, _ in said]), *sentences) if len(said) > 1 else sentences


def summary(kinds: list[str]) -> str:
    """A sentence that says how many there are of which kind."""
    parts = []
    for kind in dict.fromkeys(kinds):
        many, noun = kinds.count(kind), NOUNS.get(kind, (f"{kind} defect",))[0]
        parts.append(f"{_article(noun)} {noun}" if many == 1 else f"{_spelt(many)} {_plural(noun)}")
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{text[0].upper()}{text[1:]}."


def _sentence(result, i, planned, rng: np.random.Generator) -> str:
    spec = planned.spec
    nouns = NOUNS[spec.kind]
    noun = nouns[int(rng.integers(len(nouns)))]
    colour = f"{_named(spec.colour)} " if spec.kind in COLOURED and spec.colour is not None else ""
    place = "" if spec.at == "axis" else _where(result, i)
    form = FORMS[int(rng.integers(len(FORMS)))]
    text = form.format(article=_article(colour + noun), colour=colour, noun=noun, size=_size(result, i, spec),
                       place=f" {place}" if place else "", Place=f"{place}, " if place else "")
    return text[0].upper() + text[1:]


def _of_method(result, i, planned: Made) -> str:
    blocks, size = planned.blocks, result.measured[i]
    laid = LAID.get(blocks.content.kind, "")
    shaped = (f"the relief of {laid}" if blocks.effect.kind == "paste" and blocks.sharing == ("geometry",) else
              SHAPED.get(blocks.effect.kind, ""))
    changes = ("" if blocks.sharing == ("geometry",) else laid, "" if blocks.sharing == ("rgb",) else shaped)
    made_of = " and ".join(one for one in changes if one)
    sizes = [f"{_mm(got)} mm {word}" for got, word in ((size.length_mm, "long"), (size.max_depth_mm, "deep"),
                                                       (size.max_height_mm, "high")) if float(_mm(got)) > 0]
    name = f"{planned.kind} defect"
    text = f"{_article(name)} {name}{f' of {made_of}' if made_of else ''}"
    said = ", ".join(part for part in (text, *sizes, _where(result, i)) if part)
    return f"{said[0].upper()}{said[1:]}."


def _size(result, i, spec) -> str:
    size = result.measured[i]
    if spec.at == "axis":
        return f"of {round(spec.fixed('angle_deg'), 1):g} degrees"
    line = "length_mm" in spec.sizes
    across = size.length_mm if line else max(size.length_mm, size.width_mm)
    text = f"{_mm(across)} mm {'long' if line else 'in diameter'}"
    for name, word, got in (("depth_mm", "deep", size.max_depth_mm), ("height_mm", "high", size.max_height_mm)):
        if name in spec.sizes and float(_mm(got)) > 0:
            text += f" and {_mm(got)} mm {word}"
            break
    return text


def _where(result, i) -> str:
    """A place that the middle of the defect lies in, by the same regions in which a place is asked for."""
    surface, at = result.before.surface, middle_of(result, i)
    if surface.landmarks.centre[at]:
        return "near the centre"
    if isinstance(planned := result.plan.defects[i], Grown) and planned.spec.at == "edge":
        own = result.instances == i + 1
        if float(surface.landmarks.distance_px("edge")[own].min()) < ON_EDGE_PX:
            return "on the edge"
    x0, y0, x1, y1 = surface.landmarks.box
    down, right = (at[0] - y0) / (y1 - y0), (at[1] - x0) / (x1 - x0)
    rows = "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else ""
    columns = "left" if right < 1 / 3 else "right" if right > 2 / 3 else ""
    words = " ".join(word for word in (rows, columns) if word)
    return f"at the {words}" if words and surface.landmarks.part(words)[at] else ""


def _named(colour) -> str:
    levels = np.array(list(COLOURS.values()), np.float64)
    return tuple(COLOURS)[int(np.argmin(((levels - colour) ** 2).sum(1)))]


def _mm(number: float) -> str:
    return f"{number:.1f}" if number >= 3 else f"{number:.2f}"


def _spelt(number: int) -> str:
    return NUMBERS[number] if number < len(NUMBERS) else str(number)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _plural(noun: str) -> str:
    return noun + ("es" if noun.endswith(("ch", "sh", "s")) else "s")
