"""MVTec 3D-AD on disk: a dataset root, a category, or one split of it, listed without reading a pixel."""

from pathlib import Path

from crossmodal.datasets.names import MVTEC_CAMERA, camera_near, folders_of
from crossmodal.datasets.source import SPLITS, Source, paired


def listed(root: Path) -> list[Source]:
    """Every capture below a dataset root, a category folder or a split folder; empty if root is none of them.

    Errors: ValueError, one line, for an image without points or points without an image.
    """
    if root.name in SPLITS and (found := _split(root, root, root.parent, root.name)):
        return found
    if found := _category(root, root):
        return found
    return [source for folder in _folders(root) for source in _category(root, folder)]


def calibration_of(category: Path) -> Path | None:
    """The category's camera parameters, if it has them."""
    path = category / MVTEC_CAMERA
    return path if path.is_file() else None


def _category(root, folder):
    return [source for split in SPLITS if (folder / split).is_dir()
            for source in _split(root, folder / split, folder, split)]


def _split(root, folder, category, split):
    calibration = calibration_of(category)
    found = []
    for kind in _folders(folder):
        parts = folders_of(kind)
        if not {"rgb", "xyz"} & set(parts):
            continue
        role = "xyz" if "xyz" in parts or "depth" not in parts else "depth"
        for word, other in (("rgb", role), (role, "rgb")):
            if word in parts and other not in parts:
                raise ValueError(f"{parts[word]} has no {other}/ beside it; a capture needs rgb and {role}")
        place = kind.relative_to(root).as_posix()
        camera = calibration or camera_near(kind) or camera_near(category)
        found += [Source(f"{place}/{stem}", image, shape, role, category.resolve().name, split, kind.name, camera)
                  for stem, image, shape in paired(parts["rgb"], parts[role], role)]
    return found


def _folders(folder):
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
