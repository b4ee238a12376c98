"""L15: lifting one modality of a result reproduces the others, on pixels where nothing hides anything."""

from dataclasses import replace

import numpy as np
import pytest
import toys
import truth
from hypothesis import example, given, settings
from hypothesis import strategies as st
from laws_agreement import check_gt, check_L3, check_L5, check_L9, doctored, same_bits, specs
from test_laws_replay import check_L10
from test_laws_truth import GENTLE, ROUND, check_light_against, silhouettes

import crossmodal as cm
from crossmodal.lifted import material
from rgb.shading import to_linear, to_srgb

LEVELS = 2


def unoccluded(result, seen):
    """(H, W) bool: pixels that see after what they saw before, moved at most, with none near that hides another."""
    return result.before.valid & result.after.valid & ~silhouettes(result, seen)


def check_L15_from_depth(result, back, clear):
    """Lifted depth (or points) brings back the points to the bit (colour: see check_light_against).

    back: what the lifted edit made of the capture; clear (H, W): where nothing is occluded.
    """
    region = result.masks.depth & clear
    assert region.any()
    assert same_bits(result.after.depth, back.after.depth).all(), "the edited modality is not as given"
    off = np.abs(result.after.points.astype(np.float64) - back.after.points)
    assert same_bits(result.after.points, back.after.points)[region].all(), f"points off by {off[region].max():.2e} m"
    assert not (back.gt & ~truth.grown_by(result.gt, 2)).any()
    return int(region.sum())


def check_L15_from_rgb(result, back, edit, gain, clear):
    """Lifted colour is as given, leaves geometry alone, and its material is the field's, within 2 levels.

    gain: (lowest, highest) true gain of linear colour (H, W, 3): at the pixel's centre, and over its area; how finely
    a field is sampled is no matter of lift's.
    """
    before = result.before
    region = result.masks.rgb & clear
    assert region.any()
    changed = np.abs(result.after.rgb.astype(int) - before.rgb).max(-1)
    assert same_bits(result.after.rgb, back.after.rgb)[changed >= LEVELS].all(), "the edited modality is not as given"
    assert np.abs(result.after.rgb.astype(int) - back.after.rgb).max() < LEVELS
    assert back.after.points.tobytes() == before.points.tobytes(), "geometry moved"
    got = np.ones((*before.shape, 3))
    got[edit.rows[0]:edit.rows[1], edit.columns[0]:edit.columns[1]] = material(before.rgb, edit)
    linear = to_linear(before.rgb)

    def seen_as(gain):
        return to_srgb((linear * gain).astype(np.float32)).astype(int)

    off = np.maximum(seen_as(gain[0]) - seen_as(got), seen_as(got) - seen_as(gain[1])).max(-1)
    assert off[region].max() <= LEVELS, f"material off by {off[region].max()} levels"
    assert (back.gt == result.masks.rgb)[~truth.boundary_band(back.gt)].all()
    return int(region.sum())


def gain_over_pixels(field, seen, fine=4):
    """The field's gain of linear colour (H, W, 3), (lowest, highest) of at each pixel's centre and over its area."""
    across = [np.gradient(seen.st_mm, axis=axis) for axis in (0, 1)]
    total = np.zeros((*seen.z.shape, 3))
    offsets = (np.arange(fine) + 0.5) / fine - 0.5
    for a in offsets:
        for b in offsets:
            at = seen.st_mm + a * across[0] + b * across[1]
            total += field.sample(at[..., 0].ravel(), at[..., 1].ravel()).albedo.reshape(total.shape)
    centre = field.sample(seen.st_mm[..., 0].ravel(), seen.st_mm[..., 1].ravel()).albedo.reshape(total.shape)
    return np.minimum(total / fine**2, centre), np.maximum(total / fine**2, centre)


def lifted_back(capture, **edited):
    edit = cm.lift(capture, **edited)
    return edit, cm.imprint(capture, edit)


@settings(max_examples=12)
@given(truth.ideals(lenses=("pinhole", "brown"), steepest=45), specs(("dent", "bump")), st.integers(0, 999))
def test_L15_depth_brings_back_points_and_light(scene, spec, seed):
    result = cm.synthesize(scene.capture, spec, seed=seed)
    seen = scene.seen(result.plan.defects[0])
    edit, back = lifted_back(scene.capture, depth=result.after.depth)
    assert check_L15_from_depth(result, back, unoccluded(result, seen))
    check_L3(back)
    check_L5(back.before, back.after, back.masks)
    check_gt(back)
    check_L9(doctored(back, displacement_mm=np.zeros_like(back.displacement_mm)), spec.effect)
    check_L10(scene.capture, cm.replay(scene.capture, cm.Plan(defects=(edit.planned,))))


@settings(max_examples=8)
@given(truth.ideals(lenses=("pinhole",), steepest=45), specs(("dent", "bump")), st.integers(0, 999))
def test_L15_points_bring_back_depth_and_light(scene, spec, seed):
    result = cm.synthesize(scene.capture, spec, seed=seed)
    seen = scene.seen(result.plan.defects[0])
    _, back = lifted_back(scene.capture, points=result.after.points)
    assert check_L15_from_depth(result, back, unoccluded(result, seen))
    assert back.after.points.tobytes() == result.after.points.tobytes()


