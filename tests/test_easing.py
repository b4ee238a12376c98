"""How a rise is eased: its ends, its slopes, its turn about the middle; and that it is written once."""

import re
from pathlib import Path

import numpy as np
import pytest

import crossmodal
from crossmodal.easing import eased

AGAIN = re.compile(r"\(3(?:\.0)? - 2(?:\.0)? \* \w+\)")


def eases(rise):
    """Whether a rise is 0 and 1 beyond its ends, level there, never falls, and is the same turned about its middle."""
    x = np.linspace(-0.5, 1.5, 2001)
    y = rise(x)
    slope = np.diff(y) / np.diff(x)
    level = np.abs(slope[[499, 500, 1499, 1500]]).max() < 0.01
    ends = (y[x <= 0] == 0).all() and (y[x >= 1] == 1).all()
    return bool(ends and level and (slope >= 0).all() and np.allclose(y + y[::-1], 1))


def test_a_rise_is_level_at_both_ends():
    assert eases(eased)
    assert eased(np.float32([0.25])).dtype == np.float32
    assert eased(0.25) == 3 / 16 - 2 / 64


@pytest.mark.parametrize("fault", [lambda x: np.clip(x, 0, 1), lambda x: np.clip(x, 0, 1) ** 2,
                                   lambda x: x * x * (3 - 2 * x), lambda x: eased(1 - x)])
def test_another_rise_is_caught(fault):
    assert not eases(fault)


def test_it_is_written_once():
    root = Path(crossmodal.__file__).parent
    assert [path.name for path in root.rglob("*.py") if AGAIN.search(path.read_text(encoding="utf-8"))] == ["easing.py"]
