"""Other datasets as sources of good captures; crossmodal.formats knows their trees, and is imported when asked."""

from pathlib import Path

from crossmodal.capture import Capture
from crossmodal.datasets.source import Reading, Source

CODING = "eyecandies"


def listed(root: Path) -> list[Source]:
    """The captures of an Eyecandies or Real-IAD D³ tree, or nothing. Errors: ValueError, OSError, one line."""
    from crossmodal.formats import eyecandies, realiad

    return eyecandies.sources(root) or realiad.sources(root)


def load(source: Source, reading: Reading) -> Capture:
    """A capture of CODING, whose files say their own unit and camera. Errors: ValueError, OSError."""
    from crossmodal.formats import eyecandies

    if reading != Reading():
        raise ValueError(f"{source.geometry} has its unit and camera beside it; leave --unit, --depth-scale and "
                         "--intrinsics away")
    return eyecandies.capture_of(source)


def refuse(root: Path) -> None:
    """Raise ValueError, with the way out, where root is a dataset that no capture can be had from at once."""
    from crossmodal.formats import FORMATS

    for one in FORMATS:
        try:
            known = (one.listed is not None and one.name not in ("captures", "bop")  # which are read here
                     and one.listed(root, Reading()) is not None)
        except (ValueError, OSError):
            continue
        if known and {"rgb", "xyz"} <= set(one.gives):
            raise ValueError(f"{root} is {one.title}; make captures of it first: "
                             f"crossmodal convert {root} --to mvtec3d --out DIR")
        if known:
            raise ValueError(f"{root} is {one.title}, which has no measured point for every pixel of a picture; "
                             "give a dataset with rgb and xyz or depth (crossmodal formats lists them)"
                             + ("; synthesize takes pictures alone with --mm-per-pixel" if "rgb" in one.gives else ""))
