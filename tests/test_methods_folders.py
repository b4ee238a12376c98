"""Folders that the user gives to methods: what comes, goes or is written anew is seen in the same process."""

import json

import numpy as np
import pytest
import toys

from crossmodal.formats.mvtec3d import written
from crossmodal.formats.sample import Head, Place, Sample
from crossmodal.methods import crops, folders, library, textures
from rgb import write_mask, write_rgb


def marked(row):
    out = np.zeros((32, 32), np.uint8)
    out[row:row + 6, 4:16] = 255
    return out


@pytest.fixture
def bank(tmp_path):
    (tmp_path / "deep/er").mkdir(parents=True)
    for path in ("a.png", "deep/b.png", "deep/er/c.png"):
        write_mask(tmp_path / path, marked(2))
    return tmp_path


def names_are_kept(listed, folder):
    """What is said of a folder in which files come, go and change their names; True where that is what lies there."""
    true = listed(str(folder)) == ("a.png", "deep/b.png", "deep/er/c.png")
    write_mask(folder / "deep/er/d.png", marked(9))
    true &= listed(str(folder))[-1] == "deep/er/d.png"
    (folder / "deep/b.png").unlink()
    true &= listed(str(folder)) == ("a.png", "deep/er/c.png", "deep/er/d.png")
    (folder / "deep/er/d.png").rename(folder / "deep/er/e.png")
    true &= listed(str(folder))[-1] == "deep/er/e.png"
    (folder / "new").mkdir()
    write_mask(folder / "new/f.png", marked(9))
    return true and listed(str(folder))[-1] == "new/f.png"


@pytest.mark.parametrize("of", [library, textures])
def test_what_comes_and_goes_below_a_folder_is_seen(bank, of):
    assert names_are_kept(of.listed, bank)


@pytest.mark.parametrize("of", [library, textures])
def test_a_listing_by_the_folders_name_alone_is_caught(bank, of, monkeypatch):
    monkeypatch.setattr(of, "of_names", lambda folder: ("always the same", folder))
    assert not names_are_kept(of.listed, bank)


def test_a_folder_that_stays_as_it_is_is_listed_once(bank):
    assert library.listed(str(bank)) is library.listed(str(bank))
    assert folders.of_files(bank) == folders.of_files(bank)
    (bank / "away.png").symlink_to("nowhere.png")
    assert folders.of_files(bank / "a.png") != folders.of_files(bank), "a file alone has one, too"


def tree(out):
    """An MVTec 3D-AD tree with one defect."""
    capture = toys.plane(size=32)
    with written(out, Head({"good": 0, "bump": 255}, ("part",), ("bump", "good"),
                           frozenset({"rgb", "xyz", "gt"}))) as put:
        for kind, gt in (("good", None), ("bump", marked(2))):
            put(Place("part", "test", kind, "000"), Sample(capture.rgb, capture.points, capture.camera, gt))
    return out


def plain(out):
    """A plain capture with a mask beside it."""
    capture = toys.plane(size=32)
    out.mkdir()
    write_rgb(out / "000.png", capture.rgb)
    np.save(out / "000_depth.npy", capture.depth)
    camera = {name: getattr(capture.camera, name) for name in ("fx", "fy", "cx", "cy")}
    (out / "intrinsics.json").write_text(json.dumps(camera | {"width": 32, "height": 32}))
    write_mask(out / "000_mask.png", marked(2))
    return out


def mask_is_kept(folder, path, elsewhere):
    """Whether a mask that was written anew is cut out as it now is, and is no longer the one that was planned."""
    planned, before = crops.picked_of(str(folder), (), np.random.default_rng(0))
    write_mask(elsewhere, marked(20))
    path.write_bytes(elsewhere.read_bytes())  # in its place: no name in the folder changes
    again, after = crops.picked_of(str(folder), (), np.random.default_rng(0))
    try:
        crops.cut_at(str(folder), planned, before.pixel)
    except ValueError as error:
        return "sha256 differs" in str(error) and again.name == planned.name and (
            after.marks == (marked(20) > 0)).all() and (before.marks == (marked(2) > 0)).all()
    return False


@pytest.mark.parametrize(("make", "mask"), [(tree, "test/bump/gt/000.png"), (plain, "000_mask.png")])
def test_a_mask_that_is_written_anew_is_seen(make, mask, tmp_path, monkeypatch):
    folder = make(tmp_path / "part")
    assert mask_is_kept(folder, folder / mask, tmp_path / "new.png")
    folder = make(tmp_path / "again")
    monkeypatch.setattr(crops, "of_files", folders.of_names)
    assert not mask_is_kept(folder, folder / mask, tmp_path / "new.png"), "a stamp of names alone is caught"


def test_a_capture_that_is_added_is_seen(tmp_path):
    folder = plain(tmp_path / "part")
    assert len(crops.listed(str(folder))) == 1
    for name in ("000.png", "000_depth.npy", "000_mask.png"):
        (folder / name.replace("000", "001")).write_bytes((folder / name).read_bytes())
    assert [one.source.path for one in crops.listed(str(folder))] == ["000", "001"]
