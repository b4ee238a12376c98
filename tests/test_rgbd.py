"""RGB-D as sensors leave it: every layout, every way to write a camera, every unit and code; nothing is touched."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import rgbd_trees
import tifffile
import trees
import yaml
from hypothesis import given
from hypothesis import strategies as st

import crossmodal as cm
from crossmodal import captures, datasets
from crossmodal.camera import Camera
from crossmodal.cli import main
from crossmodal.datasets.decode import depth_m, points_m, voids
from crossmodal.datasets.intrinsics import depth_unit, read_calibration
from crossmodal.datasets.names import key_of, role_of
from crossmodal.datasets.source import Reading
from depth import read_xyz
from pointcloud import Pcd, read_ply, write_pcd
from rgb import read_rgb

COUNT_M = {"realsense": 1e-3, "ros": 1e-3, "bop": 1e-4, "open3d": 1e-3}


@pytest.fixture(scope="module")
def scenes() -> list:
    """Two shipped captures cut to one size, as one camera would give them."""
    return [_cut(captures.load(name)) for name in ("boxes", "cereal")]


def _cut(capture, size=(200, 160)):
    width, height = size
    camera = replace(capture.camera, width=width, height=height, cx=99.5, cy=79.5)
    z = capture.depth[:height, :width]
    return cm.Capture.from_depth(capture.rgb[:height, :width].copy(), z, camera, capture.name)


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


# cameras

WANT = Camera(640, 480, 610.5, 611.25, 322.5, 238.75)
K = [610.5, 0, 322.5, 0, 611.25, 238.75, 0, 0, 1]
ROWS = [K[:3], K[3:6], K[6:]]
DOWN = [610.5, 0, 0, 0, 611.25, 0, 322.5, 238.75, 1]
PLAIN = {"fx": 610.5, "fy": 611.25, "cx": 322.5, "cy": 238.75}
SIZE = {"width": 640, "height": 480}
RS = {"fx": 610.5, "fy": 611.25, "ppx": 322.5, "ppy": 238.75, **SIZE, "model": "distortion.none", "coeffs": [0.0] * 5}
FORMS = {
    "plain": PLAIN | SIZE,
    "plain, size not said": PLAIN,
    "RealSense": RS,
    "RealSense, both streams": {"depth_scale": 0.001, "depth": RS | {"fx": 1.0}, "color": RS},
    "ROS message": {"camera_info": {**SIZE, "distortion_model": "plumb_bob", "D": [0.0] * 5, "K": K, "R": [1] * 9,
                                    "P": [0] * 12, "roi": {"x_offset": 0, "y_offset": 0, "width": 0, "height": 0}}},
    "ROS 2 message": {**SIZE, "distortion_model": "plumb_bob", "d": [0.0] * 5, "k": K},
    "ROS file": {"image_width": 640, "image_height": 480, "camera_matrix": {"rows": 3, "cols": 3, "data": K},
                 "distortion_coefficients": {"rows": 1, "cols": 5, "data": [0.0] * 5}},
    "ROS window": {"width": 1280, "height": 960, "K": [610.5, 0, 422.5, 0, 611.25, 288.75, 0, 0, 1], "D": [],
                   "roi": {"x_offset": 100, "y_offset": 50, "width": 640, "height": 480}},
    "Open3D": {**SIZE, "intrinsic_matrix": DOWN},
    "Open3D view": {"class_name": "PinholeCameraParameters", "extrinsic": [1] * 16,
                    "intrinsic": {**SIZE, "intrinsic_matrix": DOWN}},
    "row by row": {**SIZE, "intrinsic_matrix": ROWS},
    "BOP camera": {**PLAIN, **SIZE, "depth_scale": 0.1},
    "BOP scene": {"0": {"cam_K": K, "depth_scale": 1.0}, "7": {"cam_K": K, "depth_scale": 1.0}},
    "OpenCV": {"camera_matrix": ROWS, "dist_coeffs": [[0.0, 0.0, 0.0, 0.0, 0.0]], "resolution": [640, 480]},
    "Zivid": {"CameraIntrinsics": {"CameraMatrix": {"CX": 322.5, "CY": 238.75, "FX": 610.5, "FY": 611.25},
                                   "Distortion": {"K1": 0, "K2": 0, "K3": 0, "P1": 0, "P2": 0}}},
}


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
@pytest.mark.parametrize("form", FORMS)
def test_everybody_writes_the_same_camera_in_another_way(form, suffix, tmp_path):
    rgbd_trees.say(tmp_path / f"camera{suffix}", FORMS[form])
    assert read_calibration(tmp_path / f"camera{suffix}", (480, 640), "000007").camera == WANT


def test_opencvs_own_yaml_is_read(tmp_path):
    path = tmp_path / "calib.yml"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for name, value in (("image_width", 640), ("image_height", 480), ("camera_matrix", np.array(ROWS, float)),
                        ("distortion_coefficients", np.array([rgbd_trees.BROWN]))):
        storage.write(name, value)
    storage.release()
    assert read_calibration(path).camera == replace(WANT, model="brown", distortion=rgbd_trees.BROWN)


def test_a_brown_lens_bends_depths_rays_as_opencv_says(scenes, tmp_path):
    root = rgbd_trees.ros(tmp_path, scenes, rgbd_trees.BROWN)
    capture = datasets.load(datasets.sources(root)[0])
    matrix = np.array(rgbd_trees.matrix(capture.camera)).reshape(3, 3)
    grid, points = capture.camera.pixel_grid()[capture.valid], capture.points[capture.valid].astype(float)
    none = np.zeros(3)
    seen = cv2.projectPoints(points, none, none, matrix, np.array(rgbd_trees.BROWN))[0].reshape(-1, 2)
    assert np.abs(seen - grid).max() < 1e-3
    assert np.abs(cv2.projectPoints(points, none, none, matrix, np.zeros(5))[0].reshape(-1, 2) - grid).max() > 0.1


def test_realsenses_inverse_lens_is_said_in_browns_words(tmp_path):
    coeffs = (-0.056, 0.066, -0.0005, 0.0004, -0.021)
    rgbd_trees.say(tmp_path / "c.json", RS | {"model": "distortion.inverse_brown_conrady", "coeffs": coeffs})
    camera = read_calibration(tmp_path / "c.json").camera
    pixels = camera.pixel_grid()[::20, ::20]
    x, y = (pixels[..., 0] - camera.cx) / camera.fx, (pixels[..., 1] - camera.cy) / camera.fy
    k1, k2, p1, p2, k3 = coeffs
    r2 = x * x + y * y
    gain = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3  # rs2_deproject_pixel_to_point
    want = np.stack((x * gain + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                     y * gain + 2 * p2 * x * y + p1 * (r2 + 2 * y * y)), -1)
    off = np.abs(camera.rays(pixels)[..., :2] - want) * camera.fx
    assert off.max() < 0.3
    rgbd_trees.say(tmp_path / "d.json", RS | {"model": "distortion.brown_conrady", "coeffs": coeffs})
    assert np.abs(read_calibration(tmp_path / "d.json").camera.rays(pixels)[..., :2] - want).max() * 610 > 3


@pytest.mark.parametrize(("change", "sentence"), [
    ({"distortion_model": "equidistant", "D": [0.1, 0, 0, 0]}, "lens model with coefficients 0.1 0 0 0 is not known"),
    ({"distortion_model": "rational_polynomial", "D": [0.1] * 8}, "a rational lens model .* is not known; undistort"),
    ({"K": K[:8]}, "has no fx; give fx fy cx cy width height"),
    ({"width": 0}, "image size must be positive"),
    ({"width": "wide"}, "invalid literal for int.*mend that number"),
    ({"depth_scale": -1}, "depth_scale must be above 0, but got -1"),
])
def test_a_camera_that_is_not_understood_gets_one_line(change, sentence, tmp_path):
    rgbd_trees.say(tmp_path / "c.yaml", {**SIZE, "K": K, "D": [0.0] * 5} | change)
    with pytest.raises(ValueError, match=sentence) as caught:
        read_calibration(tmp_path / "c.yaml")
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "c.yaml") in str(caught.value)


@pytest.mark.parametrize(("scale", "metres"), [(1000, 1e-3), (5000, 2e-4), (0.001, 1e-3), (0.00025, 2.5e-4),
                                               (9.999999747378752e-05, 1e-4), (1.0, 1e-3), (0.1, 1e-4), (4000, 2.5e-4)])
def test_the_three_habits_of_a_depth_scale(scale, metres):
    assert depth_unit(scale)[0] == pytest.approx(metres, rel=1e-6)


@given(st.floats(1e-5, 5e-3))
def test_a_count_a_metre_and_its_inverse_say_the_same(metres):
    assert depth_unit(metres)[0] == pytest.approx(metres)
    assert depth_unit(1 / metres)[0] == pytest.approx(metres)


def test_the_user_is_believed_before_the_file(scenes, tmp_path):
    root = rgbd_trees.realsense(tmp_path, scenes, 0.00025)
    source = datasets.sources(root)[0]
    assert datasets.load(source).encoding.unit_m == 0.00025
    assert datasets.load(source, Reading(depth_scale=0.0005)).encoding.unit_m == 0.0005
    rgbd_trees.say(tmp_path / "mine.json", PLAIN | {"width": 200, "height": 160})
    mine = datasets.load(source, Reading(intrinsics=tmp_path / "mine.json"))
    assert (mine.camera.fx, mine.encoding.unit_m) == (610.5, 0.001)


def test_a_camera_of_another_size_is_refused_for_depth_and_passed_over_for_points(scenes, tmp_path):
    root = rgbd_trees.realsense(tmp_path / "depth", scenes)
    rgbd_trees.say(root / "intrinsics.json", PLAIN | SIZE)
    with pytest.raises(ValueError, match=r"intrinsics.json is for 640x480 pixels but .* is 200x160; resize the camera"):
        datasets.load(datasets.sources(root)[0])
    root = rgbd_trees.npy_points(tmp_path / "points", scenes)
    rgbd_trees.say(root / "intrinsics.json", PLAIN | SIZE)
    source = datasets.sources(root)[0]
    assert datasets.load(source, Reading("mm")).camera.fx == pytest.approx(525, abs=1e-3)
    with pytest.raises(ValueError, match="resize the camera"):  # what the user gave is meant
        datasets.load(source, Reading("mm", root / "intrinsics.json"))


def test_depth_of_another_size_says_how_to_go_on(scenes, tmp_path):
    root = rgbd_trees.realsense(tmp_path, scenes)
    rgbd_trees.put(root / "depth/depth_0000.png", rgbd_trees.counts(scenes[0])[::2, ::2].copy())
    with pytest.raises(ValueError, match=r"is 200x160 pixels but .* is 100x80; align depth to colour, or .* rig.json"):
        datasets.load(datasets.sources(root)[0])


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


def test_yaml_is_read_without_its_tags(tmp_path):
    (tmp_path / "c.yaml").write_text("fx: !!python/object/apply:os.getpid []\n")
    with pytest.raises(ValueError, match="is not JSON or YAML"):
        read_calibration(tmp_path / "c.yaml")
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load((tmp_path / "c.yaml").read_text())
