"""The table of methods: all rows of the survey, what runs of them, and what each preset says of itself."""

import json

import pytest

import crossmodal as cm
from crossmodal import captures
from crossmodal.cli import main
from crossmodal.methods.presets import names
from crossmodal.methods.table import rows, survey


def test_the_table_has_all_47_rows_and_says_what_does_not_run():
    assert [entry["n"] for entry in survey() if entry["n"]] == list(range(1, 48))
    there = rows()
    assert {row.n for row in there if row.n} == set(range(1, 48))
    features = {name for entry in survey() for name in entry.get("features", ())}
    assert {row.method for row in there} - {"-"} - features == set(names())
    for entry in survey():
        assert set(entry.get("presets", ())) <= set(names()), entry["title"]
        assert bool(entry.get("presets") or entry.get("features")) != bool(entry.get("status")), entry["title"]
    for row in there:
        assert (row.method == "-") == (not row.status.startswith("runs"))
        assert row.source or row.method == "-"


def test_the_rows_of_feature_space_name_what_is_there():
    pytest.importorskip("torch")
    from crossmodal.methods.feature import FEATURE_METHODS

    assert {name for entry in survey() for name in entry.get("features", ())} <= set(FEATURE_METHODS)


@pytest.mark.parametrize("name", names())
def test_a_preset_says_where_it_comes_from(name):
    method = cm.method(name)
    assert method.name == name
    assert method.about.endswith(".")
    assert method.origin.title
    assert method.origin.source
    assert method.origin.year
    assert cm.Method.model_validate_json(method.model_dump_json()) == method


def test_every_step_is_drawn_within_what_was_asked():
    capture = captures.load("pot")
    object_mm = capture.surface.object_mm
    for seed in range(6):
        [planned] = cm.draw(capture, cm.method("cutpaste-scar"), seed).defects
        region = planned.blocks.region
        assert region.length_mm[0] == region.length_mm[1]
        assert 0.10 * object_mm <= region.length_mm[0] <= 0.25 * object_mm
        assert 0.02 * object_mm <= region.width_mm[0] <= 0.06 * object_mm


def test_the_command_lists_all_and_json_is_one_value(capsys):
    assert main(["methods", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {row["n"] for row in listed if row["n"]} == set(range(1, 48))
    assert main(["methods"]) == 0
    shown = capsys.readouterr().out
    assert "needs generator" in shown
    assert max(map(len, shown.splitlines())) <= 160
    assert all(row["method"] in shown and (row["method"] != "-" or row["title"] in shown) for row in listed)
    assert main(["synthesize", "nowhere", "--out", "x", "--methods", "dream"]) == 2
    assert "method must be one of" in capsys.readouterr().err
