"""A drawn defect lies in the region that was asked for."""

import cv2
import numpy as np
import pytest

import crossmodal as cm
from crossmodal.features import fitting
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
