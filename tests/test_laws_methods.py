"""L7, L11 to L15 of published methods: a method's field is one thing, from wherever and however finely seen.

A lifted method draws its field once, in millimetres on the chart, and what a plan holds of it makes the same one again
on another capture of the same surface. Truth is a ray cast of that field over the chart in closed form. All stand at
one place, so that each scene is scanned once.
"""

from functools import lru_cache

import laws_agreement as agreement
import laws_scale as scale_laws
import numpy as np
import pytest
import test_laws_lift as lifting
import test_laws_motion as motion
import test_laws_replay as replaying
import test_laws_truth as against_truth
import truth

import crossmodal as cm
from crossmodal.edit import measure
from crossmodal.methods.making import begun
from crossmodal.methods.presets import names

MIDDLE = cm.Place(at_pixel=(84, 80))  # all of it in view, from near and from afar
STEPS = 60  # of a ray from above the highest hill to below the deepest pit: each far less than a hill is wide
DEFECTS = [name for name in names() if cm.method(name).origin.kind == "defect"]


@lru_cache(maxsize=1)
def scene_of():
    return truth.ideal("plane", 20, 35, size=168)


def coarse(region):
    """A region as large as it may be, and noise as coarse, of the middle of its sizes: laws of scale speak of eight
    pixels."""
    update, noise = {}, region.kind == "perlin"
    for name in type(region).model_fields:
        value = getattr(region, name)
        if name.endswith("_mm") and isinstance(value, tuple):
            low, high = (float(end.rstrip("%")) for end in value)
            update[name] = (f"{0.5 * (low + high) if noise else high}%",) * 2
        elif name in ("octaves", "threshold"):
            update[name] = (value[0], value[0])
        elif name == "parts":
            update[name] = tuple(coarse(part) for part in value)
    return region.model_copy(update=update)


