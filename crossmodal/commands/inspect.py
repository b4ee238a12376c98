"""crossmodal inspect: what a source holds, what was assumed, and what looks wrong."""

import json as js

from crossmodal.datasets import Reading
from crossmodal.datasets.mvtec3d_writer import plain


def run(source: str, reading: Reading, most: int, json: bool) -> int:
    """Print the report; 1 where something looks wrong."""
    from crossmodal.evaluation.inspection import inspect, lines, to_json

    if most < 1:
        raise ValueError(f"--most must be at least 1, but got {most}")
    sets = inspect(source, reading, most)
    text = js.dumps(plain(to_json(sets))) if json else "\n".join(
        "".join(c if c.isprintable() else "?" for c in line) for line in lines(sets))
    print(text)
    return 1 if any(one.findings() for one in sets) else 0
