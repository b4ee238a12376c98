"""Matter laid upon a surface: over its rim it stands on nothing, lifted off it lets the surface be seen beneath.

Truth is closed form: a ball's cap on a face that ends, a straight wire over a tilted plane; no field code of ours.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import toys
import truth
from scipy.ndimage import binary_dilation

import crossmodal as cm
from crossmodal import layer
from crossmodal.defects.added import APART, linear
from crossmodal.edit import Sample
from crossmodal.overhang import Sheet
from crossmodal.scanner import Box, Plane, rotation_about, scan
from rgb.light import Light

COLOUR = np.float32((0.1, 0.06, 0.03))
SUN = Light((-0.8 / math.sqrt(0.8**2 + 0.6**2), 0.0, -0.6 / math.sqrt(0.8**2 + 0.6**2)), 0.3, 0.7, 1.0)


def laid_on(top, under, half):
    """A field from heights (n,) mm of top and underside, nothing where the top is 0, within half extents."""
    @dataclass(frozen=True)
    class Laid:
        bounds_mm = (-half[0], half[0], -half[1], half[1])
        finest_mm = min(half)
        reach_mm = math.hypot(*half)
        deepest_mm = 0.0
        highest_mm = float(top(*(g.ravel() for g in np.meshgrid(np.linspace(-half[0], half[0], 301),
                                                                np.linspace(-half[1], half[1], 301)))).max())
        matter = True

        def near(self, s, t, margin):
            return (np.abs(s) <= half[0] + margin) & (np.abs(t) <= half[1] + margin)

        def sample(self, s, t):
            d = top(np.asarray(s, float), np.asarray(t, float))
            share = (d > 0)[:, None].astype(np.float32)
            u = None if under is None else under(np.asarray(s, float), np.asarray(t, float)).astype(np.float32)
            return Sample(d.astype(np.float32), cover=np.concatenate((share * COLOUR, share), 1), underside_mm=u)

    return Laid()


def cap(radius, height):
    """A ball's cap so high, of a ball of this radius, all in mm."""
    def top(s, t):
        r2 = s * s + t * t
        return np.where(r2 < radius**2 - (radius - height)**2,
                        np.sqrt(np.maximum(radius**2 - r2, 0)) - (radius - height), 0)

    a = math.sqrt(radius**2 - (radius - height)**2)
    return laid_on(top, None, (1.02 * a, 1.02 * a))


def wire(length, radius, axis):
    """A straight round wire along s, its axis so high, in mm."""
    def half(s, t):
        return np.where((np.abs(t) < radius) & (np.abs(s) < length / 2), np.sqrt(np.maximum(radius**2 - t * t, 0)), 0)

    def inside(s, t):
        return (np.abs(t) < radius) & (np.abs(s) < length / 2)

    return laid_on(lambda s, t: np.where(inside(s, t), axis + half(s, t), 0),
                   lambda s, t: np.where(inside(s, t), axis - half(s, t), 0), (length / 2, radius))


def met_ball(rays, centre, radius):
    """z (H, W) where rays scaled to z = 1 first meet a ball, NaN where they do not."""
    a, b = (rays * rays).sum(-1), rays @ centre
    with np.errstate(invalid="ignore"):
        return (b - np.sqrt(b * b - a * (centre @ centre - radius**2))) / a


def met_cylinder(rays, through, along, radius, half_length):
    """z (...) where rays from the origin first meet the side of a cylinder, NaN where they miss it or its length."""
    flat = rays - (rays @ along)[..., None] * along
    c = through - (through @ along)[..., None] * along
    a, b = (flat * flat).sum(-1), (flat * c).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (b - np.sqrt(b * b - a * ((c * c).sum(-1) - radius**2))) / a
        return np.where(np.abs((rays * z[..., None] - through) @ along) < half_length, z, np.nan)


@dataclass(frozen=True)
class Face:
    """A flat face that ends: its capture, a point on its rim, its normal, and the way out over the rim."""

    capture: cm.Capture
    rim_m: np.ndarray
    normal: np.ndarray
    out: np.ndarray


def step():
    return Face(toys.step(), np.array((0.0, 0.002, 0.3)), np.array((0.0, 0.0, -1.0)), np.array((1.0, 0.0, 0.0)))


