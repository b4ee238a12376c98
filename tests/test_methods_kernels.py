"""AF3AD's kernel × frame × direction × gate, each by a law of its own, with a fault planted."""


import laws_agreement as agreement
import numpy as np
import pytest
import test_laws_replay as replaying
import toys
from block_runs import made, method, support_mm, tube

import crossmodal as cm


def check_gates(edit, half, facing_mm):
    """Where a tube's normal is within the angle, and ahead of the middle alone, if so; but for a cell."""
    s0, s1, t0, t1 = support_mm(edit)
    step = 2 * edit.field.step_mm
    assert s0 > -step or not half, "behind the middle"
    assert max(-t0, t1) < facing_mm + step + 0.3, "it folds away too far"
    assert min(-t0, t1) > facing_mm - step - 0.3
    assert s1 > 6


@pytest.mark.parametrize("form", ["hard", "cosine"])
def test_gates_leave_one_side_and_what_faces_as_the_middle_does(form):
    kernel = {"kind": "kernel", "form": form, "length_mm": 18, "width_mm": 24}
    shape = {"effect": {"kind": "hills", "direction": "out", "height_mm": 0.8}, "along": "least",
             "place": {"at_pixel": (64, 64)}}
    gated = method(region={"kind": "and", "parts": [kernel, {"kind": "facing", "within_deg": 20}, {"kind": "half"}]},
                   **shape)
    result, edit = made(tube(), gated)
    check_gates(edit, True, 25 * np.deg2rad(20))
    assert agreement.check_L9(result, "out")
    assert agreement.check_L5(result.before, result.after, result.masks)
    replaying.check_L10(tube(), result)
    assert edit.field.highest_mm == pytest.approx(0.8, rel=1e-5)
    with pytest.raises(AssertionError):
        check_gates(made(tube(), method(region=kernel, **shape))[1], True, 25 * np.deg2rad(20))


def test_a_heading_runs_along_the_way_in_which_the_surface_bends():
    axis = np.array((np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20)), 0))
    blocks = {"region": {"kind": "kernel", "length_mm": 14, "width_mm": 5}, "effect": {"kind": "hills"}}
    ways = set()
    for seed in range(4):
        at = {way: np.array(cm.draw(tube(), method(along=way, **blocks), seed).defects[0].heading)
              for way in ("least", "most", "drawn")}
        assert abs(at["least"] @ axis) > 0.999
        assert abs(at["most"] @ axis) < 0.03
        assert abs(at["drawn"] @ axis) < 0.999
        assert at["least"] @ at["drawn"] > 0
        ways.add(bool(at["least"] @ axis > 0))
    assert ways == {True, False}, "both ways are drawn"
    flat = [cm.draw(toys.plane(), method(along=way, **blocks), 3).defects[0].heading for way in ("least", "drawn")]
    assert np.allclose(*flat), "a plane tells none"
    with pytest.raises(ValueError, match="does not bend"):
        method(along="least", space="pixels", **blocks)


def test_a_hard_kernel_is_a_step():
    blocks = {"effect": {"kind": "hills", "direction": "in", "height_mm": 0.5}}
    for form, level in (("hard", True), ("cosine", False)):
        _, edit = made(toys.plane(), method(region={"kind": "kernel", "form": form, "length_mm": 8, "width_mm": 8},
                                            **blocks))
        d = edit.field.displacement_mm
        assert bool((d[d < 0] == np.float32(-0.5)).all()) == level


def over_canvas(field):
    """(h, w): a field's displacement over all of its canvas."""
    out = np.zeros(field.shape, np.float32)
    out[tuple(slice(i, i + n) for i, n in zip(field.first, field.displacement_mm.shape, strict=True))] = (
        field.displacement_mm)
    return out


def check_slid(d, still, far_cells, towards):
    """d at a column is the still relief so many cells behind it, a share of how high that relief was here."""
    h, w = d.shape
    row = d[h // 2]
    for column in range(w // 2 - 20, w // 2 + 21):
        behind = column - far_cells * abs(still[h // 2, column]) / towards
        low = int(np.floor(behind))
        want = np.interp(behind, (low, low + 1), still[h // 2, low:low + 2])
        assert row[column] == pytest.approx(want, abs=0.02 * towards)


def test_hills_under_a_slide_move_askance():
    """AF3AD's direction between normal and tangent: height along the one, a slide along the other, of one kernel."""
    blocks = {"region": {"kind": "kernel", "length_mm": 12, "width_mm": 10},
              "effect": {"kind": "hills", "direction": "out", "height_mm": 1}}
    slide = {"kind": "slide", "along_mm": 2, "stretched": True}
    result, askance = made(toys.plane(), method(content=slide, **blocks))
    _, still = made(toys.plane(), method(**blocks))
    assert askance.field.step_mm == still.field.step_mm
    check_slid(over_canvas(askance.field), over_canvas(still.field), 2 / still.field.step_mm, 1.0)
    replaying.check_L10(toys.plane(), result)
    with pytest.raises(AssertionError):
        check_slid(over_canvas(still.field), over_canvas(still.field), 2 / still.field.step_mm, 1.0)
