"""Real defects to cut out: captures whose ground truth marks one, of any layout that is read.

A dataset's own masks are those that crossmodal.formats reads: gt/ of MVTec 3D-AD, ground_truth/ of 3D-ADAM, gt/rgb/ of
Real-IAD D³, the four masks of Eyecandies, mask_visib/ of BOP with class_ids.json. Of plain captures it is the label
field of a .pcd, or a picture of the capture's name in gt/, ground_truth/, mask/ or masks/ beside its rgb/, or of that
name and _mask or _gt beside it, or mask.png or gt.png in a folder of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from crossmodal.capture import Capture
from crossmodal.datasets import Reading, load, sources
from crossmodal.datasets.names import COLOUR, key_of
from crossmodal.datasets.pcd import read_labels
from crossmodal.datasets.source import Source
from crossmodal.methods.folders import of_files
from crossmodal.methods.library import GROUND_TRUTHS, width_of
from crossmodal.methods.picked import Picked
from crossmodal.patch import Patch, along_surface, nearest_pixel
from crossmodal.placement import triple
from rgb import read_mask

FEWEST = 12  # measured pixels of a defect that can be cut out
ABOUT = 0.3  # of a defect's size, that is taken with it on every side: the ground that its relief stands out of


@dataclass(frozen=True)
class Labelled:
    """A capture on disk, and how to read where its defects are, (H, W) bool."""

    source: Source
    read: Callable[[], np.ndarray]


@dataclass(frozen=True, eq=False)
class Cut:
    """One defect of a labelled capture.

    marks: (H, W) bool; pixel (column, row), anchor_m, heading: (3,), of its middle
    sides_mm: (down, across) of a box about it and some of its surroundings; finest_mm: how wide it is in the mean
    """

    capture: Capture
    marks: np.ndarray
    pixel: tuple[int, int]
    anchor_m: tuple[float, ...]
    heading: tuple[float, ...]
    sides_mm: tuple[float, float]
    finest_mm: float


def picked_of(folder: str, kinds: tuple[str, ...], rng: np.random.Generator) -> tuple[Picked, Cut]:
    """A defect of a folder's captures, and its capture by name and hash. Raises ValueError where there is none."""
    found = listed(folder)
    own = [one for one in found if not kinds or one.source.kind in kinds]
    if not own:
        raise ValueError(f"{folder} holds no {' or '.join(kinds)}; it holds "
                         f"{', '.join(sorted({one.source.kind for one in found}))}")
    for i in rng.permutation(len(own)):
        planned = Picked(name=own[i].source.path, sha256=_hash(own[i]))
        capture, pieces = _read(own[i], planned.sha256)
        sizes = np.bincount(pieces.ravel())
        if len(there := np.flatnonzero(sizes[1:] >= FEWEST) + 1):
            piece = pieces == there[int(rng.integers(len(there)))]
            return planned, _cut(capture, piece, *_middle(piece))
    raise ValueError(f"{folder} marks no defect of {FEWEST} measured pixels or more; give captures of larger ones")


def cut_at(folder: str, planned: Picked, pixel: tuple[int, int] | None, anchor_m=None) -> tuple[Capture, np.ndarray]:
    """The capture that was planned, and (H, W) bool of its defect at a pixel (column, row), or at an anchor. Raises
    ValueError where its files are not those that they were."""
    one = next((one for one in listed(folder) if one.source.path == planned.name), None)
    if one is None or _hash(one) != planned.sha256:
        raise ValueError(f"{folder} holds another {planned.name} than was planned (its sha256 differs); give the same "
                         "captures")
    capture, pieces = _read(one, planned.sha256)
    at = nearest_pixel(capture.surface, np.array(anchor_m)) if pixel is None else pixel[::-1]
    return capture, pieces == (int(pieces[at]) or -1)


def listed(folder: str) -> tuple[Labelled, ...]:
    """A folder's captures with a mask of a defect, in order. Raises ValueError, OSError where there are none."""
    return _listed(folder, of_files(folder))


@lru_cache(maxsize=4)
def _listed(folder, stamp):
    from crossmodal.formats import FORMATS  # they know datasets' masks, and are imported when asked
    from crossmodal.formats.convert import detected

    found = {source.path: source for source in sources(folder)}
    layout, dataset = detected(Path(folder), FORMATS, Reading()) if Path(folder).is_dir() else (None, None)
    if layout is None or layout.name == "captures":
        out = [Labelled(source, read) for source in found.values() if (read := _beside(source)) is not None]
    else:
        out = [Labelled(found[entry.path], _reader(entry)) for entry in dataset.entries
               if "gt" in entry.holds and entry.place.kind != "good" and entry.path in found]
    if not out:
        title = "" if layout is None else f" ({layout.title})"
        raise ValueError(f"{folder}{title} holds no masks of defects; give captures with their ground truth beside "
                         "them, such as rgb/, xyz/ and gt/")
    return tuple(out)


