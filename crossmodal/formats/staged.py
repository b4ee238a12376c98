"""A run in another format: a tree of its own layout is made aside and appears converted, whole or not at all.

The manifest comes along, so that replay makes the same samples again.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from crossmodal.datasets.mvtec3d_writer import line
from crossmodal.datasets.source import Reading
from crossmodal.formats import clouds, mvtec3d, named
from crossmodal.formats.convert import convert, missing
from crossmodal.formats.needed import library
from crossmodal.formats.sample import CONTENTS, Dataset, Format
from pointcloud.atomic import write_bytes

MADE = frozenset({"rgb", "xyz", "gt", "masks", "instances"})
"""What a synthesized sample holds, of CONTENTS."""
Tell = Callable[[int, int], None]
ALONE = frozenset({"rgb", "gt", "instances"})
"""The same of a picture alone, whose points are assumed: they are written in no file."""
_KEPT = ("run.json", "class_ids.json", "failures.jsonl", "license.txt", "readme.txt")


def writable(name: str | None, reading: Reading, *, resume: bool = False, shard: bool = False,
             ply: bool = False, own: Format = mvtec3d.FORMAT) -> Format:
    """The format of that name, if a run can be written in it; without a name its own, or MVTec AD of pictures alone.

    own: the layout that a run is made in: MVTec 3D-AD, or that of clouds alone
    Raises ValueError, one line, before anything is made.
    """
    pictures = reading.mm_per_pixel is not None
    target = named(name or ("mvtec2d" if pictures else own.name))
    if target is clouds.FORMAT is not own:
        raise ValueError("captures are not written as clouds alone; choose another --format")
    holds, whose = (ALONE, "pictures alone do not give") if pictures else (
        (clouds.HOLDS, "clouds alone do not give") if own is clouds.FORMAT else (MADE, "no run makes"))
    if gone := missing(holds, target):
        raise ValueError(f"{target.title} needs {gone[0]} ({CONTENTS[gone[0]]}), which {whose}; "
                         "choose another --format")
    if target is own:
        return target
    if target.writer is None:
        raise ValueError(f"{target.title} can be read but not written; choose another --format")
    for option, given in (("--resume", resume), ("--shard", shard), ("--ply", ply)):
        if given:
            raise ValueError(f"{option} needs the layout of {own.title}; {target.title} is written when all is made: "
                             f"leave --format away, then crossmodal convert OUT --to {target.name}")
    for name in target.libraries:
        library(name, target.title)
    return target


def _untold() -> AbstractContextManager[Tell]:
    return nullcontext(lambda done, of: None)


@contextmanager
def staged(out: Path, target: Format, reading: Reading,
           progress: Callable[[], AbstractContextManager[Tell]] = _untold,
           own: Format = mvtec3d.FORMAT) -> Iterator[Path]:
    """A folder to make a run in its own layout in: `out`, or one aside that becomes `out` in the target's format.

    progress: opened when the converting begins. An error inside leaves nothing.
    Errors: ValueError, OSError: an `out` that is not empty, and as convert.
    """
    if target is own:
        yield out
        return
    here = out.resolve()
    if here.is_dir() and any(here.iterdir()):
        raise ValueError(f"{out} is not empty; choose another --out")
    nearest = next(folder for folder in here.parents if folder.is_dir())
    aside = Path(tempfile.mkdtemp(prefix=f".{here.name}.run.", dir=nearest))
    try:
        tree = aside / here.name  # a category's name is its folder's
        yield tree
        made = own.listed(tree, Reading("m" if own is mvtec3d.FORMAT else None)) if tree.is_dir() else None
        if made is not None and made.entries:
            made = made if reading.mm_per_pixel is None else _without_points(made)
            with progress() as tell:
                convert(tree, here, own, made, target, tell)
        for folder in (tree, *(path.parent for path in tree.glob("*/manifest.jsonl"))):
            _keep(folder, here / folder.relative_to(tree))
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _without_points(dataset: Dataset) -> Dataset:
    def read(entry):
        return replace(entry.read(), points=None, camera=None, masks={})

    return replace(dataset, entries=tuple(
        replace(entry, holds=entry.holds & ALONE, read=partial(read, entry)) for entry in dataset.entries))


def _keep(folder: Path, out: Path) -> None:
    """What replay and people need of a run: its manifest, which then names no files, and what goes with it."""
    for name in _KEPT:
        if (folder / name).is_file() and not (out / name).exists():
            out.mkdir(parents=True, exist_ok=True)
            write_bytes(out / name, (folder / name).read_bytes())
    if (folder / "manifest.jsonl").is_file():
        with open(folder / "manifest.jsonl", "rb") as file:
            lines = [line(json.loads(text) | {"files": {}}) for text in file]
        write_bytes(out / "manifest.jsonl", b"".join(lines))
