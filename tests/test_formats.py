"""Converting: which formats there are, what is a source for synthesize, what is refused, and how it works."""

import json
import sys
from functools import partial

import layouts
import numpy as np
import pytest
import trees
from conversions import LIBRARIES, converted, refused, seen

from crossmodal.cli import main
from crossmodal.datasets import Reading, load, sources
from crossmodal.formats import FORMATS, named
from crossmodal.formats import convert as work
from crossmodal.formats.sample import Dataset, Entry, Format, Place, Sample

# sources for synthesize


@pytest.mark.parametrize("builder", [layouts.eyecandies, layouts.bop, layouts.adam3d, layouts.realiad])
def test_good_captures_of_other_layouts_are_sources(tmp_path, builder):
    truths = builder(tmp_path / "part")
    found = sources(tmp_path / "part")
    good = next(source for source in found if source.kind == "good")
    own = truths.get(good.path) or truths[good.path.replace("GOOD", "good")]
    assert np.nanmax(np.abs(load(good).points - own.points)) < 1e-4


@pytest.mark.parametrize("name", ["eyecandies", "bop"])
def test_defects_are_made_in_other_layouts_captures(tmp_path, name):
    root = tmp_path / "in"
    if name == "bop":
        trees.write_category(tmp_path / "mvtec", 1, 0, 2)
        converted(tmp_path / "mvtec", "bop", root)
    else:
        layouts.eyecandies(root, grain=0.05)
    before = trees.digests(root)
    assert main(["synthesize", str(root), "--out", str(tmp_path / "out"), "--kinds", "stain", "--count", "1"]) == 0
    (line,) = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    assert json.loads(line)["source"]["path"] in {source.path for source in sources(root)}
    assert main(["check", str(tmp_path / "out"), "--source", str(root)]) == 0
    assert trees.digests(root) == before


@pytest.mark.parametrize(("builder", "way"), [
    (layouts.mvtec2d, "no measured point"), (layouts.yolo, "no measured point"), (layouts.mulsen, "no measured point")])
def test_what_has_no_points_for_its_pixels_is_no_source(tmp_path, capsys, builder, way):
    builder(tmp_path / "part")
    error = refused(capsys, "synthesize", tmp_path / "part", "--out", tmp_path / "out")
    assert way in error
    assert "crossmodal formats" in error


def test_shards_are_no_source_but_say_the_way(board, tmp_path, capsys):
    shards = converted(board[0], "webdataset", tmp_path / "shards")
    error = refused(capsys, "synthesize", shards, "--out", tmp_path / "out")
    assert f"crossmodal convert {shards} --to mvtec3d" in error


# what is refused


@pytest.mark.parametrize(("builder", "to", "word"), [
    (layouts.mvtec2d, "mvtec3d", "xyz"), (layouts.real3d, "coco", "rgb"), (layouts.yolo, "real3d-ad", "cloud"),
    (layouts.mvtec3d, "eyecandies", "lights"), (layouts.mvtec3d, "mulsen-ad", "infrared"),
    (layouts.mulsen, "bop", "xyz")])
def test_a_missing_content_is_named(tmp_path, capsys, builder, to, word):
    builder(tmp_path / "part")
    error = refused(capsys, "convert", tmp_path / "part", "--to", to, "--out", tmp_path / "out")
    assert f"needs {word} (" in error
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def test_a_mask_that_is_not_there_is_missed(board, tmp_path, capsys):
    layouts.mvtec3d(tmp_path / "part")
    (tmp_path / "part/test/hole/gt/000.png").unlink()
    error = refused(capsys, "convert", tmp_path / "part", "--to", "coco", "--out", tmp_path / "out")
    assert "needs gt" in error
    assert "test/hole/000" in error


def test_what_a_lens_bends_is_no_pinhole(tmp_path, capsys):
    layouts.mvtec3d(tmp_path / "part")
    path = tmp_path / "part" / "test" / "good" / "xyz" / "000.tiff"
    own = layouts.truth(3)
    bent = own.points * np.float32(1)
    radius2 = (bent[..., :1] ** 2 + bent[..., 1:2] ** 2) / bent[..., 2:] ** 2
    bent[..., :2] *= 1 - 0.8 * radius2
    layouts.xyz(path, bent)
    error = refused(capsys, "convert", tmp_path / "part", "--to", "bop", "--out", tmp_path / "out")
    assert "pinhole" in error
    assert not (tmp_path / "out").exists()


def test_an_id_that_nothing_names_is_refused(tmp_path, capsys):
    layouts.mvtec3d(tmp_path / "part")
    layouts.png(tmp_path / "part/test/combined/gt/000.png", np.full((layouts.HEIGHT, layouts.WIDTH), 7, np.uint8))
    (tmp_path / "part/class_ids.json").write_text('{"254": "dent", "253": "hole", "0": "good"}')
    assert "class id 255" in refused(capsys, "convert", tmp_path / "part", "--to", "coco", "--out", tmp_path / "out")


