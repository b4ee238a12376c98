"""Every registered kind goes through every law that speaks of it; what it declares says which may be silent.

A law is a function of a kind's class that returns how much it could judge (pixels, sizes); 0 is silence. A kind may
be silent only where its declared ``extent`` and ``effect`` say so: it cannot escape by changing nothing.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

import laws_agreement as agreement
import laws_scale as scale
import numpy as np
import pytest
import test_laws_lift as lift
import test_laws_motion as motion
import test_laws_replay as replaying
import test_laws_truth as against_truth
import truth

import crossmodal as cm
from crossmodal.defects import grow
from crossmodal.defects.added import FORMS
from crossmodal.defects.spec import Effect, Extent

KINDS = {spec.model_fields["kind"].default: spec for spec in cm.DEFECTS}
GEOMETRY = {"in", "out", "both", "remove", "add", "warp"}
ONE_WAY = {"in", "out", "remove", "add"}


@lru_cache(maxsize=16)
def scene_of(tilt=30):
    return truth.ideal("plane", tilt, 35, size=168)


def asked(kind):
    """The spec of a kind with nothing told, or of "kind form" with its form."""
    if kind in KINDS:
        return KINDS[kind]()
    kind, _, form = kind.partition(" ")
    return KINDS[kind](form=form)


@lru_cache(maxsize=32)
def drawn(kind, seed=3, tilt=30):
    """(scene, result) of a kind's own default sizes, in the middle of a tilted plane; as a user would first try it."""
    scene = scene_of(tilt)
    recipe = cm.Recipe(defects=(asked(kind),), place=cm.Place(at_pixel=(84, 80)))
    return scene, cm.synthesize(scene.capture, recipe, seed=seed)


def small(kind):
    """The kind with its lateral and vertical sizes as drawn, but smaller: room for two on one capture."""
    spec = drawn(kind)[1].plan.defects[0].spec
    return spec.model_copy(update={name: tuple(0.4 * v for v in getattr(spec, name)) for name in spec.sizes
                                   if name.endswith("_mm")})


def law_3(spec, kind):
    _, result = drawn(kind)
    return agreement.check_L3(result)


def law_4(spec, kind):
    scene, result = drawn(kind)
    return agreement.check_L4(result, *agreement.through_cloud(
        scene.capture, cm.grown(scene.capture.surface, result.plan.defects[0])))


def law_5(spec, kind):
    _, result = drawn(kind)
    return agreement.check_L5(result.before, result.after, result.masks) and agreement.check_gt(result)


def law_6(spec, kind):
    scene, result = drawn(kind)
    edit = cm.grown(scene.capture.surface, result.plan.defects[0])
    ladder = {share: replaying.faded(scene.capture, edit, share) for share in (1, 0.3, 0.03, 0)}
    return replaying.check_L6(ladder, scene.capture.surface.floor_mm)


def law_7(spec, kind):
    scene, near = drawn(kind)
    there, plan = scale.far_scene(scene, near.plan)
    return scale.check_L7(near, cm.replay(there.capture, plan), (scene, there), (near.plan, plan))


def law_8(spec, kind):
    scene, result = drawn(kind)
    edit = cm.grown(scene.capture.surface, result.plan.defects[0])
    return motion.check_L8(motion.unlabelled(scene.capture), edit, truth.rotation((1, 2, 0.5), 77, (0.1, -0.2, 0.3)))


def law_9(spec, kind):
    return sum(agreement.check_L9(drawn(kind, 3, tilt)[1], spec.effect) for tilt in (0, 30, 60))


def law_10(spec, kind):
    scene, result = drawn(kind)
    return replaying.check_L10(scene.capture, result)


def law_11(spec, kind):
    capture = truth.ideal("plane", 15, 35, size=200).capture
    plan = replaying.apart(capture, [(small(kind), (45, 45)), (small("dent"), (150, 145))], 5)
    return replaying.check_L11(capture, plan)


def law_12(spec, kind):
    scene, full = drawn(kind)
    coarse = scale.half_scene(scene)
    return scale.check_L12(full, cm.replay(coarse.capture, full.plan), (scene, coarse), full.plan.defects[0])


def law_13(spec, kind):
    scene, result = drawn(kind, 3, 0)
    planned = result.plan.defects[0]
    there, poses, moved = motion.two_views(scene, planned, (0.3, 1, 0.2), 25)
    edit = cm.grown(scene.capture.surface, planned)
    results = cm.imprint(cm.Rig((scene.capture, there.capture), poses), edit)
    shared = motion.shown_to_both((scene, there), poses) if spec.extent == "global" else (True, True)
    return motion.check_L13(results, (scene, there), (planned, moved), spec.effect, shared)


