"""Results against independent truth: ray casts onto ideal surfaces displaced by the field (see truth.py)."""

import numpy as np
import pytest
import truth
from hypothesis import given, settings
from hypothesis import strategies as st
from laws_agreement import doctored, specs
from scipy.ndimage import maximum_filter

import crossmodal as cm
from rgb.shading import to_linear, to_srgb

FLIPS = 0.3  # share of the boundary band that may differ: a fair coin on half of it, and some luck
DEPTH_MM = 1e-3  # DESIGN §3: depth to 1 µm


def check_gt_against(gt, seen, flips=FLIPS):
    """Recall and precision 1.0 outside the one-pixel band about the true outline; bounded flips within it.

    Returns how many pixels it could be sure of (outline and beyond excluded).
    """
    true = seen.support
    band = truth.boundary_band(true)
    missed, invented = true & ~gt & ~band, gt & ~true & ~band
    assert not missed.any(), f"recall: {missed.sum()} of {(true & ~band).sum()} missed outside the band"
    assert not invented.any(), f"precision: {invented.sum()} invented outside the band"
    flipped = ((gt != true) & band).sum()
    assert flipped <= flips * band.sum(), f"{flipped} of {band.sum()} in the band differ"
    return int((true & ~band).sum())


def allowance(scene, planned, seen, share=0.01):
    """(mm on the field, mm of depth (H, W), mm of displacement (H, W)) that L14 allows: 1 % of the amplitude, or
    where a pixel is too coarse for the field, what no sampling of that spacing can know."""
    chart, field, camera = scene.chart(planned), truth.field_of(planned), scene.capture.camera
    _, cosine = chart.hit(camera.ray_map())
    at = truth.grown_by(seen.support)
    spacing = 1e3 * np.nanmax((seen.z_before / min(camera.fx, camera.fy) / np.maximum(cosine, 0.05))[at])
    on_field = max(share * truth.amplitude_mm(field), truth.sampling_deficit_mm(field, spacing))
    entering, changing = truth.slope_of(chart, field, camera, seen)
    # A facet spans neighbouring hits, so that the flattest entry among them tells what an error costs in depth.
    in_depth = maximum_filter(on_field / np.maximum(np.nan_to_num(entering, nan=1.0), 1e-6), 3) + DEPTH_MM
    return on_field, in_depth, on_field + maximum_filter(np.nan_to_num(changing), 3) * in_depth + DEPTH_MM


def at_a_silhouette(seen, spacing_mm):
    """(H, W) bool: pixels beside a place where the defect hides a part of itself (their hits are far apart)."""
    jump = np.zeros(seen.z.shape, bool)
    for axis in (0, 1):
        apart = np.linalg.norm(np.diff(seen.st_mm, axis=axis), axis=-1) > spacing_mm
        for k in (0, 1):
            part = [slice(None), slice(None)]
            part[axis] = slice(k, seen.z.shape[axis] - 1 + k)
            jump[tuple(part)] |= apart
    return truth.grown_by(jump)


def check_depth_against(result, seen, in_depth):
    """Depth agrees with the first hit of every pixel's ray, everywhere."""
    clear = ~silhouettes(result, seen)
    off = np.abs(result.after.depth.astype(np.float64) - seen.z) * 1e3
    region = truth.grown_by(seen.support) & clear
    assert np.isfinite(off[region]).all(), "a hit is missing"
    over = off - in_depth
    assert over[region].max() <= 0, f"depth is off by {off[region].max():.4f} mm, allowed {in_depth[region].min():.4f}"
    beyond = ~truth.grown_by(seen.support, 2) & np.isfinite(seen.z_before) & result.before.valid
    assert np.abs(result.after.depth - result.before.depth)[beyond].max() == 0, "depth changed beyond the defect"
    return int((seen.support & clear).sum())


def check_displacement_against(result, seen, in_displacement):
    """displacement_mm is that of the surface point seen after, signed, 0 where nothing was touched."""
    clear = ~silhouettes(result, seen)
    region = seen.support & clear
    off = np.abs(result.displacement_mm.astype(np.float64) - seen.displacement_mm)
    assert np.isfinite(off[region]).all(), "a displacement is missing"
    assert (off - in_displacement)[region].max() <= 0, f"displacement is off by {off[region].max():.4f} mm"
    assert not result.displacement_mm[~truth.grown_by(seen.support)].any()
    return int(region.sum())


