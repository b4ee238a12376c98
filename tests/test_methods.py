"""Published methods: every preset goes through the laws on arrival, like a kind of the catalogue.

Truth comes from a ray cast of the method's own field over a chart in closed form (tests/truth.py).
"""

from functools import lru_cache

import numpy as np
import pytest
import test_laws_agreement as agreement
import test_laws_motion as motion
import test_laws_replay as replaying
import test_laws_truth as against_truth
import truth

import crossmodal as cm
from crossmodal import captures
from crossmodal.methods.labels import soft_label
from crossmodal.methods.presets import names
from crossmodal.methods.table import rows, survey

PUBLISHED = [name for name in names() if cm.method(name).as_published is not None]
LIFTED = [name for name in names() if cm.method(name).origin.kind in ("defect", "study")]
SEED = 3


def shown_by(sharing):
    """What a result of one sharing may change."""
    return {"both": ("rgb", "depth"), "rgb": ("rgb",), "geometry": ("depth", "rgb")}[sharing]


@lru_cache(maxsize=1)
def scene_of():
    return truth.ideal("plane", 30, 35, size=168)


@lru_cache(maxsize=64)
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


@pytest.mark.parametrize("name", names())
def test_laws_on_a_real_capture(name):
    """L3, L5, L6, L9 and L10 of every preset on a capture that ships; and it is seen where it says."""
    capture, result, edit = made(name, "pot", 4)
    agreement.check_L3(result)
    assert agreement.check_L5(result.before, result.after, result.masks)
    assert agreement.check_gt(result)
    replaying.check_L10(capture, result)
    replaying.check_identity(replaying.faded(capture, edit, 0))
    [planned] = result.plan.defects
    assert result.visibility[0].seen_in
    assert planned.kind == name
    if way := one_way(planned):
        agreement.check_L9(result, way)
    if planned.blocks.effect.kind == "none" or planned.blocks.sharing == ("rgb",):
        assert not result.masks.points.any()


@pytest.mark.parametrize("name", LIFTED)
def test_laws_with_truth_in_closed_form(name):
    """The ray cast of the field on a slanted plane: where it is, how deep; and rigid motion, and the cloud's labels."""
    scene = scene_of()
    capture, result, edit = made(name)
    [planned] = result.plan.defects
    assert agreement.check_L4(result, *agreement.through_cloud(capture, edit))
    assert motion.check_L8(motion.unlabelled(capture), edit, truth.rotation((1, 2, 0.5), 77, (0.1, -0.2, 0.3)))
    if planned.blocks.effect.kind == "remove":
        assert np.isnan(result.displacement_mm).any()
        return
    seen = scene.seen(planned, edit.field)
    # What a blend fades out, or paste hardly moves, is below the floor at its border, and rightly no part of gt.
    assert not (result.gt & ~truth.grown_by(seen.support, 2)).any(), "gt holds what the field does not touch"
    off = np.abs(result.after.depth.astype(np.float64) - seen.z) * 1e3
    calm = seen.support & ~truth.grown_by(~seen.support, 2) & ~against_truth.silhouettes(result, seen)
    if calm.any() and edit.field.displacement_mm.any():
        assert np.median(off[calm]) < 0.02 * max(edit.field.deepest_mm, edit.field.highest_mm) + 1e-3
    assert agreement.check_L5(result.before, result.after, result.masks)


def test_a_field_that_moves_along_absolute_normals_is_caught():
    """PO3AD and AF3AD's published code push along |n| (methods.md §7): on a slope that goes the wrong way."""
    capture, result, edit = made("af3ad-bulge")
    agreement.check_L9(result, "out")
    normals = capture.normals[result.gt]
    wrong = np.abs(normals)
    assert (np.einsum("ij,ij->i", normals, wrong) < 0.5).mean() > 0.9, "the plane leans where |n| would be right"
    there = edit(capture.points[result.gt].astype(np.float64), normals)
    pushed = result.before.points.copy()
    pushed[result.gt] += np.float32(1e-3) * there.displacement_mm[:, None] * wrong
    with pytest.raises(AssertionError):
        agreement.check_L9(agreement.doctored(result, points=pushed), "out")


