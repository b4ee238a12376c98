"""Published methods on bare clouds and on meshes: the laws of a cloud's defects, and the traps of code for clouds."""

import numpy as np
import pytest
from cloud_shapes import SHAPES, plate, sphere, turned
from hypothesis import given, settings
from hypothesis import strategies as st

import crossmodal as cm
from crossmodal.cli import main
from crossmodal.clouds.result import ADDED
from crossmodal.meshes.net import Net
from crossmodal.methods.canvas import Canvas
from crossmodal.methods.presets import method, names
from crossmodal.methods.shape_alone import shows_a_shape
from crossmodal.methods.spec import Method
from crossmodal.scanner import Mesh, scan_ring
from pointcloud import PointCloud, write_cloud

seeds = st.integers(0, 2**16)
SIGNED = tuple(name for name in names() if method(name).origin.branch == "point cloud"
               and method(name).blocks.effect.kind == "hills"
               and getattr(method(name).blocks.region, "form", "") not in ("crater", "ripple", "freeform", "swirl"))
BY_COLOUR = {"cutout", "smai", "i3ad"}  # nothing of them is left without colours


@pytest.fixture(scope="module")
def ball():
    rng = np.random.default_rng(1)
    points, out = sphere(rng, 9000)
    colours = np.clip(150 + 30 * np.sin(points[:, :1] / 2) + 8 * rng.normal(size=points.shape), 0, 255)
    return cm.Cloud(1e-3 * points, colours.astype(np.uint8), out.astype(np.float32), name="ball")


@pytest.fixture(scope="module")
def bare(ball):
    return cm.Cloud(ball.xyz_m, None, None, name="bare")


def outward_mm(before, result, out):
    """How far each old point of a result went along the outward normals (N, 3) of the points before."""
    old = result.source != ADDED
    step = result.after.xyz_m[old] - before.xyz_m[result.source[old]]
    return 1e3 * np.einsum("ij,ij->i", step, out[result.source[old]])


def goes_its_way(mm, way) -> bool:
    """Whether what moved all went out, or all in, as a drawn effect says."""
    return bool((mm != 0).any() and (mm * (1 if way == "out" else -1) >= -1e-9).all())


@given(seeds, st.sampled_from(SHAPES), st.sampled_from(SIGNED))
@settings(max_examples=10, deadline=None)
def test_a_bulge_goes_out_and_a_dent_in_on_any_side_however_the_cloud_is_turned(seed, shape, name):
    rng = np.random.default_rng(seed)
    points, out = shape(rng, 4000)
    turn = turned(rng)
    cloud, out = cm.Cloud(1e-3 * points @ turn.T), out @ turn.T
    result = cm.synthesize(cloud, method(name), seed=seed)
    effect = result.plan.defects[0].blocks.effect
    assert method(name).blocks.effect.direction in ("either", effect.direction)
    assert goes_its_way(outward_mm(cloud, result, out), effect.direction)


def test_what_published_code_does_to_signs_is_seen(ball):
    """|n| (PO3AD, AF3AD's generate_original), and a frame whose normal is an eigenvector's, which has no side."""
    out = ball.normals.astype(np.float64)
    way = 0
    for seed in range(6):
        result = cm.synthesize(ball, method("norm-as"), seed=seed)
        effect, old = result.plan.defects[0].blocks.effect, result.source != ADDED
        mm, rows = result.displacement_mm[old], result.source[old]
        assert goes_its_way(outward_mm(ball, result, out), effect.direction)
        by_components = np.einsum("ij,ij->i", mm[:, None] * np.abs(out[rows]), out[rows])
        eigen = out[rows] * np.sign(out[rows][:, :1])  # turned to +x, as any rule without the object's inside does
        flipped = np.einsum("ij,ij->i", mm[:, None] * eigen, out[rows])
        way += not goes_its_way(by_components, effect.direction)
        way += not goes_its_way(flipped, effect.direction)
    assert way >= 6


