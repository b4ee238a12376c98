"""Whether a folder that the user gives is still as it was when it was listed: what is kept of it is kept by its stamp.

What happens within one tick of the disk's clock is told by how many files there are and how long they are.
"""

import os
from pathlib import Path

Stamp = tuple[tuple[str, int, int], ...]
"""(where, when it was changed in ns, how many or how long) of each folder or file."""


def of_names(folder: str | Path) -> Stamp:
    """Changes where a file below the folder comes, goes or is renamed, and not where one is written anew."""
    return tuple((here, os.stat(here).st_mtime_ns, len(folders) + len(files))
                 for here, folders, files in os.walk(folder))


def of_files(folder: str | Path) -> Stamp:
    """Changes where a file is written anew, too; it may be a file alone."""
    below = (os.path.join(here, name) for here, _, files in os.walk(folder) for name in files)
    return (*of_names(folder), *map(_written, (folder, *below)))


def _written(path) -> tuple[str, int, int]:
    try:
        found = os.stat(path)
    except OSError:  # a link to nothing
        return str(path), 0, 0
    return str(path), found.st_mtime_ns, found.st_size
