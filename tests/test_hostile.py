"""Commands on hostile files: one clear line, exit code 1 or 2, bounded memory, and the source as it was."""

import json
import os
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
import trees
from hostile import MOST, PLANTED, files

from crossmodal import datasets
from crossmodal.cli import main


@pytest.fixture
def pair(tmp_path) -> Path:
    trees.write_pair(tmp_path / "in", "000", trees.good(0))
    return tmp_path / "in"


@pytest.mark.parametrize(("plant", "code"), [
    ("cut", 2), ("text", 2), ("device", 2), ("loop", 2), ("newline", 0), ("broken newline", 2), ("elsewhere", 2),
    ("escape", 2)])
def test_a_run_on_hostile_files_ends_in_a_line_and_leaves_the_source(pair, tmp_path, capfd, plant, code):
    xyz, rgb = pair / "xyz/000.tiff", pair / "rgb/000.png"
    if plant == "cut":
        xyz.write_bytes(xyz.read_bytes()[:900])
    elif plant == "text":
        rgb.write_text("a picture")
    elif plant == "device":
        rgb.unlink()
        os.symlink("/dev/zero", rgb)
    elif plant == "loop":
        rgb.unlink()
        os.symlink(rgb, rgb)
    elif plant.endswith("newline"):
        if plant.startswith("broken"):
            rgb.write_text("a picture")
        rgb.rename(rgb.with_name("a\nb\x1b[31m.png"))
        xyz.rename(xyz.with_name("a\nb\x1b[31m.tiff"))
    elif plant == "elsewhere":  # what a link leads to must be a picture, like any other file
        rgb.unlink()
        os.symlink("/etc/hostname", rgb)
    elif plant == "escape":  # a text that would be copied as it is must lie where it is said to lie
        (tmp_path / "secret").write_text("secret")
        os.symlink(tmp_path / "secret", pair / "license.txt")
    before = trees.digests(pair)
    assert main(["synthesize", str(pair), "--out", str(tmp_path / "out"), "--kinds", "dent", "--count", "1",
                 *(["--only-defects"] if plant != "escape" else ["--allow-overlap"])]) == code
    said = capfd.readouterr()
    assert trees.digests(pair) == before
    assert "\x1b" not in said.err + said.out
    assert all(len(line) < 500 for line in said.err.splitlines())
    if code:
        assert said.err.startswith("error: ")
        assert "Traceback" not in said.err
    assert b"secret" not in b"".join(trees.digests(tmp_path / "out").values())


DEEP = "[" * 100_000


@pytest.mark.parametrize("command", [
    ("replay", "plan.json", "--source", "in", "--out", "out"),
    ("replay", "manifest.jsonl", "--source", "in", "--out", "out"),
    ("synthesize", "in", "--recipe", "recipe.yaml", "--out", "out"),
    ("synthesize", "in", "--intrinsics", "plan.json", "--kinds", "dent", "--out", "out", "--only-defects"),
    ("check", "in"), ("inspect", "in", "--intrinsics", "plan.json")])
def test_brackets_without_end_end_in_a_line_wherever_text_is_read(command, pair, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for name in ("plan.json", "manifest.jsonl", "in/manifest.jsonl", "in/class_ids.json"):
        Path(name).write_text(DEEP)
    Path("recipe.yaml").write_text(DEEP[:2000])  # its parser takes minutes for more
    trees.write_pair(pair, "001", trees.good(1))
    (pair / "gt").mkdir()
    for stem in ("000", "001"):
        cv2.imwrite(str(pair / f"gt/{stem}.png"), np.zeros((160, 160), np.uint8))
    assert main([*command]) in (1, 2)
    said = capfd.readouterr()
    assert "Traceback" not in said.err + said.out
    assert said.err.count("\n") <= 1


@pytest.mark.parametrize("case", [case for case in PLANTED if PLANTED[case][0] in ("a.png", "depth.png", "depth.npy",
                                                                                    "xyz.tiff")])
def test_check_and_inspect_survive_what_is_planted(case, tmp_path, capfd):
    name, data = PLANTED[case]
    data = data() if callable(data) else data
    folder = tmp_path / ("xyz" if name == "xyz.tiff" else "rgb" if name == "a.png" else "depth")
    for room, good in (("rgb", "a.png"), ("depth" if folder.name != "xyz" else "xyz", "depth.png")):
        (tmp_path / room).mkdir()
        whole = files(tmp_path)[good]
        (tmp_path / room / f"0{Path(good).suffix}").write_bytes(whole)
    if folder.name != "rgb":
        (folder / "0.png").unlink(missing_ok=True)
    (folder / f"0{Path(name).suffix}").write_bytes(data)
    for command in ("check", "inspect"):
        tracemalloc.start()
        try:
            assert main([command, str(tmp_path)]) in (1, 2)
            assert tracemalloc.get_traced_memory()[1] < 2 * MOST + 8 * len(data)
        finally:
            tracemalloc.stop()
        said = capfd.readouterr()
        assert "Traceback" not in said.err + said.out
        assert said.err.count("\n") <= 1


def test_a_link_to_a_folder_above_is_not_followed_round(pair):
    os.symlink(pair, pair / "again")
    assert len(datasets.sources(pair)) == 1
    os.symlink(pair.parent, pair.parent / "round")
    assert {source.path for source in datasets.sources(pair.parent)} >= {"in/000"}


def pit_plan(**changes) -> dict:
    from crossmodal import Dent, Plan
    from crossmodal.plan import Grown

    dent = Grown(spec=Dent(diameter_mm=2, depth_mm=0.1), anchor_m=(0, 0, 0.3), normal=(0, 0, -1), heading=(1, 0, 0),
                 texture_seed=1)
    plan = Plan(capture="a", defects=(dent,)).model_dump(mode="json")
    plan["defects"][0] |= changes
    return plan


@pytest.mark.parametrize(("said", "message"), [
    ({"plan": pit_plan(normal=[0, 0, 0])}, "normal: must point somewhere, but is 0, 0, 0"),
    ({"plan": pit_plan(heading=[0, 0, 0])}, "heading: must point somewhere"),
    ({"id": "test/dent\n/000"}, "is no manifest entry"), ({"id": "test/dent/.."}, "is no manifest entry"),
    ({"id": "test/../000"}, "is no manifest entry"), ({"id": "/test/dent/000"}, "is no manifest entry"),
])
def test_a_manifest_that_lies_is_one_line(said, message, tmp_path, capsys):
    entry = {"id": "test/dent/000", "plan": pit_plan(), "seed": 1, "files": {}, "sha256": {},
             "source": {"path": "a"}} | said
    (tmp_path / "manifest.jsonl").write_text(json.dumps(entry) + "\n")
    asked = ["--source", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["replay", str(tmp_path / "manifest.jsonl"), *asked]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("count", "message"), [("1000000000", "count must be 1 to 1000000, which is terabytes"),
                                                ("1e9", "valid integer"), ("0", "at least 1")])
def test_a_count_beyond_any_disk_is_refused_at_once(count, message, pair, tmp_path, capsys):
    asked = ["--out", str(tmp_path / "out"), "--kinds", "dent", "--count", count]
    assert main(["synthesize", str(pair), *asked]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
