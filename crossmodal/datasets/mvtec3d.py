"""MVTec 3D-AD on disk: a dataset root, a category, or one split of it, listed without reading a pixel."""

from pathlib import Path

from crossmodal.datasets.source import SPLITS, XYZ_SUFFIXES, Source, paired


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
    path = category / "calibration" / "camera_parameters.json"
    return path if path.is_file() else None


def _category(root, folder):
    return [source for split in SPLITS if (folder / split).is_dir()
            for source in _split(root, folder / split, folder, split)]


def _split(root, folder, category, split):
    calibration = calibration_of(category)
    found = []
    for kind in _folders(folder):
        rgb, xyz = kind / "rgb", kind / "xyz"
        if not rgb.is_dir() and not xyz.is_dir():
            continue
        if not (rgb.is_dir() and xyz.is_dir()):
            there, gone = (rgb, xyz) if rgb.is_dir() else (xyz, rgb)
            raise ValueError(f"{there} has no {gone.name}/ beside it; a capture needs rgb and xyz")
        place = kind.relative_to(root).as_posix()
        found += [Source(f"{place}/{stem}", image, points, "xyz",
                         category.resolve().name, split, kind.name, calibration)
                  for stem, image, points in paired(rgb, xyz, XYZ_SUFFIXES)]
    return found


def _folders(folder):
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
