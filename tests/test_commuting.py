"""The diagram commutes: editing the mesh and scanning it again is scanning it and imprinting the same edit."""

import re
from dataclasses import replace

import commuting
import numpy as np
import pytest

WALLS = {"scratch": (0.05, 0.5), "bend": (0.05, 0.5)}
"""Kinds with steps: a bend moves the object's silhouettes."""
KNOWN = {"hole"}
"""Kinds that the table shows beyond the bounds."""


@pytest.fixture(scope="module")
def rows():
    return commuting.rows()


def check(row, median_mm=0.005, p95_mm=0.03):
    """Smooth kinds at 0.25 mm a pixel: depth to 5 and 30 µm, masks to 95 %."""
    assert row.depth_mm <= median_mm, row
    assert row.depth_p95_mm <= p95_mm, row
    assert row.normal_deg <= 0.5, row
    assert row.mask >= 0.95, row


def test_every_edit_commutes(rows):
    assert {row.kind for row in rows} == {"dent", "bump", "scratch", "hole", "contamination", "bend"}
    for row in rows:
        if row.kind not in KNOWN:
            check(row, *WALLS.get(row.kind, ()))


def test_a_relit_picture_is_three_times_closer_to_the_truth(rows):
    on_plate = {row.kind: row for row in rows if row.shape == "bevelled plate"}
    for kind in ("dent", "bump", "scratch", "contamination"):
        assert 3 * on_plate[kind].rgb <= on_plate[kind].rgb_unlit, on_plate[kind]
    for row in rows:
        assert row.rgb < row.rgb_unlit, row


def test_the_table_in_the_readme_is_of_today(rows):
    """To one unit of the last digit, for another machine may round otherwise."""
    told, made = (re.findall(r"\d+\.\d+|[a-z]{3,}", text)
                  for text in (commuting.written(commuting.README.read_text(encoding="utf-8")), commuting.table(rows)))
    assert len(told) == len(made)
    for was, is_ in zip(told, made, strict=True):
        if is_[0].isdigit():
            unit = 10.0 ** -len(is_.split(".")[1])
            assert abs(float(was) - float(is_)) <= 1.001 * unit + 0.02 * float(is_), f"README says {was}, now {is_}"
        else:
            assert was == is_


def test_a_field_half_as_deep_is_caught():
    tool = commuting.ball(1.2, 14, -1)
    whole = tool.field.relief
    shallow = replace(tool.field, relief=lambda s, t: (0.5 * whole(s, t)[0], np.zeros(s.shape, bool)))
    with pytest.raises(AssertionError):
        check(commuting.commute("plate", commuting.block(), replace(tool, field=shallow)))
