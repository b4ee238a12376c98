"""check on a clean tree of analytic planes, then with one file spoilt at a time, and on real captures."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from agreeing import H, W, edit, picture, plane, put, rewrite, sha256, violated, write

from crossmodal.evaluation import check
from crossmodal.evaluation.report import TESTS
from pointcloud import Pcd, pack_rgb, write_pcd

SHARED = Path(os.environ.get("CROSSMODAL_SHARED", Path(__file__).resolve().parents[2] / "shared"))
BEFORE_AFTER = {test.name for test in TESTS if test.needs_source}


def test_the_clean_tree_passes_every_test_it_can(planes):
    report = check(*planes)
    assert violated(report) == set(), report.lines()
    assert report.exit_code == 0
    unchecked = {row.test for row in report.rows if row.status == "not checked"}
    assert unchecked == {"own pixel, shipped camera, p99", "depth = z", "cloud labels on the depth mask",
                         "soft label on gt"}
    rows = {row.test: row for row in report.rows}
    assert rows["own pixel, fitted camera, p99"].worst < 0.02
    assert rows["depth mask really changed"].worst == 1.0
    assert rows["size as requested"].worst < 0.05
    assert rows["good copies untouched"].samples == 3
    assert json.loads(json.dumps(report.to_json()))["exit_code"] == 0


def test_without_the_source_nothing_of_before_and_after_is_passed(planes):
    report = check(planes[0])
    assert report.exit_code == 0
    assert {row.status for row in report.rows if row.test in BEFORE_AFTER} == {"not checked"}


def test_nothing_to_check_is_exit_1(tmp_path):
    report = check(tmp_path)
    assert report.exit_code == 1
    assert {row.status for row in report.rows} == {"not checked"}
    with pytest.raises(FileNotFoundError, match="does not exist"):
        check(tmp_path / "nowhere")


def test_a_bit_outside_the_mask(planes):
    out, source = planes
    edit(out / "test/dent/rgb/000.png", lambda a: put((80, 20, 1), a[80, 20, 1] ^ 1)(a), out)
    assert violated(check(out, source)) == {"rgb outside its mask"}


def test_the_last_bit_of_a_coordinate_outside_the_mask(planes):
    out, source = planes
    xyz = out / "test/dent/xyz/000.tiff"
    edit(xyz, lambda a: put((80, 20, 0), np.nextafter(a[80, 20, 0], np.float32(9)))(a), out)
    report = check(out, source)
    assert violated(report) == {"xyz outside its mask"}
    assert report.findings[0].sample == "test/dent/000"


def test_a_zero_that_became_negative_zero_outside_the_mask(planes):
    out, source = planes
    edit(out / "test/dent/xyz/000.tiff", put((0, 0, 0), np.float32(-0.0)), out)
    assert violated(check(out, source)) == {"xyz outside its mask"}


def test_a_good_copy_that_was_touched(planes):
    out, source = planes
    edit(out / "train/good/xyz/001.tiff", put((50, 50, 2), np.float32(0.51)))
    assert violated(check(out, source)) == {"good copies untouched"}


def test_a_good_copy_of_nothing(planes):
    out, source = planes
    edit(out / "train/good/rgb/001.png", lambda a: a[::-1])
    assert violated(check(out, source)) == {"good copies untouched"}


def test_other_bytes_than_the_manifest_says(planes):
    out, source = planes
    rewrite(out, lambda line: line["sha256"].update(gt="0" * 64))
    assert violated(check(out, source)) == {"files as in the manifest"}


def test_another_source_than_the_manifest_says(planes):
    out, source = planes
    rewrite(out, lambda line: line["source"]["sha256"].update(rgb="0" * 64))
    assert violated(check(out, source)) == {"source as in the manifest"}
    rewrite(out, lambda line: line["source"].update(path="train/good/777"))
    assert violated(check(out, source)) == {"source as in the manifest"}


def test_a_manifest_without_entries_says_that_there_is_no_defect(planes):
    out, _ = planes
    (out / "manifest.jsonl").write_bytes(b"")
    report = check(out)
    assert violated(report) == {"manifest"}
    assert report.exit_code == 1


def test_files_that_the_manifest_lacks_and_the_other_way_round(planes):
    out, _ = planes
    text = (out / "manifest.jsonl").read_text().splitlines()
    (out / "manifest.jsonl").write_text(text[0] + "\n")
    assert violated(check(out)) == {"manifest"}
    (out / "manifest.jsonl").write_text("\n".join(text) + "\nnot json\n")
    assert violated(check(out)) == {"manifest"}
    (out / "manifest.jsonl").write_text("\n".join(text) + "\n")
    (out / "test/dent/instances/000.png").unlink()
    assert violated(check(out)) == {"manifest", "sibling folders"}


def test_a_broken_file_is_one_line_and_the_rest_is_checked(planes):
    out, _ = planes
    path = out / "train/good/xyz/000.tiff"
    path.write_bytes(path.read_bytes()[:5000])
    report = check(out)
    assert violated(report) == {"readable"}
    assert "\n" not in report.findings[0].reason
    assert "000.tiff" in report.findings[0].reason
    assert next(row for row in report.rows if row.test == "invalid codes").samples == 4


def test_an_image_of_another_size_and_a_missing_pair(planes):
    out, _ = planes
    edit(out / "train/good/rgb/000.png", lambda a: a[:-1])
    assert violated(check(out)) == {"readable"}
    (out / "train/good/rgb/000.png").unlink()
    assert violated(check(out)) == {"sibling folders"}


def as_pcd(source, seed):
    xyz, path = plane(seed).reshape(-1, 3), source / f"scene{seed}.pcd"
    xyz = np.where((xyz == 0).all(-1, keepdims=True), np.float32(np.nan), xyz)
    fields = {axis: xyz[:, i] for i, axis in enumerate("xyz")} | {"rgba": pack_rgb(picture(seed))}
    write_pcd(path, Pcd(fields, W, H))
    return path, path


def as_millimetres(source, seed):
    write(source / f"scene{seed}.png", picture(seed))
    write(source / f"scene{seed}.tiff", plane(seed) * np.float32(1000))
    return source / f"scene{seed}.png", source / f"scene{seed}.tiff"


def as_depth(source, seed):
    write(source / f"scene{seed}_rgb.png", picture(seed))
    write(source / f"scene{seed}_depth.tiff", plane(seed)[..., 2])
    return source / f"scene{seed}_rgb.png", source / f"scene{seed}_depth.tiff"


@pytest.mark.parametrize("form", [as_pcd, as_millimetres, as_depth])
def test_a_source_in_another_format(planes, form):
    out, source = planes
    shutil.rmtree(source)
    source.mkdir()
    pairs = [form(source, seed) for seed in range(5)]

    def renamed(line):
        seed = int(line["source"]["path"][-3:])
        signed = {role: sha256(path) for role, path in zip(("rgb", "xyz"), pairs[seed], strict=True)}
        line["source"] = {"path": f"scene{seed}", "sha256": signed}
    rewrite(out, renamed)
    report = check(out, source)
    assert violated(report) == set(), report.lines()
    rows = {row.test: row.samples for row in report.rows}
    assert rows["source as in the manifest"] == rows["xyz outside its mask"] == 2
    assert rows["good copies untouched"] == 3
    edit(out / "test/dent/xyz/000.tiff", put((80, 20, 2), np.float32(0.49)), out)
    edit(out / "train/good/xyz/001.tiff", put((50, 50, 2), np.float32(0.51)))
    assert violated(check(out, source)) == {"xyz outside its mask", "good copies untouched"}


@pytest.mark.skipif(not (SHARED / "data/mvtec3d_sample").is_dir(), reason="needs the shared data")
def test_real_mvtec_3d_ad():
    report = check(SHARED / "data/mvtec3d_sample/cable_gland")
    assert violated(report) == set(), report.lines()
    rows = {row.test: row for row in report.rows}
    assert report.samples == 13
    assert 1.0 < rows["own pixel, shipped camera, p99"].median < 1.6  # reported, and no violation
    assert rows["own pixel, fitted camera, p99"].worst < 0.3


@pytest.mark.skipif(not (SHARED / "data/mosd").is_dir(), reason="needs the shared data")
def test_real_organised_clouds():
    report = check(SHARED / "data/mosd")
    assert violated(report) == set(), report.lines()
    assert report.samples == 14
    assert next(row for row in report.rows if row.test == "own pixel, fitted camera, p99").worst < 1e-3
