"""Published forms to the letter: every number of a preset's as_published is that of its paper or code, measured on what
is drawn; depth that goes along the rays goes along them; and what was planned before replays."""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import test_laws_agreement as agreement
import test_laws_replay as replaying
import truth

import crossmodal as cm
from crossmodal import captures
from crossmodal.cli import main
from crossmodal.edit import measure
from crossmodal.methods.draws import Beta, Gamma, Normal
from crossmodal.methods.noise import framed, perlin
from crossmodal.methods.picture import Photograph
from crossmodal.methods.presets import names
from crossmodal.methods.regions import area_of
from crossmodal.methods.table import rows
from crossmodal.methods.units import LEAST_DEPTH_M, length_mm
from crossmodal.plan import Plan
from pointcloud import PointCloud

PUBLISHED = [name for name in names() if cm.method(name).as_published is not None]
ALONG_RAYS = ("easynet", "transfusion", "bridgenet", "patch-gen")
POT = "pot"


def published(name, **update):
    method = cm.method(name, as_published=True)
    return method.model_copy(update={"blocks": method.blocks.model_copy(update=update)}) if update else method


@lru_cache(maxsize=64)
def made(name, seed=1, **update):
    """The first result of a published form, from a seed on, that is not empty."""
    for further in range(20):
        try:
            return cm.synthesize(captures.load(POT), published(name, **update), seed=seed + further)
        except ValueError as error:
            if "no noise" not in str(error):
                raise
    raise AssertionError(f"{name} is empty 20 times in a row")


def drawn(name, seeds, capture=None):
    """The planned defects of many draws, without a pixel made."""
    capture, method = capture or captures.load(POT), published(name)
    return [planned for seed in range(seeds) for planned in cm.draw(capture, method, seed).defects]


# What is lifted from a picture and its depth together.


@lru_cache(maxsize=1)
def painted():
    """(capture, edited rgb, edited depth, where it was painted, where it was dug)."""
    capture = truth.ideal("plane", 30, 35, size=96).capture
    colour, shape = np.zeros((2, *capture.shape), bool)
    colour[30:50, 30:60], shape[40:60, 40:70] = True, True
    rgb = np.where(colour[..., None], np.uint8(7), capture.rgb)
    depth = np.where(shape, capture.depth + np.float32(0.004), capture.depth)
    return capture, rgb, depth, colour, shape


def check_both_as_given(result, rgb, depth):
    """Each modality is what was edited, and each mask says where, to the bit; every point keeps its pixel's ray."""
    before, after = result.before, result.after
    assert after.rgb.tobytes() == rgb.tobytes(), "light came between"
    assert np.array_equal(after.depth, depth, equal_nan=True)
    assert np.array_equal(result.masks.rgb, (rgb != before.rgb).any(-1))
    assert np.array_equal(result.masks.points, depth != before.depth)
    moved = result.masks.points
    for axis in (0, 1):
        ray = before.points[moved][:, axis] / before.points[moved][:, 2]
        assert np.allclose(after.points[moved][:, axis] / after.points[moved][:, 2], ray, atol=1e-6), "left its ray"


def test_a_change_of_picture_and_depth_is_lifted_as_given():
    capture, rgb, depth, colour, shape = painted()
    edit = cm.lift(capture, rgb=rgb, depth=depth)
    result = cm.imprint(capture, edit)
    check_both_as_given(result, rgb, depth)
    assert np.array_equal(result.masks.rgb, colour)
    assert np.array_equal(result.masks.points, shape)
    assert result.gt[colour | shape].all()
    assert edit.extents_mm[0] == pytest.approx(4 * float(np.abs(capture.normals[50, 50, 2])), rel=0.05)
    again = cm.replay(capture, Plan.model_validate_json(result.plan.model_dump_json()))
    check_both_as_given(again, rgb, depth)
    points = capture.points * (depth / capture.depth)[..., None]
    points[..., 2] = depth
    check_both_as_given(cm.imprint(capture, cm.lift(capture, rgb=rgb, points=points)), rgb, depth)


@pytest.mark.parametrize("fault", ["lit", "slid", "one mask"])
def test_a_change_that_is_not_as_given_is_caught(fault):
    capture, rgb, depth, _, shape = painted()
    result = cm.imprint(capture, cm.lift(capture, rgb=rgb, depth=depth))
    points, seen, masks = np.array(result.after.points), np.array(result.after.rgb), result.masks
    if fault == "lit":
        lit = cm.imprint(capture, cm.lift(capture, depth=depth)).after.rgb
        seen[shape] = lit[shape]
    elif fault == "slid":
        points[shape, 0] += np.float32(1e-4)
    else:
        masks = replace(masks, points=masks.union)
    doctored = agreement.doctored(result, points=points, rgb=seen, masks=masks)
    with pytest.raises(AssertionError):
        check_both_as_given(doctored, rgb, depth)


