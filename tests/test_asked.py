"""Half a defect, and how hard it is to find, as a recipe asks."""

import numpy as np
import pytest
import truth

import crossmodal as cm


@pytest.fixture(scope="module")
def scene():
    return truth.ideal("plane", 20, 35, size=168)


def made(scene, spec, seed=3):
    return cm.synthesize(scene.capture, cm.Recipe(defects=(spec,), place=cm.Place(at_pixel=(84, 80))), seed=seed)


@pytest.mark.parametrize("spec", [cm.Corrosion, cm.Contamination, cm.Scratch, cm.Peel])
def test_colour_alone_leaves_depth_to_the_bit_and_geometry_alone_adds_no_colour(scene, spec):
    whole, colour, shape = (made(scene, spec(diameter_mm=9) if "diameter_mm" in spec.sizes else spec(), 3)
                            if show == "both" else made(scene, (spec(diameter_mm=9, show=show)
                                                                if "diameter_mm" in spec.sizes else spec(show=show)), 3)
                            for show in ("both", "colour", "geometry"))
    assert colour.after.points.tobytes() == scene.capture.points.tobytes()
    assert colour.visibility[0].seen_in == ("rgb",)
    assert shape.after.points.tobytes() == whole.after.points.tobytes(), "the shape is not that of the whole"
    assert not np.array_equal(shape.after.rgb, whole.after.rgb)
    assert "depth" in shape.visibility[0].seen_in
    again = cm.replay(scene.capture, cm.Plan.model_validate_json(colour.plan.model_dump_json()))
    assert again.after.rgb.tobytes() == colour.after.rgb.tobytes()


@pytest.mark.parametrize(("spec", "show"), [(cm.Stain, "geometry"), (cm.Dent, "colour")])
def test_half_that_a_kind_does_not_have_is_refused(scene, spec, show):
    with pytest.raises(ValueError, match=rf"show: a {spec.__name__.lower()} has no {show}"):
        made(scene, spec(show=show))


@pytest.mark.parametrize("spec", [cm.Dent, cm.Bump, cm.Contamination, cm.Pit])
def test_harder_is_fainter(scene, spec):
    contrast = {level: np.median([made(scene, spec(difficulty=level), seed).visibility[0].depth_contrast
                                  for seed in range(7)]) for level in ("easy", "medium", "hard")}
    assert contrast["easy"] > contrast["medium"] > contrast["hard"]


def test_a_level_keeps_to_its_third_of_what_was_asked(scene):
    for level, (low, high) in {"hard": (3, 5), "medium": (5, 7), "easy": (7, 9)}.items():
        sizes = [made(scene, cm.Dent(diameter_mm=(3, 9), depth_mm=0.5, difficulty=level), seed)
                 .plan.defects[0].spec.diameter_mm[0] for seed in range(5)]
        assert all(low <= size <= high for size in sizes)


def test_a_size_may_be_a_share_of_the_object(scene):
    """5 % is 5 % of the root of the object's visible area, on every capture; the plan holds mm."""
    near, far = scene, truth.ideal("plane", 20, 70, size=168)
    for one in (near, far):
        size = one.capture.surface.object_mm
        result = made(one, cm.Dent(diameter_mm="20%", depth_mm=["1%", "2%"]))
        spec = result.plan.defects[0].spec
        assert spec.diameter_mm[0] == pytest.approx(0.2 * size)
        assert 0.01 * size <= spec.depth_mm[0] <= 0.02 * size
        assert result.measured[0].length_mm == pytest.approx(0.2 * size, rel=0.01)
        again = cm.replay(one.capture, cm.Plan.model_validate_json(result.plan.model_dump_json()))
        assert again.after.points.tobytes() == result.after.points.tobytes()


def test_a_share_of_the_object_is_kept_as_it_was_written():
    recipe = cm.Recipe(defects=(cm.Scratch(length_mm=("10%", "20 %"), width_mm="1.5%"),))
    assert recipe.defects[0].length_mm == ("10%", "20%")
    assert cm.Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    with pytest.raises(ValueError, match="still a range"):
        recipe.defects[0].fixed("width_mm")
    with pytest.raises(ValueError, match="needs the scale of a capture"):
        recipe.defects[0].drawn(np.random.default_rng(0))


@pytest.mark.parametrize("bad", ["wide", "0%", "-5%", "101%", "5", ("5%", 3), ("6%", "5%"), ("1%", "2%", "3%"), "1e1%"])
def test_what_is_no_size_is_refused_in_one_sentence(bad):
    with pytest.raises(ValueError, match=r"size is in mm, or in percent|goes from low to high"):
        cm.Dent(diameter_mm=bad)
    with pytest.raises(ValueError):
        cm.Bend(angle_deg="5%")
