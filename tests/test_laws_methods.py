"""L7, L12, L13 and L15 of published methods: a method's field is one thing, from wherever and however finely seen.

A lifted method draws its field once, in millimetres on the chart, and what a plan holds of it makes the same one again
on another capture of the same surface. Truth is a ray cast of that field over the chart in closed form.
"""

import numpy as np
import pytest
import test_laws_lift as lifting
import test_laws_motion as motion
import test_laws_scale as scale_laws
import truth

import crossmodal as cm
from crossmodal.methods.making import _canvases

SOLID = ("draem", "af3ad-dent", "af3ad-ridge", "mpas-sphere")
"""In shape, of numbers of their own: the same field on any capture of the surface."""
TAKEN = ("cutpaste", "nsa")
"""Of the surface's own matter, which each capture shows as it sees it: of these the outline alone is the plan's."""
COLOUR = ("cutout",)


@pytest.fixture(scope="module")
def scene():
    return truth.ideal("plane", 20, 35, size=168)


def made(scene, name, monkeypatch, seed=4):
    """(result, edit) of a preset; its field stands for the truth of its plan, wherever that is moved."""
    middle = cm.Place(at_pixel=(84, 80))  # all of it in view, from near and from afar
    result = cm.synthesize(scene.capture, cm.method(name).model_copy(update={"place": middle}), seed=seed)
    [planned] = result.plan.defects
    canvases = [canvas for canvas in _canvases(scene.capture, planned) if canvas is not None]
    reach = planned.blocks.region.reach_mm / planned.step_mm
    about = [np.hypot(*(cells - n // 2 for cells, n in zip(np.ogrid[:h, :w], (h, w), strict=True))) <= reach
             for h, w in (canvas.shape for canvas in canvases)]
    assert all(canvas.known[cells].all() for canvas, cells in zip(canvases, about, strict=True)), (
        "some of it may be out of view, and cannot be the same from afar")
    edit = cm.grown(scene.capture, planned)
    monkeypatch.setattr(truth, "field_of", lambda planned: edit.field)
    return result, edit


@pytest.mark.parametrize("name", SOLID + TAKEN + COLOUR)
def test_L7_twice_the_distance(scene, name, monkeypatch):
    near, _ = made(scene, name, monkeypatch)
    there, plan = scale_laws.far_scene(scene, near.plan)
    assert scale_laws.check_L7(near, cm.replay(there.capture, plan), (scene, there), (near.plan, plan))


@pytest.mark.parametrize("name", SOLID + TAKEN + COLOUR)
def test_L12_half_the_resolution(scene, name, monkeypatch):
    full, _ = made(scene, name, monkeypatch)
    coarse = scale_laws.half_scene(scene)
    half = cm.replay(coarse.capture, full.plan)
    assert scale_laws.check_L12(full, half, (scene, coarse), full.plan.defects[0])


@pytest.mark.parametrize("name", SOLID + COLOUR)
def test_L13_two_cameras_see_one_defect(scene, name, monkeypatch):
    result, edit = made(scene, name, monkeypatch)
    [planned] = result.plan.defects
    there, poses, moved = motion.two_views(scene, planned, (0.3, 1, 0.2), 25)
    results = cm.imprint(cm.Rig((scene.capture, there.capture), poses), edit)
    kind = "appearance" if name in COLOUR else "both"
    assert motion.check_L13(results, (scene, there), (planned, moved), kind)


@pytest.mark.parametrize("name", SOLID)
def test_L15_lifted_depth_gives_the_points_back(scene, name, monkeypatch):
    """Colour does not come back from colour as L15 asks of a stain: a method lays matter over the surface, and a lift
    knows only the ratio of what is seen after to what was seen before."""
    result, edit = made(scene, name, monkeypatch)
    clear = lifting.unoccluded(result, scene.seen(result.plan.defects[0], edit.field))
    _, back = lifting.lifted_back(scene.capture, depth=result.after.depth)
    assert lifting.check_L15_from_depth(result, back, clear)


def test_L7_catches_a_field_of_so_many_pixels(scene, monkeypatch):
    """Sizes in pixels, as in published scars: at twice the distance such a defect is twice as long."""
    near, _ = made(scene, "cutout", monkeypatch)
    there, plan = scale_laws.far_scene(scene, near.plan)
    [planned] = plan.defects
    region = planned.blocks.region
    twice = {side: tuple(2 * end for end in getattr(region, side)) for side in ("length_mm", "width_mm")}
    blocks = planned.blocks.model_copy(update={"region": region.model_copy(update=twice)})
    wrong = plan.model_copy(update={"defects": (planned.model_copy(update={"blocks": blocks}),)})
    with pytest.raises(AssertionError, match="mm²"):
        scale_laws.check_L7(near, cm.replay(there.capture, wrong), (scene, there), (near.plan, wrong))


def test_L13_catches_a_second_view_whose_field_is_deeper(scene, monkeypatch):
    result, edit = made(scene, "af3ad-dent", monkeypatch)
    [planned] = result.plan.defects
    there, poses, moved = motion.two_views(scene, planned, (0.3, 1, 0.2), 25)
    first, second = cm.imprint(cm.Rig((scene.capture, there.capture), poses), edit)
    points = second.after.points.copy()
    points[second.gt] += np.float32(5e-4)
    wrong = motion.doctored(second, points=points)
    with pytest.raises(AssertionError):
        motion.check_L13((first, wrong), (scene, there), (planned, moved), "both")
