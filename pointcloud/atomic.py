"""Bytes in and out of files: all or nothing, and errors that name the file."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

MOST_BYTES = 1 << 32


def read_bytes(path: str | Path) -> bytes:
    """The whole file, if it is one. Errors: OSError, ValueError; one line that names the file and the way out."""
    try:
        held = os.stat(path)
        if stat.S_ISDIR(held.st_mode) or (stat.S_ISREG(held.st_mode) and held.st_size <= MOST_BYTES):
            return Path(path).read_bytes()
        what = "is a device or a pipe" if held.st_size <= MOST_BYTES else f"holds over {MOST_BYTES >> 30} GB"
        raise ValueError(f"{path} {what}, and no point cloud; give a file")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist; check the path") from None
    except OSError as e:
        raise OSError(f"{path} cannot be read ({e.strerror}); check that it is a file you may read") from None


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write beside the target, then rename onto it, so that nobody ever sees half a file. Errors: OSError."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError as e:
        raise OSError(
            f"{path} cannot be written ({e.strerror}); check that its folder exists and has room"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
