"""RGB-D's cameras: every way to write one, what is not understood, and who is believed."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import rgbd_trees
import yaml
from hypothesis import given
from hypothesis import strategies as st

from crossmodal import datasets
from crossmodal.camera import Camera
from crossmodal.datasets.intrinsics import depth_unit, read_calibration
from crossmodal.datasets.source import Reading

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


def test_yaml_is_read_without_its_tags(tmp_path):
    (tmp_path / "c.yaml").write_text("fx: !!python/object/apply:os.getpid []\n")
    with pytest.raises(ValueError, match="is not JSON or YAML"):
        read_calibration(tmp_path / "c.yaml")
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load((tmp_path / "c.yaml").read_text())
