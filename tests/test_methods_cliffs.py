"""Relief that a method makes runs out where the surface or its own region ends: matter has no cliffs of a chart's."""

import numpy as np
import pytest

import crossmodal as cm
from crossmodal import captures
from crossmodal.methods import effects
from crossmodal.methods.canvas import RISES_PX, Canvas
from crossmodal.methods.field import Raster

NAMES = ("cutpaste", "cutpaste-scar", "simulated-samples", "draem", "transfusion", "af3ad-dent", "reb-blob")


def at_the_end(field: Raster) -> float:
    """The largest displacement in the outermost cells of a field, as a share of the largest of all."""
    d = np.pad(field.displacement_mm, 1)
    beside = np.zeros(d.shape, bool)
    for axis in (0, 1):
        for way in (-1, 1):
            beside |= np.roll(d, way, axis) == 0
    return float(np.abs(d[beside]).max() / np.abs(d).max())


def fields(name):
    capture = captures.load("pot")
    for seed in range(3):
        yield capture, cm.grown(capture, cm.draw(capture, cm.method(name), seed).defects[0]).field


@pytest.mark.parametrize("name", NAMES)
def test_relief_runs_out_at_its_end(name):
    for capture, field in fields(name):
        cells = RISES_PX * capture.surface.mm_per_pixel / field.step_mm
        assert at_the_end(field) < max(2 / cells, 0.3)  # of the cells over which it rises, the first one or two


def test_a_cliff_is_caught(monkeypatch):
    monkeypatch.setattr(Canvas, "rising", lambda self, ground: ground.astype(np.float32))
    monkeypatch.setattr(effects, "leaned", lambda relief, rise, wide: relief)
    assert max(at_the_end(field) for _, field in fields("cutpaste")) > 0.8
