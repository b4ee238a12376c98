"""The recipes that ship: one for each kind and a few sets; each loads, says what it is, and makes what it says."""

import json

import numpy as np
import pytest
import truth

import crossmodal as cm
from crossmodal import cli
from crossmodal.presets import about, names

KINDS = {spec.model_fields["kind"].default for spec in cm.DEFECTS}


def test_every_kind_has_a_preset_of_its_own():
    assert set(names()) >= KINDS
    for kind in KINDS:
        assert {spec.kind for spec in cm.preset(kind).defects} == {kind}


@pytest.mark.parametrize("name", names())
def test_every_preset_makes_every_entry_it_lists(name):
    recipe, scene = cm.preset(name), truth.ideal("plane", 20, 35, size=168)
    assert about(name).endswith(".")
    assert len(about(name)) > 10
    for spec in recipe.defects:
        result = cm.synthesize(scene.capture, spec, seed=1)
        assert result.masks.union.any(), spec.kind
    whole = cm.synthesize(scene.capture, recipe, seed=2)
    assert len(whole.plan.defects) == (recipe.count or len(recipe.defects))
    assert {one.kind for one in whole.plan.defects} <= {spec.kind for spec in recipe.defects}


def test_a_bad_name_is_told_what_there_is():
    with pytest.raises(ValueError, match=r"preset must be one of bend, .*, but got 'dnet'"):
        cm.preset("dnet")


def test_the_command_lists_them_all(capsys):
    assert cli.main(["presets", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["preset"] for row in rows] == list(names())
    assert cli.main(["presets"]) == 0
    said = capsys.readouterr().out
    assert all(row["preset"] in said and row["kinds"] for row in rows)


def test_presets_are_draws_and_not_one_thing():
    """An entry of several is chosen by the seed."""
    scene = truth.ideal("plane", 20, 35, size=168)
    drawn = {cm.draw(scene.capture, cm.preset("contamination"), seed).defects[0].spec.form for seed in range(20)}
    assert len(drawn) > 2
    assert np.isfinite([cm.draw(scene.capture, cm.preset("dent"), seed).defects[0].anchor_m
                        for seed in range(3)]).all()
