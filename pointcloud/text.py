"""Clouds as lines of numbers: XYZ, TXT, ASC; with commas or spaces, with or without a line of names or a count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from pointcloud.atomic import read_bytes, write_bytes
from pointcloud.roles import Roles, guessed, named, names_of

MOST_BYTES = 1 << 29  # with its numbers beside it, a text takes several times its own length
MOST_HEADER = 64  # lines
LEAST_DECIMALS = 6
_AGAIN = "copy it again from the source"


@dataclass(frozen=True, eq=False)
class Lines:
    """A text and where each point's line lies in it; same: (M,) int64, the line that a row still is, or -1.

    head: what stands before the points; a count among it is set anew
    """

    data: bytes
    starts: np.ndarray
    ends: np.ndarray
    head: bytes
    delimiter: str
    decimals: tuple[int, ...]
    same: np.ndarray


def read_lines(path: str | Path) -> tuple[dict[str, np.ndarray], Roles, Lines]:
    """Name → (N,) float64 of each column, their roles, and the lines. Errors: ValueError, OSError; one line."""
    if Path(path).is_file() and Path(path).stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} is a text of over {MOST_BYTES >> 20} MB; save it as binary PLY")
    data = read_bytes(path)
    at, names = _head(path, data)
    first = data[at:data.find(b"\n", at) if b"\n" in data[at:at + 65536] else len(data)]
    delimiter = next((mark for mark in (b",", b";") if mark in first), None)
    try:
        if not data[at:].strip():
            raise ValueError
        rows = np.loadtxt(BytesIO(data[at:]), np.float64, comments=None, ndmin=2,
                          delimiter=None if delimiter is None else delimiter.decode())
    except ValueError:
        raise ValueError(f"{path} is no table of numbers with as many on each line; {_AGAIN}, or save it as "
                         "one point a line") from None
    if rows.shape[1] < 3:
        raise ValueError(f"{path} has {rows.shape[1]} numbers a line; a point cloud needs x y z")
    starts, ends = _line_bounds(data, at)
    if len(starts) != len(rows):
        raise ValueError(f"{path} has lines that are no points; save it as one point a line")
    if names is not None and len(names) != rows.shape[1]:
        names = None
    columns = {name: np.ascontiguousarray(rows[:, i])
               for i, name in enumerate(names or map(str, range(rows.shape[1])))}
    roles = named(columns) if names else guessed(list(columns.values()))
    words = first.split(delimiter) if delimiter else first.split()
    decimals = tuple(_decimals(word) for word in words)
    mark = " " if delimiter is None else delimiter.decode()
    return columns, roles, Lines(data, starts, ends, data[:at], mark, decimals, np.arange(len(rows)))


def begins_with_numbers(path: str | Path) -> bool:
    """Whether a text looks like a cloud, by its first lines. Errors: OSError."""
    with open(path, "rb") as file:
        data = file.read(1 << 14)
    try:
        _head(path, data)
    except ValueError:
        return False
    return True


def taken(lines: Lines, same: np.ndarray) -> Lines:
    """The same text for rows that still are lines ``same`` (M,), or are new (-1)."""
    kept = np.where(same >= 0, lines.same[np.maximum(same, 0)], -1)
    return Lines(lines.data, lines.starts, lines.ends, lines.head, lines.delimiter, lines.decimals, kept)


def write_lines(path: str | Path, columns: dict[str, np.ndarray], lines: Lines) -> None:
    """Untouched rows as their own lines, the others with as many decimals as those have, six at least."""
    form = lines.delimiter.join("%d" if d == 0 and _whole(values) else f"%.{max(d, LEAST_DECIMALS)}f"
                                for d, values in zip(lines.decimals, columns.values(), strict=True))
    values = np.stack(list(columns.values()), -1)
    out = []
    for i, line in enumerate(lines.same):
        if line >= 0:
            out.append(lines.data[lines.starts[line]:lines.ends[line]])
        else:
            out.append((form % tuple(values[i])).encode())
    head = re.sub(rb"(?m)^[ \t]*\d+[ \t]*(?=\r?$)", str(len(out)).encode(), lines.head)
    write_bytes(path, head + b"\n".join(out) + b"\n")


def _head(path, data) -> tuple[int, list[str] | None]:
    """Where the points begin, and the columns' names if a line before them tells."""
    at, names = 0, None
    for _ in range(MOST_HEADER):
        end = data.find(b"\n", at)
        line = data[at:end if end >= 0 else len(data)]
        words = line.replace(b",", b" ").replace(b";", b" ").split()
        if words and len(words) != 1 and _number(words[0]):
            return at, names
        if len(words) == 1 and not (_number(words[0]) or words[0].startswith((b"#", b"/"))):
            break
        names = names_of(line.decode("ascii", "replace")) or names
        if end < 0:
            break
        at = end + 1
    raise ValueError(f"{path} does not begin with lines of numbers; save it as one point a line")


def _number(word):
    try:
        float(word)
    except ValueError:
        return False
    return True


def _line_bounds(data, at):
    """(n,) int64 each: first byte and end of every line that is not blank, its line end left out."""
    breaks = np.flatnonzero(np.frombuffer(data, np.uint8)[at:] == 10) + at
    starts = np.concatenate(([at], breaks + 1))
    ends = np.concatenate((breaks, [len(data)]))
    short = np.flatnonzero(ends - starts < 6)  # three numbers and two marks are five bytes
    blank = [i for i in short if not data[starts[i]:ends[i]].strip()]
    starts, ends = np.delete(starts, blank), np.delete(ends, blank)
    return starts, ends - (np.frombuffer(data, np.uint8)[ends - 1] == 13)


def _decimals(word):
    mantissa = re.match(rb"[-+]?\d*\.?(\d*)$", word.strip())
    return len(mantissa[1]) if mantissa else 9


def _whole(values):
    return bool((values == np.rint(values)).all())
