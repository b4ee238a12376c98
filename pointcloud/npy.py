"""Clouds as NumPy arrays: (N, 3 or more) numbers, or records with named fields. Nothing in them is ever run."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from tokenize import TokenError

import numpy as np

from pointcloud.atomic import read_bytes, write_bytes
from pointcloud.roles import Roles, guessed, named

_AGAIN = "save it with numpy.save"


def read_columns(path: str | Path) -> tuple[dict[str, np.ndarray], Roles, np.dtype]:
    """Name → (N,) array of each column, their roles, and the file's dtype. Errors: ValueError, OSError; one line."""
    data = read_bytes(path)
    shape, fortran, dtype, at = _header(path, data)
    count = int(np.prod(shape, dtype=object))
    if dtype.hasobject or dtype.itemsize == 0 or min(shape, default=1) < 0 or len(data) - at < count * dtype.itemsize:
        raise ValueError(f"{path} should hold {count} values, but does not; {_AGAIN}")
    array = np.frombuffer(data, dtype, count, at).reshape(shape, order="F" if fortran else "C")
    if dtype.names:
        if array.ndim != 1 or any(dtype[name].shape or dtype[name].kind not in "fiu" for name in dtype.names):
            raise ValueError(f"{path} holds records that are no plain columns; save (N, 3) numbers")
        columns = {name: np.ascontiguousarray(array[name]) for name in dtype.names}
        return columns, named(columns), dtype
    if array.ndim != 2 or array.shape[1] < 3 or dtype.kind not in "fiu":
        raise ValueError(f"{path} holds {dtype} {array.shape}; a point cloud is (N, 3) numbers or more a row")
    columns = {str(i): np.ascontiguousarray(array[:, i]) for i in range(array.shape[1])}
    return columns, guessed(list(columns.values())), dtype


def write_columns(path: str | Path, columns: dict[str, np.ndarray], dtype: np.dtype) -> None:
    """Write columns as an array of the dtype they were read from, atomically. Errors: OSError."""
    if dtype.names:
        array = np.empty(len(next(iter(columns.values()))), dtype)
        for name, values in columns.items():
            array[name] = values
    else:
        array = np.stack(list(columns.values()), -1).astype(dtype, copy=False)
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def _header(path, data):
    try:
        buffer = BytesIO(data)
        version = np.lib.format.read_magic(buffer)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's advice on odd headers is not for our users
            shape, fortran, dtype = read(buffer)
    except (ValueError, KeyError, SyntaxError, TypeError, TokenError, RecursionError, MemoryError):
        raise ValueError(f"{path} is no NumPy array that can be read; {_AGAIN}") from None
    return shape, fortran, dtype, buffer.tell()
