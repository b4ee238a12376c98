"""Whole datasets are read as their layouts' descriptions say, from trees that nothing of ours wrote."""

import json
from pathlib import Path

import cv2
import layouts
import numpy as np
import pytest
import trees
from conversions import ITS_OWN, converted, same_masks, seen

from crossmodal.cli import main
from crossmodal.datasets import load, sources


def test_the_comparison_of_masks_notices_a_pixel_and_a_swapped_kind():
    masks, ids = layouts.truth(0, "combined").masks, layouts.LEVELS
    levels = sum(layouts.grey(mask, ids[kind]) for kind, mask in masks.items())
    assert same_masks(levels, ids, masks)
    assert not same_masks(levels, {"dent": ids["hole"], "hole": ids["dent"]}, masks)
    levels[0, 0] = ids["hole"]
    assert not same_masks(levels, ids, masks)


@pytest.mark.parametrize("name", ["mvtec3d", "3d-adam"])
def test_paired_trees_are_read(tmp_path, name):
    truths = getattr(layouts, {"3d-adam": "adam3d"}.get(name, name))(tmp_path / "board")
    found, dataset = seen(tmp_path / "board")
    assert found == name
    assert {entry.path for entry in dataset.entries} == set(truths)
    for entry in dataset.entries:
        own, sample = truths[entry.path], entry.read()
        assert entry.place.category == "board"
        assert f"{entry.place.split}/{entry.place.kind}/{entry.place.name}" == entry.path
        assert (sample.rgb == own.rgb).all()
        assert np.array_equal(sample.points, own.points, equal_nan=True)
        if name == "mvtec3d":
            assert dataset.ids == {"hole": 255, "dent": 254, "good": 0}
            assert same_masks(sample.levels(), dataset.ids, own.masks)
        else:  # it names no class ids: all of a mask is of its folder's kind
            assert same_masks(sample.levels(), dataset.ids, {entry.place.kind: own.union} if own.masks else {})


def test_a_root_of_categories_keeps_them_apart(tmp_path):
    for name in ("board", "tray"):
        layouts.mvtec3d(tmp_path / "in" / name)
    out = converted(tmp_path / "in", "mvtec2d", tmp_path / "out")
    assert {path.name for path in out.iterdir()} == {"board", "tray"}
    assert {entry.place.category for entry in seen(out)[1].entries} == {"board", "tray"}


def test_mvtec_2d_is_read(tmp_path):
    truths = layouts.mvtec2d(tmp_path / "board")
    found, dataset = seen(tmp_path / "board")
    assert (found, {entry.path for entry in dataset.entries}) == ("mvtec2d", set(truths))
    for entry in dataset.entries:
        own, sample = truths[entry.path], entry.read()
        assert (sample.rgb == own.rgb).all()
        assert same_masks(sample.levels(), dataset.ids, own.masks)


@pytest.mark.parametrize("same_size", [True, False])
def test_real_iad_is_read_by_its_one_light(tmp_path, same_size):
    truths = layouts.realiad(tmp_path / "part", same_size)
    found, dataset = seen(tmp_path / "part")
    assert (found, len(dataset.entries)) == ("real-iad-d3", 3)
    for entry in dataset.entries:
        own, sample = truths[f"{entry.place.split}/{entry.place.kind}/{entry.place.name}"], entry.read()
        assert ("xyz" in entry.holds, "cloud" in entry.holds) == (same_size, not same_size)
        smooth = cv2.GaussianBlur(own.rgb, (0, 0), 3)
        smooth = smooth if same_size else cv2.resize(smooth, None, fx=2, fy=2)
        assert np.abs(sample.rgb.astype(int) - smooth).max() < 30, "another light is its negative"
        if same_size:
            assert np.array_equal(sample.points, own.points, equal_nan=True)
            assert same_masks(sample.levels(), dataset.ids, own.masks)
        else:
            assert np.allclose(sample.cloud.xyz_m, own.points[np.isfinite(own.z_m)], atol=1e-7)


