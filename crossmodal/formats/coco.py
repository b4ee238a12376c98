"""COCO segmentation: annotations/instances_<split>.json beside <split>/*.png, one annotation a defect.

Source: cocodataset.org, "Data format". Masks leave as uncompressed run lengths, exact and with holes; those that
enter may be polygons or either kind of run lengths.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from crossmodal.datasets.class_ids import assigned
from crossmodal.datasets.source import Reading
from crossmodal.formats.needed import library
from crossmodal.formats.paths import inside, plain, read_json, split_of
from crossmodal.formats.places import kind_of
from crossmodal.formats.sample import Dataset, Entry, Format, Head, Place, Put, Sample
from rgb import read_rgb, write_rgb

_SPLITS = {"train": "train", "validation": "val", "test": "test"}
_ROBOFLOW = "_annotations.coco.json"


def listed(root: Path, reading: Reading) -> Dataset | None:
    """The pictures of every annotation file in annotations/, or of _annotations.coco.json beside pictures."""
    files = [inside(root, path) for path in
             (*sorted(root.glob("annotations/*.json")), *sorted(root.glob(f"*/{_ROBOFLOW}")),
              *root.glob(_ROBOFLOW))]
    tables = [(path, table) for path in files if "images" in (table := read_json(path))]
    if not tables:
        return None
    kinds, entries = set(), []
    for path, table in tables:
        try:
            names = {one["id"]: plain(str(one["name"])) for one in table.get("categories", ())}
            drawn: dict[object, list[tuple[str, object]]] = {}
            for one in table.get("annotations", ()):
                kind = names[one["category_id"]]
                kinds.add(kind)
                drawn.setdefault(one["image_id"], []).append((kind, one["segmentation"]))
            images = [(one["id"], str(one["file_name"]), (int(one["height"]), int(one["width"])))
                      for one in table["images"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no COCO file that can be read ({error!r} is missing or wrong); "
                             "export it again") from None
        split = _split(path)
        for number, file, shape in images:
            own = tuple(drawn.get(number, ()))
            entries.append((_picture(root, path, file), Place("", split, kind_of(kind for kind, _ in own),
                                                              Path(file).stem), own, shape))
    ids = assigned({}, kinds)
    return Dataset(tuple(Entry(place, path.relative_to(root).with_suffix("").as_posix(), frozenset({"rgb", "gt"}),
                               partial(_read, path, own, shape, ids)) for path, place, own, shape in entries), ids)


def _split(path):
    stem = path.parent.name if path.name == _ROBOFLOW else path.stem.removeprefix("instances_")
    return split_of("".join(c for c in stem if not c.isdigit()))


def _picture(root, annotations, file):
    stem = annotations.stem.removeprefix("instances_")
    tops = (root / stem, root / "images" / stem, root / "images", root, annotations.parent)
    found = next((top / file for top in tops if (top / file).is_file()), None)
    if found is None:
        raise ValueError(f"{annotations} names {file!r}, which is not there; add it or remove its entry")
    return inside(root, found)


def _read(path: Path, drawn: tuple[tuple[str, object], ...], shape: tuple[int, int], ids) -> Sample:
    rgb = read_rgb(path).pixels
    if rgb.shape[:2] != shape:
        raise ValueError(f"{path} is {rgb.shape[1]}x{rgb.shape[0]} pixels but its annotations are for "
                         f"{shape[1]}x{shape[0]}; export them again")
    levels, instances = np.zeros(shape, np.uint8), np.zeros(shape, np.uint16)
    for i, (kind, segmentation) in enumerate(drawn):
        mask = _mask(path, segmentation, shape)
        levels[mask], instances[mask] = ids[kind], i + 1
    return Sample(rgb, gt=levels, instances=instances)


def _mask(path, segmentation, shape):
    try:
        if isinstance(segmentation, dict):
            counts = segmentation["counts"]
            return mask_of(counts if isinstance(counts, list) else _unpacked(counts), shape)
        polygons = [np.clip(np.array(one, np.float64).reshape(-1, 2), 0, shape[::-1]) for one in segmentation]
        if not all(len(one) > 2 and np.isfinite(one).all() for one in polygons):
            raise ValueError
    except (KeyError, TypeError, ValueError, IndexError):
        raise ValueError(f"{path} has an annotation that cannot be drawn; export it again") from None
    tool = library("pycocotools.mask", "COCO with polygons")
    drawn = tool.merge(tool.frPyObjects([one.ravel().tolist() for one in polygons], *shape))
    return mask_of(_unpacked(drawn["counts"]), shape)


def _unpacked(text):
    """COCO's compressed run lengths: five bits a character, each run from the third less the one two before."""
    counts, value, shift = [], 0, 0
    for character in text:
        bits = (character if isinstance(character, int) else ord(character)) - 48
        value |= (bits & 31) << shift
        shift += 5
        if shift > 60:
            raise ValueError("a run length is too long")
        if not bits & 32:
            value -= (1 << shift) if bits & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return counts


