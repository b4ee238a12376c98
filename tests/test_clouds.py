"""Clouds alone: which side is out, and the laws of imprinting a field in points that no picture orders."""

import numpy as np
import pytest
from cloud_shapes import BOX_MM, RADIUS_MM, SHAPES, plate, sphere, turned
from hypothesis import given, settings
from hypothesis import strategies as st

import crossmodal as cm
from crossmodal.clouds.result import ADDED
from crossmodal.clouds.synthesis import shows_in_colour_alone
from crossmodal.defects.only import grown_as_asked
from pointcloud import orient

seeds = st.integers(0, 2**16)
MARGIN = -0.05  # cosine: beside a box's edge a fitted plane may be that of the other face, at a right angle


def wrong_sided(normals, outwards, usable=True):
    """How many usable normals point into the matter."""
    return int(((np.einsum("ij,ij->i", normals, outwards) < MARGIN) & usable).sum())


@pytest.fixture(scope="module")
def ball():
    rng = np.random.default_rng(1)
    points, out = sphere(rng, 30_000)
    colours = np.clip(150 + 8 * rng.normal(size=(len(points), 3)), 0, 255).astype(np.uint8)
    return cm.Cloud(1e-3 * points, colours, out.astype(np.float32), name="ball")


@pytest.fixture(scope="module")
def flat():
    return plate(np.random.default_rng(2), 20_000)


@given(seeds, st.sampled_from(SHAPES))
@settings(max_examples=12, deadline=None)
def test_a_closed_cloud_has_its_normals_outwards_whichever_way_it_is_turned(seed, shape):
    rng = np.random.default_rng(seed)
    points, out = shape(rng, 3000)
    turn = turned(rng)
    surface = cm.Cloud(1e-3 * points @ turn.T + rng.normal(size=3)).surface
    assert surface.closed
    inner = surface.usable & ~surface.edge
    assert wrong_sided(surface.normals, out @ turn.T, inner) == 0
    assert wrong_sided(surface.normals, out @ turn.T) < 0.01 * len(points)  # in a corner no plane is right
    flipped = surface.normals.copy()
    flipped[np.argsort(points[:, 0])[:100]] *= -1  # one side of it turned over: the law sees it
    assert wrong_sided(flipped, out @ turn.T, surface.usable) >= 90
    assert not orient.is_closed(points @ turn.T, -surface.normals, surface.area_mm2)


@given(seeds, st.sampled_from(SHAPES), st.sampled_from((cm.Dent, cm.Bump)))
@settings(max_examples=10, deadline=None)
def test_what_goes_in_goes_in_and_what_comes_out_comes_out_on_any_orientation(seed, shape, kind):
    rng = np.random.default_rng(seed)
    points, out = shape(rng, 4000)
    turn = turned(rng)
    cloud = cm.Cloud(1e-3 * points @ turn.T)
    size = {"depth_mm": 0.6} if "depth_mm" in kind.model_fields else {"height_mm": 0.6}
    result = cm.synthesize(cloud, kind(diameter_mm=6, **size), seed=seed)
    old = result.source != ADDED
    step = result.after.xyz_m[old] - cloud.xyz_m[result.source[old]]
    outwards = np.einsum("ij,ij->i", step, (out @ turn.T)[result.source[old]])
    assert (outwards != 0).any()
    assert (outwards <= 1e-9).all() if kind.effect == "in" else (outwards >= -1e-9).all()


