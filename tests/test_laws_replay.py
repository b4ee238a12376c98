"""L6, L10 and L11: nothing asked is nothing done, a plan says it all, and far defects do not meddle."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
import toys
import truth
from hypothesis import given, settings
from hypothesis import strategies as st
from laws_agreement import doctored, specs

import crossmodal as cm

ARRAYS = ("after.rgb", "after.points", "after.depth", "masks.rgb", "masks.depth", "masks.points", "masks.effects",
          "gt", "instances", "displacement_mm")


class Faded:
    """A field at a share of its amplitude: displacement and the logarithm-free distance of albedo from 1 alike."""

    def __init__(self, field, share):
        self.field, self.share = field, share
        self.deepest_mm, self.highest_mm = share * field.deepest_mm, share * field.highest_mm

    def __getattr__(self, name):
        return getattr(self.field, name)

    def sample(self, s, t):
        full, a = self.field.sample(s, t), np.float32(self.share)
        parts = {"displacement_mm": a * full.displacement_mm}
        for name in ("albedo", "whitening"):
            value = getattr(full, name, None)
            if value is not None:
                parts[name] = 1 + a * (value - 1) if name == "albedo" else a * value
        for name in ("cover", "flatten", "underside_mm"):
            if getattr(full, name) is not None:
                parts[name] = a * getattr(full, name)
        for name in ("removed", "lost"):
            if getattr(full, name) is not None and not self.share:
                parts[name] = np.zeros_like(getattr(full, name))
        return replace(full, **parts)


def arrays_of(result):
    for path in ARRAYS:
        value = result
        for name in path.split("."):
            value = getattr(value, name)
        yield path, value


def digest(result):
    """One sum over every array of a result, bit for bit."""
    total = hashlib.sha256()
    for path, array in arrays_of(result):
        total.update(path.encode() + str((array.dtype, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def faded(capture, edit, share):
    return cm.imprint(capture, replace(edit, field=Faded(edit.field, share)))


def check_identity(result):
    """Nothing was done: every bit of every modality is the input's, and no mask holds a pixel."""
    assert result.after.rgb.tobytes() == result.before.rgb.tobytes()
    assert result.after.points.tobytes() == result.before.points.tobytes()
    assert result.after.depth.tobytes() == result.before.depth.tobytes()
    for path, array in arrays_of(result):
        if not path.startswith("after"):
            assert not np.asarray(array).any(), path


def change(result):
    """(mm, levels): the largest change of a point and of a colour."""
    both = result.before.valid & result.after.valid
    moved = np.linalg.norm((result.after.points.astype(np.float64) - result.before.points)[both], axis=-1).max() * 1e3
    return float(moved), int(np.abs(result.after.rgb.astype(int) - result.before.rgb).max())


def check_L6(ladder, floor_mm):
    """Zero amplitude is the identity, and the change shrinks with the amplitude, in mm and in levels.

    ladder: share of the amplitude → result, from 1 down to 0.
    """
    shares = sorted(ladder, reverse=True)
    assert shares[0] == 1
    assert shares[-1] == 0
    check_identity(ladder[0])
    full_mm, full_levels = change(ladder[1])
    full_gone = np.isnan(ladder[1].displacement_mm).any()
    for share in shares[1:]:
        mm, levels = change(ladder[share])
        # First hits of a shrinking surface shrink with it; a wall that no longer hides reveals at most its own share.
        assert mm <= 2 * share * full_mm + 3 * floor_mm, f"{mm:.5f} mm at {share:g}, {full_mm:.5f} mm at 1"
        if full_gone:
            continue  # what is gone is gone at any share; its colour is that of what lies behind
        assert levels <= 3 * share * full_levels + 1.5, f"{levels} levels at {share:g}, {full_levels} at 1"
    assert full_mm > 0 or full_levels > 0
    return int(ladder[1].gt.sum())


def check_L10(capture, result, again=None):
    """The plan survives JSON, and replays to the same bits."""
    told = cm.Plan.model_validate_json(result.plan.model_dump_json())
    assert told == result.plan
    assert told.model_dump_json() == result.plan.model_dump_json()
    again = again or cm.replay(capture, told)
    for (path, a), (_, b) in zip(arrays_of(result), arrays_of(again), strict=True):
        assert a.dtype == b.dtype
        assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes(), path
    return int(result.gt.sum())


