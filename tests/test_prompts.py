"""The grammar: the suite of prompts with what is asked of it, and laws that hold for any text."""

import json
import re

import numpy as np
import prompt_suite
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import crossmodal as cm
from crossmodal.guidance import understand
from crossmodal.guidance.lexicon import LANGUAGES, lexicon
from crossmodal.guidance.prompt import LONGEST
from crossmodal.guidance.spelling import meant

LEAST = {"kinds": 0.95, "sizes": 0.97, "places": 0.90, "counts": 0.95, "refusals": 1.0, "accepted": 1.0}


def suite():
    return [one for name in prompt_suite.LANGUAGES for one in prompt_suite.prompts(name)]


def test_the_suite_is_read_as_it_was_meant():
    listed = suite()
    assert len(listed) >= 150
    assert all(len(prompt_suite.prompts(name)) >= 10 for name in prompt_suite.LANGUAGES)
    score = prompt_suite.scored(listed)
    for name, least in LEAST.items():
        assert score.share(name) >= least, (name, score.misread)


@pytest.mark.parametrize("blind", ["kinds", "sizes", "places", "counts", "refusals"])
def test_a_grammar_that_is_blind_to_one_thing_falls_through(blind, monkeypatch):
    """The planted violation of each field."""
    from dataclasses import replace

    def blinded(text):
        got = understand(text)
        if blind == "refusals":
            return got if got.recipe is not None else replace(got, recipe=cm.Recipe(defects=(cm.Dent(),)))
        change = {"kinds": lambda one: replace(one, kind="dent"), "counts": lambda one: replace(one, count=1),
                  "sizes": lambda one: replace(one, fields={k: v for k, v in one.fields.items() if k[-3:] != "_mm"}),
                  "places": lambda one: replace(one, fields={k: v for k, v in one.fields.items() if k != "place"})}
        return replace(got, asked=tuple(map(change[blind], got.asked)))

    monkeypatch.setattr(prompt_suite, "understand", blinded)
    assert prompt_suite.scored(suite()).share(blind) < LEAST[blind]


WORDS = [*sorted(lexicon("en").words)[::7], "12", "1/2", "½", "0", "mm", "%", "±", ",", ".", "#ff0000",
         "rgb(1,2,3)", "x"]


@given(st.one_of(st.text(max_size=120), st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join),
                 st.text(alphabet="0123456789.,/-x ±½ mminch\"%", max_size=40)))
@settings(max_examples=120)
@example("1/0 mm dent")
@example("999999999999999999999999 mm scratch")
@example("0 mm dent")
@example("255 dents and 255 scratches")
@example("dent " * 400)
@example("no " * 300 + "dent")
@example("\x00\ud800 dent")
def test_any_text_is_understood_or_refused_in_one_line(text):
    got = understand(text)
    if got.recipe is None:
        assert got.refused
        assert "\n" not in got.refused
        with pytest.raises(ValueError):
            cm.prompt(text)
    else:
        assert cm.Recipe.model_validate_json(got.recipe.model_dump_json()) == got.recipe
        assert [one.kind for one in got.recipe.defects] == [one.kind for one in got.asked for _ in range(one.count)]
    for word in got.words + got.missed:
        assert text[word.start:word.end] == word.text


@pytest.mark.parametrize(("text", "said"), [
    ("a 0 mm dent", "a dent 0 mm across is none; say a size above 0, or leave it open"),
    ("a scratch of 0 to 3 mm", "a scratch 0 mm long is none"), ("a dent 0% deep", "a dent 0% deep is none"),
    ("a bend of 0 degrees", "a bend of 0 degrees is none")])
def test_a_size_of_nothing_is_refused_in_words(text, said):
    assert understand(text).refused.startswith(said)


@pytest.mark.parametrize(("text", "said"), [
    ("-1 mm dent", "-1 mm is below 0; say 1 mm, or put a space behind a dash"), ("a dent of −1 mm", "−1 mm is below 0"),
    ("a dent –0.5mm deep", "–0.5mm is below 0; say 0.5mm"), ("dent depth: -0.5", "-0.5 is below 0"),
    ("depth=-1mm dent", "-1mm is below 0"), ("dent -3 deep", "-3 is below 0"), ("dent (-1/2 inch)", "-1/2 inch is"),
    ("a 5 mm dent, -1 mm deep", "-1 mm is"), ("a dent between -1 and 2 mm", "-1 is"), ("-1 to 2 mm dent", "-1 is"),
    ("dent 3 x -1 mm", "-1 mm is"), ("a dent of -3% of the part", "-3% is"), ("eine Delle von -1 mm", "-1 mm is"),
    ("una abolladura de -1 mm", "-1 mm is"), ("一个-1毫米的凹坑", "-1毫米 is below 0; say 1毫米"),
    ("a scratch at -45 degrees", "-45 degrees is below 0; say an angle from 0 to 180 degrees")])