def check_sign_against(result, seen):
    """Where the true surface was displaced by more than the allowance, the result moved the same way."""
    way = np.sign(seen.displacement_mm)
    got = np.nan_to_num(result.displacement_mm)
    assert not (got * way < 0)[seen.support & ~truth.boundary_band(seen.support)].any()
    return int((way != 0).sum())


def check_light_against(result, scene, planned, seen, levels=2):
    """Colour is the old picture's, relit: times the shading of the displaced surface over that of the undisturbed
    one, both by closed form under the light that the capture was found to have; to 2 levels and a twentieth of the
    change, which is what normals between pixels cost, and a third of what the horizon shuts out, which is what
    eight directions cost. Returns the largest true change."""
    chart, field, camera = scene.chart(planned), truth.field_of(planned), scene.capture.camera
    light = scene.capture.surface.light
    towards = np.array(light.direction)
    region = seen.support & ~truth.boundary_band(seen.support) & ~silhouettes(result, seen)
    shadow = truth.in_shadow(chart, field, camera, seen, towards, truth.grown_by(seen.support, 3) & seen.hit)
    region &= ~truth.grown_by(shadow, 2)
    old, new = (light.ambient + light.diffuse * np.maximum(0, n @ towards)
                for n in truth.normals_of(chart, field, camera, seen))
    open_ = np.ones_like(new)
    open_[region] = truth.openness(field, seen.st_mm[region])
    want, unshut = (to_srgb((to_linear(result.before.rgb) * (shade / old)[..., None]).astype(np.float32)).astype(int)
                    for shade in (new - light.ambient * (1 - open_), new))
    off = np.abs(result.after.rgb.astype(int) - want).max(-1)[region]
    change = np.abs(want - result.before.rgb).max(-1)[region]
    over = off > levels + change / 20 + np.abs(want - unshut).max(-1)[region] / 3
    assert not over.any(), f"colour is off by {off.max()} levels of {change.max()}, {over.sum()} of {off.size} px"
    return int(change.max())


def silhouettes(result, seen):
    camera = result.before.camera
    spacing = 4e3 * np.nanmedian(seen.z_before) / min(camera.fx, camera.fy)
    inside = at_a_silhouette(seen, spacing)
    return inside & truth.grown_by(seen.support, 2)


def judged(scene, spec, seed):
    result = cm.synthesize(scene.capture, spec, seed=seed)
    planned = result.plan.defects[0]
    return result, planned, scene.seen(planned)


@settings(max_examples=36)
@given(truth.ideals(), specs(), st.integers(0, 999))
def test_every_kind_on_every_orientation_meets_the_truth(scene, spec, seed):
    result, planned, seen = judged(scene, spec, seed)
    assert check_gt_against(result.gt, seen)
    if spec.effect == "appearance":
        assert result.after.points.tobytes() == scene.capture.points.tobytes()
        return
    _, in_depth, in_displacement = allowance(scene, planned, seen)
    assert check_depth_against(result, seen, in_depth)
    assert check_displacement_against(result, seen, in_displacement)


@settings(max_examples=12)
@given(truth.ideals(), specs(("dent", "bump")), st.integers(0, 999))
def test_L9_the_truth_moves_the_same_way(scene, spec, seed):
    """The oracle itself obeys L9, so that agreeing with it means something; and the result follows it."""
    result, _, seen = judged(scene, spec, seed)
    sign = {"in": 1, "out": -1}[spec.effect]
    assert (sign * (seen.z - seen.z_before))[seen.hit].min() >= -1e-9
    assert check_sign_against(result, seen)


# A sphere shows every normal, so that its light can be found; a plane or a cylinder leaves it open.
ROUND = st.builds(lambda about, lens: truth.ideal("sphere", 0, about, lens, textured=False),
                  st.sampled_from((0, 35, 90, 145, 215)), st.sampled_from(("pinhole", "brown")))
GENTLE = st.builds(lambda bump, d, share: cm.Bump(diameter_mm=d, height_mm=share * d) if bump else
                   cm.Dent(diameter_mm=d, depth_mm=share * d), st.booleans(), st.floats(7, 9), st.floats(0.02, 0.1))


