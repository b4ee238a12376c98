"""PCD v0.7, the Point Cloud Library's format, in its three encodings: ascii, binary and binary_compressed.

Unlike most readers it keeps what a capture needs: the organised grid with its NaN, labels and any other
field. Source: pointclouds.org, "The PCD (Point Cloud Data) file format"; LZF blocks as PCL writes them (field
by field).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from pointcloud import lzf
from pointcloud.atomic import read_bytes, write_bytes

Encoding = Literal["ascii", "binary", "binary_compressed"]
ENCODINGS = ("ascii", "binary", "binary_compressed")
_KINDS = {"I": "i", "U": "u", "F": "f"}
_TYPES = {v: k for k, v in _KINDS.items()}
_HEADER = ("VERSION", "FIELDS", "SIZE", "TYPE", "COUNT", "WIDTH", "HEIGHT", "VIEWPOINT", "POINTS", "DATA")
_AGAIN = "copy it again from the source"


@dataclass(frozen=True, eq=False)
class Pcd:
    """What a PCD file holds, as it holds it (no unit change, nothing dropped but `_` padding).

    fields: name -> (N,) or (N, count) little-endian array, read-only, N = width * height in row order.
    viewpoint: (tx, ty, tz, qw, qx, qy, qz), the acquisition pose. Errors: ValueError.
    """

    fields: Mapping[str, np.ndarray]
    width: int
    height: int = 1
    viewpoint: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        n = self.width * self.height
        held = {}
        for name, values in self.fields.items():
            view = np.ascontiguousarray(values).view()
            good = (
                view.ndim in (1, 2)
                and len(view) == n
                and view.dtype.kind in _TYPES
                and view.dtype.itemsize <= 8
            )
            if not good or 0 in view.shape[1:]:
                raise ValueError(
                    f"field {name} must be numbers ({n},) or ({n}, count), but got {view.dtype} {view.shape}"
                )
            if not name or name == "_" or any(c.isspace() for c in name):
                raise ValueError(f"a field name must be one word other than '_', but got {name!r}")
            view = view.astype(view.dtype.newbyteorder("<"), copy=False).view()
            view.setflags(write=False)
            held[name] = view
        if len(self.viewpoint) != 7:
            raise ValueError(f"viewpoint must be 7 numbers, but got {len(self.viewpoint)}")
        object.__setattr__(self, "fields", MappingProxyType(held))
        object.__setattr__(self, "viewpoint", tuple(float(v) for v in self.viewpoint))

    @property
    def organised(self) -> bool:
        return self.height > 1

    def grid(self, name: str) -> np.ndarray:
        """One field as (height, width) or (height, width, count)."""
        values = self.fields[name]
        return values.reshape(self.height, self.width, *values.shape[1:])

    def xyz(self) -> np.ndarray:
        """float32 (height, width, 3) if organised, else (N, 3), NaN kept. Errors: ValueError, no x y z."""
        if any(axis not in self.fields for axis in "xyz"):
            raise ValueError(f"a point needs the fields x y z, but got {' '.join(self.fields)[:80]}")
        points = np.stack([self.fields[axis] for axis in "xyz"], axis=-1).astype(np.float32, copy=False)
        return points.reshape(self.height, self.width, 3) if self.organised else points


def pcd_rgb(pcd: Pcd) -> np.ndarray | None:
    """Unpack the field rgb or rgba, 0xAARRGGBB in four bytes, float or integer (only the bits matter).

    uint8 (height, width, 3) if organised, else (N, 3); None if the file has no colour.
    """
    for name in ("rgb", "rgba"):
        packed = pcd.fields.get(name)
        if packed is not None and packed.dtype.itemsize == 4 and packed.ndim == 1:
            rgb = np.ascontiguousarray(packed.view(np.uint8).reshape(-1, 4)[:, 2::-1])
            return rgb.reshape(pcd.height, pcd.width, 3) if pcd.organised else rgb
    return None


def pack_rgb(rgb: np.ndarray) -> np.ndarray:
    """uint8 (..., 3) -> uint32 (N,) as PCD's rgba packs it, alpha 255."""
    r, g, b = (rgb[..., i].reshape(-1).astype(np.uint32) for i in range(3))
    return np.uint32(0xFF000000) | (r << np.uint32(16)) | (g << np.uint32(8)) | b


