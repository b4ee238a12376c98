"""class_ids.json: which grey level of a ground truth means which kind of defect."""

import json
from collections.abc import Iterable
from pathlib import Path

_LOWEST = 128  # common loaders read a mask by "> 0.5", so that a smaller id is an empty mask


def read_class_ids(path: Path) -> dict[str, int]:
    """Kind → id from a class_ids.json. Raises ValueError, one line, if it is something else."""
    try:
        ids = {str(kind): int(level) for level, kind in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError, OverflowError):
        raise ValueError(f'{path} must be JSON like {{"255": "hole", "0": "good"}}; mend it') from None
    if any(not 0 <= level <= 255 for level in ids.values()):
        raise ValueError(f"{path} has an id outside 0 to 255; mend it")
    return ids


def assigned(kept: dict[str, int], kinds: Iterable[str]) -> dict[str, int]:
    """The kept ids, and for every other kind the next below the lowest, alphabetically; good is 0.

    Raises ValueError when no id of at least 128 is left.
    """
    ids = {kind: level for kind, level in kept.items() if kind != "good"}
    lowest = min((level for level in ids.values() if level >= _LOWEST), default=256)
    for kind in sorted(set(kinds) - set(ids) - {"good"}):
        lowest -= 1
        if lowest < _LOWEST:
            raise ValueError(f"no class id of at least {_LOWEST} is left for {kind}; use fewer kinds")
        ids[kind] = lowest
    return dict(sorted(ids.items(), key=lambda item: -item[1])) | {"good": 0}


def encoded(ids: dict[str, int]) -> bytes:
    """class_ids.json as MVTec 3D-AD writes it."""
    return (json.dumps({str(level): kind for kind, level in ids.items()}, indent=2) + "\n").encode()
