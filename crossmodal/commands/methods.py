"""crossmodal methods: the survey's methods as a table, with what runs and what does not."""

import json as js

from crossmodal.commands.progress import table
from crossmodal.methods.table import rows

RUNS = ("", "method", "kind", "in RGB", "in depth and cloud", "published", "needs")
WAITS = ("", "made by no preset", "", "")
MORE = "--json tells titles, branches, years, labels and sources too, and why a method has no published form."


def run(json: bool) -> int:
    """Print a line a method: what it changes, whether it has a published form, and what it needs; then what is not
    made here, and why."""
    if json:
        print(js.dumps([row._asdict() for row in rows()]))
        return 0
    runs = [row for row in rows() if row.status.startswith("runs")]
    print(table(RUNS, [(_number(row), row.method, row.kind, _short(row.rgb), row.depth,
                        "yes" if row.status == "runs, and as published" else "", row.needs) for row in runs]))
    print(f"\n{table(WAITS, [(_number(row), row.title, row.status, row.needs) for row in rows() if row not in runs])}")
    print(f"\n{MORE}")
    return 0


def _number(row) -> str:
    return "" if row.n is None else str(row.n)


def _short(said: str) -> str:
    """A cell that fits: of three or more contents it only says so."""
    return "one of several" if said.count(" or ") > 1 else said
