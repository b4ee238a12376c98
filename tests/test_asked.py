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
