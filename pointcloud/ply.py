"""PLY as tables of numbers: the vertex element of a file, read and written. Source: Turk 1994, "The PLY
format".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pointcloud.atomic import read_bytes, write_bytes

_DTYPES = {
    "char": "i1",
    "uchar": "u1",
    "short": "i2",
    "ushort": "u2",
    "int": "i4",
    "uint": "u4",
    "float": "f4",
    "double": "f8",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "float32": "f4",
    "float64": "f8",
}
_NAMES = {
    "u1": "uchar",
    "u2": "ushort",
    "u4": "uint",
    "f4": "float",
    "f8": "double",
    "i1": "char",
    "i2": "short",
    "i4": "int",
}
_ORDERS = {"ascii": "<", "binary_little_endian": "<", "binary_big_endian": ">"}
_AGAIN = "copy it again from the source"


def read_vertices(path: str | Path) -> dict[str, np.ndarray]:
    """Name -> (N,) array of each vertex property, ascii or binary; faces and the rest are left unread.

    Errors: ValueError (not PLY, cut short, vertices not first), OSError; one line that names the file.
    """
    data = read_bytes(path)
    end = data.find(b"end_header")
    line_end = data.find(b"\n", end)
    if not data.startswith(b"ply") or end < 0 or line_end < 0:
        raise ValueError(f"{path} is not a PLY file or its header is cut short; {_AGAIN}")
    lines = [line.split() for line in data[:end].decode("ascii", "replace").splitlines()]
    elements = [i for i, words in enumerate(lines) if words[:1] == ["element"]]
    order = next((_ORDERS.get(w[1]) for w in lines if w[:1] == ["format"] and len(w) > 1), None)
    if order is None:
        raise ValueError(f"{path} has no format line that PLY 1.0 knows; save it as binary_little_endian")
    if not elements or lines[elements[0]][1:2] != ["vertex"]:
        raise ValueError(f"{path} does not begin with its vertices; save it as a plain PLY point cloud")
    try:
        n = int(lines[elements[0]][2])
        stop = elements[1] if len(elements) > 1 else len(lines)
        rows = [words for words in lines[elements[0] + 1 : stop] if words[:1] == ["property"]]
        record = np.dtype([(words[2], order + _DTYPES[words[1]]) for words in rows])
        if n < 0 or not rows:
            raise ValueError
    except (ValueError, KeyError, IndexError):
        raise ValueError(
            f"{path} has a vertex header that PLY 1.0 does not know; save it as a plain PLY point cloud"
        ) from None
    body = data[line_end + 1 :]
    ascii_words = body.split() if ["format", "ascii"] in [w[:2] for w in lines] else None
    held, needed = (
        (len(body), n * record.itemsize) if ascii_words is None else (len(ascii_words), n * len(rows))
    )
    if held < needed:
        raise ValueError(f"{path} should hold {n} vertices, but is cut short; {_AGAIN}")
    if ascii_words is None:
        table = np.frombuffer(body, record, n)
        return {name: np.ascontiguousarray(table[name]) for name in record.names}
    try:
        columns = [
            np.array([float(w) for w in ascii_words[i : n * len(rows) : len(rows)]]) for i in range(len(rows))
        ]
    except ValueError:
        raise ValueError(f"{path} holds a word where a number should be; {_AGAIN}") from None
    return {name: c.astype(record[name]) for name, c in zip(record.names, columns, strict=True)}


def write_vertices(path: str | Path, columns: dict[str, np.ndarray]) -> None:
    """Write (N,) arrays as the vertices of a binary little-endian PLY, atomically and with no date in it."""
    n = len(next(iter(columns.values())))
    table = np.empty(n, [(name, v.dtype.newbyteorder("<")) for name, v in columns.items()])
    for name, values in columns.items():
        table[name] = values
    properties = "".join(f"property {_NAMES[v.dtype.str[1:]]} {name}\n" for name, v in columns.items())
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {n}\n{properties}end_header\n"
    write_bytes(path, header.encode("ascii") + table.tobytes())
