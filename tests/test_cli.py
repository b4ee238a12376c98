"""The command line: what it makes, what it says, and one line for everything that it cannot do."""

import json
import os
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import trees

import crossmodal as cm
from crossmodal.cli import main
from crossmodal.commands import progress
from depth import read_xyz, write_depth, write_xyz
from pointcloud import read_cloud
from rgb import read_mask, read_rgb, write_mask, write_rgb

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def category(tmp_path_factory) -> Path:
    return trees.write_category(tmp_path_factory.mktemp("source") / "part")


@pytest.fixture(scope="module")
def made(category, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    assert main(["synthesize", str(category), "--out", str(out), "--count", "4", "--seed", "2"]) == 0
    return out


def spawned(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "crossmodal", *map(str, arguments)], cwd=ROOT, capture_output=True,
                          text=True, timeout=300, **more)


def told(capsys) -> tuple[str, str]:
    captured = capsys.readouterr()
    return captured.out, captured.err


# what it makes


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


def test_synthesize_says_what_it_made_and_how_to_measure_it(category, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["synthesize", str(category), "--out", str(out), "--kinds", "dent,bump", "--count", "3"]) == 0
    text, err = told(capsys)
    assert text.splitlines()[0].startswith(f"{out}: 3 of 3 samples (")
    assert f"crossmodal check {out} --source {category}" in text
    assert "samples: 3 of 3" in err


def test_synthesize_for_machines(category, tmp_path, capsys):
    assert main(["synthesize", str(category), "--out", str(tmp_path / "out"), "--count", "2", "--json"]) == 0
    (dataset,) = (value := json.loads(told(capsys)[0]))["datasets"]
    assert (dataset["made"], dataset["kept"], dataset["failures"], value["exit_code"]) == (2, 0, [], 0)


def test_a_recipe_file_is_followed(category, tmp_path, capsys):
    (tmp_path / "recipe.yaml").write_text("defects:\n- {kind: dent, depth_mm: 0.4}\n- {kind: stain}\n")
    out = tmp_path / "out"
    assert main(["synthesize", str(category), "--out", str(out), "--recipe", str(tmp_path / "recipe.yaml")]) == 0
    (entry,) = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
    assert entry["id"] == "test/combined/000"
    assert entry["defects"][0]["requested"]["depth_mm"] == 0.4


def test_each_category_of_a_root_is_a_dataset(category, tmp_path, capsys):
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


def test_what_is_written_passes_check(made, category, capsys):
    assert main(["check", str(made), "--source", str(category)]) == 0
    assert "0 violated" in told(capsys)[0]
    assert main(["check", str(made), "--json"]) == 0
    assert json.loads(told(capsys)[0])["exit_code"] == 0


def test_check_finds_what_is_wrong(made, category, tmp_path, capsys):
    import shutil

    shutil.copytree(made, tmp_path / "spoilt")
    path = min(path for path in (tmp_path / "spoilt/test").glob("*/rgb/000.png") if path.parts[-3] != "good")
    write_rgb(path, read_rgb(path).pixels[::-1].copy())
    assert main(["check", str(tmp_path / "spoilt"), "--source", str(category)]) == 1
    (tmp_path / "empty").mkdir()
    assert main(["check", str(tmp_path / "empty")]) == 1


# replay


def test_replay_makes_the_same_bytes(made, category, tmp_path, capsys):
    assert main(["replay", str(made / "manifest.jsonl"), "--source", str(category), "--out", str(tmp_path)]) == 0
    assert "4 of 4 samples replayed, 4 with the bytes of the manifest" in told(capsys)[0]
    again, first = trees.digests(tmp_path), trees.digests(made)
    assert again == {name: first[name] for name in again}
    assert len([name for name in again if name.startswith("test/")]) == 4 * 7


@pytest.mark.parametrize(("spoil", "code", "said"), [
    (lambda line: None, 1, "failed: error: vector::_M_default_append"),
    (lambda line: line.update(defects="x"), 2, "is no manifest entry"),
    (lambda line: line.update(defects=[{"kind": "dent"}]), 2, "is no manifest entry"),
])
def test_a_spoilt_manifest_entry_is_one_line(spoil, code, said, made, category, tmp_path, capsys, monkeypatch):
    def out_of_memory(*given):
        raise cv2.error("vector::_M_default_append")
    monkeypatch.setattr("crossmodal.synthesis.replay", out_of_memory)
    line = json.loads((made / "manifest.jsonl").read_text().splitlines()[0])
    spoil(line)
    (tmp_path / "manifest.jsonl").write_text(json.dumps(line) + "\n")
    assert main(["replay", str(tmp_path / "manifest.jsonl"), "--source", str(category),
                 "--out", str(tmp_path / "out")]) == code
    assert said in told(capsys)[1]


