"""crossmodal optimise: a defect whose numbers and colours are moved until a picture of it reads more like a text."""

import json as js
from pathlib import Path

from pydantic import ValidationError

from crossmodal.commands.lift import one_source
from crossmodal.commands.progress import progress, table, warner
from crossmodal.commands.prompted import recipe_of
from crossmodal.commands.written import sizes, write_all
from crossmodal.datasets import Reading, load
from crossmodal.datasets.class_ids import assigned
from crossmodal.datasets.destination import checked_out
from crossmodal.datasets.mvtec3d_writer import plain, write_sample
from crossmodal.datasets.remembered import read_as
from crossmodal.plan import Plan
from crossmodal.production.pool import one_thread
from crossmodal.recipe import Recipe, one_line, read_recipe
from crossmodal.weights import named


def run(capture: str, text: str, out: Path, score: str, start: Path | None, steps: int, seed: int, device: str,
        reading: Reading, json: bool) -> int:
    """Optimise from the recipe or plan of a file, or from what the grammar reads in the text; write one sample, and
    say what moved."""
    from crossmodal.optimise import ClipScore, optimise
    from crossmodal.synthesis import replay

    if (out / "manifest.jsonl").exists():
        raise ValueError(f"{out} already holds a run; choose another --out")
    checked_out(out)
    source = one_source(capture)
    begun = recipe_of(text)[0] if start is None else _read(start)
    before = load(source, reading)
    with one_thread(), progress("optimise") as tell:
        found = optimise(before, begun, text, ClipScore(score, device), steps, seed, device=device, told=tell)
        result = replay(before, found.plan)
        kind = found.plan.defects[0].kind
        ids = assigned({}, [kind])
        origin = {"path": source.path, "sha256": source.hashes(), **read_as(reading)}
        entry = write_sample(out, f"test/{kind}/000", result, ids, origin, found.plan.seed, prompt=text)
    entry |= {"optimised": {"text": text, "model": named(score), "steps": steps, "scores": list(found.imprinted)}}
    write_all(out, ids, [entry])
    for sentence in result.warnings:
        warner()(sentence)
    was, now = (one.defects[0].spec for one in (found.start, found.plan))
    moved = {name: (was.fixed(name), now.fixed(name)) for name in was.sizes}
    if json:
        print(js.dumps(plain(entry | {"scores": found.scores, "imprinted": found.imprinted, "moved": moved})))
        return 0
    print(table(("", "start", "found"), [
        ("score as scored", f"{found.scores[0]:.4f}", f"{max(found.scores):.4f}"),
        ("score as imprinted", *(f"{value:.4f}" for value in found.imprinted)),
        *((name, *(f"{value:.3g}" for value in pair)) for name, pair in moved.items())]))
    print(f"{kind}: {sizes(entry['defects'][0]['measured'])}")
    print(f"look at {out / entry['files']['rgb']} and {out / entry['files']['xyz']}")
    return 0


def _read(path: Path) -> Recipe | Plan:
    if path.suffix != ".json":
        return read_recipe(path)
    try:
        return Plan.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ValueError(f"{path} is no plan: {one_line(error)}") from None
