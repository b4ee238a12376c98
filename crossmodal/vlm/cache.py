"""Answers that were given, kept by what was asked of which model: the same question costs nothing twice.

One small JSON file each, of the recipe and of nothing else that was replied, in $CROSSMODAL_CACHE, or
$XDG_CACHE_HOME/crossmodal, or ~/.cache/crossmodal. What is damaged, or would be refused today, counts as not there.
"""

import json
import os
from hashlib import sha256
from pathlib import Path

from crossmodal.vlm.question import Question
from pointcloud.atomic import write_bytes


def folder() -> Path:
    """Where answers are kept."""
    own = os.environ.get("CROSSMODAL_CACHE")
    base = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crossmodal"
    return base / "answers"


def key(model: str, question: Question) -> str:
    """The name of an answer: of the model, of all that it is told, and of the picture."""
    digest = sha256()
    for part in (model.encode(), question.words, question.png):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def kept(name: str) -> dict | None:
    """{"answer": a recipe as JSON, "sha256": of the reply that it stood in, "repaired": bool}, or None."""
    try:
        value = json.loads((folder() / f"{name}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.pop("name", None) != name:
        return None
    sort = {part: type(one) for part, one in value.items()}
    return value if sort == {"answer": dict, "sha256": str, "repaired": bool} else None


def keep(name: str, answer: dict, sha256: str, repaired: bool) -> str | None:
    """Keep an answer; a sentence where that cannot be, which is no reason to stop."""
    value = {"name": name, "answer": answer, "sha256": sha256, "repaired": repaired}
    try:
        folder().mkdir(parents=True, exist_ok=True)
        write_bytes(folder() / f"{name}.json", json.dumps(value).encode())
    except OSError as error:
        return f"answers are not kept: {error.strerror or error}"
    return None
