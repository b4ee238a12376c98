"""Which good captures get defects and which stay good: none is in both train and test unless allowed."""

from collections.abc import Sequence
from dataclasses import dataclass

from crossmodal.datasets import Source
from crossmodal.datasets.copies import Copy
from crossmodal.production.request import Request
from crossmodal.streams import stream

FEW = 10
"""As many captures as are wanted before train/good is touched, if the count asks for that many."""


@dataclass(frozen=True)
class Division:
    """pool: captures to make defects in. copies: good captures to copy. overlap: pool paths also in train."""

    pool: tuple[Source, ...]
    copies: tuple[Copy, ...]
    overlap: frozenset[str] = frozenset()


def divide(sources: Sequence[Source], request: Request) -> Division:
    """Split a category's good captures by DESIGN's rule; a plain folder without splits counts as train.

    The default origins are test and validation. Where they hold fewer than min(count, FEW), captures are held
    out of train by the seed, at most half of it; these stand in test/good instead. Errors: ValueError.
    """
    good = [source for source in sources if source.kind == "good"]
    if not good:
        raise ValueError("the source has no good capture to make defects in; give a folder with good/ in it")
    if good[0].view:
        held = [source for source in good if source.split != "train"]
        kept = [source for source in good if source.split == "train"]
        return Division(tuple(held), () if request.only_defects else (*_copies(kept, "train"), *_copies(held, "test")))
    train = [source for source in good if source.split in ("train", "")]
    rest = [source for source in good if source.split not in ("train", "")]
    if request.only_defects:
        wanted = request.origins or ("train", "validation", "test")
        return Division(_some([s for s in good if (s.split or "train") in wanted], request), ())
    base = [s for s in rest if s.split in (request.origins or ("test", "validation"))]
    asked = request.origins is not None and "train" in request.origins
    missing = max(min(request.count, FEW) - len(base), 0)
    held: list[Source] = []
    if train and (asked or (request.origins is None and missing)):
        if request.allow_overlap:
            held = train
        else:
            number = min(max(missing, 1), max(1, len(train) // 2))
            order = stream(request.seed, "hold-out").permutation(len(train))
            held = [train[i] for i in sorted(order[:number])]
    pool = _some([*base, *held], request)
    out = set() if request.allow_overlap else {source.path for source in held}
    kept = [source for source in train if source.path not in out]
    overlap = frozenset(source.path for source in held) if request.allow_overlap else frozenset()
    return Division(pool, (*_copies(kept, "train"),
                           *_copies([s for s in rest if s.split == "validation"], "validation"),
                           *_copies([s for s in rest if s.split == "test"], "test",
                                    [s for s in held if s.path in out])), overlap)


def _some(pool, request):
    if not pool:
        where = " or ".join(request.origins or ("test", "validation"))
        raise ValueError(f"there is no good capture in {where}; say --from with another split")
    return tuple(sorted(pool, key=lambda source: source.path))


def _copies(own, split, more=()):
    # A dataset's own numbers are kept; what comes from elsewhere is numbered after them.
    names = [source.path.rsplit("/", 1)[-1] for source in own]
    if not (own and all(source.split == split for source in own) and all(map(str.isdigit, names))):
        names = [f"{i:03d}" for i in range(len(own))]
    width = max((len(name) for name in names), default=3)
    start = max((int(name) for name in names), default=-1) + 1
    names += [f"{start + i:0{width}d}" for i in range(len(more))]
    return [Copy(source, f"{split}/good/{name}") for source, name in zip([*own, *more], names, strict=True)]
