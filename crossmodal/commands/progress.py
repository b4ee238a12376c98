"""Progress on stderr: a bar on a terminal, a plain line now and then elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST_WARNINGS = 5


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A function that is told (done, asked)."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, of: bar.update(task, completed=done, total=of)
        return
    told = -1

    def tell(done: int, of: int) -> None:
        nonlocal told
        tenth = 10 * done // max(of, 1)
        if tenth > told:
            told = tenth
            print(f"{title}: {done} of {of}", file=sys.stderr, flush=True)

    yield tell


def warner() -> Callable[[str], None]:
    """A function that prints sentences on stderr, and only the first few of many."""
    said = 0

    def warn(sentence: str) -> None:
        nonlocal said
        said += 1
        if said <= MOST_WARNINGS:
            print(f"note: {sentence}", file=sys.stderr)
        elif said == MOST_WARNINGS + 1:
            print("note: and more like these; the manifest has every sample's sizes", file=sys.stderr)

    return warn


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Aligned plain text, for people and for grep."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
                     for line in lines)
