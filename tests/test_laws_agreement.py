"""L3, L4, L5 and L9: what a result's modalities say about each other and about its input."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
import tifffile
import toys
import truth
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_closing, binary_opening

import crossmodal as cm
from crossmodal.datasets.mvtec3d_writer import write_sample

RAY_PX = 1e-3  # L1's tolerance: the round trip through a measured ray is exact


@st.composite
def specs(draw, kinds=("dent", "bump", "scratch", "stain"), narrowest=1.2):
    """Specs with sizes that a capture of 0.25 mm a pixel can show, shallow to deep."""
    kind = draw(st.sampled_from(kinds))
    across = draw(st.floats(3, 9))
    share = draw(st.sampled_from((0.01, 0.04, 0.1, 0.2)))
    if kind == "dent":
        return cm.Dent(diameter_mm=across, depth_mm=share * across)
    if kind == "bump":
        return cm.Bump(diameter_mm=across, height_mm=share * across)
    if kind == "scratch":
        width = draw(st.floats(narrowest, 2.5))
        return cm.Scratch(length_mm=max(1.6 * across, 5 * width), width_mm=width, depth_mm=share * width)
    return cm.Stain(diameter_mm=across)


@dataclass(frozen=True)
class Doctored:
    """A result with some of its parts replaced: what a planted violation looks like."""

    result: object
    parts: dict

    def __getattr__(self, name):
        return self.parts[name] if name in self.parts else getattr(self.result, name)


def doctored(result, *, rgb=None, points=None, **parts):
    if rgb is not None or points is not None:
        parts["after"] = result.after.replaced(rgb=result.after.rgb if rgb is None else rgb,
                                               points=result.after.points if points is None else points)
    return Doctored(result, parts)


def same_bits(a, b):
    """(H, W) bool: pixels whose arrays agree bit for bit."""
    word = {1: np.uint8, 4: np.uint32}[a.dtype.itemsize]
    same = np.ascontiguousarray(a).view(word) == np.ascontiguousarray(b).view(word)
    return same.all(-1) if same.ndim == 3 else same


def check_L3(result):
    """After synthesis every valid point still lies on its own pixel's measured ray, and depth is its z."""
    before, after = result.before, result.after
    valid = after.valid
    assert (np.isfinite(after.points).all(-1) == valid).all()
    assert np.isnan(after.points[~valid]).all()
    assert after.depth.tobytes() == np.ascontiguousarray(after.points[..., 2]).tobytes()
    assert after.camera is before.camera
    moved = valid & ~same_bits(before.points, after.points)  # what kept its bits kept its pixel
    at = after.camera.project(after.points[moved].astype(np.float64))
    grid = np.argwhere(moved)[:, ::-1]
    was = before.camera.project(before.points[moved].astype(np.float64))
    own = np.where(before.valid[moved][:, None], was, grid)  # a point that appears lies on the fitted ray
    assert np.abs(at - own).max(initial=0) <= RAY_PX, "a point left its pixel's ray"
    in_pixel = np.abs(own - grid).max(-1) <= 0.5 - RAY_PX
    assert (np.abs(at - grid).max(-1) <= 0.5)[in_pixel].all(), "a point left its pixel"
    return int((result.masks.points & valid).sum())


def asked_of(result):
    """The specs that a result's plan was grown from; what was lifted has none."""
    return [planned.spec for planned in result.plan.defects if planned.source == "grown"]


