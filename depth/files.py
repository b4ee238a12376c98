"""Depth maps and organised points on disk."""

from __future__ import annotations

import io
import logging
import math
import os
import stat
import threading
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import tifffile

from depth.map import DepthMap

logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # we say what is wrong, once, as an exception

_AGAIN = "copy it again from the source"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MILLIMETRE = 0.001
_CODES = (0, 65535)
MOST_PIXELS = 1 << 26
"""More than any sensor has: a header that claims more is a mistake or an attack."""
MOST_BYTES = 1 << 31
_DEFLATE = (8, 32946, 50013)
_STRIP = 1 << 20


def read_depth(path: str | Path, unit_m: float | None = None) -> DepthMap:
    """Read a depth map; the suffix names the format, and numbers times `unit_m` are metres.

    .png: 16-bit grey, millimetres unless told (REP-118), 0 and 65535 = no return. .tiff, .tif: one channel,
    metres unless told, 0, NaN and inf = no return. .npy: (H, W), floats as .tiff, uint16 as .png. Errors:
    ValueError (format, cut short, negative depth), OSError; one line, and nothing on stderr.
    """
    read, _ = _format(path)
    values = read(path)
    if values.ndim != 2 or not (values.dtype.kind == "f" or values.dtype == np.uint16):
        raise ValueError(f"{path} holds {values.dtype} {values.shape}; depth is one channel, float or 16-bit")
    integer = values.dtype == np.uint16
    unit = unit_m if unit_m is not None else MILLIMETRE if integer else 1.0
    try:
        return DepthMap.from_raw(values, unit, _CODES if integer else (0,))
    except ValueError as e:
        raise ValueError(f"{path}: {e}; check its unit and its code for no return") from None


def write_depth(path: str | Path, depth: DepthMap | np.ndarray, unit_m: float | None = None) -> None:
    """Write metres, a DepthMap or float32 (H, W), as read_depth reads it; .npy as floats; no return is 0 in a
    .png and NaN elsewhere. Atomic. Errors: ValueError (suffix, a depth that 16 bits cannot hold in this
    unit), OSError.
    """
    _, write = _format(path)
    held = depth if isinstance(depth, DepthMap) else DepthMap(depth)
    write(path, held, unit_m)


def read_xyz(path: str | Path) -> np.ndarray:
    """Read organised points, float32 (H, W, 3), from a TIFF: the array as the file has it, no unit change,
    zeros kept. Errors: ValueError (not TIFF, cut short, another shape), OSError; one line, and nothing on
    stderr.
    """
    values = _read_tiff(path)
    if values.dtype != np.float32 or values.ndim != 3 or values.shape[2] != 3:
        raise ValueError(f"xyz must be float32 (H, W, 3), but {path} holds {values.dtype} {values.shape}")
    return values


def write_xyz(path: str | Path, xyz: np.ndarray) -> None:
    """Write float32 (H, W, 3) as MVTec 3D-AD does: an uncompressed TIFF of one page, a pixel's x y z side by
    side.

    Bits are kept, NaN included, and the same array gives the same bytes. Atomic. Errors: ValueError, OSError.
    """
    good = isinstance(xyz, np.ndarray) and xyz.dtype == np.float32 and xyz.shape[2:] == (3,) and xyz.size
    if not good:
        got = f"{xyz.dtype} {xyz.shape}" if isinstance(xyz, np.ndarray) else type(xyz).__name__
        raise ValueError(f"xyz must be float32 (H, W, 3), but got {got}")
    if Path(path).suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(f"{path} must end in .tiff; xyz is kept in no other format")
    _write_bytes(path, _tiff(xyz, "rgb"))


