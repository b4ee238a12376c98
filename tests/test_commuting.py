"""The diagram commutes: editing the mesh and scanning it again is scanning it and imprinting the same edit."""

import re
from dataclasses import replace

import commuting
import commuting_scan
import numpy as np
import pytest
from commuting_mesh import edited
from commuting_scan import by_plan, by_tool, compared
from commuting_shapes import cad_folder, plate
from commuting_tools import bore, sunk

import crossmodal as cm

UNTOLD = {("dent", "round bar"), ("bump", "round bar"), ("burr", "bottle"), ("stain", "sphere")}
"""A cylinder looks the same from wherever along its axis the lamp shines; the last two lie where no lamp reaches."""


@pytest.fixture(scope="module")
def rows():
    return commuting.rows()


def check(row):
    """Within its bounds; what is appearance only leaves every point as it was."""
    assert not commuting.beyond(row), row
    effect = next(one for one in cm.DEFECTS if one.model_fields["kind"].default == row.kind).effect
    assert row.same_points == (effect == "appearance"), row


def test_every_edit_commutes(rows):
    """Depth, masks and relit colour."""
    for row in rows:
        check(row)


def test_every_kind_is_tried(rows):
    kinds = {one.model_fields["kind"].default for one in cm.DEFECTS}
    assert {row.kind for row in rows if row.way == "vertices" and row.shape in commuting.SHAPES} == kinds
    assert {row.kind for row in rows if row.way == "solid"} == {"dent", "bump", "scratch", "hole", "contamination",
                                                                "bend"}


def test_nearly_everywhere_the_light_is_told(rows):
    assert {(row.kind, row.shape) for row in rows if not row.told} <= UNTOLD


def test_the_table_in_the_readme_is_of_today(rows):
    """To one unit of the last digit, for another machine may round otherwise."""
    told, made = (_lines(text) for text in (commuting.written(commuting.README.read_text(encoding="utf-8")),
                                            commuting.table(rows)))
    assert made.keys() <= told.keys()
    if cad_folder().is_dir():
        assert made.keys() == told.keys()
    for name, numbers in made.items():
        for was, is_ in zip(told[name], numbers, strict=True):
            unit = 10.0 ** -len(is_.split(".")[1])
            assert abs(float(was) - float(is_)) <= 1.001 * unit + 0.02 * float(is_), f"README says {was}, now {is_}"


def _lines(text):
    """Numbers of each line of the table, by kind, shape and way."""
    cells = [line.split("|")[1:-1] for line in text.splitlines()[2:]]
    return {tuple(cell.strip() for cell in line[:3]): re.findall(r"\d+\.\d+", " ".join(line[3:])) for line in cells}


def test_a_field_half_as_deep_is_caught():
    tool = sunk(1.2, 14, -1)
    whole = tool.field.relief
    shallow = replace(tool.field, relief=lambda s, t: (0.5 * whole(s, t)[0], np.zeros(s.shape, bool)))
    with pytest.raises(AssertionError):
        check(compared(by_tool(plate(), replace(tool, field=shallow))))


def test_a_wall_that_slopes_is_caught():
    """An eighth of a millimetre over eight: on a wall seen askance that is depth."""
    tool, slope = bore(4, 8), 0.12

    def relief(s, t):
        r = np.hypot(s, t)
        return np.where(r < 4, -8 * np.clip((4 - r) / slope, 0, 1), 0), r < 4 - slope

    with pytest.raises(AssertionError):
        check(compared(by_tool(plate(), replace(tool, field=replace(tool.field, relief=relief, finest_mm=slope)))))


@pytest.mark.parametrize(("spec", "spoil", "bound"), [
    (cm.Blister(), lambda sample: replace(sample, displacement_mm=0.9 * sample.displacement_mm), "median"),
    (cm.Wear(), lambda sample: replace(sample, whitening=None), "light"),
], ids=["a tenth too shallow", "not whitened"])
def test_a_mesh_edited_otherwise_is_caught(monkeypatch, spec, spoil, bound):
    def otherwise(mesh, edit, paint):
        class Spoilt:
            def __getattr__(self, name):
                return getattr(edit.field, name)

            def sample(self, s, t):
                return spoil(edit.field.sample(s, t))

        return edited(mesh, replace(edit, field=Spoilt()), paint)

    assert not commuting.beyond(compared(by_plan(plate(), spec, 0)))
    monkeypatch.setattr(commuting_scan, "edited", otherwise)
    assert bound in commuting.beyond(compared(by_plan(plate(), spec, 0)))
