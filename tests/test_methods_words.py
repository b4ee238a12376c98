"""Published methods by the words of the README, from outside: the command line, a file of ten lines, training."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import crossmodal as cm
from crossmodal import captures
from crossmodal.cli import main

ROOT = Path(__file__).parents[1]
SECTION = re.search(r"\n## Published methods\n(.*?)\n## ", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[1]
GRIT = re.search(r"```yaml\n(.*?)```", SECTION, re.S)[1]
SURVEY = 47


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """my_parts/: the scenes that ship, in the layout of MVTec 3D-AD."""
    folder = tmp_path_factory.mktemp("user") / "my_parts"
    assert main(["convert", captures.__path__[0], "--to", "mvtec3d", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def made(parts):
    """A run with a method that ships and with the README's own."""
    (parts.parent / "grit.yaml").write_text(GRIT, encoding="utf-8")
    out = parts.parent / "made"
    assert main(["synthesize", str(parts), "--out", str(out), "--methods", f"draem,{parts.parent / 'grit.yaml'}",
                 "--seed", "3", "--only-defects"]) == 0
    return out


def told(argv, capsys):
    capsys.readouterr()
    code = main(argv)
    return code, capsys.readouterr().out


def test_the_table_says_of_all_47_what_they_change_need_and_whether_they_run(capsys):
    assert f"the {SURVEY} entries" in SECTION
    rows = json.loads(told(["methods", "--json"], capsys)[1])
    assert {row["n"] for row in rows if row["n"]} == set(range(1, SURVEY + 1))
    for row in rows:
        assert {"method", "branch", "rgb", "depth", "cloud", "needs", "status", "source"} <= row.keys()
        runs = row["status"].startswith("runs")
        assert runs == (row["method"] != "-"), row
        assert row["needs"], row
        assert not runs or row["kind"] in ("defect", "corruption", "feature", "study")
        if row["status"].startswith("runs") and row["kind"] != "feature":
            found = cm.method(row["method"])
            assert (found.as_published is not None) == row["status"].endswith("as published")
    runs, waits, _ = told(["methods"], capsys)[1].split("\n\n")
    assert len(runs.splitlines()) + len(waits.splitlines()) == len(rows) + 2  # a line each below two heads


def test_a_run_is_of_the_layout_checks_and_replays(parts, made, capsys):
    manifest = [json.loads(line) for line in (made / "manifest.jsonl").read_text().splitlines()]
    assert {entry["kind"] for entry in manifest} == {"draem", "rubbed-in-grit"}
    for entry in manifest:
        for folder in ("rgb", "xyz", "gt", "gt_rgb", "gt_depth", "instances", "displacement"):
            assert (made / entry["files"][folder]).is_file()
        assert entry["kind"] in " ".join(entry["captions"]).lower()
        assert entry["defects"][0]["visible_in"] == ["rgb", "depth", "points"]
    assert main(["check", str(made), "--source", str(parts)]) == 0
    assert "0 violated" in capsys.readouterr().out
    code, said = told(["replay", str(made / "manifest.jsonl"), "--source", str(parts), "--out",
                       str(made.parent / "again")], capsys)
    assert code == 0
    assert f"{len(manifest)} with the bytes of the manifest" in said
    code, said = told(["convert", str(made), "--to", "coco", "--out", str(made.parent / "coco")], capsys)
    assert code == 0
    assert "1 rubbed-in-grit" in said


def test_as_published_lies_on_the_picture_alone():
    assert "as in its paper: on the picture alone" in SECTION
    capture = captures.load("pot")
    result = cm.synthesize(capture, cm.method("draem", as_published=True), seed=9)
    assert result.masks.rgb.any()
    assert not result.masks.depth.any()
    assert np.array_equal(result.after.points, capture.points, equal_nan=True)


def test_the_ten_lines_are_ten_and_are_a_method_in_python_too(tmp_path):
    assert len(GRIT.splitlines()) <= 10
    (tmp_path / "grit.yaml").write_text(GRIT, encoding="utf-8")
    written = cm.method(tmp_path / "grit.yaml")
    assert cm.Method.model_validate(written.model_dump()) == written
    capture = captures.load("pot")
    assert cm.draw(capture, written, 7).defects[0].kind == "rubbed-in-grit"
    assert cm.Method.model_validate_json(written.model_dump_json()) == written


