"""RGB-D as sensors leave it: every layout, every unit and every code; nothing is touched."""

import json

import cv2
import numpy as np
import pytest
import rgbd_trees
import tifffile
import trees
from hypothesis import given
from hypothesis import strategies as st

import crossmodal as cm
from crossmodal import datasets
from crossmodal.camera import Camera
from crossmodal.cli import main
from crossmodal.datasets.decode import depth_m, points_m, voids
from crossmodal.datasets.names import key_of, role_of
from crossmodal.datasets.source import Reading
from depth import read_xyz
from pointcloud import Pcd, read_ply, write_pcd
from rgb import read_rgb

COUNT_M = {"realsense": 1e-3, "ros": 1e-3, "bop": 1e-4, "open3d": 1e-3}


def reading(layout: str) -> Reading:
    return Reading(rgbd_trees.UNITS.get(layout))


# layouts


@pytest.mark.parametrize("layout", rgbd_trees.LAYOUTS)
def test_a_layout_is_found_without_a_flag_and_says_what_the_sensor_saw(layout, scenes, tmp_path):
    root = rgbd_trees.LAYOUTS[layout](tmp_path / "in", scenes)
    before = trees.digests(root)
    found = datasets.sources(root)
    assert len(found) == len(scenes)
    for source, want in zip(found, scenes, strict=True):
        capture = datasets.load(source, reading(layout))
        np.testing.assert_array_equal(capture.valid, want.valid)
        rounding = 0.5 * COUNT_M.get(layout, 0) + 1e-6
        assert np.nanmax(np.abs(capture.points - want.points)) <= rounding * 1.2  # x and y are less than z
        for word in ("fx", "fy", "cx", "cy"):
            assert getattr(capture.camera, word) == pytest.approx(getattr(want.camera, word), abs=2e-3)
        grey = cv2.cvtColor(want.rgb, cv2.COLOR_RGB2GRAY)[..., None]
        off = np.abs(capture.rgb.astype(int) - (grey if layout == "photoneo" else want.rgb))
        assert np.median(off) <= 3 if layout in ("bop", "open3d") else not off.any()  # those are JPEG
    assert trees.digests(root) == before


@pytest.mark.parametrize("layout", rgbd_trees.LAYOUTS)
def test_what_is_not_touched_keeps_its_bits_in_the_sources_own_unit(layout, scenes, tmp_path):
    root = rgbd_trees.LAYOUTS[layout](tmp_path / "in", scenes[:1])
    capture = datasets.load(datasets.sources(root)[0], reading(layout))
    result = cm.synthesize(capture, cm.Dent(diameter_mm=30, depth_mm=8), seed=3)
    own, changed = capture.encoding, result.masks.points | result.masks.depth
    assert changed.any()
    after = own.encoded(result.after.points, changed)
    assert after.dtype == own.values.dtype
    assert after[~changed].tobytes() == own.values[~changed].tobytes()
    again = (depth_m if after.ndim == 2 else points_m)(root, after, own.unit_m)[0]
    z = again if again.ndim == 2 else again[..., 2]
    assert np.nanmax(np.abs(z - result.after.depth)) <= 0.5 * own.unit_m * (own.values.dtype.kind == "u") + 2e-7
    assert (own.encoded(result.after.points, changed | ~changed) != own.values).any(), "the planted change is seen"


def test_the_raw_depth_beside_the_aligned_one_is_left_alone(scenes, tmp_path):
    found = datasets.sources(rgbd_trees.ros(tmp_path, scenes))
    assert {source.geometry.parent.name for source in found} == {"aligned_depth"}


def test_floats_are_metres_by_rep_118(scenes, tmp_path):
    root = rgbd_trees.ros(tmp_path, scenes, floats=True)
    capture = datasets.load(datasets.sources(root)[0])
    np.testing.assert_array_equal(capture.depth, scenes[0].depth)
    assert np.isnan(capture.encoding.invalid)


def test_every_level_of_a_bop_dataset_is_listed_and_each_image_has_its_camera(scenes, tmp_path):
    root = rgbd_trees.bop(tmp_path / "set", scenes)
    said = json.loads((root / "test/000002/scene_camera.json").read_text())
    said["1"]["cam_K"][0] = 600.0
    rgbd_trees.say(root / "test/000002/scene_camera.json", said)
    for inside, first in ((".", "test/000002/000000"), ("test", "000002/000000"), ("test/000002", "000000")):
        found = datasets.sources(root / inside)
        assert found[0].path == first
        assert [round(datasets.load(source).camera.fx) for source in found] == [525, 600]
    said.pop("1")
    rgbd_trees.say(root / "test/000002/scene_camera.json", said)
    with pytest.raises(ValueError, match=r"scene_camera.json has no camera for image 000001; add it"):
        datasets.load(datasets.sources(root)[1])


