"""The diagram commutes: editing the mesh and scanning it again is scanning it and imprinting the same edit."""

from dataclasses import replace

import commuting
import numpy as np
import pytest

FLAT = {"dent": commuting.ball(1.2, 14, -1), "bump": commuting.ball(1.2, 14, 1),
        "contamination": commuting.ball(1.3, 5, 1, colour=(0.12, 0.07, 0.04))}


def check(row, median_mm=0.005, p95_mm=0.03):
    """Smooth kinds at 0.25 mm a pixel: depth to 5 and 30 µm, masks to 95 %."""
    assert row.depth_mm <= median_mm, row
    assert row.depth_p95_mm <= p95_mm, row
    assert row.normal_deg <= 0.5, row
    assert row.mask >= 0.95, row
    return row


@pytest.mark.parametrize("kind", FLAT)
def test_smooth_kinds_on_a_bevelled_plate(kind):
    assert check(commuting.commute("plate", commuting.block(), FLAT[kind])).kind == kind


def test_a_groove_on_a_bevelled_plate():
    row = check(commuting.commute("plate", commuting.block(), commuting.groove(14, 1.1, 0.6)), 0.05, 0.5)
    assert row.kind == "scratch"


def test_a_dent_on_a_round_bar():
    check(commuting.commute("bar", commuting.bar(), commuting.ball(1.0, 12, -1, 25.0)))


def test_a_field_half_as_deep_is_caught():
    tool = FLAT["dent"]
    whole = tool.field.relief
    shallow = replace(tool.field, relief=lambda s, t: (0.5 * whole(s, t)[0], np.zeros(s.shape, bool)))
    with pytest.raises(AssertionError):
        check(commuting.commute("plate", commuting.block(), replace(tool, field=shallow)))
