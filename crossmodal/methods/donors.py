"""Matter of another capture: a donor, an object like the one that is spoilt (NSA, REB)."""

from functools import lru_cache
from hashlib import sha256

import numpy as np

from crossmodal.capture import Capture
from crossmodal.datasets import find, load, sources
from crossmodal.datasets.source import Source
from crossmodal.methods.picked import Picked


def picked_of(folder: str, rng: np.random.Generator) -> Picked:
    """One of a folder's captures, by its name there and the hash of its files. Errors: ValueError or OSError."""
    found = sources(folder)
    source = found[int(rng.integers(len(found)))]
    return Picked(name=source.path, sha256=_hash(source))


def donor(folder: str, planned: Picked) -> Capture:
    """The capture that was planned. Raises ValueError where its files are not those that they were."""
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
