"""Whole datasets: every layout is read as its description says, written so that its own tools read it, or refused."""

import json
import sys
from functools import partial
from pathlib import Path

import cv2
import layouts
import numpy as np
import pytest
import trees
import yaml
from conversions import LIBRARIES, converted, refused, seen
from hypothesis import given
from hypothesis import strategies as st

from crossmodal.cli import main
from crossmodal.datasets import Reading, load, sources
from crossmodal.formats import FORMATS, named, webdataset
from crossmodal.formats import convert as work
from crossmodal.formats.coco import box_of, mask_of, runs_of
from crossmodal.formats.sample import Dataset, Entry, Format, Place, Sample
from crossmodal.formats.yolo import outlines
from rgb import read_rgb

WRITTEN = [one.name for one in FORMATS if one.writer]
ITS_OWN = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own decoder
PAIRED = ["3d-adam", "mvtec3d", "real-iad-d3", "bop", "huggingface", "webdataset"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> tuple[Path, dict[str, layouts.Truth]]:
    """A category of MVTec 3D-AD and what is in it."""
    root = tmp_path_factory.mktemp("tree") / "board"
    return root, layouts.mvtec3d(root)


def kinds_of(levels: np.ndarray, ids) -> dict[str, np.ndarray]:
    """A mask by kind of a ground truth in class ids."""
    names = {level: kind for kind, level in ids.items()}
    return {names[level]: levels == level for level in np.unique(levels[levels > 0])}


def same_masks(levels: np.ndarray, ids, masks: dict[str, np.ndarray]) -> bool:
    found = kinds_of(levels, ids)
    return found.keys() == masks.keys() and all((found[kind] == masks[kind]).all() for kind in masks)


def test_the_comparison_of_masks_notices_a_pixel_and_a_swapped_kind():
    masks, ids = layouts.truth(0, "combined").masks, layouts.LEVELS
    levels = sum(layouts.grey(mask, ids[kind]) for kind, mask in masks.items())
    assert same_masks(levels, ids, masks)
    assert not same_masks(levels, {"dent": ids["hole"], "hole": ids["dent"]}, masks)
    levels[0, 0] = ids["hole"]
    assert not same_masks(levels, ids, masks)


# what is read, from trees that nothing of ours wrote


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


# what is written comes back


@pytest.mark.parametrize("name", PAIRED)
def test_paired_formats_bring_back_what_they_were_given(tree, tmp_path, name):
    root, truths = tree
    middle = converted(root, name, tmp_path / "middle")
    assert seen(middle)[0] == name, "it is seen as what it is"
    back = converted(middle, "mvtec3d", tmp_path / "back")
    _, dataset = seen(back)
    by_kind: dict[str, list] = {}
    for path, own in truths.items():
        by_kind.setdefault(path.split("/")[1], []).append(own)
    assert len(dataset.entries) == len(truths)
    for entry in dataset.entries:
        sample = entry.read()
        own = min(by_kind[entry.place.kind], key=lambda one: np.abs(one.rgb.astype(int) - sample.rgb).mean())
        assert np.abs(own.rgb.astype(int) - sample.rgb).max() <= (8 if name == "real-iad-d3" else 0)
        if name == "bop":
            assert np.nanmax(np.abs(sample.points - own.points)) <= 1e-5
            assert (np.isnan(sample.points) == np.isnan(own.points)).all()
        else:
            assert np.array_equal(sample.points, own.points, equal_nan=True)
        if name == "real-iad-d3" or (name == "3d-adam" and entry.place.kind == "combined"):
            assert ((sample.levels() > 0) == own.union).all()  # these name no ids
        else:
            assert same_masks(sample.levels(), dataset.ids, own.masks)


@pytest.mark.parametrize("name", ["coco", "yolo", "mvtec2d"])
def test_pictures_and_masks_come_back(tree, tmp_path, name):
    root, truths = tree
    out = converted(root, name, tmp_path / "out")
    found, dataset = seen(out)
    assert (found, len(dataset.entries)) == (name, len(truths))
    pictures = {own.rgb.tobytes(): own for own in truths.values()}
    for entry in dataset.entries:
        sample = entry.read()
        own = pictures[sample.rgb.tobytes()]
        if name == "mvtec2d":
            assert ((sample.levels() > 0) == own.union).all()
        else:
            assert same_masks(sample.levels(), dataset.ids, own.masks)


@pytest.mark.parametrize("name", ["real3d-ad", "anomaly-shapenet"])
def test_points_and_labels_come_back(tree, tmp_path, name):
    root, truths = tree
    out = converted(root, name, tmp_path / "out")
    found, dataset = seen(out)
    assert (found, len(dataset.entries)) == (name, len(truths))
    wanted = {tuple(own.points[np.isfinite(own.z_m)][0].round(6)): own for own in truths.values()}
    for entry in dataset.entries:
        cloud = entry.read().as_cloud()
        own = wanted[tuple(cloud.xyz_m[0].round(6))]
        valid = np.isfinite(own.z_m)
        assert np.abs(cloud.xyz_m - own.points[valid]).max() < 1e-7
        assert ((cloud.labels > 0) == own.union[valid]).all()


def test_defects_stay_apart_and_modalities_keep_their_masks(tree, tmp_path):
    root = tmp_path / "board"
    truths = layouts.mvtec3d(root)
    for folder in root.glob("test/*/gt"):
        for path in folder.iterdir():
            own = truths[f"test/{folder.parent.name}/{path.stem}"]
            halves = np.where(np.arange(layouts.WIDTH) % 2, 1, 2).astype(np.uint8) * own.union
            layouts.png(folder.parent / "instances" / path.name, halves)
            layouts.png(folder.parent / "gt_rgb" / path.name, layouts.grey(own.union))
            layouts.png(folder.parent / "gt_depth" / path.name, layouts.grey(halves == 1))
    for name in ("webdataset", "huggingface", "mvtec3d"):
        out = converted(root, name, tmp_path / name)
        entry = next(one for one in seen(out)[1].entries if one.place.kind == "dent")
        sample, own = entry.read(), truths["test/dent/000"]
        assert (sample.instances == np.where(np.arange(layouts.WIDTH) % 2, 1, 2) * own.union).all(), name
        assert (sample.masks["rgb"] == own.union).all()
        assert (sample.masks["depth"] == (sample.instances == 1)).all()
    table = json.loads((converted(root, "coco", tmp_path / "coco") / "annotations/instances_test.json").read_text())
    assert len(table["annotations"]) == 2 * 3, "two instances in each of three pictures"


def test_clouds_that_no_pixel_saw_pass_through_shards(tmp_path):
    truths = layouts.real3d(tmp_path / "airplane")
    for name in ("webdataset", "huggingface"):
        middle = converted(tmp_path / "airplane", name, tmp_path / name)
        back = converted(middle, "real3d-ad", tmp_path / f"{name}-back")
        dataset = seen(back)[1]
        assert sorted(int((e.read().as_cloud().labels > 0).sum()) for e in dataset.entries) == sorted(
            int(bad.sum()) for _, bad in truths.values())


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_run_lengths_and_outlines_are_exact(height, width, seed):
    rng = np.random.default_rng(seed)
    mask = cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), rng.uniform(0.2, 2)) > rng.uniform(-1, 1)
    assert (mask_of(runs_of(mask), mask.shape) == mask).all()
    drawn = np.zeros(mask.shape, np.uint8)
    for outline in outlines(mask):
        assert len(outline) >= 3
        part = [[float(f"{v:.7f}") for v in corner] for corner in (outline + 0.5) / (width, height)]
        assert np.ptp(part, axis=0).min() > 0, "a box with no area is dropped by loaders"
        # As Ultralytics draws it: scaled, truncated, filled.
        drawn |= cv2.fillPoly(np.zeros(mask.shape, np.uint8), [(np.array(part) * (width, height)).astype(np.int32)], 1)
    assert ((drawn > 0) == mask).all()


