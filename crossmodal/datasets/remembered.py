"""How files were read, in a manifest's words, so that a replay reads them alike without being told again."""

from collections.abc import Sequence
from dataclasses import replace

from crossmodal.datasets.alone import ASSUMED, assumed
from crossmodal.datasets.source import Reading, file_hash

OPTIONS = {"unit": "--unit", "depth_scale": "--depth-scale", "intrinsics": "--intrinsics", "viewpoint": "--viewpoint",
           **ASSUMED}
"""Fields of Reading, and how a user says them."""

_ELSEWHERE = ("intrinsics", "depth_model")
"""Of these a manifest knows the bytes or the name, but not where they lie."""


def read_as(reading: Reading) -> dict:
    """The options that were given, for a manifest; of a camera file its sha256, no machine's path."""
    said = {word: value for word in ("unit", "depth_scale") if (value := getattr(reading, word)) is not None}
    if reading.intrinsics is not None:
        said["intrinsics"] = file_hash(reading.intrinsics)
    if reading.viewpoint is not None:
        said["viewpoint"] = [*reading.viewpoint]
    return said | assumed(reading)


def remembered(entries: Sequence[dict], reading: Reading) -> Reading:
    """The reading with the options that a manifest's entries were made with; a bare plan's say none.

    Raises ValueError, one line, where an option that is given contradicts an entry, entries contradict each other, or
    one must be given again because no manifest says where its file lies.
    """
    then = {}
    for entry in (entry for entry in entries if entry["sha256"] is not None):
        now = read_as(reading)
        for word, option in OPTIONS.items():
            was = entry["source"].get(word)
            how = f"{entry['id']} was made with {option} {_shown(was)}" if was is not None else (
                f"{entry['id']} was made without {option}")
            if (word in now and now[word] != was) or (word in then and then[word] != was):
                raise ValueError(f"{how}; {'say the same' if was is not None else 'leave it away'}")
            if was is not None and word in _ELSEWHERE and word not in now:
                raise ValueError(f"{how}; say the same")
            then[word] = was
    told = {word: tuple(was) if isinstance(was, list) else was
            for word, was in then.items() if was is not None and word not in _ELSEWHERE}
    return replace(reading, **told) if told else reading


def _shown(value) -> str:
    return ",".join(f"{one:g}" for one in value) if isinstance(value, list) else str(value)