def test_splits_may_hold_depth_instead_of_points(scenes, tmp_path):
    rgbd_trees.realsense(tmp_path / "part/train/good", scenes)
    (tmp_path / "part/train/good/intrinsics.json").rename(tmp_path / "part/intrinsics.json")
    found = datasets.sources(tmp_path / "part")
    assert (found[0].path, found[0].split, found[0].coding) == ("train/good/color_0000", "train", "depth")
    assert datasets.load(found[0]).camera.fx == pytest.approx(525)


@pytest.mark.parametrize("says", ["num_cols", "camera", "nothing"])
def test_a_ply_that_says_its_grid_needs_no_picture_and_one_that_does_not_is_refused(says, scenes, tmp_path):
    root = rgbd_trees.zivid(tmp_path, scenes[:1], says)
    height, width = scenes[0].shape
    assert read_ply(root / "scan0.ply").size == (None if says == "nothing" else (height, width))
    if says != "nothing":
        np.testing.assert_allclose(cm.read_capture(root, unit="mm").points, scenes[0].points, atol=1e-6)
        return
    with pytest.raises(ValueError, match=rf"scan0.ply holds {height * width} points but no grid that they fill; "
                                         "export it organised"):
        cm.read_capture(root, unit="mm")


def test_a_texture_of_more_bits_becomes_grey_by_its_brightest(scenes, tmp_path):
    grey = cv2.cvtColor(scenes[0].rgb, cv2.COLOR_RGB2GRAY)
    for name, values in (("intensity", grey.ravel()), ("Texture", grey.ravel().astype("<f4") * 16),
                         ("gray", grey.ravel().astype("<u2") * 257)):
        rgbd_trees.ply(tmp_path / f"{name}.ply", scenes[0].points, {name: values})
        rgb = cm.read_capture(tmp_path / f"{name}.ply").rgb
        assert (rgb == rgb[..., :1]).all()
        want = grey if name == "intensity" else (grey * (255 / np.quantile(grey, 0.999))).clip(0, 255)
        assert np.abs(rgb[..., 0].astype(float) - want).max() <= 0.51


@pytest.mark.parametrize("spec", [cm.Contamination(), cm.Stain(), cm.Burn(), cm.Dent()], ids=lambda spec: spec.kind)
def test_a_grey_picture_stays_grey(spec, scenes, tmp_path):
    capture = datasets.load(datasets.sources(rgbd_trees.photoneo(tmp_path, scenes[1:]))[0], Reading("mm"))
    assert capture.grey
    assert not scenes[1].grey
    result = cm.synthesize(capture, spec, seed=2)
    assert (result.after.rgb == result.after.rgb[..., :1]).all()
    np.testing.assert_array_equal(result.after.rgb[~result.masks.rgb], capture.rgb[~result.masks.rgb])
    coloured = cm.synthesize(scenes[1], spec, seed=2)
    assert not (coloured.after.rgb == coloured.after.rgb[..., :1]).all()


@pytest.mark.parametrize(("stem", "role", "key"), [
    ("000", None, "000"), ("part_7", None, "part_7"), ("rgb", "rgb", ""), ("color_0001", "rgb", "0001"),
    ("frame-000012.color", "rgb", "frame-000012"), ("frame-000012.depth", "depth", "frame-000012"),
    ("depth0001", "depth", "0001"), ("distance_to_image_plane_0003", "depth", "0003"), ("scan_3_xyz", "xyz", "scan_3"),
    ("coloring", None, "coloring"), ("Image_4", "rgb", "4"), ("left depth 4", "depth", "left_4")])
def test_what_a_name_says(stem, role, key):
    assert (role_of(stem), key_of(stem)) == (role, key)


def test_a_missing_partner_is_named(scenes, tmp_path):
    root = rgbd_trees.realsense(tmp_path, scenes)
    (root / "depth/depth_0001.png").unlink()
    with pytest.raises(ValueError, match=r"color_0001.png has no partner 0001 in .*depth; add it or remove"):
        datasets.sources(root)


# codes


@given(st.lists(st.sampled_from([0.0, np.nan, np.inf, -np.inf, 65535.0, 1e10, 0.7]), min_size=6, max_size=6),
       st.booleans())
def test_every_pixel_has_one_code_or_a_measurement(z, points):
    values = np.array(z, np.float32).reshape(2, 3)
    if points:
        values = np.stack((np.ones_like(values), np.zeros_like(values), values), -1)
    masks = voids(values)
    assert sum(int(mask.sum()) for mask in masks.values()) + z.count(0.7) == 6
    assert int(masks["0"].sum()) == z.count(0.0)
    assert int(masks["65535"].sum()) == z.count(65535.0)


@pytest.mark.parametrize("suffix", [".tiff", ".npy", ".png"])
def test_counts_of_16_bits_are_millimetres_in_any_file(suffix, scenes, tmp_path):
    counts = rgbd_trees.counts(scenes[0])
    if suffix == ".tiff":
        tifffile.imwrite(tmp_path / "depth.tiff", counts, photometric="minisblack")
    else:
        rgbd_trees.put(tmp_path / f"depth{suffix}", counts)
    rgbd_trees.put(tmp_path / "color.png", scenes[0].rgb)
    rgbd_trees.say(tmp_path / "camera.json", {name: getattr(scenes[0].camera, name) for name in (
        "fx", "fy", "cx", "cy", "width", "height")})
    capture = cm.read_capture(tmp_path)
    assert capture.encoding.values.tobytes() == counts.tobytes()
    assert np.nanmax(np.abs(capture.depth - scenes[0].depth)) <= 5.1e-4


