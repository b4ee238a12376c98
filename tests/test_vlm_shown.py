"""What a vision-language model is shown of a capture, and which answers it is offered."""

import json

import numpy as np
import pytest

import crossmodal as cm
from crossmodal import captures
from crossmodal.defects import DEFECTS
from crossmodal.defects.only import grown_as_asked
from crossmodal.guidance import schema
from crossmodal.synthesis import scale_of
from crossmodal.vlm import Question, Unusable, offered, read_answer, strip
from crossmodal.vlm.offered import cells, has_halves, longest
from crossmodal.vlm.question import TASK


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


def test_the_longest_answer_is_as_long_as_is_said(boxes):
    part = {"type": "array", "items": {"enum": ["no", "yes"]}, "minItems": 1, "maxItems": 3}
    assert longest(part, {}) >= len('["yes", "yes", "yes"]')
    assert longest({"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}, {"b": {"type": "boolean"}}
                   ) >= len('{"a": false}')
