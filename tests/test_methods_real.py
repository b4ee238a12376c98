"""The laws that need no truth, of every preset on captures of real sensors at half their resolution: MVTec 3D-AD's
cable gland and the mOSD scenes, a capture and a seed of its own each."""

from dataclasses import replace
from functools import lru_cache

import laws_agreement as agreement
import numpy as np
import pytest
import test_laws_motion as motion
import test_laws_replay as replaying
import truth
from method_runs import one_way
from test_laws_real import CABLES, SCENES, deepest_in_sight, read

import crossmodal as cm
from crossmodal.methods.presets import names

NAMES = names()
TURNED = truth.rotation((1, 2, 0.5), 77, (0.1, -0.2, 0.3))
SOURCES = {"mvtec3d_sample": ("cable_gland", CABLES[::4]), "mosd": ("mosd", SCENES[::4])}


@lru_cache(maxsize=8)
def halved(shared, source, name):
    """Every second pixel of a real capture, and the camera that saw those alone."""
    capture = read(shared, source, name)
    camera = capture.camera
    rgb, points = (np.ascontiguousarray(array[::2, ::2]) for array in (capture.rgb, capture.points))
    # Of an even pixel's centre the place is halved, whatever the lens.
    camera = replace(camera, height=rgb.shape[0], width=rgb.shape[1],
                     **{side: 0.5 * getattr(camera, side) for side in ("fx", "fy", "cx", "cy")})
    return cm.Capture(camera, rgb, points, capture.name)


def in_sight_mm(capture, planned, edit):
    """How far the highest or the deepest of a field is moved that the camera can see, mm."""
    surface, field = capture.surface, edit.field
    if field.deepest_mm > field.highest_mm:
        return min(field.deepest_mm, deepest_in_sight(surface, planned, field))
    points, normals = surface.smoothed[surface.foreground], surface.normals[surface.foreground]
    return float(edit(points.astype(np.float64), normals).displacement_mm.max())


def check_height(capture, result, edit):
    """The asked height is the field's, and what the pixels show: to 1 %, their noise floor, and what sampling misses of
    what is in sight."""
    [planned] = result.plan.defects
    asked, field = planned.blocks.effect.height_mm[0], edit.field
    assert max(field.deepest_mm, field.highest_mm) == pytest.approx(asked, rel=1e-5)
    assert max(result.measured[0].max_depth_mm, result.measured[0].max_height_mm) == pytest.approx(asked, rel=1e-5)
    seen = float(np.nanmax(np.abs(result.displacement_mm)))
    span = float(np.sqrt(capture.surface.pixel_area_mm2[result.gt].max()))
    allowed = 0.01 * asked + capture.surface.floor_mm + truth.sampling_deficit_mm(field, span)
    assert seen <= asked + allowed, f"{seen:.3f} mm is seen, asked {asked:.3f} ± {allowed:.3f}"
    if seen < asked - allowed:
        sight = in_sight_mm(capture, planned, edit)
        assert seen >= sight - allowed, f"{seen:.3f} mm is seen, {sight:.3f} ± {allowed:.3f} is in sight"
    return seen


def across_px(capture, planned):
    """Pixels across the smallest part of what was drawn, slant included."""
    facing = -np.dot(planned.normal, planned.anchor_m) / np.linalg.norm(planned.anchor_m)
    return planned.blocks.finest_mm * facing / capture.surface.mm_per_pixel


def check_lifted_depth(result):
    """L15: the depth of a result, lifted, brings the points of every pixel back to the bit."""
    back = cm.imprint(result.before, cm.lift(result.before, depth=result.after.depth))
    assert back.after.points.tobytes() == result.after.points.tobytes()
    assert not (back.gt & ~truth.grown_by(result.masks.union, 2)).any()
    return int(back.gt.sum())


def cloud_about(capture, gt, margin=12):
    """The capture's points in a box about a defect."""
    cloud, (column, row) = motion.unlabelled(capture), capture.cloud()[1].T
    inside = np.ones(len(cloud), bool)
    for at, lines in ((row, gt.any(1)), (column, gt.any(0))):
        first, *_, last = np.flatnonzero(lines)
        inside &= (at >= first - margin) & (at <= last + margin)
    return replace(cloud, xyz_m=cloud.xyz_m[inside], normals=cloud.normals[inside],
                   rgb=None if cloud.rgb is None else cloud.rgb[inside])


