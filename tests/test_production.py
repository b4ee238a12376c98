"""Runs: the tree that is made, what is untouched, and what fails without harm."""

import json
from pathlib import Path

import numpy as np
import pytest
import trees
from runs import KINDS, entries, request, run

import crossmodal as cm
from crossmodal import datasets
from crossmodal.datasets.source import Reading
from crossmodal.production import Request
from crossmodal.recipe import Recipe
from depth import read_xyz
from rgb import read_mask, read_rgb


def test_the_tree_is_what_the_contract_says(untouched, tmp_path, whole):
    run(untouched, tmp_path / "out")
    out = tmp_path / "out"
    names = set(whole)
    for kind in KINDS:
        for word, suffix in (("rgb", "png"), ("xyz", "tiff"), ("gt", "png"), ("gt_rgb", "png"), ("gt_depth", "png"),
                             ("instances", "png"), ("displacement", "tiff")):
            assert {name for name in names if name.startswith(f"test/{kind}/{word}/")} == {
                f"test/{kind}/{word}/{i:03d}.{suffix}" for i in range(3)}
    assert {"class_ids.json", "calibration/camera_parameters.json", "manifest.jsonl", "failures.jsonl",
            "anomalib.yaml"} <= names
    assert whole["failures.jsonl"] == b""
    assert json.loads(whole["class_ids.json"]) == {"255": "hole", "254": "dent", "253": "stain", "0": "good"}
    ids = [entry["id"] for entry in entries(out)]
    assert ids == sorted(ids)
    assert len(ids) == 6
    assert not [name for name in names if "part" in Path(name).suffix or Path(name).name.startswith(".")]


def test_good_captures_are_untouched_copies_with_an_empty_gt(untouched, whole):
    for split, many in (("validation", 1), ("test", 2)):
        for i in range(many):
            for word, suffix in (("rgb", "png"), ("xyz", "tiff")):
                name = f"{split}/good/{word}/{i:03d}.{suffix}"
                assert whole[name] == (untouched / name).read_bytes()
    gts = [name for name in whole if name.startswith("test/good/gt/")]
    assert len(gts) == len([name for name in whole if name.startswith("test/good/rgb/")])


def test_outside_its_masks_every_sample_has_its_sources_bits(untouched, tmp_path):
    run(untouched, tmp_path / "out")
    for entry in entries(tmp_path / "out"):
        before = read_xyz(datasets.find(untouched, entry["source"]["path"]).geometry)
        after = read_xyz(tmp_path / "out" / entry["files"]["xyz"])
        mask = read_rgb(tmp_path / "out" / entry["files"]["gt_depth"]).pixels[..., 0] > 0
        assert after[~mask].tobytes() == before[~mask].tobytes()


def test_no_capture_stands_in_both_train_and_test(untouched, whole):
    train = {whole[name] for name in whole if name.startswith("train/good/rgb/")}
    test = {whole[name] for name in whole if name.startswith("test/good/rgb/")}
    made = {entry["source"]["path"] for entry in map(json.loads, whole["manifest.jsonl"].splitlines())}
    used = {(untouched / f"{path.rsplit('/', 1)[0]}/rgb/{path[-3:]}.png").read_bytes() for path in made}
    assert train
    assert not train & test
    assert not train & used


def test_only_defects_are_only_defects(untouched, tmp_path):
    summary = run(untouched, tmp_path / "out", request(only_defects=True))
    names = trees.digests(tmp_path / "out")
    assert summary.copies == 0
    assert not [name for name in names if "good" in name or "anomalib" in name]
    assert {entry["source"]["path"].split("/")[0] for entry in entries(tmp_path / "out")} <= {
        "train", "validation", "test"}


def test_the_source_is_not_touched(untouched, tmp_path):
    before = trees.digests(untouched)
    run(untouched, tmp_path / "out", workers=1)
    assert trees.digests(untouched) == before


def test_three_kinds_in_one_capture_have_ids_of_their_own_in_its_masks(untouched, tmp_path):
    """Read back from the files: instance i is the manifest's i-th defect and carries its kind's class id in gt."""
    three = Recipe(defects=(cm.Dent(diameter_mm=3), cm.Stain(diameter_mm=3), cm.Bump(diameter_mm=3)))
    run(untouched, tmp_path / "out", Request.of_recipe(three, 2, seed=1))
    ids = json.loads((tmp_path / "out/class_ids.json").read_text())
    for entry in entries(tmp_path / "out"):
        assert entry["id"].startswith("test/combined/")
        gt, instances = (read_mask(tmp_path / "out" / entry["files"][word]) for word in ("gt", "instances"))
        assert [defect["instance"] for defect in entry["defects"]] == [1, 2, 3]
        assert {defect["kind"] for defect in entry["defects"]} == {"dent", "stain", "bump"}
        assert len({defect["class_id"] for defect in entry["defects"]}) == 3
        for defect in entry["defects"]:
            region = instances == defect["instance"]
            assert region.any()
            assert set(gt[region]) == {defect["class_id"]}
            assert ids[str(defect["class_id"])] == defect["kind"]
            assert region.sum() == defect["measured"]["area_px"]
        np.testing.assert_array_equal(gt > 0, instances > 0)