@settings(max_examples=14)
@given(ROUND, GENTLE, st.integers(0, 999))
def test_light_on_the_displaced_surface_meets_the_truth(scene, spec, seed):
    result, planned, seen = judged(scene, spec, seed)
    check_light_against(result, scene, planned, seen)


@pytest.mark.parametrize("fault", ["not relit", "lit from the other side", "a bump for a dent", "brighter by 3 %"])
def test_light_against_truth_catches(fault):
    scene = truth.ideal("sphere", 0, 35, textured=False)
    recipe = cm.Recipe(defects=(cm.Bump(diameter_mm=8, height_mm=0.5),), place=cm.Place(at_pixel=(60, 62)))
    result = cm.synthesize(scene.capture, recipe, seed=3)
    planned = result.plan.defects[0]
    seen = scene.seen(planned)
    assert check_light_against(result, scene, planned, seen) > 8
    before, after = result.before.rgb.astype(int), result.after.rgb.astype(int)
    rgb = {"not relit": before, "lit from the other side": 2 * before - after, "a bump for a dent": 2 * before - after,
           "brighter by 3 %": np.where(result.gt[..., None], np.rint(after * 1.03).astype(int), after)}[fault]
    if fault == "lit from the other side":
        turned = np.array(planned.anchor_m)
        at = np.rint(scene.capture.camera.project(turned)).astype(int)
        window = np.s_[at[1] - 20:at[1] + 21, at[0] - 20:at[0] + 21]
        rgb = before.copy()
        rgb[window] = before[window] + (after - before)[window][::-1, ::-1]
    with pytest.raises(AssertionError):
        check_light_against(doctored(result, rgb=np.clip(rgb, 0, 255).astype(np.uint8)), scene, planned, seen)


def test_the_ray_cast_is_exact_where_the_answer_is_known():
    """On a plane displaced by a constant, dz = d / (n·r); on a sphere, the hit lies on the larger sphere."""

    class Lid:
        bounds_mm = (-1e3, 1e3, -1e3, 1e3)

        def __init__(self, d):
            self.d = d

        def sample(self, s, t):
            from crossmodal.edit import Sample
            return Sample(np.full(len(s), self.d, np.float32))

    for tilt in (0, 35, 60):
        scene = truth.ideal("plane", tilt, 35)
        n = np.array(scene.shape.normal_out)
        planned = cm.synthesize(scene.capture, cm.Dent(diameter_mm=4, depth_mm=0.2)).plan.defects[0]
        for d in (-0.75, 0.5):
            seen = truth.cast(scene.chart(planned), Lid(d), scene.capture.camera)
            want = 1e-3 * d / (scene.capture.camera.ray_map() @ n)
            np.testing.assert_allclose(seen.z - seen.z_before, want, atol=1e-10)
    ball = truth.ideal("sphere")
    planned = cm.synthesize(ball.capture, cm.Dent(diameter_mm=4, depth_mm=0.2)).plan.defects[0]
    seen = truth.cast(ball.chart(planned), Lid(-0.5), ball.capture.camera)
    inner = np.isfinite(seen.z) & (np.abs(seen.st_mm).max(-1) < 15)
    points = ball.capture.camera.ray_map() * seen.z[..., None]
    r = np.linalg.norm(points - ball.shape.centre, axis=-1)
    np.testing.assert_allclose(r[inner], ball.shape.radius - 0.5e-3, atol=1e-10)


@pytest.mark.parametrize("shape", ["plane", "sphere", "cylinder"])
def test_closed_form_charts_measure_arc_length(shape):
    """A step of 1 µm in (s, t) is 1 µm along the surface, and along s and t where they are defined to lie."""
    scene = truth.ideal(shape, 15, 35)
    planned = cm.synthesize(scene.capture, cm.Dent(diameter_mm=4, depth_mm=0.2)).plan.defects[0]
    chart = scene.chart(planned)
    anchor, n, s = (np.array(v) for v in (planned.anchor_m, planned.normal, planned.heading))
    t = np.cross(n, s)
    e = 1e-6
    got = chart.sth(np.stack((anchor, anchor + e * s, anchor + e * t, anchor + e * n)))
    np.testing.assert_allclose(got - got[0], 1e3 * e * np.array(((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))),
                               atol=2e-6)
    rays = scene.capture.camera.ray_map()
    p = rays * chart.hit(rays)[0][..., None]
    st_mm = chart.sth(p)[..., :2]
    at = np.abs(np.nan_to_num(st_mm, nan=99)).max(-1) < 8
    radial = np.linalg.norm(st_mm, axis=-1)
    chord = 1e3 * np.linalg.norm(p - anchor, axis=-1)
    # Arc over chord: 1 on a plane; on a sphere 2R·asin(c/2R); on a cylinder between the two.
    most = 60 * np.arcsin(np.minimum(chord / 60, 1)) if shape != "plane" else chord
    # The anchor was measured: it lies within 3 µm of the ideal surface, not on it.
    assert (radial[at] >= chord[at] - 3e-3).all()
    assert (radial[at] <= most[at] + 3e-3).all()
    if shape == "sphere":
        np.testing.assert_allclose(radial[at], most[at], atol=3e-3)