def _read_png(path: str | Path) -> np.ndarray:
    data = _read_bytes(path)
    if not data.startswith(_SIGNATURE):
        raise ValueError(f"{path} is not a PNG; {_AGAIN}")
    kept, at = [_SIGNATURE], 8  # the chunks that hold pixels: libpng prints what it thinks of the others
    while not (at > 8 and kept[-1][4:8] == b"IEND"):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if at + 12 > len(data) or end > len(data):
            raise ValueError(f"{path} is truncated; {_AGAIN}")
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ValueError(f"{path} is damaged (a chunk's checksum is wrong); {_AGAIN}")
        if data[at + 4 : at + 8] in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            kept.append(data[at:end])
        at = end
    if kept[1][4:8] != b"IHDR" or len(kept[1]) != 25:
        raise ValueError(f"{path} is damaged (its first chunk is no header); {_AGAIN}")
    _sensible(path, (int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")))
    if (data[24], data[25]) != (16, 0):
        raise ValueError(f"{path} is not a 16-bit grey PNG, as depth is; export depth with 16 bits")
    try:
        values = cv2.imdecode(np.frombuffer(b"".join(kept), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        values = None
    if values is None:
        raise ValueError(f"{path} cannot be decoded; {_AGAIN}")
    return values


def _read_tiff(path: str | Path) -> np.ndarray:
    data = _read_bytes(path)
    bad = ValueError(f"{path} is truncated or not a TIFF; {_AGAIN}")
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            page = tiff.pages[0]
            ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
            if len(tiff.pages) != 1:
                raise ValueError(f"{path} has {len(tiff.pages)} pages; save it as one")
            if max(ends, default=0) > len(data) or not ends:
                raise bad
            _sensible(path, page.shape)
            needed = math.prod(page.shape) * page.dtype.itemsize
            parts = (data[o : o + n] for o, n in zip(page.dataoffsets, page.databytecounts, strict=True))
            if int(page.compression) in _DEFLATE:
                held = sum(_inflated(part, 4 * needed + _STRIP) for part in parts)
            else:  # 1 is none; what the others hold, tifffile says
                held = sum(map(len, parts)) if int(page.compression) == 1 else needed
            if held < needed:
                raise bad
            values = page.asarray()
            if values.ndim < 2:
                raise bad
    except ValueError as e:
        raise (e if str(e).startswith(str(path)) else bad) from None
    except Exception:  # tifffile raises struct, index, key, codec and its own errors on bad bytes
        raise bad from None
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False))


def _read_npy(path: str | Path) -> np.ndarray:
    data = _read_bytes(path)
    stream = io.BytesIO(data)
    bad = ValueError(f"{path} is truncated or not an NPY array; {_AGAIN}")
    try:
        version = np.lib.format.read_magic(stream)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        with warnings.catch_warnings(action="ignore"):  # of headers that Python 2 wrote
            shape, columns_first, dtype = header[version](stream)
    except Exception:  # numpy raises its tokenizer's, its parser's and its own errors on bad bytes
        raise bad from None
    if dtype.kind not in "iufb":
        raise ValueError(f"{path} holds {dtype.name[:40]}; save it as an array of numbers")
    _sensible(path, shape)
    count = math.prod(shape)
    if len(shape) < 2 or len(data) - stream.tell() < count * dtype.itemsize:
        raise bad
    values = np.frombuffer(data, dtype, count, stream.tell())
    order = "F" if columns_first else "C"
    return np.ascontiguousarray(values.reshape(shape, order=order), dtype.newbyteorder("="))


def _sensible(path: str | Path, shape: tuple[int, ...]) -> None:
    """Raises ValueError for what no capture is, before anything is allocated for it."""
    if any(n < 1 for n in shape):
        raise ValueError(f"{path} holds an empty array, {'x'.join(map(str, shape))}; {_AGAIN}")
    if len(shape) > 3 or math.prod(shape[:2]) > MOST_PIXELS or math.prod(shape[2:]) > 4:
        said = "x".join(str(n)[:20] for n in shape[:5])
        raise ValueError(f"{path} says that it holds {said} numbers, and no capture does; {_AGAIN}")


def _inflated(part: bytes, most: int) -> int:
    """How many bytes a strip unpacks to. Raises ValueError beyond `most`, before they are all there."""
    count = len(zlib.decompressobj().decompress(part, most + 1))
    if count > most:
        raise ValueError
    return count


def _write_png(path: str | Path, depth: DepthMap, unit_m: float | None) -> None:
    unit = MILLIMETRE if unit_m is None else unit_m
    steps = np.rint(np.where(depth.valid, depth.z_m, 0).astype(np.float64) / unit)
    worst = steps.max()
    if worst >= _CODES[1] or (steps[depth.valid] < 1).any():
        raise ValueError(
            f"{path} cannot hold these depths in 16 bits of {unit} m; choose another unit_m or .tiff"
        )
    _write_bytes(path, cv2.imencode(".png", steps.astype(np.uint16))[1].tobytes())


def _write_tiff(path: str | Path, depth: DepthMap, unit_m: float | None) -> None:
    _write_bytes(path, _tiff(_in_unit(depth, unit_m), "minisblack"))


def _write_npy(path: str | Path, depth: DepthMap, unit_m: float | None) -> None:
    buffer = io.BytesIO()
    np.save(buffer, _in_unit(depth, unit_m), allow_pickle=False)
    _write_bytes(path, buffer.getvalue())


def _in_unit(depth: DepthMap, unit_m: float | None) -> np.ndarray:
    return depth.z_m if unit_m is None else (depth.z_m.astype(np.float64) / unit_m).astype(np.float32)


def _tiff(values: np.ndarray, photometric: str) -> bytes:
    buffer = io.BytesIO()  # no date, no software, no description: nothing but the array
    tifffile.imwrite(
        buffer,
        np.ascontiguousarray(values),
        photometric=photometric,
        metadata=None,
        software=False,
        byteorder="<",
        **({"planarconfig": "contig"} if values.ndim == 3 else {}),
    )
    return buffer.getvalue()


def _read_bytes(path: str | Path) -> bytes:
    try:
        held = os.stat(path)
        if stat.S_ISDIR(held.st_mode) or (stat.S_ISREG(held.st_mode) and held.st_size <= MOST_BYTES):
            return Path(path).read_bytes()
        what = "is a device or a pipe" if held.st_size <= MOST_BYTES else f"holds over {MOST_BYTES >> 30} GB"
        raise ValueError(f"{path} {what}, and no capture; give a file")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist; check the path") from None
    except OSError as e:
        raise OSError(f"{path} cannot be read ({e.strerror}); check that it is a file you may read") from None


def _write_bytes(path: str | Path, data: bytes) -> None:
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:  # beside the target, then renamed onto it: nobody sees half a file
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError as e:
        raise OSError(
            f"{path} cannot be written ({e.strerror}); check that its folder is there and has room"
        ) from None
    finally:
        partial.unlink(missing_ok=True)


FORMATS = {
    ".png": (_read_png, _write_png),
    ".tiff": (_read_tiff, _write_tiff),
    ".tif": (_read_tiff, _write_tiff),
    ".npy": (_read_npy, _write_npy),
}


def _format(path: str | Path) -> tuple:
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(f"{path} has no depth suffix that is known; use one of {' '.join(FORMATS)}")
    return FORMATS[suffix]
