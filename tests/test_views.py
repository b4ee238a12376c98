"""Several views of one object: the same defect in each that sees it, from rig.json or from a mesh, by one command."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

import crossmodal as cm
from crossmodal import datasets
from crossmodal.cli import main
from crossmodal.meshes import scanned
from crossmodal.meshes.net import Net
from crossmodal.methods.presets import method
from crossmodal.production.views import again_in, seen_in
from crossmodal.scanner import Mesh, scan_ring

VIEWS, SIZE = 5, 120
DENT = cm.Dent(diameter_mm=9, depth_mm=1)


@pytest.fixture(scope="module")
def part() -> Mesh:
    """A block with a tower that hides half of it from every side."""
    tower = trimesh.creation.box((10, 10, 16)).apply_translation((0, 0, 8))
    made = trimesh.boolean.union([trimesh.creation.box((40, 30, 8)), tower], engine="manifold")
    return Net.of(Mesh(np.asarray(made.vertices) * 1e-3, made.faces)).mesh()[0]


@pytest.fixture(scope="module")
def rig(part):
    return scan_ring(part, VIEWS, SIZE, samples=1)


@pytest.fixture(scope="module")
def results(rig):
    """The rig's results of a dent beside the tower, planned in the first view."""
    first = rig.views[0]
    plan = cm.draw(first, cm.Recipe(defects=(DENT,), place=cm.Place(at_pixel=spot(rig))), 1)
    return cm.replay(rig, plan)


def spot(rig):
    """The pixel of the first view that a place beside the tower falls in."""
    there = np.linalg.inv(rig.T_rig_camera[0])
    u, v = rig.views[0].camera.project(there[:3, :3] @ (0.012, 0.006, 0.004) + there[:3, 3])
    return float(u), float(v)


def check_one_surface(results, poses, mesh, most_mm=0.12):
    """The points that views changed lie on one mesh, the edited one; what a view does not see is not in it."""
    seen = 0
    tree = cKDTree(mesh.vertices)
    for made, pose in zip(results, poses, strict=True):
        if not made.gt.any():
            continue
        seen += 1
        points = made.after.points[made.masks.points & made.gt].astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]
        _, at = tree.query(points[np.isfinite(points[:, 0])])
        normals = mesh.normals[at]
        off_mm = 1e3 * np.abs(((points - mesh.vertices[at]) * normals).sum(1))
        assert np.quantile(off_mm, 0.9) < most_mm, f"{np.quantile(off_mm, 0.9):.3f} mm off the one surface"
        assert set(np.unique(made.instances)) == {0, 1}
    return seen


def check_hidden_as_before(results):
    hidden = [made for made in results if not made.gt.any()]
    assert hidden
    for made in hidden:
        assert np.array_equal(made.before.rgb, made.after.rgb)
        assert np.array_equal(made.before.points, made.after.points, equal_nan=True)


def test_L13_all_views_see_one_defect_and_it_is_hidden_where_it_is_hidden(rig, part, results):
    edit = cm.grown(rig.views[0].surface, results[0].plan.defects[0]).moved(rig.T_rig_camera[0])
    made = cm.imprint(part, edit).after
    assert 2 <= check_one_surface(results, rig.T_rig_camera, made) < VIEWS
    check_hidden_as_before(results)
    with pytest.raises(AssertionError, match="off the one surface"):
        check_one_surface(results, rig.T_rig_camera, cm.imprint(part, edit.moved(shifted(0.003))).after)