@given(seeds, st.sampled_from((cm.Dent, cm.Bump)))
@settings(max_examples=5, deadline=None)
def test_what_was_seen_from_one_side_is_pushed_from_there(seed, kind):
    rng = np.random.default_rng(seed)
    points, out = sphere(rng, 8000)
    half, turn, shift = points[:, 2] > -4, turned(rng), rng.normal(size=3)
    eye = turn @ (0, 0, 0.5) + shift
    cloud = cm.Cloud(1e-3 * points[half] @ turn.T + shift, viewpoint_m=tuple(eye))
    size = {"depth_mm": 0.6} if kind is cm.Dent else {"height_mm": 0.6}
    result = cm.synthesize(cloud, kind(diameter_mm=6, **size), seed=seed)
    old = np.flatnonzero((result.source != ADDED) & (result.displacement_mm != 0))
    step = result.after.xyz_m[old] - cloud.xyz_m[result.source[old]]
    outwards = np.einsum("ij,ij->i", step, (out[half] @ turn.T)[result.source[old]])
    assert len(old) > 20
    assert (outwards < 0).all() if kind is cm.Dent else (outwards > 0).all()
    blind = cm.Cloud(cloud.xyz_m, viewpoint_m=tuple(2 * shift - eye)).surface  # from behind, all would be wrong
    assert wrong_sided(blind.normals, out[half] @ turn.T, points[half, 2] > 4) > 0.9 * (points[:, 2] > 4).sum()


def test_what_breaks_out_of_an_edge_is_on_one():
    points, _ = SHAPES[1](np.random.default_rng(16), 12_000)
    cloud = cm.Cloud(1e-3 * points)
    for seed in range(4):
        chip = cm.synthesize(cloud, cm.Chip(diameter_mm=6, depth_mm=1), seed=seed).plan.defects[0]
        gaps = np.sort(0.5 * BOX_MM - np.abs(1e3 * np.array(chip.anchor_m)))
        assert gaps[1] < 2 * cloud.surface.spacing_mm  # near two faces at once
        dent = cm.synthesize(cloud, cm.Dent(diameter_mm=6, depth_mm=1), seed=seed).plan.defects[0]
        gaps = np.sort(0.5 * BOX_MM - np.abs(1e3 * np.array(dent.anchor_m)))
        assert gaps[1] > 3
    with pytest.raises(ValueError, match="this cloud has no rim"):
        cm.synthesize(cloud, cm.Recipe(defects=(cm.Chip(),), place=cm.Place(where="rim")), seed=1)


def test_a_hollow_has_its_normals_out_of_the_matter():
    rng = np.random.default_rng(3)
    outer, inner = sphere(rng, 6000), sphere(rng, 2000)
    points = np.concatenate((outer[0], 0.5 * inner[0]))
    surface = cm.Cloud(1e-3 * points).surface
    assert wrong_sided(surface.normals, np.concatenate((outer[1], -inner[1]))) == 0


def test_an_open_cloud_needs_a_viewpoint_or_normals_and_says_so():
    rng = np.random.default_rng(4)
    points, out = sphere(rng, 6000)
    half = points[:, 2] > 0
    with pytest.raises(ValueError, match=r"open.*--viewpoint x,y,z.*normals that point outwards"):
        _ = cm.Cloud(1e-3 * points[half]).surface
    seen = cm.Cloud(1e-3 * points[half], viewpoint_m=(0, 0, 1)).surface
    assert wrong_sided(seen.normals, out[half], points[half, 2] > 3) == 0
    given_ones = cm.Cloud(1e-3 * points[half], normals=out[half].astype(np.float32)).surface
    assert wrong_sided(given_ones.normals, out[half]) == 0
    mixed = out[half] * rng.choice((-1.0, 1.0), half.sum())[:, None]
    with pytest.raises(ValueError, match="both sides"):
        _ = cm.Cloud(1e-3 * points[half], normals=mixed.astype(np.float32)).surface
    inwards = cm.Cloud(1e-3 * points, normals=(-out).astype(np.float32)).surface
    assert "point into it" in inwards.warnings[0]