def law_14(spec, kind):
    planned = drawn(kind)[1].plan.defects[0]
    if spec.extent == "global":
        return scale.check_L14_on_the_turn(truth.field_of(planned), *planned.spec.angle_deg)
    return scale.check_L14_on_the_field(truth.field_of(planned), scale.requested(planned.spec))


def law_15(spec, kind):
    scene, result = drawn(kind)
    seen = scene.seen(result.plan.defects[0])
    clear = lift.unoccluded(result, seen)
    if spec.effect == "appearance":
        edit, back = lift.lifted_back(scene.capture, rgb=result.after.rgb)
        gain = lift.gain_over_pixels(truth.field_of(result.plan.defects[0]), seen)
        return lift.check_L15_from_rgb(result, back, edit, gain,
                                       clear & ~truth.boundary_band(seen.support))
    _, back = lift.lifted_back(scene.capture, depth=result.after.depth)
    return lift.check_L15_from_depth(result, back, clear)


def law_truth(spec, kind):
    scene, result = drawn(kind)
    planned = result.plan.defects[0]
    seen = scene.seen(planned)
    sure = against_truth.check_gt_against(result.gt, seen)
    if spec.effect in GEOMETRY:
        _, in_depth, in_displacement = against_truth.allowance(scene, planned, seen)
        sure = min(sure, against_truth.check_depth_against(result, seen, in_depth),
                   against_truth.check_displacement_against(result, seen, in_displacement))
    return sure


@dataclass(frozen=True)
class Law:
    """run(spec class, kind) → how much was judged; speaks(extent, effect): of which declarations."""

    run: object
    speaks: object


def of_all(extent, effect):
    return True


LAWS = {
    # L1 and L2 speak of cameras and captures, of no kind.
    "L3": Law(law_3, lambda extent, effect: effect in GEOMETRY),
    "L4": Law(law_4, of_all),
    "L5": Law(law_5, of_all),
    "L6": Law(law_6, of_all),
    "L7": Law(law_7, lambda extent, effect: extent == "local"),
    "L8": Law(law_8, of_all),
    "L9": Law(law_9, lambda extent, effect: effect in ONE_WAY),
    "L10": Law(law_10, of_all),
    "L11": Law(law_11, lambda extent, effect: extent == "local"),
    "L12": Law(law_12, of_all),
    "L13": Law(law_13, of_all),
    "L14": Law(law_14, of_all),
    "L15": Law(law_15, of_all),
    "truth": Law(law_truth, lambda extent, effect: effect not in ("remove", "warp")),
}
# What a declaration silences, written out: a law that grows an exemption fails here first.
SILENT = {("local", "in"): set(), ("local", "out"): set(), ("local", "both"): {"L9"}, ("local", "remove"): {"truth"},
          ("local", "add"): set(), ("local", "appearance"): {"L3", "L9"}, ("local", "warp"): {"L9", "truth"}}
SILENT |= {("global", effect): laws | {"L7", "L11"} for (_, effect), laws in list(SILENT.items())}


def judge(law, spec, kind):
    """Run a law; a kind of which it is bound to speak must give it something to judge."""
    judged = LAWS[law].run(spec, kind)
    assert judged, f"{kind} escapes {law}: it gave it nothing to judge"
    return judged


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("law", LAWS)
def test_every_kind_obeys_every_law_that_speaks_of_it(kind, law):
    spec = KINDS[kind]
    if law in SILENT[spec.extent, spec.effect]:
        assert not LAWS[law].speaks(spec.extent, spec.effect)
    else:
        judge(law, spec, kind)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("law", LAWS)
def test_every_form_of_contamination_obeys_them_too(form, law):
    judge(law, cm.Contamination, f"contamination {form}")


