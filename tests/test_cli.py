"""The command line: what it makes, lists, checks and replays."""

import json
import os
import shutil

import cv2
import pytest
import trees
from commandline import spawned, told

import crossmodal as cm
from crossmodal.cli import main
from rgb import read_rgb, write_rgb


def test_help_comes_without_a_traceback_and_names_every_command():
    done = spawned("--help")
    assert done.returncode == 0
    for command in ("demo", "synthesize", "lift", "replay", "check", "defects"):
        assert command in done.stdout
    assert done.stderr == ""


def test_the_catalogue_is_listed(capsys):
    assert main(["defects"]) == 0
    lines = told(capsys)[0].splitlines()
    assert [line.split()[0] for line in lines] == ["kind", *(spec.model_fields["kind"].default for spec in cm.DEFECTS)]
    assert main(["defects", "--json"]) == 0
    assert json.loads(told(capsys)[0])[0]["sizes"] == ["diameter_mm", "depth_mm"]


def test_synthesize_says_what_it_made_and_how_to_measure_it(untouched, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["synthesize", str(untouched), "--out", str(out), "--kinds", "dent,bump", "--count", "3"]) == 0
    text, err = told(capsys)
    assert text.splitlines()[0].startswith(f"{out}: 3 of 3 samples (")
    assert f"crossmodal check {out} --source {untouched}" in text
    assert "samples: 3 of 3" in err


def test_synthesize_for_machines(untouched, tmp_path, capsys):
    assert main(["synthesize", str(untouched), "--out", str(tmp_path / "out"), "--count", "2", "--json"]) == 0
    (dataset,) = (value := json.loads(told(capsys)[0]))["datasets"]
    assert (dataset["made"], dataset["kept"], dataset["failures"], value["exit_code"]) == (2, 0, [], 0)


def test_a_recipe_file_is_followed(untouched, tmp_path, capsys):
    (tmp_path / "recipe.yaml").write_text("defects:\n- {kind: dent, depth_mm: 0.4}\n- {kind: stain}\n")
    out = tmp_path / "out"
    assert main(["synthesize", str(untouched), "--out", str(out), "--recipe", str(tmp_path / "recipe.yaml")]) == 0
    (entry,) = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
    assert entry["id"] == "test/combined/000"
    assert entry["defects"][0]["requested"]["depth_mm"] == 0.4


def test_each_category_of_a_root_is_a_dataset(untouched, tmp_path, capsys):
    trees.write_category(tmp_path / "root/a", 2, 0, 1)
    trees.write_category(tmp_path / "root/b", 2, 0, 1)
    out = tmp_path / "out"
    assert main(["synthesize", str(tmp_path / "root"), "--out", str(out), "--kinds", "dent", "--count", "3"]) == 0
    counts = {name: (out / name / "manifest.jsonl").read_text().count("\n") for name in ("a", "b")}
    assert counts == {"a": 2, "b": 1}
    entry = json.loads((out / "a/manifest.jsonl").read_text().splitlines()[0])
    assert entry["source"]["path"].startswith("a/")
    assert main(["replay", str(out / "a/manifest.jsonl"), "--source", str(tmp_path / "root"),
                 "--out", str(tmp_path / "again")]) == 0
    assert main(["check", str(out), "--source", str(tmp_path / "root")]) == 0


def test_what_is_written_passes_check(made, untouched, capsys):
    assert main(["check", str(made), "--source", str(untouched)]) == 0
    assert "0 violated" in told(capsys)[0]
    assert main(["check", str(made), "--json"]) == 0
    assert json.loads(told(capsys)[0])["exit_code"] == 0


def test_check_finds_what_is_wrong(made, untouched, tmp_path, capsys):
    shutil.copytree(made, tmp_path / "spoilt")
    path = min(path for path in (tmp_path / "spoilt/test").glob("*/rgb/000.png") if path.parts[-3] != "good")
    write_rgb(path, read_rgb(path).pixels[::-1].copy())
    assert main(["check", str(tmp_path / "spoilt"), "--source", str(untouched)]) == 1
    (tmp_path / "empty").mkdir()
    assert main(["check", str(tmp_path / "empty")]) == 1


# replay