def _header(path: str | Path, data: bytes) -> tuple[dict[str, list[str]], bytes]:
    found: dict[str, list[str]] = {}
    at = 0
    while "DATA" not in found:
        end = data.find(b"\n", at, at + 65536)
        if end < 0:
            raise ValueError(f"{path} is not a PCD file or its header is cut short (no DATA line); {_AGAIN}")
        words = data[at:end].decode("ascii", "replace").split()
        at = end + 1
        if not words or words[0].startswith("#"):
            continue
        if words[0] not in _HEADER:
            raise ValueError(
                f"{path} is not PCD v0.7 (unknown header line {words[0][:20]!r}); save it as PCD v0.7"
            )
        found[words[0]] = words[1:]
    missing = [k for k in ("FIELDS", "SIZE", "TYPE", "WIDTH", "HEIGHT") if not found.get(k)]
    if missing:
        raise ValueError(f"{path} has no {missing[0]} line in its header; save it as PCD v0.7")
    if found.get("VERSION", ["0.7"])[:1] not in (["0.7"], [".7"]):
        raise ValueError(f"{path} is PCD version {' '.join(found['VERSION'])[:20]}; save it as PCD v0.7")
    return found, data[at:]


def _layout(path: str | Path, head: dict[str, list[str]]) -> tuple[list[tuple[str, np.dtype, int]], int, int]:
    names = head["FIELDS"]
    counts = head.get("COUNT", ["1"] * len(names))
    if not len(names) == len(head["SIZE"]) == len(head["TYPE"]) == len(counts):
        raise ValueError(
            f"{path} has FIELDS, SIZE, TYPE and COUNT lines of different lengths; mend its header"
        )
    real = [n for n in names if n != "_"]
    if len(set(real)) != len(real):
        raise ValueError(f"{path} names a field twice in FIELDS {' '.join(names)[:80]}; mend its header")
    try:
        layout = [
            (n, np.dtype(f"<{_KINDS[t]}{int(s)}"), int(c))
            for n, s, t, c in zip(names, head["SIZE"], head["TYPE"], counts, strict=True)
        ]
        width, height = int(head["WIDTH"][0]), int(head["HEIGHT"][0])
        points = int(head.get("POINTS", [str(width * height)])[0])
    except (ValueError, KeyError, TypeError, IndexError):
        raise ValueError(
            f"{path} has a SIZE, TYPE, COUNT, WIDTH, HEIGHT or POINTS that is no PCD v0.7; mend its header"
        ) from None
    if width < 0 or height < 0 or any(c < 1 for _, _, c in layout):
        raise ValueError(f"{path} has a negative WIDTH or HEIGHT or a COUNT below 1; mend its header")
    if points != width * height:
        raise ValueError(
            f"{path} says POINTS {points}, but WIDTH x HEIGHT is {width * height}; mend its header"
        )
    return layout, width, height


def _ascii_columns(path: str | Path, body: bytes, layout: list, n: int) -> list[np.ndarray]:
    tokens = body.split()
    per_point = sum(c for _, _, c in layout)
    if len(tokens) != n * per_point:
        raise ValueError(
            f"{path} should hold {n} points of {per_point} numbers, but holds {len(tokens)} numbers; {_AGAIN}"
        )
    columns, at = [], 0
    for _, dtype, count in layout:
        part = [tokens[k::per_point] for k in range(at, at + count)]
        at += count
        try:
            if dtype.kind == "f":
                columns.append(np.array([[float(t) for t in c] for c in part], np.float64).T.astype(dtype))
            else:
                columns.append(np.array([[int(t) for t in c] for c in part], dtype).T)
        except (ValueError, OverflowError):
            raise ValueError(f"{path} holds a value that is no {dtype.name}; {_AGAIN}") from None
    return columns


def read_pcd(path: str | Path) -> Pcd:
    """Read a PCD v0.7 file. Errors: ValueError (not PCD, damaged, unknown header), OSError; one line each."""
    head, body = _header(path, read_bytes(path))
    layout, width, height = _layout(path, head)
    n = width * height
    size = n * sum(d.itemsize * c for _, d, c in layout)
    encoding = " ".join(head["DATA"])
    if encoding == "ascii":
        columns = _ascii_columns(path, body, layout, n)
    elif encoding == "binary":
        if len(body) < size or body[size:].strip(b"\0\r\n"):
            raise ValueError(f"{path} should hold {size} bytes of points, but holds {len(body)}; {_AGAIN}")
        record = np.dtype([(str(i), d, (c,)) for i, (_, d, c) in enumerate(layout)])
        table = np.frombuffer(body, record, n)
        columns = [table[str(i)] for i in range(len(layout))]
    elif encoding == "binary_compressed":
        columns = _unpacked(path, body, layout, n, size)
    else:
        raise ValueError(f"{path} has DATA {encoding[:40]!r}; save it as one of {', '.join(ENCODINGS)}")
    fields = {
        name: np.ascontiguousarray(values[:, 0] if count == 1 else values)
        for (name, _, count), values in zip(layout, columns, strict=True)
        if name != "_"
    }
    try:
        viewpoint = tuple(float(v) for v in head.get("VIEWPOINT", "0 0 0 1 0 0 0".split()))
        return Pcd(fields, width, height, viewpoint)
    except ValueError as e:
        raise ValueError(f"{path}: {str(e)[:200]}; mend its header") from None


