"""Whole datasets: every layout is read as its description says, written so that its own tools read it, or refused."""

import io
import json
import sys
import tarfile
from functools import partial
from pathlib import Path

import cv2
import layouts
import numpy as np
import pytest
import trees
import yaml
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

LIBRARIES = {"coco": "pycocotools", "huggingface": "datasets", "webdataset": "webdataset", "rerun": "rerun"}
WRITTEN = [one.name for one in FORMATS if one.writer]
ITS_OWN = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own decoder
PAIRED = ["3d-adam", "mvtec3d", "real-iad-d3", "bop", "huggingface", "webdataset"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> tuple[Path, dict[str, layouts.Truth]]:
    """A category of MVTec 3D-AD and what is in it."""
    root = tmp_path_factory.mktemp("tree") / "board"
    return root, layouts.mvtec3d(root)


def seen(root: Path, name: str | None = None) -> tuple[str, Dataset]:
    if name is not None:
        return name, work.read(root, named(name), Reading())
    one, dataset = work.detected(root, FORMATS, Reading())
    return one.name, dataset


def converted(root: Path, name: str, out: Path) -> Path:
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name])
    one, dataset = work.detected(root, FORMATS, Reading())
    work.convert(root, out, one, dataset, named(name))
    return out


def kinds_of(levels: np.ndarray, ids) -> dict[str, np.ndarray]:
    """A mask by kind of a ground truth in class ids."""
    names = {level: kind for kind, level in ids.items()}
    return {names[level]: levels == level for level in np.unique(levels[levels > 0])}


def same_masks(levels: np.ndarray, ids, masks: dict[str, np.ndarray]) -> bool:
    found = kinds_of(levels, ids)
    return found.keys() == masks.keys() and all((found[kind] == masks[kind]).all() for kind in masks)


def refused(capsys, *arguments) -> str:
    """The one line that a command line is refused with."""
    assert main([*map(str, arguments)]) == 2
    text = capsys.readouterr().err.strip().splitlines()
    assert [line for line in text if not line.startswith("convert: ")] == [text[-1]]
    assert text[-1].startswith("error: ")
    return text[-1]


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


@pytest.mark.parametrize(("builder", "kind"), [(layouts.eyecandies, "eyecandies"), (layouts.bop, "bop"),
                                               (layouts.adam3d, "xyz"), (layouts.realiad, "xyz")])
def test_good_captures_of_other_layouts_are_sources(tmp_path, builder, kind):
    truths = builder(tmp_path / "part")
    found = sources(tmp_path / "part")
    assert {source.coding for source in found} == {kind}
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
    (layouts.mvtec2d, "no measured point"), (layouts.real3d, "no measured point"), (layouts.yolo, "no measured point"),
    (layouts.mulsen, "no measured point")])
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


# files that mean harm


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


@pytest.mark.parametrize(("builder", "file", "to"), [
    (layouts.mvtec3d, "test/hole/rgb/000.png", "coco"), (layouts.mvtec3d, "test/hole/xyz/000.tiff", "bop"),
    (layouts.mvtec3d, "test/hole/gt/000.png", "yolo"), (layouts.mvtec3d, "class_ids.json", "yolo"),
    (layouts.eyecandies, "train/data/001_depth.png", "mvtec3d"),
    (layouts.eyecandies, "test_public/data/01_dents_mask.png", "mvtec3d"),
    (layouts.bop, "test/000002/depth/000003.png", "mvtec3d"), (layouts.bop, "test/000001/scene_camera.json", "mvtec3d"),
    (layouts.bop, "test/000001/scene_gt.json", "mvtec3d"), (layouts.realiad, "test/hole/xyz/S0002.tiff", "mvtec3d"),
    (layouts.real3d, "train/1_template.pcd", "webdataset"), (layouts.real3d, "gt/3_bulge.txt", "webdataset"),
    (layouts.mulsen, "Pointcloud/test/hole/0.stl", "coco"), (layouts.mulsen, "RGB/test/hole/0.png", "coco"),
    (layouts.coco, "annotations/instances_val.json", "yolo"), (layouts.yolo, "labels/train/0.txt", "coco")])
def test_a_file_cut_short_leaves_nothing_behind(tmp_path, capsys, builder, file, to):
    for needed in {"coco": ["pycocotools"]}.get(builder.__name__, []):
        pytest.importorskip(needed)
    builder(tmp_path / "part")
    cut(tmp_path / "part" / file)
    before = trees.digests(tmp_path)
    error = refused(capsys, "convert", tmp_path / "part", "--to", to, "--out", tmp_path / "out")
    assert Path(file).name in error
    assert trees.digests(tmp_path) == before


