"""Files that a method may ask for, written from captures whose truth is known."""

from pathlib import Path

import numpy as np
import toys

import crossmodal as cm
from crossmodal.formats.mvtec3d import written
from crossmodal.formats.sample import Head, Place, Sample
from crossmodal.result import Result
from rgb import write_mask

BUMP_MM, COLOUR = 0.8, (170, 60, 50)


def spoilt(tilt: float, size: int = 128) -> Result:
    """A leaning plane with a bump of a colour of its own, known in mm."""
    asked = cm.Method.model_validate({"name": "spoilt", "blocks": {
        "region": {"kind": "kernel", "form": "poly", "length_mm": 9, "width_mm": 6},
        "content": {"kind": "plain", "colour": COLOUR},
        "effect": {"kind": "hills", "direction": "out", "height_mm": BUMP_MM}}})
    return cm.synthesize(toys.tilted_plane(tilt, size=size, textured=False), asked, seed=2)


def labelled_tree(out: Path, size: int = 128) -> Result:
    """Write an MVTec 3D-AD tree with one labelled defect on a plane that leans by 30°; that result."""
    result = spoilt(30, size)
    head = Head({"good": 0, "bump": 255}, ("part",), ("bump", "good"), frozenset({"rgb", "xyz", "gt"}))
    with written(out, head) as put:
        for kind, seen, gt in (("good", result.before, None), ("bump", result.after, result.gt)):
            levels = None if gt is None else np.where(gt, np.uint8(255), np.uint8(0))
            put(Place("part", "test", kind, "000"), Sample(seen.rgb, seen.points, seen.camera, levels))
    return result


def library(folder, marks=3):
    """Masks of an L, its long side across, and, to be passed over, an empty one."""
    shape = np.zeros((60, 80), np.uint8)
    shape[20:30, 10:60] = 255
    shape[30:40, 10:20] = 255
    folder.mkdir(parents=True, exist_ok=True)
    write_mask(folder / "good.png", np.zeros((60, 80), np.uint8))
    for i in range(marks):
        write_mask(folder / f"{i}.png", np.where(shape > 0, np.uint8(i + 1), np.uint8(0)))
    return shape > 0
