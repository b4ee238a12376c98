"""A vision-language model says what a text means on a capture: what it is shown and offered, and how it is heard."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tiny_vlms
from conversions import refused
from hypothesis import given, settings
from hypothesis import strategies as st

import crossmodal as cm
from crossmodal import captures
from crossmodal.cli import main
from crossmodal.datasets import Reading, load, sources
from crossmodal.defects import DEFECTS
from crossmodal.defects.only import grown_as_asked
from crossmodal.guidance import schema
from crossmodal.synthesis import scale_of
from crossmodal.vlm import Question, Refused, Unusable, ask, cache, offered, read_answer, recipe_from, strip
from crossmodal.vlm.answer import DEEPEST, LONGEST, SAID
from crossmodal.vlm.offered import cells, has_halves, longest
from crossmodal.vlm.question import TASK
from rgb import write_rgb

REPLIES = Path(__file__).parent / "replies"
SCRATCH = {"defects": [{"kind": "scratch", "length_mm": 12.0, "place": {"near": "centre"}}]}
NUM2WORDS = find_spec("num2words")
POT = Path(captures.__file__).parent / "pot.pcd"


@pytest.fixture(scope="module")
def boxes():
    return captures.load("boxes")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CROSSMODAL_CACHE", str(tmp_path / "cache"))


# how an answer is heard


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
    here = Path(__file__).read_text()
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


# what is offered and shown


def test_what_is_offered_is_less_than_the_schema_and_knows_the_object(boxes):
    whole, part = (len(json.dumps(one, separators=(",", ":"))) for one in (schema(), offered(boxes.surface, True)))
    assert part < 14_000 < 40_000 < whole
    text = json.dumps(offered(boxes.surface, False))
    assert "mask" not in text
    assert "refused" not in text
    assert '"thread"' not in text, "a landmark that this object has not"
    assert json.loads(text)["$defs"]["depth_mm"]["anyOf"][0]["maximum"] <= boxes.surface.axes.wide_mm
    assert "box" not in json.dumps(offered(boxes.surface, False, in_pixels=False))
    for spec in DEFECTS:
        assert spec.model_fields["kind"].default in json.loads(text)["$defs"]


def one_of(part: dict, named: dict, rng: np.random.Generator):
    """A value that a schema accepts, with the ends of its numbers as likely as what is between."""
    if "$ref" in part:
        return one_of(named[part["$ref"].rsplit("/", 1)[-1]], named, rng)
    for word in ("anyOf", "enum"):
        if word in part:
            one = part[word][rng.integers(len(part[word]))]
            return one_of(one, named, rng) if word == "anyOf" else one
    if "const" in part:
        return part["const"]
    if part["type"] == "object":
        return {name: one_of(one, named, rng) for name, one in part["properties"].items()
                if name in part["required"] or rng.random() < 0.5}
    if part["type"] == "array":
        many = rng.integers(part["minItems"], part["maxItems"] + 1)
        return [one_of(part["items"], named, rng) for _ in range(many)]
    if part["type"] == "string":
        return f"{rng.integers(1, 100)}%"
    if part["type"] == "boolean":
        return bool(rng.integers(2))
    low, high = part["minimum"], part["maximum"]
    number = rng.choice([low, high, rng.uniform(low, high)])
    return int(number) if part["type"] == "integer" else round(float(number), 6)


@pytest.mark.parametrize("name", captures.names())
def test_all_that_is_offered_is_a_recipe_that_the_object_can_carry(name):
    surface, rng, kinds = captures.load(name).surface, np.random.default_rng(3), set()
    schema = offered(surface, False)
    shape = {word: part for word, part in schema.items() if not word.startswith("$")}
    for _ in range(60):
        value = one_of(shape, schema["$defs"], rng)
        text = json.dumps(value)
        answer = read_answer(text, surface)
        assert answer.fitted == answer.recipe, "the object cannot carry what it was said to"
        assert len(text) <= longest(shape, schema["$defs"])
        kinds |= {spec.kind for spec in answer.recipe.defects}
    assert kinds == {spec.model_fields["kind"].default for spec in DEFECTS}
    deep = {"kind": "dent", "depth_mm": one_of({"type": "number", "minimum": 900, "maximum": 1000}, {}, rng)}
    with pytest.raises(Unusable, match="cannot be on this object"):
        read_answer(json.dumps({"defects": [deep]}), surface)


def test_every_half_that_is_offered_is_there(boxes):
    for spec in filter(has_halves, DEFECTS):
        for half in ("colour", "geometry"):
            drawn = spec(show=half).drawn(np.random.default_rng(0), scale_of(boxes, cm.Place()))
            assert grown_as_asked(drawn, 3).half == half


def test_the_cells_lie_on_the_object_and_cover_it(boxes):
    covered = np.zeros(boxes.shape, int)
    for x0, y0, x1, y1 in cells(boxes.surface):
        covered[y0:y1, x0:x1] += 1
        assert boxes.surface.foreground[y0:y1, x0:x1].any()
    assert (covered[boxes.surface.foreground] == 1).all()


@pytest.mark.parametrize("name", captures.names())
def test_the_strip_shows_the_object_three_times(name):
    capture = captures.load(name)
    picture = strip(capture)
    assert picture.dtype == np.uint8
    assert picture.shape[1] % 3 == 0
    colour, relief, normals = np.split(picture, 3, axis=1)
    assert 300 < colour.shape[0] < 500
    assert (relief[60:-60, 60:-60] == relief[60:-60, 60:-60, :1]).mean() > 0.99
    assert all(one.std() > 10 for one in (colour, relief, normals))
    assert np.array_equal(strip(capture), picture)


def test_what_is_near_is_bright_in_the_relief():
    import truth

    capture = truth.ideal("plane", 0, 35, size=96).capture
    bumped = cm.synthesize(capture, cm.Recipe(defects=(cm.Bump(diameter_mm=12, height_mm=3),),
                                              place=cm.Place(at_pixel=(48, 48))), seed=0).after
    relief = np.split(strip(bumped), 3, axis=1)[1][..., 0]
    height, width = relief.shape
    middle = relief[height // 2 - 6:height // 2 + 6, width // 2 + 4:width // 2 + 16]
    assert np.median(middle) > np.median(relief[40:-40, 50:-40]) + 60


def test_what_was_measured_is_told(boxes):
    question = Question.about(boxes, 'a "crack"')
    assert f"{boxes.surface.axes.long_mm:.3g} mm long" in question.said
    assert f"a pixel is {boxes.surface.mm_per_pixel:.3g} mm" in question.said
    assert "corner (pixels" in question.said
    assert question.said.endswith('Request: "a \\"crack\\""')
    assert question.task.startswith(TASK)
    assert "refused" not in question.task
    assert "refused" in Question.about(boxes, "sing").task


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


def test_the_longest_answer_is_as_long_as_is_said(boxes):
    part = {"type": "array", "items": {"enum": ["no", "yes"]}, "minItems": 1, "maxItems": 3}
    assert longest(part, {}) >= len('["yes", "yes", "yes"]')
    assert longest({"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}, {"b": {"type": "boolean"}}
                   ) >= len('{"a": false}')


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


# one question, one answer: repaired once, and kept


@pytest.fixture
def heard(monkeypatch):
    """Makes a model of recorded replies; what it was asked is listed."""
    from crossmodal.vlm import local

    asked = []

    def says(*replies):
        left = [(REPLIES / f"{one}.txt").read_text() if "{" not in one else one for one in replies]

        def reply(model, question):
            asked.append(question)
            return left.pop(0)

        monkeypatch.setattr(local, "reply", reply)
        return asked

    return says


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


# a recipe, however it came


def test_text_recipe_and_python_make_the_same_bytes(heard, tmp_path):
    heard("bare")
    pot = captures.load("pot")
    by_text = cm.synthesize(pot, recipe_from(pot, "a scratch of 12 mm in the middle", "m"), seed=5)
    (tmp_path / "r.yaml").write_text("defects:\n- {kind: scratch, length_mm: 12, place: {near: centre}}\n")
    by_recipe = cm.synthesize(pot, cm.read_recipe(tmp_path / "r.yaml"), seed=5)
    by_python = cm.synthesize(pot, cm.Scratch(length_mm=12, place=cm.Place(near="centre")), seed=5)
    for other in (by_recipe, by_python):
        assert other.after.rgb.tobytes() == by_text.after.rgb.tobytes()
        assert other.after.points.tobytes() == by_text.after.points.tobytes()
        assert other.plan == by_text.plan


@pytest.fixture
def source(tmp_path) -> Path:
    """Three captures in a folder."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("boxes", "cereal", "pot"):
        (folder / f"{name}.pcd").symlink_to(POT.with_name(f"{name}.pcd"))
    return folder