def test_a_mask_bounds_both_and_what_does_not_fit_is_refused():
    capture, rgb, depth, colour, shape = painted()
    result = cm.imprint(capture, cm.lift(capture, rgb=rgb, depth=depth, mask=shape))
    assert np.array_equal(result.masks.points, shape)
    assert np.array_equal(result.masks.rgb, colour & shape)
    for wrong in (dict(depth=depth, points=capture.points), dict(rgb=rgb, depth=depth, points=capture.points),
                  dict(rgb=rgb, depth=depth * 1000), dict(rgb=rgb[:-1], depth=depth),
                  dict(rgb=rgb, depth=depth, relief="shading")):
        with pytest.raises(ValueError, match=r"lift takes|metres|must be|relief goes"):
            cm.lift(capture, **wrong)


def test_a_later_lifted_change_leaves_an_earlier_one_beside_it():
    """Each edit's window holds some of the other's pixels."""
    capture, rgb, _, colour, _ = painted()
    other = np.zeros_like(colour)
    other[51:60, 58:80] = True
    second = np.where(other[..., None], np.uint8(250), capture.rgb)
    result = cm.imprint(capture, (cm.lift(capture, rgb=rgb), cm.lift(capture, rgb=second)))
    assert (result.after.rgb[colour] == 7).all()
    assert (result.after.rgb[other] == 250).all()
    assert np.array_equal(result.masks.rgb, colour | other)


# Methods on picture and depth.


@pytest.mark.parametrize("name", ALONG_RAYS)
def test_published_depth_goes_along_the_rays_and_colours_are_as_painted(name):
    result = made(name, sharing=("both",))
    before, after, moved = result.before, result.after, result.masks.points
    assert moved.any()
    assert agreement.check_L5(before, after, result.masks)
    replaying.check_L10(before, result)
    for axis in (0, 1):
        ray = before.points[moved][:, axis] / before.points[moved][:, 2]
        assert np.allclose(after.points[moved][:, axis] / after.points[moved][:, 2], ray, atol=1e-6)
    if name == "patch-gen":
        assert not result.masks.rgb.any(), "a method on points leaves the picture alone"


def noise_of(planned, shape):
    """(H, W): the noise of a planned perlin region that is not drawn again."""
    region = planned.blocks.region
    return framed(shape, region.cells, region.turn_deg[0], planned.texture_seed)


def test_easynet_puts_the_noise_in_the_place_of_normalised_depth():
    result = made("easynet")
    [planned] = result.plan.defects
    capture, noise = result.before, noise_of(result.plan.defects[0], result.before.shape)
    inside = (noise > 0.5) & capture.surface.foreground & capture.valid
    farthest = float(capture.depth[capture.surface.foreground].max())
    assert not capture.surface.foreground.all(), "or 0 is not the least"
    assert np.allclose(result.after.depth[inside], noise[inside] * farthest, atol=1e-6)
    assert (result.after.depth[inside] > 0.5 * farthest).all()
    assert not result.masks.points[~inside].any()
    assert planned.blocks.blend.opacity[0] >= 0.2
    off = np.abs(result.after.depth - capture.depth)[inside]
    assert off.max() > 0.1, "a step of more than 100 mm, as published (peers.md 2.1)"


def test_transfusion_adds_a_tenth_of_the_range_from_0_at_the_border():
    result = made("transfusion")
    capture, noise = result.before, noise_of(result.plan.defects[0], result.before.shape)
    on = capture.surface.foreground
    up, down = np.where(on, noise - 0.5, -1), np.where(on, -noise - 0.5, -1)
    want = np.zeros(capture.shape)
    for hill, sign in ((up, 1), (down, -1)):
        if hill.max() > 0:
            want[hill > 0] = sign * hill[hill > 0] / hill.max()
    assert capture.depth[capture.valid].max() < LEAST_DEPTH_M
    want *= 0.1 * 1.1
    got = np.where(capture.valid, result.after.depth - capture.depth, 0)
    told = result.masks.points
    assert np.allclose(got[told], want[told], atol=1e-5)
    assert not told[want == 0].any()
    hidden = np.abs(want[on & capture.valid & ~told])
    assert hidden.max() <= capture.surface.floor_mm * 2e-3, "all but what the floor hides"
    assert np.abs(got).max() > 0.09, "a tenth of 1.1 m"
    assert result.plan.defects[0].blocks.blend.kind == "hard"


