"""Anomaly-ShapeNet: pcd/<category>/{train,test,GT}, <category>_<kind>N.pcd, good ones called positive, commas in GT.

Source: Li et al., CVPR 2024, and the loaders that read it. Its shapes have no unit; a number counts as a millimetre.
"""

import re
from contextlib import AbstractContextManager
from pathlib import Path

from crossmodal.datasets.source import Reading
from crossmodal.formats import pcd_txt
from crossmodal.formats.sample import Dataset, Format, Head, Place, Put

_GOOD = "positive"


def _kind_of(category: str, stem: str) -> str:
    word = re.sub(r"\d+$", "", stem)
    word = word.removeprefix(f"{category}_") if word.startswith(f"{category}_") else word.split("_", 1)[-1]
    return "good" if word == _GOOD else word or "defect"


def _name(place: Place, number: int) -> str:
    word = "template" if place.split != "test" else _GOOD if place.kind == "good" else place.kind
    return f"{place.category or 'object'}_{word}{number}"


NAMES = pcd_txt.Names("GT", ",", _kind_of, _name)


def listed(root: Path, reading: Reading) -> Dataset | None:
    """A root, its pcd/ folder, or a category."""
    return pcd_txt.listed(root, NAMES)


def written(out: Path, head: Head) -> AbstractContextManager[Put]:
    """A tree below pcd/ that loaders read."""
    return pcd_txt.written(out / "pcd", head, NAMES)


FORMAT = Format("anomaly-shapenet", "Anomaly-ShapeNet", ("cloud", "labels"), ("cloud", "labels"), listed, written)
