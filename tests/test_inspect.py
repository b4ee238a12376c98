"""inspect says what was assumed, finds what is wrong, and finds nothing on what is right."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import rgbd_trees
import trees

from crossmodal import captures, datasets
from crossmodal.cli import main
from crossmodal.datasets.source import Reading
from crossmodal.evaluation import look
from crossmodal.evaluation.alignment import alignment
from crossmodal.evaluation.inspection import inspect
from crossmodal.evaluation.plausible import axes_fault, unit_fault, unit_for
from depth import read_xyz, write_xyz


@pytest.fixture(scope="module")
def scenes() -> list:
    return [captures.load("cans")]


@pytest.fixture
def folder(scenes, tmp_path) -> Path:
    return rgbd_trees.realsense(tmp_path / "in", scenes)


@pytest.fixture
def pair(tmp_path) -> Path:
    """rgb/ with xyz/ of an analytic part."""
    for i in range(3):
        trees.write_pair(tmp_path / "pair", f"{i:03d}", trees.good(i))
    return tmp_path / "pair"


def said(capsys, *arguments) -> tuple[int, str]:
    code = main(["inspect", *map(str, arguments)])
    return code, capsys.readouterr().out


def test_a_sound_folder_is_told_in_numbers_that_are_so(folder, scenes, capsys):
    before = trees.digests(folder)
    code, text = said(capsys, folder)
    assert code == 0, text
    assert text.splitlines()[-1] == "nothing looks wrong"
    code, text = said(capsys, folder, "--json")
    (look,) = json.loads(text)["sets"][0]["looks"]
    want = scenes[0]
    assert look["size"] == [want.camera.width, want.camera.height]
    assert look["unit_m"] == 0.001
    assert look["unit_why"] == "depth_scale 0.001: metres a count"
    assert look["void"]["0"] == pytest.approx(1 - want.valid.mean())
    assert sum(look["void"].values()) == pytest.approx(look["void"]["0"])
    assert look["z_m"] == pytest.approx(list(np.nanquantile(want.depth, (0.01, 0.5, 0.99))), abs=1e-3)
    assert look["camera"]["fx"] == pytest.approx(525)
    assert look["mm_per_pixel"] == pytest.approx(1e3 * np.nanmedian(want.depth) / 525, rel=1e-3)
    assert look["quantum_mm"] == pytest.approx(want.surface.floor.quantum_m * 1e3, rel=0.3)
    assert trees.digests(folder) == before


@pytest.mark.parametrize("layout", rgbd_trees.LAYOUTS)
def test_nothing_is_found_on_any_sound_layout(layout, scenes, tmp_path, capsys):
    root = rgbd_trees.LAYOUTS[layout](tmp_path / "in", scenes)
    unit = rgbd_trees.UNITS.get(layout)
    code, text = said(capsys, root, *(("--unit", unit) if unit else ()))
    assert code == 0, text


def test_points_are_measured_against_the_camera_that_is_given(pair, capsys):
    camera = trees.halcon(trees.good(0))
    rgbd_trees.say(pair / "calibration/camera_parameters.json", camera | {"cx": camera["cx"] + 1.5})
    code, text = said(capsys, pair, "--json")
    looks = json.loads(text)["sets"][0]["looks"]
    assert code == 0, text
    assert all(look["given_px"] == pytest.approx(1.5, abs=0.05) and look["fitted_px"] < 0.01 for look in looks)


# what is planted must be found, each with its way out


def in_millimetres(folder, pair):
    for path in (pair / "xyz").iterdir():
        write_xyz(path, read_xyz(path) * np.float32(1e3))
    return pair


def in_kilometres(folder, pair):
    for path in (pair / "xyz").iterdir():
        write_xyz(path, read_xyz(path) * np.float32(1e-3))
    return pair


def turned(columns):
    def plant(folder, pair):
        for path in (pair / "xyz").iterdir():
            write_xyz(path, read_xyz(path) * np.array(columns, np.float32))
        return pair
    return plant


def transposed(folder, pair):
    for path in (pair / "xyz").iterdir():
        write_xyz(path, np.ascontiguousarray(read_xyz(path).transpose(1, 0, 2)))
    return pair


def of_another_lens(folder, pair):
    camera = trees.halcon(trees.good(0))
    rgbd_trees.say(pair / "calibration/camera_parameters.json", camera | {"focus": camera["focus"] * 1.3})
    return pair


def rewritten(**changes):
    def plant(folder, pair):
        path = folder / "intrinsics.json"
        camera = json.loads(path.read_text())
        rgbd_trees.say(path, camera | {name: change(camera) for name, change in changes.items()})
        return folder
    return plant


def without_camera(folder, pair):
    (folder / "intrinsics.json").unlink()
    return folder


def recounted(change):
    def plant(folder, pair):
        path = folder / "depth/depth_0000.png"
        cv2.imwrite(str(path), change(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)).astype(np.uint16))
        return folder
    return plant


def moved(columns, rows):
    return recounted(lambda counts: np.roll(counts, (rows, columns), (0, 1)))


def cut(folder, pair):
    path = folder / "depth/depth_0000.png"
    path.write_bytes(path.read_bytes()[:2000])
    return folder


PLANTED = [
    (in_millimetres, "000 and 2 more: the median z is 301.9 m", "millimetres? say --unit mm"),
    (in_kilometres, "000 and 2 more: the median z is 0.0003019 m", "kilometres?; say --depth-scale (metres a unit)"),
    (turned((1, -1, -1)), "y runs up and z is negative", "turn y and z round"),
    (turned((-1, 1, 1)), "x runs to the left", "turn x round"),
    (turned((1, -1, 1)), "y runs up", "turn y round"),
    (transposed, "x runs down the rows", "turned by 90 degrees"),
    (of_another_lens, "px (median) off the given camera", "it is another camera's"),
    (rewritten(width=lambda c: 2 * c["width"], height=lambda c: 2 * c["height"]),
     "is for 536x380 pixels, but the picture has 268x190", "resized by 0.5 it would fit"),
    (rewritten(width=lambda c: c["height"], height=lambda c: c["width"]), "is for 190x268", "look swapped"),
    (rewritten(ppx=lambda c: 700.0), "cx is 700, far off the middle of 268 pixels", "a crop"),
    (rewritten(fx=lambda c: 3.7, fy=lambda c: 3.7), "fx 3.7, fy 3.7 for 268x190 pixels", "millimetres"),
    (rewritten(depth_scale=lambda c: 30.0), "the median z is", "say --depth-scale"),
    (rewritten(model=lambda c: "ftheta", coeffs=lambda c: [1, 0, 0, 0, 0]), "lens model", "undistort the images"),
    (without_camera, "depth has no camera", "say --intrinsics FILE"),
    (recounted(lambda counts: counts // 16), "levels up to", "8 bits in a 16-bit file? export it with 16"),
    (recounted(lambda counts: counts // 16 * 257), "levels up to", "8 bits in a 16-bit file? export it with 16"),
    (recounted(lambda counts: counts * (np.arange(counts.size).reshape(counts.shape) % 30 == 0)),
     "% of the pixels are not measured", ""),
    (recounted(lambda counts: counts * 0 + 65535), "only 0 pixels are measured", ""),
    (moved(16, 0), "outlines of depth fit the picture -1", "is depth aligned to colour?"),
    (cut, "depth_0000.png is truncated", "copy it again from the source"),
]


@pytest.mark.parametrize(("plant", "sentence", "way_out"), PLANTED)
def test_what_is_wrong_is_found_and_the_way_out_is_said(plant, sentence, way_out, folder, pair, capsys):
    root = plant(folder, pair)
    code, text = said(capsys, root)
    wrong = [line for line in text.splitlines() if line.startswith("  looks wrong: ")]
    assert code == 1
    assert any(sentence in line and way_out in line for line in wrong), text
    assert "Traceback" not in text


def test_the_unit_that_was_said_heals_the_finding(pair, capsys):
    in_millimetres(None, pair)
    assert said(capsys, pair)[0] == 1
    code, text = said(capsys, pair, "--unit", "mm")
    assert code == 0
    assert "1 mm: --unit mm" in text


def test_what_inspect_suggests_load_takes(pair):
    in_millimetres(None, pair)
    source = datasets.sources(pair)[0]
    with pytest.raises(ValueError, match="say --unit mm"):
        datasets.load(source)
    unit = unit_for(float(np.median(read_xyz(source.geometry)[..., 2])))
    assert datasets.load(source, Reading(unit)).depth.shape == trees.good(0).shape


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("nowhere",), "does not exist"), ((".", "--most", "0"), "--most must be at least 1"),
    ((".", "--unit", "cm"), "unit must be one of")])
def test_a_wrong_question_is_answered_in_one_line(arguments, sentence, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main(["inspect", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_a_dataset_with_a_coding_of_its_own_is_read_by_its_own_reader(folder, scenes, monkeypatch):
    (source,) = datasets.sources(folder)
    monkeypatch.setattr(look, "load", lambda source, reading: scenes[0])
    seen = look.look_at(replace(source, coding="of its own"), Reading())
    assert (seen.unit_why, seen.faults) == ("as the dataset's own files say", ())
    assert seen.void["NaN"] == pytest.approx(1 - scenes[0].valid.mean())
    far = scenes[0].replaced(points=scenes[0].points * np.float32(1e3))
    monkeypatch.setattr(look, "load", lambda source, reading: far)
    assert "millimetres?" in look.look_at(replace(source, coding="of its own"), Reading()).faults[0]


def test_so_many_of_each_set_are_read_spread_over_it(scenes, tmp_path):
    for name in ("a", "b"):
        rgbd_trees.open3d(tmp_path / "in" / name, scenes * 7)
    sets = inspect(tmp_path / "in", most=3)
    assert [(one.name, one.captures, [look.name for look in one.looks]) for one in sets] == [
        (name, 7, [f"{name}/00000", f"{name}/00003", f"{name}/00006"]) for name in ("a", "b")]


@pytest.mark.parametrize(("median", "fault"), [(0.3, None), (9.9, None), (302, "milli"), (3e5, "micro"),
                                               (-0.3, "behind"), (0.003, "kilo")])
def test_which_depths_a_camera_can_have(median, fault):
    assert (unit_fault(median) is None) == (fault is None)
    assert fault is None or fault in unit_fault(median)


def test_axes_are_only_blamed_where_they_are_turned():
    assert axes_fault(trees.good(0).points) is None
    assert "z is negative" in axes_fault(-trees.good(0).points)


def test_real_captures_are_aligned_and_moved_ones_are_not(shared):
    told = 0
    for source in datasets.sources(shared / "data/mosd"):
        capture = datasets.load(source)
        here = alignment(capture.rgb, capture.depth)
        away = alignment(capture.rgb, np.roll(capture.depth, (-12, 20), (0, 1)))
        if here is None or here.plain < 6:
            continue
        told += 1
        assert np.hypot(here.columns, here.rows) < 8
        assert np.hypot(away.columns + 20, away.rows - 12) < 8
    assert told >= 4


def test_mvtecs_captures_have_nothing_wrong(shared, capsys):
    code, text = said(capsys, shared / "data/mvtec3d_sample/cable_gland", "--most", 2)
    assert code == 0, text
    assert "division" in text