@pytest.mark.parametrize(("recipe", "said"), [
    ("defects: [{kind: dent}]\ncount: 1000000000\n", "count: Input should be less than or equal to 255"),
    ("", "is no recipe; begin it with a line that says defects:"),
    ("defects: [{kind: dent, diameter_mm: '-5%'}]\n", "diameter_mm: a size is in mm, or in percent"),
])
def test_a_recipe_that_cannot_be_is_refused_in_words(recipe, said, category, tmp_path, capsys):
    (tmp_path / "recipe.yaml").write_text(recipe)
    assert main(["synthesize", str(category), "--recipe", str(tmp_path / "recipe.yaml"),
                 "--out", str(tmp_path / "out")]) == 2
    assert said in told(capsys)[1]
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_not_utf8_is_refused_by_name(category, tmp_path, capsys):
    good = tmp_path / "in/train/good"
    shutil.copytree(category / "train/good", good)
    for room, suffix in (("rgb", "png"), ("xyz", "tiff")):
        first = min((good / room).iterdir())
        first.rename(first.with_name(f"\udcff.{suffix}"))
    assert main(["synthesize", str(tmp_path / "in"), "--kinds", "dent", "--out", str(tmp_path / "out")]) == 2
    assert "\\udcff has a name that is not UTF-8" in told(capsys)[1]


def test_a_bare_plan_is_replayed(made, category, tmp_path, capsys):
    entry = json.loads((made / "manifest.jsonl").read_text().splitlines()[0])
    (tmp_path / "plan.json").write_text(json.dumps(entry["plan"], indent=2))
    out = tmp_path / "out"
    assert main(["replay", str(tmp_path / "plan.json"), "--source", str(category), "--out", str(out)]) == 0
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


def test_a_lifted_sample_is_replayed_from_the_category(category, tmp_path, capsys):
    picture = category / "train/good/rgb/001.png"
    painted(picture, tmp_path / "painted.png")
    out = tmp_path / "out"
    assert main(["lift", str(picture), "--rgb", str(tmp_path / "painted.png"), "--out", str(out)]) == 0
    assert main(["replay", str(out / "manifest.jsonl"), "--source", str(category), "--out", str(tmp_path / "b")]) == 0
    assert "1 of 1 samples replayed, 1 with" in told(capsys)[0]


# lift


def painted(picture: Path, out: Path) -> np.ndarray:
    pixels = read_rgb(picture).pixels.copy()
    cv2.circle(pixels, (80, 80), 9, (200, 30, 30), -1)
    write_rgb(out, pixels)
    return pixels


def lifted(out: Path, word: str) -> Path:
    return out / "test/lifted" / word / ("000.tiff" if word in ("xyz", "displacement") else "000.png")


def test_paint_becomes_material_and_relief(category, tmp_path, capsys):
    picture = category / "train/good/rgb/001.png"
    pixels = painted(picture, tmp_path / "painted.png")
    before = read_xyz(category / "train/good/xyz/001.tiff")
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


def test_an_edited_xyz_comes_back_as_given(category, tmp_path):
    picture, tiff = category / "train/good/rgb/001.png", category / "train/good/xyz/001.tiff"
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


def test_an_edited_depth_moves_points_along_their_rays(category, tmp_path):
    picture, xyz = category / "train/good/rgb/001.png", read_xyz(category / "train/good/xyz/001.tiff")
    z = np.where(xyz[..., 2] > 0, xyz[..., 2], np.float32(np.nan))
    z[70:90, 70:90] += np.float32(0.0008)
    write_depth(tmp_path / "depth.tiff", z)
    assert main(["lift", str(picture), "--depth", str(tmp_path / "depth.tiff"), "--out", str(tmp_path / "out")]) == 0
    got, changed = read_xyz(lifted(tmp_path / "out", "xyz")), read_mask(lifted(tmp_path / "out", "gt_depth")) > 0
    assert changed[72:88, 72:88].all()
    np.testing.assert_array_equal(got[changed, 2], z[changed])
    np.testing.assert_allclose(got[changed, :2] / got[changed, 2:], xyz[changed, :2] / xyz[changed, 2:], atol=1e-6)
    assert (read_rgb(lifted(tmp_path / "out", "rgb")).pixels != read_rgb(picture).pixels).any()