def box_edge(tilt=20):
    """The edge of a box that leans so far that the face beside it is hidden; behind it a wall."""
    turn = rotation_about((0, 1, 0), tilt)
    half = np.array((0.009, 0.012, 0.006))
    centre = np.array((0.0, 0.0, 0.31))
    capture = scan([Box(centre, half, turn), Plane((0, 0, 0.34), (0, 0, -1))], toys.toy_camera(), toys.LAMP,
                   toys.MATERIAL, name="leaning box")
    normal, out = turn @ np.array((0, 0, -1.0)), turn @ np.array((1.0, 0, 0))
    if normal @ centre > 0:
        raise AssertionError("the face looks away")
    corner = centre + half[2] * normal
    sides = [corner + sign * half[0] * out for sign in (1, -1)]
    # The side that is hidden is the one that ends in a silhouette.
    hidden = [k for k, sign in enumerate((1, -1)) if (sign * out) @ sides[k] > 0]
    return Face(capture, sides[hidden[0]], normal, (1, -1)[hidden[0]] * out)


def over_the_rim(face, field, inwards_mm=1.5):
    """A field laid on a face so far within its rim that a part of it hangs over; (result, edit, anchor)."""
    anchor = face.rim_m - 1e-3 * inwards_mm * face.out
    patch = cm.Patch.at(face.capture.surface, anchor, face.out, field.reach_mm + 1)
    edit = cm.SurfaceEdit(patch, field, "contamination")
    return cm.imprint(face.capture, edit), edit, anchor


def check_cap_over_rim(face, result, anchor, radius=5.0, height=2.0, camera=None):
    """The cap is seen where, and as near as, the ball is that it was cut from; its colour too. Returns how many
    pixels of it stand over nothing."""
    camera = camera or result.before.camera
    rays = camera.ray_map()
    z = met_ball(rays, anchor - 1e-3 * (radius - height) * face.normal, 1e-3 * radius)
    above = ((rays * np.nan_to_num(z, nan=1.0)[..., None]) - anchor) @ face.normal > 0
    z = np.where(above, z, np.nan)
    before = np.nan_to_num(result.before.depth.astype(float), nan=np.inf)
    true = z < before
    band = truth.boundary_band(true)
    assert not (true & ~result.gt & ~band).any(), f"{(true & ~result.gt & ~band).sum()} px of the cap are not there"
    assert not (result.gt & ~true & ~band).any(), f"{(result.gt & ~true & ~band).sum()} px stand where no cap is"
    sure = true & ~truth.grown_by(~true, 2)
    off = np.abs(result.after.depth.astype(float) - z)[sure] * 1e3
    assert off.max() <= 0.03, f"{off.max():.3f} mm off the ball"
    with np.errstate(invalid="ignore"):
        hanging = sure & ~(((result.before.points - face.rim_m.astype(np.float32)) @ face.out) < 1e-5)
    far = hanging & ~(np.abs((result.before.points - face.rim_m) @ face.normal) < 1e-4)
    red, blue = result.after.rgb[far][:, 0].astype(int), result.after.rgb[far][:, 2].astype(int)
    assert (red > blue + 10).all(), "what hangs over is not of the matter's colour"
    want = ((rays * np.nan_to_num(z, nan=1.0)[..., None]) - anchor) @ face.normal * 1e3
    assert np.abs(result.displacement_mm - want)[far].max() <= 0.05, "heights are not those over the face carried on"
    return int(far.sum())


@pytest.mark.parametrize("face", [step, box_edge], ids=["step", "box"])
def test_a_cap_hangs_over_the_rim_as_the_ball_it_was_cut_from(face):
    face = face()
    result, _, anchor = over_the_rim(face, cap(5.0, 2.0))
    assert check_cap_over_rim(face, result, anchor) > 60


def test_a_cap_hangs_over_before_nothing_measured():
    """Where no depth was behind it there is one now, on the pixels' own rays."""
    face = step()
    points = face.capture.points.copy()
    points[face.capture.depth > 0.305] = np.nan
    face = replace(face, capture=face.capture.replaced(points=points))
    result, _, anchor = over_the_rim(face, cap(5.0, 2.0))
    assert check_cap_over_rim(face, result, anchor) > 60
    new = result.after.valid & ~result.before.valid
    assert new.sum() > 60
    at = result.after.camera.project(result.after.points[new].astype(float))
    assert np.abs(at - result.after.camera.pixel_grid()[new]).max() < 1e-3


