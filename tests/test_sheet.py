"""The pictures for people: right sizes, the defect in them, and no failure on awkward results."""

from types import SimpleNamespace

import numpy as np
import pytest
import toys

from crossmodal import panes
from crossmodal.sheet import poster, sheet, sheets


def dented(capture, deep_mm=0.3, diameter_mm=8.0, hole=False):
    """A stand-in for a Result: a parabolic dent in the middle, pressed along the depth axis."""
    middle = np.array(capture.shape) // 2
    points = capture.points.copy()
    away = np.linalg.norm(points - points[tuple(middle)], axis=-1) * 2000 / diameter_mm
    moved = np.where(away < 1, -deep_mm * (1 - away**2), 0).astype(np.float32)
    gt = moved < 0
    points *= (1 - moved / 1000 / np.where(gt, points[..., 2], 1))[..., None]
    if hole:
        points[gt] = np.nan
        moved[gt] = np.nan
    masks = SimpleNamespace(rgb=gt, depth=gt, points=gt, union=gt, effects=~gt & gt)
    return SimpleNamespace(before=capture, after=capture.replaced(points=points), gt=gt, masks=masks,
                           instances=gt.astype(np.uint8), displacement_mm=moved)


def test_a_dent_of_0_3_mm_is_seen_in_the_relief_and_only_there():
    result = dented(toys.tilted_plane(30))
    window = panes.window_on(result.gt, 2.5, 300, 240)
    coarse = panes.coarse_shape(result.before, window)
    before, after = (panes.relief_mm(c, coarse, window) for c in (result.before, result.after))
    changed = window.of(result.gt)
    assert np.abs(before).max() < 0.02
    assert after[changed].min() == pytest.approx(-0.3, abs=0.02)
    range_mm = panes.relief_range((before, after), changed)
    assert 0.2 <= range_mm <= 0.5
    level, dent = (panes.relief_pane(r, range_mm, c.normals, window)
                   for r, c in ((before, result.before), (after, result.after)))
    assert int(level[120, 150, 0]) - int(dent[120, 150, 0]) > 80


@pytest.mark.parametrize("width", [700, 1500])
def test_sheets_have_the_width_asked_for_and_differ_between_rows(width):
    result = dented(toys.tilted_plane(30))
    for picture in (sheet(result, width), poster(result, width)):
        assert picture.dtype == np.uint8
        assert picture.shape[1:] == (width, 3)
    assert len(sheets([result, result], width)) == 2 * len(sheet(result, width))


def test_awkward_results_still_have_a_picture():
    assert sheet(dented(toys.box())).any()
    assert sheet(dented(toys.plane(), hole=True)).any()
    unchanged = dented(toys.plane(), deep_mm=0.0)
    assert not unchanged.gt.any()
    assert sheet(unchanged).any()
    assert poster(unchanged).any()
    with pytest.raises(ValueError, match="at least one Result"):
        sheets([])


def test_windows_stay_in_the_frame_and_keep_the_defect():
    mask = np.zeros((120, 200), bool)
    mask[2:9, 180:199] = True
    window = panes.window_on(mask, 3, 300, 240)
    assert window.column >= 0
    assert window.row >= 0
    assert window.column + window.columns <= 200
    assert window.row + window.rows <= 120
    assert window.of(mask).sum() == mask.sum()
