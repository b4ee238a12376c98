"""L8 and L13: where the world stands, and from where it is seen, changes nothing about the defect."""

from dataclasses import replace

import numpy as np
import pytest
import truth
from hypothesis import given, settings
from hypothesis import strategies as st
from laws_agreement import doctored, left_of, specs
from laws_scale import BIG, check_areas
from test_laws_truth import allowance, check_gt_against

import crossmodal as cm

OTHER = cm.Camera(144, 136, 1150.0, 1130.0, 73.0, 68.5)


def moved_cloud(cloud, T):
    def turned(v, shift):
        return (v.astype(np.float64) @ T[:3, :3].T + shift).astype(np.float32)

    return replace(cloud, xyz_m=turned(cloud.xyz_m, T[:3, 3]), normals=turned(cloud.normals, 0.0))


def unlabelled(capture):
    cloud, pixels = capture.cloud()
    return replace(cloud, normals=capture.normals[pixels[:, 1], pixels[:, 0]])


def check_L8(cloud, edit, T, there=None, astray=0):
    """Imprinting what was moved is moving what was imprinted: points to 1e-6 × the largest coordinate, labels alike.

    there: the imprint of the moved cloud, if it is not to be made here.
    astray: how many points may stand so near a wall of the field, or so evenly between two places of a measured chart,
    that the rounding of their coordinates carries them over
    """
    here = cm.imprint(cloud, edit)
    there = there if there is not None else cm.imprint(moved_cloud(cloud, T), edit.moved(T))
    want = moved_cloud(here, T)
    largest = max(np.abs(want.xyz_m).max(), np.abs(here.xyz_m).max())
    off = np.linalg.norm(there.xyz_m.astype(np.float64) - want.xyz_m, axis=-1)
    over = off > 1e-6 * largest * np.sqrt(3)
    assert over.sum() <= astray, f"{over.sum()} off by up to {off.max():.2e} m, allowed {1e-6 * largest:.2e}"
    left = left_of(cloud, edit)
    d_here = np.linalg.norm(here.xyz_m.astype(np.float64) - cloud.xyz_m[left], axis=-1)
    d_there = np.linalg.norm(there.xyz_m.astype(np.float64) - moved_cloud(cloud, T).xyz_m[left], axis=-1)
    assert np.abs(d_here - d_there)[~over].max() <= 2e-6 * largest
    assert (here.labels > 0).any() or not left.all()
    # A float32 coordinate places a point within its own rounding of the outline: there alone may a label differ.
    flips = here.labels != there.labels
    assert flips.sum() <= max(2, 1e-3 * (here.labels > 0).sum())
    assert not flips[~over & (d_here > 4e-6 * largest)].any()
    return int((here.labels > 0).sum() + (~left).sum())


def check_L13(results, scenes, planned, edit_kind, shared=(True, True)):
    """Every view sees the defect that the truth has for it; the 3-D points of all lie on one displaced surface and
    the areas agree. planned: the defect in each view's own camera frame; shared: (H, W) bool, what each view is
    asked about."""
    areas = []
    for result, scene, own, asked in zip(results, scenes, planned, shared, strict=True):
        seen, gt = scene.seen(own), result.gt & asked
        seen = replace(seen, support=seen.support & asked)
        sure = check_gt_against(gt, seen, flips=0.5)
        assert sure > 20, f"only {sure} px are sure"
        chart, field = scene.chart(own), truth.field_of(own)
        if edit_kind != "appearance":
            at = gt & ~truth.boundary_band(seen.support)
            on_field, _, _ = allowance(scene, own, seen, share=0.02)
            sth = chart.sth(result.after.points[at].astype(np.float64))
            gap = np.abs(truth.height_over_mm(field, sth))[result.after.valid[at]]
            # Off the surface along its normal, by what sampling misses and what a lookup between pixels costs.
            steep = np.median(allowance(scene, own, seen)[1][at]) / max(on_field, 1e-9)
            assert gap.max() <= 3 * on_field * max(steep, 1), f"{gap.max():.4f} mm off the one displaced surface"
        z, _ = chart.hit(scene.capture.camera.ray_map())
        area = np.where(gt, truth.pixel_area_mm2(chart, scene.capture.camera, z), 0)
        areas.append(float(np.nansum(area)))
    _, cosine = scenes[1].chart(planned[1]).hit(scenes[1].capture.camera.ray_map())
    at = results[1].gt
    spacing = 1e3 * np.nanmean(scenes[1].capture.depth[at]) / scenes[1].capture.camera.fx / np.nanmin(cosine[at])
    check_areas(areas, truth.field_of(planned[0]), spacing)
    return sum(int(r.gt.sum()) for r in results)


