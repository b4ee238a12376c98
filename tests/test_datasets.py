"""Captures and datasets: what is listed, and what is read."""

import json

import numpy as np
import pytest
import trees
import yaml

import crossmodal as cm
from crossmodal import datasets
from crossmodal.datasets import pcd
from crossmodal.datasets.mvtec3d_writer import xyz_of
from depth import read_xyz, write_depth, write_xyz
from pointcloud import read_pcd, write_pcd
from rgb import write_rgb


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
