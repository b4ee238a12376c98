"""crossmodal schema: what a recipe may hold, as JSON schema."""

import json


def run() -> int:
    """Print the schema."""
    from crossmodal.guidance.schema import schema

    print(json.dumps(schema(), indent=1, ensure_ascii=False))
    return 0
