"""Pictures and masks on disk."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import cv2
import numpy as np

from rgb import whole
from rgb.image import RgbImage

_AGAIN = "copy it again from the source"
MOST_BYTES = 1 << 29


def read_rgb(path: str | Path) -> RgbImage:
    """Read an 8-bit PNG, JPEG or BMP as sRGB. Grey is expanded to three channels, alpha is dropped, and a
    camera's orientation note is not obeyed: pixels stay where the sensor had them, as its depth does.

    Errors: ValueError (no such format, cut short, damaged, 16-bit), OSError; one line, and nothing on stderr.
    """
    data, _ = _whole(path)
    bgr = _decode(path, data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return RgbImage(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def write_rgb(path: str | Path, pixels: np.ndarray | RgbImage) -> None:
    """Write uint8 (H, W, 3) sRGB as PNG, atomically. Errors: ValueError (no rgb, no .png), OSError."""
    image = pixels if isinstance(pixels, RgbImage) else RgbImage(pixels)
    _write_png(path, cv2.cvtColor(image.pixels, cv2.COLOR_RGB2BGR))


def read_mask(path: str | Path) -> np.ndarray:
    """Read a mask, uint8 (H, W), values as stored; equal channels count as one. Errors as in read_rgb."""
    data, bits = _whole(path)
    mask = _decode(path, data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if bits not in (1, 8):  # 2 and 4 bits would be stretched, and class ids lost
        raise ValueError(f"{path} has {bits} bits a pixel; save the mask as an 8-bit grey PNG")
    if mask.ndim == 3:
        if (
            not (mask[..., 0] == mask[..., 1]).all()
            or not (mask[..., 0] == mask[..., 2 % mask.shape[2]]).all()
        ):
            raise ValueError(f"{path} is a colour picture; save the mask as an 8-bit grey PNG")
        mask = np.ascontiguousarray(mask[..., 0])
    return mask


def write_mask(path: str | Path, mask: np.ndarray) -> None:
    """Write uint8 (H, W) as an 8-bit grey PNG, atomically. Errors: ValueError (no mask, no .png), OSError."""
    if not isinstance(mask, np.ndarray) or mask.dtype != np.uint8 or mask.ndim != 2 or not mask.size:
        got = f"{mask.dtype} {mask.shape}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise ValueError(f"mask must be uint8 (H, W), but got {got}")
    _write_png(path, mask)


def _whole(path: str | Path) -> tuple[bytes, int]:
    """The bytes to decode and the bits of a sample, once the file is known to be whole."""
    try:
        held = os.stat(path)
        if not stat.S_ISDIR(held.st_mode) and not (stat.S_ISREG(held.st_mode) and held.st_size <= MOST_BYTES):
            what = "is a device or a pipe" if held.st_size <= MOST_BYTES else f"holds over {MOST_BYTES >> 20} MB"
            raise ValueError(f"{path} {what}, and no picture; give a file")
        data = np.fromfile(path, np.uint8).tobytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist; check the path") from None
    except OSError as e:
        raise OSError(f"{path} cannot be read ({e.strerror}); check that it is a file you may read") from None
    try:
        if data.startswith(whole.PNG):
            data = whole.png(data)
            bits, _ = whole.png_header(data)
            if bits == 16:
                raise ValueError(f"{path} has 16 bits a channel, and rgb is 8; convert it to 8-bit PNG")
            return data, bits
        if data.startswith(whole.JPEG):
            return whole.jpeg(data), 8
        if data.startswith(whole.BMP):
            return whole.bmp(data), 8
    except ValueError as e:
        text = str(e)
        raise ValueError(text if text.startswith(str(path)) else f"{path} {text}; {_AGAIN}") from None
    raise ValueError(f"{path} is not a PNG, JPEG or BMP; convert it to PNG")


def _decode(path: str | Path, data: bytes, flags: int) -> np.ndarray:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype != np.uint8:
        raise ValueError(f"{path} cannot be decoded; {_AGAIN}")
    return pixels


def _write_png(path: str | Path, pixels: np.ndarray) -> None:
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path} must end in .png; other formats would change pixels")
    data = cv2.imencode(".png", pixels)[1].tobytes()
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:  # beside the target, then renamed onto it: nobody sees half a file
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError as e:
        raise OSError(
            f"{path} cannot be written ({e.strerror}); check that its folder exists and has room"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
