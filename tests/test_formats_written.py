"""Whole datasets come back from what is written, and other people's tools read it."""

import json

import cv2
import layouts
import numpy as np
import pytest
import trees
import yaml
from conversions import ITS_OWN, converted, same_masks, seen
from hypothesis import given
from hypothesis import strategies as st

from crossmodal.formats import FORMATS, webdataset
from crossmodal.formats.coco import box_of, mask_of, runs_of
from crossmodal.formats.yolo import outlines
from rgb import read_rgb

WRITTEN = [one.name for one in FORMATS if one.writer]
PAIRED = ["3d-adam", "mvtec3d", "real-iad-d3", "bop", "huggingface", "webdataset"]


@pytest.mark.parametrize("name", PAIRED)
def test_paired_formats_bring_back_what_they_were_given(board, tmp_path, name):
    root, truths = board
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
def test_pictures_and_masks_come_back(board, tmp_path, name):
    root, truths = board
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
def test_points_and_labels_come_back(board, tmp_path, name):
    root, truths = board
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


def test_defects_stay_apart_and_modalities_keep_their_masks(board, tmp_path):
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


def test_eyecandies_normals_pass_through_shards(tmp_path):
    layouts.eyecandies(tmp_path / "candy")
    out = converted(tmp_path / "candy", "webdataset", tmp_path / "out")
    sample = seen(out)[1].entries[0].read()
    assert np.abs(sample.normals - layouts.plane_normals()).max() < 0.01
    assert sample.camera.fx == pytest.approx(layouts.EYECANDIES_CAMERA[0])


@pytest.mark.parametrize("name", [name for name in WRITTEN if name not in ("rerun", "huggingface")])
def test_the_same_dataset_gives_the_same_bytes_and_stays_as_it_was(board, tmp_path, name):
    before = trees.digests(board[0])
    one, other = (trees.digests(converted(board[0], name, tmp_path / word)) for word in ("one", "other"))
    assert one == other
    assert trees.digests(board[0]) == before


# what other people's tools make of it


@ITS_OWN
def test_pycocotools_reads_what_is_written(board, tmp_path, capsys):
    coco = pytest.importorskip("pycocotools.coco")
    root, truths = board
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
def test_webdataset_reads_what_is_written(board, tmp_path):
    wds = pytest.importorskip("webdataset")
    root, truths = board
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


def test_shards_are_of_a_bounded_size(board, tmp_path, monkeypatch):
    monkeypatch.setattr(webdataset, "SHARD", 2)
    out = converted(board[0], "webdataset", tmp_path / "out")
    assert [path.name for path in sorted(out.iterdir())] == [
        "test-000000.tar", "test-000001.tar", "train-000000.tar", "validation-000000.tar"]
    assert len(seen(out)[1].entries) == 7


def test_hugging_face_reads_what_is_written(board, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    root, truths = board
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


def test_rerun_opens_the_recording(board, tmp_path):
    pytest.importorskip("rerun")
    from rerun.chunk import RrdReader

    out = converted(board[0], "rerun", tmp_path / "out")
    assert [path.name for path in out.iterdir()] == ["recording.rrd"]
    chunks = list(RrdReader(str(out / "recording.rrd")).stream())
    rows = {}
    for chunk in chunks:
        rows[chunk.entity_path] = rows.get(chunk.entity_path, 0) + chunk.num_rows
    for entity in ("/camera/rgb", "/camera/depth", "/camera/gt", "/points", "/camera", "/name"):
        assert rows[entity] >= len(board[1]), entity


def test_real3d_and_shapenet_loaders_find_their_files(board, tmp_path):
    for name, top, delimiter, good in (("real3d-ad", "board", " ", "good"),
                                       ("anomaly-shapenet", "pcd/board", ",", "positive")):
        out = converted(board[0], name, tmp_path / name) / top
        assert len(list((out / "train").glob("*template*.pcd"))) == 3
        tests = [path for path in (out / "test").glob("*.pcd") if "temp" not in path.name]
        assert len(tests) == 4
        for path in tests:
            if good not in path.name:
                gt = out / {"real3d-ad": "gt"}.get(name, "GT") / f"{path.stem}.txt"
                assert set(np.genfromtxt(gt, delimiter=delimiter)[:, 3]) == {0, 1}


def test_a_tree_of_mvtec3d_brings_anomalibs_config_and_halcons_camera(board, tmp_path):
    out = converted(board[0], "webdataset", tmp_path / "middle")
    out = converted(out, "mvtec3d", tmp_path / "out")
    config = yaml.safe_load((out / "anomalib.yaml").read_text())
    assert config["init_args"]["mask_dir"] == "test/combined/gt"
    camera = json.loads((out / "calibration" / "camera_parameters.json").read_text())
    assert camera["focus"] / camera["sx"] == pytest.approx(layouts.FX)
    assert not cv2.imread(str(out / "test/good/gt/000.png"), cv2.IMREAD_UNCHANGED).any()
    assert not (out / "train" / "good" / "gt").exists()
