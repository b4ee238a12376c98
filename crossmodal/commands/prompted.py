"""What synthesize says of a prompt: what was understood, and whether the samples are what it asked for."""

import json
import sys
from pathlib import Path

from crossmodal.commands.progress import table
from crossmodal.datasets import Reading, load, sources
from crossmodal.recipe import Recipe


def recipe_of(prompt: str, source: str | None, reading: Reading) -> Recipe:
    """What a text asks for; what was not understood is said. Raises ValueError where it asks for nothing that can be on
    the first capture's object; source: None for a mesh, which has none yet."""
    from crossmodal.guidance import sensible, understand

    understood = understand(prompt)
    for word in understood.missed:
        print(f"note: not understood, at {word.start}: {word.text}", file=sys.stderr)
    for sentence in understood.warnings:
        print(f"note: {sentence}", file=sys.stderr)
    if understood.recipe is None:
        raise ValueError(understood.refused)
    if source is None:
        return understood.recipe
    recipe, cut = sensible(understood.recipe, load(sources(source, reading)[0], reading).surface)
    for sentence in cut:
        print(f"note: {sentence}", file=sys.stderr)
    return recipe


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
