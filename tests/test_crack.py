"""A crack loses its depth where it is too narrow and too steep to look into, for a sensor that is known to lose any."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import toys
import truth

import crossmodal as cm
from crossmodal.defects.crack import Fissure
from crossmodal.scanner import Plane, Sphere, scan
from crossmodal.sensor import NARROWEST

PIXEL_MM = 0.25


@lru_cache
def measured(loses: bool = True):
    """A plane and a ball on it as a sensor of 4 µm noise sees them; if it loses returns, there are none of a patch.
    The ball tells how steep a surface may be."""
    scene = scan([Plane((0, 0, 0.3), (0, 0, -1)), Sphere((0.003, 0.014, 0.3), 0.0045)], toys.toy_camera(), toys.LAMP,
                 toys.MATERIAL, name="plane and ball")
    points = scene.points.copy()
    points[..., 2] += np.random.default_rng(3).normal(0, 4e-6, scene.shape).astype(np.float32)
    if loses:
        points[4:9, 4:12] = np.nan
    return scene.replaced(points=points)


def wedge(deep_mm=0.9):
    """A straight slot along s that tapers from four pixels to half a pixel wide, so deep all along."""
    s = np.linspace(-14, 14, 29)
    half = np.linspace(4.0, 0.5, 29) * PIXEL_MM / 2
    pieces = np.column_stack((s[:-1], 0 * s[1:], s[1:], 0 * s[1:], half[:-1], half[1:], np.ones((28, 2))))
    return Fissure(pieces, deep_mm, 4 * PIXEL_MM, 5)


def cracked(capture, field):
    patch = cm.Patch.at(capture.surface, np.array((0.0, 0.0, 0.3)), np.array((1.0, 0.02, 0.0)), 20)
    return cm.imprint(capture, cm.SurfaceEdit(patch, field, "crack")), patch


def check_lost(result, patch):
    """Lost within the core of what is narrower than two pixels, nowhere else; dark all along. Returns how many."""
    lost = result.before.valid & ~result.after.valid
    s = np.full(lost.shape, np.nan)
    t = s.copy()
    s[patch.window], t[patch.window] = patch.st_mm[..., 0], patch.st_mm[..., 1]
    width_px = np.interp(s, (-14, 14), (4.0, 0.5))
    assert lost.any(), "nothing is lost"
    assert (width_px[lost] < NARROWEST + 0.3).all(), "depth is lost where a sensor looks in"
    assert (np.abs(t[lost]) < NARROWEST / 2 * PIXEL_MM + PIXEL_MM).all(), "depth is lost beside the crack"
    core = (np.abs(t) < 0.3 * PIXEL_MM) & (width_px > 0.9) & (width_px < NARROWEST - 0.2) & (np.abs(s) < 13)
    assert core.sum() > 10
    assert lost[core].mean() > 0.9, "depth is measured where no sensor sees the bottom"
    wide = (np.abs(t) < 0.3 * PIXEL_MM) & (width_px > NARROWEST + 0.3) & (np.abs(s) < 13)
    assert result.after.valid[wide].all()
    assert (result.masks.depth >= lost).all()
    dark = result.after.rgb.max(-1).astype(int) < 0.8 * result.before.rgb.max(-1)
    assert dark[core | wide].all(), "it is not dark inside"
    assert np.isfinite(result.displacement_mm[lost]).all(), "what is too dark to measure is still there"
    return int(lost.sum())


def test_a_crack_loses_its_depth_where_it_is_too_narrow():
    assert check_lost(*cracked(measured(), wedge())) > 20


def test_a_shallow_slot_and_an_unknown_sensor_lose_nothing():
    """A scratch is looked into however narrow; of a sensor that lost nothing yet, nothing is known."""
    for capture, deep in ((measured(), 0.1), (measured(loses=False), 0.9), (toys.plane(), 0.9)):
        result, _ = cracked(capture, wedge(deep))
        assert result.gt.any()
        assert result.after.valid[result.before.valid].all()


def test_default_cracks_lose_a_part_of_their_depth():
    lost, whole = 0, 0
    recipe = cm.Recipe(defects=(cm.Crack(),), place=cm.Place(at_pixel=(80, 76)))
    for seed in range(4):
        result = cm.synthesize(measured(), recipe, seed=seed)
        lost += int((result.before.valid & ~result.after.valid).sum())
        whole += int(result.gt.sum())
        assert truth.grown_by(result.gt)[result.before.valid & ~result.after.valid].all()
    assert 0 < lost < 0.5 * whole


@pytest.mark.parametrize("fault", ["all of it lost", "none of it lost", "a light crack"])
def test_lost_depth_catches(fault):
    result, patch = cracked(measured(), wedge())
    points, rgb = result.after.points.copy(), result.after.rgb
    if fault == "all of it lost":
        points[result.gt] = np.nan
    elif fault == "none of it lost":
        points = result.before.points
    else:
        rgb = result.before.rgb
    with pytest.raises(AssertionError):
        check_lost(replace(result, after=result.after.replaced(points=points, rgb=rgb)), patch)
