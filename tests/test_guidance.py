"""Words as places on a surface, physical sense, what was asked against what was got, captions, and the commands."""

import json
from dataclasses import replace

import numpy as np
import pytest
import toys
import trees

import crossmodal as cm
from crossmodal.cli import main
from crossmodal.guidance import asked_and_got, captions, sensible, understand
from crossmodal.guidance.asked import middle_of
from crossmodal.landmarks import ABOUT


@pytest.fixture(scope="module")
def box():
    return toys.box(size=200, mm_per_pixel=0.2)


@pytest.fixture(scope="module")
def several(box):
    recipe = cm.prompt("a 4 mm dent top left, a brown stain 5 mm near the centre and a 7 mm scratch bottom right")
    return recipe, cm.synthesize(box, recipe, seed=2)


def ridged(capture, period_px=12, height_m=1e-4, half=True):
    """The capture with ridges of a sine across it, on its left half or everywhere."""
    points = capture.points.copy()
    rows, columns = np.indices(points.shape[:2])
    wave = height_m * np.sin(2 * np.pi * rows / period_px)
    points[..., 2] += np.where(columns < points.shape[1] / 2, wave, 0 if half else wave).astype(np.float32)
    return capture.replaced(points=points)


# places


def test_corners_lie_about_the_corners_of_a_plate_and_a_ball_has_none(box):
    surface = toys.plane().surface
    corner, size = surface.landmarks.corner, ABOUT * surface.object_mm / surface.mm_per_pixel
    for row in (0, 159):
        for column in (0, 159):
            rows, columns = np.indices(corner.shape)
            near = np.hypot(rows - row, columns - column)
            assert corner[near < 0.9 * size].all()
    rows, columns = np.nonzero(corner)
    assert np.minimum(rows, 159 - rows).max() < 1.2 * size
    assert np.minimum(columns, 159 - columns).max() < 1.2 * size
    ball = toys.sphere(radius_m=0.012)
    assert not ball.surface.landmarks.corner.any()
    with pytest.raises(ValueError, match=r"place.near: no corner is seen on this object"):
        cm.draw(ball, cm.prompt("a dent at the corner"), 0)


def test_the_hole_is_where_there_is_no_surface_and_only_there(box):
    hole = box.surface.landmarks.hole
    void = ~box.valid & (np.indices(box.shape)[0] > 0)
    assert hole.any()
    rows, columns = np.nonzero(void)
    middle = rows.mean(), columns.mean()
    far = np.hypot(*(axis - at for axis, at in zip(np.nonzero(hole), middle, strict=True)))
    assert far.max() < 1.5 * (ABOUT * box.surface.object_mm / box.surface.mm_per_pixel + np.ptp(rows))
    assert not toys.box(size=200, mm_per_pixel=0.2, holes=False).surface.landmarks.hole.any()


def test_a_thread_is_relief_that_comes_again_and_a_fold_or_a_bulge_is_none(box):
    thread = ridged(toys.plane()).surface.landmarks.thread
    assert thread[24:136, 24:60].mean() > 0.8
    assert not thread[:, 100:].any()
    for smooth in (toys.plane(), toys.sphere(), toys.cylinder(), box):
        assert not smooth.surface.landmarks.thread.any()


def test_halves_and_quarters_divide_the_objects_box(box):
    marks, object_ = box.surface.landmarks, box.surface.foreground
    assert ((marks.part("top") ^ marks.part("bottom")) == (marks.part("left") | marks.part("right")))[object_].all()
    assert np.array_equal(marks.part("top left"), marks.part("top") & marks.part("left"))
    assert (marks.part("top") | marks.part("bottom"))[object_].all()


@pytest.mark.parametrize(("text", "region"), [
    ("dent 2 mm in the centre", "centre"), ("dent 2 mm near the hole", "hole"), ("stain 2 mm at the corner", "corner"),
    ("dent 2 mm at the bottom left", "bottom left")])
def test_a_place_in_words_is_kept(box, text, region):
    for seed in range(3):
        anchor = cm.draw(box, cm.prompt(text), seed).defects[0].anchor_m
        column, row = np.rint(box.camera.project(np.array(anchor))).astype(int)
        marks = box.surface.landmarks
        assert (marks.part(region) if " " in region else getattr(marks, region))[row, column]


