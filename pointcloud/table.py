"""A cloud as its file has it: every column in its own type and unit, so that an untouched point is written bit for bit.

PLY, PCD, text (XYZ, TXT, ASC) and NPY, by suffix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pointcloud import npy, text
from pointcloud.pcd import Pcd, encoding_of, pack_rgb, pcd_rgb, read_pcd, write_pcd
from pointcloud.ply import read_ply, write_vertices
from pointcloud.roles import Roles, named

_PCD_COLOURS = ("rgb", "rgba")


@dataclass(frozen=True, eq=False)
class Table:
    """columns: name → (N,) or (N, k) array; roles: which of them are coordinates, colours and normals.

    viewpoint: (x, y, z) in the file's unit where the file says one; kept: what its format needs to be written alike
    """

    suffix: str
    columns: dict[str, np.ndarray]
    roles: Roles
    viewpoint: tuple[float, float, float] | None = None
    kept: object = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def xyz(self) -> np.ndarray:
        """(N, 3) float64, in the file's unit."""
        return np.stack([self.columns[name] for name in self.roles.xyz], -1).astype(np.float64)

    @property
    def rgb(self) -> np.ndarray | None:
        """(N, 3) uint8, or None."""
        if not self.roles.rgb:
            return None
        if len(self.roles.rgb) == 1:
            return pcd_rgb(Pcd({self.roles.rgb[0]: self.columns[self.roles.rgb[0]]}, len(self)))
        values = np.stack([self.columns[name] for name in self.roles.rgb], -1)
        return values if values.dtype == np.uint8 else np.rint(values * self.roles.colour_scale).astype(np.uint8)

    @property
    def normals(self) -> np.ndarray | None:
        """(N, 3) float64 as they stand there, or None."""
        if not self.roles.normals:
            return None
        return np.stack([self.columns[name] for name in self.roles.normals], -1).astype(np.float64)

    def edited(self, rows: np.ndarray, moved: np.ndarray, xyz: np.ndarray, normals: np.ndarray | None,
               recoloured: np.ndarray, rgb: np.ndarray | None) -> Table:
        """The rows (M,) of this table one after another, with new values where moved and recoloured (M,) bool say so.

        xyz: (M, 3) float64 in the file's unit; normals: (M, 3) or None; rgb: (M, 3) uint8 or None
        """
        columns = {name: values[rows] for name, values in self.columns.items()}
        for axis, name in enumerate(self.roles.xyz):
            columns[name] = _put(columns[name], moved, xyz[:, axis])
        for axis, name in enumerate(self.roles.normals if normals is not None else ()):
            columns[name] = _put(columns[name], moved, normals[:, axis])
        if rgb is not None and len(self.roles.rgb) == 1:
            name = self.roles.rgb[0]
            packed = columns[name].view(np.uint32).copy()
            alpha = packed[recoloured] & np.uint32(0xFF000000)
            packed[recoloured] = alpha | (pack_rgb(rgb[recoloured]) & np.uint32(0x00FFFFFF))
            columns[name] = packed.view(columns[name].dtype)
        elif rgb is not None:
            for channel, name in enumerate(self.roles.rgb):
                columns[name] = _put(columns[name], recoloured, rgb[:, channel] / self.roles.colour_scale)
        same = np.where(moved | recoloured, -1, rows)
        return replace(self, columns=columns, kept=_kept(self, same))


def _put(values, where, new):
    values = values.copy()
    chosen = new[where]
    values[where] = np.rint(chosen).astype(values.dtype) if values.dtype.kind in "iu" else chosen.astype(values.dtype)
    return values


def _kept(table, same):
    return text.taken(table.kept, same) if isinstance(table.kept, text.Lines) else table.kept


def read_table(path: str | Path) -> Table:
    """A cloud's columns. Errors: ValueError (unknown suffix, damaged, no x y z), OSError; one line with the way out."""
    return _format(path)[0](Path(path))


def write_table(path: str | Path, table: Table) -> None:
    """Write a table in the format of its own suffix, atomically; the same table gives the same bytes.

    Text keeps the lines of untouched points. PLY is written as binary. Errors: OSError, ValueError.
    """
    _format(table.suffix)[1](Path(path), table)


def _read_ply(path: Path) -> Table:
    columns = read_ply(path).vertices
    return _checked(path, Table(".ply", columns, named(columns)))


def _write_ply(path: Path, table: Table) -> None:
    write_vertices(path, table.columns)


def _read_pcd(path: Path) -> Table:
    pcd = read_pcd(path)
    columns = dict(pcd.fields)
    packed = next(((name,) for name in _PCD_COLOURS if name in columns and columns[name].ndim == 1
                   and columns[name].dtype.itemsize == 4), ())
    roles = replace(named(columns), rgb=packed, colour_scale=1.0)
    # PCL writes 0 0 0 where nobody said anything: that is no viewpoint.
    seen_from = pcd.viewpoint[:3] if any(pcd.viewpoint[:3]) else None
    return _checked(path, Table(".pcd", columns, roles, seen_from, (encoding_of(path), pcd.viewpoint)))


def _write_pcd(path: Path, table: Table) -> None:
    encoding, viewpoint = table.kept
    write_pcd(path, Pcd(table.columns, len(table), viewpoint=viewpoint), encoding)


def _read_text(path: Path) -> Table:
    columns, roles, lines = text.read_lines(path)
    return _checked(path, Table(path.suffix.lower(), columns, roles, None, lines))


def _write_text(path: Path, table: Table) -> None:
    text.write_lines(path, table.columns, table.kept)


def _read_npy(path: Path) -> Table:
    columns, roles, dtype = npy.read_columns(path)
    return _checked(path, Table(".npy", columns, roles, None, dtype))


def _write_npy(path: Path, table: Table) -> None:
    npy.write_columns(path, table.columns, table.kept)


_TEXT = (_read_text, _write_text)
FORMATS: dict[str, tuple[Callable, Callable]] = {
    ".ply": (_read_ply, _write_ply), ".pcd": (_read_pcd, _write_pcd), ".xyz": _TEXT, ".txt": _TEXT, ".asc": _TEXT,
    ".npy": (_read_npy, _write_npy)}


def _format(path):
    suffix = Path(path).suffix.lower() or str(path)
    if suffix not in FORMATS:
        raise ValueError(f"{path} has no point cloud suffix that is known; use one of {' '.join(FORMATS)}")
    return FORMATS[suffix]


def _checked(path, table: Table) -> Table:
    if len(table.roles.xyz) != 3:
        raise ValueError(f"{path} has no x y z; a point cloud needs them")
    for name in (*table.roles.xyz, *table.roles.normals):
        if table.columns[name].ndim != 1 or table.columns[name].dtype.kind not in "fiu":
            raise ValueError(f"{path} holds {name} as no plain number a point; save it with one")
    return table
