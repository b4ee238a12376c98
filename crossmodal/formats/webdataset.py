"""WebDataset: <split>-NNNNNN.tar with key.rgb.png, key.xyz.npy, key.gt.png, ..., key.json side by side.

Source: github.com/webdataset/webdataset, README. Every sample of a run has the same suffixes, as viewers want. A tar
is only read in place: no member is ever unpacked to the disk, so that its names can lead nowhere.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from crossmodal.datasets.source import Reading
from crossmodal.formats.paths import inside, plain, split_of
from crossmodal.formats.record import (
    ARRAYS,
    EVERYTHING,
    PICTURES,
    array_in,
    array_of,
    checked,
    contents_of,
    described,
    fields_of,
    json_of,
    npy_of,
    pixels_of,
    png_of,
    sample_of,
)
from crossmodal.formats.sample import Dataset, Entry, Format, Head, Place, Put, Sample

SHARD = 1000
"""Samples a tar."""

_MOST_JSON = 1 << 20
_SUFFIXES = {f"{word}.png": word for word in PICTURES} | {f"{word}.npy": word for word in ARRAYS}


def listed(root: Path, reading: Reading) -> Dataset | None:
    """The .tar shards of a folder, or one shard."""
    shards = sorted(root.glob("*.tar")) if root.is_dir() else [root] if root.suffix == ".tar" else []
    if not shards:
        return None
    ids, entries = {"good": 0}, []
    for shard in shards:
        samples: dict[str, dict[str, tuple[int, int]]] = {}
        for key, suffix, offset, size in _members(inside(root, shard)):
            samples.setdefault(key, {})[suffix] = offset, size
        for key, parts in samples.items():
            if "json" not in parts:
                raise ValueError(f"{shard} has no json for {key}; write it with crossmodal convert")
            meta = _meta(shard, key, parts["json"])
            ids |= meta["class_ids"]
            fields = {_SUFFIXES[suffix]: part for suffix, part in parts.items() if suffix in _SUFFIXES}
            name = meta["name"] or key.rsplit("/", 1)[-1]
            entries.append(Entry(
                Place(plain(meta["category"]) if meta["category"] else "", split_of(meta["split"]),
                      plain(meta["kind"]), name), f"{shard.name}/{key}", contents_of(frozenset(fields)),
                partial(_read, shard, key, fields, meta["camera"])))
    return Dataset(tuple(entries), ids)


def _members(shard):
    """(key, suffix, offset, size) of every plain file; the header alone is trusted as far as the file goes."""
    end = shard.stat().st_size
    try:
        with tarfile.open(shard, "r:") as tar:
            for member in tar:
                if member.isfile() and not member.issparse():
                    folder, _, base = member.name.rpartition("/")
                    stem, _, suffix = base.partition(".")
                    if member.offset_data + member.size > end:
                        raise ValueError(f"{shard} is truncated; copy it again from the source")
                    yield f"{folder}/{stem}" if folder else stem, suffix, member.offset_data, member.size
                elif not member.isdir():
                    raise ValueError(f"{shard} holds {member.name!r}, a link or a device; pack plain files only")
    except (tarfile.TarError, EOFError, OSError):
        raise ValueError(f"{shard} is truncated or no tar; copy it again from the source") from None


def _meta(shard, key, part):
    try:
        meta = json.loads(_bytes(shard, part)) if part[1] <= _MOST_JSON else None
    except (ValueError, RecursionError):
        meta = None
    return checked(meta, f"{shard}: the json of {key}")


def _bytes(shard, part):
    offset, size = part
    with open(shard, "rb") as file:
        file.seek(offset)
        return file.read(size)


def _read(shard: Path, key: str, fields: dict[str, tuple[int, int]], camera) -> Sample:
    name = f"{shard}: {key}"
    return sample_of({word: (pixels_of if word in PICTURES else array_in)(_bytes(shard, part), word, name)
                      for word, part in fields.items()}, camera, name)


@contextmanager
def written(out: Path, head: Head) -> Iterator[Put]:
    """Shards of at most SHARD samples; nothing in them tells when they were made."""
    fields = fields_of(head.holds)
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        open_tars: dict[str, tarfile.TarFile] = {}

        def put(place: Place, sample: Sample) -> None:
            number = counts.get(place.split, 0)
            if number % SHARD == 0:
                if place.split in open_tars:
                    open_tars[place.split].close()
                path = out / f"{place.split}-{number // SHARD:06d}.tar"
                open_tars[place.split] = stack.enter_context(tarfile.open(path, "w", format=tarfile.GNU_FORMAT))
            counts[place.split] = number + 1
            tar, key = open_tars[place.split], place.flat.replace(".", "_")
            _add(tar, f"{number:06d}_{key}.json", json_of(described(place, sample, head)))
            for word in fields:
                array = array_of(sample, word)
                suffix, data = ("png", png_of(array)) if word in PICTURES else ("npy", npy_of(array))
                _add(tar, f"{number:06d}_{key}.{word}.{suffix}", data)

        yield put


def _add(tar, name, data):
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o644
    tar.addfile(member, io.BytesIO(data))


FORMAT = Format("webdataset", "WebDataset", EVERYTHING, (), listed, written,
                "the webdataset library", one_class=False, alone=True)