def test_a_size_below_nothing_is_refused_in_one_line(text, said):
    got = understand(text)
    assert got.recipe is None
    assert got.refused.startswith(said)
    assert "\n" not in got.refused
    whole = re.sub(r"[-−–](?=[\d.])", "", text)
    assert understand(whole).recipe is not None, "it is the sign that is refused"


@pytest.mark.parametrize(("low", "high", "texts"), [
    (5, 5, ("5-mm dent", "a 5-mm-wide dent", "dent - 5 mm", "dent: 5 mm", "dent – 5 mm", "- 5 mm dent")),
    (1, 2, ("1-2 mm dent", "1 - 2 mm dent", "1 -2 mm dent", "1– 2 mm dent", "dent 1–2 mm", "dent, 1 mm -2 mm",
            "dent 1mm-2mm", "dent (1-2 mm)", "eine 1-2 mm Delle", "一个1-2毫米的凹坑")),
    (0.1, 0.1, ("a dent of 1e-1 mm",)), (1.5, 1.5, ("1-1/2 mm dent",))])
def test_a_dash_that_joins_or_parts_is_no_minus(low, high, texts):
    for text in texts:
        assert understand(text).recipe.defects[0].diameter_mm == (low, high), text
    assert understand("dent 1–2 mm deep").recipe.defects[0].depth_mm == (1, 2)
    assert len(understand("-2 dents").recipe.defects) == 2, "a list's dash"


def test_what_is_too_long_is_refused_before_it_is_read():
    assert "at most" in understand("dent " * LONGEST).refused
    assert understand("a dent").recipe is not None


def test_nothing_is_dropped_in_silence():
    """Every word with letters is understood, said to be missed, or holds a sentence together."""
    got = understand("a blurgish dent of 5 mm near the frobnitz with a smorble shine")
    assert [word.text for word in got.missed] == ["blurgish", "frobnitz", "smorble", "shine"]
    assert [word.text for word in got.words] == ["dent", "5 mm"]
    got = understand("a stain 2 mm deep and a red scratch")
    assert "a stain has no depth" in got.warnings
    assert "a scratch has no colour of its own" in got.warnings
    assert {word.text for word in got.missed} == {"2 mm deep", "red"}


@pytest.mark.parametrize("text", [
    "dent {} from the edge", "dent {} below the rim", "dent {} to the left of the hole", "two dents {} apart",
    "dent, distance to the rim: {}", "dent on a {} part", "dent near a {} hole", "Delle {} vom Rand",
    "abolladura a {} del borde", "距边缘{}处有一个凹坑", "dent {} away from the scratch", "dents spaced {} apart"])
@pytest.mark.parametrize("size", ["5 mm", "0.25 inch", "1.5cm"])
def test_a_distance_is_no_size_and_is_listed(text, size):
    got = understand(text.format(size))
    assert {one.kind for one in got.asked} == {"dent"}
    assert not [name for one in got.asked for name in one.fields if name.endswith("_mm")]
    assert any(size in word.text for word in got.missed)


def test_at_least_so_far_from_the_border_can_be_asked():
    assert cm.prompt("dent at least 5 mm from the rim").defects[0].place.clear_of_border_mm == 5
    assert cm.prompt("a crack of 5 mm from the rim").defects[0].length_mm == (5, 5)
    assert cm.prompt("crack 5 mm from the rim towards the centre").defects[0].length_mm == (5, 5)


@pytest.mark.parametrize(("text", "listed"), [
    ("two cracks crossing each other", "crossing each other"), ("a stain around the dent", "around the dent"),
    ("a scratch next to a dent", "next to"), ("parallel scratches", "parallel"), ("overlapping dents", "overlapping"),
    ("a dent halfway between the hole and the edge", "halfway between the hole and the edge"),
    ("a dent between the two holes", "between the two holes"), ("orange peel and a dent", "orange peel"),
    ("a scratch along the length", "length"), ("dent twice as long as wide", "twice as long as wide")])
def test_how_defects_lie_to_each_other_is_listed(text, listed):
    got = understand(text)
    assert listed in [word.text for word in got.missed]
    assert got.recipe is not None


def test_what_says_more_of_a_defect_is_no_second_one_and_what_has_a_size_of_its_own_is():
    def read(text):
        return [(one.kind, one.count, one.fields.get("diameter_mm")) for one in understand(text).asked]

    for text in ("3 dents: 2 mm, 3 mm and 4 mm", "dents of 2, 3 and 4 mm"):
        assert read(text) == [("dent", 1, 2), ("dent", 1, 3), ("dent", 1, 4)]
    assert read("flaking chrome, 8 mm patch") == read("peel 8 mm") == [("peel", 1, 8)]
    assert read("rust streak") == [("corrosion", 1, None)]
    assert read("stone chip 2 mm") == [("chip", 1, 2)]
    assert read("porosity, and a pit 2 mm") == [("pit", 1, None), ("pit", 1, 2)]


def test_ratios_are_carried_out_where_one_of_two_sizes_is_known():
    fields = understand("a scratch twice as long as wide, 10 mm long").asked[0].fields
    assert (fields["length_mm"], fields["width_mm"]) == (10, 5)


