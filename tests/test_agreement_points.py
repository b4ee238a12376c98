"""check finds what is wrong with points: their unit, their codes, their rays and their labels."""

import json
import shutil

import cv2
import numpy as np
import pytest
import tifffile
from agreeing import CX, CY, F, H, W, edit, picture, plane, put, violated, write

from crossmodal.evaluation import check
from pointcloud import PointCloud, write_cloud


def test_millimetres(planes):
    out, _ = planes
    for path in sorted(out.glob("*/*/xyz/*.tiff")):
        edit(path, lambda a: a * np.float32(1000), out)
    report = check(out)
    assert violated(report) == {"units, median z"}
    assert next(row for row in report.rows if row.test == "units, median z").violations == 5


@pytest.mark.parametrize(("what", "value"), [
    ("NaN", np.nan), ("inf", np.inf), ("65535", 65535), ("behind", [0.1, 0.1, -0.5]),
    ("z = 0", [0.1, 0.1, 0])])
def test_invalid_codes(planes, what, value):
    out, _ = planes
    edit(out / "train/good/xyz/000.tiff", put((80, 20), value))
    report = check(out)
    assert violated(report) == {"invalid codes"}
    assert what in report.findings[0].reason


def test_a_huge_constant_for_nothing(planes):
    out, _ = planes
    edit(out / "train/good/xyz/000.tiff", put((slice(80, 84), 20, 2), 1e5))
    assert violated(check(out)) == {"invalid codes"}


def test_half_a_point(planes):
    out, _ = planes
    edit(out / "train/good/xyz/000.tiff", put((80, slice(20, 40), slice(0, 2)), 0))
    assert "invalid codes" in violated(check(out))


def test_xyz_shifted_against_rgb(planes):
    out, source = planes
    edit(out / "train/good/xyz/001.tiff", lambda a: np.concatenate((np.zeros_like(a[:, :3]), a[:, :-3]), 1))
    assert violated(check(out)) == {"same camera throughout"}
    assert violated(check(out, source)) == {"same camera throughout", "good copies untouched"}


def test_points_that_sit_in_no_pixel(planes):
    out, _ = planes
    jitter = np.random.default_rng(0).normal(0, 0.005, (H, W))
    xyz = out / "train/good/xyz/001.tiff"
    edit(xyz, lambda a: np.dstack((a[..., 0] + jitter * (a[..., 2] > 0), a[..., 1:])).astype(np.float32))
    assert violated(check(out)) == {"own pixel, fitted camera, p99"}


def test_changed_points_off_their_rays(planes):
    out, source = planes
    mask = cv2.imread(str(out / "test/dent/gt_depth/000.png"), cv2.IMREAD_UNCHANGED) > 0

    def z_only(moved):  # the toy's way: a new z with the old x and y
        moved[mask, :2] = plane(0)[mask, :2]
    edit(out / "test/dent/xyz/000.tiff", z_only, out)
    assert violated(check(out, source)) == {"changed points on their rays"}


def calibration(out, **changes):
    (out / "calibration").mkdir()
    halcon = {"camera_type": "area_scan_division", "focus": F * 1e-5, "kappa": 0, "sx": 1e-5, "sy": 1e-5,
              "cx": CX, "cy": CY, "image_width": W, "image_height": H} | changes
    (out / "calibration/camera_parameters.json").write_text(json.dumps(halcon))


def test_a_shipped_calibration_is_reported_and_only_a_foreign_one_is_a_violation(planes):
    out, _ = planes
    calibration(out, cy=CY + 1.1)
    report = check(out)
    assert violated(report) == set()
    row = next(row for row in report.rows if row.test.startswith("own pixel, shipped"))
    assert row.worst == pytest.approx(1.1, abs=0.02)
    shutil.rmtree(out / "calibration")
    calibration(out, cx=CX + 40)
    assert violated(check(out)) == {"own pixel, shipped camera, p99"}


def test_depth_beside_xyz(tmp_path):
    xyz = plane(0)
    write(tmp_path / "0_rgb.png", picture(0))
    write(tmp_path / "0_xyz.tiff", xyz)
    for depth, bad in ((np.rint(xyz[..., 2] * 1000).astype(np.uint16), False), (xyz[..., 2], False),
                       (xyz[..., 2] + np.float32(0.002) * (xyz[..., 2] > 0), True),
                       (np.linalg.norm(xyz, axis=-1), True)):
        tifffile.imwrite(tmp_path / "0_depth.tiff", depth)
        report = check(tmp_path)
        assert violated(report) == ({"depth = z"} if bad else set())
        assert report.samples == 1
    assert "along the ray" in report.findings[0].reason


def test_labels_of_a_cloud(planes):
    out, _ = planes
    xyz = tifffile.imread(out / "test/dent/xyz/000.tiff")
    mask = cv2.imread(str(out / "test/dent/gt_depth/000.png"), cv2.IMREAD_UNCHANGED) > 0
    valid = xyz[..., 2] > 0
    (out / "test/dent/points").mkdir()
    for shift, bad in ((0, False), (6, True)):
        labels = np.roll(mask, shift, 0)[valid].astype(np.uint8)
        write_cloud(out / "test/dent/points/000.ply", PointCloud(xyz[valid], labels=labels))
        assert violated(check(out)) == ({"cloud labels on the depth mask"} if bad else set())