def check_L4(result, cloud, pixels):
    """The cloud's labels project onto the depth mask (for colour alone: onto gt), to one pixel.

    cloud: the capture's cloud after imprint; pixels (N, 2): where each point was measured.
    """
    camera = result.after.camera
    labelled = cloud.labels > 0
    onto = result.masks.depth & ~result.masks.effects
    if not onto.any():
        onto = result.gt
    assert labelled.any()
    floor = result.before.surface.floor_mm
    moved = np.linalg.norm(cloud.xyz_m[labelled].astype(np.float64)
                           - result.before.points[pixels[labelled, 1], pixels[labelled, 0]], axis=-1) * 1e3
    at = np.rint(camera.project(cloud.xyz_m[labelled].astype(np.float64))).astype(int)
    inside = ((at >= 0) & (at < (camera.width, camera.height))).all(-1)
    # What sank behind the near rim of its own cavity is labelled, but the picture sees the rim.
    behind = np.zeros(len(at), bool)
    first = result.after.depth[at[inside, 1], at[inside, 0]]
    behind[inside] = cloud.xyz_m[labelled][inside, 2] - first > 3e-3 * floor
    seen = inside & ~behind
    inside[inside] &= np.isfinite(first)  # nor does it see what lands where nothing is measured
    seen &= inside
    landed, plainly = np.zeros(result.gt.shape, bool), np.zeros(result.gt.shape, bool)
    landed[at[inside, 1], at[inside, 0]] = True
    # A soft rim below the floor is labelled, for it was moved, but no picture of this sensor outlines it.
    # Nor one that only the middle of a groove narrower than its pixels rises above: they see its mean.
    shown = seen & ((moved > 3 * floor) | (not result.masks.depth.any()))
    plainly[at[shown, 1], at[shown, 0]] = True
    # A sliver of a fold covers the middle of no pixel: as many labels may stand where nothing is drawn.
    few = max(3, 5e-4 * labelled.sum())
    # On a slanted surface a point's noise along its ray shifts its place by as much again.
    noise = int(np.ceil(2 * floor / result.before.surface.mm_per_pixel - 0.05))
    assert (plainly & ~truth.grown_by(result.gt, 1 + noise)).sum() <= few, "labels lie beyond the ground truth"
    # Relief is at least five floors deep where it is plain, so that its rim below one is a third of its radius at most.
    rim = 2 + int(np.ceil(0.35 * np.sqrt(result.gt.sum() / np.pi)))
    # A warp rises as slowly as its arc is wide, and beside hills that are plain a method may have one below the floor:
    # of both, what is plain has been judged above.
    made = any(planned.source == "made" for planned in result.plan.defects)
    if not made and not any(spec.extent == "global" for spec in asked_of(result)):
        # What sank behind a rim that hides it shows nowhere in the picture.
        showing = np.zeros(result.gt.shape, bool)
        showing[at[seen, 1], at[seen, 0]] = True
        about = truth.grown_by(result.gt, rim)
        assert not (showing & ~about).any(), "labels lie beyond the defect's rim"
        astray = ~about[at[inside, 1], at[inside, 0]]
        assert astray.sum() <= 0.1 * labelled.sum(), "labels that nothing shows lie beyond the defect's rim"
    came = np.zeros(result.gt.shape, bool)
    came[pixels[labelled, 1], pixels[labelled, 0]] = True
    left = np.zeros(result.gt.shape, bool)
    left[pixels[:, 1], pixels[:, 0]] = True
    came |= result.before.valid & ~left  # a point that is gone cannot carry its label
    # Where a fold spreads the labels, the surface between them is still one. And as noise carries a point over the
    # outline, so it carries one out of it: of a thin mark on a slant, a whole pixel's width.
    spread = binary_closing(np.pad(landed | came, 4), iterations=3)[4:-4, 4:-4] | landed | came
    assert (onto & ~truth.grown_by(spread, 1 + noise)).sum() <= few, "the mask holds what no label projects onto"
    deep = np.zeros(result.gt.shape, bool)
    plain = seen & (moved > 10 * floor)
    deep[at[plain, 1], at[plain, 0]] = True
    assert (deep & ~truth.grown_by(onto)).sum() <= few, "a labelled point lies off the mask"
    return int(labelled.sum())