def test_replay_makes_the_same_bytes(made, untouched, tmp_path, capsys):
    assert main(["replay", str(made / "manifest.jsonl"), "--source", str(untouched), "--out", str(tmp_path)]) == 0
    assert "4 of 4 samples replayed, 4 with the bytes of the manifest" in told(capsys)[0]
    again, first = trees.digests(tmp_path), trees.digests(made)
    assert again == {name: first[name] for name in again}
    assert len([name for name in again if name.startswith("test/")]) == 4 * 7


@pytest.mark.parametrize(("spoil", "code", "said"), [
    (lambda line: None, 1, "failed: error: vector::_M_default_append"),
    (lambda line: line.update(defects="x"), 2, "is no manifest entry"),
    (lambda line: line.update(defects=[{"kind": "dent"}]), 2, "is no manifest entry"),
])
def test_a_spoilt_manifest_entry_is_one_line(spoil, code, said, made, untouched, tmp_path, capsys, monkeypatch):
    def out_of_memory(*given):
        raise cv2.error("vector::_M_default_append")
    monkeypatch.setattr("crossmodal.synthesis.replay", out_of_memory)
    line = json.loads((made / "manifest.jsonl").read_text().splitlines()[0])
    spoil(line)
    (tmp_path / "manifest.jsonl").write_text(json.dumps(line) + "\n")
    assert main(["replay", str(tmp_path / "manifest.jsonl"), "--source", str(untouched),
                 "--out", str(tmp_path / "out")]) == code
    assert said in told(capsys)[1]


def test_a_bare_plan_is_replayed(made, untouched, tmp_path, capsys):
    entry = json.loads((made / "manifest.jsonl").read_text().splitlines()[0])
    (tmp_path / "plan.json").write_text(json.dumps(entry["plan"], indent=2))
    out = tmp_path / "out"
    assert main(["replay", str(tmp_path / "plan.json"), "--source", str(untouched), "--out", str(out)]) == 0
    (again,) = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
    assert again["sha256"]["xyz"] == entry["sha256"]["xyz"]
    assert again["sha256"]["rgb"] == entry["sha256"]["rgb"]


def test_replay_refuses_another_capture_unless_forced(made, tmp_path, capsys):
    other = trees.write_category(tmp_path / "part")
    for path in other.glob("*/good/rgb/*.png"):
        write_rgb(path, 255 - read_rgb(path).pixels)
    command = ["replay", str(made / "manifest.jsonl"), "--source", str(other), "--out", str(tmp_path / "out")]
    assert main(command) == 2
    assert "sha256 differs); give the right --source, or say --force" in told(capsys)[1]
    assert not (tmp_path / "out").exists()
    assert main([*command, "--force"]) == 0
    assert "4 of 4 samples replayed, 0 with" in told(capsys)[0]


# demo


def test_the_demo_makes_files_and_a_picture(tmp_path, capsys):
    out = tmp_path / "demo"
    assert main(["demo", "--out", str(out)]) == 0
    text, _ = told(capsys)
    assert str(out / "demo.png") in text
    assert read_rgb(out / "demo.png").shape[1] > 1000
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert len(entries) == 16
    for entry in entries:
        assert entry["defects"][0]["visible_in"], entry["id"]
    before = trees.digests(out)
    assert main(["demo", "--out", str(out)]) == 0
    assert trees.digests(out) == before
    assert main(["check", str(out)]) == 0


def test_the_demo_writes_over_nobodys_dataset(made, capsys):
    assert main(["demo", "--out", str(made)]) == 2
    assert "already holds a run; choose another --out" in told(capsys)[1]


# real captures


@pytest.mark.parametrize("name", ["mvtec3d_sample/cable_gland", "mosd"])
def test_real_captures_from_end_to_end(shared, tmp_path, capsys, name):
    source, out = shared / "data" / name, tmp_path / "out"
    assert main(["synthesize", str(source), "--out", str(out), "--count", "8", "--seed", "7", "--workers", "2"]) == 0
    for entry in map(json.loads, (out / "manifest.jsonl").read_text().splitlines()):
        assert entry["defects"][0]["visible_in"], entry["id"]
    told(capsys)
    assert main(["check", str(out), "--source", str(source)]) == 0, told(capsys)[0]


def test_one_scene_is_a_source(shared, tmp_path):
    scene = min((shared / "data/mosd").glob("*.pcd"))
    assert main(["synthesize", str(scene), "--out", str(tmp_path / "out"), "--kinds", "dent"]) == 0
    assert os.listdir(tmp_path / "out/test/good/rgb") == ["000.png"]