@pytest.mark.parametrize("seed", range(8))
def test_a_bulge_stands_out_and_a_dent_goes_in_on_every_side_of_a_ball(seed):
    """AF3AD's frames point either way, so that half its bulges are void (peers.md 3.1); ours never do."""
    ball = truth.ideal("sphere", size=144).capture
    for name, way in (("af3ad-bulge", "out"), ("af3ad-dent", "in"), ("af3ad-ridge", "out"), ("af3ad-trench", "in")):
        result = cm.synthesize(ball, cm.method(name), seed=seed)
        assert agreement.check_L9(result, way), name
        [planned] = result.plan.defects
        height = planned.blocks.effect.height_mm[0]
        d = result.displacement_mm[np.isfinite(result.displacement_mm)]
        assert np.abs(d).max() == pytest.approx(height, rel=0.05)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_form_replays_and_keeps_to_its_mask(name):
    capture = captures.load("pot")
    for seed in range(1, 20):
        try:
            result = cm.synthesize(capture, cm.method(name, as_published=True), seed=seed)
            break
        except ValueError as error:  # noise that is empty, said so
            assert "noise" in str(error)
    assert agreement.check_L5(result.before, result.after, result.masks)
    replaying.check_L10(capture, result)
    [planned] = result.plan.defects
    assert planned.pixel is not None
    if planned.blocks.effect.kind == "none":
        assert result.after.points.tobytes() == capture.points.tobytes()
    with pytest.raises(ValueError, match="cannot be moved"):
        result.plan.moved(np.eye(4))


def test_sharing_says_which_modality_changes():
    capture = captures.load("pot")
    draem = cm.method("draem")
    seen = {}
    for sharing in ("both", "rgb", "geometry"):
        blocks = draem.blocks.model_copy(update={"sharing": (sharing,)})
        seen[sharing] = cm.synthesize(capture, draem.model_copy(update={"blocks": blocks}), seed=4)
        assert bool(seen[sharing].masks.depth.any()) == ("depth" in shown_by(sharing))
    both, rgb, geometry = (seen[sharing] for sharing in ("both", "rgb", "geometry"))
    assert both.after.points.tobytes() == geometry.after.points.tobytes(), "one draw, one shape"
    assert rgb.after.points.tobytes() == capture.points.tobytes()
    assert geometry.after.rgb.tobytes() != both.after.rgb.tobytes()


def test_a_plan_moves_rigidly_with_the_place_that_it_was_cut_from():
    _, result, _ = made("cutpaste")
    T = truth.rotation((0, 1, 0), 20, (0.01, 0, 0.02))
    [before], [after] = result.plan.defects, result.plan.moved(T).defects
    for name in ("anchor_m", "elsewhere_m"):
        want = T[:3, :3] @ np.array(getattr(before, name)) + T[:3, 3]
        assert np.allclose(getattr(after, name), want)
    assert np.allclose(after.elsewhere_heading, T[:3, :3] @ np.array(before.elsewhere_heading))


def test_what_is_pasted_is_what_was_cut():
    """The colours of a CutPaste on an even plane are those of the place it came from, relief and all: nothing."""
    capture, result, _ = made("cutpaste")
    assert not result.masks.depth.any(), "one piece of a plane is as flat as another"
    assert result.masks.rgb.any()


def test_soft_labels_grow_with_the_change():
    _, result, _ = made("nsa", "pot", 4)
    label = soft_label(result)
    assert label.dtype == np.float32
    assert not label[~result.gt].any()
    change = np.abs(result.after.rgb.astype(int) - result.before.rgb).mean(-1)
    plain, faint = result.gt & (change > 30), result.gt & (change < 3) & ~result.masks.depth
    assert not plain.any() or not faint.any() or label[plain].mean() > label[faint].mean()
    with pytest.raises(AssertionError):
        assert not replaced_outside(label, result.gt)[~result.gt].any()


def replaced_outside(label, gt):
    return np.where(gt, label, np.float32(0.5))


def test_the_table_has_all_47_rows_and_says_what_does_not_run():
    assert [entry["n"] for entry in survey() if entry["n"]] == list(range(1, 48))
    there = rows()
    assert {row.n for row in there if row.n} == set(range(1, 48))
    assert {row.method for row in there} - {"-"} == set(names())
    for entry in survey():
        assert set(entry.get("presets", ())) <= set(names()), entry["title"]
        assert bool(entry.get("presets")) != bool(entry.get("status")), entry["title"]
    for row in there:
        assert row.status != "not yet"
        assert (row.method == "-") == (not row.status.startswith("runs"))
        assert row.source or row.method == "-"


@pytest.mark.parametrize("name", names())
def test_a_preset_says_where_it_comes_from(name):
    method = cm.method(name)
    assert method.name == name
    assert method.about.endswith(".")
    assert method.origin.title
    assert method.origin.source
    assert method.origin.year
    assert cm.Method.model_validate_json(method.model_dump_json()) == method


def test_every_step_is_drawn_within_what_was_asked():
    capture = captures.load("pot")
    object_mm = capture.surface.object_mm
    for seed in range(6):
        [planned] = cm.draw(capture, cm.method("cutpaste-scar"), seed).defects
        region = planned.blocks.region
        assert region.length_mm[0] == region.length_mm[1]
        assert 0.10 * object_mm <= region.length_mm[0] <= 0.25 * object_mm
        assert 0.02 * object_mm <= region.width_mm[0] <= 0.06 * object_mm
