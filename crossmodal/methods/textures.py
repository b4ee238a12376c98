"""Textures to lay in a region: a folder of pictures that the user gives, or procedural ones where there is none."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from numba import njit

from crossmodal.texture import hashed, lattice_noise
from rgb import read_rgb

PICTURES = (".jpg", ".jpeg", ".png", ".bmp")
GRAIN = 0.05  # of a canvas's side, that a procedural texture's features are about as wide as


def listed(bank: str) -> tuple[str, ...]:
    """The pictures below a folder, in order. Raises ValueError where there are none."""
    if not Path(bank).is_dir():
        raise ValueError(f"{bank} is no folder; give a folder of textures, or none for procedural ones")
    return _listed(bank, Path(bank).stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _listed(bank, stamp):
    found = sorted(path.relative_to(bank).as_posix() for path in Path(bank).rglob("*")
                   if path.suffix.lower() in PICTURES and path.is_file())
    if not found:
        raise ValueError(f"{bank} holds no pictures; give a folder of textures, or none for procedural ones")
    return tuple(found)


def hash_of(path: Path) -> str:
    """sha256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def from_bank(bank: str, name: str, digest: str, shape: tuple[int, int], seed: int) -> np.ndarray:
    """(h, w, 3) uint8: a random crop of a picture, or the picture scaled up where it is smaller. Raises ValueError
    where its bytes are not those that were planned."""
    path = Path(bank) / name
    if not path.is_file() or hash_of(path) != digest:
        raise ValueError(f"{path} is not the texture that was planned (its sha256 differs); give the same bank")
    picture = read_rgb(path).pixels
    grow = max(*(asked / own for asked, own in zip(shape, picture.shape, strict=False)), 1)
    h, w = (min(int(np.ceil(asked / grow)), own) for asked, own in zip(shape, picture.shape, strict=False))
    free = np.array(picture.shape[:2]) - (h, w)
    y, x = (free * (0.5 + 0.4999 * hashed(seed, 2))).astype(int)
    cut = np.ascontiguousarray(picture[y:y + h, x:x + w])
    return cut if grow == 1 else cv2.resize(cut, shape[::-1], interpolation=cv2.INTER_LINEAR)


def procedural(shape: tuple[int, int], seed: int) -> np.ndarray:
    """(h, w, 3) uint8: marble, bands, weave or spots of three colours."""
    numbers = 0.5 + 0.5 * hashed(seed, 16)
    coarse = [(n + 1) // 2 for n in shape]  # it has no detail as fine as a cell
    y, x = (np.arange(n, dtype=np.float64) / max(coarse) for n in coarse)
    y, x = np.meshgrid(y, x, indexing="ij")
    grain = GRAIN * 2 ** (2 * numbers[0] - 1)
    cloud = lattice_noise(x, y, seed + 1, grain, 4).astype(np.float64)
    turn = np.pi * numbers[1]
    along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    kind = int(4 * numbers[2] * 0.9999)
    if kind == 0:
        value = 0.5 + 0.9 * cloud
    elif kind == 1:
        value = 0.5 + 0.5 * np.sin(2 * np.pi * (along / grain + cloud))
    elif kind == 2:
        value = 0.5 + 0.25 * (np.sin(4 * np.pi * along / grain) + np.sin(4 * np.pi * across / grain)) + 0.3 * cloud
    else:
        value = np.clip(0.5 + 4 * lattice_noise(x, y, seed + 9, 0.6 * grain, 1), 0, 1) + 0.2 * cloud
    out = _coloured(value, 255 * numbers[4:13].reshape(3, 3))
    out = cv2.resize(out, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(out, 0, 255, out=out).astype(np.uint8)


@njit(cache=True, nogil=True)
def _coloured(value, colours):
    """(h, w, 3) float32 for values (h, w) from 0 to 1: from the first of three colours (3, 3) to the last."""
    out = np.empty((*value.shape, 3), np.float32)
    for i in range(value.shape[0]):
        for j in range(value.shape[1]):
            x = min(max(value[i, j], 0.0), 1.0)
            lower, upper = min(2 * x, 1.0), max(2 * x - 1, 0.0)
            for c in range(3):
                out[i, j, c] = (colours[0, c] + lower * (colours[1, c] - colours[0, c])
                                + upper * (colours[2, c] - colours[1, c]))
    return out


def _gamma(picture, x):
    return _by_table(picture, 255 * (np.arange(256) / 255) ** (0.5 * 4**x))


def _brighter(picture, x):
    return _by_table(picture, np.arange(256) * (0.8 + 0.4 * x) + 60 * x - 30)


def _sharper(picture, x):
    return cv2.addWeighted(picture, 1 + 2 * x, cv2.GaussianBlur(picture, (0, 0), 1.5), -2 * x, 0)


def _other_hue(picture, x):
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(int)
    hsv[..., 0] = (hsv[..., 0] + round(100 * x - 50)) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] + 100 * x - 50, 0, 255)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


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
    return cv2.merge([cv2.equalizeHist(np.ascontiguousarray(picture[..., c])) for c in range(3)])


def _turned(picture, x):
    h, w = picture.shape[:2]
    turn = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), 90 * x - 45, 1)
    return cv2.warpAffine(picture, turn, (w, h), borderMode=cv2.BORDER_REFLECT_101)


AUGMENTERS = (_gamma, _brighter, _sharper, _other_hue, _solarised, _posterised, _inverted, _stretched, _equalised,
              _turned)
"""DRAEM's ten, in its order and with its ranges."""


def _by_table(picture, table):
    return cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8))


def augmented(picture: np.ndarray, count: int, seed: int) -> np.ndarray:
    """A picture (h, w, 3) uint8 through so many of the ten augmenters, no one twice."""
    numbers = hashed(seed, 2 * len(AUGMENTERS))
    for i in np.argsort(numbers[:len(AUGMENTERS)], kind="stable")[:count]:
        picture = AUGMENTERS[i](np.ascontiguousarray(picture), 0.5 + 0.5 * float(numbers[len(AUGMENTERS) + i]))
    return picture
