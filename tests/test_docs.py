"""The README and the examples say what is so: code, commands, links, pictures and generated parts."""

import ast
import importlib.util
import re
import runpy
import shlex
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh
import typer

import crossmodal as cm
from crossmodal import captures
from crossmodal.cli import app, main

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))
TRAINS = ("07_train_segmentation",)  # for a minute: test_training runs it in short
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "crossmodal/captures/README.md")
SIZES = {"examples/gallery/01_first_scratch.jpg": 250_000}  # the others: 150 kB


@cache
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", readme(), re.MULTILINE | re.DOTALL)


@cache
def gallery():
    spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "examples" / "make_gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", [one for one in EXAMPLES if one.stem not in TRAINS], ids=lambda path: path.stem)
def test_an_example_runs_and_makes_the_picture_that_is_shown(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path))
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{path.stem}.jpg: ")
    check_alike(cv2.imread(f"{path.stem}.jpg"), f"{path.stem}.jpg")


@pytest.mark.parametrize("kind", [spec.model_fields["kind"].default for spec in cm.DEFECTS])
def test_a_kind_looks_as_it_is_shown(kind):
    _, packed = cv2.imencode(".jpg", gallery().picture(kind)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 84))
    # A defect is a small part of its sheet.
    check_alike(cv2.imdecode(packed, cv2.IMREAD_COLOR), f"defect_{kind}.jpg", plainly=0.0005, mean=0.1)


def test_another_defect_is_seen_to_be_another(monkeypatch):
    """A bump half as high is not the bump that is shown."""
    page = gallery()
    spec, pixel = page.ON_HOUSING["bump"]
    flat = spec.model_copy(update={"height_mm": (0.5 * spec.height_mm[0],) * 2})
    monkeypatch.setitem(page.ON_HOUSING, "bump", (flat, pixel))
    with pytest.raises(AssertionError):
        test_a_kind_looks_as_it_is_shown("bump")


