"""What a dataset says about its own making: manifest lines, and where in the source each sample came from."""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from crossmodal.evaluation.arrays import Arrays, load
from crossmodal.evaluation.report import Figure
from crossmodal.evaluation.samples import Sample, find_folders


@dataclass(frozen=True)
class Entry:
    """One line of a manifest. Paths in ``files`` are relative to ``root``, the source's to the source."""

    root: Path
    id: str
    kind: str
    source: str
    source_sha256: dict[str, str]
    files: dict[str, str]
    sha256: dict[str, str]
    defects: tuple[dict, ...]
    plan: dict
    read_as: dict
    """The reading options that the source was read with, as a manifest says them."""
    version: str


@dataclass(frozen=True)
class Manifest:
    """All entries below one dataset, by the path of each of their files; and what is wrong with the lines.

    there: whether there is a manifest at all; one without entries says that nothing was made
    """

    there: bool
    entries: tuple[Entry, ...]
    by_file: dict[Path, Entry]
    faults: tuple[tuple[str, str], ...]


def read_manifests(root: Path) -> Manifest:
    """Every manifest*.jsonl of a dataset, in its root or its categories; merged, shards included."""
    entries, by_file, faults, seen = [], {}, [], {}
    paths = sorted({*root.glob("manifest*.jsonl"), *root.glob("*/manifest*.jsonl")})
    for path in paths:
        try:
            lines = path.read_text().splitlines()
        except (OSError, ValueError) as error:
            faults.append((path.name, f"{path} cannot be read ({error})"))
            continue
        for number, line in enumerate(lines, 1):
            try:
                entry = _entry(path.parent, json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                faults.append(
                    (path.name, f"{path} line {number} is no manifest line ({type(error).__name__}: {error})")
                )
                continue
            if seen.get((path.parent, entry.id)) == line:
                continue  # the same line in a shard's manifest and in the merged one
            if (path.parent, entry.id) in seen:
                faults.append((entry.id, f"{path} line {number} repeats the id {entry.id} with other contents"))
            seen[path.parent, entry.id] = line
            entries.append(entry)
            for role, relative in entry.files.items():
                file = (path.parent / relative).absolute()
                by_file[file] = entry
                if not file.is_file():
                    faults.append((entry.id, f"{relative} ({role}) is in the manifest but not on disk"))
    return Manifest(bool(paths), tuple(entries), by_file, tuple(faults))


def _entry(root, line):
    source = line.get("source") or {}
    return Entry(
        root,
        str(line["id"]),
        str(line["kind"]),
        str(source.get("path", "")),
        dict(source.get("sha256") or {}),
        dict(line.get("files") or {}),
        dict(line.get("sha256") or {}),
        tuple(map(_defect, line.get("defects") or ())),
        dict(line.get("plan") or {}),
        {word: value for word, value in source.items() if word not in ("path", "sha256")},
        str(line.get("version", "")),
    )


def _defect(said: dict) -> dict:
    for word in ("requested", "measured"):
        if not isinstance(said.get(word) or {}, dict):
            raise ValueError(f"a defect's {word} must be a mapping, but is {said[word]!r:.40}")
    return said


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def own_files(entry: Entry) -> list[Figure]:
    """The written files have the bytes that the manifest says."""
    if not entry.sha256:
        return []
    wrong = []
    for role, wanted in entry.sha256.items():
        relative = entry.files.get(role, role)
        path = entry.root / relative
        if path.is_file() and sha256_of(path) != wanted:
            wrong.append(relative)
    return [Figure("files as in the manifest", None, f"other bytes in {', '.join(wrong)}" if wrong else None)]


def source_files(entry: Entry, before: Sample) -> list[Figure]:
    """The source's files have the bytes that the manifest says."""
    wrong, checked = [], 0
    for role, wanted in entry.source_sha256.items():
        path = before.files.get(role) or before.files.get("pcd") or before.files.get("depth")
        if path is None or not path.is_file():
            continue
        checked += 1
        if sha256_of(path) != wanted:
            wrong.append(str(path))
    if not checked:
        return []
    fault = f"{', '.join(wrong)} is not what this sample was made from" if wrong else None
    return [Figure("source as in the manifest", None, fault)]


@dataclass
class Source:
    """The folder of originals: finds the capture that a sample was made from, or was copied from."""

    root: Path
    samples: tuple[Sample, ...] = ()
    by_key: dict[str, Sample] = field(default_factory=dict)
    by_picture: dict[bytes, list[Sample]] | None = None

    @classmethod
    def at(cls, root: Path) -> "Source":
        """Errors: FileNotFoundError."""
        samples = tuple(sample for folder in find_folders(root) for sample in folder.samples)
        base = root.parent if root.is_file() else root
        keys = {}
        for sample in samples:
            keys.setdefault(sample.name, sample)
            keys.setdefault(sample.folder, sample)  # a folder that is one capture
            for path in sample.files.values():
                keys.setdefault(path.relative_to(base).as_posix(), sample)
        return cls(root, samples, keys)

    def named(self, path: str) -> Sample | None:
        """The capture of that relative path: its name, one of its files, or either below another folder."""
        path = path.removesuffix("/")
        tail = Path(path)
        for key in (path, tail.with_suffix("").as_posix()):
            if key in self.by_key:
                return self.by_key[key]
        ends = [
            sample for sample in self.samples if sample.name.endswith("/" + path) or path.endswith("/" + sample.name)
        ]
        return ends[0] if len(ends) == 1 else None

    def pictured(self, arrays: Arrays) -> list[Sample]:
        """The captures whose rgb (or, without rgb, xyz) has exactly these pixels. Reads the source once."""
        if self.by_picture is None:
            self.by_picture = defaultdict(list)
            for sample in self.samples:
                self.by_picture[_picture(load(sample))].append(sample)
        return self.by_picture.get(_picture(arrays), [])


def _picture(arrays):
    digest = hashlib.blake2b(digest_size=16)
    array = arrays.rgb if arrays.rgb is not None else arrays.points
    if array is not None:
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()
