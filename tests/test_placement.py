"""A drawn defect lies in the region that was asked for."""

import cv2
import numpy as np
import pytest

import crossmodal as cm
from crossmodal import placement
from crossmodal.features import fitting, run_of
from crossmodal.scanner import showcase
from tests import toys


@pytest.mark.parametrize("seed", range(5))
def test_a_defect_keeps_to_its_box(seed):
    box = (20, 90, 60, 140)
    capture = toys.plane()
    recipe = cm.Recipe(defects=(cm.Bump(diameter_mm=4, height_mm=0.3),), place=cm.Place(where="anywhere", box=box))
    x, y, z = cm.draw(capture, recipe, seed).defects[0].anchor_m
    camera = capture.camera
    column, row = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
    radius = 2 / 0.25 - 1
    assert box[0] + radius <= column <= box[2] - radius
    assert box[1] + radius <= row <= box[3] - radius



def test_an_empty_box_is_refused():
    recipe = cm.Recipe(defects=(cm.Bump(),), place=cm.Place(where="anywhere", box=(300, 300, 400, 400)))
    with pytest.raises(ValueError, match="ask for another place"):
        cm.draw(toys.plane(), recipe, 0)


def pixel_of(capture, anchor):
    column, row = capture.camera.project(np.array(anchor))
    return round(float(row)), round(float(column))


@pytest.mark.parametrize("keeps_to", [True, False])
def test_a_defect_keeps_to_its_mask_or_away_from_it(tmp_path, keeps_to):
    capture, left = toys.plane(), np.zeros((160, 160), np.uint8)
    left[:, :80] = 255
    path = str(tmp_path / "left.png")
    cv2.imwrite(path, left)
    place = cm.Place(where="anywhere", **{"mask" if keeps_to else "forbid": path})
    recipe = cm.Recipe(defects=(cm.Dent(diameter_mm=4, depth_mm=0.3),), place=place)
    for seed in range(4):
        assert (pixel_of(capture, cm.draw(capture, recipe, seed).defects[0].anchor_m)[1] < 80) == keeps_to


def test_a_mask_of_another_size_or_none_is_refused(tmp_path):
    path = str(tmp_path / "small.png")
    cv2.imwrite(path, np.full((20, 30), 255, np.uint8))
    for name, message in ((path, "30x20"), (str(tmp_path / "none.png"), "no picture")):
        with pytest.raises(ValueError, match=message):
            cm.draw(toys.plane(), cm.Recipe(defects=(cm.Dent(),), place=cm.Place(mask=name)), 0)


def test_ground_is_told_by_its_shape():
    """A plane is flat and a ball is convex; neither is the other, nor hollow."""
    for capture, shape in ((toys.plane(), "flat"), (toys.sphere(0.012), "convex")):
        middle = fitting(capture.surface, shape, 6.0)[70:90, 70:90]
        assert middle.all(), shape
        for other in {"flat", "convex", "concave"} - {shape}:
            assert not fitting(capture.surface, other, 6.0)[70:90, 70:90].any(), other


@pytest.mark.parametrize("seed", range(3))
def test_a_chip_finds_an_edge_by_itself(seed):
    capture = showcase()
    row, column = pixel_of(capture, cm.draw(capture, cm.Recipe(defects=(cm.Chip(diameter_mm=8, depth_mm=1),)),
                                            seed).defects[0].anchor_m)
    edge = fitting(capture.surface, "edge", 4.0)
    assert edge[row - 2:row + 3, column - 2:column + 3].any()


def test_the_whole_of_a_round_defect_stays_within_its_mask(tmp_path):
    capture, left = toys.plane(), np.zeros((160, 160), np.uint8)
    left[:, :70] = 255
    path = str(tmp_path / "left.png")
    cv2.imwrite(path, left)
    for name, beyond in (("mask", np.s_[:, 71:]), ("forbid", np.s_[:, :69])):
        recipe = cm.Recipe(defects=(cm.Pit(diameter_mm=6, depth_mm=0.5),),
                           place=cm.Place(where="anywhere", **{name: path}))
        for seed in range(4):
            result = cm.synthesize(capture, recipe, seed)
            assert result.gt.any()
            assert not result.gt[beyond].any(), name


def test_nothing_left_to_lie_on_is_refused(tmp_path):
    path = str(tmp_path / "all.png")
    cv2.imwrite(path, np.full((160, 160), 255, np.uint8))
    with pytest.raises(ValueError, match=r"place\.forbid leaves no surface"):
        cm.draw(toys.plane(), cm.Recipe(defects=(cm.Dent(),), place=cm.Place(where="anywhere", forbid=path)), 0)


def test_a_defect_keeps_clear_of_the_border_and_of_what_was_not_measured():
    """Nothing of it comes nearer than was asked, to the picture's end or to a hole in the scan."""
    capture = toys.plane()
    points = capture.points.copy()
    points[60:90, 70:100] = np.nan
    holed, clear = capture.replaced(points=points), 5.0
    bad = np.pad(~holed.valid, 1, constant_values=True)
    away = cv2.distanceTransform((~bad).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1] * capture.surface.mm_per_pixel
    place = cm.Place(where="anywhere", clear_of_border_mm=clear)
    recipe = cm.Recipe(defects=(cm.Pit(diameter_mm=5, depth_mm=0.5),), place=place)
    free = recipe.model_copy(update={"place": cm.Place(where="anywhere")})
    nearest = [min(float(away[cm.synthesize(holed, one, seed).gt].min()) for seed in range(8))
               for one in (recipe, free)]
    assert nearest[0] > clear - 0.5
    assert nearest[1] < clear, "it would have kept clear unasked"
    with pytest.raises(ValueError, match="ask for a smaller one or for less clearance"):
        cm.draw(holed, recipe.model_copy(update={"place": cm.Place(where="anywhere", clear_of_border_mm=40)}), 0)


def test_an_edge_runs_along_itself_and_not_across_its_neighbours():
    """Of parallel threads each is an edge of its own."""
    threads = np.zeros((80, 80), bool)
    threads[:, 10::6] = True
    for column in (40, 43):  # on an edge, and beside one
        x, y = run_of(threads, 40, column, 20)
        assert abs(y) > 0.99
        assert abs(x) < 0.1


def test_nothing_is_put_on_a_few_points_that_fly_alone(monkeypatch):
    """A few points off the object end nowhere: theirs is no edge that could break."""
    capture = toys.cylinder()
    points = capture.points.copy()
    points[:, :16] = np.nan
    for row in range(4, 156, 8):
        points[row:row + 3, 6:9] = capture.points[row:row + 3, 6:9]
    alone, recipe = capture.replaced(points=points), cm.Recipe(defects=(cm.Chip(diameter_mm=4, depth_mm=0.5),))

    def columns():
        return [pixel_of(alone, cm.draw(alone, recipe, seed).defects[0].anchor_m)[1] for seed in range(12)]

    assert min(columns()) >= 16
    monkeypatch.setattr(placement, "_held", lambda surface, index, _: np.ones(len(index)))
    assert min(columns()) < 16, "it would not have been put there anyway"