def shown_to_both(scenes, poses, margin=3):
    """(H, W) bool for each of two views: what of the undisturbed surface lies well inside the other's frame too. A
    whole object warps as far as the first view saw of it, and no farther."""
    out = []
    views = list(zip(scenes, poses, strict=True))
    for (scene, pose), (other, there) in zip(views, views[::-1], strict=True):
        points = scene.capture.points.astype(np.float64)
        T = np.linalg.inv(there) @ pose
        pixels = other.capture.camera.project((points @ T[:3, :3].T + T[:3, 3]).reshape(-1, 3))
        height, width = other.capture.shape
        inside = (pixels >= margin).all(1) & (pixels[:, 0] < width - margin) & (pixels[:, 1] < height - margin)
        out.append(inside.reshape(scene.capture.shape))
    return out


def two_views(scene, planned, axis, degrees, camera=None):
    """The scene from a second pose: the camera swung about the defect's anchor; and T_rig_camera of both."""
    anchor = np.array(planned.anchor_m)
    turn = truth.rotation(axis, degrees)
    T_b_a = turn.copy()
    T_b_a[:3, 3] = np.array((0.001, -0.002, 0.31)) - turn[:3, :3] @ anchor  # the anchor before the second camera
    there = scene.moved(T_b_a, camera or OTHER)
    return there, (np.eye(4), np.linalg.inv(T_b_a)), planned.moved(T_b_a)


@settings(max_examples=12)
@given(truth.ideals(steepest=45), specs(), st.integers(0, 999), st.tuples(*[st.floats(-1, 1)] * 3),
       st.floats(-180, 180), st.tuples(*[st.floats(-0.5, 0.5)] * 3))
def test_L8_rigid_motion_commutes(scene, spec, seed, axis, degrees, shift):
    planned = cm.synthesize(scene.capture, spec, seed=seed).plan.defects[0]
    edit = cm.grown(scene.capture.surface, planned)
    axis = np.array(axis) if np.linalg.norm(axis) > 0.1 else np.array((0, 0, 1.0))
    assert check_L8(unlabelled(scene.capture), edit, truth.rotation(axis, degrees, shift))


def test_L8_there_and_back_again():
    """Plans move as their edits do, and back."""
    scene = truth.ideal("sphere", 0, 35)
    plan = cm.synthesize(scene.capture, cm.Dent(diameter_mm=6, depth_mm=0.3), seed=1).plan
    T = truth.rotation((1, 2, -1), 70, (0.1, -0.3, 0.2))
    moved, back = plan.moved(T), plan.moved(T).moved(np.linalg.inv(T))
    a, b = plan.defects[0], moved.defects[0]
    np.testing.assert_allclose(b.anchor_m, T[:3, :3] @ a.anchor_m + T[:3, 3], atol=1e-12)
    np.testing.assert_allclose(b.normal, T[:3, :3] @ a.normal, atol=1e-12)
    np.testing.assert_allclose(b.heading, T[:3, :3] @ a.heading, atol=1e-12)
    assert (b.spec, b.texture_seed) == (a.spec, a.texture_seed)
    np.testing.assert_allclose(back.defects[0].anchor_m, a.anchor_m, atol=1e-12)


