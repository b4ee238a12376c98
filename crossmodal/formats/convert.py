"""From one format to another, sample by sample: refused before anything is written, whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossmodal.datasets.destination import checked_out
from crossmodal.datasets.source import Reading
from crossmodal.formats.paths import plain
from crossmodal.formats.places import places
from crossmodal.formats.sample import CONTENTS, Dataset, Format, Head, with_what_follows


@dataclass(frozen=True)
class Converted:
    """What came out. source, target: names of formats; kinds: samples by kind."""

    out: Path
    source: str
    target: str
    samples: int
    kinds: dict[str, int]


def detected(root: Path, formats: tuple[Format, ...], reading: Reading) -> tuple[Format, Dataset]:
    """The first format whose reader finds samples. Errors: ValueError, OSError, one line."""
    _there(root)
    for one in formats:
        if one.listed is not None and (dataset := _listed(root, one, reading)) is not None:
            _checked_reading(one, reading)
            return one, _some(dataset, root)
    raise ValueError(f"{root} is no format that is known; say which by --from (crossmodal formats lists them)")


def read(root: Path, source: Format, reading: Reading) -> Dataset:
    """A folder as one format. Errors: ValueError where it is another."""
    if source.listed is None:
        raise ValueError(f"{source.title} can be written but not read; give another --from")
    _there(root)
    _checked_reading(source, reading)
    dataset = _listed(root, source, reading)
    if dataset is None:
        raise ValueError(f"{root} is no {source.title}; leave --from away, or give the folder that holds it")
    return _some(dataset, root)


def _there(root):
    if not root.exists() and "+" not in str(root):  # rgb.png+xyz.tiff is one capture
        raise FileNotFoundError(f"{root} does not exist; check the path")


def _listed(root, source, reading):
    if not (root.is_dir() or source.alone):
        return None
    # Names of folders above tell splits and categories.
    return source.listed(root.resolve() if root.name in ("", "..") else root, reading)


def missing(holds: frozenset[str], target: Format) -> list[str]:
    """What a target needs and contents do not give, in the target's order."""
    return [word for word in target.needs if word not in with_what_follows(holds)]


def convert(root: Path, out: Path, source: Format, dataset: Dataset, target: Format,
            progress: Callable[[int, int], None] = lambda done, of: None) -> Converted:
    """Write a dataset in another format. One sample is in memory at a time; the source is only read.

    out: a folder that is empty or not there; it appears when all is done. Errors: ValueError, OSError in one line:
    something that the target needs is missing, a bad out, a file that cannot be read; then nothing is left.
    """
    if target.writer is None and not missing(frozenset(source.gives), target):
        raise ValueError(f"{target.title} can be read but not written; choose another --to")
    for entry in dataset.entries:
        if gone := missing(entry.holds, target):
            raise ValueError(f"{target.title} needs {gone[0]} ({CONTENTS[gone[0]]}), which {entry.path} of {root} "
                             "does not hold; choose another --to, or give a part that holds it")
    checked_out(out, root)
    out = out.resolve()
    if out.is_dir() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty; choose another --out")
    there = places(dataset.entries, target)
    head = Head(_plain_ids(dataset), tuple(sorted({place.category for place in there})),
                tuple(sorted({place.kind for place in there})),
                frozenset.intersection(*(entry.holds for entry in dataset.entries)))
    new = [folder for folder in out.parents if not folder.exists()]
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.part.", dir=out.parent))
    try:
        partial.chmod(0o755)
        with target.writer(partial, head) as put:
            for done, (entry, place) in enumerate(zip(dataset.entries, there, strict=True), 1):
                put(place, _known(entry.read(), entry.path, dataset))
                progress(done, len(there))
        if out.is_dir():
            out.rmdir()
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        for folder in new if not out.exists() else ():
            folder.rmdir()
    kinds = [place.kind for place in there]
    return Converted(out, source.name, target.name, len(there), {kind: kinds.count(kind) for kind in head.kinds})


def _known(sample, path, dataset):
    if sample.gt is not None and (strange := set(np.unique(sample.gt).tolist()) - {0, *dataset.ids.values()}):
        raise ValueError(f"{path} has the class id {min(strange)} in its mask, which nothing names; "
                         "add it to class_ids.json")
    return sample


def _plain_ids(dataset):
    ids = {plain(kind): level for kind, level in dataset.ids.items()}
    if len(ids) < len(dataset.ids):
        raise ValueError("two kinds of defects differ only in signs that no file name can hold; rename one of them")
    return ids


def _some(dataset, root):
    if not dataset.entries:
        raise ValueError(f"{root} holds no samples; give the folder that does")
    return dataset


def _checked_reading(source, reading):
    if reading != Reading() and not source.unit:
        raise ValueError(f"{source.title} says its own unit and camera; leave --unit, --depth-scale and "
                         "--intrinsics away")