def test_synthesize_asks_once_for_each_capture_and_replays_without(heard, source, tmp_path, capsys):
    crack = '{"defects": [{"kind": "stain"}]}'
    asked = heard("bare", crack, "only_prose", "two_answers")
    out = tmp_path / "out"
    assert main(["synthesize", str(source), "--out", str(out), "--prompt", "a scratch", "--vlm", "m", "--count", "6",
                 "--only-defects"]) == 1
    assert len(asked) == 4
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert sorted(entry["kind"] for entry in entries) == ["scratch"] * 2 + ["stain"] * 2
    failed = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert ["the reply holds 2 answers" in one["reason"] for one in failed] == [True, True]
    found = {one.path: load(one, Reading()) for one in sources(source)}
    for entry in entries:
        assert entry["prompt"] == "a scratch"
        assert entry["vlm"] | {"recipe": 0, "answer_sha256": 0} == {
            "model": "m", "by": "model", "answer_sha256": 0, "repaired": False, "recipe": 0}
        capture = found[entry["source"]["path"]]
        made = cm.synthesize(capture, cm.Recipe.model_validate(entry["vlm"]["recipe"]), entry["seed"])
        assert made.plan.defects[0].spec == cm.Plan.model_validate(entry["plan"]).defects[0].spec
    capsys.readouterr()
    assert main(["replay", str(out / "manifest.jsonl"), "--source", str(source), "--out", str(tmp_path / "again")]) == 0
    assert "4 of 4 samples replayed, 4 with the bytes" in capsys.readouterr().out
    assert (tmp_path / "again" / "manifest.jsonl").read_bytes() == (out / "manifest.jsonl").read_bytes()
    assert len(asked) == 4


