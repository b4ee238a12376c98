"""What is done, on disk: a journal while a run goes on, the sorted manifest when it is over.

Entries stay in their files; only where each one lies is held in memory, so that a run of any length fits.
"""

import heapq
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from crossmodal.datasets.mvtec3d_writer import line
from crossmodal.datasets.source import file_hash


@dataclass(frozen=True)
class Record:
    """Where an entry's line lies: its file, offset and length; and its id."""

    file: Path
    offset: int
    length: int
    id: str


@dataclass
class Journal:
    """Manifest entries by place. Appending is durable at once; a torn last line counts as nothing."""

    path: Path
    places: dict[str, Record] = field(default_factory=dict)

    @classmethod
    def opened(cls, path: Path, others: Iterable[Path], place: Callable[[str], str], out: Path) -> "Journal":
        """Every entry of the journal and of other manifests whose files are complete below `out`.

        place: a sample's id → the place its job is known by.
        """
        journal = cls(path)
        if path.exists():
            _cut_torn_line(path)
        for file in (*others, path):
            for offset, entry, length in _entries(file):
                if complete(out, entry):
                    journal.places[place(entry["id"])] = Record(file, offset, length, entry["id"])
        return journal

    def append(self, entries: Iterable[tuple[str, dict]]) -> None:
        """Add (place, entry) pairs, and return when the disk has them."""
        with open(self.path, "ab") as file:
            for place, entry in entries:
                data = line(entry)
                self.places[place] = Record(self.path, file.tell(), len(data), entry["id"])
                file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def write_sorted(self, path: Path, places: Iterable[str]) -> None:
        """Write the entries of some places to `path`, sorted by id, whole or not at all."""
        found = sorted((self.places[place] for place in places if place in self.places), key=lambda r: r.id)
        _write_lines(path, map(_read, found))

    def counted(self, places: Iterable[str]) -> dict[str, int]:
        """How many of some places are done, by their folder below test/."""
        kinds = Counter(self.places[place].id.split("/")[-2] for place in places if place in self.places)
        return dict(sorted(kinds.items()))


def _read(record):
    with open(record.file, "rb") as file:
        file.seek(record.offset)
        return file.read(record.length)


def complete(out: Path, entry: dict) -> bool:
    """Whether every file of an entry stands below `out` with the bytes that it says."""
    try:
        return all(file_hash(out / name) == entry["sha256"][word] for word, name in entry["files"].items())
    except (OSError, KeyError):
        return False


def merge(paths: list[Path], path: Path) -> None:
    """Merge sorted line files of entries into one, sorted by id."""
    with ExitStack() as stack:
        files = [stack.enter_context(open(part, "rb")) for part in paths]
        _write_lines(path, heapq.merge(*files, key=lambda text: json.loads(text)["id"]))


def write_failures(path: Path, failures: Iterable[dict]) -> None:
    """Write failures.jsonl, sorted by id; empty when nothing failed."""
    _write_lines(path, (line(failure) for failure in sorted(failures, key=lambda failure: failure["id"])))


def _write_lines(path, lines):
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as file:
            for text in lines:
                file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _entries(path: Path) -> Iterator[tuple[int, dict, int]]:
    if not path.is_file():
        return
    offset = 0
    with open(path, "rb") as file:
        for text in file:
            try:
                entry = json.loads(text)
                entry["id"], entry["files"], entry["sha256"]
            except (ValueError, KeyError, TypeError):
                entry = None  # not ours, or damaged: that sample is made again
            if entry is not None:
                yield offset, entry, len(text)
            offset += len(text)


def _cut_torn_line(path):
    with open(path, "rb+") as file:
        data = file.read()
        file.truncate(data.rfind(b"\n") + 1)