def check_L11(capture, plan, replayed=cm.replay):
    """Defects whose reach does not meet commute: in any order the same bits; only their numbers are exchanged."""
    here = replayed(capture, plan)
    there = replayed(capture, plan.model_copy(update={"defects": plan.defects[::-1]}))
    for (path, a), (_, b) in zip(arrays_of(here), arrays_of(there), strict=True):
        if path == "instances":
            n = len(plan.defects) + 1
            a, b = a.astype(int), np.where(b > 0, n - b.astype(int), 0)
        assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes(), path
    assert here.visibility == there.visibility[::-1]
    assert set(np.unique(here.instances)) == set(range(len(plan.defects) + 1))
    return int(here.gt.sum())


def apart(capture, specs_at, seed):
    """One plan of several defects, each at its own pixel."""
    plans = [cm.draw(capture, cm.Recipe(defects=(spec,), place=cm.Place(at_pixel=at)), seed + i)
             for i, (spec, at) in enumerate(specs_at)]
    return plans[0].model_copy(update={"defects": tuple(p.defects[0] for p in plans)})


def in_a_worker(seed):
    """What a worker of its own makes of a seed: its digest."""
    capture = toys.tilted_plane(30, size=96)
    return digest(cm.synthesize(capture, (cm.Dent(), cm.Scratch(), cm.Stain()), seed=seed))


@settings(max_examples=10)
@given(truth.ideals(steepest=45), specs(), st.integers(0, 999))
def test_L6_fading_to_nothing(scene, spec, seed):
    capture = scene.capture
    planned = cm.synthesize(capture, spec, seed=seed).plan.defects[0]
    edit = cm.grown(capture.surface, planned)
    ladder = {share: faded(capture, edit, share) for share in (1, 0.3, 0.1, 0.03, 1e-3, 0)}
    assert check_L6(ladder, capture.surface.floor_mm)


@pytest.mark.parametrize("spec", [cm.Dent(diameter_mm=6, depth_mm=1e-9), cm.Bump(diameter_mm=6, height_mm=1e-9),
                                  cm.Stain(diameter_mm=6, opacity=0)], ids=lambda s: s.kind)
def test_L6_a_spec_of_no_amplitude_is_the_identity(spec):
    for capture in (toys.tilted_plane(30), toys.sphere(), toys.box()):
        check_identity(cm.synthesize(capture, spec, seed=3))


def test_L6_a_scratch_without_depth_leaves_geometry_alone():
    """Its fresh metal may still shine: that is appearance, and no part of its depth."""
    capture = toys.tilted_plane(30)
    result = cm.synthesize(capture, cm.Scratch(length_mm=12, width_mm=1.5, depth_mm=1e-9), seed=3)
    assert result.after.points.tobytes() == capture.points.tobytes()
    assert not result.masks.depth.any()


@settings(max_examples=12)
@given(truth.ideals(), st.lists(specs(), min_size=1, max_size=3), st.integers(0, 2**40))
def test_L10_json_and_replay(scene, several, seed):
    several = [spec.model_copy(update={name: tuple(0.6 * v for v in getattr(spec, name)) for name in spec.sizes
                                       if name.endswith("_mm")}) for spec in several]
    result = cm.synthesize(scene.capture, several, seed=seed)
    assert len(result.plan.defects) == len(several)
    assert check_L10(scene.capture, result)


def test_L10_seeds_are_seeds():
    """The same seed gives the same bytes, another gives others, and 0 is a seed like any."""
    capture = toys.sphere()
    first, again, other = (cm.synthesize(capture, cm.Dent(), seed=s) for s in (0, 0, 1))
    assert digest(first) == digest(again)
    assert digest(first) != digest(other)


def test_L10_adding_a_defect_disturbs_no_other_draw():
    capture = toys.tilted_plane(30)
    alone = cm.synthesize(capture, [cm.Dent(diameter_mm=4, depth_mm=(0.1, 0.3))], seed=9).plan
    more = cm.synthesize(capture, [cm.Dent(diameter_mm=4, depth_mm=(0.1, 0.3)), cm.Stain(diameter_mm=3)], seed=9).plan
    assert more.defects[0] == alone.defects[0]