def test_a_hidden_view_that_changed_is_caught(results):
    k = next(k for k, made in enumerate(results) if not made.gt.any())
    spoilt = results[k].after.rgb.copy()
    spoilt[SIZE // 2, SIZE // 2] ^= 1
    after = replace(results[k].after, rgb=spoilt)
    with pytest.raises(AssertionError):
        check_hidden_as_before([*results[:k], replace(results[k], after=after)])


def shifted(x_m):
    T = np.eye(4)
    T[0, 3] = x_m
    return T


@pytest.fixture(scope="module")
def run(part, tmp_path_factory):
    """OUT of one command on a mesh: a ring of small pictures, a dent and a stain."""
    root = tmp_path_factory.mktemp("views")
    cm.write_mesh(root / "part.stl", part)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crossmodal.commands.synthesize.PIXELS", SIZE)
        assert main(["synthesize", str(root / "part.stl"), "--out", str(root / "out"), "--views", str(VIEWS), "--kinds",
                     "dent,stain", "--seed", "3"]) == 0
    return root


def files(folder):
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_published_method_is_drawn_in_one_view_and_seen_by_all(run):
    found = datasets.sources(run / "out" / "views")
    views = [source for source in found if source.split == found[0].split]
    seen = [seen_in(source, datasets.Reading(), lambda capture: method("af3ad-bulge"), 1) for source in views]
    assert len({one.plan.model_dump_json() for one in seen}) == 1
    assert sum(one.gt.any() for one in seen) > 1
    with pytest.raises(ValueError, match="works on one photograph"):
        seen_in(views[0], datasets.Reading(), lambda capture: method("cutpaste", as_published=True), 1)


def test_a_mesh_becomes_a_dataset_of_views(run):
    out = run / "out"
    entries = [json.loads(text) for text in (out / "manifest.jsonl").read_text().splitlines()]
    said = json.loads((out / "views.json").read_text())
    assert {one["kind"] for one in said} == {"dent", "stain"}
    names = [f"test/{k:03d}" for k in range(VIEWS)]
    for one in said:
        assert sorted([*one["seen_in"], *one["hidden_in"]]) == names
        mine = {entry["view"]["name"]: entry for entry in entries if entry["id"] in one["seen_in"].values()}
        assert mine.keys() == one["seen_in"].keys()
        # One plan, in the axes of one view, and each view's own pose.
        assert len({json.dumps(entry["plan"]) for entry in mine.values()}) == 1
        assert len({str(entry["view"]["T_rig_camera"]) for entry in mine.values()}) == len(mine)
    for entry in entries:
        gt = cm.rgb.read_mask(out / entry["files"]["gt"])
        assert gt.any()
    assert len(list((out / "train" / "good" / "rgb").iterdir())) == VIEWS
    assert len(list((out / "test" / "good" / "rgb").iterdir())) == VIEWS
    train = {path.read_bytes() for path in (out / "train" / "good" / "rgb").iterdir()}
    assert not train & {path.read_bytes() for path in (out / "test" / "good" / "rgb").iterdir()}
    assert not list(out.rglob("*.part")), "something is half-written"


def test_the_views_that_were_written_replay_to_the_same_bytes(run, tmp_path, capsys):
    out = run / "out"
    again = ["--source", str(out / "views"), "--out", str(tmp_path / "r")]
    assert main(["replay", str(out / "manifest.jsonl"), *again]) == 0
    count = len((out / "manifest.jsonl").read_text().splitlines())
    assert f"{count} of {count} samples replayed, {count} with the bytes" in capsys.readouterr().out
    assert main(["check", str(out), "--source", str(out / "views")]) == 0


def test_a_rig_of_views_in_two_shards_is_the_whole_run(run, tmp_path):
    views = str(run / "out" / "views")
    for part in ("1/2", "2/2"):
        asked = ["--kinds", "dent,stain", "--seed", "3", "--shard", part, "--only-defects"]
        assert main(["synthesize", views, "--out", str(tmp_path / "out"), *asked]) == 0
    mine, whole = files(tmp_path / "out"), files(run / "out")
    made = {name for name in whole if name.startswith(("test/dent", "test/stain"))}
    assert {name: mine[name] for name in made} == {name: whole[name] for name in made}
    assert mine["views.json"] == whole["views.json"]


def test_a_rig_of_views_reads_as_one(run):
    read = cm.read_rig(run / "out" / "views")
    assert len(read.views) == VIEWS
    scan = scan_ring(cm.read_mesh(run / "part.stl"), VIEWS, SIZE)
    for view, pose, was, at in zip(read.views, read.T_rig_camera, scan.views, scan.T_rig_camera, strict=True):
        assert np.array_equal(view.rgb, was.rgb)
        np.testing.assert_allclose(view.points, was.points, atol=1e-7)
        np.testing.assert_allclose(pose, at, atol=1e-12)
        np.testing.assert_allclose(view.light.direction, was.light.direction, atol=1e-9)
    found = datasets.sources(run / "out" / "views")
    with pytest.raises(ValueError, match="no view"):
        again_in(found[0], datasets.Reading(), cm.Plan(capture="other"))


def test_another_ring_or_a_bad_mesh_leaves_what_is_there(run, tmp_path, capsys):
    before = files(run / "out")
    assert main(["synthesize", str(run / "part.stl"), "--out", str(run / "out"), "--views", "3"]) == 2
    assert "holds the scan of another mesh or ring" in capsys.readouterr().err
    assert files(run / "out") == before
    (tmp_path / "bad.stl").write_bytes(b"\0" * 90)
    assert main(["synthesize", str(tmp_path / "bad.stl"), "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    assert main(["synthesize", str(run / "out" / "views"), "--out", str(tmp_path / "out"), "--views", "3"]) == 2
    assert "is no mesh" in capsys.readouterr().err


def test_a_scan_that_fails_half_way_leaves_nothing(run, tmp_path, monkeypatch):
    def broken(*arguments):
        raise OSError(28, "No space left on device", "xyz")

    monkeypatch.setattr(scanned, "write_xyz", broken)
    with pytest.raises(OSError, match="No space"):
        scanned.scan_file(run / "part.stl", tmp_path / "out", 2, None, 32)
    assert not list((tmp_path / "out").iterdir())


def rig_json(folder, **changes):
    view = {"rgb": "rgb/0.png", "xyz": "xyz/0.tiff", "T_rig_camera": np.eye(4).tolist(),
            "camera": {"fx": 200, "fy": 200, "cx": 9.5, "cy": 9.5, "width": 20, "height": 20}}
    for name in ("rgb", "xyz"):
        (folder / name).mkdir(exist_ok=True)
    v, u = np.mgrid[:20, :20]
    points = np.stack(((u - 9.5) * 0.0015, (v - 9.5) * 0.0015, np.full((20, 20), 0.3)), -1).astype(np.float32)
    cm.rgb.write_rgb(folder / "rgb" / "0.png", np.full((20, 20, 3), 90, np.uint8))
    cm.depth.write_xyz(folder / "xyz" / "0.tiff", points)
    said = {"views": [view | changes.pop("view", {})], **changes}
    (folder / "rig.json").write_text(json.dumps(said))
    return folder


@pytest.mark.parametrize(("changes", "message"), [
    ({"views": []}, "1 to 4096 views"), ({"view": {"rgb": "../0.png"}}, "no file of that folder"),
    ({"view": {"rgb": 7}}, "must name its files"), ({"view": {"xyz": "xyz/1.tiff"}}, "no file of that folder"),
    ({"view": {"split": "all"}}, "split 'all'"), ({"view": {"camera": None}}, "by name and number"),
    ({"view": {"T_rig_camera": [[1, 0], [0, 1]]}}, "must be 4x4"),
    ({"view": {"T_rig_camera": np.diag((2.0, 1, 1, 1)).tolist()}}, "no rigid motion"),
    ({"light": {"direction": [0, 0, 0], "ambient": 1, "diffuse": 1}}, "light must have"),
])
def test_a_bad_rig_is_one_line(changes, message, tmp_path):
    assert len(datasets.sources(rig_json(tmp_path))) == 1
    assert cm.read_rig(tmp_path).views[0].valid.all()
    with pytest.raises(ValueError, match=message) as caught:
        cm.read_rig(rig_json(tmp_path, **changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("views", [0, -3, 361])
def test_a_ring_of_no_or_too_many_cameras_is_refused(tmp_path, capsys, views):
    (tmp_path / "part.stl").write_text("solid nothing")
    asked = ["--unit", "mm", "--views", str(views), "--kinds", "dent", "--out", str(tmp_path / "out")]
    assert main(["synthesize", str(tmp_path / "part.stl"), *asked]) == 2
    assert f"--views must be 1 to 360, but got {views}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def bop_scene(rig, folder, objects=False):
    """The rig's views as one scene of BOP: depth in 0.1 mm, poses of the cameras or of the object before them."""
    cameras, lying = {}, {}
    for name in ("rgb", "depth"):
        (folder / name).mkdir(parents=True)
    for k, (view, pose) in enumerate(zip(rig.views, rig.T_rig_camera, strict=True)):
        cm.rgb.write_rgb(folder / "rgb" / f"{k:06d}.png", view.rgb)
        cm.depth.write_depth(folder / "depth" / f"{k:06d}.png", view.depth, 1e-4)
        c, there = view.camera, np.linalg.inv(pose)
        turn, at = there[:3, :3].ravel().tolist(), (1e3 * there[:3, 3]).tolist()
        cameras[k] = {"cam_K": [c.fx, 0, c.cx, 0, c.fy, c.cy, 0, 0, 1], "depth_scale": 0.1} | (
            {} if objects else {"cam_R_w2c": turn, "cam_t_w2c": at})
        lying[k] = [{"obj_id": 4, "cam_R_m2c": turn, "cam_t_m2c": at}]
    (folder / "scene_camera.json").write_text(json.dumps(cameras))
    (folder / "scene_gt.json").write_text(json.dumps(lying))
    return folder


@pytest.mark.parametrize("objects", [False, True])
def test_a_bop_scene_with_poses_is_one_object_in_all_its_views(rig, part, tmp_path, objects):
    scene = bop_scene(rig, tmp_path / "000001", objects)
    read = cm.read_rig(scene)
    np.testing.assert_allclose(read.T_rig_camera, rig.T_rig_camera, atol=1e-9)
    if objects:
        return
    plan = cm.draw(read.views[0], cm.Recipe(defects=(DENT,), place=cm.Place(at_pixel=spot(rig))), 1)
    results = cm.replay(read, plan)
    edit = cm.grown(read.views[0].surface, plan.defects[0]).moved(read.T_rig_camera[0])
    made = cm.imprint(part, edit).after
    assert 2 <= check_one_surface(results, read.T_rig_camera, made, 0.2) < VIEWS
    check_hidden_as_before(results)
    out = tmp_path / "out"
    assert main(["synthesize", str(scene), "--out", str(out), "--kinds", "dent", "--seed", "3"]) == 0
    (seen,) = json.loads((out / "views.json").read_text())
    assert seen["hidden_in"]
    assert len(seen["seen_in"]) + len(seen["hidden_in"]) == VIEWS


def test_a_bop_scene_without_one_pose_each_is_captures(rig, tmp_path):
    scene = bop_scene(rig, tmp_path / "000001", objects=True)
    lying = json.loads((scene / "scene_gt.json").read_text())
    lying["2"].append(lying["2"][0])  # two of that object: which is which is not said
    (scene / "scene_gt.json").write_text(json.dumps(lying))
    assert not any(one.view for one in datasets.sources(scene))
    assert not any(one.view for one in datasets.sources(tmp_path))
    lying["2"] = [lying["2"][0] | {"cam_R_m2c": [1, 0, 0, 0, 2, 0, 0, 0, 1]}]
    (scene / "scene_gt.json").write_text(json.dumps(lying))
    with pytest.raises(ValueError, match="no rigid motion"):
        datasets.sources(scene)
