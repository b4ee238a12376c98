"""What Real3D-AD and Anomaly-ShapeNet share: clouds in train/ and test/ as PCD, labels as "x y z label" text in gt/.

The text holds the points too, in an order of its own, so that a defective cloud is read from it, as loaders do.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np

from crossmodal.datasets.class_ids import assigned
from crossmodal.formats.paths import folders, inside, pictures
from crossmodal.formats.sample import Dataset, Entry, Head, Place, Put, Sample
from pointcloud import PointCloud, read_cloud, write_cloud
from pointcloud.atomic import read_bytes, write_bytes

MM = 0.001


@dataclass(frozen=True)
class Names:
    """How one dataset names its files.

    gt: the folder of labels; delimiter: between its numbers; kind_of: category, a test cloud's stem → kind
    name: place, number within the category → stem
    """

    gt: str
    delimiter: str
    kind_of: Callable[[str, str], str]
    name: Callable[[Place, int], str]


def listed(root: Path, names: Names) -> Dataset | None:
    """A root, its pcd/ folder, or a category."""
    tops = [root, *folders(root), *folders(root / "pcd")]
    tops = [top for top in tops if (top / names.gt).is_dir() and any((top / "train").glob("*.pcd"))]
    # A file system may not tell gt from GT.
    tops = [top for top in tops if any(folder.name == names.gt for folder in folders(top))]
    if not tops:
        return None
    found = [(top, split, stem, path) for top in tops for split in ("train", "test")
             for stem, path in pictures(top / split, root, (".pcd",)).items()]
    ids = assigned({}, {_kind(names, top, split, stem) for top, split, stem, _ in found})
    entries = []
    for top, split, stem, path in found:
        kind, text = _kind(names, top, split, stem), top / names.gt / f"{stem}.txt"
        labelled = text.is_file()
        holds = {"cloud"} | ({"labels"} if labelled or kind == "good" else set())
        entries.append(Entry(Place(top.resolve().name, split, kind, stem),
                             path.relative_to(root).with_suffix("").as_posix(), frozenset(holds),
                             partial(_read, path, inside(root, text) if labelled else None, ids[kind])))
    return Dataset(tuple(entries), ids)


def _kind(names, top, split, stem):
    return "good" if split == "train" else names.kind_of(top.resolve().name, stem)


def _read(path: Path, text: Path | None, level: int) -> Sample:
    if text is None or not level:
        return Sample(cloud=read_cloud(path, MM))
    rows = read_rows(text)
    if rows.shape[1] != 4:
        raise ValueError(f"{text} has {rows.shape[1]} numbers a line; it needs x y z and a label")
    labels = np.where(rows[:, 3] != 0, np.uint8(level), np.uint8(0))
    return Sample(cloud=PointCloud((rows[:, :3] * MM).astype(np.float32), labels=labels))


def read_rows(path: Path) -> np.ndarray:
    """A text of numbers as (N, columns) float64, with commas or spaces between them. Raises ValueError, OSError."""
    data = read_bytes(path)
    first = data.split(b"\n", 1)[0]
    try:
        if not data.strip():
            raise ValueError
        rows = np.loadtxt(BytesIO(data), np.float64, delimiter="," if b"," in first else None, ndmin=2, comments=None)
        if not np.isfinite(rows).all() or not len(rows):
            raise ValueError
    except ValueError:
        raise ValueError(f"{path} is not a table of numbers; copy it again from the source") from None
    return rows


@contextmanager
def written(out: Path, head: Head, names: Names) -> Iterator[Put]:
    """Clouds in millimetres without colour, and the same points with 0 or 1 in the text of each defective one."""
    counts: dict[Path, int] = {}

    def put(place: Place, sample: Sample) -> None:
        top = out / (place.category or "object")
        split = "train" if place.split != "test" else "test"  # it has no third
        counts[top] = counts.get(top, -1) + 1
        stem = names.name(place, counts[top])
        for folder in ("train", "test", names.gt):
            (top / folder).mkdir(parents=True, exist_ok=True)
        cloud = sample.as_cloud()
        mm = (cloud.xyz_m.astype(np.float64) / MM).astype(np.float32)
        write_cloud(top / split / f"{stem}.pcd", PointCloud(mm))
        if place.kind != "good":
            rows = np.column_stack((mm, cloud.labels > 0))
            text = BytesIO()
            np.savetxt(text, rows, names.delimiter.join(("%.6f", "%.6f", "%.6f", "%d")))
            write_bytes(top / names.gt / f"{stem}.txt", text.getvalue())

    yield put