@pytest.mark.parametrize("kind", [kind for kind in cm.DEFECTS], ids=lambda kind: kind.model_fields["kind"].default)
def test_every_kind_changes_its_own_points_and_no_others(ball, kind):
    result = cm.synthesize(ball, kind(), seed=5)
    after, source, old = result.after, result.source, result.source != ADDED
    untouched = old & (result.instances == 0)
    assert result.gt.any()
    assert after.xyz_m[untouched].tobytes() == ball.xyz_m[source[untouched]].tobytes()
    assert after.rgb[untouched].tobytes() == ball.rgb[source[untouched]].tobytes()
    assert after.normals[untouched].tobytes() == ball.normals[source[untouched]].tobytes()
    kept = source[old]
    assert (np.diff(kept) > 0).all()
    assert set(kept) | set(np.flatnonzero(result.removed)) == set(range(len(ball)))
    assert (result.instances[~old] == 1).all()
    assert np.abs(np.linalg.norm(after.normals, axis=1) - 1).max() < 1e-5
    moved = np.linalg.norm(after.xyz_m[old] - ball.xyz_m[kept], axis=1) * 1e3
    assert np.abs(moved - np.abs(result.displacement_mm[old])).max() < 1e-4
    if shows_in_colour_alone(result.plan.defects[0].spec):
        assert len(after) == len(ball)
        assert not moved.any()
    elif kind.extent == "local":
        assert result.measured[0].max_depth_mm + result.measured[0].max_height_mm > 0
        assert np.abs(result.displacement_mm).max() <= 1.02 * max(
            result.measured[0].max_depth_mm, result.measured[0].max_height_mm) + (kind is cm.Wear)
    again = cm.replay(ball, cm.Plan.model_validate_json(result.plan.model_dump_json()))
    assert again.after.xyz_m.tobytes() == after.xyz_m.tobytes()
    assert again.after.rgb.tobytes() == after.rgb.tobytes()
    assert again.instances.tobytes() == result.instances.tobytes()
    assert again.source.tobytes() == source.tobytes()


@pytest.mark.parametrize("spec", [
    cm.Hole(diameter_mm=8, thickness_mm=2), cm.Crack(length_mm=14, width_mm=1, depth_mm=1),
    cm.Fibre(length_mm=10, width_mm=1, height_mm=2)], ids=lambda spec: spec.kind)
def test_a_rigid_motion_commutes_with_synthesis(ball, spec):
    rng = np.random.default_rng(6)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = turned(rng), rng.normal(size=3)
    moved = cm.Cloud(ball.xyz_m @ T[:3, :3].T + T[:3, 3], ball.rgb,
                     (ball.normals @ T[:3, :3].T).astype(np.float32), name="ball")
    here = cm.synthesize(ball, spec, seed=7)
    there = cm.replay(moved, here.plan.moved(T))
    assert (here.source == there.source).all()
    assert (here.instances == there.instances).all()
    off = np.abs(here.after.xyz_m @ T[:3, :3].T + T[:3, 3] - there.after.xyz_m).max(1)
    # A near tie between two places for a new point may go either way.
    assert (off > 1e-6 * np.abs(moved.xyz_m).max()).sum() <= 2
    assert np.abs(here.displacement_mm - there.displacement_mm)[here.source != ADDED].max() < 1e-3


def test_less_and_less_of_a_defect_comes_to_nothing(ball):
    last = np.inf
    for depth in (1.0, 1e-3, 1e-6):
        result = cm.synthesize(ball, cm.Dent(diameter_mm=8, depth_mm=depth), seed=8)
        largest = np.linalg.norm(result.after.xyz_m[:len(ball)] - ball.xyz_m, axis=1).max()
        assert 0.9 * depth < 1e3 * largest <= depth * 1.0001
        assert largest < last
        last = largest
    assert len(result.after) == len(ball)


def density(cloud):
    """Points a mm² over the middle of a flat cloud."""
    x, y = 1e3 * cloud.xyz_m[:, :2].T
    return ((np.abs(x) < 25) & (np.abs(y) < 25)).sum() / 50**2