def test_bridgenet_lays_one_texture_in_the_picture_and_in_grey_in_the_depth():
    """What its colours say of the texture foretells its depth."""
    result = made("bridgenet", seed=4, sharing=("both",))
    [planned] = result.plan.defects
    share, capture = planned.blocks.blend.opacity[0], result.before
    inside = result.masks.points & result.masks.rgb
    assert inside.sum() > 50
    seen = result.after.rgb.astype(np.float32) / 255
    texture = (seen - (1 - share) * (capture.rgb.astype(np.float32) / 255)) / share
    grey = cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY)
    farthest = float(capture.depth[capture.surface.foreground].max())
    want = share * grey * farthest + (1 - share) * capture.depth
    assert np.allclose(result.after.depth[inside], want[inside], atol=farthest * 1.1 / 255)
    alone = {}
    for sharing in ("rgb", "geometry"):
        method = published("bridgenet", sharing=(sharing,))
        alone[sharing] = cm.synthesize(capture, method, seed=result.plan.seed)
    rgb, geometry = alone["rgb"], alone["geometry"]
    assert rgb.after.points.tobytes() == capture.points.tobytes()
    assert geometry.after.rgb.tobytes() == capture.rgb.tobytes()
    assert geometry.after.points.tobytes() == result.after.points.tobytes()
    assert rgb.after.rgb.tobytes() == result.after.rgb.tobytes()


def near(count, many, share):
    """Whether a share is that of count in many draws, within four standard deviations."""
    return abs(count / many - share) <= 4 * np.sqrt(share * (1 - share) / many)


def test_bridgenet_and_glass_draw_thirds():
    for name in ("bridgenet", "glass-local"):
        plans = drawn(name, 160)
        kinds = [planned.blocks.region.kind for planned in plans]
        for kind in ("perlin", "or", "and"):
            assert near(kinds.count(kind), 160, 1 / 3), kind
        opacity = np.array([planned.blocks.blend.opacity[0] for planned in plans])
        assert opacity.mean() == pytest.approx(0.5, abs=0.03)
        assert opacity.std() == pytest.approx(0.1, abs=0.02)
        assert 0.2 <= opacity.min() <= opacity.max() <= 0.8
    two = cm.method("glass-local").blocks.region.parts  # anomalib's dual_mask: one field or the union of two
    dual = [two[seed % 2].kind for seed in range(160)]
    assert not all(near(dual.count(kind), 160, 1 / 3) for kind in ("perlin", "or", "and"))
    shared = [planned.blocks.sharing[0] for planned in drawn("bridgenet", 160)]
    for sharing in ("both", "rgb", "geometry"):
        assert near(shared.count(sharing), 160, 1 / 3), sharing


def test_where_two_noises_do_not_meet_others_are_drawn():
    capture = captures.load(POT)
    canvas = Photograph.of(capture, True)
    both = next(planned for planned in drawn("glass-local", 40) if planned.blocks.region.kind == "and").blocks.region
    once, empty = both.model_copy(update={"nonempty": False}), 0
    for seed in range(40):
        try:
            area_of(once, canvas, (0, 0), 31 * seed)
        except ValueError:
            empty += 1
            assert area_of(both, canvas, (0, 0), 31 * seed).inside.any()
    assert empty > 0


# Noise as DRAEM's code has it.


def test_published_noise_is_empty_as_often_as_it_was_found_to_be():
    """Of 2^U{0..5} cells 5.2 % at 0.5, 0.4 at 0.2, 1.9 at 0.3, 10.5 at 0.6, 11.4 of |n| over U(0.4, 0.8); and it covers
    5.1 % of a picture at 0.5, 24 % at 0.2 (methods.md §7)."""
    rng, many = np.random.default_rng(1), 700
    highest, absolute, over, shares = [], [], [], []
    for i in range(many):
        cells = tuple(int(2**k) for k in rng.integers(0, 6, 2))
        noise = framed((128, 128), cells, rng.uniform(-90, 90), 101 * i)
        highest.append(noise.max())
        absolute.append(np.abs(noise).max())
        over.append(rng.uniform(0.4, 0.8))
        shares.append([(noise > at).mean() for at in (0.5, 0.2)])
    highest = np.array(highest)
    for at, share in ((0.5, 0.052), (0.2, 0.004), (0.3, 0.019), (0.6, 0.105)):
        assert near((highest <= at).sum(), many, share), at
    assert near((np.array(absolute) <= over).sum(), many, 0.114)
    assert np.mean(shares, 0) == pytest.approx((0.05, 0.24), rel=0.12)


