"""Commands that ask a vision-language model: once for each capture, and replayed without it."""

import json
from pathlib import Path

import numpy as np
import pytest
from conversions import refused
from recorded import SCRATCH

import crossmodal as cm
from crossmodal import captures
from crossmodal.cli import main
from crossmodal.datasets import Reading, load, sources
from crossmodal.vlm import recipe_from
from rgb import write_rgb

pytestmark = pytest.mark.usefixtures("own_cache")



POT = Path(captures.__file__).parent / "pot.pcd"


def test_text_recipe_and_python_make_the_same_bytes(heard, tmp_path):
    heard("bare")
    pot = captures.load("pot")
    by_text = cm.synthesize(pot, recipe_from(pot, "a scratch of 12 mm in the middle", "m"), seed=5)
    (tmp_path / "r.yaml").write_text("defects:\n- {kind: scratch, length_mm: 12, place: {near: centre}}\n")
    by_recipe = cm.synthesize(pot, cm.read_recipe(tmp_path / "r.yaml"), seed=5)
    by_python = cm.synthesize(pot, cm.Scratch(length_mm=12, place=cm.Place(near="centre")), seed=5)
    for other in (by_recipe, by_python):
        assert other.after.rgb.tobytes() == by_text.after.rgb.tobytes()
        assert other.after.points.tobytes() == by_text.after.points.tobytes()
        assert other.plan == by_text.plan


@pytest.fixture
def source(tmp_path) -> Path:
    """Three captures in a folder."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("boxes", "cereal", "pot"):
        (folder / f"{name}.pcd").symlink_to(POT.with_name(f"{name}.pcd"))
    return folder


def test_synthesize_asks_once_for_each_capture_and_replays_without(heard, source, tmp_path, capsys):
    crack = '{"defects": [{"kind": "stain"}]}'
    asked = heard("bare", crack, "only_prose", "two_answers")
    out = tmp_path / "out"
    assert main(["synthesize", str(source), "--out", str(out), "--prompt", "a scratch", "--vlm", "m", "--count", "6",
                 "--only-defects"]) == 1
    assert len(asked) == 4
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert sorted(entry["kind"] for entry in entries) == ["scratch"] * 2 + ["stain"] * 2
    failed = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert ["the reply holds 2 answers" in one["reason"] for one in failed] == [True, True]
    found = {one.path: load(one, Reading()) for one in sources(source)}
    for entry in entries:
        assert entry["prompt"] == "a scratch"
        assert entry["vlm"] | {"recipe": 0, "answer_sha256": 0} == {
            "model": "m", "by": "model", "answer_sha256": 0, "repaired": False, "recipe": 0}
        capture = found[entry["source"]["path"]]
        made = cm.synthesize(capture, cm.Recipe.model_validate(entry["vlm"]["recipe"]), entry["seed"])
        assert made.plan.defects[0].spec == cm.Plan.model_validate(entry["plan"]).defects[0].spec
    capsys.readouterr()
    assert main(["replay", str(out / "manifest.jsonl"), "--source", str(source), "--out", str(tmp_path / "again")]) == 0
    assert "4 of 4 samples replayed, 4 with the bytes" in capsys.readouterr().out
    assert (tmp_path / "again" / "manifest.jsonl").read_bytes() == (out / "manifest.jsonl").read_bytes()
    assert len(asked) == 4


def test_what_a_picture_alone_cannot_carry_fails_and_the_rest_is_made(heard, tmp_path):
    folder = tmp_path / "part" / "train" / "good"
    folder.mkdir(parents=True)
    for i in range(2):
        write_rgb(folder / f"00{i}.png", np.full((96, 128, 3), 120 + i, np.uint8))
    heard('{"defects": [{"kind": "stain"}]}', '{"defects": [{"kind": "bend"}]}')
    assert main(["synthesize", str(tmp_path / "part"), "--out", str(tmp_path / "out"), "--prompt", "a stain", "--vlm",
                 "m", "--count", "2", "--mm-per-pixel", "0.1", "--only-defects", "--light", "own"]) == 1
    (failed,) = (tmp_path / "out" / "failures.jsonl").read_text().splitlines()
    assert "a bend moves a whole object" in json.loads(failed)["reason"]
    assert len((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()) == 1


def test_an_interrupted_run_goes_on_with_the_answers_that_it_had(heard, source, tmp_path):
    asked = heard("bare", "bare", "bare")
    run = ["synthesize", str(source), "--prompt", "a scratch", "--vlm", "m", "--count", "3", "--only-defects", "--out"]
    assert main([*run, str(tmp_path / "whole")]) == 0
    manifest = tmp_path / "whole" / "manifest.jsonl"
    before = manifest.read_bytes()
    manifest.write_bytes(before[before.index(b"\n") + 1:])
    (tmp_path / "whole" / "test" / "scratch" / "rgb" / "000.png").unlink()
    assert main([*run, str(tmp_path / "whole"), "--resume"]) == 0
    assert manifest.read_bytes() == before
    assert len(asked) == 3


def test_plan_tells_what_was_said_and_by_whom(heard, capsys):
    heard("trailing_comma", "bare")
    for cached in (False, True):
        assert main(["plan", "a scratch", "--image", str(POT), "--vlm", "m", "--json"]) == 0
        value = json.loads(capsys.readouterr().out)
        assert value["recipe"] == SCRATCH
        assert value["plan"]["defects"][0]["spec"]["length_mm"] == 12
        assert {name: value["vlm"][name] for name in ("model", "prompt", "by", "cached", "repaired")} == {
            "model": "m", "prompt": "a scratch", "by": "model", "cached": cached, "repaired": True}
    heard("only_prose", "only_prose")
    assert main(["plan", "a dent", "--image", str(POT), "--vlm", "m"]) == 1
    assert "error: the model has no answer" in capsys.readouterr().err


def test_what_cannot_go_together_is_refused(capsys, tmp_path):
    assert "give it by --image" in refused(capsys, "plan", "a dent", "--vlm", "m")
    assert "name one by --vlm" in refused(capsys, "plan", "a dent", "--or-grammar")
    run = ("synthesize", POT, "--out", tmp_path / "out")
    assert "give the text by --prompt" in refused(capsys, *run, "--kinds", "dent", "--vlm", "m")
    assert "name one by --vlm" in refused(capsys, *run, "--prompt", "a dent", "--or-grammar")
