"""Is a picture file whole? Decoders half-decode a cut file, or complain on stderr; so it is checked before
them.

Each check returns the bytes to decode, or raises ValueError with what is wrong (the caller names the file).
Sources: PNG specification (W3C 2003) 5.2 to 5.6; JPEG, ITU-T T.81 annex B; BITMAPFILEHEADER, Microsoft.
"""

from __future__ import annotations

import zlib

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
BMP = b"BM"
_BMP_SIZES = (40, 52, 56, 108, 124)
_BMP = {(0, 1), (0, 4), (0, 8), (0, 16), (0, 24), (0, 32), (1, 8), (2, 4), (3, 16), (3, 32)}  # compression, bits
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_CRITICAL = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
MOST_PIXELS = 1 << 27
"""More than any camera has: a header that claims more is a mistake or an attack."""


def _sensible(width: int, height: int) -> None:
    if not 0 < width * height <= MOST_PIXELS:
        raise ValueError(f"says that it is {width}x{height} pixels, and no picture is")


def png(data: bytes) -> bytes:
    """The chunks that hold pixels: without profiles and remarks, of which libpng complains on stderr."""
    kept, at, size = [PNG], 8, len(data)
    stream, left = zlib.decompressobj(), 0
    while at + 12 <= size:
        length = int.from_bytes(data[at : at + 4], "big")
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > size:
            break
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ValueError("is damaged (a chunk's checksum is wrong)")
        if at == 8 and (kind != b"IHDR" or length != 13):
            raise ValueError("is damaged (its first chunk is no header)")
        if at == 8:
            width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
            _sensible(width, height)
            left = 8 * (width + 16) * (height + 16)  # 16 bits in 4 channels, and the filter bytes of 7 passes
        if kind in _CRITICAL:
            kept.append(data[at:end])
        if kind == b"IDAT":
            left -= _inflate(stream, data[at + 8 : end - 4], left)
        if kind == b"IEND":
            if not stream.eof:
                break
            return b"".join(kept)
        at = end
    raise ValueError("is truncated")


def _inflate(stream, part: bytes, most: int) -> int:
    """Run the stream without keeping it, and count: only its end, checksum and size matter."""
    count = 0
    try:
        while part and not stream.eof:
            count += len(stream.decompress(part, 1 << 20))
            part = stream.unconsumed_tail
            if count > most:
                raise ValueError("is damaged (it holds more pixels than it says)")
    except zlib.error:
        raise ValueError("is damaged (its pixels do not decompress)") from None
    return count


def png_header(data: bytes) -> tuple[int, int]:
    """(bit depth, colour type) of a PNG that `png` has passed."""
    return data[24], data[25]


def jpeg(data: bytes) -> bytes:
    at, size, scan = 2, len(data), False
    while True:
        start, at = at, data.find(b"\xff", at)
        if at < 0 or at + 1 >= size:
            raise ValueError("is truncated")
        if at > start and not scan:  # only a scan's own bytes may stand before a marker
            raise ValueError("is damaged (something stands between its segments)")
        marker = data[at + 1]
        if marker in _FRAMES and at + 9 <= size:  # start of frame: length, precision, height, width
            _sensible(int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big"))
        if marker == 0xD9:  # end of image
            return data
        if (
            marker in (0x00, 0x01, 0xD8) or 0xD0 <= marker <= 0xD7
        ):  # stuffed byte or restart: no segment follows
            at += 2
        elif marker == 0xFF:  # fill byte
            at += 1
        else:
            at += 2 + max(int.from_bytes(data[at + 2 : at + 4], "big"), 2)
            scan = marker == 0xDA


def bmp(data: bytes) -> bytes:
    if len(data) < 30:
        raise ValueError("is truncated")
    offset, width = int.from_bytes(data[10:14], "little"), int.from_bytes(data[18:22], "little", signed=True)
    height, bits = (
        abs(int.from_bytes(data[22:26], "little", signed=True)),
        int.from_bytes(data[28:30], "little"),
    )
    _sensible(width, height)
    size = int.from_bytes(data[14:18], "little")
    if size not in _BMP_SIZES or (int.from_bytes(data[30:34], "little"), bits) not in _BMP:
        raise ValueError("is damaged (its header is none that a BMP has)")
    if (
        int.from_bytes(data[30:34], "little") in (0, 3)
        and len(data) < offset + (width * bits + 31) // 32 * 4 * height
    ):
        raise ValueError("is truncated")
    return data