def test_L13_a_second_camera_sees_the_same_cap_over_the_rim():
    face = step()
    _, edit, anchor = over_the_rim(face, cap(5.0, 2.0))
    turn = truth.rotation((0.2, 1, 0.1), -18)
    turn[:3, 3] = np.array((0.001, -0.002, 0.31)) - turn[:3, :3] @ anchor
    R, shift = turn[:3, :3], turn[:3, 3]
    from crossmodal.scanner import Step
    there = scan(Step(R @ np.array((0, 0, 0.3)) + shift, R @ np.array((0, 0, -1.0)), R @ np.array((1.0, 0, 0)), 0.01),
                 toys.toy_camera(), replace(toys.LAMP, direction=R @ np.array(toys.LAMP.direction)), toys.MATERIAL,
                 name="step from the side")
    seen = cm.imprint(there, edit.moved(turn))
    moved = Face(there, R @ face.rim_m + shift, R @ face.normal, R @ face.out)
    assert check_cap_over_rim(moved, seen, R @ anchor + shift) > 30


def test_what_changes_a_surface_does_not_reach_over_its_rim():
    """A dent and a bump end where the surface does."""
    face = step()
    for spec in (cm.Dent(diameter_mm=8, depth_mm=1), cm.Bump(diameter_mm=8, height_mm=1)):
        result = cm.synthesize(face.capture, cm.Recipe(defects=(spec,), place=cm.Place(at_pixel=(74, 80))), seed=1)
        assert not (result.gt & (face.capture.depth > 0.305)).any()


@pytest.mark.parametrize("where", ["edge", "rim"])
@pytest.mark.parametrize("spec", [cm.Contamination(diameter_mm=6, height_mm=1.2), cm.Fibre(length_mm=18, width_mm=1)],
                         ids=["contamination", "fibre"])
def test_what_is_asked_to_lie_at_a_rim_may_reach_over_it(spec, where):
    """Some of a few draws do; elsewhere none does; all replay bit for bit."""
    face = step()
    over = 0
    for seed in range(6):
        result = cm.synthesize(face.capture, cm.Recipe(defects=(spec,), place=cm.Place(where=where)), seed=seed)
        over += bool((result.gt & (face.capture.depth > 0.305)).any())
        again = cm.replay(face.capture, cm.Plan.model_validate_json(result.plan.model_dump_json()))
        assert again.after.points.tobytes() == result.after.points.tobytes()
        assert again.after.rgb.tobytes() == result.after.rgb.tobytes()
    assert over >= 2


@pytest.mark.parametrize("fault", ["it ends with the face", "a millimetre too high", "painted on what is behind"])
def test_overhang_catches(fault, monkeypatch):
    face, field = step(), cap(5.0, 2.0)
    if fault == "it ends with the face":
        monkeypatch.setattr(Sheet, "over", classmethod(lambda cls, surface, edit, rows, columns, st: cls(
            rows, columns, *(array[rows[0]:rows[1], columns[0]:columns[1]]
                             for array in (surface.smoothed, surface.normals, surface.linked)), st,
            *(np.zeros(st.shape[:2], bool),) * 2)))
    if fault == "a millimetre too high":
        field = cap(5.0, 3.0)
    result, _, anchor = over_the_rim(face, field)
    if fault == "painted on what is behind":
        points = result.after.points.copy()
        points[face.capture.depth > 0.305] = face.capture.points[face.capture.depth > 0.305]
        result = replace(result, after=result.after.replaced(points=points))
    with pytest.raises(AssertionError):
        check_cap_over_rim(face, result, anchor)


LENGTH, RADIUS, AXIS = 18.0, 1.0, 3.4


def wire_over_plane(under=True, axis=AXIS):
    """(surface, plane's normal, anchor, wire's direction, Seen) of a wire over a plane that leans by 35°."""
    capture = toys.tilted_plane(35, about=(1.0, 0.0, 0.0))
    surface = replace(capture.surface, light=SUN)
    normal, anchor = toys.tilted(35, (1.0, 0.0, 0.0)), np.array((0.0, 0.0, 0.3))
    along = np.cross(normal, (1.0, 0.0, 0.0))
    along /= np.linalg.norm(along)
    field = wire(LENGTH, RADIUS, axis)
    if not under:
        walled = field.sample
        field = type("Walled", (type(field),), {"sample": lambda _, s, t: replace(
            walled(s, t), underside_mm=np.zeros(len(s), np.float32))})()
    patch = cm.Patch.at(surface, anchor, np.array((1.0, 0.0, 0.0)), 14)
    return surface, normal, anchor, np.array((1.0, 0.0, 0.0)), layer.see_matter(surface, cm.SurfaceEdit(patch, field))


