"""Pictures beside their geometry: rgb.png + xyz.tiff or depth.png, in a folder each or in rgb/ and xyz/."""

from pathlib import Path

from crossmodal.datasets.mvtec3d import calibration_of
from crossmodal.datasets.source import DEPTH_SUFFIXES, RGB_SUFFIXES, XYZ_SUFFIXES, Coding, Source, paired

_GEOMETRY: tuple[tuple[Coding, tuple[str, ...]], ...] = (("xyz", XYZ_SUFFIXES), ("depth", DEPTH_SUFFIXES))


def listed(root: Path) -> list[Source]:
    """Captures of a folder: rgb/ with xyz/ or depth/, one folder a capture, or root as one capture.

    Errors: ValueError, one line, for a picture without geometry or geometry without a picture.
    """
    if (root / "rgb").is_dir():
        for coding, suffixes in _GEOMETRY:
            if (root / coding).is_dir():
                pairs = paired(root / "rgb", root / coding, suffixes)
                return [Source(stem, image, shape, coding, calibration=_calibration(root))
                        for stem, image, shape in pairs]
        raise ValueError(f"{root / 'rgb'} has no xyz/ or depth/ beside it; a capture needs rgb and geometry")
    if alone := _one(root, root.resolve().name):
        return [alone]
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [source for folder in folders if (source := _one(folder, folder.name))]


def pair(rgb: Path, geometry: Path, name: str = "") -> Source:
    """Two files as one capture; a 3-channel TIFF is xyz, anything else is depth."""
    coding = "xyz" if geometry.suffix.lower() in XYZ_SUFFIXES and _channels(geometry) == 3 else "depth"
    calibration = _calibration(geometry.parent)
    return Source(name or rgb.stem, rgb, geometry, coding, calibration=calibration)


def _one(folder, name):
    images = [path for suffix in RGB_SUFFIXES if (path := folder / f"rgb{suffix}").is_file()]
    shapes = [(coding, path) for coding, suffixes in _GEOMETRY for suffix in suffixes
              if (path := folder / f"{coding}{suffix}").is_file()]
    if images and shapes:
        coding, path = shapes[0]
        return Source(name, images[0], path, coding, calibration=_calibration(folder))
    if images or shapes:
        there, gone = (images[0], "xyz.tiff or depth.png") if images else (shapes[0][1], "rgb.png")
        raise ValueError(f"{there} has no {gone} beside it; a capture needs rgb and geometry")
    return None


def _calibration(folder):
    # A split or a kind of a category may be given alone; its calibration then lies above it.
    for parent in (folder, *folder.resolve().parents[:3]):
        if path := calibration_of(parent):
            return path
    return None


def _channels(path):
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            shape = tiff.pages[0].shape
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist; check the path") from None
    except Exception:  # what is wrong with it is said where it is read
        return 3
    return shape[2] if len(shape) == 3 else 1