def check_laws(capture, result, edit):
    [planned] = result.plan.defects
    effect = planned.blocks.effect.kind
    agreement.check_L3(result)
    assert agreement.check_L5(result.before, result.after, result.masks)
    assert agreement.check_gt(result)
    assert result.visibility[0].seen_in
    replaying.check_L10(capture, result)
    replaying.check_identity(replaying.faded(capture, edit, 0))
    if way := one_way(planned):
        agreement.check_L9(result, way)
    cloud, left = agreement.through_cloud(capture, edit)
    if effect == "remove":
        if across_px(capture, planned) >= 2:  # what is narrower passes between the pixels
            agreement.check_L9_removed(result)
            agreement.check_L4_removed(result, left)
    elif result.masks.depth.any() or planned.blocks.content.kind not in ("fill", "slide"):  # which may show in part
        agreement.check_L4(result, cloud, left)
    astray = max(2, 1e-3 * result.gt.sum())
    assert motion.check_L8(cloud_about(capture, result.gt), edit, TURNED, astray=astray)
    if effect == "hills" and planned.blocks.sharing != ("rgb",):
        check_height(capture, result, edit)
    if result.masks.depth.any():
        check_lifted_depth(result)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("folder", SOURCES)
def test_laws_on_real_captures(shared, folder, name, monkeypatch):
    if not (shared / "data" / folder).is_dir():
        pytest.skip(f"no {folder} in {shared}")
    source, captures = SOURCES[folder]
    i = NAMES.index(name)
    method, which = cm.method(name), captures[i % len(captures)]
    thin = method.blocks.effect.kind == "remove"
    capture = read(shared, source, which) if thin else halved(shared, source, which)
    result = cm.synthesize(capture, method, seed=i)
    edit = cm.grown(capture, result.plan.defects[0])
    monkeypatch.setattr(truth, "field_of", lambda planned: edit.field)
    check_laws(capture, result, edit)


@pytest.fixture
def dented(shared):
    capture = halved(shared, "cable_gland", CABLES[0])
    result = cm.synthesize(capture, cm.method("af3ad-dent"), seed=1)
    return capture, result, cm.grown(capture, result.plan.defects[0])


@pytest.mark.parametrize("fault", ["a tenth deeper", "as deep as half of it", "gt of its own"])
def test_what_is_too_deep_or_astray_is_caught(dented, fault):
    capture, result, edit = dented
    check_laws(capture, result, edit)
    spoilt = {"a tenth deeper": {"displacement_mm": 1.1 * result.displacement_mm},
              "as deep as half of it": {"displacement_mm": 0.5 * result.displacement_mm},
              "gt of its own": {"gt": np.roll(result.gt, 4, 1)}}[fault]
    with pytest.raises(AssertionError):
        check_laws(capture, agreement.doctored(result, **spoilt), edit)


def test_a_lift_that_is_not_exact_is_caught(dented):
    _, result, _ = dented
    points = result.after.points.copy()
    points[..., 0][result.gt] += np.float32(1e-6)
    with pytest.raises(AssertionError):
        check_lifted_depth(agreement.doctored(result, points=points))


def test_a_lid_over_a_gap_is_caught(shared):
    """A wall of no height, laid over what is gone, once hid most of a crack."""
    capture = read(shared, "cable_gland", CABLES[0])
    result = cm.synthesize(capture, cm.method("mpas-crack"), seed=1)
    assert across_px(capture, result.plan.defects[0]) > 2
    edit = cm.grown(capture, result.plan.defects[0])
    _, left = agreement.through_cloud(capture, edit)
    assert agreement.check_L4_removed(result, left)
    lid = np.where(truth.grown_by(np.isfinite(result.displacement_mm), 2), np.float32(0), result.displacement_mm)
    with pytest.raises(AssertionError):
        agreement.check_L4_removed(agreement.doctored(result, displacement_mm=lid), left)
