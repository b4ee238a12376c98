"""YAML that people write: what it says is read, and a key that stands twice is refused wherever a file is."""

from importlib.resources import files

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmodal.cli import main
from crossmodal.datasets.intrinsics import read_calibration
from crossmodal.formats import yolo
from crossmodal.formats.paths import read_yaml
from crossmodal.methods.presets import method
from crossmodal.recipe import read_recipe
from crossmodal.yaml_text import DEEPEST, Twice, texts, values

KEYS = st.text("abc", min_size=1, max_size=3).map("k".__add__)
TREES = st.recursive(st.integers(0, 99) | st.booleans() | st.just("no"), lambda parts: st.lists(parts, max_size=3)
                     | st.dictionaries(KEYS, parts, min_size=1, max_size=3), max_leaves=8)


def refuses_its_copy(read, tree, data):
    """Whether a line that is written again where it stands is found, by its number."""
    lines = yaml.safe_dump(tree, default_flow_style=False).splitlines()
    simple = [k for k, line in enumerate(lines) if line.lstrip(" -").startswith("k") and not line.endswith(":")]
    at = data.draw(st.sampled_from(simple))
    again = " " * (len(lines[at]) - len(lines[at].lstrip(" -"))) + lines[at].lstrip(" -")
    try:
        read("\n".join([*lines[:at + 1], again, *lines[at + 1:]]))
    except Twice as error:
        return f"in line {at + 2} stands in line {at + 1} already" in str(error)
    return False


@settings(max_examples=60, deadline=None)
@given(tree=TREES)
def test_what_it_says_is_what_is_read(tree):
    assert values(yaml.safe_dump(tree)) == tree


@settings(max_examples=60, deadline=None)
@given(tree=st.dictionaries(KEYS, TREES, min_size=1, max_size=3), data=st.data())
def test_a_line_that_stands_twice_is_refused_by_its_number(tree, data):
    tree["k"] = 1
    assert refuses_its_copy(values, tree, data)
    assert refuses_its_copy(texts, tree, data)
    assert not refuses_its_copy(yaml.safe_load, tree, data), "a reader that takes the last is caught"


@pytest.mark.parametrize("text", ["{a: 1, a: 2}", "a: 1\n'a': 2", "1: x\n0x1: y", "yes: 1\ntrue: 2",
                                  "- {a: [{b: 1, b: 1}]}", "? {a: 1, a: 1}\n: 1", "a: {<<: {b: 1, b: 2}}"])
def test_a_key_is_one_however_it_is_written(text):
    with pytest.raises(Twice, match="keep one of the two"):
        values(text)


@pytest.mark.parametrize("text", ["1: x\n'1': y", "a: &x {b: 1}\nc: {<<: *x, b: 2}\nd: *x", "a: &x [1]\nb: [*x, *x]",
                                  "a: &m {<<: &x {b: 1}, b: 2}\nc: {<<: *m, b: 3}\nd: *m", "- {a: 1}\n- {a: 1}"])
def test_what_only_looks_like_a_key_again_is_read_as_ever(text):
    assert values(text) == yaml.safe_load(text)


def test_a_word_is_kept_as_it_stands():
    assert texts("no: [yes, 1.0]") == {"no": ["yes", "1.0"]}


@pytest.mark.parametrize("text", ["- " * 100_000, "? " * 100_000, "[" * 100_000, "{a: " * (DEEPEST + 1),
                                  "a: !!timestamp x", "a: !!python/name:os.system", f"a: 1:{'59:' * 900}9.5", "a: [",
                                  "\0"])
def test_what_is_no_yaml_or_too_deep_is_refused_in_one_line(text):
    with pytest.raises(ValueError) as caught:
        values(text)
    assert "\n" not in str(caught.value)


def test_no_file_that_ships_says_anything_twice():
    for package in ("presets", "methods", "methods/presets", "guidance"):
        found = [path for path in (files("crossmodal") / package).iterdir() if path.name.endswith(".yaml")]
        assert found
        for path in found:
            texts(path.read_text(encoding="utf-8"))


TWICE = {
    "recipe": (read_recipe, "defects:\n- kind: dent\n  depth_mm: 1\n  depth_mm: 2\n", "depth_mm", 4, 3),
    "method": (method, "name: mine\nblocks: {}\nname: other\n", "name", 3, 1),
    "camera": (read_calibration, "fx: 500\nfy: 500\ncx: 9\ncy: 9\nfx: 50\n", "fx", 5, 1),
    "OpenCV's camera": (read_calibration, "%YAML:1.0\n---\nfx: 500\nfy: 500\nfy: 5\n", "fy", 5, 4),
    "bounds of depth": (read_yaml, "normalization:\n  min: 1\n  max: 2\n  min: 0\n", "min", 4, 2),
}


@pytest.mark.parametrize("name", TWICE)
def test_every_reader_names_the_file_the_key_and_the_lines(name, tmp_path):
    read, text, key, line, first = TWICE[name]
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ValueError, match=rf"^\S*a\.yaml: '{key}' in line {line} stands in line {first} already; keep"):
        read(tmp_path / "a.yaml")


def test_a_class_that_is_named_twice_is_refused(tmp_path):
    (tmp_path / "data.yaml").write_text("names:\n  0: dent\n  0: hole\n")
    with pytest.raises(ValueError, match=r"data\.yaml: '0' in line 3 stands in line 2 already"):
        yolo.listed(tmp_path, None)


def test_the_command_line_says_so_in_one_line(tmp_path, capsys):
    (tmp_path / "r.yaml").write_text(TWICE["recipe"][1])
    assert main(["synthesize", "nowhere", "--out", str(tmp_path / "out"), "--recipe", str(tmp_path / "r.yaml")]) == 2
    said = capsys.readouterr().err.strip()
    assert said.endswith("r.yaml: 'depth_mm' in line 4 stands in line 3 already; keep one of the two")
    assert "\n" not in said