def check_alike(made, name, plainly=0.002, mean=0.5, columns=None):
    """A picture (h, w, 3) uint8 is the gallery's, but for a share that differs plainly and a mean in levels.

    columns: how many of the gallery's are compared; None for all of them
    """
    made, shown = made.astype(int), cv2.imread(str(ROOT / "examples" / "gallery" / name)).astype(int)[:, :columns]
    assert made.shape == shown.shape
    # Another CPU or OpenCV may round a level or move a boundary pixel; a picture of older code differs by far more.
    differs = np.abs(made - shown).max(-1)
    assert (differs > 24).mean() < plainly, "run python examples/make_gallery.py and look at what it made"
    assert differs.mean() < mean, "run python examples/make_gallery.py and look at what it made"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_what_you_will_see(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    title, empty, seen = ast.get_docstring(ast.parse(text)).split("\n", 2)
    assert title.endswith(".")
    assert not empty
    assert seen.startswith("You will see ")


def test_the_first_code_is_the_first_example():
    body = EXAMPLES[0].read_text(encoding="utf-8").split('"""', 2)[2].strip().splitlines()
    assert body[-1].startswith("print(")
    first = blocks("python")[0].strip().splitlines()
    assert first == body[:-1]
    assert len([line for line in first if line]) == 8


def my_parts(folder: Path) -> None:
    """The folder that the README calls my_parts, and painted.png, in a folder."""
    good = folder / "my_parts" / "train" / "good"
    for room in ("rgb", "xyz"):
        (good / room).mkdir(parents=True)
    for i, capture in enumerate(map(captures.load, captures.names())):
        cm.rgb.write_rgb(good / "rgb" / f"{i:03d}.png", capture.rgb)
        cm.depth.write_xyz(good / "xyz" / f"{i:03d}.tiff", capture.points)
    part = trimesh.creation.icosphere(5, 20)
    part.export(folder / "part.stl")
    trimesh.PointCloud(part.vertices).export(folder / "part.ply")
    painted = captures.load(captures.names()[0]).rgb.copy()
    painted[80:95, 100:120] = (200, 30, 30)
    cm.rgb.write_rgb(folder / "painted.png", painted)


@pytest.mark.parametrize("number", range(1, len(re.findall(r"^```python$", readme(), re.MULTILINE))))
def test_the_other_code_runs(number, tmp_path, monkeypatch):
    my_parts(tmp_path)
    monkeypatch.chdir(tmp_path)
    made = {}
    exec(compile(blocks("python")[number], f"README.md, block {number}", "exec"), made)
    assert made["sample" if "feature_samples" in made else "result"].gt.any()


def test_every_command_and_option_that_is_shown_exists():
    known = typer.main.get_command(app).commands
    lines = [part for block in blocks("sh") for line in block.splitlines() for part in line.split(" && ")]
    lines += re.findall(r"`(crossmodal [^`]+)`", readme())
    shown = [words[words.index(tool) + 1:] for line in lines
             if (words := shlex.split(line)) for tool in words if Path(tool).name == "crossmodal" and tool != "-m"]
    assert {words[0] for words in shown} >= {"demo", "synthesize", "lift", "replay", "check", "defects"}
    for name, *rest in shown:
        options = {option for parameter in known[name].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, f"crossmodal {name}"
    loose = set(re.findall(r"`(--[a-z-]+)", readme()))
    assert loose <= {option for command in known.values() for one in command.params for option in one.opts}


def test_the_commands_on_my_parts_do_what_they_say(tmp_path, monkeypatch, capsys):
    my_parts(tmp_path)
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks("sh") for line in block.splitlines()
             if line.startswith("crossmodal ") and ("my_parts" in line or "part." in line)]
    assert [line.split()[1] for line in lines] == ["lift", "synthesize", "check", "replay", *6 * ["synthesize"]]
    for number, line in enumerate(lines):
        line = line.split("#")[0].replace("--count 100", "--count 3").replace("--views 12", "--views 2")
        if number > 3:
            line = line.replace("--out made", f"--out made{number}")
        assert main(shlex.split(line)[1:]) == 0, line
    assert "3 with the bytes of the manifest" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("http://", "https://")):
            assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


def test_the_gallery_holds_what_is_shown_and_nothing_else():
    shown = set(re.findall(r"examples/gallery/[\w.]+", readme()))
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "examples" / "gallery").iterdir()}
    assert there == shown
    assert there == ({f"examples/gallery/{path.stem}.jpg" for path in EXAMPLES}
                     | {f"examples/gallery/defect_{kind}.jpg" for kind, _ in gallery().kinds()})
    for name in there:
        assert (ROOT / name).stat().st_size < SIZES.get(name, 150_000), name
        assert cv2.imread(str(ROOT / name)) is not None, name


def test_generated_parts_are_up_to_date():
    made = gallery().rewritten(readme())
    assert made == readme(), "run python examples/make_gallery.py --text"


def test_a_stale_table_is_noticed():
    stale = readme().replace("| [dent]", "| [dint]", 1)
    assert stale != readme() == gallery().rewritten(stale)


def test_the_picture_comes_before_the_code():
    lines = [line for line in readme().splitlines() if line]
    assert lines[0] == "# crossmodal"
    assert lines[2].startswith("![")
    assert "(examples/gallery/01_first_scratch.jpg)" in lines[2]


def test_the_changelog_has_this_version():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[.*{re.escape(cm.__version__)}", changes, re.MULTILINE)


def test_every_law_is_tested_or_said_not_to_be():
    stated = dict(re.findall(r"^\| (L\d+) \| (.*) \|$", readme(), re.MULTILINE))
    assert list(stated) == [f"L{n}" for n in range(1, 16)]
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py")
                    if path.name != Path(__file__).name)
    untested = {law for law in stated if not re.search(rf"(\b|_){law}(\b|_)", tests)}
    assert untested <= {law for law, said in stated.items() if said.endswith("(no test yet)")}
