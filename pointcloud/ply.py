"""PLY as tables of numbers: the vertex element of a file, read and written. Source: Turk 1994, "The PLY
format".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
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
_LONGEST_HEADER = 1 << 20


@dataclass(frozen=True, eq=False)
class Ply:
    """vertices: name -> (N,) array of each property; size: (height, width) of the grid they lie in, row by
    row, or None where the file says of none."""

    vertices: dict[str, np.ndarray]
    size: tuple[int, int] | None = None


def read_vertices(path: str | Path) -> dict[str, np.ndarray]:
    """Name -> (N,) array of each vertex property, ascii or binary; faces and the rest are left unread.

    Errors: ValueError (not PLY, cut short, vertices not first), OSError; one line that names the file.
    """
    return read_ply(path).vertices


def read_ply(path: str | Path) -> Ply:
    """The vertices and their grid: of obj_info num_cols and num_rows (Stanford, PCL), of width and height in
    an obj_info or comment, or of PCL's camera element. Errors: as read_vertices.
    """
    data = read_bytes(path)
    end = data.find(b"end_header", 0, _LONGEST_HEADER)
    line_end = data.find(b"\n", end)
    if not data.startswith(b"ply") or end < 0 or line_end < 0:
        raise ValueError(f"{path} is not a PLY file or its header is cut short; {_AGAIN}")
    lines = [line.split() for line in data[:end].decode("ascii", "replace").splitlines()]
    n, record, ascii_text = _vertex_record(path, lines)
    body = memoryview(data)[line_end + 1 :]
    words = bytes(body).split() if ascii_text else None
    held, needed = (len(body), n * record.itemsize) if words is None else (len(words), n * len(record.names))
    if held < needed:
        raise ValueError(f"{path} should hold {n} vertices, but is cut short; {_AGAIN}")
    if words is None:
        table = np.frombuffer(body, record, n)
        vertices = {name: np.ascontiguousarray(table[name]) for name in record.names}
        rest = body[needed:]
    else:
        vertices, rest = _columns(path, words, n, record), words[needed:]
    grid = _said_grid(data[:end].decode("ascii", "replace")) or _camera_grid(lines, rest)
    return Ply(vertices, grid if grid is not None and grid[0] * grid[1] == n else None)


def _vertex_record(path, lines):
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
    return n, record, ["format", "ascii"] in [w[:2] for w in lines]


def _columns(path, words, n, record):
    count = len(record.names)
    columns = {}
    for i, name in enumerate(record.names):
        try:
            values = np.array([float(w) for w in words[i : n * count : count]])
        except ValueError:
            raise ValueError(f"{path} holds a word where a number should be; {_AGAIN}") from None
        if record[name].kind in "iu":
            limits = np.iinfo(record[name])
            if not ((values >= limits.min) & (values <= limits.max)).all():  # NaN is in no range
                raise ValueError(f"{path} holds a {name} that is no {record[name].name}; {_AGAIN}")
        with np.errstate(over="ignore"):
            columns[name] = values.astype(record[name])
    return columns


def _said_grid(header):
    said = {}
    for line in re.findall(r"^(?:obj_info|comment)(.*)$", header, re.MULTILINE):
        for word, number in re.findall(r"(num_cols|num_rows|width|height)\W{0,5}(\d{1,9})\b", line, re.IGNORECASE):
            said.setdefault({"num_cols": "width", "num_rows": "height"}.get(word.lower(), word.lower()), int(number))
    return (said["height"], said["width"]) if len(said) == 2 else None


def _camera_grid(lines, rest):
    """PCL's camera element, after vertices alone: the last but three and two of its numbers are the size."""
    elements = [i for i, words in enumerate(lines) if words[:1] == ["element"]]
    others = [i for i in elements[1:] if lines[i][2:3] != ["0"]]
    if not others or lines[others[0]][1:3] != ["camera", "1"]:
        return None
    rows = [words for words in lines[others[0] + 1 :] if words[:1] == ["property"]]
    order = next(_ORDERS[w[1]] for w in lines if w[:1] == ["format"])
    try:
        record = np.dtype([(words[2], order + _DTYPES[words[1]]) for words in rows])
        if isinstance(rest, list):
            values = dict(zip(record.names, map(float, rest), strict=False))
        else:
            values = np.frombuffer(rest, record, 1)[0]
        return int(values["viewporty"]), int(values["viewportx"])
    except (ValueError, KeyError, IndexError, OverflowError, TypeError):
        return None


def write_vertices(path: str | Path, columns: dict[str, np.ndarray]) -> None:
    """Write (N,) arrays as the vertices of a binary little-endian PLY, atomically and with no date in it."""
    n = len(next(iter(columns.values())))
    table = np.empty(n, [(name, v.dtype.newbyteorder("<")) for name, v in columns.items()])
    for name, values in columns.items():
        table[name] = values
    properties = "".join(f"property {_NAMES[v.dtype.str[1:]]} {name}\n" for name, v in columns.items())
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {n}\n{properties}end_header\n"
    write_bytes(path, header.encode("ascii") + table.tobytes())
