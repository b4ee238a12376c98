"""L3, L4, L5 and L9: what a result's modalities say about each other and about its input."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import tifffile
import toys
import truth
from hypothesis import given, settings
from hypothesis import strategies as st
from laws_agreement import check_gt, check_L3, check_L4, check_L5, check_L9, doctored, same_bits, specs, through_cloud

import crossmodal as cm
from crossmodal.datasets.mvtec3d_writer import write_sample


def made(scene, spec, seed):
    return cm.synthesize(scene.capture, spec, seed=seed)


@settings(max_examples=20)
@given(truth.ideals(), specs(), st.integers(0, 999))
def test_L3_L5_and_gt_on_every_orientation(scene, spec, seed):
    result = made(scene, spec, seed)
    if spec.effect != "appearance":
        assert check_L3(result)
    assert check_L5(result.before, result.after, result.masks)
    assert check_gt(result)


@pytest.mark.parametrize("name", ["step", "box"])
@settings(max_examples=10)
@given(specs(), st.integers(0, 999))
def test_L3_L5_and_gt_beside_steps_and_holes(name, spec, seed):
    capture = {"step": toys.step, "box": toys.box}[name]()
    result = cm.synthesize(capture, spec, seed=seed)
    check_L3(result)
    assert check_L5(result.before, result.after, result.masks)
    assert check_gt(result)


@settings(max_examples=14)
@given(truth.ideals(steepest=45), specs(), st.integers(0, 999))
def test_L4_on_every_orientation(scene, spec, seed):
    result = made(scene, spec, seed)
    edit = cm.grown(scene.capture.surface, result.plan.defects[0])
    assert check_L4(result, *through_cloud(scene.capture, edit))


@settings(max_examples=20)
@given(truth.ideals(), specs(("dent", "bump")), st.integers(0, 999))
def test_L9_on_every_orientation(scene, spec, seed):
    assert check_L9(made(scene, spec, seed), spec.effect)


@settings(max_examples=10)
@given(specs(("dent", "bump")), st.integers(0, 999))
def test_L9_beside_steps_and_holes(spec, seed):
    for capture in (toys.step(), toys.box()):
        assert check_L9(cm.synthesize(capture, spec, seed=seed), spec.effect)


def test_a_defect_does_not_leap_across_a_step():
    """On the upper half plane nothing of the lower one may change but by shadow."""
    capture = toys.step()
    rows, columns = capture.shape
    for seed in range(4):
        recipe = cm.Recipe(defects=(cm.Dent(diameter_mm=8, depth_mm=0.5),),
                           place=cm.Place(at_pixel=(columns / 2 - 12, rows / 2 + 4 * seed)))
        result = cm.synthesize(capture, recipe, seed=seed)
        lower = capture.depth > 0.305
        assert result.gt.any()
        assert not (result.gt & lower).any()
        assert not (result.masks.depth & lower).any()


@pytest.mark.parametrize("kind", ["dent", "scratch", "stain"])
def test_L5_read_back_from_the_files(tmp_path, kind):
    spec = {"dent": cm.Dent(diameter_mm=6, depth_mm=0.4),
            "scratch": cm.Scratch(length_mm=9, width_mm=1.5, depth_mm=0.3),
            "stain": cm.Stain(diameter_mm=6)}[kind]
    capture = toys.box()
    result = cm.synthesize(capture, spec, seed=5)
    entry = write_sample(tmp_path, f"test/{kind}/000", result, {"good": 0, kind: 255},
                         {"path": "x", "sha256": {"rgb": "0" * 64, "xyz": "0" * 64}}, 5)

    def read(name):
        path = tmp_path / entry["files"][name]
        return tifffile.imread(path) if path.suffix == ".tiff" else cv2.imread(str(path), cv2.IMREAD_UNCHANGED)

    rgb, xyz = read("rgb")[..., ::-1], read("xyz")
    in_rgb, in_depth = read("gt_rgb") >= 128, read("gt_depth") >= 128
    assert (in_rgb == result.masks.rgb).all()
    assert (in_depth == result.masks.depth).all()
    source = np.where(capture.valid[..., None], capture.points, np.float32(0))

    def check_files(rgb, xyz):
        assert (in_rgb | same_bits(capture.rgb, np.ascontiguousarray(rgb))).all()
        assert (in_depth | same_bits(source, xyz)).all()

    check_files(rgb, xyz)
    assert ((read("gt") > 0) == result.gt).all()
    spoilt = xyz.copy()
    spoilt.view(np.uint32)[np.unravel_index(np.argmin(in_depth), in_depth.shape)] ^= 1
    with pytest.raises(AssertionError):
        check_files(rgb, spoilt)
    painted = rgb.copy()
    painted[np.unravel_index(np.argmin(in_rgb), in_rgb.shape)] ^= 1
    with pytest.raises(AssertionError):
        check_files(painted, xyz)


@pytest.fixture(scope="module")
def dented():
    return made(truth.ideal("plane", 30, 35), cm.Dent(diameter_mm=8, depth_mm=0.6), 3)


@pytest.mark.parametrize("fault", ["shifted by a pixel", "x and y forgotten", "NaN in z alone", "depth is distance"])
def test_L3_catches(dented, fault):
    check_L3(dented)
    points = dented.after.points.copy()
    if fault == "shifted by a pixel":
        points = np.roll(points, 1, axis=1)
    elif fault == "x and y forgotten":
        points[..., :2] = dented.before.points[..., :2]
    elif fault == "NaN in z alone":
        points[dented.gt, 2] = np.nan
    else:
        rays = dented.after.camera.ray_map()
        moved = np.linalg.norm(rays, axis=-1, keepdims=True) * rays * dented.after.depth[..., None]
        points = (moved[..., [0, 1, 2]] * (1, 1, 0) + points * (0, 0, 1)).astype(np.float32)
    with pytest.raises((AssertionError, ValueError)):  # the type itself may refuse it first
        check_L3(doctored(dented, points=np.ascontiguousarray(points)))


@pytest.mark.parametrize("fault", ["labels two pixels over", "half of the labels", "labels everywhere",
                                   "axes swapped"])
def test_L4_catches(dented, fault):
    edit = cm.grown(dented.before.surface, dented.plan.defects[0])
    cloud, pixels = through_cloud(dented.before, edit)
    check_L4(dented, cloud, pixels)
    labels = cloud.labels.copy()
    if fault == "labels two pixels over":
        shifted = np.zeros(dented.gt.shape, np.uint8)
        shifted[pixels[:, 1], pixels[:, 0]] = labels
        labels = np.roll(shifted, 2, axis=1)[pixels[:, 1], pixels[:, 0]]
    elif fault == "half of the labels":
        labels[pixels[:, 0] > np.median(pixels[labels > 0, 0])] = 0
    elif fault == "labels everywhere":
        labels[:] = 1
    else:
        cloud = replace(cloud, xyz_m=np.ascontiguousarray(cloud.xyz_m[:, [1, 0, 2]]))
    with pytest.raises(AssertionError):
        check_L4(dented, replace(cloud, labels=labels), pixels)


@pytest.mark.parametrize("part", ["rgb", "points", "depth beyond", "a shrunken mask"])
def test_L5_catches_one_flipped_bit(dented, part):
    rgb, points, masks = dented.after.rgb.copy(), dented.after.points.copy(), dented.masks
    if part == "rgb":
        rgb[np.unravel_index(np.argmin(masks.rgb), masks.rgb.shape)] ^= 1
    elif part == "a shrunken mask":
        masks = replace(masks, points=masks.points & ~truth.grown_by(~masks.points))
    else:
        at = np.unravel_index(np.argmin(masks.points), masks.points.shape)
        points.view(np.uint32)[(*at, 0 if part == "points" else 2)] ^= 1
    spoilt = doctored(dented, rgb=rgb, points=points)
    with pytest.raises(AssertionError):
        check_L5(spoilt.before, spoilt.after, masks)


@pytest.mark.parametrize("fault", ["eroded", "with its shadow", "instances elsewhere", "displacement elsewhere"])
def test_gt_catches(dented, fault):
    check_gt(dented)
    wide = truth.grown_by(dented.gt, 2)
    parts = {
        "eroded": dict(gt=~truth.grown_by(~dented.gt)),
        "with its shadow": dict(masks=replace(dented.masks, effects=wide & dented.gt)),
        "instances elsewhere": dict(instances=wide.astype(np.uint8)),
        "displacement elsewhere": dict(displacement_mm=np.where(wide, np.float32(-1), np.float32(0))),
    }[fault]
    with pytest.raises(AssertionError):
        check_gt(doctored(dented, **parts))


@pytest.mark.parametrize("fault", ["sign flipped", "one pixel", "displacement's sign"])
def test_L9_catches(dented, fault):
    check_L9(dented, "in")
    if fault == "sign flipped":
        spoilt = doctored(dented, points=2 * dented.before.points - dented.after.points)
    elif fault == "one pixel":
        points = dented.after.points.copy()
        at = np.unravel_index(np.argmax(dented.gt), dented.gt.shape)
        points[at] = dented.before.points[at] * np.float32(1 - 1e-6)
        spoilt = doctored(dented, points=points)
    else:
        spoilt = doctored(dented, displacement_mm=-dented.displacement_mm)
    with pytest.raises(AssertionError):
        check_L9(spoilt, "in")
    with pytest.raises(AssertionError):
        check_L9(dented, "out")
