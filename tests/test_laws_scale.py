"""L7, L12 and L14: a defect has its size in mm, whatever distance and resolution it is seen at."""

from dataclasses import replace

import numpy as np
import pytest
import truth
from hypothesis import given, settings
from hypothesis import strategies as st
from laws_agreement import doctored, specs
from laws_scale import (
    BIG,
    area_mm2,
    check_areas,
    check_L7,
    check_L12,
    check_L14_on_the_capture,
    check_L14_on_the_field,
    check_L14_on_the_turn,
    far_scene,
    half_scene,
    requested,
)

import crossmodal as cm
from crossmodal.defects import grow


def test_L14_sees_a_warp_that_turns_by_less_than_asked():
    field = grow(cm.Bend(length_mm=30, width_mm=20, angle_deg=9, diameter_mm=80), 1)
    assert check_L14_on_the_turn(field, 9, 9)
    with pytest.raises(AssertionError, match="turned by"):
        check_L14_on_the_turn(field, 9.5, 9.5)


@settings(max_examples=12)
@given(truth.ideals(lenses=("pinhole",), steepest=45), BIG, st.integers(0, 999))
def test_L7_twice_the_distance(scene, spec, seed):
    near = cm.synthesize(scene.capture, spec, seed=seed)
    there, plan = far_scene(scene, near.plan)
    far = cm.replay(there.capture, plan)
    assert check_L7(near, far, (scene, there), (near.plan, plan))


@settings(max_examples=12)
@given(truth.ideals(lenses=("pinhole",), steepest=45), BIG, st.integers(0, 999))
def test_L12_half_the_resolution(scene, spec, seed):
    full = cm.synthesize(scene.capture, spec, seed=seed)
    coarse = half_scene(scene)
    half = cm.replay(coarse.capture, full.plan)
    assert check_L12(full, half, (scene, coarse), full.plan.defects[0])


@settings(max_examples=16)
@given(specs(narrowest=0.3), st.integers(0, 2**31))
def test_L14_on_the_field(spec, seed):
    drawn = spec.drawn(np.random.default_rng(seed))
    wanted = requested(drawn)
    check_L14_on_the_field(cm.defects.grow(drawn, seed), wanted)


@settings(max_examples=10)
@given(truth.ideals(steepest=45), specs(), st.integers(0, 999))
def test_L14_on_captures(scene, spec, seed):
    result = cm.synthesize(scene.capture, spec, seed=seed)
    planned = result.plan.defects[0]
    slant = abs(np.dot(planned.normal, planned.anchor_m)) / np.linalg.norm(planned.anchor_m)
    spacing = 1e3 * planned.anchor_m[2] / scene.capture.camera.fx / slant
    printed = []
    check_L14_on_the_capture(scene, planned, result, requested(planned.spec), spacing, printed)
    print("\n".join(printed))


FINE = {"dent": lambda: cm.Dent(diameter_mm=6, depth_mm=0.5), "bump": lambda: cm.Bump(diameter_mm=6, height_mm=0.4),
        "scratch": lambda: cm.Scratch(length_mm=14, width_mm=2.7, depth_mm=0.3),
        "stain": lambda: cm.Stain(diameter_mm=6)}


def fine_result(shape, tilt, kind, seed=0):
    """A defect of at least 40 px across its smallest size, in the middle of the picture."""
    scene = truth.ideal(shape, tilt, 35, size=280, mm_per_pixel=0.06)
    recipe = cm.Recipe(defects=(FINE[kind](),), place=cm.Place(at_pixel=(140, 136)))
    result = cm.synthesize(scene.capture, recipe, seed=seed)
    return scene, result.plan.defects[0], result


@pytest.mark.parametrize("kind", FINE)
@pytest.mark.parametrize(("shape", "tilt"), [("plane", 0), ("plane", 25), ("sphere", 0), ("cylinder", 20)])
def test_L14_one_percent_with_forty_pixels(shape, tilt, kind):
    scene, planned, result = fine_result(shape, tilt, kind)
    spacing = 0.06 / np.cos(np.radians(tilt))
    printed = []
    check_L14_on_the_capture(scene, planned, result, requested(planned.spec), spacing, printed)
    print("\n".join(printed))
    found = result.measured[0]
    for name, want in requested(planned.spec).items():
        assert abs(getattr(found, name) - want) <= 0.01 * want, f"result.measured: {name} {getattr(found, name):.4f}"
    check_areas((area_mm2(scene, planned, result.gt), found.area_mm2), truth.field_of(planned), spacing)
    assert found.area_px == result.gt.sum()


