"""MVTec AD, pictures alone: train/good/NNN.png, test/<kind>/NNN.png, ground_truth/<kind>/NNN_mask.png.

Source: Bergmann et al., CVPR 2019. Its masks are 0 and 255, so that class ids become the folder's kind.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from crossmodal.datasets.anomalib import of_pictures
from crossmodal.datasets.class_ids import assigned
from crossmodal.datasets.source import Reading
from crossmodal.formats.masks import read_binary
from crossmodal.formats.paths import folders, pictures, split_of
from crossmodal.formats.sample import Dataset, Entry, Format, Head, Place, Put, Sample
from pointcloud.atomic import write_bytes
from rgb import read_rgb, write_mask, write_rgb

_GT = "ground_truth"


def listed(root: Path, reading: Reading) -> Dataset | None:
    """A dataset root or a category: pictures directly in the folders of kinds."""
    categories = [root] if _is_category(root) else [f for f in folders(root) if _is_category(f)]
    if not categories:
        return None
    found = [(category, split, kind, stem, path) for category in categories
             for split in folders(category) if split_of(split.name)
             for kind in folders(split) for stem, path in pictures(kind, root).items()]
    ids = assigned({}, {kind.name for _, _, kind, _, _ in found})
    masks: dict[Path, dict[str, Path]] = {}
    entries = []
    for category, split, kind, stem, path in found:
        folder = category / _GT / kind.name
        if folder not in masks:
            masks[folder] = pictures(folder, root, (".png",))
        mask = masks[folder].get(f"{stem}_mask") or masks[folder].get(stem)
        holds = {"rgb"} | ({"gt"} if mask or kind.name == "good" else set())
        place = Place(category.resolve().name, split_of(split.name), kind.name, stem)
        entries.append(Entry(place, path.relative_to(root).with_suffix("").as_posix(), frozenset(holds),
                             partial(_read, path, mask, kind.name, ids)))
    return Dataset(tuple(entries), ids)


def _is_category(folder):
    good = folder / "train" / "good"
    return good.is_dir() and bool(pictures(good, folder))


def _read(path: Path, mask: Path | None, kind: str, ids) -> Sample:
    rgb = read_rgb(path).pixels
    return Sample(rgb, gt=None if mask is None else read_binary(mask, ids[kind], rgb.shape[:2]))


@contextmanager
def written(out: Path, head: Head) -> Iterator[Put]:
    """A tree of MVTec AD with anomalib's config."""
    folders: dict[Path, set[tuple[str, str]]] = {}

    def put(place: Place, sample: Sample) -> None:
        top = head.folder(out, place)
        folders.setdefault(top, set()).add((place.split, place.kind))
        picture = top / place.split / place.kind / f"{place.name}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        write_rgb(picture, sample.rgb)
        if place.kind != "good":
            mask = top / _GT / place.kind / f"{place.name}_mask.png"
            mask.parent.mkdir(parents=True, exist_ok=True)
            write_mask(mask, np.where(sample.levels() > 0, np.uint8(255), np.uint8(0)))

    yield put
    for top, seen in folders.items():
        kinds = [kind for split, kind in seen if split == "test" and kind != "good"]
        if kinds and ("train", "good") in seen:
            name = top.name if len(head.categories) > 1 else head.categories[0] or "crossmodal"
            write_bytes(top / "anomalib.yaml", of_pictures(name, kinds, ("test", "good") in seen))


FORMAT = Format("mvtec2d", "MVTec AD (2-D)", ("rgb", "gt"), ("rgb", "gt"), listed, written)