def test_the_mask_of_a_lift_says_where_it_counts(category, tmp_path):
    picture = category / "train/good/rgb/001.png"
    pixels = painted(picture, tmp_path / "painted.png")
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[:, :80] = 255
    write_mask(tmp_path / "mask.png", mask)
    assert main(["lift", str(picture), "--rgb", str(tmp_path / "painted.png"), "--mask", str(tmp_path / "mask.png"),
                 "--out", str(tmp_path / "out")]) == 0
    after = read_rgb(lifted(tmp_path / "out", "rgb")).pixels
    np.testing.assert_array_equal(after[:, 80:], read_rgb(picture).pixels[:, 80:])
    assert (after[:, :80] == pixels[:, :80]).all()


# what it refuses: (arguments, what stands in the one line)

REFUSED = [
    (["synthesize"], "Missing argument*"),
    (["synthesize", "{part}"], "Missing option '--out'*"),
    (["synthesize", "{part}", "--out", "{new}", "--cuont", "3"], "No such option: --cuont*"),
    (["synthesize", "{part}", "--out", "{new}", "--count", "many"], "Invalid value for '--count'*"),
    (["synthesize", "{part}", "--out", "{new}", "--count", "-3"], "count must be at least 1, but got -3"),
    (["synthesize", "{part}", "--out", "{new}", "--seed", "-1"], "seed must be 0 or above, but got -1"),
    (["synthesize", "{part}", "--out", "{new}", "--workers", "0"], "--workers must be at least 1, but got 0"),
    (["synthesize", "{part}", "--out", "{new}", "--shard", "3/2"], "--shard must be i/n with i from 1 to n*"),
    (["synthesize", "{part}", "--out", "{new}", "--kinds", "dnet"], "--kinds must be among dent, *, but got 'dnet'"),
    (["synthesize", "{part}", "--out", "{new}", "--unit", "cm"], "unit must be one of *, but got cm"),
    (["synthesize", "{part}", "--out", "{new}", "--from", "val"], "--from must name splits (*), but got 'val'"),
    (["synthesize", "{part}", "--out", "{new}", "--recipe", "{tmp}/none.yaml"], "*none.yaml cannot be read*"),
    (["synthesize", "{part}", "--out", "{new}", "--recipe", "{tmp}/keys.yaml"], "*keys.yaml: defects.0.dent.depth*"),
    (["synthesize", "{part}", "--out", "{new}", "--recipe", "{tmp}/minus.yaml"],
     "*minus.yaml: defects.0.dent.depth_mm*"),
    (["synthesize", "{part}", "--out", "{new}", "--recipe", "{tmp}/nan.yaml"], "*nan.yaml: defects.0.dent.depth_mm*"),
    (["synthesize", "{part}", "--out", "{new}", "--recipe", "{tmp}/keys.yaml", "--kinds", "dent"],
     "--recipe and --kinds both say what to make; give one of them"),
    (["synthesize", "{part}", "--out", "{new}", "--preset", "dent", "--kinds", "dent"],
     "--preset and --kinds both say what to make; give one of them"),
    (["synthesize", "{part}", "--out", "{new}", "--preset", "dnet"], "preset must be one of *dent*, but got 'dnet'"),
    (["synthesize", "{part}", "--out", "{part}"], "*is the source itself; choose another --out"),
    (["synthesize", "{part}", "--out", "{part}/made"], "*lies inside the source*"),
    (["synthesize", "{part}", "--out", "{tmp}"], "*holds the source*"),
    (["synthesize", "{part}", "--out", "{tmp}/keys.yaml/below"], "*cannot be written (*); choose another --out"),
    (["synthesize", "{tmp}/nowhere", "--out", "{new}"], "*nowhere does not exist; check the path"),
    (["synthesize", "{tmp}/mm", "--out", "{new}"], "*xyz/000.tiff: median z is 302; that looks like millimetres: "
                                                   "say --unit mm"),
    (["replay", "{tmp}/none.jsonl", "--source", "{part}", "--out", "{new}"], "*none.jsonl cannot be read*"),
    (["replay", "{tmp}/keys.yaml", "--source", "{part}", "--out", "{new}"], "*is not JSON; give a manifest.jsonl*"),
    (["replay", "{tmp}/evil.jsonl", "--source", "{part}", "--out", "{new}"], "*line 1 is no manifest entry*"),
    (["lift", "{part}/train/good/rgb/000.png", "--out", "{new}"], "give the one file that was edited*"),
    (["lift", "{part}", "--rgb", "{tmp}/a.png", "--out", "{new}"], "*holds 8 captures; give one*"),
    (["lift", "{part}/train/good/rgb/000.png", "--rgb", "{tmp}/small.png", "--out", "{new}"],
     "*small.png is 40x30 pixels but the capture is 160x160; edit it at its own size"),
    (["lift", "{part}/train/good/rgb/000.png", "--rgb", "{part}/train/good/rgb/000.png", "--out", "{new}"],
     "the edited rgb nowhere differs*"),
    (["lift", "{part}/train/good/rgb/000.png", "--rgb", "{part}/train/good/rgb/001.png", "--out", "{new}",
      "--relief", "dent"], "--relief dent needs --depth-mm and nothing else"),
    (["lift", "{part}/train/good/rgb/000.png", "--rgb", "{tmp}/small.png", "--out", "{new}", "--kind", "../x"],
     "--kind must be a plain word*"),
    (["check", "{tmp}/nowhere"], "*nowhere does not exist; check the path"),
    (["frobnicate"], "No such command 'frobnicate'*"),
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("refused")
    trees.write_category(root / "part")
    trees.write_pair(root / "mm", "000", trees.good(0), 1000.0)
    (root / "keys.yaml").write_text("defects: [{kind: dent, depth: 1}]")
    (root / "minus.yaml").write_text("defects: [{kind: dent, depth_mm: -1}]")
    (root / "nan.yaml").write_text("defects: [{kind: dent, depth_mm: .nan}]")
    (root / "evil.jsonl").write_text('{"id": "test/../../x", "source": {}, "files": {}, "seed": 0, "sha256": {}, '
                                     '"plan": {"defects": []}}\n')
    write_rgb(root / "small.png", np.zeros((30, 40, 3), np.uint8))
    return root


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED, ids=[" ".join(words)[-44:] for words, _ in REFUSED])
def test_what_cannot_be_done_gets_one_line_and_leaves_nothing(scene, arguments, sentence, capsys):
    before = trees.digests(scene)
    places = {"part": scene / "part", "tmp": scene, "new": scene / "new"}
    assert main([argument.format(**places) for argument in arguments]) == 2
    out, err = told(capsys)
    lines = [line for line in err.splitlines() if not line.startswith("note:")]
    assert out == ""
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    assert fnmatchcase(lines[0].removeprefix("error: "), sentence), lines[0]
    assert trees.digests(scene) == before
    assert not (scene / "new").exists()


