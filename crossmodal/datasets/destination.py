"""Where a run may write: checked before anything is written, refused in one line."""

import os
import tempfile
from pathlib import Path


def checked_out(out: Path, source: Path | None = None) -> None:
    """Refuse an `out` that must not or cannot be written; nothing is made.

    Errors: ValueError for a folder that is, holds or lies in the source, that is a Python package, or that
    cannot be written.
    """
    here = out.resolve()
    if source is not None and source.is_dir():
        there = source.resolve()
        if here == there:
            raise ValueError(f"{out} is the source itself; choose another --out")
        if here.is_relative_to(there):
            raise ValueError(f"{out} lies inside the source {source}; choose an --out beside it")
        if there.is_relative_to(here):
            raise ValueError(f"{out} holds the source {source}; choose an --out beside it")
    if (here / "__init__.py").exists():
        raise ValueError(f"{out} is a Python package (it holds __init__.py); choose another --out")
    if here.exists() and not here.is_dir():
        raise ValueError(f"{out} is a file; choose a folder as --out")
    nearest = next(folder for folder in (here, *here.parents) if folder.exists())
    try:  # permissions do not tell on every file system, and root has them all: try it
        handle, probe = tempfile.mkstemp(prefix=".probe.", dir=nearest)
        os.close(handle)
        os.unlink(probe)
    except OSError as error:
        raise ValueError(f"{out} cannot be written ({error.strerror}); choose another --out") from None
