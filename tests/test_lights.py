"""The light of scenes whose lamp is known: mostly found, and where it is not, the confidence says so."""

from dataclasses import replace

import lights
import numpy as np
import pytest

RELIT = 0.3  # confidence from which a change of normal changes the picture plainly


@pytest.fixture(scope="module")
def rows():
    return lights.survey()


def check_calibrated(rows):
    """The surer the estimate, the smaller its error: in three steps of confidence, and in the mean of each."""
    error, sure = np.array([row.error_deg for row in rows]), np.array([row.confidence for row in rows])
    doubtful, fair, certain = error[sure < 0.5], error[(sure >= 0.5) & (sure < 0.8)], error[sure >= 0.8]
    assert min(len(doubtful), len(fair), len(certain)) >= 8
    assert np.median(doubtful) > np.median(fair) > np.median(certain)
    assert np.mean(certain <= 15) >= 0.85
    assert np.median(certain) <= 3
    assert np.percentile(error, 90) <= 45


def test_most_scenes_are_relit_by_about_the_right_lamp(rows):
    assert np.mean([row.confidence >= RELIT for row in rows]) >= 0.9
    assert np.median([row.error_deg for row in rows]) <= 15


def test_confidence_is_calibrated(rows):
    check_calibrated(rows)


def test_confidence_that_tells_nothing_is_caught(rows):
    turned = [replace(row, confidence=other.confidence) for row, other in zip(rows, rows[7:] + rows[:7], strict=True)]
    with pytest.raises(AssertionError):
        check_calibrated(turned)


def check_doubted(rows):
    """A direction is off by about as much as it is doubted, more where it is doubted more."""
    error = np.array([row.error_deg for row in rows])
    doubt = np.array([row.capture.surface.light.doubt_deg for row in rows])
    assert 0.3 <= np.median(error / doubt) <= 1
    assert np.mean(error <= 2 * doubt) >= 0.9
    assert np.median(error[doubt > 12]) > 5 * np.median(error[doubt < 6])


def test_the_doubt_of_a_direction_is_calibrated(rows):
    check_doubted(rows)


def test_a_doubt_that_tells_nothing_is_caught(rows):
    turned = [replace(row, capture=other.capture) for row, other in zip(rows, rows[7:] + rows[:7], strict=True)]
    with pytest.raises(AssertionError):
        check_doubted(turned)
