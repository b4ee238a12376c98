"""Relief of methods is such that pixels see it: no needles, no peaks between pixels, no pits behind their own rims."""

from types import SimpleNamespace

import numpy as np
import pytest
import truth
from hypothesis import given, settings
from hypothesis import strategies as st
from test_laws_real import CABLES, read

import crossmodal as cm
from crossmodal.methods.effects import Hills, PasteRelief, shaped
from crossmodal.methods.perlin import SEEN_PX
from crossmodal.methods.slopes import leaned

HILLY = ("3dsr", "draem", "das3d", "transfusion", "bridgenet", "reb-clump-noise")
PASTED = ("cutpaste", "memseg-structural", "reb-clump", "reb-scar", "nsa")
ROUGH = ("reb-blob-noise", "reb-scar-noise")
IN_SIGHT = 0.65  # of a field's peak, that a pixel sees at least


def check_leaned(relief, out, rise):
    assert (np.abs(out) <= np.abs(relief) + 1e-6).all(), "it stands out farther"
    assert (out * relief >= 0).all(), "it stands out on the other side"
    for axis in (0, 1):
        assert np.abs(np.diff(out, axis=axis)).max(initial=0) <= rise + 1e-5, "it is too steep"
    return True


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.floats(0.02, 2), st.floats(0.1, 3))
def test_what_leans_is_steep_nowhere(seed, rise, tall):
    rng = np.random.default_rng(seed)
    relief = (tall * rng.uniform(-1, 1, (24, 31)) * (rng.random((24, 31)) < 0.7)).astype(np.float32)
    one_side = np.abs(relief)  # between a hill and a pit there may be twice the rise
    assert check_leaned(one_side, leaned(one_side, rise, 1e-3), rise)
    assert check_leaned(relief, leaned(relief, rise, 1e-3), 2 * rise)


def test_what_leans_less_stays_and_a_wall_is_caught():
    y, x = np.mgrid[:40, :40].astype(np.float32)
    cone = np.maximum(0, 6 - 0.5 * np.hypot(y - 20, x - 20)).astype(np.float32)
    assert np.array_equal(leaned(cone, 0.6, 1e-3), cone)
    box = np.where((np.abs(y - 20) < 9) & (np.abs(x - 20) < 9), np.float32(3), np.float32(0))
    inward = 9 - np.maximum(np.abs(y - 20), np.abs(x - 20))  # a roof: its planes rise from the box's sides
    np.testing.assert_allclose(leaned(box, 0.25, 1e-3), np.clip(0.25 * inward, 0, 3), atol=1e-5)
    with pytest.raises(AssertionError, match="too steep"):
        check_leaned(box, box, 0.25)


def check_laid_as_planned(share, rising, ground, relief, laid):
    """In float32 the order of factors tells, and plans without a steepest were made in this one."""
    return np.array_equal(share * rising * (relief - ground), laid)


@settings(max_examples=10)
@given(st.integers(0, 2**31))
def test_relief_without_a_steepest_is_laid_to_the_bit_as_older_plans_were(seed):
    share, rising, ground, relief = np.random.default_rng(seed).random((4, 30, 40), np.float32)
    canvas = SimpleNamespace(shape=share.shape, relief_mm=ground, rising=lambda over: rising)
    laid = shaped(PasteRelief(), canvas, None, share, SimpleNamespace(relief_mm=relief), 0).displacement_mm
    assert check_laid_as_planned(share, rising, ground, relief, laid)
    assert not check_laid_as_planned(share, rising, ground, relief, rising * (share * (relief - ground)))


@settings(max_examples=15)
@given(st.floats(0.2, 3), st.floats(5, 200), st.integers(0, 2**31))
def test_heights_of_width_are_shares_of_the_finest_part(pixel_mm, object_mm, seed):
    scale = cm.defects.spec.Scale(pixel_mm=pixel_mm, object_mm=object_mm, floor_mm=0.0, clear_mm=object_mm)
    blocks = cm.method("draem").blocks.drawn(np.random.default_rng(seed), scale)
    assert 0.2 <= blocks.effect.height_mm[0] / blocks.region.finest_mm <= 0.6
    assert blocks.region.finest_mm >= SEEN_PX * pixel_mm or max(blocks.region.cells) == 1
    wider = blocks.model_copy(update={"heights_of": "canvas", "effect": Hills(height_mm="40%")})
    assert wider.drawn(np.random.default_rng(seed), scale).effect.height_mm[0] == pytest.approx(0.4 * object_mm)


