"""MulSen-AD: <category>/{RGB,Infrared,Pointcloud}/{train,test/<kind>,GT/<kind>}/N.{png,png,stl}. Read only.

Three sensors that see no common pixels, each with labels of its own (RGB/GT/<kind>/data.csv says which show the
defect). Source: Li et al., CVPR 2025, and the loader they publish. Its meshes say no unit; it counts as millimetres.
"""

import csv
import struct
from functools import partial
from pathlib import Path

import numpy as np

from crossmodal.datasets.class_ids import assigned
from crossmodal.datasets.source import Reading
from crossmodal.formats.masks import read_binary
from crossmodal.formats.paths import folders, inside, partner, pictures
from crossmodal.formats.pcd_txt import MM, read_rows
from crossmodal.formats.sample import Dataset, Entry, Format, Place, Sample
from pointcloud import PointCloud
from pointcloud.atomic import read_bytes
from rgb import read_rgb

_SENSORS = {"RGB": ".png", "Infrared": ".png", "Pointcloud": ".stl"}
_HEADER, _TRIANGLE = 84, 50


def listed(root: Path, reading: Reading) -> Dataset | None:
    """A root or a category."""
    tops = [top for top in (root, *folders(root)) if all((top / sensor).is_dir() for sensor in _SENSORS)]
    if not tops:
        return None
    found = [(top, "train", Path("train"), "good") for top in tops]
    found += [(top, "test", Path("test", kind.name), kind.name) for top in tops for kind in folders(top / "RGB/test")]
    ids = assigned({}, {kind for *_, kind in found})
    entries = []
    for top, split, folder, kind in found:
        files = {sensor: pictures(top / sensor / folder, root, (suffix,)) for sensor, suffix in _SENSORS.items()}
        shown = _shown(root, top / "RGB" / "GT" / kind / "data.csv") if kind != "good" else {}
        for stem, rgb in sorted(files["RGB"].items(), key=lambda item: (len(item[0]), item[0])):
            infrared, mesh = (partner(stem, rgb, files[s], top / s / folder) for s in ("Infrared", "Pointcloud"))
            in_rgb, _, in_cloud = shown.get(stem, (False,) * 3) if kind != "good" else (False,) * 3
            gt = inside(root, top / "RGB" / "GT" / kind / f"{stem}.png") if in_rgb else None
            text = inside(root, top / "Pointcloud" / "GT" / kind / f"{stem}.txt") if in_cloud else None
            entries.append(Entry(Place(top.resolve().name, split, kind, stem),
                                 mesh.relative_to(root).with_suffix("").as_posix(),
                                 frozenset({"rgb", "gt", "infrared", "cloud", "labels"}),
                                 partial(_read, rgb, infrared, mesh, gt, text, kind, ids)))
    return Dataset(tuple(entries), ids)


def _shown(root, path):
    """Stem → whether picture, infrared and cloud show the defect."""
    try:
        rows = list(csv.reader(read_bytes(inside(root, path)).decode("utf-8-sig").splitlines()))[1:]
        return {Path(name.strip()).stem: tuple(int(word) > 0 for word in words) for name, *words in rows if words}
    except (ValueError, csv.Error) as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} is no table of object, rgb, infrared and cloud labels; "
                         "copy it again from the source") from None


def _read(rgb: Path, infrared: Path, mesh: Path, gt: Path | None, text: Path | None, kind: str, ids) -> Sample:
    pixels = read_rgb(rgb).pixels
    points = _vertices(mesh)
    labels = np.zeros(len(points), np.uint8)
    if text is not None:
        from scipy.spatial import cKDTree  # slow to import, and wanted for labels alone

        labels[cKDTree(points).query(read_rows(text)[:, :3])[1]] = ids[kind]
    levels = np.zeros(pixels.shape[:2], np.uint8)
    if gt is not None:
        levels = read_binary(gt, ids[kind], levels.shape)
    return Sample(pixels, gt=levels, infrared=read_rgb(infrared).pixels[..., 1],
                  cloud=PointCloud((points * MM).astype(np.float32), labels=labels))


def _vertices(path: Path) -> np.ndarray:
    """The different corners of a binary or ASCII STL's triangles, (N, 3) float32 in the file's unit."""
    data = read_bytes(path)
    many = struct.unpack("<I", data[80:84])[0] if len(data) >= _HEADER else -1
    if len(data) == _HEADER + many * _TRIANGLE:
        table = np.frombuffer(data, np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("more", "<u2")]),
                              many, _HEADER)
        corners = table["corners"].reshape(-1, 3)
    else:
        words = [line.split()[1:] for line in data.decode("ascii", "replace").splitlines()
                 if line.split()[:1] == ["vertex"]]
        try:
            corners = np.array(words, np.float32).reshape(-1, 3)
        except ValueError:
            corners = np.empty((0, 3), np.float32)
    if not len(corners) or not np.isfinite(corners).all():
        raise ValueError(f"{path} is truncated or no STL; copy it again from the source")
    return np.unique(corners, axis=0)


FORMAT = Format("mulsen-ad", "MulSen-AD", ("rgb", "gt", "infrared", "cloud", "labels"),
                ("infrared", "rgb", "gt", "cloud", "labels"), listed)
