"""synthesize --format: one command gives what two give, whole or not at all, and its manifest replays."""

import json
from pathlib import Path

import pytest
import trees
from conversions import converted, refused

from crossmodal.cli import main
from crossmodal.formats import staged

KEPT = {"run.json", "class_ids.json", "failures.jsonl", "manifest.jsonl", "license.txt"}


def made(source: Path, out: Path, *more: str) -> Path:
    assert main(["synthesize", str(source), "--out", str(out), "--kinds", "dent,stain", "--count", "2", *more]) == 0
    return out


@pytest.fixture(scope="module")
def category(tmp_path_factory) -> Path:
    return trees.write_category(tmp_path_factory.mktemp("source") / "part", 2, 0, 1)


@pytest.fixture(scope="module")
def tree(category, tmp_path_factory) -> Path:
    return made(category, tmp_path_factory.mktemp("tree") / "set")


@pytest.mark.parametrize("name", ["mvtec2d", "coco", "bop"])
def test_one_command_gives_what_two_give(category, tree, tmp_path, name):
    one = trees.digests(made(category, tmp_path / "one" / "set", "--format", name))
    two = trees.digests(converted(tree, name, tmp_path / "two" / "set"))
    assert {path: one[path] for path in two if path not in KEPT} == {p: b for p, b in two.items() if p not in KEPT}
    assert set(one) - set(two) <= KEPT
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"set"}


def test_its_manifest_names_no_files_and_replays(category, tree, tmp_path, capsys):
    out = made(category, tmp_path / "set", "--format", "yolo")
    for text, whole in zip(*((folder / "manifest.jsonl").read_text().splitlines() for folder in (out, tree)),
                           strict=True):
        assert json.loads(text) == json.loads(whole) | {"files": {}}
    capsys.readouterr()
    again = tmp_path / "again"
    assert main(["replay", str(out / "manifest.jsonl"), "--source", str(category), "--out", str(again)]) == 0
    assert "2 of 2 samples replayed, 2 with the bytes of the manifest" in capsys.readouterr().out


def test_categories_stay_apart(tmp_path):
    for name in ("a", "b"):
        trees.write_category(tmp_path / "root" / name, 2, 0, 1)
    out = made(tmp_path / "root", tmp_path / "out", "--format", "mvtec2d")
    for name in ("a", "b"):
        (entry,) = map(json.loads, (out / name / "manifest.jsonl").read_text().splitlines())
        assert entry["source"]["path"].startswith(f"{name}/")
        assert (out / name / f"{entry['id']}.png").is_file()


@pytest.mark.parametrize(("more", "said"), [
    (("--format", "eyecandies"), "needs lights (the same picture under six lights), which no run makes"),
    (("--format", "captures"), "can be read but not written; choose another --format"),
    (("--format", "tarball"), "format must be one of"),
    (("--format", "coco", "--resume"), "--resume needs the layout of MVTec 3D-AD; COCO segmentation is written when"),
    (("--format", "coco", "--shard", "1/2"), "crossmodal convert OUT --to coco"),
    (("--format", "coco", "--ply"), "--ply needs the layout"),
])
def test_what_cannot_be_written_so_is_refused_in_one_line(category, tmp_path, capsys, more, said):
    assert said in refused(capsys, "synthesize", category, "--out", tmp_path / "out", *more)
    assert not any(tmp_path.iterdir())


def test_a_full_out_is_refused_before_anything_is_made(category, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    assert "is not empty" in refused(capsys, "synthesize", category, "--out", tmp_path / "out", "--format", "coco")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine"]


def test_trouble_leaves_nothing(category, tmp_path, capsys, monkeypatch):
    def torn(*_):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(staged, "convert", torn)
    out = tmp_path / "out"
    assert main(["synthesize", str(category), "--out", str(out), "--kinds", "dent", "--format", "coco"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "error: somewhere: No space left on device"
    assert not any(tmp_path.iterdir())


def test_what_fails_is_told_beside_what_is_made(category, tmp_path):
    (tmp_path / "recipe.yaml").write_text("defects:\n- {kind: dent, diameter_mm: 5000, depth_mm: 1}\n")
    for more, there in ((), True), (("--only-defects",), False):
        out = tmp_path / f"out{there}"
        assert main(["synthesize", str(category), "--out", str(out), "--recipe", str(tmp_path / "recipe.yaml"),
                     "--format", "mvtec2d", *more]) == 1
        assert "no place for a dent" in (out / "failures.jsonl").read_text()
        assert (out / "train").is_dir() == there
