"""Faults found in published code (DRAEM, EasyNet, CutPaste, MemSeg, AF3AD, PO3AD): none of them is ours."""

from functools import partial

import laws_agreement as agreement
import laws_scale as scale_laws
import numpy as np
import pytest
import truth
from method_runs import made, scene_of

import crossmodal as cm
from crossmodal import captures
from crossmodal.camera import Camera
from crossmodal.methods.contents import GridShuffle, laid
from crossmodal.methods.noise import framed, perlin
from crossmodal.methods.picture import Photograph
from crossmodal.methods.regions import Area, Rectangle, Scar, area_of


def test_a_field_that_moves_along_absolute_normals_is_caught():
    """PO3AD and AF3AD's published code push along |n| (methods.md §7): on a slope that goes the wrong way."""
    capture, result, edit = made("af3ad-bulge")
    agreement.check_L9(result, "out")
    normals = capture.normals[result.gt]
    wrong = np.abs(normals)
    assert (np.einsum("ij,ij->i", normals, wrong) < 0.5).mean() > 0.9, "the plane leans where |n| would be right"
    there = edit(capture.points[result.gt].astype(np.float64), normals)
    pushed = result.before.points.copy()
    pushed[result.gt] += np.float32(1e-3) * there.displacement_mm[:, None] * wrong
    with pytest.raises(AssertionError):
        agreement.check_L9(agreement.doctored(result, points=pushed), "out")


@pytest.mark.parametrize("seed", range(8))
def test_a_bulge_stands_out_and_a_dent_goes_in_on_every_side_of_a_ball(seed):
    """AF3AD's frames point either way, so that half its bulges are void (peers.md 3.1); ours never do."""
    ball = truth.ideal("sphere", size=144).capture
    for name, way in (("af3ad-bulge", "out"), ("af3ad-dent", "in"), ("af3ad-ridge", "out"), ("af3ad-trench", "in")):
        result = cm.synthesize(ball, cm.method(name), seed=seed)
        assert agreement.check_L9(result, way), name
        [planned] = result.plan.defects
        height, field = planned.blocks.effect.height_mm[0], cm.grown(ball, planned).field
        assert max(field.deepest_mm, field.highest_mm) == pytest.approx(height, rel=1e-5)
        d = result.displacement_mm[np.isfinite(result.displacement_mm)]
        assert np.abs(d).max() == pytest.approx(height, rel=0.1)  # no pixel need stand on the top


@pytest.mark.parametrize("cells", [(1, 1), (3, 32), (7, 5)])
def test_noise_takes_any_size_and_any_lattice(cells):
    """DRAEM's and GLASS's raise where a side is no multiple of the lattice (methods.md §7)."""
    for shape in ((300, 211), (97, 101), (64, 64)):
        noise = perlin(shape, cells, 33.0, 5)
        assert noise.shape == shape
        assert noise.dtype == np.float32
        assert 0.05 < np.abs(noise).max() <= 1.01
    assert perlin((64, 64), cells, 33.0, 5).tobytes() == perlin((64, 64), cells, 33.0, 5).tobytes()


def test_published_noise_is_sometimes_empty_and_never_silently_good():
    """At threshold 0.5 a published draw may be empty, one in twenty by its own code, and DRAEM calls it normal."""
    capture = captures.load("pot")
    canvas = Photograph.of(capture, False)
    published = cm.method("draem", as_published=True).blocks.region
    scale, empty = cm.synthesis.scale_of(capture, cm.Place()), 0
    for seed in range(200):
        region = published.drawn(np.random.default_rng(seed), scale)
        noise = framed(canvas.shape, region.cells, region.turn_deg[0], 7 * seed)
        if noise.max() > 0.5:
            assert area_of(region, canvas, (0, 0), 7 * seed).inside.any()
            continue
        empty += 1
        with pytest.raises(ValueError, match="as in the published method"):
            area_of(region, canvas, (0, 0), 7 * seed)
        sure = region.model_copy(update={"nonempty": True, "cells": (4, 4)})
        assert area_of(sure, canvas, (0, 0), 7 * seed).inside.any()
    assert 0 < empty < 0.12 * 200


def test_hills_are_of_the_same_noise_as_the_mask():
    """Zero at the border, highest where the noise is: no wall about a blob, as EasyNet's have (planted in faults)."""
    capture = captures.load("pot")
    [planned] = cm.draw(capture, cm.method("draem"), 4).defects
    field = cm.grown(capture, planned).field
    d, inside = np.abs(field.displacement_mm), field.cover[..., 3] > 0
    assert ((d > 0) == inside).mean() > 0.999
    rim = inside & ~truth.grown_by(~inside, 1)
    rim = inside & ~rim
    assert np.median(d[rim]) < 0.25 * d.max()


