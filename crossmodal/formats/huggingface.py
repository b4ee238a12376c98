"""Hugging Face `datasets`: data/<category>/<split>-00000-of-00001.parquet and a README.md that says which is which.

Source: huggingface.co/docs/hub/datasets-manual-configuration. Pictures are Image columns, grids of points Array3D in
metres with NaN; one configuration a category, as categories differ in size. Read back by pyarrow, with no code of a
dataset's own.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import yaml

from crossmodal.datasets.source import Reading
from crossmodal.formats.needed import library
from crossmodal.formats.paths import inside, plain, split_of
from crossmodal.formats.record import (
    ARRAYS,
    EVERYTHING,
    PICTURES,
    array_of,
    checked,
    contents_of,
    described,
    fields_of,
    json_of,
    pixels_of,
    png_of,
    sample_of,
)
from crossmodal.formats.sample import Dataset, Entry, Format, Head, Place, Put, Sample
from pointcloud.atomic import write_bytes

_TITLE = "Hugging Face datasets"
_META = "meta"
_WHOLE = "default"


def listed(root: Path, reading: Reading) -> Dataset | None:
    """The Parquet files below a folder."""
    files = sorted(root.glob("*.parquet")) + sorted(root.glob("data/**/*.parquet"))
    if not files:
        return None
    parquet = library("pyarrow.parquet", _TITLE)
    ids, entries = {"good": 0}, []
    for path in files:
        inside(root, path)
        try:
            file = parquet.ParquetFile(path)
            columns = set(file.schema_arrow.names)
            rows = file.read(columns=[_META]).column(0).to_pylist() if _META in columns else None
            groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        except Exception:  # pyarrow raises what it likes on bad bytes
            raise ValueError(f"{path} is truncated or no Parquet; copy it again from the source") from None
        if rows is None:
            raise ValueError(f"{path} has no column {_META}; only what crossmodal convert wrote can be read")
        fields = frozenset(columns & {*PICTURES, *ARRAYS})
        where = [(group, row) for group, many in enumerate(groups) for row in range(many)]
        for text, (group, row) in zip(rows, where, strict=True):
            name = f"{path} row {len(entries)}"
            try:
                meta = checked(json.loads(text), name)
            except (TypeError, RecursionError, json.JSONDecodeError):
                meta = checked(None, name)
            ids |= meta["class_ids"]
            entries.append(Entry(
                Place(plain(meta["category"]) if meta["category"] else "", split_of(meta["split"]),
                      plain(meta["kind"]), meta["name"]), f"{path.relative_to(root).as_posix()}/{meta['name']}",
                contents_of(fields), partial(_read, path, group, row, fields, meta["camera"], name)))
    return Dataset(tuple(entries), ids)


def _read(path: Path, group: int, row: int, fields: frozenset[str], camera, name: str) -> Sample:
    table = _group(path, path.stat().st_mtime_ns, group)
    arrays = {}
    for word in fields:
        column = table.column(word).combine_chunks()
        value = (column.storage if hasattr(column, "storage") else column)[row:row + 1]
        arrays[word] = (pixels_of(value[0].as_py()["bytes"] or b"", word, name) if word in PICTURES
                        else _grid(value, len(ARRAYS[word]), name))
    return sample_of(arrays, camera, name)


@lru_cache(maxsize=1)
def _group(path: Path, changed: int, group: int):
    try:
        return library("pyarrow.parquet", _TITLE).ParquetFile(path).read_row_group(group)
    except Exception:  # as above
        raise ValueError(f"{path} is truncated or no Parquet; copy it again from the source") from None


def _grid(value, dimensions, name):
    """An array of nested lists: the same length everywhere, or it is none."""
    shape = []
    for _ in range(dimensions):
        lengths = np.unique(value.value_lengths().to_numpy(zero_copy_only=False))
        if len(lengths) != 1:
            raise ValueError(f"{name} has ragged arrays; write it again")
        shape.append(int(lengths[0]))
        value = value.flatten()
    return value.to_numpy(zero_copy_only=False).reshape(shape)


@contextmanager
def written(out: Path, head: Head) -> Iterator[Put]:
    """One Parquet a category and split, a row group a sample, through an Arrow file that is removed again."""
    datasets = library("datasets", _TITLE)
    from datasets.arrow_writer import ArrowWriter

    words = fields_of(head.holds)
    writers: dict[tuple[str, str], ArrowWriter] = {}
    widths: dict[tuple[str, str], dict[str, tuple]] = {}

    def put(place: Place, sample: Sample) -> None:
        group = place.category or _WHOLE, place.split
        arrays = {word: array_of(sample, word) for word in words}
        shapes = {word: arrays[word].shape[1:] for word in words if word in ARRAYS}
        if group not in writers:
            widths[group] = shapes
            writers[group] = ArrowWriter(path=str(out / f".{group[0]}.{group[1]}.arrow"),
                                         features=_features(datasets, words, shapes), writer_batch_size=1)
        if widths[group] != shapes:
            raise ValueError(f"huggingface needs grids of one width in a category, but {place.flat} differs from those "
                             "before it; convert them one by one")
        row = {word: {"bytes": png_of(array), "path": None} if word in PICTURES else array
               for word, array in arrays.items()}
        writers[group].write({**row, "kind": place.kind, "name": place.name,
                              _META: json_of(described(place, sample, head)).decode()})
        writers[group].write_examples_on_file()

    yield put
    configs: dict[str, list[dict]] = {}
    for (category, split), writer in writers.items():
        writer.finalize()
        arrow, name = out / f".{category}.{split}.arrow", f"data/{category}/{split}-00000-of-00001.parquet"
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        _to_parquet(arrow, out / name)
        arrow.unlink()
        configs.setdefault(category, []).append({"split": split, "path": name})
    card = yaml.safe_dump({"configs": [{"config_name": name, "data_files": files} for name, files in configs.items()]},
                          sort_keys=False, allow_unicode=True)
    write_bytes(out / "README.md", f"---\n{card}---\n".encode())


def _to_parquet(arrow, path):
    # Batch by batch, as the library's own way maps the whole file into memory.
    pyarrow, parquet = library("pyarrow", _TITLE), library("pyarrow.parquet", _TITLE)
    with pyarrow.OSFile(str(arrow)) as file, pyarrow.ipc.open_stream(file) as stream:
        with parquet.ParquetWriter(str(path), stream.schema) as writer:
            for batch in stream:
                writer.write_batch(batch)


def _features(datasets, words, shapes):
    kinds = {2: lambda shape: datasets.Array3D((None, *shape), "float32"),
             1: lambda shape: datasets.Array2D((None, *shape), "float32"),
             0: lambda shape: datasets.List(datasets.Value("uint8"))}
    columns = {word: datasets.Image() if word in PICTURES else kinds[len(shapes[word])](shapes[word])
               for word in words}
    text = datasets.Value("string")
    return datasets.Features({**columns, "kind": text, "name": text, _META: text})


FORMAT = Format("huggingface", _TITLE, EVERYTHING, (), listed, written, "the datasets library", one_class=False,
                libraries=("datasets", "pyarrow"))
