"""What is no capture and no dataset is refused, in one line that says the way out."""

import json

import cv2
import numpy as np
import pytest
import tifffile
import trees

import crossmodal as cm
from crossmodal import datasets
from crossmodal.datasets.copies import Copy, write_copy
from crossmodal.datasets.destination import checked_out
from crossmodal.datasets.source import Reading
from depth import read_xyz, write_depth, write_xyz
from pointcloud import Pcd, write_pcd
from rgb import write_rgb


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


def test_a_broken_capture_is_not_copied(tmp_path, pair):
    planted_png(pair)
    with pytest.raises(ValueError, match="truncated"):
        write_copy(tmp_path / "out", Copy(datasets.sources(pair)[0], "train/good/000"), Reading())
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


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
