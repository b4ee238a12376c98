"""Masks of real defects as regions: laid in mm, planned by their hash, refused where there are none."""

import json

import laws_agreement as agreement
import numpy as np
import pytest
import test_laws_replay as replaying
import toys
from block_runs import made, method
from method_files import library

import crossmodal as cm
from crossmodal import captures
from rgb import write_mask, write_rgb


def check_is_the_mask(edit, marked, planned):
    """The field's support is the mask, mirrored as the plan says, laid in mm: all but its border."""
    field, mask = edit.field, planned.blocks.region.mask
    down, across = mask.sides_mm
    rows, columns = np.nonzero(marked)
    box = marked[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
    box = box[:, ::-1] if mask.flipped else box
    # A cell of half a pixel of the mask, at the middles of those: away from any border.
    t, s = ((np.arange(n) + 0.5) / n - 0.5 for n in box.shape)
    s, t = np.meshgrid(s * across, t * down)
    got = field.sample(s.ravel(), t.ravel()).support.reshape(box.shape)
    assert (got == box).mean() > 0.97


@pytest.mark.parametrize("space", ["surface", "pixels"])
def test_a_mask_of_the_library_is_laid_in_mm_and_replays(tmp_path, space):
    marked = library(tmp_path / "masks")
    capture = captures.load("pot")
    asked = method(space=space, region={"kind": "library", "folder": str(tmp_path / "masks"), "length_mm": 24},
                   content={"kind": "plain", "colour": (150, 30, 30)})
    seen = set()
    for seed in range(6):
        result = cm.synthesize(capture, asked, seed=seed)
        [planned] = result.plan.defects
        mask = planned.blocks.region.mask
        assert mask.name != "good.png"
        assert max(mask.sides_mm) == pytest.approx(24)
        assert 0.85 <= mask.sides_mm[0] / mask.sides_mm[1] * 50 / 20 <= 1.15
        seen.add((mask.name, mask.flipped))
    assert {flipped for _, flipped in seen} == {True, False}
    assert len({name for name, _ in seen}) > 1
    assert agreement.check_L5(result.before, result.after, result.masks)
    replaying.check_L10(capture, result)
    assert cm.draw(capture, asked, 5) == result.plan
    if space == "surface":
        on_plane, edit = made(toys.plane(size=128), asked, seed=2)
        [there] = on_plane.plan.defects
        check_is_the_mask(edit, marked, there)
        with pytest.raises(AssertionError):
            check_is_the_mask(edit, marked[:, ::-1], there)
    undrawn = json.loads(result.plan.model_dump_json())
    undrawn["defects"][0]["blocks"]["region"]["mask"] = None
    with pytest.raises(ValueError, match="mask"):
        cm.Plan.model_validate(undrawn)
    write_mask(tmp_path / "masks" / mask.name, np.eye(60, dtype=np.uint8))
    with pytest.raises(ValueError, match="sha256 differs"):
        cm.replay(capture, result.plan)


def test_a_mask_and_a_texture_are_planned_each_by_its_own_hash(tmp_path):
    library(tmp_path / "masks")
    (tmp_path / "bank").mkdir()
    write_rgb(tmp_path / "bank/a.png", np.full((40, 60, 3), (90, 160, 40), np.uint8))
    two = {"kind": "library", "folder": str(tmp_path / "masks"), "length_mm": "10%"}
    asked = method(region={"kind": "or", "parts": [two, {**two, "length_mm": "15%"}]},
                   content={"kind": "texture", "bank": str(tmp_path / "bank"), "augment": 0})
    capture = captures.load("pot")
    result = cm.synthesize(capture, asked, seed=3)
    [planned] = result.plan.defects
    assert planned.texture.name == "a.png"
    first, second = (part.mask for part in planned.blocks.region.parts)
    assert first.sides_mm != second.sides_mm
    assert planned.blocks.region.parts[0].resized(2).box_mm() == tuple(2 * side for side in first.sides_mm)
    replaying.check_L10(capture, result)


@pytest.mark.parametrize(("files", "said"), [
    ({}, "holds no masks"), ({"a.png": np.zeros((9, 9), np.uint8)}, "1 masks and all are empty"),
    ({"a.png": np.ones((9, 9), np.uint8)}, "marks all of its picture"),
    ({"a.png": np.dstack([np.eye(9, dtype=np.uint8) * k for k in (10, 20, 30)])}, "is a colour picture")])
def test_what_is_no_library_is_refused_in_one_line(tmp_path, files, said):
    for name, pixels in files.items():
        (write_mask if pixels.ndim == 2 else write_rgb)(tmp_path / name, pixels)
    asked = method(region={"kind": "library", "folder": str(tmp_path)})
    with pytest.raises(ValueError, match=said) as refused:
        cm.draw(captures.load("pot"), asked, 1)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_of_a_tree_its_ground_truths_are_the_library(tmp_path):
    library(tmp_path / "ground_truth/cut")
    write_rgb(tmp_path / "picture.png", np.zeros((9, 9, 3), np.uint8))
    [planned] = cm.draw(captures.load("pot"), method(region={"kind": "library", "folder": str(tmp_path)}), 1).defects
    assert planned.blocks.region.mask.name.startswith("ground_truth/cut/")
