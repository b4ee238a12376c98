"""Masks that enter: any nonzero pixel is a defect; class ids are kept where a dataset says what they mean."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rgb import read_mask


def read_levels(path: Path, kind: str, ids: Mapping[str, int], shape: tuple[int, int]) -> np.ndarray:
    """A ground truth (H, W) uint8 in class ids: a value that is no id counts as the sample's own kind.

    Raises ValueError, OSError: unreadable, or not of the picture's shape (H, W).
    """
    levels = read_mask(path)
    if levels.shape != shape:
        raise ValueError(f"{path} is {levels.shape[1]}x{levels.shape[0]} pixels but its picture is "
                         f"{shape[1]}x{shape[0]}; a mask needs the picture's own size")
    unknown = ~np.isin(levels, [0, *ids.values()])
    return np.where(unknown, np.uint8(ids.get(kind, 255)), levels) if unknown.any() else levels


def read_binary(path: Path, level: int, shape: tuple[int, int]) -> np.ndarray:
    """A mask of one kind (H, W) uint8: its class id wherever the file is not zero. Errors: as read_levels."""
    return np.where(read_levels(path, "", {}, shape) > 0, np.uint8(level), np.uint8(0))