def test_what_a_picture_alone_cannot_carry_fails_and_the_rest_is_made(heard, tmp_path):
    folder = tmp_path / "part" / "train" / "good"
    folder.mkdir(parents=True)
    for i in range(2):
        write_rgb(folder / f"00{i}.png", np.full((96, 128, 3), 120 + i, np.uint8))
    heard('{"defects": [{"kind": "stain"}]}', '{"defects": [{"kind": "bend"}]}')
    assert main(["synthesize", str(tmp_path / "part"), "--out", str(tmp_path / "out"), "--prompt", "a stain", "--vlm",
                 "m", "--count", "2", "--mm-per-pixel", "0.1", "--only-defects", "--light", "own"]) == 1
    (failed,) = (tmp_path / "out" / "failures.jsonl").read_text().splitlines()
    assert "a bend moves a whole object" in json.loads(failed)["reason"]
    assert len((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()) == 1


def test_an_interrupted_run_goes_on_with_the_answers_that_it_had(heard, source, tmp_path):
    asked = heard("bare", "bare", "bare")
    run = ["synthesize", str(source), "--prompt", "a scratch", "--vlm", "m", "--count", "3", "--only-defects", "--out"]
    assert main([*run, str(tmp_path / "whole")]) == 0
    manifest = tmp_path / "whole" / "manifest.jsonl"
    before = manifest.read_bytes()
    manifest.write_bytes(before[before.index(b"\n") + 1:])
    (tmp_path / "whole" / "test" / "scratch" / "rgb" / "000.png").unlink()
    assert main([*run, str(tmp_path / "whole"), "--resume"]) == 0
    assert manifest.read_bytes() == before
    assert len(asked) == 3


def test_plan_tells_what_was_said_and_by_whom(heard, capsys):
    heard("trailing_comma", "bare")
    for cached in (False, True):
        assert main(["plan", "a scratch", "--image", str(POT), "--vlm", "m", "--json"]) == 0
        value = json.loads(capsys.readouterr().out)
        assert value["recipe"] == SCRATCH
        assert value["plan"]["defects"][0]["spec"]["length_mm"] == 12
        assert {name: value["vlm"][name] for name in ("model", "prompt", "by", "cached", "repaired")} == {
            "model": "m", "prompt": "a scratch", "by": "model", "cached": cached, "repaired": True}
    heard("only_prose", "only_prose")
    assert main(["plan", "a dent", "--image", str(POT), "--vlm", "m"]) == 1
    assert "error: the model has no answer" in capsys.readouterr().err


def test_what_cannot_go_together_is_refused(capsys, tmp_path):
    assert "give it by --image" in refused(capsys, "plan", "a dent", "--vlm", "m")
    assert "name one by --vlm" in refused(capsys, "plan", "a dent", "--or-grammar")
    run = ("synthesize", POT, "--out", tmp_path / "out")
    assert "give the text by --prompt" in refused(capsys, *run, "--kinds", "dent", "--vlm", "m")
    assert "name one by --vlm" in refused(capsys, *run, "--prompt", "a dent", "--or-grammar")
