"""What goes from one format to another: a sample with whatever of it there is, and its place in a dataset."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

from crossmodal.camera import Camera
from crossmodal.datasets.source import Reading
from pointcloud import PointCloud

CONTENTS = {
    "rgb": "a colour picture",
    "xyz": "a measured point for every pixel",
    "gt": "a mask of the defects",
    "pinhole": "points seen without a lens's distortion",
    "cloud": "a point cloud",
    "labels": "a label for every point",
    "lights": "the same picture under six lights",
    "infrared": "an infrared picture",
    "normals": "surface normals",
    "instances": "defects told apart",
    "soft": "a mask of how plainly defects are seen",
    "masks": "a mask for each modality",
}
"""What a format may hold or need."""

_FOLLOWS = {"cloud": ({"xyz"},), "labels": ({"xyz", "gt"},), "pinhole": ({"xyz"},), "normals": ({"xyz"},),
            "instances": ({"gt"},)}


def with_what_follows(holds: frozenset[str]) -> frozenset[str]:
    """The contents, and those that can be had from them: a grid of points is also a cloud."""
    return holds | {word for word, ways in _FOLLOWS.items() if any(way <= holds for way in ways)}


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample; what a format does not hold is None. Everything with (H, W) is seen by the same pixels.

    rgb: (H, W, 3) uint8 sRGB; points: (H, W, 3) float32 m in the camera's axes, NaN where there is none
    gt: (H, W) uint8, the class id of the defect at each pixel, 0 where good
    instances: (H, W) uint8 or uint16, the number of the defect at each pixel from 1, 0 where good
    masks: (H, W) bool by modality, such as "rgb" and "depth"
    normals: (H, W, 3) float32 unit, camera's axes, towards the viewer, NaN where there is none
    cloud: points that no pixel saw, with class ids for labels; infrared: another camera's grey (h, w) uint8
    soft: (H, W) float32, how plainly a defect is seen at each pixel, 0 outside gt to 1
    """

    rgb: np.ndarray | None = None
    points: np.ndarray | None = None
    camera: Camera | None = None
    gt: np.ndarray | None = None
    instances: np.ndarray | None = None
    masks: Mapping[str, np.ndarray] = field(default_factory=lambda: MappingProxyType({}))
    normals: np.ndarray | None = None
    cloud: PointCloud | None = None
    infrared: np.ndarray | None = None
    soft: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the picture or the grid of points."""
        return (self.rgb if self.rgb is not None else self.points).shape[:2]

    def levels(self) -> np.ndarray:
        """gt, or all zeros where the sample is good and has none."""
        return np.zeros(self.shape, np.uint8) if self.gt is None else self.gt

    def softened(self) -> np.ndarray:
        """The soft label (H, W) float32; 1 in gt where the sample has none."""
        return (self.levels() > 0).astype(np.float32) if self.soft is None else self.soft

    def as_cloud(self) -> PointCloud:
        """The points as a cloud, each with its class id; a defect that only colour shows has no labels."""
        if self.cloud is not None:
            labels = self.cloud.labels
            return replace(self.cloud, labels=np.zeros(len(self.cloud), np.uint8) if labels is None else labels)
        valid = np.isfinite(self.points[..., 2])
        levels = self.levels()
        if "depth" in self.masks:
            levels = np.where(self.masks["depth"], levels, np.uint8(0))
        rgb = None if self.rgb is None else self.rgb[valid]
        return PointCloud(np.ascontiguousarray(self.points[valid]), rgb=rgb, labels=levels[valid])

    def defects(self) -> Iterator[tuple[int, np.ndarray]]:
        """(class id, mask (H, W) bool) of every defect: its instances, else what hangs together in gt."""
        levels = self.levels()
        if self.instances is not None and (self.instances[levels > 0] > 0).all():
            for number in np.unique(self.instances[levels > 0]):
                mask = (self.instances == number) & (levels > 0)
                yield int(np.bincount(levels[mask]).argmax()), mask
            return
        for level in np.unique(levels[levels > 0]):
            many, parts = cv2.connectedComponents((levels == level).astype(np.uint8), connectivity=8)
            for part in range(1, many):
                yield int(level), parts == part


@dataclass(frozen=True)
class Place:
    """Where a sample stands. split: train, validation, test, or "" for none; kind: good or of what defect."""

    category: str
    split: str
    kind: str
    name: str

    @property
    def flat(self) -> str:
        """One word for formats that keep all pictures in one folder."""
        return "_".join(word for word in (self.category, self.kind, self.name) if word)


@dataclass(frozen=True)
class Entry:
    """A sample on disk that has not been read yet. path: what to call it; holds: of CONTENTS."""

    place: Place
    path: str
    holds: frozenset[str]
    read: Callable[[], Sample]


@dataclass(frozen=True)
class Dataset:
    """Everything that a folder holds, unread, and the class ids of its masks (kind → id, good is 0)."""

    entries: tuple[Entry, ...]
    ids: Mapping[str, int]


@dataclass(frozen=True)
class Head:
    """What a writer knows before the first sample. holds: what every sample has; ids: kind → class id."""

    ids: Mapping[str, int]
    categories: tuple[str, ...]
    kinds: tuple[str, ...]
    holds: frozenset[str]

    def folder(self, out: Path, place: Place) -> Path:
        """Where a category's own tree begins: a folder of its own where there are several."""
        return out / place.category if len(self.categories) > 1 else out

    def kind_of(self, level: int) -> str:
        """The kind of a class id."""
        return next((kind for kind, known in self.ids.items() if known == level), "defect")


Put = Callable[[Place, Sample], None]


@dataclass(frozen=True)
class Format:
    """One layout. gives, needs: of CONTENTS; checked: what its reader was tried on.

    listed: a folder's samples, or None if it is another layout; writer: takes an empty folder
    one_class: its training images are good by definition, so that defects stand in test
    unit: whether its files leave the unit or the camera open, so that reading options count
    alone: whether a single file may be all there is
    libraries: of the export extra, that its writer needs
    """

    name: str
    title: str
    gives: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    listed: Callable[[Path, Reading], Dataset | None] | None = None
    writer: Callable[[Path, Head], AbstractContextManager[Put]] | None = None
    checked: str = "the description"
    one_class: bool = True
    unit: bool = False
    alone: bool = False
    libraries: tuple[str, ...] = ()