def in_view(canvas, planned):
    """Whether every cell that a region may reach is known."""
    y, x = (cells - n // 2 for cells, n in zip(np.ogrid[:canvas.shape[0], :canvas.shape[1]], canvas.shape, strict=True))
    return canvas.known[np.hypot(y, x) * planned.step_mm <= planned.blocks.region.reach_mm].all()


@lru_cache(maxsize=64)
def made(name):
    """(result, edit) of a preset in the middle of the plane, by the first seed of which none is out of view: what is
    beyond it could not be the same from afar."""
    method, capture = cm.method(name), scene_of().capture
    blocks = method.blocks.model_copy(update={"region": coarse(method.blocks.region)})
    method = method.model_copy(update={"blocks": blocks, "place": MIDDLE})
    for seed in range(30):
        plan = cm.draw(capture, method, seed)
        if all(canvas is None or in_view(canvas, plan.defects[0]) for canvas in begun(capture, plan.defects[0])[:2]):
            break
    return cm.replay(capture, plan), cm.grown(capture, plan.defects[0])


def second_view(plan):
    """(scene, pose of it): the plane from another side."""
    there, (_, pose), _ = motion.two_views(scene_of(), plan.defects[0], (0.3, 1, 0.2), 25)
    return there, pose


@lru_cache(maxsize=1)
def scenes():
    """The plane at twice the distance, at half the resolution, and (scene, pose) from another side."""
    plan = made(DEFECTS[0])[0].plan
    return scale_laws.far_scene(scene_of(), plan)[0], scale_laws.half_scene(scene_of()), second_view(plan)


def moved_far(plan):
    T = np.eye(4)
    T[:3, 3] = plan.defects[0].anchor_m
    return plan.moved(T)


@pytest.fixture(autouse=True)
def judged_by(monkeypatch):
    """Tells which edit's field is the truth, wherever its plan is moved; of each scene it is cast once."""
    cast, known, fields = truth.cast, {}, []

    def remembered(chart, field, camera):
        if id(camera) not in known:
            known[id(camera)] = cast(chart, field, camera, STEPS)
        return known[id(camera)]

    monkeypatch.setattr(truth, "cast", remembered)
    monkeypatch.setattr(truth, "field_of", lambda planned: fields[-1])
    return lambda edit: fields.append(edit.field)


def height_mm(result, scene, field):
    """(asked, seen, allowed) mm of the highest or deepest of hills: as drawn, and as far as a point after stands from
    the plane; to 1 %, and what sampling misses of the peak."""
    [planned] = result.plan.defects
    asked = planned.blocks.effect.height_mm[0]
    slant = abs(np.dot(planned.normal, planned.anchor_m)) / np.linalg.norm(planned.anchor_m)
    pixel_mm = scene.capture.surface.mm_per_pixel / slant
    missed = max(scale_laws.peak_deficit_mm(scene, planned, field)) + truth.sampling_deficit_mm(field, pixel_mm)
    return asked, max(scale_laws.largest_mm(scene, planned, result)), 0.01 * asked + missed


def check_depth(result, seen, field):
    """Depth is that of the first hits of the rays, but for a third of a millimetre between them."""
    off = np.abs(result.after.depth.astype(np.float64) - seen.z) * 1e3
    calm = seen.support & ~truth.grown_by(~seen.support, 2) & ~against_truth.silhouettes(result, seen)
    allowed = max(0.02 * max(field.deepest_mm, field.highest_mm), truth.sampling_deficit_mm(field, 0.35))
    assert not calm.any() or np.median(off[calm]) < allowed + 1e-3


def check_slide(views, seen):
    """A plane that slid along itself shows only where it brings another colour: in its support, and most of it."""
    for view, there in zip(views, seen, strict=True):
        assert not (view.gt & ~truth.grown_by(there.support)).any()
        assert view.gt.sum() > 0.5 * there.support.sum()
        assert view.after.points.tobytes() == view.before.points.tobytes()


def shown(view, seen):
    """(H, W) bool: what a view can be asked about: not where a crater's wall passes through the ground it stands in."""
    return view.gt | ~(seen.support & (np.abs(seen.displacement_mm) < 3 * view.before.surface.floor_mm))


@pytest.mark.parametrize("name", DEFECTS)
def test_every_defect_obeys_the_laws_of_scale_views_and_lift(name, judged_by):
    """L7, L12, L13, L14 and L15."""
    scene, (far, half, (second, pose)) = scene_of(), scenes()
    result, edit = made(name)
    judged_by(edit)
    [planned] = result.plan.defects
    plan = moved_far(result.plan)
    assert scale_laws.check_L7(result, cm.replay(far.capture, plan), (scene, far), (result.plan, plan))
    assert scale_laws.check_L12(result, cm.replay(half.capture, result.plan), (scene, half), planned)
    views = cm.imprint(cm.Rig((scene.capture, second.capture), (np.eye(4), pose)), edit)
    both, shape = (planned, planned.moved(np.linalg.inv(pose))), edit.field.displacement_mm.any()
    seen = [there.seen(own) for there, own in zip((scene, second), both, strict=True)]
    if shape:
        check_depth(result, seen[0], edit.field)
    if planned.blocks.content.kind == "slide":
        check_slide(views, seen)
    else:
        asked = [shown(*one) for one in zip(views, seen, strict=True)] if shape else (True, True)
        assert motion.check_L13(views, (scene, second), both, "both" if shape else "appearance", asked)
    if planned.blocks.effect.kind == "hills" and shape:
        want, found, allowed = height_mm(result, scene, edit.field)
        assert abs(found - want) <= allowed, f"{found:.3f} mm is seen, asked {want:.3f} ± {allowed:.3f}"
        assert max(measure(edit.field).max_depth_mm, measure(edit.field).max_height_mm) == pytest.approx(want, rel=1e-5)
    if result.masks.depth.any():
        clear = lifting.unoccluded(result, scene.seen(planned, edit.field))
        _, back = lifting.lifted_back(scene.capture, depth=result.after.depth)
        assert lifting.check_L15_from_depth(result, back, clear)
    else:
        # Of a method's matter laid over the surface a lift knows what is seen, and not what of it is new.
        _, back = lifting.lifted_back(scene.capture, rgb=result.after.rgb)
        assert np.abs(result.after.rgb.astype(int) - back.after.rgb).max() < lifting.LEVELS
        assert back.after.points.tobytes() == scene.capture.points.tobytes()
        assert not (back.gt & ~result.masks.rgb).any()


@pytest.mark.parametrize("name", DEFECTS)
def test_L11_a_method_commutes_with_a_dent_that_it_does_not_reach(name):
    capture = scene_of().capture
    method = cm.method(name)
    small = method.blocks.model_copy(update={"region": coarse(method.blocks.region)})
    one = cm.draw(capture, method.model_copy(update={"blocks": small, "place": cm.Place(at_pixel=(60, 58))}), 3)
    other = cm.draw(capture, cm.Recipe(defects=(cm.Dent(diameter_mm=4, depth_mm=0.3),),
                                       place=cm.Place(at_pixel=(148, 140))), 3)
    assert replaying.check_L11(capture, one.model_copy(update={"defects": one.defects + other.defects}))


def test_L7_catches_a_field_of_so_many_pixels(judged_by):
    """Sizes in pixels, as in published scars: at twice the distance such a defect is twice as long."""
    near, edit = made("cutout")
    judged_by(edit)
    far, plan = scenes()[0], moved_far(near.plan)
    [planned] = plan.defects
    region = planned.blocks.region
    twice = {side: tuple(2 * end for end in getattr(region, side)) for side in ("length_mm", "width_mm")}
    blocks = planned.blocks.model_copy(update={"region": region.model_copy(update=twice)})
    wrong = plan.model_copy(update={"defects": (planned.model_copy(update={"blocks": blocks}),)})
    with pytest.raises(AssertionError, match="mm²"):
        scale_laws.check_L7(near, cm.replay(far.capture, wrong), (scene_of(), far), (near.plan, wrong))


def test_L13_catches_a_second_view_whose_field_is_deeper(judged_by):
    result, edit = made("af3ad-dent")
    judged_by(edit)
    [planned] = result.plan.defects
    second, pose = scenes()[2]
    first, other = cm.imprint(cm.Rig((scene_of().capture, second.capture), (np.eye(4), pose)), edit)
    points = other.after.points.copy()
    points[other.gt] += np.float32(5e-4)
    with pytest.raises(AssertionError):
        motion.check_L13((first, motion.doctored(other, points=points)), (scene_of(), second),
                         (planned, planned.moved(np.linalg.inv(pose))), "both")


def test_L14_catches_a_dent_that_is_three_percent_too_deep(judged_by):
    result, edit = made("af3ad-dent")
    judged_by(edit)
    before, after = result.before.points.astype(np.float64), result.after.points
    deeper = agreement.doctored(result, points=(before + 1.03 * (after - before)).astype(np.float32))
    want, seen, allowed = height_mm(deeper, scene_of(), edit.field)
    assert abs(seen - want) > allowed