def test_depth_keeps_its_precision():
    """EasyNet and BridgeNet pass depth through eight bits, 17 levels on an object (peers.md 2.1)."""
    _, result, _ = made("draem")
    moved = result.masks.depth & result.gt
    assert len(np.unique((result.after.depth - result.before.depth)[moved])) > 0.8 * moved.sum() > 17


def check_scars_are_as_long():
    scene = scene_of()
    fine, coarse = scene.capture, scale_laws.half_scene(scene).capture
    sizes = [cm.draw(capture, cm.method("cutpaste-scar"), 2).defects[0].blocks.region.length_mm[0]
             for capture in (fine, coarse)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.03), "a finer picture has other scars"


def test_scars_are_as_long_on_a_finer_picture(monkeypatch):
    """Published ones are 10 to 25 pixels long whatever the resolution, and vanish on a large picture."""
    check_scars_are_as_long()

    def in_pixels(self, rng, scale):
        length, width = (scale.pixel_mm * float(rng.uniform(*px)) for px in ((10, 25), (2, 16)))
        return self.model_copy(update={"length_mm": (length, length), "width_mm": (width, width)})

    monkeypatch.setattr(Scar, "drawn", in_pixels)
    with pytest.raises(AssertionError, match="other scars"):
        check_scars_are_as_long()


def check_lies_across():
    method = cm.Method.model_validate({"name": "wide", "blocks": {
        "space": "pixels", "on_object": False, "orientation_deg": 0, "content": {"kind": "plain"},
        "region": {"kind": "rectangle", "area_percent": 3, "aspect": 5}}})
    rows, columns = np.nonzero(cm.synthesize(captures.load("cans"), method, seed=1).masks.rgb)
    assert np.ptp(columns) > 3 * np.ptp(rows), "it does not lie across"


def test_a_wide_box_is_wide(monkeypatch):
    """CutPaste (unofficial) mixes (w, h) and (h, w): a box five times as long as wide lies across the picture."""
    check_lies_across()
    monkeypatch.setattr(Rectangle, "box_mm", lambda self: self.sides_mm[::-1])
    with pytest.raises(AssertionError, match="lie across"):
        check_lies_across()


def check_cells_change_places(shuffled, shape=(97, 101), grid=8):
    """A picture that tells where its colours came from, shuffled: each cell of an even grid over all of it is filled
    from one other, and each fills one."""
    own = np.indices(shape).astype(np.uint8)
    picture = np.stack((*own, np.zeros(shape, np.uint8)), -1)
    try:
        came = np.moveaxis(shuffled(picture), -1, 0)[:2].astype(int)
    except ValueError as error:
        raise AssertionError(f"a grid that does not divide the picture is refused: {error}") from error
    there, here = (at[0] * grid // shape[0] * grid + at[1] * grid // shape[1] for at in (came, own.astype(int)))
    count = np.zeros((grid**2, grid**2), int)
    np.add.at(count, (here, there), 1)
    assert (count.max(1) > 0.8 * count.sum(1)).all(), "a cell is filled from several"
    assert len(set(count.argmax(1))) == grid**2, "two cells are filled from one"


def by_canvas(picture):
    """Our own grid, over all of a photograph."""
    height, width, _ = picture.shape
    capture = cm.Capture.from_depth(picture, np.full((height, width), 0.3, np.float32),
                                    Camera(width, height, 1200.0, 1200.0, width / 2, height / 2))
    whole = np.ones((height, width), bool)
    canvas = Photograph.of(capture, False)
    content = laid(GridShuffle(grid=(8, 8)), canvas, Area(whole, whole.astype(np.float32)), None, None, 5)
    return canvas.as_srgb(content.colours)


def by_reshaping(picture, cut=False):
    """MemSeg's own: the picture as an array of cells, all of a size; what is left over at its ends is cut off."""
    height, width, _ = picture.shape
    down, across = height // 8, width // 8
    cells = (picture[:8 * down, :8 * across] if cut else picture).reshape(8, down, 8, across, 3).swapaxes(1, 2)
    mixed = cells.reshape(64, down, across, 3)[np.random.default_rng(0).permutation(64)]
    out = picture.copy()
    out[:8 * down, :8 * across] = mixed.reshape(8, 8, down, across, 3).swapaxes(1, 2).reshape(8 * down, 8 * across, 3)
    return out


def test_a_grid_need_not_divide_the_picture():
    check_cells_change_places(by_canvas)
    check_cells_change_places(by_reshaping, (96, 104))
    for wrong, said in ((by_reshaping, "is refused"), (partial(by_reshaping, cut=True), "from several")):
        with pytest.raises(AssertionError, match=said):
            check_cells_change_places(wrong)
