"""Which columns of a table are coordinates, colours and normals: by their names, or by the numbers in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_XYZ = (("x", "y", "z"),)
_RGB = (("red", "green", "blue"), ("r", "g", "b"))
_NORMALS = (("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"))
_UNIT = 0.02  # by which a written normal's length may miss 1
LOOKED_AT = 4096  # rows that tell what a column without a name holds


@dataclass(frozen=True)
class Roles:
    """Column names; rgb is three of them, one packed, or none. colour_scale: from the file's numbers to 0…255."""

    xyz: tuple[str, ...]
    rgb: tuple[str, ...] = ()
    normals: tuple[str, ...] = ()
    colour_scale: float = 1.0


def named(columns: dict[str, np.ndarray]) -> Roles:
    """Roles by name, of any case; colours must be bytes, or numbers within 0…255 or 0…1."""
    lower = {name.lower(): name for name in columns}

    def first(choices):
        return next((tuple(lower[n] for n in names) for names in choices if all(n in lower for n in names)), ())

    rgb = first(_RGB)
    scale = colour_scale([columns[name] for name in rgb]) if rgb else 1.0
    return Roles(first(_XYZ), rgb if scale else (), first(_NORMALS), scale or 1.0)


def guessed(values: list[np.ndarray]) -> Roles:
    """Roles of columns 0, 1, 2… (N,) without names: x y z first, then triples that are of unit length, or colours."""
    names = tuple(map(str, range(len(values))))
    rgb: tuple[str, ...] = ()
    normals: tuple[str, ...] = ()
    scale, at = 1.0, 3
    while at + 3 <= len(values):
        three = [column[:LOOKED_AT] for column in values[at:at + 3]]
        if not normals and _of_unit_length(three):
            normals, at = names[at:at + 3], at + 3
        elif not rgb and (found := colour_scale(three)) and len(values) >= 6:
            rgb, scale, at = names[at:at + 3], found, at + 3
        else:
            at += 1
    return Roles(names[:3], rgb, normals, scale)


def names_of(header: str) -> list[str] | None:
    """The column names in a line such as "//X Y Z R G B" or "# x,y,z,nx,ny,nz"; None where it names none."""
    words = [word.strip("\"'") for word in re.split(r"[\s,;]+", header.strip().lstrip("#/").strip()) if word]
    lower = [word.lower() for word in words]
    return lower if {"x", "y", "z"} <= set(lower) and len(set(lower)) == len(lower) else None


def colour_scale(three: list[np.ndarray]) -> float | None:
    """What brings three columns to 0…255: 1 for bytes and whole numbers, 255 for shares; None for no colours."""
    if any(column.ndim != 1 or column.dtype.kind not in "fiu" for column in three):
        return None
    if all(column.dtype == np.uint8 for column in three):
        return 1.0
    values = np.stack(three).astype(np.float64)
    if not values.size or not np.isfinite(values).all() or values.min() < 0:
        return None
    if values.max() <= 1:
        return 255.0
    return 1.0 if values.max() <= 255 and (values == np.rint(values)).all() else None


def _of_unit_length(three):
    if any(column.dtype.kind != "f" for column in three):
        return False
    length = np.linalg.norm(np.stack(three).astype(np.float64), axis=0)
    length = length[length > 0]
    return len(length) > 0 and bool((np.abs(length - 1) < _UNIT).mean() > 0.9)