def test_eyecandies_is_read(tmp_path):
    truths = layouts.eyecandies(tmp_path / "Confetto")
    found, dataset = seen(tmp_path / "Confetto")
    assert found == "eyecandies"
    assert {entry.path for entry in dataset.entries} == {path for path in truths if "private" not in path}
    assert {entry.place.kind for entry in dataset.entries} == {"good", "dents", "combined"}
    for entry in dataset.entries:
        own, sample = truths[entry.path], entry.read()
        assert (sample.rgb == own.rgb).all(), "image_4 is the one that conversions take"
        assert np.abs(sample.points[..., 2] - own.z_m).max() <= 0.1 / 65535 / 2 + 1e-7
        assert np.abs(sample.points - own.points).max() < 2e-6
        assert same_masks(sample.levels(), dataset.ids,
                          {{"dent": "dents", "hole": "bumps"}[kind]: mask for kind, mask in own.masks.items()})
        assert np.abs(sample.normals - layouts.plane_normals()).max() < 0.01


@pytest.mark.parametrize("inside", [".", "test", "test/000001"])
def test_bop_is_read_with_each_images_own_camera(tmp_path, inside):
    truths = layouts.bop(tmp_path / "lab")
    found, dataset = seen(tmp_path / "lab" / inside)
    assert (found, len(dataset.entries)) == ("bop", 2 if inside.endswith("1") else 4)
    for entry in dataset.entries:
        path = entry.path if inside == "." else f"{inside}/{entry.path}"
        own, sample = truths[path], entry.read()
        step_m = 0.0001 if path.endswith("3") else 0.00005
        assert (entry.place.split, entry.place.kind) == ("test", "good"), "objects are no defects"
        assert (sample.rgb == own.rgb).all()
        assert np.nanmax(np.abs(sample.points[..., 2] - own.z_m)) <= step_m / 2 + 1e-7
        assert (np.isnan(sample.points[..., 2]) == np.isnan(own.z_m)).all()
        assert np.nanmax(np.abs(sample.points - own.points)) < step_m
        assert not sample.levels().any()


@pytest.mark.parametrize(("name", "builder"), [("real3d-ad", layouts.real3d), ("anomaly-shapenet", layouts.shapenet)])
def test_labelled_clouds_are_read(tmp_path, name, builder):
    truths = builder(tmp_path / "airplane")
    found, dataset = seen(tmp_path / "airplane")
    assert (found, {entry.path for entry in dataset.entries}) == (name, set(truths))
    for entry in dataset.entries:
        (points, bad), cloud = truths[entry.path], entry.read().as_cloud()
        order = np.lexsort(cloud.xyz_m.T), np.lexsort(points.astype(np.float32).T)
        assert np.allclose(cloud.xyz_m[order[0]], points[order[1]] / 1000, atol=1e-8)
        assert ((cloud.labels > 0)[order[0]] == bad[order[1]]).all()
        assert (entry.place.kind == "good") == (not bad.any())
        assert entry.place.kind in {"good", "bulge", "sink", "crack"}


def test_mulsen_keeps_each_sensors_own_labels(tmp_path):
    truths = layouts.mulsen(tmp_path / "capsule")
    found, dataset = seen(tmp_path / "capsule")
    assert (found, {entry.path for entry in dataset.entries}) == ("mulsen-ad", set(truths))
    samples = {entry.path: entry.read() for entry in dataset.entries}
    for path, sample in samples.items():
        assert (sample.rgb == truths[path].rgb).all()
        assert (sample.levels() > 0).tolist() == truths[path].union.tolist()
        assert sorted(map(tuple, np.rint(sample.cloud.xyz_m * 1000).astype(int))) == [
            (0, 0, 5), (0, 10, 5), (10, 0, 5), (10, 10, 5)]
    shown = samples["Pointcloud/test/hole/0"].cloud
    assert {tuple(p) for p in np.rint(shown.xyz_m[shown.labels > 0] * 1000).astype(int)} == {(0, 0, 5), (10, 0, 5)}
    assert not samples["Pointcloud/test/hole/1"].cloud.labels.any(), "infrared alone shows it"
    assert samples["Pointcloud/test/good/0"].infrared[0, 0] == 20


def test_coco_is_read_in_every_coding(tmp_path):
    pytest.importorskip("pycocotools")
    truths = layouts.coco(tmp_path / "coco")
    found, dataset = seen(tmp_path / "coco")
    assert (found, {entry.path for entry in dataset.entries}) == ("coco", set(truths))
    for entry in dataset.entries:
        assert entry.place.split == "validation"
        assert same_masks(entry.read().levels(), dataset.ids, truths[entry.path].masks)


