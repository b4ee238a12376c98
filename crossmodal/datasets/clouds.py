"""Clouds on disk: one, a folder of them, a run over clouds, or a tree of Real3D-AD or Anomaly-ShapeNet."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from crossmodal.clouds.cloud import Cloud, read_cloud
from crossmodal.datasets import plainly_named
from crossmodal.datasets.remembered import read_as
from crossmodal.datasets.source import SPLITS, Reading, Split, file_hash
from crossmodal.formats import real3d, shapenet
from crossmodal.formats.clouds import of_clouds
from crossmodal.formats.paths import folders, inside
from crossmodal.formats.pcd_txt import Names
from pointcloud import read_ply
from pointcloud.table import FORMATS
from pointcloud.text import begins_with_numbers

TEXTS = (".xyz", ".txt", ".asc")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
TREES: tuple[Names, ...] = (real3d.NAMES, shapenet.NAMES)
UNIT = "mm"
"""Of the trees: Real3D-AD says so; Anomaly-ShapeNet's shapes have none, and a number counts as a millimetre."""


@dataclass(frozen=True)
class CloudSource:
    """Where one good cloud lies; fields as of crossmodal.datasets.source.Source.

    unit: what the layout says of its numbers, if it says anything; view: 0, for no cloud is a view of a rig; kind: only
    good ones are listed
    """

    view: ClassVar[int] = 0
    kind: ClassVar[str] = "good"

    path: str
    file: Path
    category: str = ""
    split: Split = ""
    unit: str | None = None

    def hashes(self) -> dict[str, str]:
        """{"cloud": sha256 of the file}."""
        return {"cloud": file_hash(self.file)}

    def read_as(self, reading: Reading) -> dict:
        """The unit of its numbers and the viewpoint that a reading takes it with, for a manifest."""
        return read_as(reading) | {"unit": reading.unit or self.unit or "m"}


def load_cloud(source: CloudSource, reading: Reading) -> Cloud:
    """Read one cloud under the name that its source has. Errors: as read_cloud."""
    return replace(read_cloud(source.file, reading.unit or source.unit, reading.viewpoint), name=source.path)


def cloud_sources(root: str | Path) -> list[CloudSource]:
    """The good clouds of a file, a folder or a tree; none where they are captures: organised, or beside pictures.

    Errors: OSError, ValueError for a file that cannot be told.
    """
    return plainly_named(_listed(Path(root)))


def _listed(root: Path) -> list[CloudSource]:
    if root.is_file():
        return [CloudSource(root.stem, root)] if _is_cloud(root) else []
    if not root.is_dir():
        return []
    if (record := of_clouds(root)) is not None:
        return [CloudSource(f"{split}/good/{path.stem}", inside(root, path), root.resolve().name, split,
                            record.get("unit"))
                for split in SPLITS for path in sorted((root / split / "good" / "cloud").glob("[!.]*.*"))]
    if found := [source for names in TREES for source in _tree(root, names)]:
        return found
    if folders(root):  # whatever they hold, it is no plain folder of clouds
        return []
    files = sorted(path for path in root.iterdir() if path.is_file() and not path.name.startswith("."))
    clouds = [path for path in files if path.suffix.lower() in FORMATS and not (
        path.suffix.lower() in TEXTS and not begins_with_numbers(path))]
    # Text beside clouds proper is about them, not more of them.
    clouds = [path for path in clouds if path.suffix.lower() in (".ply", ".pcd", ".npy")] or clouds
    if not clouds or any(path.suffix.lower() in PICTURES for path in files) or not _is_cloud(clouds[0]):
        return []
    stems = [path.stem for path in clouds]
    return [CloudSource(path.stem if stems.count(path.stem) == 1 else path.name, inside(root, path))
            for path in clouds]


def _is_cloud(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix == ".pcd":
        return not _grid_of_pcd(path)
    if suffix == ".ply":
        return read_ply(path).size is None
    return suffix in FORMATS


def _grid_of_pcd(path: Path) -> bool:
    with open(path, "rb") as file:
        for line in file.readlines(1 << 16):
            if line.startswith(b"HEIGHT "):
                return line.split()[1:] not in ([b"1"], [b"0"])
            if line.startswith(b"DATA "):
                break
    return False


def _tree(root: Path, names: Names) -> list[CloudSource]:
    tops = [top for top in (root, *folders(root), *folders(root / "pcd"))
            if any(folder.name == names.gt for folder in folders(top)) and any((top / "train").glob("*.pcd"))]
    found = []
    for top in tops:
        category = top.resolve().name
        for split in ("train", "test"):
            for path in sorted((top / split).glob("*.pcd")):
                if split == "train" or names.kind_of(category, path.stem) == "good":
                    name = path.relative_to(root).with_suffix("").as_posix()
                    found.append(CloudSource(name, inside(root, path), category, split, UNIT))
    return found