@pytest.mark.parametrize("turn", [90, 180, 270])
@pytest.mark.parametrize("kind", ["dent", "scratch", "stain"])
def test_L8_a_turned_camera_turns_the_picture(turn, kind):
    """The scene, its lamp and the plan turned about the optical axis by quarters: the picture turns, nothing else."""
    spec = {"dent": cm.Dent(diameter_mm=7, depth_mm=0.4),
            "scratch": cm.Scratch(length_mm=12, width_mm=2, depth_mm=0.3), "stain": cm.Stain(diameter_mm=7)}[kind]
    camera = cm.Camera(120, 120, 1200.0, 1200.0, 59.5, 59.5)
    T = truth.rotation((0, 0, 1), turn)
    shape = truth.ideal("plane", 30, 35).shape
    lamp = truth.LAMP
    here = truth.scanned(shape, camera, "turned", truth.PLAIN)
    there = truth.scanned(truth.moved_shape(shape, T), camera, "turned", truth.PLAIN,
                          replace(lamp, direction=T[:3, :3] @ lamp.direction))
    first = cm.synthesize(here.capture, spec, seed=3)
    second = cm.replay(there.capture, first.plan.moved(T))
    turned = {90: -1, 180: 2, 270: 1}[turn]
    gt = np.rot90(first.gt, turned)
    band = truth.boundary_band(gt)
    assert (gt == second.gt)[~band].all()
    d = np.rot90(first.displacement_mm, turned)
    # A quarter turn may split a mesh cell along its other diagonal: what no sampling knows may differ, no more.
    missed = truth.sampling_deficit_mm(truth.field_of(first.plan.defects[0]), 0.25 / np.cos(np.radians(30))) + 1e-6
    if turn == 180:
        missed = 1e-4
    assert np.abs(d - second.displacement_mm).max() <= missed
    assert np.abs(np.rot90(first.after.depth, turned) - second.after.depth).max() <= 2e-3 * missed + 1e-7
    assert np.abs(np.rot90(first.after.rgb, turned).astype(int) - second.after.rgb).max() <= 2


@settings(max_examples=8)
@given(truth.ideals(steepest=30), BIG, st.integers(0, 999),
       st.sampled_from(((1, 0, 0), (0, 1, 0), (0.5, 0.4, 1), (0, 0, 1))), st.sampled_from((-35, -20, 20, 35)))
def test_L13_two_cameras_see_one_defect(scene, spec, seed, axis, degrees):
    planned = cm.draw(scene.capture, cm.Recipe(defects=(spec,), place=cm.Place(at_pixel=(70, 68))), seed).defects[0]
    there, poses, planned_there = two_views(scene, planned, axis, degrees)
    edit = cm.grown(scene.capture.surface, planned)
    results = cm.imprint(cm.Rig((scene.capture, there.capture), poses), edit)
    assert check_L13(results, (scene, there), (planned, planned_there), spec.effect)


def test_L13_one_camera_moved_between_two_poses():
    """Both views may hold the same Camera: two pictures of one sensor are still two views."""
    scene = truth.ideal("plane", 15, 35)
    spec = cm.Scratch(length_mm=16, width_mm=4, depth_mm=0.4)
    planned = cm.draw(scene.capture, cm.Recipe(defects=(spec,), place=cm.Place(at_pixel=(70, 68))), 5).defects[0]
    there, poses, planned_there = two_views(scene, planned, (0.2, 1, 0.5), 30, scene.capture.camera)
    edit = cm.grown(scene.capture.surface, planned)
    results = cm.imprint(cm.Rig((scene.capture, there.capture), poses), edit)
    assert check_L13(results, (scene, there), (planned, planned_there), spec.effect)