@pytest.mark.parametrize("name", ["webdataset", "huggingface"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_shard_cut_short_is_refused(tree, tmp_path, capsys, name, share):
    shards = converted(tree[0], name, tmp_path / "shards")
    path = next(path for path in sorted(shards.rglob("*")) if path.suffix in (".tar", ".parquet"))
    path.write_bytes(path.read_bytes()[:int(share * path.stat().st_size)])
    error = refused(capsys, "convert", shards, "--to", "mvtec3d", "--out", tmp_path / "out")
    assert path.name in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("builder", "file"), [
    (layouts.mvtec3d, "test/hole/xyz/000.tiff"), (layouts.eyecandies, "train/data/001_info_depth.yaml"),
    (layouts.bop, "test/000001/depth/000003.png"), (layouts.realiad, "test/hole/xyz/S0002.tiff"),
    (layouts.mulsen, "Infrared/test/hole/0.png"), (layouts.coco, "val/p 0.png"),
    (layouts.bop, "test/000001/mask_visib/000003_000000.png")])
def test_a_missing_partner_is_named(tmp_path, capsys, builder, file):
    if builder is layouts.coco:
        pytest.importorskip("pycocotools")
    builder(tmp_path / "part")
    (tmp_path / "part" / file).unlink()
    error = refused(capsys, "convert", tmp_path / "part", "--to", "webdataset", "--out", tmp_path / "out")
    assert Path(file).stem.split("_")[0] in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("builder", "file"), [
    (layouts.mvtec3d, "test/hole/rgb/000.png"), (layouts.mvtec3d, "test/hole/gt/000.png"),
    (layouts.eyecandies, "train/data/001_normals.png"), (layouts.bop, "test/000001/rgb/000000.png"),
    (layouts.realiad, "test/hole/gt/rgb/part_S0002_L05_RGB.png"), (layouts.real3d, "gt/3_bulge.txt"),
    (layouts.mulsen, "Pointcloud/GT/hole/0.txt"), (layouts.yolo, "labels/train/0.txt"),
    (layouts.mvtec2d, "ground_truth/hole/000_mask.png")])
def test_a_link_out_of_the_tree_is_not_followed(tmp_path, capsys, builder, file):
    builder(tmp_path / "part")
    path = tmp_path / "part" / file
    secret = tmp_path / "secret"
    path.rename(secret)
    path.symlink_to(secret)
    error = refused(capsys, "convert", tmp_path / "part", "--to", "webdataset", "--out", tmp_path / "out")
    assert "leads out of" in error
    assert not (tmp_path / "out").exists()


def test_names_with_spaces_and_line_breaks_become_plain(tmp_path):
    root = tmp_path / "a part"
    for split, kind in (("train", "good"), ("test", "two words\nand a line"), ("test", "..hidden")):
        own = layouts.truth(0, "hole" if split == "test" else "good")
        for stem in ("a b", "c\nd"):
            layouts.png(root / split / kind / "rgb" / f"{stem}.png", own.rgb)
            layouts.xyz(root / split / kind / "xyz" / f"{stem}.tiff", own.points)
            if split == "test":
                layouts.png(root / split / kind / "gt" / f"{stem}.png", layouts.grey(own.union))
    for name in ("mvtec3d", "coco", "real3d-ad"):
        out = converted(root, name, tmp_path / name)
        for path in out.rglob("*"):
            assert path.resolve().is_relative_to(out)
            assert not set(" \n/\\") & set(path.name)
    kinds = {path.name for path in (tmp_path / "mvtec3d" / "test").iterdir()}
    assert kinds == {"two_words_and_a_line"}, "what is hidden is left alone"
    assert [path.name for path in sorted((tmp_path / "mvtec3d" / "train/good/rgb").iterdir())] == ["000.png", "001.png"]


def member(name: str, data: bytes = b"", **more) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, io.BytesIO(data)


def shard(path: Path, *members) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for info, data in members:
            tar.addfile(info, data)
    return path.parent


META = {"category": "../../up", "split": "train", "kind": "../../../etc", "name": "../../../../x", "camera": None,
        "class_ids": {"good": 0, "../../../etc": 255}}


def own_members(key: str, meta: object, xyz: bytes | None = None):
    own = layouts.truth(0)
    buffer = io.BytesIO()
    np.save(buffer, own.points)
    picture = cv2.imencode(".png", own.rgb)[1].tobytes()
    return (member(f"{key}.json", json.dumps(meta).encode()), member(f"{key}.rgb.png", picture),
            member(f"{key}.gt.png", cv2.imencode(".png", layouts.grey(own_box()))[1].tobytes()),
            member(f"{key}.xyz.npy", buffer.getvalue() if xyz is None else xyz))


def own_box() -> np.ndarray:
    return layouts.own_mask("hole")


def test_a_tars_names_lead_nowhere(tmp_path):
    folder = shard(tmp_path / "in" / "train-000000.tar", *own_members("../../../../tmp/evil", META))
    before = trees.digests(tmp_path / "in")
    for name in ("mvtec3d", "coco", "webdataset"):
        out = converted(folder, name, tmp_path / name)
        assert all(path.resolve().is_relative_to(out) for path in out.rglob("*"))
    assert {path.name for path in tmp_path.iterdir()} == {"in", "mvtec3d", "coco", "webdataset"}
    assert trees.digests(tmp_path / "in") == before