def test_several_kinds_in_a_capture_are_combined_and_two_dents_are_dents(untouched, tmp_path):
    both = Recipe(defects=(cm.Dent(), cm.Stain()))
    run(untouched, tmp_path / "both", Request.of_recipe(both, 2, seed=1))
    assert {entry["kind"] for entry in entries(tmp_path / "both")} == {"combined"}
    assert {len(entry["defects"]) for entry in entries(tmp_path / "both")} == {2}
    twice = Recipe(defects=(cm.Dent(diameter_mm=(1.5, 2.5)),), count=2)
    run(untouched, tmp_path / "twice", Request.of_recipe(twice, 2, seed=1))
    assert [entry["id"] for entry in entries(tmp_path / "twice")] == ["test/dent/000", "test/dent/001"]
    some = Recipe(defects=(cm.Dent(), cm.Stain()), count=1)
    run(untouched, tmp_path / "some", Request.of_recipe(some, 6, seed=1))
    found = [entry["id"].rsplit("/", 1) for entry in entries(tmp_path / "some")]
    assert sorted(number for _, number in found) == [f"{i:03d}" for i in range(6)]
    assert {folder for folder, _ in found} == {"test/dent", "test/stain"}
    assert run(untouched, tmp_path / "some", Request.of_recipe(some, 6, seed=1), resume=True).kept == 6


def test_scenes_and_millimetres_give_the_same_layout(tmp_path):
    trees.write_scenes(tmp_path / "scenes", 4)
    for i in range(4):
        trees.write_pair(tmp_path / "mm", f"{i:03d}", trees.good(i), 1e3)
    for name, reading in (("scenes", Reading()), ("mm", Reading("mm"))):
        wanted = request(4, reading=reading, ply=True)
        out = tmp_path / f"{name}.out"
        summary = run(tmp_path / name, out, wanted)
        assert (summary.exit_code, summary.made, summary.copies) == (0, 4, 4)
        for path in out.rglob("*.tiff"):
            if path.parent.name == "xyz":
                xyz = read_xyz(path)
                assert np.isfinite(xyz).all()
                assert 0.2 < np.median(xyz[..., 2]) < 0.5
        assert len(list(out.glob("test/*/points/*.ply"))) == 4


# failures


def test_a_failed_sample_is_named_and_leaves_no_file(tmp_path):
    root = trees.write_category(tmp_path / "part", train=4, validation=0, test=2)
    broken = root / "test/good/rgb/001.png"
    broken.write_bytes(broken.read_bytes()[:500])
    summary = run(root, tmp_path / "out", request(8))
    out = tmp_path / "out"
    assert summary.exit_code == 1
    failures = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert tuple(failures) == summary.failures
    assert {failure["source"] for failure in failures} == {"test/good/001"}
    assert all("is truncated" in failure["reason"] for failure in failures)
    for failure in failures:
        folder, number = failure["id"].rsplit("/", 1)
        assert not list((out / folder).glob(f"*/{number}.*"))
    made = {entry["id"] for entry in entries(out)}
    assert len(made) + len([failure for failure in failures if "good" not in failure["id"]]) == 8
    assert not made & {failure["id"] for failure in failures}


def test_an_unexpected_error_fails_one_sample_and_says_its_type(untouched, tmp_path, monkeypatch):
    from crossmodal import synthesis

    whole, calls = synthesis.synthesize, []

    def sometimes(*args):
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError("by zero")
        return whole(*args)

    monkeypatch.setattr(synthesis, "synthesize", sometimes)
    summary = run(untouched, tmp_path / "out")
    assert summary.made == 5
    assert [failure["reason"] for failure in summary.failures] == ["ZeroDivisionError: by zero"]
    assert run(untouched, tmp_path / "out", resume=True).made == 1


def test_what_cannot_be_placed_leaves_no_empty_folder(untouched, tmp_path):
    wide = Recipe(defects=(cm.Dent(diameter_mm=(900, 1000)),))
    summary = run(untouched, tmp_path / "out", Request.of_recipe(wide, 2))
    assert summary.made == 0
    assert len(summary.failures) == 2
    assert not (tmp_path / "out/test/dent").exists()
    assert not (tmp_path / "out/anomalib.yaml").exists()


def test_bad_input_is_refused_before_anything_is_written(tmp_path):
    root = trees.write_category(tmp_path / "part")
    for path in root.glob("*/good/xyz/*.tiff"):
        path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ValueError, match="is truncated or not a TIFF"):
        run(root, tmp_path / "out")
    assert not (tmp_path / "out").exists()