@pytest.mark.parametrize("name", names())
def test_every_method_changes_its_own_points_and_no_others(ball, name):
    result = cm.synthesize(ball, method(name), seed=5)
    after, source, old = result.after, result.source, result.source != ADDED
    untouched = old & (result.displacement_mm == 0) & ~result.recoloured
    for now, was in ((after.xyz_m, ball.xyz_m), (after.rgb, ball.rgb), (after.normals, ball.normals)):
        assert now[untouched].tobytes() == was[source[untouched]].tobytes()
    kept = source[old]
    assert (np.diff(kept) > 0).all()
    assert set(kept) | set(np.flatnonzero(result.removed)) == set(range(len(ball)))
    # The label is the field's: all that it changed, and where it only takes away, what stands about the gap.
    changed = (result.displacement_mm != 0) | result.recoloured | ~old
    assert result.gt.any()
    if changed.any():
        assert np.array_equal(result.gt, changed)
    else:
        gap = 1e3 * ball.xyz_m[result.removed > 0]
        far = np.linalg.norm(1e3 * after.xyz_m[result.gt][:, None] - gap[None], axis=2).min(1)
        assert far.max() < 3 * ball.surface.spacing_mm
    again = cm.synthesize(ball, cm.Plan.model_validate_json(result.plan.model_dump_json()))
    assert again.after.xyz_m.tobytes() == after.xyz_m.tobytes()
    assert again.after.rgb.tobytes() == after.rgb.tobytes()
    assert np.array_equal(again.instances, result.instances)


def test_a_cloud_has_no_depth_to_take_percentages_of(ball):
    asked = method("af3ad-dent")
    asked = asked.model_copy(update={"blocks": asked.blocks.model_copy(update={"heights_of": "depth"})})
    with pytest.raises(ValueError, match="of a depth picture, and a cloud has none; give a capture"):
        cm.synthesize(ball, asked, seed=1)


def test_labels_that_are_found_again_by_where_points_were_miss_what_moved(ball):
    """MPAS looks its region up in the moved cloud within 1e-4 of the old places."""
    result = cm.synthesize(ball, method("mpas-sphere"), seed=2)
    old = result.source != ADDED
    moved = result.displacement_mm[old] != 0
    assert (result.instances[old][moved] == 1).all()
    size = np.ptp(ball.xyz_m, axis=0).max()
    found = np.linalg.norm(result.after.xyz_m[old] - ball.xyz_m[result.source[old]], axis=1) < 1e-4 * size
    assert (found & moved).sum() < 0.1 * moved.sum()


@pytest.mark.parametrize("name", ["af3ad-bulge", "af3ad-trench", "mpas-scratch", "draem"])
def test_a_method_is_as_high_or_deep_as_its_plan_says(ball, name):
    result = cm.synthesize(ball, method(name), seed=3)
    measured, effect = result.measured[0], result.plan.defects[0].blocks.effect
    got = measured.max_height_mm if effect.direction == "out" else measured.max_depth_mm
    assert got == pytest.approx(effect.height_mm[0], rel=0.02)


def test_without_colours_a_method_is_made_in_shape_and_says_so(bare):
    for name in ("draem", "bridgenet", "3dsr"):
        for seed in range(3):
            result = cm.synthesize(bare, method(name), seed=seed)
            assert result.displacement_mm.any()
            assert result.warnings[-1] == f"{name} is made in shape alone: bare has no colours"
            assert cm.forecast(bare, result.plan)[-1] == result.warnings[-1]
    assert not cm.synthesize(bare, method("af3ad-dent"), seed=1).warnings
    for name in BY_COLOUR:
        with pytest.raises(ValueError, match=r"has none; .*give a capture, or what has colours"):
            cm.synthesize(bare, method(name), seed=1)
    assert [name for name in names() if not shows_a_shape(method(name).blocks)] == ["cutout"]
    with pytest.raises(ValueError, match="works on a photograph; leave --as-published out"):
        cm.synthesize(bare, method("draem", as_published=True), seed=1)


def test_the_unit_of_a_file_changes_nothing(ball, tmp_path):
    results = []
    for unit, scale in (("m", 1e-3), ("mm", 1.0)):
        xyz = np.round(1e3 * ball.xyz_m, 3)
        np.savetxt(tmp_path / "part.xyz", np.column_stack((scale * xyz, ball.normals)), fmt="%.9f")
        results.append(cm.synthesize(cm.read_cloud(tmp_path / "part.xyz", unit=unit), method("af3ad-ridge"), seed=4))
    metre, milli = results
    assert np.array_equal(metre.instances, milli.instances)
    assert np.abs(metre.after.xyz_m - milli.after.xyz_m).max() < 1e-9
    assert metre.measured[0].max_height_mm == pytest.approx(milli.measured[0].max_height_mm, rel=1e-9)


def wavy(rng, n=30_000):
    """A plate whose relief is a sine of x, 0.4 mm high and 8 mm long."""
    flat = plate(rng, n)
    x = 1e3 * flat.xyz_m[:, 0]
    return cm.Cloud(flat.xyz_m - 1e-3 * np.stack((0 * x, 0 * x, relief_mm(x)), 1), flat.rgb, None, (0.0, 0.0, 0.0),
                    "wavy")


