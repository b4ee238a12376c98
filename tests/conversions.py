"""Conversions as tests ask for them: in a line, skipped where a library is not there."""

from pathlib import Path

import pytest

from crossmodal.cli import main
from crossmodal.datasets import Reading
from crossmodal.formats import FORMATS, named
from crossmodal.formats import convert as work
from crossmodal.formats.sample import Dataset

LIBRARIES = {"coco": "pycocotools", "huggingface": "datasets", "webdataset": "webdataset", "rerun": "rerun"}


def seen(root: Path, name: str | None = None) -> tuple[str, Dataset]:
    if name is not None:
        return name, work.read(root, named(name), Reading())
    one, dataset = work.detected(root, FORMATS, Reading())
    return one.name, dataset


def converted(root: Path, name: str, out: Path) -> Path:
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name])
    one, dataset = work.detected(root, FORMATS, Reading())
    work.convert(root, out, one, dataset, named(name))
    return out


def refused(capsys, *arguments) -> str:
    """The one line that a command line is refused with."""
    assert main([*map(str, arguments)]) == 2
    text = capsys.readouterr().err.strip().splitlines()
    assert [line for line in text if not line.startswith("convert: ")] == [text[-1]]
    assert text[-1].startswith("error: ")
    return text[-1]
