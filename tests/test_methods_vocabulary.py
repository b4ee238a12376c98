"""What `crossmodal methods --blocks` lists is what there is, written as it may be written."""

import json
from typing import get_args

import pytest
import yaml
from commandline import told
from pydantic import TypeAdapter

import crossmodal as cm
from crossmodal.cli import main
from crossmodal.methods.vocabulary import UNIONS, vocabulary

OPEN = "not given", "to be given"


def test_every_block_is_listed_and_what_is_listed_is_what_it_is_left_out():
    words = vocabulary()
    assert [word.part for word in words if word.kind == "-"] == ["gate", "blocks"]
    for word in words:
        if word.kind == "-" or "to be given" in word.fields.values():
            continue
        written = ", ".join(f"{name}: {usual.split(' | ')[0]}" for name, usual in word.fields.items()
                            if usual not in OPEN)
        union = TypeAdapter(UNIONS[word.part])
        read, bare = (union.validate_python({"kind": word.kind, **fields}) for fields in (
            yaml.safe_load(f"{{{written}}}") or {}, {"of": "noise"} if word.kind == "print" else {}))
        if word.kind != "logistic":  # whose steepness is rounded
            assert read == bare
        assert word.about.endswith(".")
    kinds = {(part, one.model_fields["kind"].default) for part, union in UNIONS.items()
             for one in get_args(get_args(union)[0])}
    assert kinds == {(word.part, word.kind) for word in words if word.kind != "-"}


def test_the_list_is_printed_and_the_schema_too(capsys):
    assert main(["methods", "--blocks"]) == 0
    out, _ = told(capsys)
    assert max(map(len, out.splitlines())) <= 120
    for kind in ("superpixels", "grid_shuffle", "poisson", "no_return", "logistic"):
        assert f"{{kind: {kind}" in out
    assert main(["methods", "--blocks", "--json"]) == 0
    schema = json.loads(told(capsys)[0])
    assert {"name", "blocks", "as_published"} <= set(schema["properties"])


@pytest.mark.parametrize(("text", "key"), [
    ("name: x\nheights_of: width\nblocks:\n  region: {kind: ellipse}\n  effect: {kind: hills}\n", "heights_of"),
    ("name: x\nblocks:\n  region: {kind: ellipse, size: 3}\n  effect: {kind: hills}\n", "blocks.region.ellipse.size")])
def test_a_key_that_there_is_not_points_to_the_list(tmp_path, text, key):
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(ValueError, match=f"{key}: no such key here; crossmodal methods --blocks lists"):
        cm.method(tmp_path / "m.yaml")
    (tmp_path / "r.yaml").write_text("defects: [{kind: dent, deep_mm: 3}]\n")
    with pytest.raises(ValueError, match="deep_mm: no such key here; crossmodal schema lists"):
        cm.read_recipe(tmp_path / "r.yaml")


def test_roughness_has_no_heights_of_a_width():
    with pytest.raises(ValueError, match="roughness is as fine as its own grain"):
        cm.methods.spec.Blocks.model_validate({"heights_of": "width", "region": {"kind": "ellipse"},
                                               "effect": {"kind": "one_of", "of": [{"kind": "roughen"}]}})
