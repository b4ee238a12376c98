"""The projector's shadow and flying points at a depth step: closed forms, measured again, applied to new surface."""

from dataclasses import replace

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st
from laws_agreement import check_L5
from test_laws_real import CABLES, read
from test_sensor import imprinted

import crossmodal as cm
from depth.edges import flown, measure_baseline, measure_flying, shadowed
from depth.sensor import DepthSensor

FOCAL = 1200.0


def step_map(near_m, far_m, side=1, size=(40, 120), edge=60):
    """Near ground on the right (1) or left (-1) of an edge, far ground beside it."""
    z = np.full(size, far_m, np.float32)
    z[:, edge:] = near_m
    return z if side > 0 else np.ascontiguousarray(z[:, ::-1])


def check_width(width_px, baseline_mm, near_m, far_m):
    """A step from z to z − h hides f·b·h / (z (z − h)) pixels of the far side, to the pixel that it ends in."""
    wanted = FOCAL * baseline_mm * 1e-3 * (far_m - near_m) / (far_m * near_m)
    assert abs(width_px - wanted) <= 1, f"a shadow of {width_px} px, but {wanted:.1f} px by closed form"


@settings(max_examples=40)
@given(st.floats(20, 200), st.floats(0.25, 0.6), st.floats(0.01, 0.1), st.sampled_from((1, -1)), st.booleans())
def test_a_step_casts_a_shadow_as_wide_as_its_closed_form(baseline_mm, far_m, step_m, side, upright):
    near_m = far_m - step_m
    z = step_map(near_m, far_m, side)
    if FOCAL * baseline_mm * 1e-3 * step_m / (far_m * near_m) > 58:
        return
    baseline = (1e-3 * baseline_mm * side, 0.0)
    dark = shadowed(np.ascontiguousarray(z.T), baseline[::-1], FOCAL).T if upright else shadowed(z, baseline, FOCAL)
    assert (dark == dark[0]).all()
    assert not dark[z == np.float32(near_m)].any()
    check_width(int(dark[0].sum()), baseline_mm, near_m, far_m)
    away = shadowed(z, (-baseline[0], 0.0), FOCAL)
    assert not away.any(), "the projector's own side is lit"


@pytest.mark.parametrize("fault", ["half the baseline", "on the other side", "as wide as the step in mm"])
def test_a_wrong_shadow_is_caught(fault):
    near, far = 0.27, 0.3
    z = step_map(near, far)
    baseline = {"half the baseline": 0.03, "on the other side": -0.06, "as wide as the step in mm": 0.0}[fault]
    width = int(shadowed(z, (baseline, 0.0), FOCAL)[0].sum()) or (30 if baseline == 0 else 0)
    with pytest.raises(AssertionError):
        check_width(width, 60, near, far)


@pytest.mark.parametrize("angle", [30, 45, 120])
def test_a_slanted_baseline_casts_along_its_own_direction(angle):
    z = np.full((121, 121), 0.3, np.float32)
    rows, columns = np.indices(z.shape) - 60
    disc = np.hypot(rows, columns) < 12
    z[disc] = 0.25
    towards = np.array((np.cos(np.radians(angle)), np.sin(np.radians(angle))))
    dark = shadowed(z, tuple(0.02 * towards), FOCAL)
    assert dark.any()
    along = columns[dark] * towards[0] + rows[dark] * towards[1]
    across = columns[dark] * towards[1] - rows[dark] * towards[0]
    wanted = FOCAL * 0.02 * 0.05 / (0.3 * 0.25)
    assert along.max() < 0
    assert abs(-along.min() - 12 - wanted) <= 1.5
    assert np.abs(across).max() <= 13


def with_gaps(seed, baseline_m, edge_px, count=80):
    """Boxes of many heights before a wall, edges lost on both sides and the shadow on the left."""
    rng = np.random.default_rng(seed)
    z = np.full((count, 200), 0.3, np.float32)
    for row in z:
        near = 0.3 - rng.uniform(0.025, 0.04)
        row[80:140] = near
        dark = round(FOCAL * abs(baseline_m) * (1 / near - 1 / 0.3))
        lost = edge_px + rng.integers(0, 2, 2)
        row[80 - lost[0] - dark:80] = np.nan
        row[140:140 + lost[1]] = np.nan
    return z if baseline_m > 0 else np.ascontiguousarray(z[:, ::-1])


@pytest.mark.parametrize("baseline_mm", [60, -60, 25])
def test_the_baseline_is_found_again(baseline_mm):
    z = with_gaps(1, 1e-3 * baseline_mm, 1)
    right, down = measure_baseline(z, FOCAL)
    assert right * 1e3 == pytest.approx(baseline_mm, rel=0.1)
    assert down == 0
    down, right = measure_baseline(np.ascontiguousarray(z.T), FOCAL)[::-1]
    assert down * 1e3 == pytest.approx(baseline_mm, rel=0.1)


def test_what_is_lost_alike_on_both_sides_is_no_shadow():
    assert measure_baseline(with_gaps(1, 1e-6, 6), FOCAL) == (0, 0)
    assert measure_baseline(step_map(0.25, 0.3), FOCAL) == (0, 0)


