"""Methods of a few blocks, and small captures and canvases to make them on, for the tests of blocks."""

from functools import lru_cache

import numpy as np
import toys

import crossmodal as cm
from crossmodal import captures
from crossmodal.methods.making import begun
from crossmodal.methods.picture import Photograph
from crossmodal.methods.regions import Region


def method(name="own", place=None, **blocks):
    if not {"content", "effect"} & set(blocks):
        blocks["effect"] = {"kind": "hills"}
    return cm.Method.model_validate({"name": name, "place": place or {}, "blocks": blocks})


def region_of(**yaml) -> Region:
    return method(region=yaml).blocks.region


@lru_cache(maxsize=1)
def tube():
    return toys.cylinder(size=128)


@lru_cache(maxsize=1)
def ribbed():
    """A plane with ridges 0.3 mm high, three to a centimetre."""
    camera = toys.toy_camera(128)
    x = np.arange(128, dtype=np.float64) * 0.25
    z = np.broadcast_to(0.3 - 1.5e-4 * (1 + np.sin(2 * np.pi * x / 3.3)), (128, 128)).astype(np.float32)
    return cm.Capture.from_depth(np.full((128, 128, 3), 150, np.uint8), z, camera, "ribbed")


@lru_cache(maxsize=8)
def laid_out(space="surface", name="pot"):
    """A canvas to lay shapes on, and its middle."""
    capture = captures.load(name)
    if space == "pixels":
        return Photograph.of(capture, False), (70.0, 80.0)
    [planned] = cm.draw(capture, method(region={"kind": "ellipse", "length_mm": 60, "width_mm": 60}), 2).defects
    canvas, _, middle = begun(capture, planned)
    return canvas, middle


def drawn(region, space="surface", seed=5):
    scale = cm.synthesis.scale_of(captures.load("pot"), cm.Place())
    return region.drawn(np.random.default_rng(seed), scale)


def support_mm(edit):
    """Extents of a field along and across the heading, in mm."""
    s0, s1, t0, t1 = edit.field.bounds_mm
    return s0, s1, t0, t1


def made(capture, asked, seed=1):
    result = cm.synthesize(capture, asked, seed=seed)
    return result, cm.grown(capture, result.plan.defects[0])
