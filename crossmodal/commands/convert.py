"""crossmodal convert: a dataset in another format."""

import json as js
from dataclasses import asdict
from pathlib import Path

from crossmodal.commands.progress import progress
from crossmodal.datasets import Reading
from crossmodal.formats import FORMATS, named
from crossmodal.formats import convert as work


def run(source: str, to: str, out: Path, origin: str | None, reading: Reading, json: bool) -> int:
    """Convert, and say what came out."""
    target, root = named(to), Path(source)
    if origin is None:
        known, dataset = work.detected(root, FORMATS, reading)
    else:
        known = named(origin)
        dataset = work.read(root, known, reading)
    with progress("convert") as tell:
        made = work.convert(root, out, known, dataset, target, tell)
    if json:
        print(js.dumps({**asdict(made), "out": str(made.out)}))
    else:
        kinds = ", ".join(f"{number} {kind}" for kind, number in made.kinds.items())
        print(f"{made.out}: {made.samples} samples ({kinds}) from {known.title} to {target.title}")
    return 0