def test_framed_noise_is_a_turned_picture_of_whole_cells():
    """Unturned it is 0 on its lattice, from corner to corner; turned, its corners are empty; any size and cells do."""
    for cells in ((1, 1), (1, 4), (8, 2)):
        noise, shape = framed((65, 97), cells, 0.0, 7), (65, 97)
        assert noise.shape == shape
        nodes = np.ix_(*(np.linspace(0, n - 1, k + 1).round().astype(int) for n, k in zip(shape, cells, strict=True)))
        assert np.abs(noise[nodes]).max() < 0.35 * np.abs(noise).max()
    turned = framed((65, 65), (4, 4), 45.0, 7)
    assert not turned[:8, :8].any()
    assert perlin((65, 65), (4, 4), 45.0, 7)[:8, :8].any()
    with pytest.raises(ValueError, match="leave framed out"):
        cm.synthesize(captures.load(POT), cm.Method.model_validate(
            {"name": "framed", "blocks": {"region": {"kind": "perlin", "framed": True}, "effect": {"kind": "hills"}}}))


def test_draems_opacity_is_1_less_beta():
    for name, low in (("draem", 0.2), ("destseg", 0.2), ("easynet", 0.2), ("glad-image", 0.2), ("memseg-texture", 0.15),
                      ("memseg-structural", 0.15)):
        blocks = published(name).blocks
        assert blocks.blend.opacity == (low, 1.0)
        assert blocks.region.octaves == (0, 5), "2^U{0..5} cells"
        assert blocks.region.threshold == ((0.3, 0.3) if name == "glad-image" else (0.5, 0.5))
        assert blocks.on_object == (name not in ("draem", "destseg"))


# Methods on clouds.

RADII = {"bulge": (1, 1), "dent": (1, 1), "ridge": (2.5, 0.7), "trench": (3, 0.7), "flat-spot": (1.3, 1),
         "crater": (1, 1), "ripple": (1, 1), "shear-u": (1.2, 1.2), "shear-v": (1.2, 1.2), "drag": (2, 0.8)}


@pytest.mark.parametrize("name", RADII)
def test_af3ads_sizes_are_betas_of_a_cloud_in_a_ball_of_radius_1(name):
    capture, along = captures.load(POT), RADII[name]
    unit_mm = 0.5 * length_mm(capture.surface, "diameter")
    far = capture.surface.smoothed[capture.surface.foreground].astype(float)
    assert unit_mm == pytest.approx(1e3 * np.linalg.norm(far - far.mean(0), axis=1).max(), rel=1e-6)
    scale = cm.methods.units.Shares.on(capture.surface, cm.synthesis.scale_of(capture, cm.Place()))
    blocks = [published(f"af3ad-{name}").blocks.drawn(np.random.default_rng(seed), scale) for seed in range(60)]
    radius = np.array([one.region.length_mm[0] for one in blocks]) / (2 * along[0] * unit_mm)
    across = np.array([one.region.width_mm[0] for one in blocks]) / (2 * along[1] * unit_mm)
    assert np.allclose(radius, across, rtol=2e-3), "one R for both"
    moves = [(one.content.along_mm if one.content.kind == "slide" else one.effect.height_mm)[0] for one in blocks]
    height = np.array(moves) / unit_mm / (0.17 if name == "drag" else 1)
    for got, low, high in ((radius, 0.05, 0.25), (height, 0.02, 0.15)):
        assert low - 1e-6 <= got.min() <= got.max() <= high + 1e-6
        mean, sd = low + (high - low) * 2 / 7, (high - low) * np.sqrt(10 / 392)
        assert got.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(60)), "Beta(2, 5)"
        assert got.std() == pytest.approx(sd, rel=0.4)


