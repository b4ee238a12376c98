"""crossmodal methods: the survey's methods as a table, with what runs and what does not."""

import json as js

from crossmodal.commands.progress import table
from crossmodal.methods.table import rows

SHOWN = ("n", "method", "branch", "kind", "rgb", "depth", "needs", "status", "source")


def run(json: bool) -> int:
    """Print a line a method: what it changes, what it needs, whether it runs, and where it comes from."""
    if json:
        print(js.dumps([row._asdict() for row in rows()]))
        return 0
    print(table(("", "method", "branch", "kind", "in RGB", "in depth and cloud", "needs", "status", "source"),
                [tuple("" if (value := getattr(row, name)) is None else
                       row.title if name == "method" and value == "-" else str(value) for name in SHOWN)
                 for row in rows()]))
    return 0