def test_a_pcd_may_have_a_grey_texture_or_stand_beside_its_picture(scenes, tmp_path):
    height, width = scenes[0].shape
    grey = cv2.cvtColor(scenes[0].rgb, cv2.COLOR_RGB2GRAY)
    fields = {axis: np.ascontiguousarray(scenes[0].points[..., i]).ravel() for i, axis in enumerate("xyz")}
    (tmp_path / "one").mkdir()
    write_pcd(tmp_path / "one/scene.pcd", Pcd(fields | {"intensity": grey.ravel()}, width, height))
    np.testing.assert_array_equal(cm.read_capture(tmp_path / "one").rgb[..., 1], grey)
    rgbd_trees.put(tmp_path / "two/rgb/7.png", scenes[0].rgb)
    (tmp_path / "two/pcd").mkdir()
    write_pcd(tmp_path / "two/pcd/7.pcd", Pcd(fields, width, height))
    np.testing.assert_array_equal(cm.read_capture(tmp_path / "two").rgb, scenes[0].rgb)


def test_a_stray_picture_beside_scenes_is_left_alone(scenes, tmp_path):
    root = rgbd_trees.pcd(tmp_path, scenes)
    rgbd_trees.put(root / "image.png", scenes[0].rgb)
    assert [source.coding for source in datasets.sources(root)] == ["pcd", "pcd"]
    rgbd_trees.put(root / "rgb.png", scenes[0].rgb)
    with pytest.raises(ValueError, match=r"rgb.png has no xyz.tiff or depth.png beside it"):
        datasets.sources(root)


@pytest.mark.parametrize("code", [0, 65535])
def test_a_count_that_says_nothing_was_measured_is_kept_as_it_was(code, scenes):
    values = rgbd_trees.counts(scenes[0])
    values[10:20] = code
    metres, encoding = depth_m("x", values, None)
    assert np.isnan(metres[10:20]).all()
    assert encoding.encoded(np.zeros((*values.shape, 3)), np.zeros(values.shape, bool)).tobytes() == values.tobytes()


# all the way


def test_a_realsense_folder_becomes_a_dataset_in_mvtecs_layout_that_agrees(scenes, tmp_path, capsys):
    root = rgbd_trees.realsense(tmp_path / "in", scenes, 0.00025)
    before, out = trees.digests(root), tmp_path / "out"
    assert main(["synthesize", str(root), "--out", str(out), "--kinds", "dent,stain", "--count", "2", "--seed", "1",
                 "--allow-overlap"]) == 0
    assert trees.digests(root) == before
    said = json.loads((out / "calibration/camera_parameters.json").read_text())
    assert Camera.from_halcon(said).fx == pytest.approx(525)
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    for entry in entries:
        own = datasets.load(datasets.find(root, entry["source"]["path"]))
        xyz = read_xyz(out / entry["files"]["xyz"])
        still = read_rgb(out / entry["files"]["gt_depth"]).pixels[..., 0] == 0
        np.testing.assert_array_equal(xyz[still], np.nan_to_num(own.points)[still])
    assert main(["check", str(out), "--source", str(root)]) == 0, capsys.readouterr().out


def test_an_edited_depth_is_lifted_in_its_captures_own_counts(scenes, tmp_path):
    root = rgbd_trees.realsense(tmp_path / "in", scenes, 0.00025)
    counts = cv2.imread(str(root / "depth/depth_0000.png"), cv2.IMREAD_UNCHANGED)
    counts[100:112, 100:112] += np.where(counts[100:112, 100:112] > 0, 40, 0).astype(np.uint16)  # 10 mm
    cv2.imwrite(str(tmp_path / "edited.png"), counts)
    assert main(["lift", str(root / "color/color_0000.png"), "--depth", str(tmp_path / "edited.png"),
                 "--out", str(tmp_path / "out")]) == 0
    entry = json.loads((tmp_path / "out/manifest.jsonl").read_text())
    assert 5 < entry["defects"][0]["measured"]["max_depth_mm"] < 20


def test_real_scenes_come_back_from_every_layout(shared, tmp_path):
    scene = datasets.load(datasets.sources(shared / "data/mosd")[2])
    for layout, make in rgbd_trees.LAYOUTS.items():
        root = make(tmp_path / layout, [scene])
        capture = datasets.load(datasets.sources(root)[0], reading(layout))
        np.testing.assert_array_equal(capture.valid, scene.valid)
        assert np.nanmax(np.abs(capture.depth - scene.depth)) < 1e-6, layout  # its sensor's counts are 1 mm
