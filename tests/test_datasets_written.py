"""What is written: samples and copies as the contract says, class ids and anomalib's config."""

import json

import cv2
import numpy as np
import pytest
import tifffile
import trees
import yaml

import crossmodal as cm
from crossmodal import datasets
from crossmodal.datasets import anomalib, class_ids
from crossmodal.datasets.copies import Copy, write_copy
from crossmodal.datasets.mvtec3d_writer import ground_truth, write_sample, xyz_of
from crossmodal.datasets.source import Reading
from crossmodal.result import Visibility
from depth import read_xyz
from pointcloud import read_cloud
from rgb import read_mask, read_rgb

IDS = {"dent": 254, "stain": 253, "good": 0}


def made():
    return cm.synthesize(trees.good(0), cm.Dent(), seed=5)


ORIGIN = {"path": "train/good/000", "sha256": {"rgb": "", "xyz": ""}}


def test_a_sample_is_what_the_contract_says(tmp_path, category):
    before = datasets.load(datasets.sources(category)[0])
    result = cm.synthesize(before, cm.Dent(), seed=5)
    entry = write_sample(tmp_path / "out", "test/dent/003", result, IDS, ORIGIN, 5, ply=True)
    out = tmp_path / "out"
    assert set(entry["files"]) == set(entry["sha256"]) == {
        "rgb", "xyz", "gt", "gt_rgb", "gt_depth", "instances", "displacement", "points"}
    assert list(entry)[:7] == ["id", "source", "kind", "seed", "files", "defects", "plan"]
    gt = read_mask(out / entry["files"]["gt"])
    assert set(np.unique(gt)) == {0, 254}
    np.testing.assert_array_equal(gt > 0, result.gt)
    for word, mask in (("gt_rgb", result.masks.rgb), ("gt_depth", result.masks.depth)):
        np.testing.assert_array_equal(read_mask(out / entry["files"][word]), mask * np.uint8(255))
    moved = tifffile.imread(out / entry["files"]["displacement"])
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(moved, result.displacement_mm)
    xyz, own = read_xyz(out / entry["files"]["xyz"]), read_xyz(category / "train/good/xyz/000.tiff")
    still = ~(result.masks.points | result.masks.depth)
    assert xyz[still].tobytes() == own[still].tobytes()
    assert not np.isnan(xyz).any()
    np.testing.assert_array_equal(read_rgb(out / entry["files"]["rgb"]).pixels, result.after.rgb)
    cloud = read_cloud(out / entry["files"]["points"])
    assert set(np.unique(cloud.labels)) == {0, 254}
    defect = entry["defects"][0]
    assert defect["class_id"] == 254
    assert defect["requested"]["depth_mm"] == pytest.approx(defect["measured"]["max_depth_mm"], rel=0.01)
    assert defect["visible_in"] == list(result.visibility[0].seen_in)
    assert defect["difficulty"] == result.visibility[0].difficulty
    assert defect["difficulty_in"] == result.visibility[0].difficulty_in
    assert defect["measured"]["volume_mm3"] == result.measured[0].volume_mm3 > 0
    json.dumps(entry, allow_nan=False)


def test_the_later_defect_wins_where_two_overlap():
    here = cm.Place(at_pixel=(80, 80))
    result = cm.synthesize(trees.good(0), cm.Recipe(defects=(cm.Dent(), cm.Stain()), place=here), seed=1)
    gt = ground_truth(result, IDS)
    np.testing.assert_array_equal(gt == 253, result.instances == 2)
    assert (gt[result.gt] > 0).all()


@pytest.mark.parametrize("broken", ["xyz", "displacement"])
def test_a_sample_that_fails_leaves_no_file(tmp_path, monkeypatch, broken):
    from crossmodal.datasets import mvtec3d_writer

    def fail(path, *_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mvtec3d_writer, {"xyz": "write_xyz", "displacement": "write_floats"}[broken], fail)
    with pytest.raises(OSError, match="No space"):
        write_sample(tmp_path, "test/dent/000", made(), IDS, ORIGIN, 0)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(("unit", "scale"), [(None, 1.0), ("mm", 1e3)])
def test_outside_its_masks_a_sample_is_its_good_copy_bit_for_bit(tmp_path, unit, scale):
    trees.write_pair(tmp_path / "src", "000", trees.good(0), scale)
    source, reading = datasets.sources(tmp_path / "src")[0], Reading(unit)
    write_copy(tmp_path / "out", Copy(source, "test/good/000"), reading)
    capture = datasets.load(source, reading)
    copied = read_xyz(tmp_path / "out/test/good/xyz/000.tiff")
    assert xyz_of(capture).tobytes() == copied.tobytes()
    assert abs(np.median(copied[copied != 0]) - np.median(trees.zeros(trees.good(0).points)[copied != 0])) < 1e-6
    assert not read_mask(tmp_path / "out/test/good/gt/000.png").any()


def test_a_jpeg_is_copied_as_a_png(tmp_path):
    trees.write_pair(tmp_path / "src", "000", trees.good(0))
    picture = tmp_path / "src/rgb/000.png"
    cv2.imwrite(str(picture.with_suffix(".jpg")), trees.good(0).rgb[..., ::-1])
    picture.unlink()
    write_copy(tmp_path / "out", Copy(datasets.sources(tmp_path / "src")[0], "train/good/000"), Reading())
    np.testing.assert_array_equal(read_rgb(tmp_path / "out/train/good/rgb/000.png").pixels,
                                  read_rgb(picture.with_suffix(".jpg")).pixels)


@pytest.mark.parametrize(("kept", "kinds", "want"), [
    ({}, ["stain", "dent"], {"dent": 255, "stain": 254, "good": 0}),
    ({"hole": 255, "cut": 254, "good": 0}, ["stain", "cut", "bump"],
     {"hole": 255, "cut": 254, "bump": 253, "stain": 252, "good": 0}),
    ({"hole": 1, "good": 0}, ["dent"], {"dent": 255, "hole": 1, "good": 0}),
])
def test_class_ids_are_kept_and_new_ones_follow_downward(kept, kinds, want):
    assert class_ids.assigned(kept, kinds) == want
    assert list(json.loads(class_ids.encoded(want)).values())[-1] == "good"


def test_class_ids_never_fall_below_128():
    with pytest.raises(ValueError, match="no class id of at least 128 is left for dent"):
        class_ids.assigned({"hole": 128}, ["dent"])


def test_anomalibs_config_names_folders_that_its_loader_takes():
    one = anomalib.configs("part", ["dent"], True)
    assert list(one) == ["anomalib.yaml"]
    config = yaml.safe_load(one["anomalib.yaml"])
    assert config["class_path"] == "anomalib.data.Folder3D"
    assert config["init_args"]["normal_depth_dir"] == "train/good/xyz"
    two = anomalib.configs("part", ["stain", "dent"], False)
    assert sorted(two) == ["anomalib.dent.yaml", "anomalib.stain.yaml", "anomalib.yaml"]
    assert "normal_test_dir" not in yaml.safe_load(two["anomalib.yaml"])["init_args"]
    assert yaml.safe_load(two["anomalib.yaml"]) == yaml.safe_load(two["anomalib.dent.yaml"])


def test_difficulty_is_by_the_plainest_modality():
    seen = [Visibility(a, b) for a, b in ((0, 12), (4, 0), (1.5, 1), (1, 0.2))]
    assert [one.difficulty for one in seen] == ["easy", "medium", "hard", "hidden"]
    assert [one.difficulty_in for one in seen[:2]] == [{"rgb": "hidden", "depth": "easy"},
                                                       {"rgb": "medium", "depth": "hidden"}]
