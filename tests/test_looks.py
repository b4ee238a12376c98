"""What makes a kind believable, as far as numbers can tell: worn threads, colours that are seen."""

import numpy as np
import pytest
import toys
import truth

import crossmodal as cm
from crossmodal.defects import Scale
from crossmodal.defects.added import linear
from crossmodal.normals import over_valleys_mm

CREST_MM, PITCH_MM = 0.6, 2.25


@pytest.fixture(scope="module")
def threaded():
    """A plane square to the view with round threads along the picture's columns."""
    flat = toys.plane()
    x = flat.points[..., 0] * 1e3
    z = flat.points[..., 2] - 5e-4 * CREST_MM * np.cos(2 * np.pi * x / PITCH_MM)
    return flat.replaced(points=(flat.points * (z / flat.points[..., 2])[..., None]).astype(np.float32))


@pytest.mark.parametrize("seed", range(3))
def test_wear_takes_crests_down_to_their_valleys(threaded, seed):
    """As in the worn thread of MVTec 3D-AD's cable gland: not to the mean, and the valleys stay."""
    recipe = cm.Recipe(defects=(cm.Wear(diameter_mm=14, depth_mm=0.02),), place=cm.Place(at_pixel=(80, 80)))
    result = cm.synthesize(threaded, recipe, seed=seed)
    field = truth.field_of(result.plan.defects[0])
    st = cm.grown(threaded.surface, result.plan.defects[0]).chart(
        threaded.points.reshape(-1, 3).astype(np.float64), threaded.normals.reshape(-1, 3)).reshape(160, 160, 2)
    core = field.outline.inside(*st.reshape(-1, 2).T).reshape(160, 160) < 0.5
    valley_mm = 1e3 * 0.3 + 0.5 * CREST_MM
    above = valley_mm - 1e3 * result.after.depth[core]
    before = valley_mm - 1e3 * threaded.depth[core]
    assert before.max() > 0.95 * CREST_MM
    # A pixel keeps what it measured beside the smoothed surface, here a fifth of a thread nine pixels wide.
    assert np.quantile(above, 0.95) < 0.25 * CREST_MM
    assert above.min() > -0.15 * CREST_MM, "the valleys went too"


def test_a_broad_step_is_no_crest():
    relief = np.zeros((60, 60), np.float32)
    relief[:, 30:] = 1
    relief[10:50, 8:12] = 0.5
    over = over_valleys_mm(relief, 12)
    assert over[20:40, 8:12].min() == 0.5
    over[:, 6:14] = 0
    assert not over.any()


@pytest.mark.parametrize("colour", [(60, 130, 150), (190, 180, 178), (240, 220, 160), (40, 40, 42), (150, 85, 60)])
def test_colours_that_are_left_open_are_seen_on_the_objects_own(colour):
    own = linear(colour)
    scale = Scale(0.25, 100.0, 0.001, 80.0, colour=tuple(own))
    for seed in range(12):
        peel = cm.Peel().drawn(np.random.default_rng(seed), scale)
        assert np.abs(np.cbrt(linear(peel.colour)) - np.cbrt(own)).max() > 0.14
        tint = cm.Discoloration().drawn(np.random.default_rng(seed), scale).colour
        least = 0.19 if max(colour) > 100 else 0.05
        assert np.abs(np.cbrt(own * linear(tint)) - np.cbrt(own)).max() > least
    assert cm.Peel(colour=colour).drawn(np.random.default_rng(0), scale).colour == colour


def test_the_objects_own_colour_comes_from_the_picture():
    """A plan pins the colour; on a rust-brown object bare ground is no red lead."""
    grounds = set()
    for paint in ((150, 85, 60), (230, 230, 230)):
        capture = toys.plane(textured=False)
        capture = capture.replaced(rgb=np.broadcast_to(np.array(paint, np.uint8), capture.rgb.shape).copy())
        drawn = {cm.draw(capture, cm.Recipe(defects=(cm.Peel(),), place=cm.Place(where="anywhere")), seed)
                 .defects[0].spec.colour for seed in range(12)}
        assert None not in drawn
        grounds.add(frozenset(drawn))
    assert len(grounds) == 2


def test_pits_of_a_field_differ():
    """In size, depth, steepness and outline: no two alike, some not half as deep as others."""
    from crossmodal.defects import grow

    for seed in range(5):
        pits = grow(cm.Pit(count=12, diameter_mm=14, depth_mm=1).drawn(np.random.default_rng(0)), seed)
        assert pits.depths_mm.max() == pytest.approx(1)
        assert pits.depths_mm.min() < 0.5
        across = np.array([outline.diameter_mm for outline in pits.outlines])
        assert across.max() > 2 * across.min()
        assert np.ptp(pits.steep) > 0.3


@pytest.mark.parametrize("seed", range(3))
def test_the_shade_of_a_thread_goes_with_it(threaded, seed):
    """Of stripes that the picture shows along the crests, little is left where the crests are gone."""
    x = threaded.points[..., 0] * 1e3
    stripes = 120 + 50 * np.cos(2 * np.pi * x / PITCH_MM)
    striped = threaded.replaced(rgb=np.repeat(stripes[..., None].astype(np.uint8), 3, 2))
    recipe = cm.Recipe(defects=(cm.Wear(diameter_mm=14, depth_mm=0.02, show="geometry"),),
                       place=cm.Place(at_pixel=(80, 80)))
    result = cm.synthesize(striped, recipe, seed=seed)
    assert np.ptp(striped.rgb[80, 72:89].astype(int)) > 90
    assert np.ptp(result.after.rgb[80, 72:89].astype(int)) < 40
    assert np.array_equal(result.after.rgb[~result.masks.rgb], striped.rgb[~result.masks.rgb])


def test_print_on_a_flat_face_is_no_shade():
    """Without crests the picture's stripes are the surface's own, and stay."""
    flat = toys.plane()
    stripes = 120 + 50 * np.cos(2 * np.pi * flat.points[..., 0] * 1e3 / PITCH_MM)
    printed = flat.replaced(rgb=np.repeat(stripes[..., None].astype(np.uint8), 3, 2))
    recipe = cm.Recipe(defects=(cm.Wear(diameter_mm=14, depth_mm=0.1, show="geometry"),),
                       place=cm.Place(at_pixel=(80, 80), where="anywhere"))
    result = cm.synthesize(printed, recipe, seed=1)
    assert np.ptp(result.after.rgb[80, 72:89].astype(int)) > 0.8 * np.ptp(printed.rgb[80, 72:89].astype(int))