@ITS_OWN
def test_coco_polygons_are_drawn_as_its_own_tools_draw_them(tmp_path):
    tool = pytest.importorskip("pycocotools.mask")
    layouts.coco(tmp_path / "coco")
    path = tmp_path / "coco" / "annotations" / "instances_val.json"
    table = json.loads(path.read_text())
    outline = [[5.5, 4.0, 30.25, 9.0, 20.0, 40.0], [40.0, 5.0, 60.0, 5.0, 60.0, 30.0]]
    table["annotations"] = [{**table["annotations"][0], "segmentation": outline}]
    path.write_text(json.dumps(table))
    drawn = tool.decode(tool.merge(tool.frPyObjects(outline, layouts.HEIGHT, layouts.WIDTH))) > 0
    sample = next(entry for entry in seen(tmp_path / "coco")[1].entries if entry.path == "val/p 0").read()
    assert ((sample.gt > 0) == drawn).all()


def test_yolo_is_read(tmp_path):
    truths = layouts.yolo(tmp_path / "yolo")
    found, dataset = seen(tmp_path / "yolo")
    assert (found, {entry.path for entry in dataset.entries}) == ("yolo", set(truths))
    for entry in dataset.entries:
        assert ((entry.read().levels() > 0) == truths[entry.path]).all()
    assert [entry.place.kind for entry in dataset.entries] == ["dent", "good", "hole", "good"]


def test_plain_captures_are_read(tmp_path):
    trees.write_scenes(tmp_path / "scenes", 2)
    found, dataset = seen(tmp_path / "scenes")
    assert found == "captures"
    assert np.array_equal(dataset.entries[1].read().points, trees.good(1).points, equal_nan=True)


def test_real_scenes_go_to_mvtec3d(shared, tmp_path):
    scene = shared / "data" / "mosd" / "learn0.pcd"
    assert main(["convert", str(scene), "--to", "mvtec3d", "--out", str(tmp_path / "out")]) == 0
    (made,) = sources(tmp_path / "out")
    before, after = load(sources(scene)[0]), load(made)
    assert (before.rgb == after.rgb).all()
    assert np.array_equal(before.points, after.points, equal_nan=True)


def test_the_real_copy_of_mvtec3d_survives_bit_for_bit(shared, tmp_path):
    root = shared / "data" / "mvtec3d_sample" / "cable_gland"
    assert main(["convert", str(root / "test"), "--to", "mvtec3d", "--out", str(tmp_path / "out")]) == 0
    (name, before), (_, after) = seen(root / "test"), seen(tmp_path / "out")
    assert (name, before.ids) == ("mvtec3d", after.ids)
    for one, other in zip(before.entries, after.entries, strict=True):
        a, b = one.read(), other.read()
        assert one.place.kind == other.place.kind
        assert (a.rgb == b.rgb).all()
        assert a.points.tobytes() == b.points.tobytes()
        assert (a.levels() == b.levels()).all()
        assert np.isin(a.levels(), [0, before.ids[one.place.kind]]).all(), "its ids are its folders'"
    assert after.entries[0].read().camera.distortion == pytest.approx(before.entries[0].read().camera.distortion)


def test_categories_whose_ids_mean_different_things_get_common_ones(tmp_path):
    layouts.mvtec3d(tmp_path / "in" / "board")
    truths = layouts.mvtec3d(tmp_path / "in" / "tray")
    layouts.text(tmp_path / "in/tray/class_ids.json", '{"254": "scratch", "255": "dent", "0": "good"}')
    _, dataset = seen(tmp_path / "in")
    for entry in dataset.entries:
        tray = entry.place.category == "tray"
        names = {"hole": "dent", "dent": "scratch"} if tray else {"hole": "hole", "dent": "dent"}
        own = truths[entry.path.split("/", 1)[1]]
        assert same_masks(entry.read().levels(), dataset.ids, {names[k]: mask for k, mask in own.masks.items()})


@pytest.mark.parametrize("inside", ["test", "test/.."])
def test_a_part_of_a_tree_knows_its_ids(board, tmp_path, monkeypatch, inside):
    monkeypatch.chdir(board[0] / "test")
    _, dataset = seen(Path({"test": ".", "test/..": ".."}[inside]))
    assert dataset.ids == {"hole": 255, "dent": 254, "good": 0}
    assert {entry.place.category for entry in dataset.entries} == {"board"}