@settings(max_examples=10)
@given(ROUND, GENTLE, st.integers(0, 999))
@example(truth.ideal("sphere", 0, 35, textured=False), cm.Bump(diameter_mm=8, height_mm=0.8), 2)
def test_L15_depth_brings_back_colour_equal_to_relighting(scene, spec, seed):
    """Of one colour, for depth does not say how far a texture slid along with what was pushed."""
    result = cm.synthesize(scene.capture, spec, seed=seed)
    planned = result.plan.defects[0]
    _, back = lifted_back(scene.capture, depth=result.after.depth)
    check_light_against(back, scene, planned, scene.seen(planned))


@settings(max_examples=8)
@given(truth.ideals(lenses=("pinhole",), steepest=45), specs(("dent", "bump", "scratch")), st.integers(0, 999))
def test_L15_lifted_displacement_is_the_displacement(scene, spec, seed):
    """What was lifted from depth leaves the old surface as far along its normal as the result did."""
    result = cm.synthesize(scene.capture, spec, seed=seed)
    planned = result.plan.defects[0]
    seen = scene.seen(planned)
    _, back = lifted_back(scene.capture, depth=result.after.depth)
    sth = scene.chart(planned).sth(result.after.points.astype(np.float64))
    region = back.masks.depth & unoccluded(result, seen) & ~truth.boundary_band(seen.support) & seen.support
    off = np.abs(back.displacement_mm - sth[..., 2])[region]
    assert off.max() <= 0.02 * truth.amplitude_mm(truth.field_of(planned)) + 1e-3


@settings(max_examples=10)
@given(truth.ideals(lenses=("pinhole", "division"), steepest=60), specs(("stain",)), st.integers(0, 999))
def test_L15_colour_brings_back_the_material(scene, spec, seed):
    result = cm.synthesize(scene.capture, spec, seed=seed)
    planned = result.plan.defects[0]
    seen = scene.seen(planned)
    gain = gain_over_pixels(truth.field_of(planned), seen)
    edit, back = lifted_back(scene.capture, rgb=result.after.rgb)
    # A pixel on the outline is partly covered; the truth at its centre does not say how far.
    assert check_L15_from_rgb(result, back, edit, gain, unoccluded(result, seen) & ~truth.boundary_band(seen.support))
    check_L5(back.before, back.after, back.masks)
    check_gt(back)


def test_L15_colour_under_a_mask_is_returned_to_the_bit():
    scene = truth.ideal("sphere", 0, 35)
    result = cm.synthesize(scene.capture, cm.Stain(diameter_mm=8), seed=3)
    mask = ~same_bits(result.before.rgb, result.after.rgb)
    _, back = lifted_back(scene.capture, rgb=result.after.rgb, mask=mask)
    assert back.after.rgb.tobytes() == result.after.rgb.tobytes()


@pytest.mark.parametrize(("relief", "sign"), [(cm.Profile(depth_mm=0.4), -1), (cm.Profile(height_mm=0.3), 1)])
def test_L15_painted_relief_is_as_deep_as_asked(relief, sign):
    """A mask painted in RGB and given a profile comes out as that depth in millimetres, on any slant."""
    for tilt in (0, 30, 50):
        scene = truth.ideal("plane", tilt, 35)
        capture = scene.capture
        rgb = capture.rgb.copy()
        rows, columns = np.indices(capture.shape)
        spot = np.hypot(rows - 66, columns - 72) < 14
        rgb[spot] = rgb[spot] // 2
        result = cm.imprint(capture, cm.lift(capture, rgb=rgb, mask=spot, relief=relief))
        n = np.array(scene.shape.normal_out)
        h = 1e3 * ((result.after.points.astype(np.float64) - scene.shape.point) @ n)
        assert abs(sign * h[spot] @ np.ones(spot.sum())) > 0
        assert (sign * h[truth.grown_by(spot, 3)]).max() == pytest.approx(relief.depth_mm or relief.height_mm, rel=0.02)
        assert (sign * h).min() > -1e-4
        check_L3(result)
        check_L5(result.before, result.after, result.masks)


def test_L15_removed_and_new_points():
    """Valid → invalid is removal, invalid → valid a deposit; both as given."""
    capture = toys.box()
    hole = np.isnan(capture.depth)
    depth = capture.depth.copy()
    cut = np.zeros_like(hole)
    cut[90:96, 70:78] = capture.valid[90:96, 70:78]
    depth[cut] = np.nan
    rows, columns = np.nonzero(hole)
    filled = hole & (np.indices(hole.shape)[1] > columns.min())
    depth[filled] = np.nanmedian(capture.depth[rows.min() - 2:rows.max() + 3, columns.min() - 2:columns.max() + 3])
    result = cm.imprint(capture, cm.lift(capture, depth=depth))
    assert result.after.depth.tobytes() == depth.tobytes()
    assert (result.masks.depth == (cut | filled)).all()
    assert np.isnan(result.displacement_mm[cut]).all()
    assert np.isfinite(result.after.points[filled]).all()
    check_L3(result)
    check_L5(result.before, result.after, result.masks)