# what other people's tools make of it


@ITS_OWN
def test_pycocotools_reads_what_is_written(tree, tmp_path, capsys):
    coco = pytest.importorskip("pycocotools.coco")
    root, truths = tree
    out = converted(root, "coco", tmp_path / "out")
    table = coco.COCO(str(out / "annotations" / "instances_test.json"))
    capsys.readouterr()
    for image in table.loadImgs(table.getImgIds()):
        kind, stem = image["file_name"].removeprefix("board_").removesuffix(".png").split("_")
        own = truths[f"test/{kind}/{stem}"]
        drawn = {}
        for one in table.loadAnns(table.getAnnIds(imgIds=[image["id"]])):
            mask = table.annToMask(one) > 0
            name = table.loadCats([one["category_id"]])[0]["name"]
            assert (one["area"], one["bbox"]) == (mask.sum(), box_of(mask))
            drawn[name] = drawn.get(name, False) | mask
        assert drawn.keys() == own.masks.keys()
        assert all((drawn[name] == own.masks[name]).all() for name in drawn)
        assert (read_rgb(out / "test" / image["file_name"]).pixels == own.rgb).all()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_what_is_written(tree, tmp_path):
    wds = pytest.importorskip("webdataset")
    root, truths = tree
    out = converted(root, "webdataset", tmp_path / "out")
    rows = list(wds.WebDataset([str(p) for p in sorted(out.glob("test-*.tar"))], shardshuffle=False).decode("rgb8"))
    assert len(rows) == 4
    assert len({frozenset(row) for row in rows}) == 1, "samples whose suffixes differ break viewers"
    for row in rows:
        own = truths[f"{row['json']['split']}/{row['json']['kind']}/{row['json']['name']}"]
        assert (row["rgb.png"] == own.rgb).all()
        assert np.array_equal(row["xyz.npy"], own.points, equal_nan=True)
        assert ((row["gt.png"][..., 0] > 0) == own.union).all()
        assert row["json"]["class_ids"] == {"hole": 255, "dent": 254, "good": 0}


