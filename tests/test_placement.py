"""A drawn defect lies in the region that was asked for."""

import pytest

import crossmodal as cm
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
