"""3D-ADAM: MVTec 3D-AD's tree with ground_truth/ for gt/, one in every folder, good ones too.

Source: McHard et al., arXiv:2507.07838, and anomalib's ADAM3D dataset.
"""

from contextlib import AbstractContextManager
from pathlib import Path

from crossmodal.datasets.mvtec3d import listed as captures_of
from crossmodal.datasets.source import Reading
from crossmodal.formats import mvtec3d
from crossmodal.formats.sample import Dataset, Format, Head, Put

_GT = "ground_truth"


def listed(root: Path, reading: Reading) -> Dataset | None:
    """A root, a category or a split whose folders of captures have ground_truth/ in them."""
    if next(root.glob(f"*/{_GT}"), None) or any(root.glob(f"*/*/{_GT}")) or any(root.glob(f"*/*/*/{_GT}")):
        sources = captures_of(root)
        return mvtec3d.dataset_of(root, sources, reading, _GT) if sources else None
    return None


def written(out: Path, head: Head) -> AbstractContextManager[Put]:
    """The same files as MVTec 3D-AD under other names."""
    return mvtec3d.written(out, head, _GT, always=True)


FORMAT = Format("3d-adam", "3D-ADAM", ("rgb", "xyz", "gt"), ("rgb", "xyz", "gt"), listed, written, unit=True)