def _unpacked(path: str | Path, body: bytes, layout: list, n: int, size: int) -> list[np.ndarray]:
    if len(body) < 8:
        raise ValueError(f"{path} is cut short before its points; {_AGAIN}")
    packed, unpacked = (int(v) for v in np.frombuffer(body, "<u4", 2))
    if unpacked != size:
        raise ValueError(f"{path} should hold {size} bytes of points, but says {unpacked}; {_AGAIN}")
    if len(body) - 8 < packed:
        raise ValueError(f"{path} should hold {packed} compressed bytes, but holds {len(body) - 8}; {_AGAIN}")
    try:
        raw = lzf.decompress(body[8 : 8 + packed], size)
    except ValueError as e:
        raise ValueError(f"{path}: {e}; {_AGAIN}") from None
    columns, at = [], 0
    for _, dtype, count in layout:
        columns.append(np.frombuffer(raw, dtype, n * count, at).reshape(n, count))
        at += n * count * dtype.itemsize
    return columns


def encoding_of(path: str | Path) -> Encoding:
    """How a PCD holds its points: ascii, binary or binary_compressed. Errors: ValueError, OSError."""
    with open(path, "rb") as file:
        for line in file:
            if line.startswith(b"DATA "):
                return line.split()[1].decode("ascii")
    raise ValueError(f"{path} has no DATA line; save it as PCD v0.7")


def write_pcd(path: str | Path, pcd: Pcd, encoding: Encoding = "binary_compressed") -> None:
    """Write PCD v0.7, atomically; the same values give the same bytes, and every field reads back bit for
    bit.

    In ascii alone, a packed colour held as float is written as the integer of its bits (TYPE U), as PCL does,
    and a NaN loses its payload. Errors: ValueError for an unknown encoding or over 4 GiB compressed; OSError.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding must be one of {', '.join(ENCODINGS)}, but got {encoding}")
    n = pcd.width * pcd.height
    columns = {name: v[:, None] if v.ndim == 1 else v for name, v in pcd.fields.items()}
    if encoding == "ascii":  # alpha 255 makes such a float NaN, and text cannot carry which NaN
        columns = {
            name: v.view("<u4") if name in ("rgb", "rgba") and v.dtype == np.float32 else v
            for name, v in columns.items()
        }
        text = [[str(x) for x in c] for v in columns.values() for c in v.T]
        body = "".join(" ".join(row) + "\n" for row in zip(*text, strict=True)).encode()
    elif encoding == "binary":
        table = np.empty(
            n, np.dtype([(str(i), v.dtype, (v.shape[1],)) for i, v in enumerate(columns.values())])
        )
        for i, v in enumerate(columns.values()):
            table[str(i)] = v
        body = table.tobytes()
    else:
        raw = b"".join(v.tobytes() for v in columns.values())
        if len(raw) >= 1 << 32:
            raise ValueError(
                f"{path} would hold {len(raw)} bytes, over binary_compressed's 4 GiB; use binary"
            )
        packed = lzf.compress(raw)
        body = np.array([len(packed), len(raw)], "<u4").tobytes() + packed
    lines = [
        "# .PCD v0.7 - Point Cloud Data file format",
        "VERSION 0.7",
        "FIELDS " + " ".join(columns),
        "SIZE " + " ".join(str(v.dtype.itemsize) for v in columns.values()),
        "TYPE " + " ".join(_TYPES[v.dtype.kind] for v in columns.values()),
        "COUNT " + " ".join(str(v.shape[1]) for v in columns.values()),
        f"WIDTH {pcd.width}",
        f"HEIGHT {pcd.height}",
        "VIEWPOINT " + " ".join(f"{v:.17g}" for v in pcd.viewpoint),
        f"POINTS {n}",
        f"DATA {encoding}",
    ]
    write_bytes(path, "\n".join(lines).encode("ascii") + b"\n" + body)
