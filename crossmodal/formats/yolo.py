"""YOLO segmentation: data.yaml, images/<split>/*.png, labels/<split>/*.txt with "class x y x y ..." in parts of one.

Source: docs.ultralytics.com, "Instance segmentation datasets". An outline runs through the middles of the boundary's
pixels, which its loader truncates back to those pixels; a hole is joined to its rim by a cut of no width.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import yaml

from crossmodal.datasets.class_ids import assigned
from crossmodal.datasets.source import Reading
from crossmodal.formats.paths import folders, pictures, plain, read_yaml, split_of
from crossmodal.formats.places import kind_of
from crossmodal.formats.sample import Dataset, Entry, Format, Head, Place, Put, Sample
from pointcloud.atomic import write_bytes
from rgb import read_rgb, write_rgb

_SPLITS = {"train": "train", "validation": "val", "test": "test"}


def listed(root: Path, reading: Reading) -> Dataset | None:
    """images/<split> with labels/<split>, or <split>/images with <split>/labels; a picture without lines is good."""
    config = next((path for path in (root / "data.yaml", root / "dataset.yaml") if path.is_file()), None)
    if config is None or "names" not in (data := read_yaml(config)):
        return None
    names = data["names"]
    names = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(names, dict):
        raise ValueError(f"{config} has names that are no list; give one name a class")
    names = {int(i): plain(str(name)) for i, name in names.items() if str(i).isdigit()}
    ids = assigned({}, names.values())
    pairs = [(f, root / "labels" / f.name, f.name) for f in folders(root / "images")]
    pairs += [(f / "images", f / "labels", f.name) for f in folders(root) if (f / "images").is_dir()]
    entries = []
    for images, labels, split in pairs:
        texts = pictures(labels, root, (".txt",))
        for stem, path in pictures(images, root).items():
            lines = _lines(texts[stem], names) if stem in texts else []
            kind = kind_of(names[number] for number, _ in lines)
            entries.append(Entry(Place("", split_of(split), kind, stem),
                                 path.relative_to(root).with_suffix("").as_posix(), frozenset({"rgb", "gt"}),
                                 partial(_read, path, texts.get(stem), names, ids)))
    return Dataset(tuple(entries), ids)


def _lines(path: Path, names: dict[int, str]) -> list[tuple[int, np.ndarray]]:
    found = []
    try:
        for text in path.read_text(encoding="utf-8").splitlines():
            if words := text.split():
                outline = np.array(words[1:], np.float64).reshape(-1, 2)
                if int(words[0]) not in names or len(outline) < 3 or not ((outline >= 0) & (outline <= 1)).all():
                    raise ValueError
                found.append((int(words[0]), outline))
    except (ValueError, OverflowError):
        raise ValueError(f"{path} has a line that is no known class and outline (class x y x y x y ... from 0 to 1); "
                         "export it for segmentation") from None
    return found


def _read(path: Path, labels: Path | None, names: dict[int, str], ids) -> Sample:
    rgb = read_rgb(path).pixels
    height, width = rgb.shape[:2]
    levels, instances = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint16)
    for i, (number, outline) in enumerate(_lines(labels, names) if labels else []):
        corners = np.minimum((outline * (width, height)).astype(np.int32), (width - 1, height - 1)).astype(np.int32)
        mask = cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 1) > 0
        levels[mask], instances[mask] = ids[names[number]], i + 1
    return Sample(rgb, gt=levels, instances=instances)


def outlines(mask: np.ndarray) -> Iterator[np.ndarray]:
    """One closed outline (N, 2) in pixels for every part of a mask, N at least 3, holes cut in."""
    contours, tree = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for i, contour in enumerate(contours):
        if tree[0, i, 3] >= 0:
            continue  # a hole, which its part takes with it
        outline, hole, holes = contour[:, 0].astype(np.float64), tree[0, i, 2], []
        while hole >= 0:
            holes.append(contours[hole][:, 0].astype(np.float64))
            hole = tree[0, hole, 0]
        if holes:
            from scipy.spatial import cKDTree  # slow to import, and wanted for holes alone
        while holes:  # the nearest first: a straight cut to it crosses nothing else
            near = cKDTree(outline)
            distances = [near.query(ring) for ring in holes]
            k = min(range(len(holes)), key=lambda j: distances[j][0].min())
            at = int(distances[k][0].argmin())
            start, ring = int(distances[k][1][at]), np.roll(holes.pop(k), -at, axis=0)
            outline = np.concatenate((outline[:start + 1], ring, ring[:1], outline[start:]))
        outline = _cornered(outline)
        yield _thick(outline) if len(outline) < 3 else outline


def _cornered(outline):
    # Only where the way turns: the line between two corners passes the same pixels.
    back, on = outline - np.roll(outline, 1, axis=0), np.roll(outline, -1, axis=0) - outline
    turns = (np.abs(back - on) > 1e-9).any(axis=1) | (np.abs(on).max(axis=1) > 1)
    return outline[turns] if turns.sum() > 1 else outline


def _thick(outline):
    # One or two pixels are no polygon: give it corners that truncate to the same pixels.
    corner = outline[:1] + np.array((0.45, -0.45))
    return np.concatenate((outline - 0.45, outline[::-1] + 0.45, corner))


@contextmanager
def written(out: Path, head: Head) -> Iterator[Put]:
    """Pictures and their label files; a good one has an empty file."""
    classes = {kind: i for i, kind in enumerate(sorted(kind for kind in head.ids if kind != "good"))}
    seen: set[str] = set()

    def put(place: Place, sample: Sample) -> None:
        split = _SPLITS[place.split]
        seen.add(split)
        images, labels = out / "images" / split, out / "labels" / split
        for folder in (images, labels):
            folder.mkdir(parents=True, exist_ok=True)
        height, width = sample.shape
        lines = [f"{classes[head.kind_of(level)]} " + " ".join(f"{v:.7f}" for v in (
                     (outline + 0.5) / (width, height)).ravel()) + "\n"
                 for level, mask in sample.defects() for outline in outlines(mask)]
        write_rgb(images / f"{place.flat}.png", sample.rgb)
        write_bytes(labels / f"{place.flat}.txt", "".join(lines).encode())

    yield put
    config = {split: f"images/{split}" for split in _SPLITS.values() if split in seen} | {
        "names": {i: kind for kind, i in classes.items()}}
    write_bytes(out / "data.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode())


FORMAT = Format("yolo", "YOLO segmentation", ("rgb", "gt", "instances"), ("rgb", "gt"), listed, written,
                one_class=False)
