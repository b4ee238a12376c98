"""Cost must grow with the defect's area, not with the image's."""

import pytest
import scenes

import crossmodal as cm


@pytest.mark.parametrize("share", [0.002, 0.005, 0.01, 0.02, 0.04, 0.06])
def test_against_the_defects_area_at_400(clock, share):
    capture = scenes.tilted(400)
    recipe, plan, covered = scenes.planned(capture, "dent", share)
    took = clock.measured(lambda: cm.replay(capture, plan), capture.rgb)
    clock(lambda: cm.synthesize(capture, recipe, 1), capture.rgb, 15, table="area", covered=covered, replay=took)


@pytest.mark.parametrize("size", [200, 400, 800, 1200, 1600])
def test_against_the_images_size_at_2400_pixels_of_defect(clock, size):
    capture = scenes.tilted(size)
    recipe, plan, covered = scenes.planned(capture, "dent", 2400 / size**2)
    took = clock.measured(lambda: cm.replay(capture, plan), capture.rgb)
    clock(lambda: cm.synthesize(capture, recipe, 1), capture.rgb, 15, table="image", size=size,
          pixels=round(covered * size**2), replay=took)