@pytest.mark.parametrize("where", ["inside", "over", "full", "file"])
def test_a_bad_out_is_refused_and_the_source_stays(tmp_path, capsys, where):
    root = tmp_path / "in" / "part"
    layouts.mvtec2d(root)
    out = {"inside": root / "out", "over": tmp_path / "in", "full": tmp_path / "full", "file": tmp_path / "file"}[where]
    layouts.text(tmp_path / "full" / "mine.txt", "mine")
    layouts.text(tmp_path / "file", "mine")
    before = trees.digests(tmp_path)
    assert str(out) in refused(capsys, "convert", root, "--to", "coco", "--out", out)
    assert trees.digests(tmp_path) == before


def test_an_empty_out_is_taken(board, tmp_path):
    (tmp_path / "out").mkdir()
    converted(board[0], "yolo", tmp_path / "out")
    assert (tmp_path / "out" / "data.yaml").is_file()


@pytest.mark.parametrize(("arguments", "says"), [
    (("--to", "pdf"), "format must be one of"), (("--to", "captures"), "can be read but not written"),
    (("--to", "coco", "--from", "bop"), "is no BOP"), (("--to", "coco", "--from", "rerun"), "can be written but not")])
def test_formats_are_named_rightly(board, tmp_path, capsys, arguments, says):
    assert says in refused(capsys, "convert", board[0], *arguments, "--out", tmp_path / "out")


def test_units_are_given_only_where_they_are_open(board, tmp_path, capsys):
    layouts.eyecandies(tmp_path / "candy")
    assert "says its own unit" in refused(
        capsys, "convert", tmp_path / "candy", "--to", "mvtec3d", "--unit", "mm", "--out", tmp_path / "out")
    mm = tmp_path / "mm"
    layouts.mvtec3d(mm)
    for path in mm.rglob("*.tiff"):
        layouts.xyz(path, 1000 * layouts.truth(0).points)
    assert "--unit mm" in refused(capsys, "convert", mm, "--to", "real3d-ad", "--out", tmp_path / "out")
    assert main(["convert", str(mm), "--to", "mvtec3d", "--unit", "mm", "--out", str(tmp_path / "out")]) == 0
    sample = seen(tmp_path / "out")[1].entries[0].read()
    assert np.allclose(sample.points, layouts.truth(0).points, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", ["huggingface", "rerun"])
def test_a_library_that_is_missing_is_asked_for_kindly(board, tmp_path, capsys, monkeypatch, name):
    monkeypatch.setitem(sys.modules, LIBRARIES[name], None)
    error = refused(capsys, "convert", board[0], "--to", name, "--out", tmp_path / "out")
    assert 'pip install "crossmodal-anomaly[export]"' in error
    assert not (tmp_path / "out").exists()


# how it works


def test_the_table_is_printed_for_people_and_for_machines(capsys):
    assert main(["formats"]) == 0
    text = capsys.readouterr().out
    assert len({one.name for one in FORMATS}) == len(FORMATS) == 16
    for one in FORMATS:
        assert one.name in text
    assert main(["formats", "--json"]) == 0
    rows = {row["format"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mvtec2d"]["lacks"]["mvtec3d"] == ["xyz"]
    assert "coco" not in rows["mvtec3d"]["lacks"]
    assert [name for name, row in rows.items() if "real copy" in row["checked"]] == ["mvtec3d"]


def test_every_format_has_a_file_of_its_own():
    assert len({one.listed.__module__ if one.listed else one.writer.__module__ for one in FORMATS}) == len(FORMATS)


def test_one_sample_is_in_memory_at_a_time(tmp_path):
    order = []

    def read(i):
        order.append(("read", i))
        return Sample(layouts.truth(i).rgb, gt=np.zeros((layouts.HEIGHT, layouts.WIDTH), np.uint8))

    entries = tuple(Entry(Place("", "train", "good", str(i)), str(i), frozenset({"rgb", "gt"}), partial(read, i))
                    for i in range(3))
    seen_by_writer = Format("toy", "toy", writer=lambda out, head: _Telling(order))
    work.convert(tmp_path / "in", tmp_path / "out", named("mvtec2d"), Dataset(entries, {"good": 0}), seen_by_writer)
    assert order == [(word, i) for i in range(3) for word in ("read", "put")]


class _Telling:
    def __init__(self, order):
        self.order = order

    def __enter__(self):
        return lambda place, sample: self.order.append(("put", int(place.name)))

    def __exit__(self, *error):
        return None


def test_an_interruption_leaves_nothing(board, tmp_path):
    one, dataset = work.detected(board[0], FORMATS, Reading())

    def stop(done, of):
        if done == 3:
            raise KeyboardInterrupt

    for name in ("coco", "webdataset", "mvtec3d"):
        with pytest.raises(KeyboardInterrupt):
            work.convert(board[0], tmp_path / "out", one, dataset, named(name), stop)
        assert [*tmp_path.iterdir()] == []