@pytest.mark.parametrize("kind", ["dent", "scratch"])
def test_L7_catches(kind):
    scene = truth.ideal("plane", 30, 35)
    near = cm.synthesize(scene.capture, {"dent": cm.Dent(diameter_mm=9, depth_mm=0.4),
                                         "scratch": cm.Scratch(length_mm=15, width_mm=4.5, depth_mm=0.3)}[kind], seed=4)
    there, plan = far_scene(scene, near.plan)
    far = cm.replay(there.capture, plan)
    check_L7(near, far, (scene, there), (near.plan, plan))
    in_pixels = doctored(far, gt=np.roll(near.gt, 0, axis=0))  # a size kept in pixels
    with pytest.raises(AssertionError):
        check_L7(near, in_pixels, (scene, there), (near.plan, plan))
    doubled = plan.model_copy(update={"defects": tuple(d.model_copy(update={"spec": d.spec.model_copy(update={
        d.spec.sizes[0]: tuple(1.5 * v for v in getattr(d.spec, d.spec.sizes[0]))})}) for d in plan.defects)})
    with pytest.raises(AssertionError):
        check_L7(near, cm.replay(there.capture, doubled), (scene, there), (near.plan, plan))
    with pytest.raises((AssertionError, ValueError)):  # the plan forgotten where it was
        check_L7(near, cm.replay(there.capture, near.plan), (scene, there), (near.plan, plan))


@pytest.mark.parametrize("fault", ["size in pixels", "depth × 1.1", "depth in pixels"])
def test_L12_catches(fault):
    scene = truth.ideal("plane", 30, 35)
    full = cm.synthesize(scene.capture, cm.Dent(diameter_mm=9, depth_mm=0.6), seed=4)
    coarse = half_scene(scene)
    half = cm.replay(coarse.capture, full.plan)
    planned = full.plan.defects[0]
    check_L12(full, half, (scene, coarse), planned)
    before, moved = half.before.points, half.after.points - half.before.points
    if fault == "size in pixels":
        spoilt = doctored(half, gt=truth.grown_by(half.gt, 6))
    else:
        spoilt = doctored(half, points=before + np.float32({"depth × 1.1": 1.1, "depth in pixels": 2}[fault]) * moved)
    with pytest.raises(AssertionError):
        check_L12(full, spoilt, (scene, coarse), planned)


class Scaled:
    """A field blown up laterally and in depth."""

    def __init__(self, field, across, deep):
        self.field, self.across, self.deep = field, across, deep
        self.bounds_mm = tuple(across * b for b in field.bounds_mm)

    def __getattr__(self, name):
        return getattr(self.field, name)

    def sample(self, s, t):
        sample = self.field.sample(s / self.across, t / self.across)
        return replace(sample, displacement_mm=np.float32(self.deep) * sample.displacement_mm)


@pytest.mark.parametrize("kind", ["dent", "bump", "scratch"])
@pytest.mark.parametrize("scale", [(1.03, 1), (0.97, 1), (1, 1.03), (1, -1)])
def test_L14_on_the_field_catches_three_percent(kind, scale):
    drawn = FINE[kind]().drawn(np.random.default_rng(0))
    field = cm.defects.grow(drawn, 7)
    check_L14_on_the_field(field, requested(drawn))
    with pytest.raises(AssertionError):
        check_L14_on_the_field(Scaled(field, *scale), requested(drawn))


@pytest.mark.parametrize("kind", ["dent", "bump", "scratch"])
@pytest.mark.parametrize("fault", ["deeper by 3 %", "wider by two pixels", "a radius for a diameter"])
def test_L14_on_captures_catches(kind, fault):
    scene, planned, result = fine_result("plane", 25, kind)
    wanted, spacing = requested(planned.spec), 0.06 / np.cos(np.radians(25))
    if fault == "deeper by 3 %":
        before, after = result.before.points.astype(np.float64), result.after.points
        spoilt = doctored(result, points=(before + 1.03 * (after - before)).astype(np.float32))
    elif fault == "wider by two pixels":
        spoilt = doctored(result, gt=truth.grown_by(result.gt))
    else:
        spoilt = result
        wanted = {name: v if name.startswith("max") else 2 * v for name, v in wanted.items()}
    with pytest.raises(AssertionError):
        check_L14_on_the_capture(scene, planned, spoilt, wanted, spacing)
