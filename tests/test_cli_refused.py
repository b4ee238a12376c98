"""One line for everything that the command line cannot do, and what it says of the rest."""

import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
import trees
from commandline import ROOT, spawned, told

from crossmodal.cli import main
from crossmodal.commands import progress
from rgb import write_rgb


@pytest.mark.parametrize(("recipe", "said"), [
    ("defects: [{kind: dent}]\ncount: 1000000000\n", "count: Input should be less than or equal to 255"),
    ("", "is no recipe; begin it with a line that says defects:"),
    ("defects: [{kind: dent, diameter_mm: '-5%'}]\n", "diameter_mm: a size is in mm, or in percent"),
])
def test_a_recipe_that_cannot_be_is_refused_in_words(recipe, said, untouched, tmp_path, capsys):
    (tmp_path / "recipe.yaml").write_text(recipe)
    assert main(["synthesize", str(untouched), "--recipe", str(tmp_path / "recipe.yaml"),
                 "--out", str(tmp_path / "out")]) == 2
    assert said in told(capsys)[1]
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_not_utf8_is_refused_by_name(untouched, tmp_path, capsys):
    good = tmp_path / "in/train/good"
    shutil.copytree(untouched / "train/good", good)
    for room, suffix in (("rgb", "png"), ("xyz", "tiff")):
        first = min((good / room).iterdir())
        first.rename(first.with_name(f"\udcff.{suffix}"))
    assert main(["synthesize", str(tmp_path / "in"), "--kinds", "dent", "--out", str(tmp_path / "out")]) == 2
    assert "\\udcff has a name that is not UTF-8" in told(capsys)[1]


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
    (tmp_path / "recipe.yaml").write_text("defects: [{kind: dent, depth_mm: 0.6, diameter_mm: 20}]")
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