def test_shards_are_of_a_bounded_size(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(webdataset, "SHARD", 2)
    out = converted(tree[0], "webdataset", tmp_path / "out")
    assert [path.name for path in sorted(out.iterdir())] == [
        "test-000000.tar", "test-000001.tar", "train-000000.tar", "validation-000000.tar"]
    assert len(seen(out)[1].entries) == 7


def test_hugging_face_reads_what_is_written(tree, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    root, truths = tree
    out = converted(root, "huggingface", tmp_path / "out")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    loaded = datasets.load_dataset(str(out), "board", cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 2, "validation": 1, "test": 4}
    for row in loaded["test"].with_format("numpy"):
        own = truths[f"test/{row['kind']}/{row['name']}"]
        assert (row["rgb"] == own.rgb).all()
        assert np.array_equal(row["xyz"], own.points, equal_nan=True)
        assert ((row["gt"] > 0) == own.union).all()
    assert not [path for path in out.rglob(".*") if path.is_file()], "nothing of the making is left"


def test_rerun_opens_the_recording(tree, tmp_path):
    pytest.importorskip("rerun")
    from rerun.chunk import RrdReader

    out = converted(tree[0], "rerun", tmp_path / "out")
    assert [path.name for path in out.iterdir()] == ["recording.rrd"]
    chunks = list(RrdReader(str(out / "recording.rrd")).stream())
    rows = {}
    for chunk in chunks:
        rows[chunk.entity_path] = rows.get(chunk.entity_path, 0) + chunk.num_rows
    for entity in ("/camera/rgb", "/camera/depth", "/camera/gt", "/points", "/camera", "/name"):
        assert rows[entity] >= len(tree[1]), entity


def test_real3d_and_shapenet_loaders_find_their_files(tree, tmp_path):
    for name, top, delimiter, good in (("real3d-ad", "board", " ", "good"),
                                       ("anomaly-shapenet", "pcd/board", ",", "positive")):
        out = converted(tree[0], name, tmp_path / name) / top
        assert len(list((out / "train").glob("*template*.pcd"))) == 3
        tests = [path for path in (out / "test").glob("*.pcd") if "temp" not in path.name]
        assert len(tests) == 4
        for path in tests:
            if good not in path.name:
                gt = out / {"real3d-ad": "gt"}.get(name, "GT") / f"{path.stem}.txt"
                assert set(np.genfromtxt(gt, delimiter=delimiter)[:, 3]) == {0, 1}


def test_a_tree_of_mvtec3d_brings_anomalibs_config_and_halcons_camera(tree, tmp_path):
    out = converted(tree[0], "webdataset", tmp_path / "middle")
    out = converted(out, "mvtec3d", tmp_path / "out")
    config = yaml.safe_load((out / "anomalib.yaml").read_text())
    assert config["init_args"]["mask_dir"] == "test/combined/gt"
    camera = json.loads((out / "calibration" / "camera_parameters.json").read_text())
    assert camera["focus"] / camera["sx"] == pytest.approx(layouts.FX)
    assert not cv2.imread(str(out / "test/good/gt/000.png"), cv2.IMREAD_UNCHANGED).any()
    assert not (out / "train" / "good" / "gt").exists()


# sources for synthesize


@pytest.mark.parametrize("builder", [layouts.eyecandies, layouts.bop, layouts.adam3d, layouts.realiad])
def test_good_captures_of_other_layouts_are_sources(tmp_path, builder):
    truths = builder(tmp_path / "part")
    found = sources(tmp_path / "part")
    good = next(source for source in found if source.kind == "good")
    own = truths.get(good.path) or truths[good.path.replace("GOOD", "good")]
    assert np.nanmax(np.abs(load(good).points - own.points)) < 1e-4


@pytest.mark.parametrize("name", ["eyecandies", "bop"])
def test_defects_are_made_in_other_layouts_captures(tmp_path, name):
    root = tmp_path / "in"
    if name == "bop":
        trees.write_category(tmp_path / "mvtec", 1, 0, 2)
        converted(tmp_path / "mvtec", "bop", root)
    else:
        layouts.eyecandies(root, grain=0.05)
    before = trees.digests(root)
    assert main(["synthesize", str(root), "--out", str(tmp_path / "out"), "--kinds", "stain", "--count", "1"]) == 0
    (line,) = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    assert json.loads(line)["source"]["path"] in {source.path for source in sources(root)}
    assert main(["check", str(tmp_path / "out"), "--source", str(root)]) == 0
    assert trees.digests(root) == before


@pytest.mark.parametrize(("builder", "way"), [
    (layouts.mvtec2d, "no measured point"), (layouts.yolo, "no measured point"), (layouts.mulsen, "no measured point")])
def test_what_has_no_points_for_its_pixels_is_no_source(tmp_path, capsys, builder, way):
    builder(tmp_path / "part")
    error = refused(capsys, "synthesize", tmp_path / "part", "--out", tmp_path / "out")
    assert way in error
    assert "crossmodal formats" in error


def test_shards_are_no_source_but_say_the_way(tree, tmp_path, capsys):
    shards = converted(tree[0], "webdataset", tmp_path / "shards")
    error = refused(capsys, "synthesize", shards, "--out", tmp_path / "out")
    assert f"crossmodal convert {shards} --to mvtec3d" in error


# what is refused


@pytest.mark.parametrize(("builder", "to", "word"), [
    (layouts.mvtec2d, "mvtec3d", "xyz"), (layouts.real3d, "coco", "rgb"), (layouts.yolo, "real3d-ad", "cloud"),
    (layouts.mvtec3d, "eyecandies", "lights"), (layouts.mvtec3d, "mulsen-ad", "infrared"),
    (layouts.mulsen, "bop", "xyz")])
def test_a_missing_content_is_named(tmp_path, capsys, builder, to, word):
    builder(tmp_path / "part")
    error = refused(capsys, "convert", tmp_path / "part", "--to", to, "--out", tmp_path / "out")
    assert f"needs {word} (" in error
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def test_a_mask_that_is_not_there_is_missed(tree, tmp_path, capsys):
    layouts.mvtec3d(tmp_path / "part")
    (tmp_path / "part/test/hole/gt/000.png").unlink()
    error = refused(capsys, "convert", tmp_path / "part", "--to", "coco", "--out", tmp_path / "out")
    assert "needs gt" in error
    assert "test/hole/000" in error


def test_what_a_lens_bends_is_no_pinhole(tmp_path, capsys):
    layouts.mvtec3d(tmp_path / "part")
    path = tmp_path / "part" / "test" / "good" / "xyz" / "000.tiff"
    own = layouts.truth(3)
    bent = own.points * np.float32(1)
    radius2 = (bent[..., :1] ** 2 + bent[..., 1:2] ** 2) / bent[..., 2:] ** 2
    bent[..., :2] *= 1 - 0.8 * radius2
    layouts.xyz(path, bent)
    error = refused(capsys, "convert", tmp_path / "part", "--to", "bop", "--out", tmp_path / "out")
    assert "pinhole" in error
    assert not (tmp_path / "out").exists()


def test_an_id_that_nothing_names_is_refused(tmp_path, capsys):
    layouts.mvtec3d(tmp_path / "part")
    layouts.png(tmp_path / "part/test/combined/gt/000.png", np.full((layouts.HEIGHT, layouts.WIDTH), 7, np.uint8))
    (tmp_path / "part/class_ids.json").write_text('{"254": "dent", "253": "hole", "0": "good"}')
    assert "class id 255" in refused(capsys, "convert", tmp_path / "part", "--to", "coco", "--out", tmp_path / "out")


@pytest.mark.parametrize("where", ["inside", "over", "full", "file"])
def test_a_bad_out_is_refused_and_the_source_stays(tmp_path, capsys, where):
    root = tmp_path / "in" / "part"
    layouts.mvtec2d(root)
    out = {"inside": root / "out", "over": tmp_path / "in", "full": tmp_path / "full", "file": tmp_path / "file"}[where]
    layouts.text(tmp_path / "full" / "mine.txt", "mine")
    layouts.text(tmp_path / "file", "mine")
    before = trees.digests(tmp_path)
    assert str(out) in refused(capsys, "convert", root, "--to", "coco", "--out", out)
    assert trees.digests(tmp_path) == before


def test_an_empty_out_is_taken(tree, tmp_path):
    (tmp_path / "out").mkdir()
    converted(tree[0], "yolo", tmp_path / "out")
    assert (tmp_path / "out" / "data.yaml").is_file()


@pytest.mark.parametrize(("arguments", "says"), [
    (("--to", "pdf"), "format must be one of"), (("--to", "captures"), "can be read but not written"),
    (("--to", "coco", "--from", "bop"), "is no BOP"), (("--to", "coco", "--from", "rerun"), "can be written but not")])
def test_formats_are_named_rightly(tree, tmp_path, capsys, arguments, says):
    assert says in refused(capsys, "convert", tree[0], *arguments, "--out", tmp_path / "out")


def test_units_are_given_only_where_they_are_open(tree, tmp_path, capsys):
    layouts.eyecandies(tmp_path / "candy")
    assert "says its own unit" in refused(
        capsys, "convert", tmp_path / "candy", "--to", "mvtec3d", "--unit", "mm", "--out", tmp_path / "out")
    mm = tmp_path / "mm"
    layouts.mvtec3d(mm)
    for path in mm.rglob("*.tiff"):
        layouts.xyz(path, 1000 * layouts.truth(0).points)
    assert "--unit mm" in refused(capsys, "convert", mm, "--to", "real3d-ad", "--out", tmp_path / "out")
    assert main(["convert", str(mm), "--to", "mvtec3d", "--unit", "mm", "--out", str(tmp_path / "out")]) == 0
    sample = seen(tmp_path / "out")[1].entries[0].read()
    assert np.allclose(sample.points, layouts.truth(0).points, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", ["huggingface", "rerun"])
def test_a_library_that_is_missing_is_asked_for_kindly(tree, tmp_path, capsys, monkeypatch, name):
    monkeypatch.setitem(sys.modules, LIBRARIES[name], None)
    error = refused(capsys, "convert", tree[0], "--to", name, "--out", tmp_path / "out")
    assert 'pip install "crossmodal-anomaly[export]"' in error
    assert not (tmp_path / "out").exists()


# how it works


def test_the_table_is_printed_for_people_and_for_machines(capsys):
    assert main(["formats"]) == 0
    text = capsys.readouterr().out
    assert len({one.name for one in FORMATS}) == len(FORMATS) == 16
    for one in FORMATS:
        assert one.name in text
    assert main(["formats", "--json"]) == 0
    rows = {row["format"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mvtec2d"]["lacks"]["mvtec3d"] == ["xyz"]
    assert "coco" not in rows["mvtec3d"]["lacks"]
    assert [name for name, row in rows.items() if "real copy" in row["checked"]] == ["mvtec3d"]


def test_every_format_has_a_file_of_its_own():
    assert len({one.listed.__module__ if one.listed else one.writer.__module__ for one in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize("name", [name for name in WRITTEN if name not in ("rerun", "huggingface")])
def test_the_same_dataset_gives_the_same_bytes_and_stays_as_it_was(tree, tmp_path, name):
    before = trees.digests(tree[0])
    one, other = (trees.digests(converted(tree[0], name, tmp_path / word)) for word in ("one", "other"))
    assert one == other
    assert trees.digests(tree[0]) == before


def test_one_sample_is_in_memory_at_a_time(tmp_path):
    order = []

    def read(i):
        order.append(("read", i))
        return Sample(layouts.truth(i).rgb, gt=np.zeros((layouts.HEIGHT, layouts.WIDTH), np.uint8))

    entries = tuple(Entry(Place("", "train", "good", str(i)), str(i), frozenset({"rgb", "gt"}), partial(read, i))
                    for i in range(3))
    seen_by_writer = Format("toy", "toy", writer=lambda out, head: _Telling(order))
    work.convert(tmp_path / "in", tmp_path / "out", named("mvtec2d"), Dataset(entries, {"good": 0}), seen_by_writer)
    assert order == [(word, i) for i in range(3) for word in ("read", "put")]


class _Telling:
    def __init__(self, order):
        self.order = order

    def __enter__(self):
        return lambda place, sample: self.order.append(("put", int(place.name)))

    def __exit__(self, *error):
        return None


def test_an_interruption_leaves_nothing(tree, tmp_path):
    one, dataset = work.detected(tree[0], FORMATS, Reading())

    def stop(done, of):
        if done == 3:
            raise KeyboardInterrupt

    for name in ("coco", "webdataset", "mvtec3d"):
        with pytest.raises(KeyboardInterrupt):
            work.convert(tree[0], tmp_path / "out", one, dataset, named(name), stop)
        assert [*tmp_path.iterdir()] == []


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
def test_a_part_of_a_tree_knows_its_ids(tree, tmp_path, monkeypatch, inside):
    monkeypatch.chdir(tree[0] / "test")
    _, dataset = seen(Path({"test": ".", "test/..": ".."}[inside]))
    assert dataset.ids == {"hole": 255, "dent": 254, "good": 0}
    assert {entry.place.category for entry in dataset.entries} == {"board"}


def test_eyecandies_normals_pass_through_shards(tmp_path):
    layouts.eyecandies(tmp_path / "candy")
    out = converted(tmp_path / "candy", "webdataset", tmp_path / "out")
    sample = seen(out)[1].entries[0].read()
    assert np.abs(sample.normals - layouts.plane_normals()).max() < 0.01
    assert sample.camera.fx == pytest.approx(layouts.EYECANDIES_CAMERA[0])
