"""crossmodal presets: the recipes that ship with the package, as a table."""

import json as js

from crossmodal.commands.progress import table
from crossmodal.presets import about, names, preset


def run(json: bool) -> int:
    """Print every preset with the kinds it makes and what it is."""
    rows = [(name, list(dict.fromkeys(spec.kind for spec in preset(name).defects)), about(name)) for name in names()]
    if json:
        print(js.dumps([dict(zip(("preset", "kinds", "what"), row, strict=True)) for row in rows]))
    else:
        print(table(("preset", "kinds", "what it is"), [(name, ", ".join(kinds), what) for name, kinds, what in rows]))
    return 0
