"""check on a clean tree of analytic planes, then with one violation planted at a time."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from crossmodal.evaluation import check
from crossmodal.evaluation.report import TESTS
from pointcloud import Pcd, PointCloud, pack_rgb, write_cloud, write_pcd

SHARED = Path(os.environ.get("CROSSMODAL_SHARED", Path(__file__).resolve().parents[2] / "shared"))
H, W, F = 96, 120, 300.0
CX, CY = (W - 1) / 2, (H - 1) / 2
IDS = {"255": "bump", "254": "dent", "0": "good"}
NORMAL = np.array([0.2, -0.1, -1.0]) / np.linalg.norm([0.2, -0.1, -1.0])
NOISE = 2e-6
CENTRE, RADIUS_MM, PEAK_MM = np.array((70, 40)), 14.0, 3.0
BEFORE_AFTER = {test.name for test in TESTS if test.needs_source}


def rays():
    u, v = np.meshgrid(np.arange(W), np.arange(H))
    return np.stack(((u - CX) / F, (v - CY) / F, np.ones((H, W))), -1)


def plane(seed, offset_m=0.0):
    """A tilted plane half a metre away, moved along its normal, with a corner and a row of nothing."""
    noise = np.random.default_rng(seed).normal(0, NOISE, (H, W))
    along = 0.5 * NORMAL[2] + offset_m
    z = along / (rays() @ NORMAL) + noise
    xyz = (rays() * z[..., None]).astype(np.float32)
    xyz[:6, :9] = 0
    xyz[-2] = 0
    return xyz


def picture(seed):
    return np.random.default_rng(100 + seed).integers(60, 200, (H, W, 3), dtype=np.uint8)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tiff":
        tifffile.imwrite(path, array, photometric="rgb" if array.ndim == 3 else "minisblack")
    else:
        assert cv2.imwrite(str(path), array[..., ::-1] if array.ndim == 3 else array)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def good(root, split, number, seed, gt=False):
    write(root / split / "good/rgb" / f"{number:03}.png", picture(seed))
    write(root / split / "good/xyz" / f"{number:03}.tiff", plane(seed))
    if gt:
        write(root / split / "good/gt" / f"{number:03}.png", np.zeros((H, W), np.uint8))


def defect(out, source, kind, number, seed):
    """Write one dent or bump of the plane, as its closed form says, and return its manifest line."""
    sense = 1 if kind == "bump" else -1
    before = plane(seed)
    # Height over the plane at each pixel, from where its ray meets the undisturbed plane: a raised cosine.
    from_anchor = before - before[CENTRE[1], CENTRE[0]]
    distance_mm = np.linalg.norm(from_anchor, axis=-1) * 1e3
    profile = 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance_mm / RADIUS_MM, 1))
    height_mm = PEAK_MM * profile
    height_mm[(before == 0).all(-1)] = 0
    height_mm *= sense
    mask = np.abs(height_mm) > 0.01
    height_mm = np.where(mask, height_mm, 0)
    moved = plane(seed)
    for row, column in np.argwhere(mask):
        moved[row, column] = plane_at(seed, height_mm[row, column] * 1e-3)[row, column]
    return written(out, source, kind, number, seed, height_mm, moved, PEAK_MM)


def written(out, source, kind, number, seed, height_mm, moved, told_mm):
    """Write a sample whose points stand so high over its source's, and return its manifest line."""
    mask = height_mm != 0
    rgb = picture(seed)
    rgb[mask] = rgb[mask] // 2
    ids = np.where(mask, 254 if kind == "dent" else 255, 0).astype(np.uint8)
    binary = np.where(mask, 255, 0).astype(np.uint8)
    arrays = {"rgb": rgb, "xyz": moved, "gt": ids, "gt_rgb": binary, "gt_depth": binary,
              "instances": mask.astype(np.uint8), "displacement": height_mm.astype(np.float32)}
    files = {}
    for role, array in arrays.items():
        suffix = "tiff" if role in ("xyz", "displacement") else "png"
        files[role] = f"test/{kind}/{role}/{number:03}.{suffix}"
        write(out / files[role], array)
    asked = "depth_mm" if kind == "dent" else "height_mm"
    origin = {role: source / f"train/good/{role}/{seed:03}.{end}"
              for role, end in (("rgb", "png"), ("xyz", "tiff"))}
    return {
        "id": f"test/{kind}/{number:03}", "kind": kind, "seed": seed, "files": files,
        "source": {"path": f"train/good/{seed:03}",
                   "sha256": {role: sha256(path) for role, path in origin.items()}},
        "defects": [{"instance": 1, "kind": kind, "class_id": 254 if kind == "dent" else 255,
                     "requested": {asked: told_mm}, "measured": {f"max_{asked}": told_mm},
                     "visible_in": ["rgb", "depth", "points"]}],
        "sha256": {role: sha256(out / path) for role, path in files.items()},
    }  # fmt: skip


