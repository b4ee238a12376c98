"""Runs of the published methods that several test files look at, each made once."""

from functools import lru_cache

import numpy as np
import truth

import crossmodal as cm
from crossmodal import captures
from crossmodal.capture import Capture
from crossmodal.methods.presets import names

PUBLISHED = [name for name in names() if cm.method(name).as_published is not None]
LIFTED = [name for name in names() if cm.method(name).origin.kind in ("defect", "study")]
SEED = 3


@lru_cache(maxsize=1)
def scene_of():
    return truth.ideal("plane", 30, 35, size=168)


@lru_cache(maxsize=1)
def piece():
    """A piece of a real scene, small enough for many runs."""
    whole = captures.load("pot")
    return Capture.from_points(np.ascontiguousarray(whole.rgb[40:130, 30:130]),
                               np.ascontiguousarray(whole.points[40:130, 30:130]), name="piece")


@lru_cache(maxsize=24)
def made(name, on="ideal", seed=SEED):
    """(capture, result, edit) of a preset."""
    capture = scene_of().capture if on == "ideal" else captures.load(on)
    result = cm.synthesize(capture, cm.method(name), seed=seed)
    return capture, result, cm.grown(capture, result.plan.defects[0])


def one_way(planned):
    """"in" or "out" where a drawn method moves matter one way alone; None else."""
    effect, region = planned.blocks.effect, planned.blocks.region
    if effect.kind != "hills" or getattr(region, "signed", False) or planned.blocks.sharing == ("rgb",):
        return None
    return None if getattr(region, "form", "") in ("crater", "ripple", "freeform") else effect.direction


def first_that_is_not_empty(capture, method):
    for seed in range(1, 20):
        try:
            return cm.synthesize(capture, method, seed=seed)
        except ValueError as error:
            if "no noise" not in str(error):
                raise
    raise AssertionError(f"{method.name} is empty 19 times in a row")