def test_mpas_is_measured_by_the_diagonal_of_the_box():
    capture = captures.load(POT)
    points = capture.surface.smoothed[capture.surface.foreground]
    diagonal = 1e3 * float(np.linalg.norm(points.max(0) - points.min(0)))
    [ball], [scratch], [slab] = (drawn(f"mpas-{name}", 1) for name in ("sphere", "scratch", "crack"))
    assert ball.blocks.region.length_mm[0] == pytest.approx(2 * 0.03 * diagonal, rel=1e-4)
    assert ball.blocks.effect.height_mm[0] == pytest.approx(0.02 * diagonal, rel=1e-4)
    assert scratch.blocks.region.width_mm[0] == pytest.approx(0.01 * diagonal, rel=1e-4)
    assert slab.blocks.region.width_mm[0] == pytest.approx(0.01 * diagonal, rel=1e-4)
    assert slab.blocks.region.length_mm[0] == pytest.approx(0.6 * diagonal, rel=1e-4)


@pytest.mark.parametrize(("name", "least", "most"), [("norm-as", 1 / 64, 1 / 64), ("patch-gen", 1 / 16, 1 / 16),
                                                     ("glfm", 0.005, 0.03)])
def test_patches_hold_the_published_share_of_the_points(name, least, most):
    """Of a plane that is all object a disc holds its share of the points; GLFM's nearest 1 to 2 %, axes stretched."""
    capture = truth.ideal("plane", 0, 0, size=160).capture
    for planned in drawn(name, 3, capture):
        region = planned.blocks.region
        share = 0.25 * np.pi * region.length_mm[0] * region.width_mm[0] / float(
            capture.surface.pixel_area_mm2[capture.surface.foreground].sum())
        assert 0.97 * least <= share <= 1.03 * most


def test_po3ad_and_r3dad_move_by_the_unit_of_the_object():
    capture = captures.load(POT)
    unit_mm = 0.5 * length_mm(capture.surface, "diameter")
    heights = np.array([planned.blocks.effect.height_mm[0] for planned in drawn("norm-as", 40)]) / unit_mm
    assert 0.06 <= heights.min() < 0.075
    assert 0.105 < heights.max() <= 0.12
    ways = {planned.blocks.effect.direction for planned in drawn("norm-as", 12)}
    assert ways == {"in", "out"}
    result = made("patch-gen")
    moved = np.abs(result.after.depth - result.before.depth)[result.masks.points] * 1e3
    assert moved.max() == pytest.approx(0.05 * unit_mm, rel=0.05)


def test_numbers_in_order_of_distance_make_a_dome():
    """Uniform numbers, sorted, dealt to the points of a disc from its middle out: 1 − t² of how far out."""
    rng = np.random.default_rng(3)
    t = np.sqrt(rng.uniform(size=2000))
    dealt = np.empty(2000)
    dealt[np.argsort(t)] = np.sort(rng.uniform(size=2000))[::-1]
    assert np.abs(dealt - (1 - t * t)).max() < 0.05
    field = cm.grown(captures.load(POT), drawn("glfm", 1)[0]).field
    d = np.abs(field.displacement_mm)
    inside = d > 0
    assert (d[inside] > 0.5 * d.max()).mean() == pytest.approx(0.5, abs=0.06), "half of the disc is above half of it"


# Methods on the picture.


def test_cutpaste_is_2_to_15_percent_of_the_picture_and_its_scars_10_to_25_by_2_to_16_pixels_of_256():
    capture = captures.load(POT)
    side = float(np.sqrt(capture.shape[0] * capture.shape[1]) * capture.surface.mm_per_pixel)
    sides = np.array([planned.blocks.region.sides_mm for planned in drawn("cutpaste", 150)]) / side
    area, aspect = sides.prod(1), sides[:, 1] / sides[:, 0]
    assert 0.02 <= area.min() < 0.03
    assert 0.14 < area.max() <= 0.15
    assert area.mean() == pytest.approx(0.085, abs=0.012)
    assert 0.3 <= aspect.min() < 0.35
    assert 2.9 < aspect.max() <= 3.3
    scars = drawn("cutpaste-scar", 100)
    length, width = (256 / side * np.array([getattr(one.blocks.region, name)[0] for one in scars])
                     for name in ("length_mm", "width_mm"))
    assert 9.9 <= length.min() < 11
    assert 24 < length.max() <= 25.1
    assert 1.9 <= width.min() < 3
    assert 15 < width.max() <= 16.1
    turns = [planned.blocks.orientation_deg[0] for planned in scars]
    assert -45 <= min(turns) < -40
    assert 40 < max(turns) <= 45