@pytest.mark.parametrize("arguments", [["synthesize", "none", "--out", "x"], ["synthesize", "--what"], ["check", "no"]])
def test_a_real_command_says_one_line_and_exits_2(arguments):
    done = spawned(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_partial_failure_exits_1_and_names_the_sample(tmp_path, capsys):
    root = trees.write_category(tmp_path / "part", train=4, validation=0, test=2)
    broken = root / "test/good/xyz/001.tiff"
    broken.write_bytes(broken.read_bytes()[:500])
    assert main(["synthesize", str(root), "--out", str(tmp_path / "out"), "--kinds", "dent", "--count", "4"]) == 1
    out, err = told(capsys)
    assert "of 4 samples" in out
    assert "001.tiff is truncated" in err
    assert "Traceback" not in err


def test_what_a_floor_hides_is_said_once_and_before_anything_is_made(tmp_path, capsys):
    scenes = trees.write_scenes(tmp_path / "scenes")
    from crossmodal import captures
    from pointcloud import write_pcd

    for path in scenes.iterdir():
        path.unlink()
    write_pcd(scenes / "pot.pcd", trees.scene(captures.load("pot")))
    (tmp_path / "recipe.yaml").write_text("defects: [{kind: dent, depth_mm: 0.1, diameter_mm: 20}]")
    assert main(["synthesize", str(scenes), "--out", str(tmp_path / "out"), "--count", "3", "--recipe",
                 str(tmp_path / "recipe.yaml")]) == 0
    lines = told(capsys)[1].splitlines()
    notes = [line for line in lines if line.startswith("note: ")]
    assert lines[0] == notes[0]
    assert "visible in colour only" in notes[0]
    assert len(notes) == len(set(notes)) <= progress.MOST_WARNINGS + 1


def test_more_warnings_than_anybody_reads_are_counted_out(capsys):
    warn = progress.warner()
    for i in range(20):
        warn(f"sentence {i}")
    assert len(told(capsys)[1].splitlines()) == progress.MOST_WARNINGS + 1


def test_a_reader_that_goes_away_is_no_traceback():
    process = subprocess.Popen([sys.executable, "-m", "crossmodal", "defects"], cwd=ROOT, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait()


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
