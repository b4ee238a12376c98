"""Real3D-AD: <category>/{train,test,gt}, N_template.pcd, N_<kind>.pcd with gt/N_<kind>.txt, in millimetres.

Source: Liu et al., NeurIPS 2023, and the loader they publish (dataset_pc.py).
"""

from contextlib import AbstractContextManager
from pathlib import Path

from crossmodal.datasets.source import Reading
from crossmodal.formats import pcd_txt
from crossmodal.formats.sample import Dataset, Format, Head, Place, Put


def _kind_of(category: str, stem: str) -> str:
    return stem.split("_", 1)[-1]


def _name(place: Place, number: int) -> str:
    return f"{number:03d}_{'template' if place.split != 'test' else place.kind}"


NAMES = pcd_txt.Names("gt", " ", _kind_of, _name)


def listed(root: Path, reading: Reading) -> Dataset | None:
    """A root or a category."""
    return pcd_txt.listed(root, NAMES)


def written(out: Path, head: Head) -> AbstractContextManager[Put]:
    """A tree that its loader reads."""
    return pcd_txt.written(out, head, NAMES)


FORMAT = Format("real3d-ad", "Real3D-AD", ("cloud", "labels"), ("cloud", "labels"), listed, written)