@pytest.fixture(scope="module")
def dented():
    scene = truth.ideal("plane", 30, 35)
    result = cm.synthesize(scene.capture, cm.Dent(diameter_mm=8, depth_mm=0.5), seed=3)
    return scene, result, scene.seen(result.plan.defects[0])


def wrong_inputs():
    def millimetres(c, r):
        return dict(depth=r.after.depth * np.float32(1000))

    def points_in_mm(c, r):
        return dict(points=r.after.points * np.float32(1000))

    def inches(c, r):
        return dict(depth=r.after.depth / np.float32(0.0254))

    def a_smaller_picture(c, r):
        return dict(rgb=np.ascontiguousarray(r.after.rgb[:-2]))

    def a_smaller_depth(c, r):
        return dict(depth=np.ascontiguousarray(r.after.depth[:, 1:]))

    def points_rolled_by_three_pixels(c, r):
        return dict(points=np.roll(r.after.points, 3, axis=1))

    def points_in_other_axes(c, r):
        return dict(points=np.ascontiguousarray(r.after.points * np.float32((1, -1, 1))))

    def float_rgb(c, r):
        return dict(rgb=r.after.rgb / np.float32(255))

    def integer_depth(c, r):
        return dict(depth=(r.after.depth * 1000).astype(np.uint16))

    def nothing_changed_in_rgb(c, r):
        return dict(rgb=c.rgb)

    def nothing_changed_in_depth(c, r):
        return dict(depth=c.depth)

    def nothing_changed_in_points(c, r):
        return dict(points=c.points)

    def nothing_at_all(c, r):
        return {}

    def two_shapes(c, r):
        return dict(depth=r.after.depth, points=r.after.points)

    def relief_beside_depth(c, r):
        return dict(depth=r.after.depth, relief=cm.Profile(depth_mm=0.2))

    def all_invalid(c, r):
        return dict(depth=np.full_like(c.depth, np.nan))

    def an_empty_mask(c, r):
        return dict(rgb=r.after.rgb, mask=np.zeros(c.shape, bool))

    return [f for f in locals().values() if callable(f)]


@pytest.mark.parametrize("wrong", wrong_inputs(), ids=lambda f: f.__name__)
def test_L15_what_does_not_fit_is_refused_in_one_line(dented, wrong):
    scene, result, _ = dented
    with pytest.raises(ValueError) as refusal:
        cm.lift(scene.capture, **wrong(scene.capture, result))
    assert str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("fault", ["one bit of a point", "x and y forgotten",
                                   "smoothed depth", "scaled"])
def test_L15_from_depth_catches(dented, fault):
    scene, result, seen = dented
    _, back = lifted_back(scene.capture, depth=result.after.depth)
    clear = unoccluded(result, seen)
    check_L15_from_depth(result, back, clear)
    points = back.after.points.copy()
    inner = np.argwhere(result.masks.depth & clear)[40]
    if fault == "one bit of a point":
        points.view(np.uint32)[(*inner, 0)] ^= 1
    elif fault == "x and y forgotten":
        points[..., :2] = result.before.points[..., :2]
    elif fault == "smoothed depth":
        points[result.gt] = 0.5 * (points[result.gt] + np.roll(points, 1, axis=0)[result.gt])
    else:
        points[result.gt] += np.float32(0.03) * (points - result.before.points)[result.gt]
    with pytest.raises(AssertionError):
        check_L15_from_depth(result, doctored(back, points=points), clear)


@pytest.mark.parametrize("fault", ["geometry moved", "colour rounded", "sRGB taken for linear",
                                   "material of the wrong pixel"])
def test_L15_from_rgb_catches(fault):
    scene = truth.ideal("plane", 30, 35)
    result = cm.synthesize(scene.capture, cm.Stain(diameter_mm=9), seed=3)
    seen = scene.seen(result.plan.defects[0])
    gain = gain_over_pixels(truth.field_of(result.plan.defects[0]), seen)
    edit, back = lifted_back(scene.capture, rgb=result.after.rgb)
    clear = unoccluded(result, seen) & ~truth.boundary_band(seen.support)
    check_L15_from_rgb(result, back, edit, gain, clear)
    if fault == "geometry moved":
        points = back.after.points.copy()
        points.view(np.uint32)[60, 60, 2] ^= 1
        back = doctored(back, points=points)
    elif fault == "colour rounded":
        back = doctored(back, rgb=(back.after.rgb // 2) * np.uint8(2))
    elif fault == "sRGB taken for linear":
        gain = tuple(g ** 2.2 for g in gain)
    else:
        edit = replace(edit, rgb=np.ascontiguousarray(np.roll(edit.rgb, 2, axis=1)))
    with pytest.raises(AssertionError):
        check_L15_from_rgb(result, back, edit, gain, clear)
