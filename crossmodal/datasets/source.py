"""A capture on disk that has not been read yet, and how the user wants it read."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from crossmodal.datasets.names import SUFFIXES, key_of

Split = Literal["train", "validation", "test", ""]
Coding = Literal["xyz", "depth", "pcd", "ply", "eyecandies", "alone"]
UNITS = {"m": 1.0, "mm": 0.001, "um": 1e-6, "inch": 0.0254}
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Source:
    """Where one capture lies.

    path: its name, the posix path relative to what was listed, without suffix ("train/good/003")
    rgb, geometry: its files; the same file twice where one holds both
    coding: what geometry is: organised points, z-depth, or an organised PCD or PLY with its own colours; "alone" is a
        picture without any
    category, split, kind: its place in a dataset; "", "" and "good" in a plain folder
    calibration: the camera file beside it, if there is any
    view: which view of the rig it is that calibration describes, counted from 1; 0 where it is none
    """

    path: str
    rgb: Path
    geometry: Path
    coding: Coding
    category: str = ""
    split: Split = ""
    kind: str = "good"
    calibration: Path | None = None
    view: int = 0

    def hashes(self) -> dict[str, str]:
        """sha256 of both files, as {"rgb": ..., "xyz": ...}."""
        return {"rgb": file_hash(self.rgb), "xyz": file_hash(self.geometry)}


@dataclass(frozen=True)
class Reading:
    """Reading options: the unit of a file's numbers, intrinsics for depth, metres a count of depth, and from where a
    cloud was seen, in its own unit.

    Nothing given means metres for floats and millimetres for 16-bit depth. Of pictures alone (see alone.py),
    mm_per_pixel is the scale, depth_model whose guess their depth is, relief_mm how deep that is. Errors: ValueError.
    """

    unit: str | None = None
    intrinsics: Path | None = None
    depth_scale: float | None = None
    mm_per_pixel: float | None = None
    depth_model: str | None = None
    relief_mm: float | None = None
    viewpoint: tuple[float, float, float] | None = None

    def __post_init__(self):
        if self.mm_per_pixel is None and (self.depth_model is not None or self.relief_mm is not None):
            raise ValueError("a picture alone has no scale; say --mm-per-pixel")
        for option, value in (("mm per pixel", self.mm_per_pixel), ("relief in mm", self.relief_mm)):
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"{option} must be above 0, but got {value}")
        if self.mm_per_pixel is not None and (self.unit, self.intrinsics, self.depth_scale) != (None, None, None):
            raise ValueError("--mm-per-pixel is for pictures alone; leave --unit, --depth-scale and --intrinsics away")
        if self.unit is not None and self.unit not in UNITS:
            raise ValueError(f"unit must be one of {', '.join(UNITS)}, but got {self.unit}")
        if self.depth_scale is not None and not 0 < self.depth_scale < float("inf"):
            raise ValueError(f"depth scale must be above 0 metres a count, but got {self.depth_scale}")
        if self.unit is not None and self.depth_scale is not None:
            raise ValueError("--unit and --depth-scale both say how long one count is; give one of them")

    @property
    def flat(self) -> bool:
        """Whether pictures alone are taken to show flat parts."""
        return self.mm_per_pixel is not None and self.depth_model is None

    @property
    def unit_m(self) -> float | None:
        """Metres for one of the file's own units, or None if the user did not say."""
        return self.depth_scale if self.unit is None else UNITS[self.unit]


def file_hash(path: Path) -> str:
    """sha256 of a file as hexadecimal digits."""
    return sha256(Path(path).read_bytes()).hexdigest()


def by_stem(folder: Path, role: str) -> dict[str, Path]:
    """The folder's files that can have the role, by key (see names.key_of); two files of one key are refused."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES[role] and path.is_file() and not path.name.startswith("."):
            key = key_of(path.stem) or path.stem
            if key in found:
                raise ValueError(f"{path} stands beside {found[key].name}; keep one of the two")
            found[key] = path
    return found


def paired(rgb: Path, geometry: Path, role: str) -> list[tuple[str, Path, Path]]:
    """(stem, image, geometry) of two sibling folders. Raises ValueError in one line for a missing partner."""
    images, shapes = by_stem(rgb, "rgb"), by_stem(geometry, role)
    for mine, other, folder in ((images, shapes, geometry), (shapes, images, rgb)):
        alone = [key for key in mine if key not in other]
        if alone:
            more = f" (and {len(alone) - 1} more)" if len(alone) > 1 else ""
            raise ValueError(f"{mine[alone[0]]} has no partner {alone[0]} in {folder}{more}; "
                             "add it or remove this file")
    return [(image.stem, image, shapes[key]) for key, image in images.items()]
