"""Methods of blocks at random: what is a method keeps the laws, or says in one line why it is not made."""

import warnings
from dataclasses import replace

import laws_agreement as agreement
import method_draws
import method_files
import numpy as np
import pytest
from method_runs import piece
from pydantic import ValidationError

import crossmodal as cm
from crossmodal.plan import Plan
from crossmodal.see import see

DRAWS = 80  # of blocks at random; by hand, thousands
ONE_SPOILT_IN = 10
EVERY = {(family, kind) for family, union in method_draws.FAMILIES.items() for kind in method_draws.kinds_of(union)} | {
    ("gate", "gate")}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What a method may ask for: captures with a marked defect, their masks and their pictures."""
    root = tmp_path_factory.mktemp("files") / "part"
    method_files.labelled_tree(root, size=96)
    return {"bank": str(root / "test/bump/rgb"), "donor": str(root), "folder": str(root)}


def check_cheap(result):
    """Finite, on its own rays, changed inside the masks and nowhere else, and marked where it is changed directly."""
    agreement.check_L3(result)
    agreement.check_L5(result.before, result.after, result.masks)
    agreement.check_gt(result)
    if len(result.plan.defects) == 1:
        agreement.check_told(result)
    assert not np.isinf(result.displacement_mm).any()
    assert (result.after.depth[result.after.valid] > 0).all()


def outcome(capture, blocks, seed):
    """"made", or why a method of these blocks is not; what it is refused by is one line."""
    try:
        method = cm.Method.model_validate({"name": "mine", "blocks": blocks})
    except ValidationError:
        return "no method"
    try:
        plan = cm.draw(capture, method, seed)
        result = cm.replay(capture, Plan.model_validate_json(plan.model_dump_json()))
    except (ValueError, FileNotFoundError) as refused:
        is_sentence = not isinstance(refused, ValidationError) and "\n" not in str(refused) and len(str(refused)) > 25
        return "refused" if is_sentence else repr(refused)
    assert result.before is capture
    check_cheap(result)
    return "made"


def test_any_method_that_is_one_keeps_the_laws_or_says_why_not_in_one_line(files):
    counts = dict.fromkeys(("no method", "refused", "made"), 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(DRAWS):
            rng = np.random.default_rng(k)
            blocks = method_draws.blocks(rng, files)
            asked = blocks if k % ONE_SPOILT_IN else method_draws.spoilt(rng, blocks)
            counts[outcome(piece(), asked, k)] += 1  # a KeyError tells what it said
    assert 0 < counts["no method"] <= DRAWS // ONE_SPOILT_IN, counts
    assert counts["made"] > DRAWS // 3, counts


def undrawn(drawn):
    return EVERY - {found for blocks in drawn for found in method_draws.families_of(blocks)}


def test_blocks_at_random_are_methods_and_of_every_kind():
    drawn = [method_draws.blocks(np.random.default_rng(k)) for k in range(DRAWS)]
    for blocks in drawn:
        cm.Method.model_validate({"name": "mine", "blocks": blocks})
    assert not undrawn(drawn)
    for missed in (("content", "speckle"), ("region", "not"), ("law", "gamma")):
        assert missed in undrawn(blocks for blocks in drawn if missed not in method_draws.families_of(blocks))


def test_a_change_outside_the_masks_is_caught():
    result = cm.synthesize(piece(), cm.method("cutout"), seed=1)
    row, column = np.argwhere(~result.masks.rgb)[0]
    result.after.rgb.flags.writeable = True
    result.after.rgb[row, column] ^= 1
    with pytest.raises(AssertionError, match="outside"):
        check_cheap(result)


def test_what_rounding_takes_back_is_not_called_changed(monkeypatch):
    """A change of little more than half a level is gone where the grain's own rounding meets it."""
    faint = cm.Method.model_validate({"name": "mine", "blocks": {
        "region": {"kind": "ellipse", "length_mm": 30, "width_mm": 20}, "blend": {"kind": "alpha", "opacity": 0.02},
        "content": {"kind": "plain", "colour": "any"}}})
    result = cm.synthesize(piece(), faint, seed=0)
    assert agreement.check_told(result) > 100
    monkeypatch.setattr("crossmodal.change.largest_difference", lambda one, other: np.ones(one.shape[:2], np.uint8))
    with pytest.raises(AssertionError, match="as they were"):
        agreement.check_told(cm.synthesize(piece(), faint, seed=0))


def test_a_shadow_on_another_defect_s_ground_is_an_effect_where_that_one_changes_nothing():
    """What a defect covers but leaves alone is no part of it, whatever the shadow of one beside it does there."""
    method = cm.Method.model_validate({"name": "mine", "blocks": {
        "at_most": 8, "region": {"kind": "ellipse", "length_mm": 40, "width_mm": 40},
        "content": {"kind": "plain", "colour": "mean"}, "blend": {"kind": "alpha", "opacity": 0.05},
        "effect": {"kind": "one_of", "of": [{"kind": "hills", "height_mm": 8, "direction": "out"}, {"kind": "none"}]}}})
    result = cm.synthesize(piece(), method, seed=5)
    agreement.check_gt(result)
    covered = np.zeros(piece().shape, bool)
    for planned in result.plan.defects:
        seen = see(piece().surface, cm.grown(piece(), planned))
        covered[seen.window] |= seen.support
    masks = replace(result.masks, effects=result.masks.union & ~covered)
    with pytest.raises(AssertionError, match="is not in gt"):
        agreement.check_gt(agreement.doctored(result, masks=masks))


@pytest.mark.parametrize(("kind", "part"), [("disjoint", "cell_mm"), ("score", "cell_mm"), ("superpixels", "size_mm")])
def test_a_part_is_no_wider_than_what_it_parts(kind, part):
    """Nodes are laid out for the finest part: one of a kilometre on a coin takes minutes."""
    asked = {"kind": kind, "diameter_mm": 16, part: 1e6}
    method = cm.Method.model_validate({"name": "mine", "blocks": {"region": asked, "content": {"kind": "plain"}}})
    region = method.blocks.region.drawn(np.random.default_rng(0), cm.synthesis.scale_of(piece(), cm.Place()))
    assert region.finest_mm <= 16