def test_new_walls_and_stretched_ground_are_as_dense_as_the_cloud(flat):
    hole = cm.synthesize(flat, cm.Hole(diameter_mm=16, thickness_mm=4), seed=9)
    field = grown_as_asked(hole.plan.defects[0].spec, hole.plan.defects[0].texture_seed)
    angle = np.linspace(0, 2 * np.pi, 2001)[:-1]
    low, high = np.zeros(2000), np.full(2000, 8.0)
    for _ in range(30):  # the brink, by bisection along rays from the middle
        middle = 0.5 * (low + high)
        gone = field.gone(middle * np.cos(angle), middle * np.sin(angle))
        low, high = np.where(gone, middle, low), np.where(gone, high, middle)
    brink = np.stack((low * np.cos(angle), low * np.sin(angle)), -1)
    round_mm = np.linalg.norm(brink - np.roll(brink, 1, 0), axis=1).sum()
    rim = 1.001 * brink
    top = field.sample(rim[:, 0], rim[:, 1]).displacement_mm.mean()
    wall = hole.source == ADDED
    wall &= np.linalg.norm(hole.after.xyz_m[:, :2] - np.array(hole.plan.defects[0].anchor_m)[:2], axis=1) < 6.3e-3
    found = wall.sum() / (round_mm * (4 + top))
    assert abs(found / density(flat) - 1) < 0.2
    # A steep dent: the area of the surface that it is, by its own field on a fine grid.
    dent = cm.synthesize(flat, cm.Dent(diameter_mm=14, depth_mm=7, shoulders="sharp"), seed=9)
    planned = dent.plan.defects[0]
    field = grown_as_asked(planned.spec, planned.texture_seed)
    s = np.arange(-8, 8, 0.02)
    grid = np.stack(np.meshgrid(s, s), -1).reshape(-1, 2)
    height = field.sample(grid[:, 0], grid[:, 1]).displacement_mm.reshape(len(s), len(s)).astype(np.float64)
    slope = np.gradient(height, 0.02)
    area = (np.sqrt(1 + slope[0]**2 + slope[1]**2) * (height != 0)).sum() * 0.02**2
    assert area > 1.5 * (height != 0).sum() * 0.02**2
    assert abs(dent.gt.sum() / area / density(flat) - 1) < 0.1
    bare = (dent.gt & (dent.source != ADDED)).sum() / area / density(flat)
    assert bare < 0.75  # without the new points the law would fail


def test_asked_sizes_are_found_in_the_points(flat):
    dent = cm.synthesize(flat, cm.Dent(diameter_mm=16, depth_mm=2), seed=10)
    assert abs(dent.measured[0].length_mm / 16 - 1) < 0.01
    assert abs(dent.displacement_mm.min() + 2) < 0.02
    hole = cm.synthesize(flat, cm.Hole(diameter_mm=20, thickness_mm=2), seed=10)
    field = grown_as_asked(hole.plan.defects[0].spec, hole.plan.defects[0].texture_seed)
    s = np.arange(-11, 11, 0.02)
    grid = np.stack(np.meshgrid(s, s), -1).reshape(-1, 2)
    gone = field.gone(grid[:, 0], grid[:, 1]).sum() * 0.02**2
    assert abs(hole.measured[0].points_removed / density(flat) / gone - 1) < 0.1


def test_units_are_the_same_cloud(tmp_path):
    points, _ = sphere(np.random.default_rng(11), 8000)
    np.save(tmp_path / "c.npy", points)
    here = cm.read_cloud(tmp_path / "c.npy", unit="mm")
    np.save(tmp_path / "c.npy", 1e-3 * points)
    there = cm.read_cloud(tmp_path / "c.npy", unit="m")
    one, other = (cm.synthesize(cloud, cm.Hole(diameter_mm=9, thickness_mm=2), seed=1) for cloud in (here, there))
    assert (one.source == other.source).all()
    assert np.abs(one.after.xyz_m - other.after.xyz_m).max() < 1e-6 * RADIUS_MM
    with pytest.raises(ValueError, match=r"across in metres.*say --unit mm"):
        cm.read_cloud(_saved(tmp_path, points), unit=None)


def _saved(folder, points):
    np.save(folder / "c.npy", points)
    return folder / "c.npy"