def test_a_method_augments_like_a_recipe(tmp_path):
    (tmp_path / "grit.yaml").write_text(GRIT, encoding="utf-8")
    capture = captures.load("pot")
    augment = cm.Augment(cm.method(tmp_path / "grit.yaml"), seed=1)
    sample = {"rgb": capture.rgb, "xyz": capture.points}
    first, again, other = (augment(sample, draw=k) for k in (3, 3, 4))
    assert (first["rgb"] == again["rgb"]).all()
    assert not (first["gt"] == other["gt"]).all()
    assert first["gt"].any()


def test_a_method_fills_a_torch_dataset():
    pytest.importorskip("torch")
    from crossmodal.torch import SyntheticDataset
    dataset = SyntheticDataset([captures.load("pot")], cm.method("cutpaste"), seed=1)
    one = dataset[0]
    dataset.epoch = 1
    assert one["gt"].any()
    assert not (one["rgb"] == dataset[0]["rgb"]).all()


def test_what_to_make_is_said_once(parts, tmp_path, capsys):
    asked = ["synthesize", str(parts), "--method", "draem", "--prompt", "a dent"]
    assert main([*asked, "--out", str(tmp_path / "out")]) == 2
    assert "give one of them" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_readmes_python_runs_and_leaves_the_backbone_as_it_was(parts, monkeypatch):
    torch = pytest.importorskip("torch")
    code = re.search(r"```python\n(.*?)```", SECTION, re.S)[1]

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer2, self.layer3 = torch.nn.Conv2d(3, 4, 8, 8), torch.nn.Conv2d(4, 2, 2, 2)

        def forward(self, x):
            return self.layer3(torch.relu(self.layer2(x)))

    code = code.replace("from torchvision.models import resnet18\n", "")
    monkeypatch.chdir(parts.parent)
    net, said = Net(), []
    exec(code, {"resnet18": lambda: net, "print": lambda *words: said.append(words)})
    assert [words[0] for words in said] == [f"train/good/{name}" for name in ("boxes", "cans", "cereal", "pot")]
    assert all(words[1] == words[2] and words[3] > 0 for words in said)
    assert net.training
    assert net.layer2.training


def test_a_critic_gives_a_number_a_cell():
    torch = pytest.importorskip("torch")
    from crossmodal.methods.feature import FEATURE_METHODS, Maps, Online
    maps = Maps("m", {"rgb": torch.zeros(3, 4, 4)}, np.ones((4, 4), bool))
    for critic in (lambda cells: cells, lambda cells: cells.sum(1) * float("nan")):
        with pytest.raises(ValueError, match="finite number a cell"):
            Online(FEATURE_METHODS["glass"], critic).sample(maps)


def test_a_detector_in_training_learns_its_online_anomalies():
    """GLASS's loop: a small critic tells false features from good ones better and better, each side by one region."""
    torch = pytest.importorskip("torch")
    from crossmodal.methods.feature import FEATURE_METHODS, Maps, Online
    torch.manual_seed(0)
    plane = torch.linalg.qr(torch.randn(6, 2))[0]  # good features lie on less than all that there is
    good = {side: (plane @ torch.randn(2, 64)).reshape(6, 8, 8) for side in ("rgb", "xyz")}
    maps = Maps("m", good, np.ones((8, 8), bool))
    net = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
    loop, losses = Online(FEATURE_METHODS["glass"], lambda cells: net(cells)[:, 0], seed=1), []
    descent = torch.optim.Adam(net.parameters(), 0.06)
    loop.begin([maps])
    for _ in range(36):
        sample = loop.sample(maps)
        assert np.array_equal(sample.masks["rgb"], sample.masks["xyz"])
        good, false = (torch.cat([by[side].flatten(1).T for side in by]) for by in (maps.by, sample.by))
        logits = net(torch.cat((good, false)))[:, 0]
        truth = torch.cat((torch.zeros(len(good)), torch.ones(len(false))))
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth)
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.75 * losses[0], losses[::10]


@pytest.mark.parametrize("number", ["11_published_and_lifted", "12_all_methods"])
def test_the_examples_that_the_words_name_are_there_and_short(number):
    path = ROOT / "examples" / f"{number}.py"
    assert len(path.read_text().splitlines()) <= 42
    assert (ROOT / "examples/gallery" / f"{number}.jpg").is_file()
