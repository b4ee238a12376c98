"""Published methods: every preset goes through the laws on arrival, like a kind of the catalogue.

Those that ask for truth in closed form are in test_laws_methods.py, those on the sensors' own captures in
test_methods_real.py.
"""

import laws_agreement as agreement
import numpy as np
import pytest
import test_laws_motion as motion
import test_laws_replay as replaying
import truth
from method_runs import LIFTED, PUBLISHED, first_that_is_not_empty, made, one_way

import crossmodal as cm
from crossmodal import captures
from crossmodal.edit import measure
from crossmodal.methods.presets import names


def shown_by(sharing):
    """What a result of one sharing may change."""
    return {"both": ("rgb", "depth"), "rgb": ("rgb",), "geometry": ("depth", "rgb")}[sharing]


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
def test_laws_of_the_cloud_on_a_slanted_plane(name):
    """L4, L5 and L8: its labels, and rigid motion."""
    capture, result, edit = made(name)
    [planned] = result.plan.defects
    blocks = planned.blocks
    assert agreement.check_L5(result.before, result.after, result.masks)
    assert motion.check_L8(motion.unlabelled(capture), edit, truth.rotation((1, 2, 0.5), 77, (0.1, -0.2, 0.3)))
    if blocks.effect.kind == "remove":
        assert agreement.check_L4_removed(result, agreement.through_cloud(capture, edit)[1])
        return
    if blocks.content.kind == "slide":
        assert not result.masks.depth.any(), "a plane slid along itself is the same plane"
        return
    assert agreement.check_L4(result, *agreement.through_cloud(capture, edit))


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_form_replays_and_keeps_to_its_mask(name):
    capture = captures.load("pot")
    result = first_that_is_not_empty(capture, cm.method(name, as_published=True))
    assert agreement.check_L5(result.before, result.after, result.masks)
    replaying.check_L10(capture, result)
    planned = result.plan.defects[0]
    if planned.blocks.effect.kind == "none":
        assert result.after.points.tobytes() == capture.points.tobytes()
    if planned.blocks.space == "surface":
        assert result.plan.moved(np.eye(4)) == result.plan
        return
    assert planned.pixel is not None
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
    _, result, _ = made("cutpaste")
    assert not result.masks.depth.any(), "one piece of a plane is as flat as another"
    assert result.masks.rgb.any()


def check_sizes_on_the_field(region, edit):
    """L14, to 1 % and the cell that a border is known to: an ellipse is as long and as wide as was drawn, a box's
    longest span is its diagonal, and what has no outline of its own stays within its canvas."""
    found, (down, across) = measure(edit.field), region.box_mm()
    near = {"rel": 0.01, "abs": 1.5 * edit.field.step_mm}
    if region.kind in ("kernel", "ellipse", "scar", "rectangle"):
        boxed = region.kind in ("scar", "rectangle")
        assert found.length_mm == pytest.approx(np.hypot(down, across) if boxed else max(down, across), **near)
        assert found.width_mm == pytest.approx(min(down, across), **near)
    else:
        assert found.length_mm <= np.hypot(down, across) + near["abs"]
        assert found.width_mm <= min(down, across) + near["abs"]


@pytest.mark.parametrize("name", LIFTED)
def test_what_was_drawn_in_mm_is_found_on_the_field(name):
    _, result, edit = made(name)
    check_sizes_on_the_field(result.plan.defects[0].blocks.region, edit)


@pytest.mark.parametrize("name", ["af3ad-dent", "cutpaste-scar", "reb-blob"])
def test_what_is_twice_as_large_as_drawn_is_caught(name):
    _, result, edit = made(name)
    region = result.plan.defects[0].blocks.region
    smaller = {side: tuple(0.5 * end for end in getattr(region, side)) for side in ("length_mm", "width_mm")}
    with pytest.raises(AssertionError):
        check_sizes_on_the_field(region.model_copy(update=smaller), edit)