def check_L4_removed(result, left):
    """Of a part that is gone and moves nothing no point is left to label: the points that are missing in the cloud are
    those of the pixels that lost their surface, to one pixel.

    left: (P, 2) the pixels of the points that are left
    """
    stays = np.zeros(result.gt.shape, bool)
    stays[left[:, 1], left[:, 0]] = True
    missing, gone = result.before.valid & ~stays, np.isnan(result.displacement_mm) & result.before.valid
    assert missing.any()
    plain = binary_opening(missing, np.ones((2, 2)))  # what is narrower passes between the pixels
    # As of labels: noise carries points over the outline, and the last of a tip covers the middle of no pixel.
    near = 1 + int(np.ceil(2 * result.before.surface.floor_mm / result.before.surface.mm_per_pixel - 0.05))
    astray = plain & ~truth.grown_by(gone, near), gone & ~truth.grown_by(missing, near)
    assert astray[0].sum() <= 3, "points are missing where the picture has lost nothing"
    assert astray[1].sum() <= 3, "points are left where the surface is gone"
    return int(missing.sum())


def check_L5(before, after, masks):
    """Outside a modality's mask it is bit-identical; what is masked in depth is masked in points."""
    assert (masks.rgb | same_bits(before.rgb, after.rgb)).all(), "colour changed outside masks.rgb"
    assert (masks.depth | same_bits(before.depth, after.depth)).all(), "depth changed outside masks.depth"
    assert (masks.points | same_bits(before.points, after.points)).all(), "points changed outside masks.points"
    assert not (masks.depth & ~masks.points).any()
    assert (masks.union == (masks.rgb | masks.depth | masks.points)).all()
    assert not (masks.effects & ~masks.union).any()
    return int(masks.union.sum())


def check_gt(result):
    """gt is union minus effects, closed over the field's support; instances and displacement speak of it alone."""
    direct = result.masks.union & ~result.masks.effects
    assert not (direct & ~result.gt).any(), "a directly changed pixel is not in gt"
    assert not (result.gt & result.masks.effects).any(), "gt holds a secondary effect"
    assert ((result.instances > 0) == result.gt).all()
    moved = np.nan_to_num(result.displacement_mm, nan=1.0) != 0
    assert not (moved & ~(result.gt | result.masks.effects)).any(), "displaced outside gt"
    return int(result.gt.sum())


def check_L9(result, effect):
    """For purely ``in`` (or ``out``) kinds no first hit moves the other way, and none is displaced the other way;
    where surface was removed, none comes nearer and none is displaced outwards."""
    sign = {"in": 1.0, "out": -1.0, "remove": 1.0, "add": -1.0}[effect]
    if effect == "remove":
        return check_L9_removed(result)
    both = result.before.valid & result.after.valid
    dz = sign * (result.after.depth.astype(np.float64) - result.before.depth)
    assert dz[both].min() >= 0, "a first hit moved the other way"
    d = -sign * result.displacement_mm[np.isfinite(result.displacement_mm)]
    assert d.min() >= 0, "a point was displaced the other way"
    return int((dz[both] > 0).sum())


def check_L9_removed(result):
    """What is gone shows nothing or something farther; a rim stands out by no more than its field does."""
    gone = np.isnan(result.displacement_mm)
    assert gone.any(), "nothing is gone"
    closer = result.after.depth.astype(np.float64) < result.before.depth
    assert not closer[gone].any(), "something nearer is seen where the surface is gone"
    highest = truth.field_of(result.plan.defects[0]).highest_mm
    assert np.nanmax(result.displacement_mm) <= highest * (1 + 1e-6), "the rim stands out too far"
    return int(gone.sum())


def through_cloud(capture, edits):
    """The capture's cloud after imprint, and the pixel of every point that is left."""
    cloud, pixels = capture.cloud()
    cloud = replace(cloud, normals=capture.normals[pixels[:, 1], pixels[:, 0]])
    after = cm.imprint(cloud, edits)
    return after, pixels if len(after) == len(cloud) else pixels[left_of(cloud, edits)]


def left_of(cloud, edits):
    """(N,) bool: the points that an edit, or several that do not meet, leave standing."""
    left = np.ones(len(cloud), bool)
    for edit in edits if isinstance(edits, (list, tuple)) else (edits,):
        sample = edit(cloud.xyz_m.astype(np.float64), cloud.normals)
        if sample.removed is not None:
            left &= ~sample.removed
    return left


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
