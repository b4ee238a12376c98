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
_CRITICAL = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def png(data: bytes) -> bytes:
    """The chunks that hold pixels: without profiles and remarks, of which libpng complains on stderr."""
    kept, at, size = [PNG], 8, len(data)
    stream = zlib.decompressobj()
    while at + 12 <= size:
        length = int.from_bytes(data[at : at + 4], "big")
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > size:
            break
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ValueError("is damaged (a chunk's checksum is wrong)")
        if at == 8 and (kind != b"IHDR" or length != 13):
            raise ValueError("is damaged (its first chunk is no header)")
        if kind in _CRITICAL:
            kept.append(data[at:end])
        if kind == b"IDAT":
            _inflate(stream, data[at + 8 : end - 4])
        if kind == b"IEND":
            if not stream.eof:
                break
            return b"".join(kept)
        at = end
    raise ValueError("is truncated")


def _inflate(stream, part: bytes) -> None:
    """Run the stream without keeping it: only its end and its checksum matter."""
    try:
        while part and not stream.eof:
            stream.decompress(part, 1 << 20)
            part = stream.unconsumed_tail
    except zlib.error:
        raise ValueError("is damaged (its pixels do not decompress)") from None


def png_header(data: bytes) -> tuple[int, int]:
    """(bit depth, colour type) of a PNG that `png` has passed."""
    return data[24], data[25]


def jpeg(data: bytes) -> bytes:
    at, size = 2, len(data)
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= size:
            raise ValueError("is truncated")
        marker = data[at + 1]
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


def bmp(data: bytes) -> bytes:
    if len(data) < 30:
        raise ValueError("is truncated")
    offset, width = int.from_bytes(data[10:14], "little"), int.from_bytes(data[18:22], "little", signed=True)
    height, bits = (
        abs(int.from_bytes(data[22:26], "little", signed=True)),
        int.from_bytes(data[28:30], "little"),
    )
    if (
        int.from_bytes(data[30:34], "little") in (0, 3)
        and len(data) < offset + (width * bits + 31) // 32 * 4 * height
    ):
        raise ValueError("is truncated")
    return data
