"""Plain captures: whatever `synthesize` takes that is no dataset's layout. Read only; what is there counts as good."""

from functools import partial
from pathlib import Path

from crossmodal.datasets import READERS, load, sources
from crossmodal.datasets.source import Reading, Source
from crossmodal.formats.paths import inside
from crossmodal.formats.sample import Dataset, Entry, Format, Place, Sample


def listed(root: Path, reading: Reading) -> Dataset | None:
    """A folder of captures, or one. Errors: ValueError, one line."""
    found = next((found for one in READERS if (found := one(root))), []) if root.is_dir() else sources(root)
    entries = []
    for source in found:
        if root.is_dir():
            inside(root, source.rgb)
            inside(root, source.geometry)
        place = Place(source.category, source.split, source.kind, source.path.rsplit("/", 1)[-1])
        entries.append(Entry(place, source.path, frozenset({"rgb", "xyz", "gt"}), partial(_read, source, reading)))
    return Dataset(tuple(entries), {"good": 0}) if entries else None


def _read(source: Source, reading: Reading) -> Sample:
    capture = load(source, reading)
    return Sample(capture.rgb, capture.points, capture.camera)


FORMAT = Format("captures", "plain captures", ("rgb", "xyz", "gt"), listed=listed,
                checked="real scenes (mOSD), and the description", unit=True, alone=True)