def test_heights_of_width_know_how_much_a_content_enlarges():
    scale = cm.defects.spec.Scale(pixel_mm=0.2, object_mm=50, floor_mm=0.0, clear_mm=50)
    blocks = cm.methods.spec.Blocks.model_validate(
        {"heights_of": "width", "region": {"kind": "rectangle", "area_percent": 4, "aspect": 1},
         "content": {"kind": "shift", "resize": 2}, "effect": {"kind": "hills", "height_mm": "10%"}})
    drawn = blocks.drawn(np.random.default_rng(1), scale)
    assert drawn.region.sides_mm == pytest.approx((20, 20))
    assert drawn.effect.height_mm[0] == pytest.approx(0.1 * drawn.region.finest_mm)
    with pytest.raises(ValueError, match="leave width out"):
        cm.methods.spec.Blocks.model_validate(
            {"heights_of": "width", "region": {"kind": "outline"}, "content": {"kind": "crop", "folder": "x"},
             "effect": {"kind": "hills"}})


def test_a_wrong_heights_of_is_told_all_that_it_may_be():
    with pytest.raises(ValueError, match="'canvas', 'object', 'diameter', 'diagonal', 'depth' or 'width'"):
        cm.methods.spec.Blocks.model_validate({"heights_of": "widht", "region": {"kind": "ellipse"}})


@pytest.mark.parametrize("steepest", [0, -1, float("nan"), float("inf"), 1e300])
def test_what_no_relief_leans_is_refused(steepest):
    with pytest.raises(ValueError, match="steepest"):
        PasteRelief(steepest=steepest)


def seen_share(capture, method, seed):
    """How much of a method's highest or deepest some pixel sees; None where it moves nothing."""
    result = cm.synthesize(capture, method, seed=seed)
    field = cm.grown(capture, result.plan.defects[0]).field
    if max(field.deepest_mm, field.highest_mm) < 5 * capture.surface.floor_mm:
        return None
    sides = ((field.deepest_mm, -np.nanmin(result.displacement_mm)),
             (field.highest_mm, np.nanmax(result.displacement_mm)))
    return next(seen / made for made, seen in sides if made == max(field.deepest_mm, field.highest_mm))


def check_in_sight(capture, method, seeds=range(3)):
    shares = [share for seed in seeds if (share := seen_share(capture, method, seed)) is not None]
    assert min(shares, default=1) >= IN_SIGHT, f"{method.name}: pixels see {min(shares):.2f} of its peak"
    return len(shares)


@pytest.mark.parametrize("name", HILLY + PASTED + ROUGH)
def test_pixels_see_what_a_method_moves_most(shared, name):
    if not (shared / "data/mvtec3d_sample").is_dir():
        pytest.skip(f"no mvtec3d_sample in {shared}")
    assert check_in_sight(read(shared, "cable_gland", CABLES[0]), cm.method(name)) > 0


def remade(name, **blocks):
    method = cm.method(name)
    return method.model_copy(update={"blocks": method.blocks.model_copy(update=blocks)})


def test_needles_and_walls_are_caught(shared):
    if not (shared / "data/mvtec3d_sample").is_dir():
        pytest.skip(f"no mvtec3d_sample in {shared}")
    capture = read(shared, "cable_gland", CABLES[0])
    fine = cm.method("das3d").blocks.region.model_copy(update={"cells": (12, 12)})
    needles = remade("das3d", heights_of="canvas", region=fine, effect=Hills(height_mm="4%", direction="out"))
    walls = remade("reb-clump", effect=PasteRelief())
    for method in (needles, walls):
        with pytest.raises(AssertionError, match="of its peak"):
            check_in_sight(capture, method, range(12))


def test_on_a_slant_pits_of_noise_show_their_ground():
    capture = truth.ideal("plane", 30, 50, size=168).capture
    for name in ("3dsr", "transfusion"):
        assert check_in_sight(capture, cm.method(name)) > 0