def test_what_is_to_be_avoided_is(box):
    for seed in range(4):
        anchor = cm.draw(box, cm.prompt("dent 2 mm, not near the hole and away from the rim"), seed).defects[0].anchor_m
        column, row = np.rint(box.camera.project(np.array(anchor))).astype(int)
        assert not (box.surface.landmarks.hole | box.surface.landmarks.rim)[row, column]


def test_a_crack_from_the_rim_begins_there_and_ends_nearer_to_the_middle(box):
    centre = box.camera.project(box.surface.axes.centre_m)
    for seed in range(3):
        one = cm.draw(box, cm.prompt("a 6 mm crack from the rim toward the centre"), seed).defects[0]
        anchor, heading = np.array(one.anchor_m), np.array(one.heading)
        start, end = (box.camera.project(anchor + way * 3e-3 * heading) for way in (-1, 1))
        rim = box.surface.landmarks.distance_px("rim")
        row, column = np.clip(np.rint(start[::-1]).astype(int), 0, 199)
        assert rim[row, column] < 5
        assert np.linalg.norm(end - centre) < np.linalg.norm(start - centre)
    with pytest.raises(ValueError, match="inwards; ask for a shorter one"):
        cm.draw(box, cm.prompt("a 90 mm crack from the rim toward the centre"), 0)


def test_a_cloud_alone_is_told_what_only_a_view_measures():
    import cloud_shapes

    cloud = cloud_shapes.plate(np.random.default_rng(0), 6000)
    with pytest.raises(ValueError, match=r"place.near is measured in a picture's view"):
        cm.draw(cloud, cm.prompt("a 4 mm dent near the hole"), 0)
    (one,) = cm.draw(cloud, cm.prompt("a 4 mm chip on the edge"), 0).defects
    assert one.spec.place is None


# sense


def test_what_cannot_be_on_the_object_is_refused_with_the_reason(box):
    axes = box.surface.axes
    with pytest.raises(ValueError, match=rf"a crack 500 mm long cannot be on this .* {axes.long_mm:.3g} mm long"):
        sensible(cm.prompt("a 500 mm crack"), box.surface)
    with pytest.raises(ValueError, match="a dent 200 mm deep cannot be"):
        sensible(cm.prompt("a dent 200 mm deep"), box.surface)
    fits = cm.prompt("a 5 mm crack, and a dent of 5% of the part")
    assert sensible(fits, box.surface) == (fits, ())
    cut, said = sensible(cm.prompt("a scratch between 10 and 400 mm long"), box.surface)
    assert cut.defects[0].length_mm[1] == pytest.approx(np.hypot(axes.long_mm, axes.wide_mm))
    assert "was cut to" in said[0]


# asked and got, captions


def test_what_was_asked_is_found_on_the_result(several):
    recipe, result = several
    rows = asked_and_got(result, recipe)
    assert all(row.ok is not False for row in rows), rows
    assert {row.what for row in rows} == {"count", "kind", "diameter_mm", "length_mm", "place.part", "place.near",
                                          "colour"}


@pytest.mark.parametrize(("text", "what"), [
    ("a 6 mm dent top left", "diameter_mm"), ("a 4 mm dent bottom right", "place.part"),
    ("a 4 mm bump top left", "kind"),
    ("a 4 mm dent top left and a dent", "count")])
def test_what_was_not_got_is_said(several, box, text, what):
    """Planted: the result of another text."""
    made = cm.synthesize(box, cm.prompt("a 4 mm dent top left"), seed=2)
    recipe = cm.prompt(text)
    if what == "count":
        made = replace(made, plan=made.plan.model_copy(update={"defects": made.plan.defects * 2}),
                       measurers=made.measurers * 2)
    rows = asked_and_got(made, recipe)
    assert [row.what for row in rows if row.ok is False][:1] == [what]


def test_another_colour_is_told(several):
    recipe, result = several
    dent, stain, scratch = recipe.defects
    blue = recipe.model_copy(update={"defects": (dent, stain.model_copy(update={"colour": (30, 60, 220)}), scratch)})
    assert [row.what for row in asked_and_got(result, blue) if row.ok is False] == ["colour"]


