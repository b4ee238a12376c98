"""A gate keeps the first draw that passes it, and says why none does."""

from dataclasses import replace

import numpy as np
import pytest
import test_laws_replay as replaying
from block_runs import method

import crossmodal as cm
from crossmodal import captures
from crossmodal.methods.making import begun
from crossmodal.methods.regions import area_of

GATES = ({"area_percent": [1.2, 2.2]}, {"contrast": 120}, {"levels": 9}, {"overlap": 0.9})


def check_passes(result, gate):
    surface = result.before.surface
    if "area_percent" in gate:
        low, high = gate["area_percent"]
        assert low <= 100 * surface.pixel_area_mm2[result.gt].sum() / surface.object_mm**2 <= high
    [seen] = result.visibility
    assert max(seen.rgb_contrast, seen.depth_contrast) >= gate.get("contrast", 0)
    change = np.abs(result.after.rgb[result.gt].astype(float) - result.before.rgb[result.gt])
    assert change.mean() >= gate.get("levels", 0)
    if "overlap" in gate:
        [planned] = result.plan.defects
        region = planned.blocks.region
        free, _, middle = begun(result.before, planned)
        shape = area_of(region, replace(free, shown=np.ones(free.shape, bool)), middle, planned.texture_seed).inside
        assert (shape & surface.foreground).sum() >= gate["overlap"] * shape.sum()


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: next(iter(gate)))
def test_a_gate_keeps_the_first_draw_that_passes(gate):
    capture = captures.load("pot")
    blocks = {"region": {"kind": "bezier"}, "content": {"kind": "shift"}, "effect": {"kind": "paste"}}
    if "overlap" in gate:
        blocks |= {"space": "pixels", "on_object": False, "effect": {"kind": "none"},
                   "region": {"kind": "rectangle", "area_percent": 4}}
    refused = 0
    for seed in range(8):
        free = cm.draw(capture, method(**blocks), seed).defects[0]
        [kept] = cm.draw(capture, method(gate=gate, **blocks), seed).defects
        assert cm.draw(capture, method(gate=gate, **blocks), seed).defects == (kept,)
        assert (kept.refused == 0) == (kept.anchor_m == free.anchor_m)
        result = cm.synthesize(capture, method(gate=gate, **blocks), seed=seed)
        check_passes(result, gate)
        if kept.refused:
            refused += 1
            with pytest.raises(AssertionError):
                check_passes(cm.synthesize(capture, method(**blocks), seed=seed), gate)
            replaying.check_L10(capture, result)
    assert 0 < refused < 8


def test_a_gate_that_nothing_passes_says_why_in_one_line():
    capture = captures.load("pot")
    for gate, said in (({"levels": 250, "tries": 2}, "none of 2 draws of own passes its gate, of the last its colour"),
                       ({"area_percent": [90, 100], "tries": 1}, "% of the object")):
        with pytest.raises(ValueError, match=said) as refused:
            cm.draw(capture, method(region={"kind": "ellipse"}, content={"kind": "plain"}, gate=gate), 1)
        assert "\n" not in str(refused.value)
    for gate in ({"tries": 0}, {"tries": 100}, {"overlap": 2}, {"levels": -1}, {"area_percent": [5, 1]}, {"more": 1}):
        with pytest.raises(ValueError, match=next(iter(gate))):
            method(region={"kind": "ellipse"}, gate=gate)
