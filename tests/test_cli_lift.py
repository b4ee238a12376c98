"""The command lift: what was made in one modality, in all of them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from commandline import told

from crossmodal.cli import main
from depth import read_xyz, write_depth, write_xyz
from pointcloud import read_cloud
from rgb import read_mask, read_rgb, write_mask, write_rgb


def painted(picture: Path, out: Path) -> np.ndarray:
    pixels = read_rgb(picture).pixels.copy()
    cv2.circle(pixels, (80, 80), 9, (200, 30, 30), -1)
    write_rgb(out, pixels)
    return pixels


def lifted(out: Path, word: str) -> Path:
    return out / "test/lifted" / word / ("000.tiff" if word in ("xyz", "displacement") else "000.png")


def test_a_lifted_sample_is_replayed_from_the_category(untouched, tmp_path, capsys):
    picture = untouched / "train/good/rgb/001.png"
    painted(picture, tmp_path / "painted.png")
    out = tmp_path / "out"
    assert main(["lift", str(picture), "--rgb", str(tmp_path / "painted.png"), "--out", str(out)]) == 0
    assert main(["replay", str(out / "manifest.jsonl"), "--source", str(untouched), "--out", str(tmp_path / "b")]) == 0
    assert "1 of 1 samples replayed, 1 with" in told(capsys)[0]


def test_paint_becomes_material_and_relief(untouched, tmp_path, capsys):
    picture = untouched / "train/good/rgb/001.png"
    pixels = painted(picture, tmp_path / "painted.png")
    before = read_xyz(untouched / "train/good/xyz/001.tiff")
    command = ["lift", str(picture), "--rgb", str(tmp_path / "painted.png")]
    assert main([*command, "--out", str(tmp_path / "flat"), "--ply"]) == 0
    np.testing.assert_array_equal(read_rgb(lifted(tmp_path / "flat", "rgb")).pixels, pixels)
    assert read_xyz(lifted(tmp_path / "flat", "xyz")).tobytes() == before.tobytes()
    cloud = read_cloud(tmp_path / "flat/test/lifted/points/000.ply")
    assert (cloud.rgb == (200, 30, 30)).all(-1).sum() > 200
    assert main([*command, "--out", str(tmp_path / "deep"), "--relief", "dent", "--depth-mm", "0.6"]) == 0
    assert "0.60 mm deep" in told(capsys)[0]
    moved = tifffile.imread(lifted(tmp_path / "deep", "displacement"))
    assert -0.62 < np.nanmin(moved) < -0.55
    far = ["--out", str(tmp_path / "far"), "--relief", "bump", "--height-mm", "1e9"]
    assert main([*command, *far]) == 2
    assert "a relief of 1e+09 mm is more than the" in capsys.readouterr().err
    assert not (tmp_path / "far").exists()
    heights = np.where(read_mask(lifted(tmp_path / "flat", "gt")) > 0, np.float32(0.5), np.float32(0))
    tifffile.imwrite(tmp_path / "heights.tiff", heights)
    assert main([*command, "--out", str(tmp_path / "high"), "--relief", str(tmp_path / "heights.tiff")]) == 0
    assert np.nanmax(tifffile.imread(lifted(tmp_path / "high", "displacement"))) == pytest.approx(0.5, abs=0.01)


def test_an_edited_xyz_comes_back_as_given(untouched, tmp_path):
    picture, tiff = untouched / "train/good/rgb/001.png", untouched / "train/good/xyz/001.tiff"
    xyz = read_xyz(tiff)
    away = np.hypot(*np.mgrid[-80:80, -80:80])
    edited = (xyz * (1 + 0.002 * np.clip(1 - away / 12, 0, 1))[..., None]).astype(np.float32)
    write_xyz(tmp_path / "edited.tiff", edited)
    assert main(["lift", str(picture), "--points", str(tmp_path / "edited.tiff"), "--out", str(tmp_path / "out")]) == 0
    got = read_xyz(lifted(tmp_path / "out", "xyz"))
    changed = read_mask(lifted(tmp_path / "out", "gt_depth")) > 0
    assert changed.any()
    assert got[changed].tobytes() == edited[changed].tobytes()
    assert got[~changed].tobytes() == xyz[~changed].tobytes()


def test_an_edited_depth_moves_points_along_their_rays(untouched, tmp_path):
    picture, xyz = untouched / "train/good/rgb/001.png", read_xyz(untouched / "train/good/xyz/001.tiff")
    z = np.where(xyz[..., 2] > 0, xyz[..., 2], np.float32(np.nan))
    z[70:90, 70:90] += np.float32(0.0008)
    write_depth(tmp_path / "depth.tiff", z)
    assert main(["lift", str(picture), "--depth", str(tmp_path / "depth.tiff"), "--out", str(tmp_path / "out")]) == 0
    got, changed = read_xyz(lifted(tmp_path / "out", "xyz")), read_mask(lifted(tmp_path / "out", "gt_depth")) > 0
    assert changed[72:88, 72:88].all()
    np.testing.assert_array_equal(got[changed, 2], z[changed])
    np.testing.assert_allclose(got[changed, :2] / got[changed, 2:], xyz[changed, :2] / xyz[changed, 2:], atol=1e-6)
    assert (read_rgb(lifted(tmp_path / "out", "rgb")).pixels != read_rgb(picture).pixels).any()


def test_the_mask_of_a_lift_says_where_it_counts(untouched, tmp_path):
    picture = untouched / "train/good/rgb/001.png"
    pixels = painted(picture, tmp_path / "painted.png")
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[:, :80] = 255
    write_mask(tmp_path / "mask.png", mask)
    assert main(["lift", str(picture), "--rgb", str(tmp_path / "painted.png"), "--mask", str(tmp_path / "mask.png"),
                 "--out", str(tmp_path / "out")]) == 0
    after = read_rgb(lifted(tmp_path / "out", "rgb")).pixels
    np.testing.assert_array_equal(after[:, 80:], read_rgb(picture).pixels[:, 80:])
    assert (after[:, :80] == pixels[:, :80]).all()
