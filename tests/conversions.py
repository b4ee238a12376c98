"""Conversions as tests ask for them: in a line, skipped where a library is not there; and masks compared by kind."""

from pathlib import Path

import numpy as np
import pytest

from crossmodal.cli import main
from crossmodal.datasets import Reading
from crossmodal.formats import FORMATS, named
from crossmodal.formats import convert as work
from crossmodal.formats.sample import Dataset

LIBRARIES = {"coco": "pycocotools", "huggingface": "datasets", "webdataset": "webdataset", "rerun": "rerun"}
ITS_OWN = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own decoder


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


def kinds_of(levels: np.ndarray, ids) -> dict[str, np.ndarray]:
    """A mask by kind of a ground truth in class ids."""
    names = {level: kind for kind, level in ids.items()}
    return {names[level]: levels == level for level in np.unique(levels[levels > 0])}


def same_masks(levels: np.ndarray, ids, masks: dict[str, np.ndarray]) -> bool:
    found = kinds_of(levels, ids)
    return found.keys() == masks.keys() and all((found[kind] == masks[kind]).all() for kind in masks)