def mask_of(counts: list[int], shape: tuple[int, int]) -> np.ndarray:
    """The mask (H, W) bool of uncompressed run lengths. Raises ValueError where they do not fill the picture."""
    size = shape[0] * shape[1]
    if not all(isinstance(n, int) and 0 <= n <= size for n in counts) or sum(counts) != size:
        raise ValueError("run lengths do not add up to the picture")
    return np.repeat(np.arange(len(counts)) % 2 > 0, counts).reshape(shape, order="F")


def runs_of(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed run lengths of a mask (H, W) bool: down the columns, background first."""
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate(([0], edges, [flat.size])))
    return ([0] if flat[0] else []) + runs.tolist()


@contextmanager
def written(out: Path, head: Head) -> Iterator[Put]:
    """Pictures at once, and lines for the JSON in files of their own, so that a dataset of any size fits."""
    categories = {kind: i + 1 for i, kind in enumerate(sorted(k for k in head.ids if k != "good"))}
    counts: dict[str, list[int]] = {}

    def put(place: Place, sample: Sample) -> None:
        split = _SPLITS[place.split]
        (out / split).mkdir(exist_ok=True)
        number = counts.setdefault(split, [0, 0])
        write_rgb(out / split / f"{place.flat}.png", sample.rgb)
        height, width = sample.shape
        with open(out / f".{split}.images", "a", encoding="utf-8") as images:
            images.write(_line(number[0], {"id": number[0] + 1, "file_name": f"{place.flat}.png", "width": width,
                                           "height": height}))
        number[0] += 1
        with open(out / f".{split}.annotations", "a", encoding="utf-8") as annotations:
            for level, mask in sample.defects():
                annotations.write(_line(number[1], {
                    "id": number[1] + 1, "image_id": number[0], "category_id": categories[head.kind_of(level)],
                    "segmentation": {"size": [height, width], "counts": runs_of(mask)},
                    "area": int(mask.sum()), "bbox": box_of(mask), "iscrowd": 0}))
                number[1] += 1

    yield put
    (out / "annotations").mkdir(exist_ok=True)
    table = json.dumps([{"id": i, "name": kind, "supercategory": "defect"} for kind, i in categories.items()])
    for split in counts:
        parts = [out / f".{split}.{word}" for word in ("images", "annotations")]
        with open(out / "annotations" / f"instances_{split}.json", "wb") as file:
            file.write(b'{"info": {"description": "crossmodal"}, "licenses": [],\n"images": [\n')
            _append(file, parts[0])
            file.write(b'],\n"annotations": [\n')
            _append(file, parts[1])
            file.write(f'],\n"categories": {table}}}\n'.encode())
        for part in parts:
            part.unlink()


def _append(file, part):
    with open(part, "rb") as lines:
        shutil.copyfileobj(lines, file)


def _line(before, value):
    return (",\n" if before else "") + json.dumps(value, ensure_ascii=False)


def box_of(mask: np.ndarray) -> list[int]:
    """COCO's box [x, y, width, height] of a mask in pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1]


FORMAT = Format("coco", "COCO segmentation", ("rgb", "gt", "instances"), ("rgb", "gt"), listed, written,
                "pycocotools, and the description", one_class=False)
