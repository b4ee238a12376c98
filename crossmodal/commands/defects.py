"""crossmodal defects: the catalogue as a table."""

import json as js

from crossmodal.commands.progress import table
from crossmodal.defects import DEFECTS


def run(json: bool) -> int:
    """Print every kind with what it is, how far it reaches, what it does, and its sizes."""
    rows = [(spec.model_fields["kind"].default, spec.extent, spec.effect, ", ".join(spec.sizes),
             " ".join((spec.__doc__ or "").split("\n")[0].split())) for spec in DEFECTS]
    if json:
        names = ("kind", "extent", "effect", "sizes", "what")
        print(js.dumps([dict(zip(names, row, strict=True)) | {"sizes": list(spec.sizes)}
                        for row, spec in zip(rows, DEFECTS, strict=True)]))
    else:
        print(table(("kind", "extent", "effect", "sizes", "what it is"), rows))
    return 0
