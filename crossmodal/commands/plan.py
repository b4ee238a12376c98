"""crossmodal plan: what a text asks for, without making it."""

import json as js
import sys

import yaml

from crossmodal.capture import Capture
from crossmodal.commands.progress import table
from crossmodal.commands.prompted import printed
from crossmodal.datasets import Reading, load, sources
from crossmodal.datasets.mvtec3d_writer import plain
from crossmodal.guidance.encoder import Encoder
from crossmodal.guidance.prompt import Understood, Word, understand
from crossmodal.locate.where import Placing, Where
from crossmodal.recipe import Recipe
from crossmodal.weights import named

NO_MODEL = "--or-grammar says who answers where a model does not; name one by --vlm, or leave it out"


def run(text: str, image: str | None, seed: int, reading: Reading, json: bool, where: Where | None = None,
        vlm: str | None = None, or_grammar: bool = False, encoder: str | None = None) -> int:
    """Print the recipe, what was understood word by word and what was not; 1 where nothing can be made of it."""
    if where is not None and image is None:
        raise ValueError("--where looks at a capture; say which by --image")
    text = text.encode("utf-8", "replace").decode()
    if encoder is not None and vlm is not None:
        raise ValueError("--encoder helps the grammar to read a text; leave --vlm out")
    if or_grammar and vlm is None:
        raise ValueError(NO_MODEL)
    if vlm is not None:
        from crossmodal.commands import seen

        return seen.plan(text, image, seed, reading, vlm, or_grammar, json)
    understood = understand(text, None if encoder is None else Encoder(encoder).ready())
    recipe, refused, warnings, drawn = understood.recipe, understood.refused, list(understood.warnings), None
    if image is not None and recipe is not None:
        recipe, refused, drawn = _on(image, recipe, seed, reading, warnings, where)
    value = {
        "text": text, "language": understood.language, "refused": refused,
        "recipe": None if recipe is None else written(recipe),
        "asked": [{"kind": one.kind, "count": one.count, **one.fields} for one in understood.asked],
        "understood": [*map(_record, understood.words)], "not_understood": [*map(_record, understood.missed)],
        "warnings": warnings,
    }
    value |= {} if encoder is None else {"encoder": named(encoder)}
    value |= {} if image is None else {"plan": None if drawn is None else drawn.model_dump(mode="json")}
    if json:
        print(js.dumps(plain(value), ensure_ascii=False))
    else:
        _tell(understood, value, drawn)
    return 1 if refused is not None else 0


def _record(word: Word) -> dict:
    said = {"text": word.text, "start": word.start, "end": word.end, "meaning": word.meaning}
    return said | ({"likened": True} if word.likened else {})


def written(recipe: Recipe) -> dict:
    """A recipe as one would write it: what was said, and no defaults."""
    return recipe.model_dump(mode="json", exclude_unset=True)


def _on(image, recipe, seed, reading, warnings, where):
    """(recipe, why not, plan) of a recipe on the capture of a file; sentences go to warnings."""
    from crossmodal.guidance.sense import sensible
    from crossmodal.synthesis import draw, forecast

    capture, taken = first_of(image, reading)
    warnings += taken
    try:
        recipe, cut = sensible(recipe, capture.surface)
        drawn = draw(capture, Placing(where).on(capture, recipe), seed)
    except ValueError as error:
        return None, str(error), None
    warnings += [*cut, *forecast(capture, drawn)]
    return recipe, None, drawn


def first_of(image: str, reading: Reading) -> tuple[Capture, tuple[str, ...]]:
    """The capture that a path says, and where it says several, a sentence on which of them was taken."""
    found = sources(image)
    many = f"planned on {found[0].path}, the first of {len(found)} captures in {image}"
    return load(found[0], reading), (many,) if len(found) > 1 else ()


def _tell(understood: Understood, value: dict, drawn) -> None:
    if value["recipe"] is not None:
        print(yaml.safe_dump(value["recipe"], sort_keys=False, allow_unicode=True, default_flow_style=None).rstrip())
    if understood.words:
        print()
        print(table(("said", "understood as"), [(printed(word.text), word.meaning) for word in understood.words]))
    if drawn is not None:
        from crossmodal.guidance.asked import planned_rows

        print()
        print(table(("drawn", "sizes in mm", "anchor in mm"), planned_rows(drawn)))
    for word in understood.missed:
        why = f" ({word.meaning})" if word.meaning else ""
        print(f"note: not understood, at {word.start}: {printed(word.text)}{why}", file=sys.stderr)
    for sentence in value["warnings"]:
        print(f"note: {sentence}", file=sys.stderr)
    if value["refused"] is not None:
        print(f"error: {value['refused']}", file=sys.stderr)
