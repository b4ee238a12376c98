"""check finds what is wrong with masks, displacements and the sizes that a manifest tells."""

import json
import shutil

import cv2
import numpy as np
import pytest
import tifffile
from agreeing import IDS, edit, picture, plane_at, put, rays, resign, rewrite, violated, write, written

from crossmodal.evaluation import check


def test_a_mask_of_ones(planes):
    out, _ = planes
    edit(out / "test/dent/gt/000.png", lambda a: np.minimum(a, 1), out)
    report = check(out)
    assert "gt values" in violated(report)
    assert violated(report) <= {"gt values", "manifest"}  # 1 is not the manifest's class id either


def test_an_unknown_class_id(planes):
    out, _ = planes
    (out / "class_ids.json").write_text(json.dumps({"255": "bump", "0": "good"}))
    assert violated(check(out)) == {"gt class ids"}


def test_another_class_id_than_the_manifest_says(planes):
    out, _ = planes
    edit(out / "test/dent/gt/000.png", lambda a: np.where(a > 0, 255, 0).astype(np.uint8), out)
    assert violated(check(out)) == {"manifest"}


def test_a_coloured_mask(planes):
    out, _ = planes
    edit(out / "test/dent/gt/000.png", lambda a: np.dstack((a, a, a)), out)
    assert violated(check(out)) == {"gt file"}


def test_a_mask_of_another_size(planes):
    out, _ = planes
    edit(out / "test/dent/gt/000.png", lambda a: a[:-1], out)
    assert violated(check(out)) == {"gt file"}


def test_a_missing_mask(planes):
    out, _ = planes
    (out / "test/good/gt/000.png").unlink()
    assert violated(check(out)) == {"gt file", "sibling folders"}


def test_a_missing_folder_of_masks(planes):
    out, _ = planes
    shutil.rmtree(out / "test/good/gt")
    assert violated(check(out)) == {"gt file"}


def test_an_empty_mask_in_a_defects_folder(planes):
    out, source = planes
    edit(out / "test/dent/gt/000.png", lambda a: a * 0, out)
    assert violated(check(out, source)) == {"gt where due"}


def test_a_mark_in_a_good_capture(planes):
    out, _ = planes
    edit(out / "test/good/gt/000.png", put((5, 5), 255))
    assert violated(check(out)) == {"gt where due"}


def wider(array):
    return cv2.dilate(array, np.ones((9, 9), np.uint8))


def test_masks_too_wide(planes):
    out, source = planes
    for role in ("gt", "gt_rgb", "gt_depth"):
        edit(out / f"test/dent/{role}/000.png", wider, out)
    changed = {"gt really changed", "rgb mask really changed", "depth mask really changed"}
    assert violated(check(out)) == {"masks within the footprint"}
    assert violated(check(out, source)) == {"masks within the footprint", *changed}


def test_a_gt_beyond_what_the_modalities_saw(planes):
    out, _ = planes
    edit(out / "test/dent/gt/000.png", put((slice(80, 84), slice(20, 24)), 254), out)
    assert violated(check(out)) == {"gt within the masks", "masks within the footprint"}


def test_a_mask_where_nothing_changed(planes):
    out, source = planes
    for role in ("gt", "gt_rgb", "gt_depth", "instances"):
        edit(out / f"test/dent/{role}/000.png", lambda a: np.roll(a, 30, 1), out)
    edit(out / "test/dent/displacement/000.tiff", lambda a: np.roll(a, 30, 1), out)
    found = violated(check(out, source))
    assert {"rgb outside its mask", "xyz outside its mask", "gt really changed"} <= found


def test_displacement_of_the_wrong_sign(planes):
    out, source = planes
    edit(out / "test/dent/displacement/000.tiff", lambda a: -a, out)
    assert violated(check(out, source)) == {"sign of the relief", "displacement against xyz, p95"}


def test_a_dent_that_is_a_bump(planes):
    out, source = planes
    mask = cv2.imread(str(out / "test/dent/gt_depth/000.png"), cv2.IMREAD_UNCHANGED) > 0
    depth = tifffile.imread(out / "test/dent/displacement/000.tiff")

    def flip(moved):
        for row, column in np.argwhere(mask):
            moved[row, column] = plane_at(0, -float(depth[row, column]) * 1e-3)[row, column]
    edit(out / "test/dent/xyz/000.tiff", flip, out)
    found = violated(check(out, source))
    assert found == {"sign of the relief", "displacement against xyz, p95", "size as measured",
                     "size as requested"}


def test_half_the_size_that_was_asked(planes):
    out, source = planes

    def lie(line):
        for sizes in (line["defects"][0]["requested"], line["defects"][0]["measured"]):
            for name in sizes:
                sizes[name] *= 2
    rewrite(out, lie)
    assert violated(check(out, source)) == {"size as measured", "size as requested"}


@pytest.mark.parametrize(("effect", "signed", "fault"), [
    ({"direction": "in"}, False, set()),
    ({"direction": "out"}, False, {"sign of the relief", "size as requested"}),
    ({"direction": "out"}, True, set()),  # of signed noise there may be pits alone
    ({"direction": "in", "times": 2}, False, {"size as requested"}),
    ({"direction": "in", "times": 0.5}, False, {"size as requested"}),
    ({"kind": "deposit"}, False, {"sign of the relief"})])
def test_a_method_moves_as_its_effect_says(planes, effect, signed, fault):
    out, source = planes

    def tell(line):
        [defect] = line["defects"]
        if line["kind"] != "dent":
            return
        height = defect["measured"]["max_depth_mm"] * effect.get("times", 1)
        defect["kind"] = "own-dents"
        defect["requested"] = {"region": {"kind": "and", "parts": [{"kind": "perlin", "signed": signed}]}, "effect": {
            "kind": effect.get("kind", "hills"), "direction": effect.get("direction"), "height_mm": height}}
    rewrite(out, tell)
    assert violated(check(out, source)) == fault


@pytest.mark.parametrize("blocks", [None, {}, {"effect": "hills", "region": [3]}, {"effect": {"kind": "hills"}}])
def test_of_a_method_that_says_nothing_nothing_is_asked(planes, blocks):
    out, source = planes

    def tell(line):
        for defect in line["defects"]:
            defect["kind"] = "unheard-of"
            del defect["requested"]
            if blocks is not None:
                defect["requested"] = blocks
    rewrite(out, tell)
    assert violated(check(out, source)) == set()


def test_what_was_requested_must_be_a_mapping(planes):
    out, source = planes
    rewrite(out, lambda line: line["defects"][0].update(requested=[1]))
    assert violated(check(out, source)) == {"manifest"}


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


def test_a_defect_that_is_not_there(planes):
    out, source = planes
    shutil.copy(source / "train/good/rgb/000.png", out / "test/dent/rgb/000.png")
    resign(out)
    assert violated(check(out, source)) == {"rgb mask really changed", "defects appear"}