_PLANES = {}


def plane_at(seed, offset_m):
    key = seed, round(offset_m, 9)
    if key not in _PLANES:
        _PLANES[key] = plane(seed, offset_m)
    return _PLANES[key]


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    root = tmp_path_factory.mktemp("agreement")
    source, out = root / "source", root / "out"
    for seed in range(5):
        good(source, "train", seed, seed)
    for number, seed in enumerate((3, 4)):
        good(out, "train", number, seed)
    good(out, "test", 0, 2, gt=True)
    lines = [defect(out, source, "dent", 0, 0), defect(out, source, "bump", 0, 1)]
    (out / "class_ids.json").write_text(json.dumps(IDS))
    (out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


@pytest.fixture
def tree(pristine, tmp_path):
    shutil.copytree(pristine, tmp_path, dirs_exist_ok=True)
    return tmp_path / "out", tmp_path / "source"


def violated(report):
    return {row.test for row in report.rows if row.status == "violated"}


def edit(path, change, tree=None):
    """Rewrite one array file; with a tree the manifest is signed anew, so that only the change shows."""
    if path.suffix == ".tiff":
        array = tifffile.imread(path)
    else:
        array = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        array = array[..., ::-1] if array.ndim == 3 else array
    array = np.ascontiguousarray(array)
    changed = change(array)
    write(path, array if changed is None else changed)
    if tree is not None:
        resign(tree)


def resign(out):
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    for line in lines:
        line["sha256"] = {role: sha256(out / file) for role, file in line["files"].items()}
    (out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def rewrite(out, change):
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    for line in lines:
        change(line)
    (out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_the_clean_tree_passes_every_test_it_can(tree):
    report = check(*tree)
    assert violated(report) == set(), report.lines()
    assert report.exit_code == 0
    unchecked = {row.test for row in report.rows if row.status == "not checked"}
    assert unchecked == {"own pixel, shipped camera, p99", "depth = z", "cloud labels on the depth mask"}
    rows = {row.test: row for row in report.rows}
    assert rows["own pixel, fitted camera, p99"].worst < 0.02
    assert rows["depth mask really changed"].worst == 1.0
    assert rows["size as requested"].worst < 0.05
    assert rows["good copies untouched"].samples == 3
    assert json.loads(json.dumps(report.to_json()))["exit_code"] == 0


def test_without_the_source_nothing_of_before_and_after_is_passed(tree):
    report = check(tree[0])
    assert report.exit_code == 0
    assert {row.status for row in report.rows if row.test in BEFORE_AFTER} == {"not checked"}


def test_nothing_to_check_is_exit_1(tmp_path):
    report = check(tmp_path)
    assert report.exit_code == 1
    assert {row.status for row in report.rows} == {"not checked"}
    with pytest.raises(FileNotFoundError, match="does not exist"):
        check(tmp_path / "nowhere")


def put(index, value):
    def change(array):
        array[index] = value
    return change


def test_a_bit_outside_the_mask(tree):
    out, source = tree
    edit(out / "test/dent/rgb/000.png", lambda a: put((80, 20, 1), a[80, 20, 1] ^ 1)(a), out)
    assert violated(check(out, source)) == {"rgb outside its mask"}


def test_the_last_bit_of_a_coordinate_outside_the_mask(tree):
    out, source = tree
    xyz = out / "test/dent/xyz/000.tiff"
    edit(xyz, lambda a: put((80, 20, 0), np.nextafter(a[80, 20, 0], np.float32(9)))(a), out)
    report = check(out, source)
    assert violated(report) == {"xyz outside its mask"}
    assert report.findings[0].sample == "test/dent/000"


def test_a_zero_that_became_negative_zero_outside_the_mask(tree):
    out, source = tree
    edit(out / "test/dent/xyz/000.tiff", put((0, 0, 0), np.float32(-0.0)), out)
    assert violated(check(out, source)) == {"xyz outside its mask"}


def test_a_good_copy_that_was_touched(tree):
    out, source = tree
    edit(out / "train/good/xyz/001.tiff", put((50, 50, 2), np.float32(0.51)))
    assert violated(check(out, source)) == {"good copies untouched"}


def test_a_good_copy_of_nothing(tree):
    out, source = tree
    edit(out / "train/good/rgb/001.png", lambda a: a[::-1])
    assert violated(check(out, source)) == {"good copies untouched"}


def test_millimetres(tree):
    out, _ = tree
    for path in sorted(out.glob("*/*/xyz/*.tiff")):
        edit(path, lambda a: a * np.float32(1000), out)
    report = check(out)
    assert violated(report) == {"units, median z"}
    assert next(row for row in report.rows if row.test == "units, median z").violations == 5


@pytest.mark.parametrize(("what", "value"), [
    ("NaN", np.nan), ("inf", np.inf), ("65535", 65535), ("behind", [0.1, 0.1, -0.5]),
    ("z = 0", [0.1, 0.1, 0])])
def test_invalid_codes(tree, what, value):
    out, _ = tree
    edit(out / "train/good/xyz/000.tiff", put((80, 20), value))
    report = check(out)
    assert violated(report) == {"invalid codes"}
    assert what in report.findings[0].reason


def test_a_huge_constant_for_nothing(tree):
    out, _ = tree
    edit(out / "train/good/xyz/000.tiff", put((slice(80, 84), 20, 2), 1e5))
    assert violated(check(out)) == {"invalid codes"}


def test_half_a_point(tree):
    out, _ = tree
    edit(out / "train/good/xyz/000.tiff", put((80, slice(20, 40), slice(0, 2)), 0))
    assert "invalid codes" in violated(check(out))


def test_xyz_shifted_against_rgb(tree):
    out, source = tree
    edit(out / "train/good/xyz/001.tiff", lambda a: np.concatenate((np.zeros_like(a[:, :3]), a[:, :-3]), 1))
    assert violated(check(out)) == {"same camera throughout"}
    assert violated(check(out, source)) == {"same camera throughout", "good copies untouched"}


def test_points_that_sit_in_no_pixel(tree):
    out, _ = tree
    jitter = np.random.default_rng(0).normal(0, 0.005, (H, W))
    xyz = out / "train/good/xyz/001.tiff"
    edit(xyz, lambda a: np.dstack((a[..., 0] + jitter * (a[..., 2] > 0), a[..., 1:])).astype(np.float32))
    assert violated(check(out)) == {"own pixel, fitted camera, p99"}


def test_changed_points_off_their_rays(tree):
    out, source = tree
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


def test_a_shipped_calibration_is_reported_and_only_a_foreign_one_is_a_violation(tree):
    out, _ = tree
    calibration(out, cy=CY + 1.1)
    report = check(out)
    assert violated(report) == set()
    row = next(row for row in report.rows if row.test.startswith("own pixel, shipped"))
    assert row.worst == pytest.approx(1.1, abs=0.02)
    shutil.rmtree(out / "calibration")
    calibration(out, cx=CX + 40)
    assert violated(check(out)) == {"own pixel, shipped camera, p99"}


def test_a_mask_of_ones(tree):
    out, _ = tree
    edit(out / "test/dent/gt/000.png", lambda a: np.minimum(a, 1), out)
    report = check(out)
    assert "gt values" in violated(report)
    assert violated(report) <= {"gt values", "manifest"}  # 1 is not the manifest's class id either


def test_an_unknown_class_id(tree):
    out, _ = tree
    (out / "class_ids.json").write_text(json.dumps({"255": "bump", "0": "good"}))
    assert violated(check(out)) == {"gt class ids"}


def test_another_class_id_than_the_manifest_says(tree):
    out, _ = tree
    edit(out / "test/dent/gt/000.png", lambda a: np.where(a > 0, 255, 0).astype(np.uint8), out)
    assert violated(check(out)) == {"manifest"}


def test_a_coloured_mask(tree):
    out, _ = tree
    edit(out / "test/dent/gt/000.png", lambda a: np.dstack((a, a, a)), out)
    assert violated(check(out)) == {"gt file"}


def test_a_mask_of_another_size(tree):
    out, _ = tree
    edit(out / "test/dent/gt/000.png", lambda a: a[:-1], out)
    assert violated(check(out)) == {"gt file"}


def test_a_missing_mask(tree):
    out, _ = tree
    (out / "test/good/gt/000.png").unlink()
    assert violated(check(out)) == {"gt file", "sibling folders"}


def test_a_missing_folder_of_masks(tree):
    out, _ = tree
    shutil.rmtree(out / "test/good/gt")
    assert violated(check(out)) == {"gt file"}


def test_an_empty_mask_in_a_defects_folder(tree):
    out, source = tree
    edit(out / "test/dent/gt/000.png", lambda a: a * 0, out)
    assert violated(check(out, source)) == {"gt where due"}


def test_a_mark_in_a_good_capture(tree):
    out, _ = tree
    edit(out / "test/good/gt/000.png", put((5, 5), 255))
    assert violated(check(out)) == {"gt where due"}


def wider(array):
    return cv2.dilate(array, np.ones((9, 9), np.uint8))


def test_masks_too_wide(tree):
    out, source = tree
    for role in ("gt", "gt_rgb", "gt_depth"):
        edit(out / f"test/dent/{role}/000.png", wider, out)
    changed = {"gt really changed", "rgb mask really changed", "depth mask really changed"}
    assert violated(check(out)) == {"masks within the footprint"}
    assert violated(check(out, source)) == {"masks within the footprint", *changed}


def test_a_gt_beyond_what_the_modalities_saw(tree):
    out, _ = tree
    edit(out / "test/dent/gt/000.png", put((slice(80, 84), slice(20, 24)), 254), out)
    assert violated(check(out)) == {"gt within the masks", "masks within the footprint"}


def test_a_mask_where_nothing_changed(tree):
    out, source = tree
    for role in ("gt", "gt_rgb", "gt_depth", "instances"):
        edit(out / f"test/dent/{role}/000.png", lambda a: np.roll(a, 30, 1), out)
    edit(out / "test/dent/displacement/000.tiff", lambda a: np.roll(a, 30, 1), out)
    found = violated(check(out, source))
    assert {"rgb outside its mask", "xyz outside its mask", "gt really changed"} <= found


def test_displacement_of_the_wrong_sign(tree):
    out, source = tree
    edit(out / "test/dent/displacement/000.tiff", lambda a: -a, out)
    assert violated(check(out, source)) == {"sign of the relief", "displacement against xyz, p95"}


def test_a_dent_that_is_a_bump(tree):
    out, source = tree
    mask = cv2.imread(str(out / "test/dent/gt_depth/000.png"), cv2.IMREAD_UNCHANGED) > 0
    depth = tifffile.imread(out / "test/dent/displacement/000.tiff")

    def flip(moved):
        for row, column in np.argwhere(mask):
            moved[row, column] = plane_at(0, -float(depth[row, column]) * 1e-3)[row, column]
    edit(out / "test/dent/xyz/000.tiff", flip, out)
    found = violated(check(out, source))
    assert found == {"sign of the relief", "displacement against xyz, p95", "size as measured",
                     "size as requested"}


def test_half_the_size_that_was_asked(tree):
    out, source = tree

    def lie(line):
        for sizes in (line["defects"][0]["requested"], line["defects"][0]["measured"]):
            for name in sizes:
                sizes[name] *= 2
    rewrite(out, lie)
    assert violated(check(out, source)) == {"size as measured", "size as requested"}


def slot(root, width_mm, depth_mm, told_mm):
    """A slot with upright walls across a plane seen at 60°, by its closed form; the manifest tells of another depth."""
    source, out = root / "source", root / "out"
    normal, down = np.array((0, -3**0.5 / 2, -0.5)), np.array((0, 0.5, -(3**0.5) / 2))
    ray = rays()
    in_, along = -(ray @ normal), ray @ down
    z = 0.25 / in_  # the plane passes half a metre ahead
    at_mm = 1e3 * (z * along + 0.5 * 3**0.5 / 2)
    beside = np.abs(1e3 * z * ray[..., 0]) < 40
    # A ray comes in over the near rim and ends on the ground or on the far wall.
    far = np.where(along > 0, width_mm - at_mm, at_mm)
    height_mm = -np.minimum(depth_mm, far * in_ / np.abs(along))
    mask = beside & (at_mm > 0) & (at_mm < width_mm)
    height_mm = np.where(mask, height_mm, 0)
    xyz = ray * z[..., None]
    moved = ray * ((0.25 - 1e-3 * height_mm) / in_)[..., None]
    write(source / "train/good/rgb/000.png", picture(0))
    write(source / "train/good/xyz/000.tiff", xyz.astype(np.float32))
    line = written(out, source, "dent", 0, 0, height_mm, moved.astype(np.float32), told_mm)
    (out / "class_ids.json").write_text(json.dumps(IDS))
    (out / "manifest.jsonl").write_text(json.dumps(line) + "\n")
    return -float(height_mm.min()), check(out, source)


def test_the_ground_of_a_narrow_slot_seen_aslant_need_not_be_seen(tmp_path):
    seen_mm, report = slot(tmp_path / "narrow", width_mm=30, depth_mm=60, told_mm=60)
    assert seen_mm < 20
    assert not violated(report)
    seen_mm, report = slot(tmp_path / "wide", width_mm=60, depth_mm=10, told_mm=20)
    assert seen_mm == 10
    assert violated(report) == {"size as measured", "size as requested"}


def test_a_defect_that_is_not_there(tree):
    out, source = tree
    shutil.copy(source / "train/good/rgb/000.png", out / "test/dent/rgb/000.png")
    resign(out)
    assert violated(check(out, source)) == {"rgb mask really changed", "defects appear"}


def test_other_bytes_than_the_manifest_says(tree):
    out, source = tree
    rewrite(out, lambda line: line["sha256"].update(gt="0" * 64))
    assert violated(check(out, source)) == {"files as in the manifest"}


def test_another_source_than_the_manifest_says(tree):
    out, source = tree
    rewrite(out, lambda line: line["source"]["sha256"].update(rgb="0" * 64))
    assert violated(check(out, source)) == {"source as in the manifest"}
    rewrite(out, lambda line: line["source"].update(path="train/good/777"))
    assert violated(check(out, source)) == {"source as in the manifest"}


def test_a_manifest_without_entries_says_that_there_is_no_defect(tree):
    out, _ = tree
    (out / "manifest.jsonl").write_bytes(b"")
    report = check(out)
    assert violated(report) == {"manifest"}
    assert report.exit_code == 1


def test_files_that_the_manifest_lacks_and_the_other_way_round(tree):
    out, _ = tree
    text = (out / "manifest.jsonl").read_text().splitlines()
    (out / "manifest.jsonl").write_text(text[0] + "\n")
    assert violated(check(out)) == {"manifest"}
    (out / "manifest.jsonl").write_text("\n".join(text) + "\nnot json\n")
    assert violated(check(out)) == {"manifest"}
    (out / "manifest.jsonl").write_text("\n".join(text) + "\n")
    (out / "test/dent/instances/000.png").unlink()
    assert violated(check(out)) == {"manifest", "sibling folders"}


def test_a_broken_file_is_one_line_and_the_rest_is_checked(tree):
    out, _ = tree
    path = out / "train/good/xyz/000.tiff"
    path.write_bytes(path.read_bytes()[:5000])
    report = check(out)
    assert violated(report) == {"readable"}
    assert "\n" not in report.findings[0].reason
    assert "000.tiff" in report.findings[0].reason
    assert next(row for row in report.rows if row.test == "invalid codes").samples == 4


def test_an_image_of_another_size_and_a_missing_pair(tree):
    out, _ = tree
    edit(out / "train/good/rgb/000.png", lambda a: a[:-1])
    assert violated(check(out)) == {"readable"}
    (out / "train/good/rgb/000.png").unlink()
    assert violated(check(out)) == {"sibling folders"}


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
def test_a_source_in_another_format(tree, form):
    out, source = tree
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


def test_labels_of_a_cloud(tree):
    out, _ = tree
    xyz = tifffile.imread(out / "test/dent/xyz/000.tiff")
    mask = cv2.imread(str(out / "test/dent/gt_depth/000.png"), cv2.IMREAD_UNCHANGED) > 0
    valid = xyz[..., 2] > 0
    (out / "test/dent/points").mkdir()
    for shift, bad in ((0, False), (6, True)):
        labels = np.roll(mask, shift, 0)[valid].astype(np.uint8)
        write_cloud(out / "test/dent/points/000.ply", PointCloud(xyz[valid], labels=labels))
        assert violated(check(out)) == ({"cloud labels on the depth mask"} if bad else set())


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
