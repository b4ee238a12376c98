"""Textures to lay in a region: a folder of pictures that the user gives, and what a texture is put through."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from crossmodal.datasets.source import file_hash
from crossmodal.methods.folders import of_names
from crossmodal.methods.picked import PICTURES, Picked
from crossmodal.texture import hashed
from rgb import read_rgb


def listed(bank: str) -> tuple[str, ...]:
    """The pictures below a folder, in order. Raises ValueError where there are none."""
    if not Path(bank).is_dir():
        raise ValueError(f"{bank} is no folder; give a folder of textures, or none for procedural ones")
    return _listed(bank, of_names(bank))


@lru_cache(maxsize=8)
def _listed(bank, stamp):
    found = sorted(path.relative_to(bank).as_posix() for path in Path(bank).rglob("*")
                   if path.suffix.lower() in PICTURES and path.is_file())
    if not found:
        raise ValueError(f"{bank} holds no pictures; give a folder of textures, or none for procedural ones")
    return tuple(found)


def picked_of(bank: str, rng: np.random.Generator) -> Picked:
    """One of a bank's pictures. Raises ValueError where there are none."""
    names = listed(bank)
    name = names[int(rng.integers(len(names)))]
    return Picked(name=name, sha256=file_hash(Path(bank) / name))


def from_bank(bank: str, picked: Picked, shape: tuple[int, int], seed: int) -> np.ndarray:
    """(h, w, 3) uint8: a random crop of a picture, or the picture scaled up where it is smaller. Raises ValueError
    where its bytes are not those that were planned."""
    picture = read_rgb(picked.path_in(bank, "texture", "bank")).pixels
    grow = max(*(asked / own for asked, own in zip(shape, picture.shape, strict=False)), 1)
    h, w = (min(int(np.ceil(asked / grow)), own) for asked, own in zip(shape, picture.shape, strict=False))
    free = np.array(picture.shape[:2]) - (h, w)
    y, x = (free * (0.5 + 0.4999 * hashed(seed, 2))).astype(int)
    cut = np.ascontiguousarray(picture[y:y + h, x:x + w])
    return cut if grow == 1 else cv2.resize(cut, shape[::-1], interpolation=cv2.INTER_LINEAR)


def _gamma(picture, x):
    return _by_table(picture, 255 * (np.arange(256) / 255) ** (0.5 * 4**x))


def _brighter(picture, x):
    return _by_table(picture, np.arange(256) * (0.8 + 0.4 * x) + 60 * x - 30)


def _sharper(picture, x):
    return cv2.addWeighted(picture, 1 + 2 * x, cv2.GaussianBlur(picture, (0, 0), 1.5), -2 * x, 0)


def _other_hue(picture, x):
    levels = np.arange(256)
    tables = (levels + round(100 * x - 50)) % 180, np.clip(levels + 100 * x - 50, 0, 255), levels
    hsv = cv2.LUT(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV), np.stack(tables, -1).astype(np.uint8)[None])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def _solarised(picture, x):
    steps = np.arange(256)
    return _by_table(picture, np.where(steps >= 32 + 96 * x, 255 - steps, steps))


def _posterised(picture, x):
    return picture & np.uint8(256 - 2 ** (4 + int(3 * x)))


def _inverted(picture, x):
    return 255 - picture


def _stretched(picture, x):
    low, high = (float(picture.min()), max(float(picture.max()), float(picture.min()) + 1))
    return _by_table(picture, (np.arange(256) - low) * 255 / (high - low))


def _equalised(picture, x):
    return cv2.merge([cv2.equalizeHist(channel) for channel in cv2.split(picture)])


def _turned(picture, x):
    h, w = picture.shape[:2]
    turn = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), 90 * x - 45, 1)
    return cv2.warpAffine(picture, turn, (w, h), borderMode=cv2.BORDER_REFLECT_101)


AUGMENTERS = (_gamma, _brighter, _sharper, _other_hue, _solarised, _posterised, _inverted, _stretched, _equalised,
              _turned)
"""DRAEM's ten, in its order and with its ranges."""
NATURAL = (_gamma, _brighter, _sharper, _turned)
"""Those that leave a material the colours that it has in some light."""


def _by_table(picture, table):
    return cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8))


def augmented(picture: np.ndarray, count: int, seed: int, among: tuple = AUGMENTERS) -> np.ndarray:
    """A picture (h, w, 3) uint8 through so many of these augmenters, no one twice."""
    numbers = hashed(seed, 2 * len(among))
    for i in np.argsort(numbers[:len(among)], kind="stable")[:count]:
        picture = among[i](np.ascontiguousarray(picture), 0.5 + 0.5 * float(numbers[len(among) + i]))
    return picture
