"""How a vision-language model's answer is heard: what is passed over, what is no answer, and what is hostile."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import REPLIES, SCRATCH

import crossmodal as cm
from crossmodal import captures
from crossmodal.vlm import Refused, Unusable, read_answer
from crossmodal.vlm.answer import DEEPEST, LONGEST, SAID
from crossmodal.vlm.offered import cells


@pytest.mark.parametrize("name", ["bare", "fenced", "prose_about_it", "thinking", "nulls", "said_twice"])
def test_what_models_write_about_an_answer_is_passed_over(boxes, name):
    answer = read_answer((REPLIES / f"{name}.txt").read_text(), boxes.surface)
    assert answer.fitted == cm.Recipe.model_validate(SCRATCH)


def test_a_ranges_ends_may_come_in_either_order(boxes):
    assert read_answer((REPLIES / "ends_turned.txt").read_text(), boxes.surface).recipe.defects[0].length_mm == (10, 14)


@pytest.mark.parametrize(("name", "said"), [
    ("trailing_comma", 'no JSON object with "defects" (Illegal trailing comma|Expecting'),
    ("single_quotes", "Expecting property name"), ("comments", "Expecting"), ("cut_off", "breaks off"),
    ("other_words", "defects.0: Unable to extract tag"), ("a_list", 'no JSON object with "defects"'),
    ("two_answers", "holds 2 answers"), ("only_prose", "no JSON object"), ("yaml", "no JSON object"),
    ("too_large", "a crack 500 mm long cannot be on this object"), ("no_such_landmark", "no thread is seen"),
    ("a_file", "place.mask names a file"), ("twice_in_one", "a name comes twice")])
def test_what_is_no_answer_says_why_in_one_line(boxes, name, said):
    with pytest.raises(Unusable) as error:
        read_answer((REPLIES / f"{name}.txt").read_text(), boxes.surface)
    assert any(one in str(error.value) for one in said.split("|"))
    assert "\n" not in str(error.value)
    assert not isinstance(error.value, Refused)


@pytest.mark.parametrize(("place", "said"), [
    ('{"box": [600, 400, 700, 500]}', "nothing of the object is at pixels [600, 400, 700, 500]; it lies within ["),
    ('{"box": [90, 90, 60, 60]}', "nothing of the object"), ('{"at_pixel": [-5, 3]}', "nothing of the object"),
    ('{"at_pixel": [1e9, 3.5]}', "nothing of the object")])
def test_pixels_that_hold_nothing_of_the_object_are_no_place(boxes, place, said):
    with pytest.raises(Unusable) as error:
        read_answer('{"defects": [{"kind": "dent", "place": ' + place + "}]}", boxes.surface)
    assert said in str(error.value)


def test_a_cell_is_a_place_in_one_picture_and_not_in_several(boxes):
    reply = json.dumps({"defects": [{"kind": "dent", "place": {"box": cells(boxes.surface)[0]}}]})
    assert read_answer(reply, boxes.surface).recipe.defects[0].place.box == cells(boxes.surface)[0]
    with pytest.raises(Unusable, match="a place in pixels is of one view alone"):
        read_answer(reply, boxes.surface, in_pixels=False)


def test_a_model_may_say_that_nothing_is_asked_for(boxes):
    with pytest.raises(Refused, match="the model sees no defect asked for: This asks for a poem"):
        read_answer((REPLIES / "refused.txt").read_text(), boxes.surface)


def test_every_recorded_reply_is_in_a_test():
    here = "".join(path.read_text() for path in Path(__file__).parent.glob("test_vlm*.py"))
    assert [path.stem for path in REPLIES.iterdir()
            if f'"{path.stem}"' not in here and f"{path.stem}.txt" not in here] == []


HOSTILE = [
    '{"defects": [{"kind": "dent", "diameter_mm": NaN}]}', '{"defects": [{"kind": "dent", "diameter_mm": 1e999}]}',
    '{"defects": [{"kind": "dent", "diameter_mm": -Infinity}]}', '{"defects": [{"kind": "dent", "diameter_mm": -1}]}',
    '{"defects": [{"kind": "dent", "diameter_mm": ' + "9" * 5000 + "}]}",
    '{"defects": [{"kind": "dent", "weight": 0}]}',
    '{"defects": []}', '{"defects": {}}', '{"defects": null}', '{"defects": [null]}', '{"defects": ["dent"]}',
    '{"defects": [' + ", ".join(['{"kind": "dent"}'] * 300) + "]}", '{"defects": [{"kind": "__class__"}]}',
    '{"defects": [{"kind": "dent\\u001b[2J; rm -rf /"}]}', '{"defects": [{"kind": "' + "a" * 50000 + '"}]}',
    '{"defects": [{"kind": "stain", "colour": [1, 2, 1e9]}]}', '{"defects": [{"kind": "dent"}], "__proto__": 1}',
    '{"defects": [{"kind": "dent"}], "place": {"forbid": "../../x.png"}}', "{" * 40, '{"defects": ' + "[" * 5000,
    '{"defects": ' + "[" * DEEPEST + "]" * DEEPEST + "}", "x" * (LONGEST + 1), "", "{}", "null", "\x00\ufeff",
    '{"defects": [{"kind": "pit", "count": 10000000000}]}', '{"defects": [{"kind": "dent", "place": "anywhere"}]}',
    '{"defects": [{"kind": "dent", "place": {"box": [0, 0, 1e400, 5]}}]}',
    '{"refused": "\\u001b[31m' + "b" * 9000 + '"}',
    '{"defects": "!!python/object/apply:os.system [ls]"}', '{"defects": [{"kind": "dent", "diameter_mm": "5%%"}]}']


@pytest.mark.parametrize("reply", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_reply_is_one_short_printable_line(boxes, reply):
    with pytest.raises(Unusable) as error:
        read_answer(reply, boxes.surface)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < SAID + 60


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
                    lambda one: st.lists(one, max_size=3) | st.dictionaries(
                        st.sampled_from(["kind", "defects", "place", "mask", "length_mm", "refused", "box"]), one),
                    max_leaves=12)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60) | JSON.map(json.dumps) | st.builds(lambda one: json.dumps({"defects": [one]}), JSON))
def test_no_reply_breaks_the_reader(text):
    try:
        read_answer(text, captures.load("boxes").surface)
    except Unusable:
        pass
