"""LZF, the byte compression inside PCD's `binary_compressed` (Marc Lehmann's liblzf, format 1).

A control byte below 32 starts a run of control + 1 literal bytes. Any other copies (control >> 5) + 2 bytes
from up to 8192 bytes back; a length field of 7 is extended by the next byte. Copies may overlap their own
output.
"""

from __future__ import annotations

import numba
import numpy as np

MAX_RATIO = 88  # 3 bytes can say 264 at most: a claim beyond it is a lie, and not worth allocating


@numba.njit(cache=True, nogil=True)
def _decompress(src, dst):
    i, o, n, m = 0, 0, src.size, dst.size
    while i < n:
        control = np.int64(src[i])
        i += 1
        if control < 32:
            run = control + 1
            if i + run > n or o + run > m:
                return -1
            dst[o : o + run] = src[i : i + run]
            i += run
            o += run
            continue
        length = control >> 5
        if length == 7:
            if i >= n:
                return -1
            length += np.int64(src[i])
            i += 1
        if i >= n:
            return -1
        back = o - ((control & 31) << 8) - np.int64(src[i]) - 1
        i += 1
        length += 2
        if back < 0 or o + length > m:
            return -1
        for _ in range(length):  # byte by byte: the copy may read what it has just written
            dst[o] = dst[back]
            o += 1
            back += 1
    return o


@numba.njit(cache=True, nogil=True)
def _literals(src, start, stop, dst, o):
    while start < stop:
        run = min(32, stop - start)
        dst[o] = run - 1
        dst[o + 1 : o + 1 + run] = src[start : start + run]
        o += run + 1
        start += run
    return o


@numba.njit(cache=True, nogil=True)
def _compress(src, dst):
    n = src.size
    seen = np.full(1 << 14, -1, np.int64)  # where a 3-byte word was last met, by hash
    i, o, start = 0, 0, 0
    while i + 2 < n:
        word = (np.int64(src[i]) << 16) | (np.int64(src[i + 1]) << 8) | np.int64(src[i + 2])
        slot = ((word * 2654435761) >> 12) & 0x3FFF
        ref = seen[slot]
        seen[slot] = i
        if (
            ref < 0
            or i - ref > 8192
            or src[ref] != src[i]
            or src[ref + 1] != src[i + 1]
            or src[ref + 2] != src[i + 2]
        ):
            i += 1
            continue
        length = 3
        limit = min(264, n - i)
        while length < limit and src[ref + length] == src[i + length]:
            length += 1
        o = _literals(src, start, i, dst, o)
        offset = i - ref - 1
        if length - 2 < 7:
            dst[o] = ((length - 2) << 5) | (offset >> 8)
            o += 1
        else:
            dst[o] = (7 << 5) | (offset >> 8)
            dst[o + 1] = length - 9
            o += 2
        dst[o] = offset & 255
        o += 1
        i += length
        start = i
    return _literals(src, start, n, dst, o)


def compress(data: bytes) -> bytes:
    """LZF stream of `data`; the same bytes give the same stream."""
    src = np.frombuffer(data, np.uint8)
    dst = np.empty(src.size + src.size // 32 + 64, np.uint8)
    return dst[: _compress(src, dst)].tobytes()


def decompress(data: bytes, size: int) -> bytes:
    """The `size` bytes that the stream holds. Errors: ValueError if it is damaged or holds another number."""
    if size > MAX_RATIO * len(data):
        raise ValueError(f"{len(data)} compressed bytes cannot hold {size}")
    dst = np.empty(size, np.uint8)
    if _decompress(np.frombuffer(data, np.uint8), dst) != size:
        raise ValueError(f"the compressed stream is damaged or does not hold {size} bytes")
    return dst.tobytes()
