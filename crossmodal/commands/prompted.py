"""What synthesize says of a prompt: what was understood, and whether the samples are what it asked for."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from crossmodal.commands.progress import table
from crossmodal.datasets import Source, load
from crossmodal.production import Request
from crossmodal.recipe import Recipe
from crossmodal.weights import named


def recipe_of(prompt: str, encoder: str | None = None) -> tuple[Recipe, dict | None]:
    """What a text asks for, and a record of the words that an encoder alone knew, if there are any; what was not
    understood is said. Raises ValueError where it asks for nothing."""
    from crossmodal.guidance import Encoder, understand

    understood = understand(prompt, None if encoder is None else Encoder(encoder).ready())
    for word in understood.missed:
        print(f"note: not understood, at {word.start}: {printed(word.text)}", file=sys.stderr)
    for sentence in understood.warnings:
        print(f"note: {sentence}", file=sys.stderr)
    if understood.recipe is None:
        raise ValueError(understood.refused)
    likened = {word.text: word.meaning for word in understood.words if word.likened}
    for word, meaning in likened.items():
        print(f"note: {printed(word)}: {meaning}", file=sys.stderr)
    recipe = understood.recipe
    if not likened:
        return recipe, None
    return recipe, {"encoder": named(encoder), "words": likened,
                    "recipe": recipe.model_dump(mode="json", exclude_unset=True)}


def kept_to_object(request: Request, source: Source) -> Request:
    """A request whose sizes were cut to what the object of a capture can carry, which is said. Raises ValueError, with
    the reason, for what cannot be on it at all."""
    from crossmodal.guidance import sensible

    surface, lines = load(source, request.reading).surface, []
    for line in request.lines:
        recipe, cut = sensible(line.recipe, surface)
        for sentence in cut:
            print(f"note: {sentence}", file=sys.stderr)
        lines.append(replace(line, recipe=recipe))
    return replace(request, lines=tuple(lines))


def printed(text: str) -> str:
    """A piece of a prompt for a terminal: without the commands that it might hold for one."""
    return "".join(c if c.isprintable() else "?" for c in text)


def tally(folder: Path) -> list[dict]:
    """How often each thing that was asked was found on a run's samples, from the manifest in its folder."""
    path = folder / "manifest.jsonl"
    counts: dict[tuple, dict] = {}
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        for row in json.loads(text).get("asked_and_got", ()):
            said = {name: row[name] for name in ("instance", "what", "asked")}
            one = counts.setdefault(tuple(said.values()), said | {"got": row["got"], "as_asked": 0, "measured": 0})
            one["measured"] += row["ok"] is not None
            one["as_asked"] += row["ok"] is True
    return list(counts.values())


def told(rows: list[dict]) -> str:
    """The tally as a table."""
    return table(("defect", "what", "asked", "got (the first)", "as asked"), [
        (str(row["instance"] or "all"), row["what"], row["asked"], row["got"],
         f"{row['as_asked']} of {row['measured']}" if row["measured"] else "not measured") for row in rows])