@pytest.fixture(scope="module")
def fine():
    """A bump of 80 px on a tilted plane, its truth, and its allowances."""
    scene = truth.ideal("plane", 30, 35, mm_per_pixel=0.1)
    result, planned, seen = judged(scene, cm.Bump(diameter_mm=8, height_mm=0.6), 3)
    return scene, result, planned, seen, allowance(scene, planned, seen)


@pytest.mark.parametrize("fault", ["displacement × 1.03", "sign flipped", "depth += d", "one pixel over", "untouched"])
def test_depth_against_truth_catches(fine, fault):
    _, result, _, seen, (_, in_depth, in_displacement) = fine
    check_depth_against(result, seen, in_depth)
    check_displacement_against(result, seen, in_displacement)
    before, after = result.before.points.astype(np.float64), result.after.points.astype(np.float64)
    points = {
        "displacement × 1.03": before + 1.03 * (after - before),
        "sign flipped": 2 * before - after,
        "depth += d": before * (1 - 1e-3 * result.displacement_mm / before[..., 2])[..., None],
        "one pixel over": np.where(result.gt[..., None], np.roll(after - before, 1, axis=1) + before, before),
        "untouched": before,
    }[fault].astype(np.float32)
    with pytest.raises(AssertionError):
        check_depth_against(doctored(result, points=points), seen, in_depth)


@pytest.mark.parametrize("fault", ["× 1.03", "sign flipped", "rolled by a pixel", "of the old pixel", "NaN"])
def test_displacement_against_truth_catches(fine, fault):
    scene, result, planned, seen, (_, _, in_displacement) = fine
    d = result.displacement_mm.copy()
    if fault == "× 1.03":
        d *= np.float32(1.03)
    elif fault == "sign flipped":
        d = -d
    elif fault == "rolled by a pixel":
        d = np.roll(d, 1, axis=0)
    elif fault == "NaN":
        d[result.gt] = np.nan
    else:  # of the point that the pixel saw before, not of the one it sees after
        sth = scene.chart(planned).sth(scene.capture.points.astype(np.float64))
        d = truth.field_of(planned).sample(sth[..., 0].ravel(), sth[..., 1].ravel()).displacement_mm.reshape(d.shape)
    with pytest.raises(AssertionError):
        check_displacement_against(doctored(result, displacement_mm=d), seen, in_displacement)


@pytest.mark.parametrize("fault", ["two pixels wider", "two pixels narrower", "two pixels over", "a speck", "empty",
                                   "full", "a pixel wider all round"])
def test_gt_against_truth_catches(fine, fault):
    gt, seen = fine[1].gt, fine[3]
    check_gt_against(gt, seen)
    wrong = {"two pixels wider": truth.grown_by(gt, 2), "two pixels narrower": ~truth.grown_by(~gt, 2),
             "two pixels over": np.roll(gt, 2, axis=1), "a speck": gt | (np.arange(gt.size).reshape(gt.shape) == 5),
             "empty": np.zeros_like(gt), "full": np.ones_like(gt), "a pixel wider all round": truth.grown_by(gt)}[fault]
    with pytest.raises(AssertionError):
        check_gt_against(wrong, seen)


def test_sign_against_truth_catches_a_dent_for_a_bump(fine):
    _, result, _, seen, _ = fine
    with pytest.raises(AssertionError):
        check_sign_against(doctored(result, displacement_mm=-result.displacement_mm), seen)