def test_nsa_draws_gammas_lays_by_the_toss_of_a_coin_and_keeps_to_the_object():
    capture = captures.load(POT)
    side = float(np.sqrt(capture.shape[0] * capture.shape[1]) * capture.surface.mm_per_pixel)
    counts, half, resized = [], [], []
    for seed in range(160):
        plan = cm.draw(capture, published("nsa"), seed)
        counts.append(len(plan.defects))
        for planned in plan.defects:
            resize, region = planned.blocks.content.resize[0], planned.blocks.region
            resized.append(resize)
            half += [0.5 * size[0] / resize / side for size in (region.length_mm, region.width_mm)]
            laid = [0.5 * size[0] / capture.surface.mm_per_pixel for size in (region.width_mm, region.length_mm)]
            for at, grow in ((planned.pixel, 1), (planned.elsewhere_pixel, resize)):
                assert on_object(capture, at, [h / grow for h in laid]) > 0.2, "a quarter, to the pixel"
    for many, share in ((1, 0.25), (2, 0.5), (3, 0.25)):
        assert near(counts.count(many), 160, share), counts
    half = np.array(half)
    assert half.min() >= 0.03
    assert half.max() <= 0.4
    assert half.mean() == pytest.approx(0.03 + 2 * 0.05, abs=0.012)
    resized = np.array(resized)
    assert near((resized == 0.7).sum(), len(resized), 0.274), "N(1, 0.5), clipped"
    assert near((resized == 1.3).sum(), len(resized), 0.274)


def on_object(capture, at, half):
    (column, row), (down, across) = at, half
    box = np.s_[max(0, round(row - down)):round(row + down), max(0, round(column - across)):round(column + across)]
    return capture.surface.foreground[box].mean()