def test_the_scanner_of_the_cable_gland_has_one_baseline(shared):
    """Each of its captures tells of it by itself, and they agree."""
    found = [read(shared, "cable_gland", name).surface.sensor.baseline_mm for name in CABLES]
    told = np.array([b[0] for b in found if b[0]])
    print(f"baseline of {len(told)} of {len(found)} captures: {np.median(told):.0f} mm, "
          f"{told.min():.0f} to {told.max():.0f}")
    assert len(told) >= 9
    assert np.abs(told / np.median(told) - 1).max() < 0.15
    assert not any(b[1] for b in found)


def bump_before(baseline_mm):
    capture = toys.tilted_plane(0)
    sensor = replace(capture.surface.sensor, baseline_mm=baseline_mm)
    return imprinted(capture, cm.Contamination(diameter_mm=9, height_mm=4, form="flake"), 3, sensor)


@pytest.mark.parametrize("baseline_mm", [(-150, 0, 0), (150, 0, 0), (0, 150, 0), (0, -600, 0)])
def test_new_relief_takes_the_light_from_the_far_side(baseline_mm):
    lit, dark = bump_before((0, 0, 0)), bump_before(baseline_mm)
    lost = np.isnan(dark.after.depth) & ~np.isnan(lit.after.depth)
    assert lost.any()
    assert (dark.masks.depth[lost]).all()
    assert dark.masks.effects[lost & ~dark.gt].any()
    assert (dark.masks.effects & lost)[lost & (lit.displacement_mm == 0) & ~dark.gt].all()
    middle = np.argwhere(lit.gt).mean(0)[::-1]
    away = np.argwhere(lost & ~lit.gt).mean(0)[::-1] - middle
    assert away @ np.array(baseline_mm[:2]) < 0
    nearest = float(np.nanmin(lit.after.depth))
    focal = dark.before.camera.fx
    longest = focal * 1e-3 * np.hypot(*baseline_mm[:2]) * (1 / nearest - 1 / 0.3)
    axis = 1 if baseline_mm[0] else 0
    assert lost.sum(axis).max() <= longest + 1
    assert lost.sum(axis).max() >= 0.5 * longest
    check_L5(dark.before, dark.after, dark.masks)


def test_no_relief_no_shadow():
    capture = toys.box(holes=False)
    sensor = replace(capture.surface.sensor, baseline_mm=(200, 0, 0))
    result = imprinted(capture, cm.Stain(diameter_mm=6), 3, sensor)
    assert result.after.points.tobytes() == capture.points.tobytes()


@pytest.mark.parametrize("wrong", [(75, 0), (75, 0, 5), (float("nan"), 0, 0)])
def test_a_baseline_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="baseline_mm must be"):
        replace(toys.plane().surface.sensor, baseline_mm=wrong)


def flying_map(share, seed=0):
    """Steps of which a known share has a point hanging in it."""
    rng = np.random.default_rng(seed)
    z = step_map(0.25, 0.3, size=(400, 60), edge=30)
    hangs = rng.random(400) < share
    z[hangs, 30] = (0.25 + 0.05 * rng.uniform(0.2, 0.8, 400)[hangs]).astype(np.float32)
    z[::2] = np.nan  # rows stand alone
    return z


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_flying_points_are_found_and_made_as_often(share):
    z = flying_map(share)
    gap = np.full(z.shape, 2e-3, np.float32)
    found = measure_flying(z, gap, 1.0)
    assert found == pytest.approx(share, abs=0.06)
    flat = np.full((400, 60), 0.3, np.float32)
    made = flown(flying_map(0.0), flat, gap, found, np.random.default_rng(1).random((400, 60, 2), np.float32))
    assert measure_flying(made, gap, 1.0) == pytest.approx(share, abs=0.08)
    assert (made[1::2, :30] == flat[1::2, :30]).all(), "what did not change hangs nowhere"


def test_new_steps_of_a_capture_get_flying_points_only_if_it_has_them():
    capture = toys.tilted_plane(0)
    spec = cm.Contamination(diameter_mm=9, height_mm=6, form="flake")
    plain = imprinted(capture, spec, 3, None)
    sensor = replace(capture.surface.sensor, depth=DepthSensor(np.empty(0, np.float32), 0.0, 0.0, np.inf, 0.5))
    result = imprinted(capture, spec, 3, sensor)
    hanging = (result.after.depth != plain.after.depth) & plain.after.valid
    assert hanging.any()
    assert (plain.masks.depth[hanging]).all()
    assert (result.masks.depth == plain.masks.depth).all(), "noise-free change decides the mask"
    check_L5(result.before, result.after, result.masks)
    again = imprinted(capture, spec, 3, sensor)
    assert again.after.points.tobytes() == result.after.points.tobytes()


def test_a_recipe_says_where_the_projector_stands():
    capture = toys.tilted_plane(0)
    dirt = cm.Contamination(diameter_mm=9, height_mm=4, form="flake")
    lit = cm.synthesize(capture, cm.Recipe(defects=(dirt,)), seed=3)
    dark = cm.synthesize(capture, cm.Recipe(defects=(dirt,), baseline_mm=(150, 0, 0)), seed=3)
    assert np.isnan(dark.after.depth).sum() > np.isnan(lit.after.depth).sum()
    back = cm.replay(capture, cm.Plan.model_validate_json(dark.plan.model_dump_json()))
    assert back.after.points.tobytes() == dark.after.points.tobytes()