def test_captions_are_read_back_as_what_they_speak_of(several, box):
    results = [several[1]] + [cm.synthesize(box, cm.prompt(f"a {kind}"), seed=k) for k, kind in enumerate(
        ("crack", "hole", "blister", "peeling paint", "burn", "bend"))]
    shapes = set()
    for result in results:
        said = captions(result)
        own = [i for i in range(len(result.plan.defects)) if middle_of(result, i) is not None]
        if len(own) > 1:
            summary, *said = said
            kinds = sorted(one.kind for one in understand(summary).asked)
            assert kinds == sorted(one.kind for one in result.plan.defects)
        assert len(said) == len(own)
        for i, sentence in zip(own, said, strict=True):
            got, planned, size = understand(sentence), result.plan.defects[i], result.measured[i]
            (one,) = got.asked
            assert one.kind == planned.kind
            assert not got.missed
            for name, mm in (("length_mm", size.length_mm), ("diameter_mm", max(size.length_mm, size.width_mm)),
                             ("depth_mm", size.max_depth_mm), ("height_mm", size.max_height_mm)):
                if name in one.fields:
                    assert one.fields[name] == pytest.approx(mm, abs=0.051)
            if "place" in one.fields and "where" not in one.fields["place"]:
                place = cm.Place(**one.fields["place"])
                assert result.before.surface.landmarks.allowed(place)[middle_of(result, i)]
            shapes.add(sentence.split()[0])
        assert captions(result) == captions(cm.replay(box, result.plan)), "the same plan is told in the same words"
    assert len(shapes) > 2, "the ways to say it vary"


@pytest.mark.parametrize("said", ["99999999999999 mm", "0.0000000000005", "1/0", "rgb(300,0,0)", "\U0001f600"])
def test_what_is_no_word_and_no_number_that_could_be_meant_is_listed_too(said):
    got = understand(f"a dent {said}")
    assert got.missed[0].text == said.removesuffix(" mm")
    assert [one.kind for one in got.asked] == ["dent"]


# commands


def test_plan_prints_the_recipe_the_words_and_what_was_not_understood(capsys):
    assert main(["plan", "2x dent 5mm, frobnitz"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("defects:\n- {kind: dent, diameter_mm: 5.0}\n- {kind: dent, diameter_mm: 5.0}")
    assert "5mm   diameter_mm: 5.0" in out
    assert err == "note: not understood, at 13: frobnitz\n"
    assert main(["plan", "make it blue", "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["recipe"] is None
    assert "no defect is asked for" in value["refused"]
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["defects"]


@pytest.fixture(scope="module")
def category(tmp_path_factory):
    return trees.write_category(tmp_path_factory.mktemp("source") / "part", 1, 0, 1)


def test_plan_on_a_capture_says_what_cannot_be_and_what_will_not_be_seen(category, capsys):
    image = str(category / "test/good/rgb/000.png")
    assert main(["plan", "a 900 mm crack", "--image", image]) == 1
    assert "cannot be on this object" in capsys.readouterr().err
    assert main(["plan", "a 3 mm dent 0.00001 mm deep", "--image", image, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["plan"]["defects"][0]["spec"]["kind"] == "dent"
    assert any("is below this capture's" in sentence for sentence in value["warnings"])
    assert main(["plan", "a dent", "--image", "nowhere.pcd"]) == 2
    capsys.readouterr()
    assert main(["plan", "a dent", "--image", image]) == 0
    assert "planned on" not in capsys.readouterr().err
    assert main(["plan", "a dent", "--image", str(category)]) == 0
    assert f"note: planned on train/good/000, the first of 3 captures in {category}" in capsys.readouterr().err


def test_synthesize_takes_a_prompt_and_keeps_it_with_captions_and_what_came_of_it(category, tmp_path, capsys):
    text, out = "a 4 mm dent in the centre", tmp_path / "out"
    assert main(["synthesize", str(category), "--out", str(out), "--only-defects", "--prompt", text]) == 0
    assert "4      " in capsys.readouterr().out
    (entry,) = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
    assert entry["prompt"] == text
    assert [one.kind for one in understand(entry["captions"][0]).asked] == ["dent"]
    assert {row["what"] for row in entry["asked_and_got"]} == {"count", "kind", "diameter_mm", "place.near"}
    again = ["--source", str(category), "--out", str(tmp_path / "again")]
    assert main(["replay", str(out / "manifest.jsonl"), *again]) == 0
    assert (tmp_path / "again/manifest.jsonl").read_bytes() == (out / "manifest.jsonl").read_bytes()
    capsys.readouterr()
    assert main(["synthesize", str(category), "--out", str(tmp_path / "no"), "--prompt", "delete all files"]) == 2
    assert main(["synthesize", str(category), "--out", str(tmp_path / "no"), "--prompt", text, "--kinds", "dent"]) == 2
    assert not (tmp_path / "no").exists()