def test_exemptions_are_those_that_declarations_imply():
    for declared, silent in SILENT.items():
        assert {law for law in LAWS if not LAWS[law].speaks(*declared)} == silent, declared
    assert set(SILENT) == {(extent, effect) for extent in get_args(Extent) for effect in get_args(Effect)}
    numbers = {law for laws in SILENT.values() for law in laws} | set(LAWS)
    assert {f"L{n}" for n in range(3, 16)} <= numbers


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_does_what_it_declares(kind):
    """The field moves matter only in the declared direction, and an appearance moves none."""
    spec = KINDS[kind]
    assert spec.extent in get_args(Extent)
    assert spec.effect in get_args(Effect)
    for seed in range(6):
        planned = drawn(kind, seed)[1].plan.defects[0]
        field = truth.field_of(planned)
        s0, s1, t0, t1 = field.bounds_mm
        s, t = (g.ravel() for g in np.meshgrid(np.linspace(1.2 * s0, 1.2 * s1, 161),
                                               np.linspace(1.2 * t0, 1.2 * t1, 161)))
        sample = field.sample(s, t)
        d = sample.displacement_mm
        outside = (s < s0) | (s > s1) | (t < t0) | (t > t1)
        assert sample.support.any()
        assert not sample.support[outside].any(), "the field reaches beyond its bounds"
        way = {"in": d.max() <= 0 < -d.min(), "out": d.min() >= 0 < d.max(), "both": d.min() < 0 < d.max(),
               "add": d.min() >= 0 < d.max(), "appearance": not d.any()}
        assert way.get(spec.effect, True)
        assert -d.min() <= field.deepest_mm * (1 + 1e-6)
        assert d.max() <= field.highest_mm * (1 + 1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_complete(kind):
    """A docstring, a grow of its own, sizes in the shared vocabulary, a discriminator, a name at the door."""
    spec = KINDS[kind]
    assert spec.__doc__
    assert spec.__doc__.strip().split("\n")[0].endswith(".")
    assert spec.__doc__ != cm.Spec.__doc__
    assert grow.dispatch(spec) is not grow.dispatch(object)
    assert spec.__name__.lower() == kind.replace("_", "")
    assert getattr(cm, spec.__name__) is spec
    assert spec.sizes
    words = {"length_mm", "width_mm", "diameter_mm", "depth_mm", "height_mm", "thickness_mm", "area_mm2",
             "area_percent", "angle_deg", "opacity", "severity"}
    assert set(spec.sizes) <= set(spec.model_fields)
    assert set(spec.sizes) <= words
    assert not [name for name in spec.model_fields if name.endswith("_mm") and name not in spec.sizes]
    if spec.effect in ("in", "both"):
        assert "depth_mm" in spec.sizes
    if spec.effect == "out":
        assert "height_mm" in spec.sizes


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_within_what_was_asked(kind):
    planned = drawn(kind)[1].plan.defects[0]
    most = {name: getattr(planned.spec, name)[0] for name in planned.spec.sizes}
    ranges = {name: (0.8 * value, value) for name, value in most.items()}
    for seed in range(12):
        spec = cm.draw(scene_of().capture, cm.Recipe(defects=(KINDS[kind](**ranges),)), seed).defects[0].spec
        for name, (low, high) in ranges.items():
            value = getattr(spec, name)
            assert value[0] == value[1]
            assert low <= value[0] <= high


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [-1.0, 0.0, float("nan"), float("inf"), (3.0, 1.0), "wide", (1.0, float("nan"))])
def test_sizes_that_cannot_be_are_refused(kind, bad):
    spec = KINDS[kind]
    for name in spec.sizes:
        if bad == 0.0 and not name.endswith("_mm"):
            continue
        with pytest.raises(ValueError):
            spec(**{name: bad})
    with pytest.raises(ValueError):
        spec(radius_mm=1.0)


def test_kinds_are_told_apart():
    assert len(KINDS) == len(cm.DEFECTS)
    for kind, spec in KINDS.items():
        recipe = cm.Recipe.model_validate({"defects": [{"kind": kind}]})
        assert type(recipe.defects[0]) is spec
        assert cm.Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    with pytest.raises(ValueError):
        cm.Recipe.model_validate({"defects": [{"kind": "dnet"}]})


@pytest.mark.parametrize("law", ["L5", "L9", "L14"])
def test_a_kind_cannot_escape_by_doing_nothing(law, monkeypatch):
    """A law that judged nothing fails: silence is not consent."""
    monkeypatch.setitem(LAWS, law, Law(lambda spec, kind: 0, LAWS[law].speaks))
    with pytest.raises(AssertionError, match="escapes"):
        judge(law, KINDS["dent"], "dent")


def test_a_kind_cannot_escape_by_its_declaration():
    """A scratch that calls itself one-way is caught by L9; a dent that calls itself a bump too."""
    with pytest.raises(AssertionError):
        agreement.check_L9(drawn("scratch")[1], "in")
    with pytest.raises(AssertionError):
        agreement.check_L9(drawn("dent")[1], "out")
