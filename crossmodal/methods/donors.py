"""Matter of another capture: a donor, an object like the one that is spoilt (NSA, REB)."""

from functools import lru_cache
from hashlib import sha256

import numpy as np

from crossmodal.capture import Capture
from crossmodal.clouds.cloud import Cloud
from crossmodal.datasets import find, load, sources
from crossmodal.datasets.source import Source
from crossmodal.methods.contents import Content, Shift
from crossmodal.methods.picked import Picked


def picked_of(folder: str, rng: np.random.Generator) -> Picked:
    """One of a folder's captures, by its name there and the hash of its files. Errors: ValueError or OSError."""
    found = sources(folder)
    source = found[int(rng.integers(len(found)))]
    return Picked(name=source.path, sha256=_hash(source))


def source_of(capture: Capture | Cloud, content: Content, planned: Picked | None) -> Capture | Cloud:
    """What a drawn content's matter is cut from: the donor that was planned, or else the same capture or cloud. Raises
    ValueError where the donor's files are not those that they were."""
    if isinstance(content, Shift) and content.donor is not None:
        return _donor(content.donor, planned)
    return capture


def _donor(folder, planned) -> Capture:
    source = find(folder, planned.name)
    if _hash(source) != planned.sha256:
        raise ValueError(f"{folder} holds another {planned.name} than was planned (its sha256 differs); "
                         "give the same donor")
    return _read(source, planned.sha256)


def _hash(source: Source) -> str:
    return sha256("".join(source.hashes().values()).encode()).hexdigest()


@lru_cache(maxsize=4)
def _read(source, digest):
    return load(source)