def test_what_is_resized_is_laid_down_larger_than_it_was_cut():
    """Stripes of the source are twice as far apart, on a photograph and on a surface alike."""
    capture = truth.ideal("plane", 0, 0, size=160).capture
    stripes = (np.indices(capture.shape)[1] // 4 % 2).astype(bool)
    capture = capture.replaced(rgb=np.where(stripes[..., None], np.uint8(200), np.uint8(60)) * np.ones(3, np.uint8))
    for space in ("pixels", "surface"):
        runs = {}
        for resize in (None, 2.0):
            method = cm.Method.model_validate({"name": "resized", "blocks": {
                "space": space, "orientation_deg": 0, "region": {"kind": "rectangle", "area_percent": 2, "aspect": 1},
                "content": {"kind": "shift"} | ({} if resize is None else {"resize": resize})}})
            result = cm.synthesize(capture, method, seed=5)
            [planned] = result.plan.defects
            runs[resize] = planned.blocks.region.sides_mm[0]
            if resize:
                rows_, columns = np.nonzero(result.instances == 1)
                inner = result.after.rgb[int(np.median(rows_)), columns.min() + 3:columns.max() - 2, 0] > 128
                changes = np.flatnonzero(np.diff(inner.astype(int)))
                assert np.median(np.diff(changes)) == pytest.approx(8, abs=1), space
        assert runs[2.0] == pytest.approx(2 * runs[None], rel=1e-6), "the region's sizes are of what is cut"


def test_rebs_curves_feathers_and_grains():
    plans = drawn("reb-blob", 120)
    points, rough = ({getattr(planned.blocks.region, name)[0] for planned in plans} for name in ("points", "rough"))
    assert points == set(range(5, 11))
    assert 0.2 <= min(rough) < 0.23
    assert 0.47 < max(rough) <= 0.5
    blends = [planned.blocks.blend for planned in plans]
    assert near(sum(blend.kind == "feather" for blend in blends), 120, 0.5)
    capture = captures.load(POT)
    side = float(np.sqrt(capture.shape[0] * capture.shape[1]) * capture.surface.mm_per_pixel)
    widths = [256 / side * blend.width_mm[0] for blend in blends if blend.kind == "feather"]
    assert 3 <= min(widths)
    assert max(widths) <= 5.2
    area = [planned.blocks.region.length_mm[0] * planned.blocks.region.width_mm[0] / side**2 for planned in plans]
    assert 0.02 <= min(area)
    assert max(area) <= 0.15
    grains = {round(256 / side * planned.blocks.content.cell_mm[0]) for planned in drawn("reb-blob-noise", 30)}
    assert grains == {1, 2, 4}


def test_riads_cells_are_2_4_8_or_16_pixels_of_256_in_three_sets():
    capture = captures.load(POT)
    side = float(np.sqrt(capture.shape[0] * capture.shape[1]) * capture.surface.mm_per_pixel)
    plans = drawn("riad", 40)
    assert {round(256 / side * planned.blocks.region.cell_mm[0]) for planned in plans} == {2, 4, 8, 16}
    canvas, region = Photograph.of(capture, False), plans[0].blocks.region
    shares = [area_of(region, canvas, (0, 0), 3 * 50 + k).inside.mean() for k in range(3)]
    assert np.mean(shares) == pytest.approx(1 / 3, abs=0.05)


def test_a_score_foretells_by_what_it_filled_until_it_stays():
    """I3AD: a blot that spoils what its neighbours are foretold from is told from them once it is filled."""
    capture = truth.ideal("plane", 0, 0, size=96).capture
    rgb = np.full((*capture.shape, 3), 150, np.uint8)
    rgb[40:56, 40:56] = 20
    canvas = Photograph.of(capture.replaced(rgb=rgb), False)
    many = capture.shape[0] * capture.shape[1] // 16

    def taken(rounds):
        region = cm.Method.model_validate({"name": "scored", "blocks": {"region": {
            "kind": "score", "cell_mm": 4 * canvas.step_mm, "worst": 16 / many, "rounds": rounds}, "content": {
                "kind": "fill"}}}).blocks.region
        return area_of(region, canvas, (0, 0), 0).inside

    blot = (rgb == 20).all(-1)
    hit = [(taken(rounds) & blot).sum() / blot.sum() for rounds in (1, 8)]
    assert hit[1] == 1.0 > hit[0]
    assert np.array_equal(taken(8), taken(16)), "it stays"


# Laws of ranges.


@pytest.mark.parametrize(("law", "low", "high", "mean"), [
    (Beta(a=2, b=5), 1.0, 8.0, 3.0), (Normal(mean=0.5, sd=0.1), 0.2, 0.8, 0.5), (Normal(mean=9, sd=0.1), 0.0, 1.0, 1.0),
    (Gamma(shape=2, size=0.5), 1.0, 9.0, 2.0)])
def test_a_law_keeps_to_its_range(law, low, high, mean):
    rng = np.random.default_rng(5)
    got = np.array([law.number(rng, low, high, None) for _ in range(2000)])
    assert low <= got.min() <= got.max() <= high
    assert got.mean() == pytest.approx(mean, abs=0.06 * (high - low) ** 0.5)


def test_laws_are_written_in_yaml_and_gone_when_drawn():
    blend = {"kind": "alpha", "opacity": [0.2, 0.8], "laws": {"opacity": {"law": "normal", "mean": 0.5, "sd": 0.1}}}
    method = cm.Method.model_validate({"name": "lawful", "blocks": {"region": {"kind": "ellipse"}, "blend": blend,
                                                                    "content": {"kind": "plain"}}})
    assert cm.Method.model_validate_json(method.model_dump_json()) == method
    [planned] = cm.draw(captures.load(POT), method, 1).defects
    assert "laws" not in json.dumps(planned.model_dump(mode="json"))
    assert "laws" not in cm.method("draem").model_dump_json()
    for wrong in ({"depth": {"law": "beta", "a": 2, "b": 5}}, {"kind": {"law": "beta", "a": 2, "b": 5}}):
        with pytest.raises(ValueError, match="laws are for ranges"):
            cm.Method.model_validate({"name": "lawless", "blocks": {"region": {"kind": "ellipse", "laws": wrong}}})


# The table, what is refused, and what was planned before.


def test_every_preset_has_a_published_form_or_says_why_not():
    told = {row.method: row.status for row in rows()}
    for name in names():
        method = cm.method(name)
        assert (method.as_published is None) == bool(method.unpublished), name
        assert told[name] == ("runs, and as published" if method.as_published is not None else
                              f"runs; no published form: {method.unpublished}")
        if method.unpublished:
            with pytest.raises(ValueError, match="leave --as-published out") as refusal:
                method.published()
            assert method.unpublished in str(refusal.value)
    assert len(PUBLISHED) >= 36


@pytest.mark.parametrize("name", [name for name in PUBLISHED if cm.method(name).as_published.space == "surface"])
def test_a_published_form_on_the_surface_keeps_the_laws(name):
    capture = captures.load(POT)
    result = cm.synthesize(capture, published(name), seed=2)
    [planned] = result.plan.defects
    agreement.check_L3(result)
    assert agreement.check_L5(result.before, result.after, result.masks)
    replaying.check_L10(capture, result)
    if planned.blocks.effect.kind == "hills":
        agreement.check_L9(result, planned.blocks.effect.direction)
        found, height = measure(cm.grown(capture, planned).field), planned.blocks.effect.height_mm[0]
        assert max(found.max_depth_mm, found.max_height_mm) == pytest.approx(height, rel=0.02)


@pytest.mark.parametrize(("blocks", "says"), [
    ({"region": {"kind": "ellipse"}, "effect": {"kind": "hills", "along": "rays"}}, "say space: pixels"),
    ({"region": {"kind": "perlin"}, "effect": {"kind": "print", "of": "texture"}}, "say space: pixels"),
    ({"space": "pixels", "region": {"kind": "ellipse"}, "effect": {"kind": "print", "of": "noise"}}, "no noise")])
def test_depth_along_the_rays_is_of_photographs(blocks, says):
    with pytest.raises(ValueError, match=says):
        cm.Method.model_validate({"name": "wrong", "blocks": blocks})


def test_published_depth_that_would_reach_the_camera_is_refused():
    capture = captures.load(POT)
    near_by = capture.replaced(points=capture.points * np.float32(0.05))
    plan = cm.draw(capture, published("transfusion"), made("transfusion").plan.seed)
    with pytest.raises(ValueError, match="more than there is here"):
        cm.grown(near_by, plan.defects[0])


NEW = ("laws", "overlap", "at_most", "sizes_of", "heights_of", "resize", "aspect", "sigma", "framed", "area_percent",
       "along", "rounds")


def without_new(value):
    """A plan's JSON as it was before: no field that came later, and one number where there are ranges now."""
    if isinstance(value, dict):
        old = ("aspect",) if value.get("kind") == "rectangle" else ()
        return {name: without_new(one) for name, one in value.items() if name not in NEW or name in old}
    return [without_new(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["cutpaste", "draem", "reb-blob", "af3ad-ridge", "i3ad", "memseg-structural"])
def test_a_plan_from_before_replays(name):
    capture = captures.load(POT)
    blocks = cm.method(name).blocks
    if name == "i3ad":
        blocks = blocks.model_copy(update={"region": blocks.region.model_copy(update={"rounds": 1})})
    result = cm.synthesize(capture, cm.method(name).model_copy(update={"blocks": blocks}), seed=3)
    old = without_new(json.loads(result.plan.model_dump_json()))
    again = cm.replay(capture, Plan.model_validate(old))
    assert again.after.rgb.tobytes() == result.after.rgb.tobytes()
    assert again.after.points.tobytes() == result.after.points.tobytes()


def test_a_data_set_of_published_depth_passes_its_check_and_one_that_tells_another_way_does_not(tmp_path, capsys):
    out, source = tmp_path / "out", str(Path(captures.__file__).parent / "pot.pcd")
    assert main(["synthesize", source, "--out", str(out), "--methods", "easynet", "--as-published", "--count", "1",
                 "--seed", "2", "--only-defects"]) == 0
    assert main(["check", str(out), "--source", source]) == 0
    manifest = out / "manifest.jsonl"
    entry = json.loads(manifest.read_text())
    entry["plan"]["defects"][0]["blocks"]["effect"] = {"kind": "hills", "along": "normals"}
    manifest.write_text(json.dumps(entry) + "\n")
    assert main(["check", str(out), "--source", source]) == 1
    assert "displacement" in capsys.readouterr().out


def test_on_a_bare_cloud_the_units_are_its_own():
    """Of a ball of radius 1, as AF3AD and PO3AD have it: R of 0.05 to 0.25, 1/64 of all its points."""
    rng = np.random.default_rng(0)
    way = rng.normal(size=(3000, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    ball = PointCloud((0.05 * way).astype(np.float32), normals=way.astype(np.float32))
    [bulge], [cone] = (cm.synthesize(ball, published(name), seed=2).plan.defects for name in ("af3ad-bulge", "norm-as"))
    assert 0.05 <= bulge.blocks.region.length_mm[0] / 100 <= 0.25
    assert 0.02 <= bulge.blocks.effect.height_mm[0] / 50 <= 0.15
    cap = 0.25 * np.pi * cone.blocks.region.length_mm[0] ** 2
    assert cap / (4 * np.pi * 50**2) == pytest.approx(1 / 64, rel=0.12), "as well as the points tell their area"
    with pytest.raises(ValueError, match="works on a photograph"):
        cm.synthesize(ball, published("patch-gen"), seed=2)
