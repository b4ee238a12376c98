"""crossmodal formats: the formats of whole datasets as a table."""

import json as js

from crossmodal.commands.progress import table
from crossmodal.formats import FORMATS, Format
from crossmodal.formats.convert import missing


def run(json: bool) -> int:
    """Print every format with what it holds and needs, what it cannot become, and what it was checked against."""
    if json:
        print(js.dumps([_record(one) for one in FORMATS]))
        return 0
    rows = [(one.name, one.title, " ".join(one.gives) if one.listed else "-",
             (" ".join(one.needs) or "anything") if one.writer else f"no: {one.needs[0]}" if one.needs else "no",
             one.checked) for one in FORMATS]
    print(table(("format", "what it is", "read gives", "write needs", "checked against"), sorted(rows)))
    print("\ncannot become, and what is missing for it:")
    print(table(("from", "to"), _never()))
    return 0


def _cannot(one: Format) -> dict[str, list[str]]:
    """What it lacks for each format that it cannot become."""
    if one.listed is None:
        return {}
    return {other.name: gone for other in FORMATS if (gone := missing(frozenset(one.gives), other))}


def _never() -> list[tuple[str, str]]:
    # Formats that lack the same things share a line.
    groups: dict[str, list[str]] = {}
    for one in FORMATS:
        ways: dict[str, list[str]] = {}
        for name, gone in _cannot(one).items():
            ways.setdefault(gone[0], []).append(name)
        if ways:
            text = "; ".join(f"{', '.join(sorted(names))} ({word})" for word, names in ways.items())
            groups.setdefault(text, []).append(one.name)
    return sorted((", ".join(sorted(names)), text) for text, names in groups.items())


def _record(one: Format) -> dict:
    return {"format": one.name, "title": one.title, "read": [*one.gives] if one.listed else None,
            "write": [*one.needs] if one.writer else None, "needs": [*one.needs], "lacks": _cannot(one),
            "checked": one.checked}
