"""Pictures alone, 2-D datasets: listed as captures whose points are assumed, by a scale and perhaps a depth model."""

from dataclasses import replace
from pathlib import Path

from crossmodal.capture import Capture
from crossmodal.datasets.names import PICTURE_SUFFIXES
from crossmodal.datasets.source import SPLITS, Reading, Source
from rgb import read_rgb

CODING = "alone"
ASSUMED = {"mm_per_pixel": "--mm-per-pixel", "depth_model": "--depth-model", "relief_mm": "--relief-mm"}
"""What such points are made of: fields of Reading, and how a user says them."""


def sources(root: Path) -> list[Source]:
    """Pictures of an MVTec AD root, category or split, of a folder, or one picture. Errors: ValueError, OSError."""
    if root.name in ("", ".."):  # names of folders above tell splits and categories
        root = root.resolve()
    if root.is_file() and root.suffix.lower() in PICTURE_SUFFIXES:
        return [_source(root, root.stem)]
    if not root.exists():
        raise FileNotFoundError(f"{root} does not exist; check the path")
    if root.is_dir():
        for found in (_split(root, root) if root.name in SPLITS else [], _category(root, root),
                      [source for folder in _folders(root) for source in _category(root, folder)],
                      _pictures(root, root)):
            if found:
                return found
    raise ValueError(f"{root} holds no pictures ({' '.join(PICTURE_SUFFIXES)}); give a folder of them, "
                     "or a category of MVTec AD")


def load(source: Source, reading: Reading) -> Capture:
    """A picture as a flat part, or with the depth that a model guesses. Errors: ValueError, OSError."""
    from crossmodal.estimated import estimate_depth
    from crossmodal.flat import flat_in

    if reading.mm_per_pixel is None:
        raise ValueError(f"{source.rgb} is a picture alone; say --mm-per-pixel")
    rgb = read_rgb(source.rgb).pixels
    if reading.depth_model is None:
        return flat_in(rgb, reading.mm_per_pixel, source.path)
    return estimate_depth(rgb, reading.depth_model, reading.mm_per_pixel, reading.relief_mm, name=source.path)


def assumed(reading: Reading) -> dict:
    """What points that nobody measured are made of, for a manifest; of a model's folder its name, no machine's path."""
    said = {word: value for word in ASSUMED if (value := getattr(reading, word)) is not None}
    if "depth_model" in said and Path(said["depth_model"]).is_dir():
        said["depth_model"] = Path(said["depth_model"]).resolve().name
    return said


def _category(root, folder):
    return [source for split in SPLITS if (folder / split).is_dir() for source in _split(root, folder / split)]


def _split(root, folder):
    return [replace(source, category=folder.resolve().parent.name, split=folder.name, kind=kind.name)
            for kind in _folders(folder) for source in _pictures(root, kind)]


def _pictures(root, folder):
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file() and not path.name.startswith("."):
            if path.stem in found:
                raise ValueError(f"{path} stands beside {found[path.stem].name}; keep one of the two")
            found[path.stem] = path
    return [_source(path, path.relative_to(root).with_suffix("").as_posix()) for path in found.values()]


def _source(path, name):
    return Source(name, path, path, CODING)


def _folders(folder):
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
