"""Clouds alone: what `synthesize` makes of them, and plain good ones in a file or a folder. Read only.

A run holds <split>/<kind>/cloud/NNN in its source's format, labels/NNN.ply with a row for each of its points,
class_ids.json, and in run.json the unit of all of them.
"""

import json
from functools import partial
from pathlib import Path

import numpy as np

from crossmodal.datasets.class_ids import read_class_ids
from crossmodal.datasets.source import SPLITS, UNITS, Reading
from crossmodal.formats.paths import folders, partner, pictures
from crossmodal.formats.sample import Dataset, Entry, Format, Place, Sample
from pointcloud import PointCloud, read_ply
from pointcloud.table import FORMATS

RUN_FILE = "run.json"
HOLDS = frozenset({"cloud", "labels"})


def of_clouds(root: Path) -> dict | None:
    """What run.json of a run over clouds says, or None where root is none."""
    try:
        record = json.loads((root / RUN_FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and record.get("clouds") is True else None


def listed(root: Path, reading: Reading) -> Dataset | None:
    """A run over clouds, or plain clouds, which count as good. Errors: ValueError, OSError, one line."""
    record = of_clouds(root) if root.is_dir() else None
    return _plain(root, reading) if record is None else _run(root, record, reading)


def _run(root: Path, record: dict, reading: Reading) -> Dataset:
    unit = record.get("unit")
    if unit not in UNITS:
        raise ValueError(f"{root / RUN_FILE} does not say the clouds' unit; make the run again")
    if reading not in (Reading(), Reading(unit)):
        raise ValueError(f"{root / RUN_FILE} says that its clouds are in {unit}; leave the reading options away")
    ids = read_class_ids(root / "class_ids.json")
    entries = []
    for split in SPLITS:
        for kind in folders(root / split):
            clouds, labels = pictures(kind / "cloud", root, tuple(FORMATS)), pictures(kind / "labels", root, (".ply",))
            for stem, path in clouds.items():
                told = stem in labels or kind.name != "good"
                own = partner(stem, path, labels, kind / "labels") if told else None
                place = Place(root.resolve().name, split, kind.name, stem)
                entries.append(Entry(place, f"{split}/{kind.name}/{stem}", HOLDS, partial(_read, path, own, unit, ids)))
    return Dataset(tuple(entries), ids)


def _plain(root: Path, reading: Reading) -> Dataset | None:
    from crossmodal.datasets.clouds import cloud_sources, load_cloud  # which knows the trees beside this file

    def read(source):
        return Sample(cloud=load_cloud(source, reading).points)

    entries = [Entry(Place(source.category, source.split, "good", source.path.rsplit("/", 1)[-1]), source.path, HOLDS,
                     partial(read, source)) for source in cloud_sources(root)]
    return Dataset(tuple(entries), {"good": 0}) if entries else None


def _read(path: Path, labels: Path | None, unit: str, ids: dict[str, int]) -> Sample:
    from crossmodal.clouds.cloud import read_cloud

    cloud = read_cloud(path, unit)
    return Sample(cloud=PointCloud(cloud.points.xyz_m, cloud.rgb, cloud.normals, _levels(path, labels, cloud, ids)))


def _levels(path, labels, cloud, ids) -> np.ndarray:
    """(N,) uint8 of the cloud's points, each the class id of a row of labels."""
    if labels is None:
        return np.zeros(len(cloud), np.uint8)
    levels = read_ply(labels).vertices.get("label")
    if levels is None or levels.ndim != 1 or len(levels) != len(cloud.table):
        raise ValueError(f"{labels} has no label for each of the {len(cloud.table)} points of {path}; "
                         "make the run again")
    if strange := set(np.unique(levels).tolist()) - {0, *ids.values()}:
        raise ValueError(f"{labels} has the class id {min(strange)}, which nothing names; add it to class_ids.json")
    return levels[cloud.rows].astype(np.uint8)


FORMAT = Format("clouds", "clouds alone", ("cloud", "labels"), listed=listed,
                checked="our own runs, and plain clouds", unit=True, alone=True)
