"""What belongs together: trees of rgb, xyz, depth and gt folders, flat pairs, or organised PCD files."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from crossmodal.datasets import names

ROLES = names.ROLES | {
    "gt": "gt", "ground_truth": "gt", "gt_rgb": "gt_rgb", "gt_depth": "gt_depth", "instances": "instances",
    "displacement": "displacement", "soft": "soft", "points": "cloud",
}  # fmt: skip
PICTURES = {".png", ".jpg", ".jpeg", ".bmp"}
GRIDS = {".tif", ".tiff", ".npy"}
CLOUDS = {".ply", ".pcd"}
_FLAT = re.compile(r"(.*?)[._-]?(rgb|colou?r|image|xyz|points|depth|gt|mask)?", re.IGNORECASE)
_EYECANDIES = "_image_4", "_info_depth.yaml"  # the picture that conversions take, and what tells its layout
_FLAT_ROLES = {"rgb": "rgb", "color": "rgb", "colour": "rgb", "image": "rgb", "xyz": "xyz", "points": "xyz",
               "depth": "depth", "gt": "gt", "mask": "gt"}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """The files of one capture.

    name: relative to the dataset, such as test/dent/003; folder: relative to the dataset, such as test/dent
    files: role (rgb, xyz, depth, pcd, gt, gt_rgb, gt_depth, instances, displacement, soft, cloud)
        → path
    """

    name: str
    folder: str
    root: Path
    files: dict[str, Path]

    @property
    def kind(self) -> str | None:
        """The folder's own name in a split: good, or a kind of defect; None where there are no splits."""
        parts = self.folder.split("/")
        split = parts[-2].lower() if len(parts) > 1 else self.root.name.lower()
        name = parts[-1] if parts[-1] not in ("", ".") else self.root.name
        if name.lower() == "good":
            return "good"
        return name if split == "test" else None


@dataclass(frozen=True)
class Folder:
    """One folder of captures: its samples, and the names each sibling folder of files holds."""

    name: str
    samples: tuple[Sample, ...]
    names: dict[str, frozenset[str]]


def find_folders(root: Path) -> list[Folder]:
    """Every folder of captures below root (or the one file that root is), sorted by name.

    Errors: FileNotFoundError where root does not exist.
    """
    root = Path(root)
    if not root.exists():
        raise FileNotFoundError(f"{root} does not exist; check the path")
    if root.is_file():
        sample = Sample(root.stem, ".", root.parent, {"pcd": root})
        return [Folder(".", (sample,), {})] if root.suffix.lower() == ".pcd" else []
    folders = []
    for here, below, files in os.walk(root):
        roles = {name: ROLES[name.lower()] for name in below if name.lower() in ROLES}
        below[:] = sorted(name for name in below if name not in roles and not name.startswith("."))
        folder = Path(here)
        name = folder.relative_to(root).as_posix()
        if {"rgb", "xyz", "depth"} & set(roles.values()):
            folders.append(_of_roles(root, folder, name, roles))
        found = _flat(root, folder, name, sorted(files))
        if found.samples:
            folders.append(found)
    return sorted(folders, key=lambda found: found.name)


def _of_roles(root, folder, name, roles):
    held, stems = {}, {}
    likeliest = list(ROLES)
    for directory, role in sorted(roles.items(), key=lambda item: likeliest.index(item[0].lower())):
        if role in held:
            continue  # the raw depth beside the aligned one
        wanted = {"xyz": GRIDS | CLOUDS, "depth": GRIDS | PICTURES, "displacement": GRIDS, "soft": GRIDS,
                  "cloud": CLOUDS}
        held[role] = {}
        for path in sorted((folder / directory).iterdir()):
            if path.suffix.lower() in wanted.get(role, PICTURES) and not path.name.startswith("."):
                key = names.key_of(path.stem) or path.stem
                held[role][key] = path
                if role == "rgb" or key not in stems:
                    stems[key] = path.stem
    samples = tuple(
        Sample(
            _join(name, stems[key]),
            name,
            root,
            {role: files[key] for role, files in held.items() if key in files},
        )
        for key in sorted(set().union(*(held.get(role, {}) for role in ("rgb", "xyz", "depth"))))
    )
    return Folder(name, samples, {role: frozenset(files) for role, files in held.items()})


def _flat(root, folder, name, files):
    groups = {}
    for file in files:
        path = folder / file
        suffix = path.suffix.lower()
        if file.startswith(".") or suffix not in PICTURES | GRIDS | {".pcd"}:
            continue
        if suffix == ".pcd":
            groups.setdefault(path.stem, {})["pcd"] = path
            continue
        stem, word = _FLAT.fullmatch(path.stem).groups()
        own = path.stem.removesuffix(_EYECANDIES[0])
        if own != path.stem and own + _EYECANDIES[1] in files:
            stem, word = own, "rgb"
        role = _FLAT_ROLES[word.lower()] if word else "rgb" if suffix in PICTURES else "xyz"
        groups.setdefault(stem, {})[role] = path
    samples = tuple(
        Sample(_join(name, stem or folder.name), name, root, files)
        for stem, files in groups.items()
        if {"xyz", "depth", "pcd"} & set(files)
    )
    return Folder(name, samples, {})


def _join(folder, stem):
    return stem if folder == "." else f"{folder}/{stem}"


def find_above(sample: Sample, relative: str) -> Path | None:
    """The nearest file of that name in the sample's folder or above it, up to one above the root."""
    folder = sample.root / sample.folder
    for here in (folder, *folder.parents):
        if (here / relative).is_file():
            return here / relative
        if here == sample.root.parent:
            return None
    return None