def test_what_only_colour_shows_is_refused_without_it(ball, flat):
    grey = cm.Cloud(ball.xyz_m, None, ball.normals, name="grey")
    for spec in (cm.Stain(), cm.Contamination(show="colour")):
        with pytest.raises(ValueError, match="grey has no colours; ask for another kind"):
            cm.synthesize(grey, spec, seed=1)
    plan = cm.synthesize(ball, cm.Stain(), seed=1).plan
    with pytest.raises(ValueError, match="no colours"):
        cm.replay(grey, plan)
    with pytest.raises(ValueError, match=r"place\.box is in pixels"):
        cm.synthesize(ball, cm.Recipe(defects=(cm.Dent(),), place=cm.Place(box=(0, 0, 5, 5))), seed=1)


def test_a_new_point_takes_its_colour_from_matter_as_it_was():
    plain = plate(np.random.default_rng(14), 20_000)
    plain = cm.Cloud(plain.xyz_m, np.full((len(plain), 3), 180, np.uint8), None, plain.viewpoint_m)
    result = cm.synthesize(plain, cm.Crack(length_mm=24, width_mm=1.5, depth_mm=2), seed=14)
    new, moved = result.source == ADDED, (result.source != ADDED) & result.recoloured
    assert new.sum() > 50
    planned = result.plan.defects[0]
    field = grown_as_asked(planned.spec, planned.texture_seed)
    s0, s1, t0, t1 = field.bounds_mm
    grid = np.stack(np.meshgrid(np.arange(s0, s1, 0.02), np.arange(t0, t1, 0.02)), -1).reshape(-1, 2)
    darkest = field.sample(grid[:, 0], grid[:, 1]).albedo.min()
    assert darkest < 0.1
    own = cm.rgb.to_linear(plain.rgb[None, :1]).min()
    for points in (new, moved):  # and darkened twice, it would be the square of that
        assert cm.rgb.to_linear(result.after.rgb[None, points]).min() > 0.8 * darkest * own


def test_an_edit_of_a_cloud_is_imprinted_as_it_was_synthesized(ball):
    result = cm.synthesize(ball, cm.Cut(), seed=15)
    edit = cm.grown(ball.surface, result.plan.defects[0])
    again = cm.imprint(ball, edit, result.plan)
    assert again.after.xyz_m.tobytes() == result.after.xyz_m.tobytes()
    assert cm.imprint(ball, edit).plan.defects == result.plan.defects
    value = cm.synthesize(ball.points, cm.Cut(), seed=15)
    assert len(value.labelled) == len(value.instances)
    with pytest.raises(ValueError, match="came from no file"):
        _ = value.table


def test_a_later_defect_lies_on_what_an_earlier_one_left(flat):
    first = cm.synthesize(flat, cm.Dent(diameter_mm=20, depth_mm=6), seed=12)
    dent = first.plan.defects[0]
    pit = cm.synthesize(flat, cm.Pit(diameter_mm=4, depth_mm=1), seed=12).plan.defects[0]
    pit = pit.model_copy(update={"anchor_m": dent.anchor_m, "heading": dent.heading})
    both = cm.replay(flat, first.plan.model_copy(update={"defects": (dent, pit)}))
    assert abs(both.displacement_mm.min() + 7) < 0.15
    assert set(np.unique(both.instances)) == {0, 1, 2}


def test_an_edit_grown_in_a_picture_is_imprinted_in_a_cloud():
    from toys import plane

    capture = plane()
    result = cm.synthesize(capture, cm.Hole(diameter_mm=12, thickness_mm=3), seed=13)
    edit = cm.grown(capture.surface, result.plan.defects[0])
    points, _ = capture.cloud()
    cloud = cm.Cloud(points.xyz_m.astype(np.float64), points.rgb, None, (0, 0, 0))
    seen = cm.imprint(cloud, edit)
    assert seen.measured[0].points_removed > 20
    assert seen.measured[0].points_added > 20
    assert abs(seen.displacement_mm.min() + 3) < 0.2