def relief_mm(x):
    return 0.4 * np.sin(2 * np.pi * x / 8)


def own(content, effect, region=None, **rest):
    region = region or {"kind": "kernel", "form": "plateau", "length_mm": 24, "width_mm": 24}
    return Method(name="own", blocks={"region": region, "content": content, "effect": effect, **rest})


def test_what_slides_is_the_surface_s_own_relief():
    cloud = wavy(np.random.default_rng(3))
    along = 3.0
    slid = own({"kind": "slide", "along_mm": along, "stretched": True}, {"kind": "paste"}, orientation_deg=90)
    result = cm.synthesize(cloud, slid, seed=2)
    defect = result.plan.defects[0]
    anchor, heading = (1e3 * np.array(defect.anchor_m))[:2], np.array(defect.heading)[:2]
    xy, old = 1e3 * cloud.xyz_m[result.source[result.source != ADDED], :2], result.source != ADDED
    middle = np.linalg.norm(xy - anchor, axis=1) < 5  # on the plateau all has come all the way
    wanted = relief_mm(xy[:, 0] - along * heading[0]) - relief_mm(xy[:, 0])
    got = result.displacement_mm[old]
    assert abs(heading[0]) > 0.9
    assert middle.sum() > 200
    assert np.abs(got - wanted)[middle].mean() < 0.1 * np.abs(wanted[middle]).mean()
    assert np.abs(got + wanted)[middle].mean() > np.abs(wanted[middle]).mean()  # slid the other way it is another


def test_what_is_smoothed_loses_its_relief_and_a_plane_has_none():
    cloud = wavy(np.random.default_rng(4))
    smooth = own({"kind": "keep"}, {"kind": "smooth", "share": 1.0})
    result = cm.synthesize(cloud, smooth, seed=2)
    anchor = 1e3 * np.array(result.plan.defects[0].anchor_m)
    near = np.linalg.norm(1e3 * result.after.xyz_m - anchor, axis=1) < 5
    assert np.ptp(1e3 * cloud.xyz_m[result.parent[near], 2]) > 0.7
    assert np.std(1e3 * result.after.xyz_m[near, 2]) < 0.25 * np.std(1e3 * cloud.xyz_m[result.parent[near], 2])
    with pytest.raises(ValueError, match="made of the surface's own relief, and there is none here"):
        cm.synthesize(plate(np.random.default_rng(5), 8000), smooth, seed=2)


def share_at_the_rim():
    """The largest displacement of points within half of their distance of a plate's rim, of the largest of all."""
    flat = plate(np.random.default_rng(6), 12_000, rgb=False)
    wide = {"kind": "kernel", "form": "plateau", "length_mm": 30, "width_mm": 30}
    over = own({"kind": "keep"}, {"kind": "hills", "height_mm": 1}, {"kind": "or", "parts": [wide, wide]})
    shares = []
    for seed in range(6):
        result = cm.synthesize(flat, over, seed=seed)
        at_rim = np.abs(1e3 * flat.xyz_m[result.parent, :2]).max(1) > 30 - 0.25
        moved = np.abs(np.where(result.source == ADDED, 0, result.displacement_mm))
        shares.append(moved[at_rim].max() / moved.max())
    return max(shares)


def test_relief_has_run_out_where_a_cloud_ends(monkeypatch):
    assert 0 < share_at_the_rim() < 0.6
    monkeypatch.setattr(Canvas, "rising", lambda self, ground: ground.astype(np.float32))
    assert share_at_the_rim() > 0.95


@pytest.fixture(scope="module")
def drum():
    """A closed mesh that a bulge leaves closed."""
    import trimesh

    made = trimesh.creation.icosphere(3, 20e-3)
    return Mesh(np.asarray(made.vertices), made.faces)


@pytest.mark.parametrize(("name", "sign"), [("af3ad-bulge", 1), ("af3ad-dent", -1), ("norm-as", 0), ("mpas-crack", -1)])
def test_a_mesh_takes_a_method_in_its_own_frame_and_stays_closed(drum, name, sign):
    result = cm.synthesize(drum, method(name), seed=2)
    assert result.plan.frame == "object"
    assert result.watertight
    way = sign or (1 if result.plan.defects[0].blocks.effect.direction == "out" else -1)
    assert way * (Net.of(result.after).volume_m3 - Net.of(drum).volume_m3) > 1e-10
    moved = np.linalg.norm(result.after.vertices, axis=1) - 20e-3
    still = result.labels == 0
    assert moved[still].max() < 1e-9  # a triangle cuts its sphere, and is above it nowhere
    if name != "mpas-crack":
        assert 1e3 * np.abs(moved[~still]).max() > 0.9 * result.measured[0].max_depth_mm
    again = cm.synthesize(drum, cm.Plan.model_validate_json(result.plan.model_dump_json()))
    assert again.after.vertices.tobytes() == result.after.vertices.tobytes()