def test_a_shade_of_matter_is_said_to_be_a_colour_of_its_own():
    assert any("colour of its own, whatever is about it" in said for said in understand("a darker blob").warnings)
    assert not understand("a darker stain").warnings


def test_common_words_are_no_slips_of_a_defect():
    for word in lexicon("en").kept:
        assert understand(f"a {word}").recipe is None or lexicon("en").knows(word), word


@pytest.mark.parametrize("word", ["tent", "trust", "track", "strain", "whole", "clip", "banana", "bumper",
                                  "card", "watch", "blend", "housing", "cat", "denture", "pitch", "cute"])
def test_words_are_not_corrected_into_defects(word):
    assert understand(f"make a {word}").recipe is None


@pytest.mark.parametrize(("slip", "word"), [("scrach", "scratch"), ("corosion", "corrosion"), ("dnet", "dent"),
                                            ("diskoloration", "discoloration"), ("contaminaton", "contamination")])
def test_slips_are_forgiven(slip, word):
    assert meant(slip, lexicon("en").words, lexicon("en").kept) == word


def test_every_kind_is_known_in_every_language():
    kinds = {spec.model_fields["kind"].default for spec in cm.DEFECTS}
    for language in LANGUAGES:
        root, found = lexicon(language).root, set()
        nodes = [root]
        while nodes:
            node = nodes.pop()
            nodes += node.following.values()
            if "kind" in node.senses:
                found.add(node.senses["kind"]["kind"])
        assert found == kinds, language


def test_units_are_one_size_in_every_spelling():
    sizes = [understand(f"a scratch {size} long").asked[0].fields["length_mm"] for size in (
        "25.4 mm", "2.54 cm", "25400 µm", "1 inch", "1\"", "1000 thou", "1000 mil", "1 in", "one inch", "an inch")]
    assert sizes == pytest.approx([25.4] * len(sizes))


def test_a_text_a_recipe_and_python_make_the_same_bytes():
    import toys

    capture = toys.box(size=120, mm_per_pixel=0.33)
    text = "a 9 mm scratch 0.4 mm deep top left, and two small dents"
    written = json.loads(cm.prompt(text).model_dump_json(exclude_unset=True))
    spoken = cm.Recipe(defects=(cm.Scratch(length_mm=9, depth_mm=0.4, place=cm.Place(part="top left")),
                                cm.Dent(diameter_mm="small"), cm.Dent(diameter_mm="small")))
    results = [cm.synthesize(capture, what, seed=5) for what in (
        cm.prompt(text), cm.Recipe.model_validate(written), spoken)]
    for result in results[1:]:
        assert result.plan == results[0].plan
        assert result.after.rgb.tobytes() == results[0].after.rgb.tobytes()
        assert result.after.points.tobytes() == results[0].after.points.tobytes()
    other = cm.synthesize(capture, cm.prompt(text.replace("9 mm", "8 mm")), seed=5)
    assert other.after.points.tobytes() != results[0].after.points.tobytes()
    assert all(defect.spec.place is None for defect in results[0].plan.defects)


def test_the_schema_takes_what_recipes_take_and_no_more():
    jsonschema = pytest.importorskip("jsonschema")
    from crossmodal.guidance import schema
    from crossmodal.presets import names

    checked = jsonschema.Draft202012Validator(schema())
    jsonschema.Draft202012Validator.check_schema(schema())
    for name in names():
        checked.validate(cm.preset(name).model_dump(mode="json", exclude_none=True))
    for one in suite()[::5]:
        if (recipe := understand(one["say"]).recipe) is not None:
            checked.validate(recipe.model_dump(mode="json", exclude_unset=True))
    for bad in ({"kind": "dnet"}, {"kind": "dent", "diameter_mm": -1}, {"kind": "dent", "diameter_mm": "wide"},
                {"kind": "dent", "length_mm": 3}, {"kind": "dent", "place": {"near": "moon"}},
                {"kind": "stain", "opacity": 2}):
        assert list(checked.iter_errors({"defects": [bad]})), bad
        with pytest.raises(ValueError):
            cm.Recipe.model_validate({"defects": [bad]})


def test_a_size_in_a_word_is_a_third_of_what_would_be_chosen():
    from crossmodal.defects import Scale

    scale = Scale(0.25, 100, 0.02, 80)
    low, high = cm.Dent().usual("diameter_mm", scale)
    for k, word in enumerate(("small", "medium", "large")):
        assert re.fullmatch(word, cm.Dent(diameter_mm=word).model_dump()["diameter_mm"])
        for seed in range(4):
            size = cm.Dent(diameter_mm=word).drawn(np.random.default_rng(seed), scale).diameter_mm[0]
            assert low + k * (high - low) / 3 <= size <= low + (k + 1) * (high - low) / 3
    with pytest.raises(ValueError, match="is said to be large; give it in mm"):
        cm.Dent(diameter_mm="large").drawn(np.random.default_rng(0))