def check_wire(surface, normal, anchor, along, seen, axis=AXIS):
    """Against ray ∩ cylinder: the wire is where it is, the plane is seen between it and its footprint, and its
    shadow falls where the lamp's rays to the plane meet it, apart from the wire."""
    rays = surface.camera.ray_map()[seen.window]
    through = anchor + 1e-3 * axis * normal
    z = met_cylinder(rays, through, along, 1e-3 * RADIUS, 0.5e-3 * LENGTH)
    plane = (anchor @ normal) / (rays @ normal)
    ends = np.abs((rays * np.nan_to_num(z, nan=1.0)[..., None] - through) @ along) > 0.5e-3 * LENGTH - 1e-3
    true = np.isfinite(z)
    band = binary_dilation(truth.boundary_band(true) | (true & ends), np.ones((3, 3)), 1)
    assert not ((true != seen.support) & ~band).any(), f"{((true != seen.support) & ~band).sum()} px differ"
    sure = true & ~band
    off = np.abs(seen.z_m - z)[sure] * 1e3
    assert off.max() <= 0.12, f"{off.max():.3f} mm off the wire"
    assert np.median(off) <= 0.02, f"{np.median(off):.3f} mm off the wire"
    ground = rays * plane[..., None]
    across = np.cross(normal, along)
    beneath = ((np.abs((ground - anchor) @ across) < 0.5e-3 * RADIUS) & ~true & ~band
               & (np.abs((ground - anchor) @ along) < 0.4e-3 * LENGTH))
    assert beneath.sum() > 20
    assert not seen.support[beneath].any(), "the plane is not seen beneath the wire"
    assert np.abs(seen.z_m - plane)[beneath].max() <= 1e-6, "the plane is not where it was"
    towards = np.array(SUN.direction)
    shadow = np.isfinite(met_cylinder(np.broadcast_to(towards, ground.shape), through - ground, along,
                                      1e-3 * RADIUS, 0.5e-3 * LENGTH - 1e-3)) & ~true & ~band
    core = shadow & ~truth.grown_by(~shadow, 1)
    assert core.sum() > 20
    gain = seen.gain[..., 0]
    facing = float(normal @ towards)
    dark = SUN.ambient / (SUN.ambient + SUN.diffuse * facing)
    assert gain[core].max() <= dark + 0.25 * (1 - dark), "its shadow is not where the lamp throws it"
    between = (~true & ~band & ~binary_dilation(shadow, np.ones((3, 3)), 4)
               & (np.abs((ground - anchor) @ along) < 0.4e-3 * LENGTH)
               & (np.abs((ground - anchor) @ across) < 2.5e-3 * axis))
    assert between.sum() > 40
    assert gain[between].min() >= 0.8, f"light is missing where no shadow falls: {gain[between].min():.2f}"
    return int(beneath.sum())


def test_a_lifted_wire_shows_the_plane_beneath_it_and_throws_its_shadow_beside_it():
    assert check_wire(*wire_over_plane()) > 20


@pytest.mark.parametrize("fault", ["a wall down to the plane", "half as high", "its shadow beneath it"])
def test_lifted_matter_catches(fault):
    made = wire_over_plane(under=fault != "a wall down to the plane", axis=0.6 * AXIS if "half" in fault else AXIS)
    if "shadow" in fault:
        seen = made[-1]
        shaded = seen.gain.copy()
        shaded[..., :3] = np.roll(shaded[..., :3], 12, axis=0)
        made = (*made[:-1], replace(seen, gain=shaded))
    with pytest.raises(AssertionError):
        check_wire(*made)


@pytest.mark.parametrize("spec", [cm.Contamination, cm.Fibre])
def test_a_colour_left_open_is_unlike_the_objects_own(spec):
    """On dark and on light objects what is drawn stands out, is written in the plan, and gives way to what is asked."""
    for own in ((0.03, 0.03, 0.03), (0.1, 0.065, 0.04), (0.5, 0.5, 0.5), (0.05, 0.09, 0.25)):
        scale = cm.defects.Scale(0.25, 60.0, 0.001, 40.0, colour=own)
        drawn = [spec().drawn(np.random.default_rng(seed), scale) for seed in range(12)]
        shades = linear(np.array([one.colour for one in drawn]))
        apart = np.abs(np.cbrt(shades) - np.cbrt(own)).max(1)
        assert apart.min() >= 0.6 * APART, f"{apart.min():.2f} from an object of {own}"
        assert len({one.colour for one in drawn}) > 6
        asked = spec(colour=(10, 200, 30)).drawn(np.random.default_rng(0), scale)
        assert asked.colour == (10, 200, 30)