def test_a_mesh_refuses_what_it_cannot_show_and_shows_its_colours(drum):
    with pytest.raises(ValueError, match=r"no sensor saw a mesh; scan it first"):
        cm.synthesize(drum, method("riad"), seed=1)
    with pytest.raises(ValueError, match=r"has none; .*give a capture, or what has colours"):
        cm.synthesize(drum, method("cutout"), seed=1)
    painted = cm.synthesize(drum.painted((0.5, 0.3, 0.2)), method("cutout"), seed=1)
    own_colour = (painted.after.colours == (0.5, 0.3, 0.2)).all(1)
    assert np.array_equal(own_colour, painted.labels == 0)
    assert (painted.after.colours.max(1) < 0.02).any()
    assert painted.watertight


def test_views_of_one_object_see_a_method_s_one_defect(drum):
    rig = scan_ring(drum, 3, 96, samples=1)
    plan = cm.draw(rig.views[0], method("af3ad-bulge"), 1)
    first, *others = cm.replay(rig, plan)
    bulge = first.after.points[first.masks.points & first.gt].astype(np.float64)
    turn = rig.T_rig_camera[0]
    assert (np.linalg.norm(bulge @ turn[:3, :3].T + turn[:3, 3], axis=1) > 20e-3 - 1e-4).all()  # a flat face
    for made, pose in zip(others, rig.T_rig_camera[1:], strict=True):
        seen = made.after.points[made.masks.points & made.gt].astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]
        assert (np.linalg.norm(seen, axis=1) > 20e-3 - 2e-4).all()


def test_a_tree_of_clouds_is_made_replayed_and_converted(ball, tmp_path, capsys):
    source, out = tmp_path / "part.ply", tmp_path / "made"
    write_cloud(source, PointCloud(ball.xyz_m.astype(np.float32), normals=ball.normals))
    asked = "af3ad-bulge,norm-as,mpas-crack,draem"
    assert main(["synthesize", str(source), "--methods", asked, "--out", str(out), "--seed", "2"]) == 0
    assert "draem is made in shape alone" in capsys.readouterr().err
    assert main(["replay", str(out / "manifest.jsonl"), "--source", str(source), "--out", str(tmp_path / "again")]) == 0
    assert "4 with the bytes of the manifest" in capsys.readouterr().out
    for form, names_gt in (("real3d-ad", "made/gt/*.txt"), ("anomaly-shapenet", "pcd/made/GT/*.txt")):
        assert main(["convert", str(out), "--to", form, "--out", str(tmp_path / form)]) == 0
        labelled = sorted((tmp_path / form).glob(names_gt))
        assert len(labelled) == 4
        for path in labelled:
            rows = np.loadtxt(path, delimiter="," if "," in path.read_text()[:200] else None)
            assert 0 < (rows[:, 3] > 0).sum() < 0.2 * len(rows)
    refused = ["synthesize", str(source), "--methods", "draem", "--as-published", "--out", str(tmp_path / "flat")]
    assert main(refused) == 2
    assert "works on a photograph; leave --as-published out" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["idler_riser.STL", "plate_holes.STL"])
def test_points_of_real_parts_go_the_way_that_their_faces_look(shared, file):
    import trimesh

    part = trimesh.load_mesh(str(shared / "data" / "cad" / file))
    points, face = trimesh.sample.sample_surface(part, 15_000, seed=3)
    cloud = cm.Cloud(np.asarray(points) * 25.4e-3 / (1 if file[0] == "i" else 25.4))
    out = part.face_normals[face]
    done = 0
    for name in ("af3ad-bulge", "norm-as", "mpas-sphere", "glfm", "patch-gen"):
        result = cm.synthesize(cloud, method(name), seed=1)
        mm = outward_mm(cloud, result, out)
        way = result.plan.defects[0].blocks.effect.direction
        done += result.gt.sum()
        assert goes_its_way(mm[np.abs(mm) > 0.02 * np.abs(mm).max()], way)
    assert done > 200
