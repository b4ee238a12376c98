"""Displacement that says another thing than xyz is caught where the check has to allow most: at edges, on relief as
deep as the defect itself, and on a coarse sensor's steps."""

from types import SimpleNamespace

import numpy as np
import pytest
import toys

import crossmodal as cm
from crossmodal.evaluation.against import Pair
from crossmodal.evaluation.arrays import Arrays
from crossmodal.evaluation.sizes import relief

Y, X = np.mgrid[:96, :96] - 47.5
CAMERA = toys.toy_camera(96)


def capture(z_mm) -> cm.Capture:
    return cm.Capture.from_depth(np.full((96, 96, 3), 120, np.uint8), (1e-3 * z_mm).astype(np.float32), CAMERA)


def made(name):
    """A capture, the same with a defect in it, and its displacement (H, W) mm."""
    if name == "edge":
        result = cm.synthesize(capture(300 + np.abs(X + 0.3 * Y) * 0.25), cm.Burr(width_mm=2.5, height_mm=1.2), seed=4)
    elif name == "relief":
        ground = 300 + 0.5 * np.sin(0.5 * X) * np.sin(0.45 * Y)
        result = cm.synthesize(capture(ground), cm.Bump(diameter_mm=8, height_mm=0.8), seed=4)
    else:
        dented = cm.synthesize(capture(300 + 0.05 * X), cm.Dent(diameter_mm=9, depth_mm=1.0), seed=4)
        step = np.float32(2.5e-4)
        depths = [np.rint(one.depth / step) * step for one in (dented.before, dented.after)]
        before, after = (capture(1e3 * z) for z in depths)
        return before, after, np.where(depths[0] != depths[1], dented.displacement_mm, 0), "dent"
    return result.before, result.after, result.displacement_mm, result.plan.defects[0].spec.kind


@pytest.fixture(scope="module", params=("edge", "relief", "steps"))
def told(request):
    return made(request.param)


def fault(before, after, displacement, kind):
    pair = Pair(Arrays(None, points=before.points, xyz=before.points),
                Arrays(None, points=after.points, xyz=after.points, displacement=displacement.astype(np.float32)))
    entry = SimpleNamespace(kind=kind, defects=({"kind": kind},), plan={})
    figures = [one for one in relief(pair, entry) if one.test.startswith("displacement")]
    assert figures, "not compared"
    return figures[0].fault


def test_what_was_done_is_found_right(told):
    before, after, displacement, kind = told
    assert fault(before, after, displacement, kind) is None


AMOUNTS = {"too much": lambda d: 1.6 * d, "half": lambda d: 0.5 * d, "the other way": lambda d: -d}
PLACES = {"level": lambda d: np.where(d != 0, 0.5 * d.flat[np.abs(d).argmax()], 0),
          "beside it": lambda d: np.where(d != 0, np.roll(d, 6, 1), 0)}


@pytest.mark.parametrize("wrong", AMOUNTS.values(), ids=AMOUNTS)
def test_another_amount_is_caught(told, wrong):
    before, after, displacement, kind = told
    assert fault(before, after, wrong(np.nan_to_num(displacement)), kind) is not None


@pytest.mark.parametrize("told", ["edge", "relief"], indirect=True)
@pytest.mark.parametrize("wrong", PLACES.values(), ids=PLACES)
def test_another_shape_is_caught(told, wrong):
    """Not on steps of a quarter of the dent's depth: there a pixel alone tells nothing, all of them the amount."""
    before, after, displacement, kind = told
    assert fault(before, after, wrong(np.nan_to_num(displacement)), kind) is not None