def header(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (117 - len(text)) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("members", [
    [member("k.json", type=tarfile.SYMTYPE, linkname="/etc/passwd")],
    [member("k.json", type=tarfile.LNKTYPE, linkname="../../x")],
    [member("k.json", type=tarfile.FIFOTYPE)],
    [member("k.rgb.png", b"no json")],
    own_members("k", None), own_members("k", []), own_members("k", {**META, "class_ids": {"x": 1000}}),
    own_members("k", {**META, "camera": {"width": 1}}),
    own_members("k", META, header("(1000000, 1000000, 3)")), own_members("k", META, header("(-1, -1, 3)")),
    own_members("k", META, b"\x93NUMPY\x01\x00"), own_members("k", META, b""),
    [member("k.json", b"[" * 100_000)],
])
def test_a_hostile_tar_is_refused_in_a_line(tmp_path, capsys, members):
    folder = shard(tmp_path / "in" / "train-000000.tar", *members)
    assert "train-000000.tar" in refused(capsys, "convert", folder, "--to", "mvtec3d", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_tar_that_claims_more_than_it_has_is_refused(tmp_path, capsys):
    info = tarfile.TarInfo("k.json")
    info.size = 1 << 40
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "train-000000.tar").write_bytes(info.tobuf() + b"{}")
    assert "truncated" in refused(capsys, "convert", tmp_path / "in", "--to", "mvtec3d", "--out", tmp_path / "out")


@pytest.mark.parametrize("segmentation", [
    {"size": [48, 64], "counts": [10**15]}, {"size": [48, 64], "counts": [-5, 3077]},
    {"size": [48, 64], "counts": "~~~~"}, {"size": [10**6, 10**6], "counts": [0, 10**12]}, {"counts": [1.5]},
    [[1, 2, 3]], [[1e300, 1, 2, 2, 3, float("nan")]],
    "text", 3, {"size": [48, 64]}])
def test_hostile_annotations_are_refused(tmp_path, capsys, segmentation):
    layouts.png(tmp_path / "in" / "train" / "p.png", layouts.truth(0).rgb)
    layouts.text(tmp_path / "in/annotations/instances_train.json", json.dumps({
        "images": [{"id": 1, "file_name": "p.png", "height": 48, "width": 64}],
        "annotations": [{"image_id": 1, "category_id": 1, "segmentation": segmentation}],
        "categories": [{"id": 1, "name": "hole"}]}))
    assert "cannot be drawn" in refused(capsys, "convert", tmp_path / "in", "--to", "yolo", "--out", tmp_path / "out")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a\0b"])
def test_an_annotation_file_names_no_file_elsewhere(tmp_path, capsys, name):
    layouts.png(tmp_path / "secret.png", layouts.truth(0).rgb)
    (tmp_path / "in" / "train").mkdir(parents=True)
    layouts.text(tmp_path / "in/annotations/instances_train.json", json.dumps({
        "images": [{"id": 1, "file_name": name, "height": 48, "width": 64}], "annotations": [], "categories": []}))
    error = refused(capsys, "convert", tmp_path / "in", "--to", "yolo", "--out", tmp_path / "out")
    assert "leads out of" in error or "is not there" in error


@pytest.mark.parametrize(("builder", "file", "words"), [
    (layouts.eyecandies, "train/data/000_info_depth.yaml", "!!python/object/apply:os.system ['touch owned']"),
    (layouts.eyecandies, "train/data/000_info_depth.yaml", "normalization: {min: .nan, max: .inf}"),
    (layouts.eyecandies, "train/data/000_info_depth.yaml", "[" * 10_000),
    (layouts.bop, "test/000001/scene_camera.json", "[" * 100_000),
    (layouts.bop, "test/000001/scene_camera.json", '{"0": {"cam_K": [1, 2], "depth_scale": 1}}'),
    (layouts.bop, "test/000001/scene_gt.json", '{"0": [{"obj_id": [1]}]}'),
    (layouts.yolo, "data.yaml", "names: !!python/name:os.system"),
    (layouts.yolo, "labels/train/0.txt", "0 1e400 2 3 4"),
    (layouts.yolo, "labels/train/0.txt", "9 0.1 0.1 0.2 0.2 0.3 0.1"), (layouts.real3d, "gt/3_bulge.txt", "1 2 3\n4 5"),
    (layouts.mulsen, "RGB/GT/hole/data.csv", "object\n0,a,b,c\n"), (layouts.mvtec3d, "class_ids.json", "[1, 2]")])
def test_hostile_text_is_refused(tmp_path, capsys, monkeypatch, builder, file, words):
    monkeypatch.chdir(tmp_path)
    builder(tmp_path / "part")
    layouts.text(tmp_path / "part" / file, words)
    before = trees.digests(tmp_path)
    error = refused(capsys, "convert", tmp_path / "part", "--to", "webdataset", "--out", tmp_path / "out")
    assert Path(file).name in error
    assert trees.digests(tmp_path) == before


# how it works


def test_the_table_is_printed_for_people_and_for_machines(capsys):
    assert main(["formats"]) == 0
    text = capsys.readouterr().out
    assert len({one.name for one in FORMATS}) == len(FORMATS) == 15
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
