"""Lifted hills lean as matter does: no preset makes needles, or a wall where nothing was cut."""

import numpy as np
import pytest
from method_runs import LIFTED, scene_of

import crossmodal as cm

MOST, STEEPEST = 1.5, 3.0  # mm a mm: all but the steepest twentieth of a defect, and all of it
HILLS = [name for name in LIFTED if cm.method(name).blocks.effect.kind == "hills"]
SEEDS = range(1, 4)


def leanings(method):
    """(what a twentieth of each defect leans more than, what none of it does), mm a mm, the largest over all seeds."""
    found = []
    for seed in SEEDS:
        field = cm.grown(scene_of().capture, cm.draw(scene_of().capture, method, seed).defects[0]).field
        relief = np.pad(field.displacement_mm, 1).astype(float)
        if relief.any():  # else it is seen in colour alone
            leans = np.hypot(*np.gradient(relief, field.step_mm))[relief != 0]
            found.append((np.quantile(leans, 0.95), leans.max()))
    return np.max(found, axis=0)


def altered(name, region=None, **blocks):
    """A preset with other fields of its region and blocks."""
    method = cm.method(name)
    spec = method.blocks.model_dump()
    spec["region"] |= region or {}
    return cm.Method.model_validate(method.model_dump() | {"blocks": spec | blocks})


@pytest.mark.parametrize("name", HILLS)
def test_lifted_hills_are_no_needles(name):
    most, steepest = leanings(cm.method(name))
    assert most < MOST
    assert steepest < STEEPEST


@pytest.mark.parametrize("name", ["af3ad-ripple", "patch-gen"])
def test_a_height_that_ignores_how_fine_a_form_is_is_caught(name):
    effect = {"kind": "hills", "direction": "out", "height_mm": ["2%", "3.5%"]}
    assert leanings(altered(name, heights_of="canvas", effect=effect))[0] > MOST


def test_a_wall_in_the_middle_of_a_form_is_caught():
    assert leanings(altered("mpas-freeform", {"form": "freeform"}))[1] > STEEPEST
