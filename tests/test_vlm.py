"""A vision-language model says what a text means on a capture: small models of random weights, and recorded replies."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiny_vlms
from recorded import SCRATCH

import crossmodal as cm
from crossmodal import captures
from crossmodal.vlm import Question, Refused, Unusable, ask, cache, read_answer, recipe_from
from crossmodal.vlm.offered import longest

pytestmark = pytest.mark.usefixtures("own_cache")



NUM2WORDS = find_spec("num2words")


# small models of random weights


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, str]:
    pytest.importorskip("transformers")
    pytest.importorskip("xgrammar")
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in (
        ("llava", tiny_vlms.llava), ("qwen", tiny_vlms.qwen), ("smol", tiny_vlms.smol)) if name != "smol" or NUM2WORDS}


@pytest.mark.parametrize("name", ["llava", "qwen", "smol"])
def test_a_random_model_gives_a_plan_that_the_object_can_carry(models, boxes, name):
    if name not in models:
        pytest.skip("SmolVLM's processor needs num2words")
    told = ask(boxes, "a crack", models[name])
    assert told.by == "model"
    assert not told.repaired
    assert told.recipe == recipe_from(boxes, "a crack", models[name])
    assert told.record["model"] == Path(models[name]).name


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_weights_an_answer_ends_and_is_one(models, seed):
    import torch

    from crossmodal.vlm import local

    capture = captures.load(captures.names()[seed % 4])
    question = Question.about(capture, "a crack" if seed % 2 else "sing")
    net = local._loaded(models["llava"]).net
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in net.parameters():
            weight.normal_(0, 0.5)
    reply = local.reply(models["llava"], question)
    assert reply == local.reply(models["llava"], question)
    most = longest({k: v for k, v in question.schema.items() if not k.startswith("$")}, question.schema["$defs"])
    assert len(reply) <= most
    try:
        read_answer(reply, capture.surface)
    except Refused:
        assert seed % 2 == 0, "a model refused what the grammar sees a defect in"


def test_a_model_that_is_no_such_model_is_one_line(models, boxes, tmp_path):
    for name in (str(tmp_path), "nobody/no-such-model"):
        with pytest.raises(ValueError) as error:
            ask(boxes, "a crack", name)
        assert "is no folder with a vision-language model with its processor and chat template" in str(error.value)
        assert "\n" not in str(error.value)
    told = ask(boxes, "a 12 mm scratch near the middle", str(tmp_path), or_grammar=True)
    assert (told.by, told.recipe.defects[0].kind) == ("grammar", "scratch")
    assert "the grammar answered instead" in told.notes[0]


def test_a_library_that_is_missing_is_asked_for_kindly(boxes, monkeypatch):
    pytest.importorskip("transformers")
    monkeypatch.setitem(sys.modules, "xgrammar", None)
    with pytest.raises(ValueError, match=r'needs xgrammar; pip install "crossmodal-anomaly\[vlm\]"'):
        ask(boxes, "a crack", "any")


def test_an_answer_that_cannot_be_used_is_repaired_once(heard, boxes):
    asked = heard("trailing_comma", "bare")
    told = ask(boxes, "a scratch", "m")
    assert told.repaired
    assert told.recipe == cm.Recipe.model_validate(SCRATCH)
    assert told.notes[0].startswith("the model's first answer could not be used")
    assert asked[1].turns[0][1].strip().endswith(",]}")
    assert "Expecting" in asked[1].turns[1][1] or "trailing" in asked[1].turns[1][1]


def test_two_bad_answers_are_a_failure_or_the_grammars(heard, boxes):
    heard("trailing_comma", "a_file")
    with pytest.raises(Unusable, match=r"the model has no answer that can be used: place\.mask names a file"):
        ask(boxes, "a scratch", "m")
    heard("trailing_comma", "a_file")
    assert ask(boxes, "a 9 mm scratch", "m", or_grammar=True).recipe.defects[0].length_mm == (9, 9)
    heard("only_prose", "only_prose")
    with pytest.raises(Unusable, match="; and the grammar: only defects can be made"):
        ask(boxes, "sing", "m", or_grammar=True)


def test_a_refusal_is_not_asked_about_again_and_the_grammar_does_not_overrule_it(heard, boxes):
    asked = heard("refused")
    with pytest.raises(Refused):
        ask(boxes, "sing", "m", or_grammar=True)
    assert len(asked) == 1


def test_a_size_that_cannot_be_is_refused_before_a_model_is_asked(heard, boxes):
    asked = heard()
    with pytest.raises(ValueError, match="a crack 500 mm long cannot be on this object"):
        ask(boxes, "a 500 mm crack", "m")
    assert asked == []
    heard("bare")
    assert any("was cut to" in note for note in ask(boxes, "a crack of 20 to 500 mm", "m").notes)


def test_answers_are_kept_by_model_text_and_picture(heard, boxes, tmp_path):
    asked = heard("trailing_comma", *["bare"] * 12)
    first = ask(boxes, "a scratch", "m")
    again = ask(boxes, "a scratch", "m")
    assert (first.cached, again.cached) == (False, True)
    assert (again.recipe, again.record) == (first.recipe, first.record)
    assert len(asked) == 2
    ask(boxes, "a scratch", "n")
    ask(boxes, "a  scratch", "m")
    ask(captures.load("pot"), "a scratch", "m")
    ask(boxes.replaced(rgb=boxes.rgb ^ 8), "a scratch", "m")
    assert len(asked) == 6
    for wrong in (b"", b"[]", b'{"name": "x", "answer": {}, "sha256": "", "repaired": true}', b"\xff{", b"[" * 9999):
        for file in (tmp_path / "cache" / "answers").iterdir():
            file.write_bytes(wrong)
        assert not ask(boxes, "a scratch", "m").cached, "a damaged answer was believed"
    assert len(asked) == 11


def test_a_kept_answer_is_read_as_any_other(heard, boxes):
    heard("bare", "bare")
    ask(boxes, "a scratch", "m")
    (file,) = cache.folder().iterdir()
    value = json.loads(file.read_text())
    value["answer"]["defects"][0]["place"] = {"mask": "/etc/passwd"}
    file.write_text(json.dumps(value))
    assert not ask(boxes, "a scratch", "m").cached


def test_a_folder_that_cannot_be_written_is_said_and_no_more(heard, boxes, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CROSSMODAL_CACHE", str(tmp_path / "file"))
    heard("bare")
    assert "answers are not kept" in ask(boxes, "a scratch", "m").notes[0]