def test_L13_the_rig_may_stand_anywhere():
    """The rig's own frame is free: nothing changes when it is moved with its cameras and the edit."""
    scene = truth.ideal("plane", 15, 35)
    planned = cm.synthesize(scene.capture, cm.Bump(diameter_mm=8, height_mm=0.5), seed=2).plan.defects[0]
    there, poses, _ = two_views(scene, planned, (0, 1, 0), 25)
    edit = cm.grown(scene.capture.surface, planned)
    views = (scene.capture, there.capture)
    T = truth.rotation((1, 1, 0), 50, (0.2, 0.1, -0.1))
    here = cm.imprint(cm.Rig(views, poses), edit)
    moved = cm.imprint(cm.Rig(views, tuple(T @ P for P in poses)), edit.moved(T))
    for a, b in zip(here, moved, strict=True):
        assert (a.gt != b.gt).sum() <= 2
        assert np.nanmax(np.abs(a.after.points - b.after.points)) <= 1e-6 * np.nanmax(np.abs(a.after.points))


@pytest.fixture(scope="module")
def turned():
    scene = truth.ideal("sphere", 0, 35)
    planned = cm.synthesize(scene.capture, cm.Dent(diameter_mm=8, depth_mm=0.6), seed=5).plan.defects[0]
    return scene, planned, cm.grown(scene.capture.surface, planned)


@pytest.mark.parametrize("fault", ["edit not moved", "axes of the camera", "normals forgotten", "3 % too far",
                                   "noise without a seed"])
def test_L8_catches(turned, fault):
    scene, _, edit = turned
    T = truth.rotation((0.3, 1, 0.2), 40, (0.05, 0.02, -0.04))
    cloud = unlabelled(scene.capture)
    check_L8(cloud, edit, T)
    moved = moved_cloud(cloud, T)
    there = cm.imprint(moved, edit.moved(T))
    if fault == "edit not moved":
        there = cm.imprint(moved, edit)
    elif fault == "axes of the camera":  # displaced along z, wherever the surface faces
        depth = np.linalg.norm(there.xyz_m - moved.xyz_m, axis=-1)
        there = replace(there, xyz_m=(moved.xyz_m + depth[:, None] * np.float32((0, 0, 1))).astype(np.float32))
    elif fault == "normals forgotten":
        there = cm.imprint(replace(moved, normals=-moved.normals), edit.moved(T))
    elif fault == "3 % too far":
        there = replace(there, xyz_m=moved.xyz_m + np.float32(1.03) * (there.xyz_m - moved.xyz_m))
    else:
        shake = np.random.default_rng().normal(0, 2e-6, there.xyz_m.shape).astype(np.float32)
        there = replace(there, xyz_m=there.xyz_m + shake)
    with pytest.raises(AssertionError):
        check_L8(cloud, edit, T, there)


@pytest.mark.parametrize("fault", ["pose inverted", "second view untouched", "in pixels", "grown again elsewhere"])
def test_L13_catches(fault):
    scene = truth.ideal("plane", 15, 35)
    planned = cm.draw(scene.capture, cm.Recipe(defects=(cm.Scratch(length_mm=16, width_mm=4, depth_mm=0.4),),
                                               place=cm.Place(at_pixel=(70, 68))), 5).defects[0]
    there, poses, planned_there = two_views(scene, planned, (0.2, 1, 0.5), 30)
    edit = cm.grown(scene.capture.surface, planned)
    views, both, scenes = (scene.capture, there.capture), (planned, planned_there), (scene, there)
    results = cm.imprint(cm.Rig(views, poses), edit)
    check_L13(results, scenes, both, "both")
    if fault == "pose inverted":
        wrong = cm.imprint(cm.Rig(views, (poses[0], np.linalg.inv(poses[1]))), edit)
    elif fault == "second view untouched":
        wrong = (results[0], doctored(results[1], gt=np.zeros_like(results[1].gt)))
    elif fault == "in pixels":  # the first view's picture pasted into the second
        wrong = (results[0], doctored(results[1], gt=results[0].gt, points=results[0].after.points))
    else:
        across = tuple(np.cross(planned_there.normal, planned_there.heading))
        other = planned_there.model_copy(update={"texture_seed": planned_there.texture_seed + 1, "heading": across})
        wrong = (results[0], cm.replay(there.capture, cm.Plan(defects=(other,))))
    with pytest.raises(AssertionError):
        check_L13(wrong, scenes, both, "both")
