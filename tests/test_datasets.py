"""Formats in and out: what is listed, what is read, what is refused and in which words."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import trees
import yaml

import crossmodal as cm
from crossmodal import datasets
from crossmodal.datasets import anomalib, class_ids, pcd
from crossmodal.datasets.copies import Copy, write_copy
from crossmodal.datasets.destination import checked_out
from crossmodal.datasets.mvtec3d_writer import ground_truth, write_sample, xyz_of
from crossmodal.datasets.source import Reading
from crossmodal.result import Visibility
from depth import read_xyz, write_depth, write_xyz
from pointcloud import Pcd, read_cloud, read_pcd, write_pcd
from rgb import read_mask, read_rgb, write_rgb

IDS = {"dent": 254, "stain": 253, "good": 0}


@pytest.fixture
def category(tmp_path) -> Path:
    return trees.write_category(tmp_path / "part")


@pytest.fixture
def pair(tmp_path) -> Path:
    """A folder with rgb/000.png and xyz/000.tiff."""
    trees.write_pair(tmp_path / "pair", "000", trees.good(0))
    return tmp_path / "pair"


# what is listed


@pytest.mark.parametrize(("inside", "first", "split", "many"), [
    (".", "part/train/good/000", "train", 8),
    ("part", "train/good/000", "train", 8),
    ("part/train", "good/000", "train", 4),
    ("part/train/good", "000", "", 4),
])
def test_every_level_of_a_tree_is_listed(category, inside, first, split, many):
    found = datasets.sources(category.parent / inside)
    assert (found[0].path, found[0].split, len(found)) == (first, split, many)
    assert {source.kind for source in found} <= {"good", "hole"}
    assert all(source.calibration is not None for source in found)


def test_listing_reads_no_pixel(category):
    for path in category.rglob("*.png"):
        path.write_bytes(b"not a picture")
    assert len(datasets.sources(category)) == 8


def test_names_are_posix_paths_that_find_the_capture_again(category):
    for source in datasets.sources(category):
        assert datasets.find(category, source.path) == source


def test_other_layouts(tmp_path):
    one = trees.good(0)
    for name in ("b", "a"):
        (tmp_path / "many" / name).mkdir(parents=True)
        write_rgb(tmp_path / "many" / name / "rgb.png", one.rgb)
        write_xyz(tmp_path / "many" / name / "xyz.tiff", one.points)
    assert [source.path for source in datasets.sources(tmp_path / "many")] == ["a", "b"]
    assert [source.path for source in datasets.sources(tmp_path / "many" / "a")] == ["a"]
    trees.write_scenes(tmp_path / "scenes")
    assert [source.coding for source in datasets.sources(tmp_path / "scenes")] == ["pcd"] * 3
    assert [source.path for source in datasets.sources(tmp_path / "scenes" / "scene1.pcd")] == ["scene1"]
    joined = f"{tmp_path / 'many/a/rgb.png'}+{tmp_path / 'many/a/xyz.tiff'}"
    assert [source.coding for source in datasets.sources(joined)] == ["xyz"]


def test_one_picture_of_a_tree_is_one_capture(category):
    found = datasets.sources(category / "train" / "good" / "rgb" / "002.png")
    assert [(source.path, source.geometry.name) for source in found] == [("002", "002.tiff")]


# what is read


def test_zeros_become_nan_and_the_camera_is_found_again(category):
    capture = datasets.load(datasets.sources(category)[0])
    want = trees.good(0)
    assert capture.name == "train/good/000"
    np.testing.assert_array_equal(capture.points, want.points)
    np.testing.assert_array_equal(capture.rgb, want.rgb)
    assert abs(capture.camera.fx - want.camera.fx) < 0.01


@pytest.mark.parametrize(("unit", "scale"), [("mm", 1e3), ("um", 1e6), ("inch", 1 / 0.0254), ("m", 1.0)])
def test_units(tmp_path, unit, scale):
    trees.write_pair(tmp_path, "000", trees.good(0), scale)
    capture = cm.read_capture(tmp_path / "rgb/000.png", tmp_path / "xyz/000.tiff", unit=unit)
    np.testing.assert_allclose(capture.points, trees.good(0).points, rtol=2e-7)
    own = read_xyz(tmp_path / "xyz/000.tiff")
    nothing = np.zeros(capture.shape, bool)
    assert capture.encoding.encoded(capture.points, nothing).tobytes() == own.tobytes()


@pytest.mark.parametrize("code", [np.nan, np.inf, -np.inf, 65535.0, 0.0, 1e10])
def test_codes_for_nothing_measured(pair, code):
    xyz = read_xyz(pair / "xyz/000.tiff")
    xyz[40:60, 40:70] = code
    write_xyz(pair / "xyz/000.tiff", xyz)
    capture = cm.read_capture(pair / "rgb/000.png", pair / "xyz/000.tiff")
    assert np.isnan(capture.points[40:60, 40:70]).all()
    assert np.isfinite(capture.points[61:, 71:]).all()


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".npy"])
def test_depth_needs_a_camera_and_then_gives_points(tmp_path, suffix):
    want = trees.good(0)
    write_rgb(tmp_path / "rgb.png", want.rgb)
    write_depth(tmp_path / f"depth{suffix}", want.depth)
    camera = {name: getattr(want.camera, name) for name in ("fx", "fy", "cx", "cy", "width", "height")}
    (tmp_path / "camera.yaml").write_text(yaml.safe_dump(camera))
    capture = cm.read_capture(tmp_path / "rgb.png", tmp_path / f"depth{suffix}", intrinsics=tmp_path / "camera.yaml")
    assert capture.camera.fx == want.camera.fx
    np.testing.assert_allclose(capture.points, want.points, atol=6e-4 if suffix == ".png" else 1e-6)
    (tmp_path / "halcon.json").write_text(json.dumps(trees.halcon(want)))
    again = cm.read_capture(tmp_path / "rgb.png", tmp_path / f"depth{suffix}", intrinsics=tmp_path / "halcon.json")
    np.testing.assert_allclose(again.points, capture.points, atol=1e-6)


@pytest.mark.parametrize("encoding", ["ascii", "binary", "binary_compressed"])
def test_a_scene_is_written_back_with_only_its_masked_samples_changed(tmp_path, encoding):
    path = tmp_path / "scene.pcd"
    write_pcd(path, trees.scene(trees.good(0)), encoding)
    before = cm.read_capture(path)
    np.testing.assert_array_equal(before.points, trees.good(0).points)
    np.testing.assert_array_equal(pcd.read_labels(path).ravel(), np.arange(before.rgb[..., 0].size) % 7)
    result = cm.synthesize(before, cm.Dent(), seed=1)
    pcd.write_scene(tmp_path / "after.pcd", path, result.after, result.masks.rgb, result.masks.points)
    old, new = read_pcd(path), read_pcd(tmp_path / "after.pcd")
    assert pcd.encoding_of(tmp_path / "after.pcd") == encoding
    assert new.fields["label"].tobytes() == old.fields["label"].tobytes()
    same = ~result.masks.points.ravel()
    for axis in "xyz":
        assert new.fields[axis][same].tobytes() == old.fields[axis][same].tobytes()
    after = cm.read_capture(tmp_path / "after.pcd")
    np.testing.assert_array_equal(after.points, result.after.points)
    np.testing.assert_array_equal(after.rgb, result.after.rgb)


def test_read_captures_iterates(category):
    names = [capture.name for capture in cm.read_captures(category / "train")]
    assert names == [f"good/{i:03d}" for i in range(4)]


# what is refused


def cut(path, keep=0.6):
    path.write_bytes(path.read_bytes()[:int(keep * path.stat().st_size)])


def spoil_xyz(pair, change):
    xyz = read_xyz(pair / "xyz/000.tiff")
    write_xyz(pair / "xyz/000.tiff", change(xyz))


def planted_png(pair):
    cut(pair / "rgb/000.png")


def planted_tiff(pair):
    cut(pair / "xyz/000.tiff")


def planted_size(pair):
    write_rgb(pair / "rgb/000.png", trees.good(0).rgb[:100, :120].copy())


def planted_mm(pair):
    spoil_xyz(pair, lambda xyz: xyz * np.float32(1000))


def planted_nothing(pair):
    spoil_xyz(pair, np.zeros_like)


def planted_behind(pair):
    spoil_xyz(pair, lambda xyz: -xyz)


def planted_shuffle(pair):
    spoil_xyz(pair, lambda xyz: np.ascontiguousarray(xyz[::-1]))


def planted_float64(pair):
    tifffile.imwrite(pair / "xyz/000.tiff", read_xyz(pair / "xyz/000.tiff").astype(np.float64), photometric="rgb")


def planted_text(pair):
    (pair / "rgb/000.png").write_text("a picture")


def planted_16_bits(pair):
    cv2.imwrite(str(pair / "rgb/000.png"), trees.good(0).rgb.astype(np.uint16) * 256)


def planted_calibration(pair):
    (pair / "calibration").mkdir()
    wrong = trees.halcon(trees.good(0)) | {"image_width": 99}
    (pair / "calibration/camera_parameters.json").write_text(json.dumps(wrong))


def planted_half_calibration(pair):
    (pair / "calibration").mkdir()
    (pair / "calibration/camera_parameters.json").write_text('{"camera_type": "area_scan_division"}')


UNREADABLE = [
    (planted_png, "rgb/000.png is truncated; copy it again from the source"),
    (planted_tiff, "xyz/000.tiff is truncated or not a TIFF; copy it again from the source"),
    (planted_size, "rgb/000.png is 120x100 pixels but {pair}/xyz/000.tiff is 160x160; "
                   "a capture needs both at the same size, pixel for pixel"),
    (planted_mm, "xyz/000.tiff: median z is 302; that looks like millimetres: say --unit mm"),
    (planted_nothing, "xyz/000.tiff has 0 valid points (0, NaN, inf and 65535 are none); export it again*"),
    (planted_behind, "xyz/000.tiff: median z is -0.3*, behind the camera; turn y and z round*"),
    (planted_shuffle, "xyz/000.tiff*pixels; export them organised and in the camera's axes*"),
    (planted_float64, "xyz must be float32 (H, W, 3), but {pair}/xyz/000.tiff holds float64 (160, 160, 3)"),
    (planted_text, "rgb/000.png is not a PNG, JPEG or BMP; convert it to PNG"),
    (planted_16_bits, "rgb/000.png has 16 bits a channel, and rgb is 8; convert it to 8-bit PNG"),
    (planted_calibration, "camera_parameters.json is for 99x160 pixels but*resize the camera with its images"),
    (planted_half_calibration, "camera_parameters.json has no focus; give fx fy cx cy width height"),
]


def says(error, pattern: str) -> bool:
    """Whether an error is one line that matches a pattern with * and ?, and ends or begins as it does."""
    from fnmatch import fnmatchcase

    text = str(error)
    return "\n" not in text and fnmatchcase(text.replace("[", "("), f"*{pattern}".replace("[", "("))


@pytest.mark.parametrize(("plant", "sentence"), UNREADABLE, ids=lambda x: getattr(x, "__name__", ""))
def test_a_capture_that_cannot_be_read_gets_one_line(pair, plant, sentence, capfd):
    plant(pair)
    with pytest.raises((ValueError, OSError)) as caught:
        datasets.load(datasets.sources(pair)[0])
    assert says(caught.value, sentence.format(pair=pair)), str(caught.value)
    assert capfd.readouterr().err == ""


def without(*paths):
    def plant(folder):
        for path in paths:
            target = folder / path
            if target.is_dir():
                for file in target.iterdir():
                    file.unlink()
                target.rmdir()
            else:
                target.unlink()
    return plant


UNLISTABLE = [
    (without("train/good/xyz/002.tiff"), "train/good/rgb/002.png has no partner 002 in*train/good/xyz; "
                                         "add it or remove this file"),
    (without("train/good/rgb/002.png", "train/good/rgb/001.png"),
     "train/good/xyz/001.tiff has no partner 001 in*rgb (and 1 more); add it or remove this file"),
    (without("train/good/xyz"), "train/good/rgb has no xyz/ beside it; a capture needs rgb and xyz"),
]


@pytest.mark.parametrize(("plant", "sentence"), UNLISTABLE)
def test_a_missing_partner_gets_one_line(category, plant, sentence):
    plant(category)
    with pytest.raises(ValueError) as caught:
        datasets.sources(category)
    assert says(caught.value, sentence), str(caught.value)


@pytest.mark.parametrize(("path", "sentence"), [
    ("nowhere", "nowhere does not exist; check the path"),
    ("empty", "empty holds no captures that are known; give an MVTec 3D-AD tree*"),
    ("lone.png", "lone.png is no capture by itself; give*"),
    ("part/nothing.pcd", "nothing.pcd does not exist; check the path"),
])
def test_what_is_no_dataset_gets_one_line(tmp_path, path, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "lone.png").write_bytes(b"")
    with pytest.raises((ValueError, OSError)) as caught:
        datasets.sources(tmp_path / path)
    assert says(caught.value, sentence), str(caught.value)


def test_clouds_without_a_grid_or_colour_are_refused(tmp_path):
    whole = trees.scene(trees.good(0))
    write_pcd(tmp_path / "flat.pcd", Pcd(whole.fields, whole.width * whole.height, 1))
    write_pcd(tmp_path / "grey.pcd", Pcd({a: whole.fields[a] for a in "xyz"}, whole.width, whole.height))
    for name, sentence in (("flat", "flat.pcd is not organised (25600x1 points)*"),
                           ("grey", "grey.pcd has no rgb or rgba field; export it with its colours")):
        with pytest.raises(ValueError) as caught:
            cm.read_capture(tmp_path / f"{name}.pcd")
        assert says(caught.value, sentence), str(caught.value)


def test_depth_without_a_camera_says_how_to_give_one(tmp_path):
    write_rgb(tmp_path / "rgb.png", trees.good(0).rgb)
    write_depth(tmp_path / "depth.png", trees.good(0).depth)
    with pytest.raises(ValueError, match=r"depth without a camera; say --intrinsics FILE"):
        cm.read_capture(tmp_path / "rgb.png", tmp_path / "depth.png")


@pytest.mark.parametrize(("options", "sentence"), [
    ({"unit": "cm"}, "unit must be one of m, mm, um, inch, but got cm"),
    ({"depth_scale": -1.0}, "depth scale must be above 0"),
    ({"unit": "mm", "depth_scale": 0.001}, "give one of them"),
])
def test_reading_options_are_checked(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Reading(**options)


# what is written


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

    monkeypatch.setattr(mvtec3d_writer, {"xyz": "write_xyz", "displacement": "_write_displacement"}[broken], fail)
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


def test_a_broken_capture_is_not_copied(tmp_path, pair):
    planted_png(pair)
    with pytest.raises(ValueError, match="truncated"):
        write_copy(tmp_path / "out", Copy(datasets.sources(pair)[0], "train/good/000"), Reading())
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


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


@pytest.mark.parametrize(("out", "sentence"), [
    ("part", "is the source itself"),
    ("part/train/new", "lies inside the source"),
    (".", "holds the source"),
    ("package", "is a Python package"),
    ("file", "is a file; choose a folder"),
    ("file/below", "cannot be written"),
])
def test_where_nothing_may_be_written(category, out, sentence):
    root = category.parent
    (root / "package").mkdir()
    (root / "package/__init__.py").write_text("")
    (root / "file").write_text("")
    before = trees.digests(root)
    with pytest.raises(ValueError, match=sentence):
        checked_out(root / out, category)
    assert trees.digests(root) == before
    assert not (root / "part/train/new").exists()


def test_difficulty_is_by_the_plainest_modality():
    seen = [Visibility(a, b) for a, b in ((0, 12), (4, 0), (1.5, 1), (1, 0.2))]
    assert [one.difficulty for one in seen] == ["easy", "medium", "hard", "hidden"]
    assert [one.difficulty_in for one in seen[:2]] == [{"rgb": "hidden", "depth": "easy"},
                                                       {"rgb": "medium", "depth": "hidden"}]


# real captures


def test_mvtec_samples_are_read_with_a_camera_that_fits(shared):
    root = shared / "data/mvtec3d_sample/cable_gland"
    source = datasets.find(root, "train/good/003")
    capture = datasets.load(source)
    assert cm.camera.residual(capture.camera, capture.points).median_px < 0.05
    nothing = np.zeros(capture.shape, bool)
    assert capture.encoding.encoded(capture.points, nothing).tobytes() == read_xyz(source.geometry).tobytes()
    assert xyz_of(capture).tobytes() == read_xyz(source.geometry).tobytes()


def test_table_scenes_are_read_with_their_sensors_camera(shared):
    for source in datasets.sources(shared / "data/mosd")[:2]:
        camera = datasets.load(source).camera
        np.testing.assert_allclose((camera.fx, camera.fy, camera.cx, camera.cy), (525, 525, 319.5, 239.5), atol=1e-4)
        assert pcd.read_labels(source.geometry).max() >= 20



def test_a_capture_without_a_gap_is_read(tmp_path):
    capture = trees.toys.plane()
    assert capture.valid.all()
    trees.write_pair(tmp_path, "000", capture)
    (read,) = cm.read_captures(tmp_path)
    assert np.array_equal(read.points, capture.points)


def test_a_replay_reads_as_the_manifest_says(tmp_path):
    from crossmodal.datasets.remembered import read_as, remembered

    camera = tmp_path / "camera.json"
    camera.write_text("{}")
    for reading in (datasets.Reading("mm"), datasets.Reading(depth_scale=2e-4),
                    datasets.Reading("mm", viewpoint=(0, 0, 5)), datasets.Reading(mm_per_pixel=0.1)):
        entries = [{"id": "test/dent/000", "sha256": {}, "source": {"path": "a", **read_as(reading)}}]
        assert remembered(entries, datasets.Reading()) == reading
        assert remembered(entries, reading) == reading
        assert remembered([entries[0] | {"sha256": None}], datasets.Reading()) == datasets.Reading(), "a bare plan"
        with pytest.raises(ValueError, match=r"say the same|leave it away"):
            remembered(entries, datasets.Reading("inch"))
        with pytest.raises(ValueError, match=r"say the same|leave it away"):
            remembered([*entries, {"id": "test/dent/001", "sha256": {}, "source": {"path": "a"}}], datasets.Reading())
    own = datasets.Reading(None, camera)
    entries = [{"id": "test/dent/000", "sha256": {}, "source": {"path": "a", **read_as(own)}}]
    assert remembered(entries, own).intrinsics == camera
    with pytest.raises(ValueError, match=r"made with --intrinsics [0-9a-f]{64}; say the same"):
        remembered(entries, datasets.Reading())