def test_L10_two_workers_make_the_same_bytes():
    here = [in_a_worker(seed) for seed in range(4)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        assert list(workers.map(in_a_worker, range(4))) == here


@settings(max_examples=10)
@given(specs(), specs(), st.integers(0, 999), st.sampled_from((0, 25, 50)))
def test_L11_far_defects_commute(one, other, seed, tilt):
    capture = toys.tilted_plane(tilt, size=192)
    small = [s.model_copy(update={n: tuple(0.5 * v for v in getattr(s, n)) for n in s.sizes if n.endswith("_mm")})
             for s in (one, other)]
    assert check_L11(capture, apart(capture, [(small[0], (45, 50)), (small[1], (145, 140))], seed))


@pytest.mark.parametrize("fault", ["offset that stays", "half of it stays", "colour that stays", "not the identity"])
def test_L6_catches(fault):
    capture = toys.tilted_plane(30)
    planned = cm.synthesize(capture, cm.Dent(diameter_mm=8, depth_mm=0.5), seed=4).plan.defects[0]
    edit = cm.grown(capture.surface, planned)
    ladder = {share: faded(capture, edit, share) for share in (1, 0.3, 0.1, 0.03, 1e-3, 0)}
    floor = capture.surface.floor_mm
    check_L6(ladder, floor)
    small, full = ladder[1e-3], ladder[1]
    ladder[1e-3] = {
        "offset that stays": lambda: doctored(small, points=np.where(full.gt[..., None], small.after.points + 2e-5,
                                                                     small.after.points).astype(np.float32)),
        "half of it stays": lambda: faded(capture, edit, 0.5),
        "colour that stays": lambda: doctored(small, rgb=full.after.rgb),
        "not the identity": lambda: small,
    }[fault]()
    if fault == "not the identity":
        ladder[0] = faded(capture, edit, 0.01)
    with pytest.raises(AssertionError):
        check_L6(ladder, floor)


@pytest.mark.parametrize("fault", ["noise without a seed", "one bit of depth", "one bit of gt", "another texture",
                                   "a number lost in JSON"])
def test_L10_catches(fault):
    capture = toys.tilted_plane(30)
    result = cm.synthesize(capture, cm.Scratch(length_mm=10, width_mm=2, depth_mm=0.3), seed=4)
    check_L10(capture, result)
    again = cm.replay(capture, result.plan)
    points, gt = again.after.points.copy(), again.gt.copy()
    if fault == "noise without a seed":
        points[result.gt] += np.random.default_rng().normal(0, 1e-6, (result.gt.sum(), 3)).astype(np.float32)
        again = doctored(again, points=points)
    elif fault == "one bit of depth":
        points.view(np.uint32)[50, 50, 2] ^= 1
        again = doctored(again, points=points)
    elif fault == "one bit of gt":
        gt[0, 0] ^= True
        again = doctored(again, gt=gt)
    else:
        planned = result.plan.defects[0]
        update = {"texture_seed": planned.texture_seed + 1} if fault == "another texture" else {
            "anchor_m": tuple(float(f"{v:.4g}") for v in planned.anchor_m)}
        again = cm.replay(capture, result.plan.model_copy(update={"defects": (planned.model_copy(update=update),)}))
    with pytest.raises(AssertionError):
        check_L10(capture, result, again)


@pytest.mark.parametrize("fault", ["overlapping", "drawn in order", "a light that follows the first"])
def test_L11_catches(fault):
    capture = toys.tilted_plane(25, size=192)
    pair = [(cm.Dent(diameter_mm=6, depth_mm=0.4), (45, 50)), (cm.Bump(diameter_mm=5, height_mm=0.4), (145, 140))]
    plan = apart(capture, pair, 3)
    check_L11(capture, plan)
    if fault == "overlapping":
        with pytest.raises(AssertionError):
            check_L11(capture, apart(capture, [(pair[0][0], (90, 90)), (pair[1][0], (98, 94))], 3))
        return

    def meddled(capture, plan):
        result = cm.replay(capture, plan)
        first = result.instances == 1
        if fault == "drawn in order":
            return doctored(result, displacement_mm=np.where(first, result.displacement_mm * np.float32(1.01),
                                                             result.displacement_mm))
        rgb = result.after.rgb.copy()
        rgb[~result.gt] += np.uint8(plan.defects[0].spec.kind == "dent")
        return doctored(result, rgb=rgb)

    with pytest.raises(AssertionError):
        check_L11(capture, plan, meddled)
