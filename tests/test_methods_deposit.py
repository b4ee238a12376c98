"""Matter that lies on the surface: level where it fills, and the same in the cloud as in the picture."""


import laws_agreement as agreement
import numpy as np
import pytest
import test_laws_replay as replaying
from block_runs import made, method, ribbed

from crossmodal.methods.making import begun
from crossmodal.methods.regions import area_of


def check_level(capture, planned, edit):
    """Its top is level where it fills ridges: as high over the coarse shape on a crest as in a valley."""
    canvas, _, middle = begun(capture, planned)
    field = edit.field
    box = tuple(slice(first, first + n) for first, n in zip(field.first, field.displacement_mm.shape, strict=True))
    high = area_of(planned.blocks.region, canvas, middle, planned.texture_seed).profile[box] > 0.6
    top = (field.displacement_mm + canvas.relief_mm[box])[high]
    assert high.sum() > 100
    assert np.ptp(canvas.relief_mm[box][high]) > 0.2
    assert np.ptp(top) < 1e-4


def test_a_deposit_fills_what_it_lies_on():
    capture = ribbed()
    blocks = {"region": {"kind": "ellipse", "length_mm": 14, "width_mm": 12},
              "content": {"kind": "plain", "colour": (60, 90, 50)}}
    result, edit = made(capture, method(effect={"kind": "deposit", "height_mm": 0.6, "edge": 0.5}, **blocks))
    check_level(capture, result.plan.defects[0], edit)
    agreement.check_L3(result)
    assert agreement.check_L9(result, "add")
    assert agreement.check_L5(result.before, result.after, result.masks)
    assert edit.field.matter
    replaying.check_L10(capture, result)
    hills, raised = made(capture, method(effect={"kind": "hills", "direction": "out", "height_mm": 0.6}, **blocks))
    with pytest.raises(AssertionError):
        check_level(capture, hills.plan.defects[0], raised)
    thin, film = made(capture, method(effect={"kind": "deposit", "height_mm": 0.02, "edge": 0.5}, **blocks))
    bare = film.field.cover[..., 3] == 0
    assert (film.field.displacement_mm[bare] == 0).all()
    assert 0.2 < (film.field.displacement_mm > 0).mean() < 0.8, "crests poke through what is thin"
    assert (film.field.displacement_mm >= 0).all()
    assert thin.masks.depth.any()
    bare, _ = made(capture, method(sharing=["geometry"], effect={"kind": "deposit", "height_mm": 0.6}, **blocks))
    assert bare.masks.depth.any()


def test_a_deposit_lies_in_the_cloud_as_it_does_in_the_picture():
    capture = ribbed()
    result, edit = made(capture, method(
        region={"kind": "ellipse", "length_mm": 10, "width_mm": 10}, content={"kind": "plain", "colour": (60, 90, 50)},
        effect={"kind": "deposit", "height_mm": 0.6}))
    assert agreement.check_L4(result, *agreement.through_cloud(capture, edit))