def _reader(entry):
    return lambda: entry.read().levels() > 0


def _beside(source: Source) -> Callable[[], np.ndarray] | None:
    """How to read the mask beside a plain capture; None where it has none."""
    if source.coding == "pcd":
        return (lambda: read_labels(source.geometry) > 0) if read_labels(source.geometry) is not None else None
    picture = source.rgb
    if picture.parent.name.lower() in COLOUR:
        there = [picture.parent.with_name(word) / f"{stem}.png" for word in GROUND_TRUTHS
                 for stem in (picture.stem, f"{picture.stem}_mask")]
    else:
        names = {picture.stem, key_of(picture.stem)} - {""}
        there = [picture.with_name(f"{name}_{word}.png") for name in sorted(names) for word in ("mask", "gt")]
        there += [picture.with_name(f"{word}.png") for word in ("mask", "gt")]
    path = next((path for path in there if path.is_file()), None)
    return None if path is None else lambda: read_mask(path) > 0


def _hash(one: Labelled) -> str:
    return _with_mask(one, "".join(one.source.hashes().values()))


@lru_cache(maxsize=4096)
def _with_mask(one: Labelled, files: str) -> str:
    """The hash of a capture's files and its mask; to read a mask may take as long as to read the capture."""
    return sha256(files.encode() + np.packbits(one.read()).tobytes()).hexdigest()


@lru_cache(maxsize=4)
def _read(one: Labelled, digest: str) -> tuple[Capture, np.ndarray]:
    """The capture, and (H, W) int32: the number of the defect at each measured pixel, from 1; 0 elsewhere.

    What is marked of the background, across a step of depth, is none.
    """
    capture, marked = load(one.source), one.read()
    if marked.shape != capture.shape:
        raise ValueError(f"{one.source.path}: its mask is {marked.shape[1]}x{marked.shape[0]} pixels but its picture "
                         f"is {capture.shape[1]}x{capture.shape[0]}; a mask needs the picture's own size")
    pieces = _linked(marked & np.isfinite(capture.normals[..., 0]), capture.surface.linked)
    on_object = np.unique(pieces[capture.surface.foreground])
    if on_object.any():  # of a plate that fills the picture, nothing may be taken for the object
        pieces = np.where(np.isin(pieces, on_object), pieces, 0)
    return capture, pieces


def _linked(mask, linked) -> np.ndarray:
    """(H, W) int32: the pieces of a mask that are each one surface, from 1."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    number = np.cumsum(mask).reshape(mask.shape) - 1
    ends = []
    for axis, ties in ((1, linked[..., 0]), (0, linked[..., 1])):
        there = np.roll(mask, -1, axis) & mask & ties
        ends.append((number[there], np.roll(number, -1, axis)[there]))
    first, second = (np.concatenate(side) for side in zip(*ends, strict=True))
    many = int(mask.sum())
    out = np.zeros(mask.shape, np.int32)
    out[mask] = 1 + connected_components(coo_matrix((np.ones(len(first)), (first, second)), (many, many)), False)[1]
    return out


def _middle(mask) -> tuple[int, int]:
    """(row, column) of the pixel of a mask that is nearest to its middle."""
    at = np.argwhere(mask)
    return tuple(int(x) for x in at[np.argmin(((at - at.mean(0)) ** 2).sum(1))])


def _cut(capture, piece, row, column) -> Cut:
    surface = capture.surface
    anchor, normal = (a[row, column].astype(np.float64) for a in (surface.smoothed, surface.normals))
    heading = along_surface(np.array((1.0, 0, 0)), normal)
    far = np.linalg.norm(surface.smoothed[piece] - anchor, axis=-1)
    reach = 2e3 * float(far.max()) + 4 * surface.mm_per_pixel
    patch = Patch.at(surface, anchor, heading, reach)
    st = np.abs(patch.st_mm[piece[patch.window]])
    half = np.nanmax(st, axis=0) + 2 * surface.mm_per_pixel
    half = half + ABOUT * half.max()
    return Cut(capture, piece, (column, row), triple(anchor), triple(heading),
               (2 * float(half[1]), 2 * float(half[0])), surface.mm_per_pixel * width_of(piece))
