"""Published methods: every preset goes through the laws on arrival, like a kind of the catalogue.

Truth comes from a ray cast of the method's own field over a chart in closed form (tests/truth.py).
"""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import test_laws_agreement as agreement
import test_laws_motion as motion
import test_laws_replay as replaying
import test_laws_scale as scale_laws
import test_laws_truth as against_truth
import truth

import crossmodal as cm
from crossmodal import captures
from crossmodal.cli import main
from crossmodal.edit import measure
from crossmodal.guidance import captions as captions_of
from crossmodal.judge.judges import measures
from crossmodal.locate.region import Region
from crossmodal.methods.canvas import Canvas
from crossmodal.methods.labels import soft_label
from crossmodal.methods.making import _canvases
from crossmodal.methods.noise import perlin
from crossmodal.methods.presets import names
from crossmodal.methods.regions import area_of
from crossmodal.methods.table import rows, survey
from rgb import write_rgb

PUBLISHED = [name for name in names() if cm.method(name).as_published is not None]
LIFTED = [name for name in names() if cm.method(name).origin.kind in ("defect", "study")]
SEED = 3


def shown_by(sharing):
    """What a result of one sharing may change."""
    return {"both": ("rgb", "depth"), "rgb": ("rgb",), "geometry": ("depth", "rgb")}[sharing]


@lru_cache(maxsize=1)
def scene_of():
    return truth.ideal("plane", 30, 35, size=168)


@lru_cache(maxsize=64)
def made(name, on="ideal", seed=SEED):
    """(capture, result, edit) of a preset."""
    capture = scene_of().capture if on == "ideal" else captures.load(on)
    result = cm.synthesize(capture, cm.method(name), seed=seed)
    return capture, result, cm.grown(capture, result.plan.defects[0])


def one_way(planned):
    """"in" or "out" where a drawn method moves matter one way alone; None else."""
    effect, region = planned.blocks.effect, planned.blocks.region
    if effect.kind != "hills" or getattr(region, "signed", False) or planned.blocks.sharing == ("rgb",):
        return None
    return None if getattr(region, "form", "") in ("crater", "ripple", "freeform") else effect.direction


@pytest.mark.parametrize("name", names())
def test_laws_on_a_real_capture(name):
    """L3, L5, L6, L9 and L10 of every preset on a capture that ships; and it is seen where it says."""
    capture, result, edit = made(name, "pot", 4)
    agreement.check_L3(result)
    assert agreement.check_L5(result.before, result.after, result.masks)
    assert agreement.check_gt(result)
    replaying.check_L10(capture, result)
    replaying.check_identity(replaying.faded(capture, edit, 0))
    [planned] = result.plan.defects
    assert result.visibility[0].seen_in
    assert planned.kind == name
    if way := one_way(planned):
        agreement.check_L9(result, way)
    if planned.blocks.effect.kind == "none" or planned.blocks.sharing == ("rgb",):
        assert not result.masks.points.any()


@pytest.mark.parametrize("name", LIFTED)
def test_laws_with_truth_in_closed_form(name):
    """The ray cast of the field on a slanted plane: where it is, how deep; and rigid motion, and the cloud's labels."""
    scene = scene_of()
    capture, result, edit = made(name)
    [planned] = result.plan.defects
    blocks, field = planned.blocks, edit.field
    assert agreement.check_L5(result.before, result.after, result.masks)
    if blocks.effect.kind == "remove":
        gone = np.isnan(result.displacement_mm)
        assert 0 < len(agreement.through_cloud(capture, edit)[0]) <= capture.valid.sum() - 0.7 * gone.sum()
        return
    assert motion.check_L8(motion.unlabelled(capture), edit, truth.rotation((1, 2, 0.5), 77, (0.1, -0.2, 0.3)))
    if blocks.content.kind == "slide":
        assert not result.masks.depth.any(), "a plane slid along itself is the same plane"
        return
    assert agreement.check_L4(result, *agreement.through_cloud(capture, edit))
    seen = scene.seen(planned, field)
    # Between two hills that nearly meet, the outline's closing takes a pixel or two.
    assert (result.gt & ~truth.grown_by(seen.support, 2)).sum() <= 3, "gt holds what the field does not touch"
    off = np.abs(result.after.depth.astype(np.float64) - seen.z) * 1e3
    calm = seen.support & ~truth.grown_by(~seen.support, 2) & ~against_truth.silhouettes(result, seen)
    if calm.any() and field.displacement_mm.any():
        allowed = max(0.02 * max(field.deepest_mm, field.highest_mm), truth.sampling_deficit_mm(field, 0.35))
        assert np.median(off[calm]) < allowed + 1e-3


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


def first_that_is_not_empty(capture, method):
    for seed in range(1, 20):
        try:
            return cm.synthesize(capture, method, seed=seed)
        except ValueError as error:
            if "no noise" not in str(error):
                raise
    raise AssertionError(f"{method.name} is empty 19 times in a row")


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_form_replays_and_keeps_to_its_mask(name):
    capture = captures.load("pot")
    result = first_that_is_not_empty(capture, cm.method(name, as_published=True))
    assert agreement.check_L5(result.before, result.after, result.masks)
    replaying.check_L10(capture, result)
    [planned] = result.plan.defects
    assert planned.pixel is not None
    if planned.blocks.effect.kind == "none":
        assert result.after.points.tobytes() == capture.points.tobytes()
    with pytest.raises(ValueError, match="cannot be moved"):
        result.plan.moved(np.eye(4))


def test_sharing_says_which_modality_changes():
    capture = captures.load("pot")
    draem = cm.method("draem")
    seen = {}
    for sharing in ("both", "rgb", "geometry"):
        blocks = draem.blocks.model_copy(update={"sharing": (sharing,)})
        seen[sharing] = cm.synthesize(capture, draem.model_copy(update={"blocks": blocks}), seed=4)
        assert bool(seen[sharing].masks.depth.any()) == ("depth" in shown_by(sharing))
    both, rgb, geometry = (seen[sharing] for sharing in ("both", "rgb", "geometry"))
    assert both.after.points.tobytes() == geometry.after.points.tobytes(), "one draw, one shape"
    assert rgb.after.points.tobytes() == capture.points.tobytes()
    assert geometry.after.rgb.tobytes() != both.after.rgb.tobytes()


def test_a_plan_moves_rigidly_with_the_place_that_it_was_cut_from():
    _, result, _ = made("cutpaste")
    T = truth.rotation((0, 1, 0), 20, (0.01, 0, 0.02))
    [before], [after] = result.plan.defects, result.plan.moved(T).defects
    for name in ("anchor_m", "elsewhere_m"):
        want = T[:3, :3] @ np.array(getattr(before, name)) + T[:3, 3]
        assert np.allclose(getattr(after, name), want)
    assert np.allclose(after.elsewhere_heading, T[:3, :3] @ np.array(before.elsewhere_heading))


def test_what_is_pasted_is_what_was_cut():
    """The colours of a CutPaste on an even plane are those of the place it came from, relief and all: nothing."""
    _, result, _ = made("cutpaste")
    assert not result.masks.depth.any(), "one piece of a plane is as flat as another"
    assert result.masks.rgb.any()


@pytest.mark.parametrize(("name", "said", "unsaid"), [
    ("draem", "A draem defect of a foreign texture and relief, ", "another place"),
    ("cutpaste", "A cutpaste defect of matter from another place and its relief, ", "texture"),
    ("af3ad-dent", "An af3ad-dent defect of relief, ", "high"),
    ("cutout", "A cutout defect of a plain colour", "deep")])
def test_a_caption_tells_the_method_what_it_changes_its_size_and_its_place(name, said, unsaid):
    _, result, _ = made(name, "pot", 4)
    [caption] = captions_of(result)
    assert caption.startswith(said), caption
    assert unsaid not in caption
    size = result.measured[0]
    for got, word in ((size.length_mm, "long"), (size.max_depth_mm, "deep"), (size.max_height_mm, "high")):
        assert (got > 0.005) == (f"mm {word}" in caption), caption
        if got > 0.005:
            assert float(caption.split(f" mm {word}")[0].split()[-1]) == pytest.approx(got, abs=0.051)
    for sharing, part in (("rgb", "relief"), ("geometry", "texture")):
        blocks = result.plan.defects[0].blocks.model_copy(update={"sharing": (sharing,)})
        told = replace(result, plan=result.plan.model_copy(update={"defects": (
            result.plan.defects[0].model_copy(update={"blocks": blocks}),)}))
        assert part not in captions_of(told)[0]


def test_several_defects_of_methods_and_of_the_catalogue_are_summed_up():
    capture = captures.load("pot")
    asked = ((cm.method("cutout"), 1), (cm.Recipe(defects=(cm.Dent(),)), 9))
    plans = [cm.draw(capture, what, seed) for what, seed in asked]
    both = plans[0].model_copy(update={"defects": tuple(plan.defects[0] for plan in plans)})
    first, *rest = captions_of(cm.replay(capture, both))
    assert first == "A cutout defect and a dent."
    assert len(rest) == 2


def test_soft_labels_grow_with_the_change():
    _, result, _ = made("nsa", "pot", 4)
    label = soft_label(result)
    assert label.dtype == np.float32
    assert not label[~result.gt].any()
    change = np.abs(result.after.rgb.astype(int) - result.before.rgb).mean(-1)
    plain, faint = result.gt & (change > 30), result.gt & (change < 3) & ~result.masks.depth
    assert not plain.any() or not faint.any() or label[plain].mean() > label[faint].mean()


def test_the_table_has_all_47_rows_and_says_what_does_not_run():
    assert [entry["n"] for entry in survey() if entry["n"]] == list(range(1, 48))
    there = rows()
    assert {row.n for row in there if row.n} == set(range(1, 48))
    features = {name for entry in survey() for name in entry.get("features", ())}
    assert {row.method for row in there} - {"-"} - features == set(names())
    for entry in survey():
        assert set(entry.get("presets", ())) <= set(names()), entry["title"]
        assert bool(entry.get("presets") or entry.get("features")) != bool(entry.get("status")), entry["title"]
    for row in there:
        assert (row.method == "-") == (not row.status.startswith("runs"))
        assert row.source or row.method == "-"


def test_the_rows_of_feature_space_name_what_is_there():
    pytest.importorskip("torch")
    from crossmodal.methods.feature import FEATURE_METHODS

    assert {name for entry in survey() for name in entry.get("features", ())} <= set(FEATURE_METHODS)


@pytest.mark.parametrize("name", names())
def test_a_preset_says_where_it_comes_from(name):
    method = cm.method(name)
    assert method.name == name
    assert method.about.endswith(".")
    assert method.origin.title
    assert method.origin.source
    assert method.origin.year
    assert cm.Method.model_validate_json(method.model_dump_json()) == method


def test_every_step_is_drawn_within_what_was_asked():
    capture = captures.load("pot")
    object_mm = capture.surface.object_mm
    for seed in range(6):
        [planned] = cm.draw(capture, cm.method("cutpaste-scar"), seed).defects
        region = planned.blocks.region
        assert region.length_mm[0] == region.length_mm[1]
        assert 0.10 * object_mm <= region.length_mm[0] <= 0.25 * object_mm
        assert 0.02 * object_mm <= region.width_mm[0] <= 0.06 * object_mm


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
    canvas = Canvas.photographed(capture, False)
    published = cm.method("draem", as_published=True).blocks.region
    scale, empty = cm.synthesis.scale_of(capture, cm.Place()), 0
    for seed in range(200):
        region = published.drawn(np.random.default_rng(seed), scale)
        noise = perlin(canvas.shape, region.cells, region.turn_deg[0], 7 * seed)
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
    """Zero at the border, highest where the noise is: no wall about a blob, as EasyNet's have."""
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


def test_scars_are_as_long_on_a_finer_picture():
    """Published ones are 10 to 25 pixels long whatever the resolution, and vanish on a large picture."""
    scene = scene_of()
    fine, coarse = scene.capture, scale_laws.half_scene(scene).capture
    sizes = [cm.draw(capture, cm.method("cutpaste-scar"), 2).defects[0].blocks.region.length_mm[0]
             for capture in (fine, coarse)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.03)


@pytest.mark.parametrize(("name", "length", "width"), [
    ("cutout", "length_mm", "width_mm"), ("cutpaste-scar", "length_mm", "width_mm"),
    ("af3ad-trench", "length_mm", None)])
def test_what_was_drawn_in_mm_is_found_on_the_field(name, length, width):
    """L14, to 1 % and the cell that a border is known to; a scar's longest span is its diagonal."""
    _, result, edit = made(name)
    region, found = result.plan.defects[0].blocks.region, measure(edit.field)
    sizes = [getattr(region, side)[0] for side in (length, width) if side]
    want = np.hypot(*sizes) if name == "cutpaste-scar" else sizes[0]
    assert found.length_mm == pytest.approx(want, rel=0.01, abs=1.5 * edit.field.step_mm)
    if width:
        assert found.width_mm == pytest.approx(sizes[1], rel=0.01, abs=1.5 * edit.field.step_mm)


def test_a_wide_box_is_wide():
    """(w, h) and (h, w) are not mixed: a box five times as long as wide lies across the picture."""
    capture = captures.load("cans")
    method = cm.Method.model_validate({"name": "wide", "blocks": {
        "space": "pixels", "on_object": False, "orientation_deg": 0, "content": {"kind": "plain"},
        "region": {"kind": "rectangle", "area_percent": 3, "aspect": 5}}})
    rows_, columns = np.nonzero(cm.synthesize(capture, method, seed=1).masks.rgb)
    assert np.ptp(columns) > 3 * np.ptp(rows_)


def test_a_grid_need_not_divide_the_picture():
    capture = captures.load("boxes")
    assert capture.shape[0] % 8 or capture.shape[1] % 8
    for seed in range(3):
        assert cm.synthesize(capture, cm.method("memseg-structural"), seed=seed).gt.any()


def test_textures_come_from_the_bank_that_was_planned(tmp_path):
    for i in range(2):
        write_rgb(tmp_path / f"{i}.png", np.full((40, 60, 3), 60 + 120 * i, np.uint8))
    capture, draem = captures.load("pot"), cm.method("draem")
    content = draem.blocks.content.model_copy(update={"bank": str(tmp_path), "augment": 0})
    method = draem.model_copy(update={"blocks": draem.blocks.model_copy(update={"content": content})})
    result = cm.synthesize(capture, method, seed=4)
    [planned] = result.plan.defects
    assert planned.texture.name in ("0.png", "1.png")
    replaying.check_L10(capture, result)
    write_rgb(tmp_path / planned.texture.name, np.zeros((40, 60, 3), np.uint8))
    with pytest.raises(ValueError, match="sha256 differs"):
        cm.replay(capture, result.plan)


def test_matter_of_a_donor_comes_from_the_capture_that_was_planned(tmp_path):
    capture, cutpaste = captures.load("pot"), cm.method("cutpaste")
    source = Path(captures.__file__).parent / "boxes.pcd"
    own, lent = tmp_path / "boxes.pcd", cm.read_capture(source)
    own.write_bytes(source.read_bytes())
    content = cutpaste.blocks.content.model_copy(update={"donor": str(tmp_path), "jitter": (0.0, 0.0)})
    method = cutpaste.model_copy(update={"blocks": cutpaste.blocks.model_copy(update={"content": content})})
    result = cm.synthesize(capture, method, seed=4)
    [planned] = result.plan.defects
    replaying.check_L10(capture, result)
    assert agreement.check_L5(result.before, result.after, result.masks)
    column, row = np.rint(lent.camera.project(np.array(planned.elsewhere_m))).astype(int)
    assert np.linalg.norm(lent.points[row, column] - planned.elsewhere_m) < 0.01, "in the donor's own frame"
    _, elsewhere = _canvases(capture, planned)
    assert elsewhere.capture.rgb.tobytes() == lent.rgb.tobytes()
    cover = cm.grown(capture, planned).field.cover
    colours = cover[..., :3][cover[..., 3] == 1]
    assert np.isin(colours.view("V12").ravel(), elsewhere.colours.view("V12").ravel()).all(), "the donor's, no others"
    moved = planned.moved(truth.rotation((0, 1, 0), 20))
    assert moved.elsewhere_m == planned.elsewhere_m
    assert moved.anchor_m != planned.anchor_m
    own.write_bytes(own.read_bytes()[:-16] + bytes(16))
    with pytest.raises(ValueError, match="sha256 differs"):
        cm.replay(capture, result.plan)
    published = cm.method("cutpaste", as_published=True)
    blocks = published.blocks.model_copy(update={"content": content})
    with pytest.raises(ValueError, match="leave --as-published out"):
        cm.synthesize(capture, published.model_copy(update={"blocks": blocks}), seed=4)


OWN = """\
name: rubbed-in-grit
about: Grit rubbed into a patch.
blocks:
  region: {kind: without, parts: [{kind: ellipse}, {kind: clump, diameter_mm: 10%}]}
  content: {kind: speckle, level: [20, 60]}
  blend: {kind: alpha, opacity: [0.6, 0.9]}
  effect: {kind: roughen}
"""


def test_a_method_of_ones_own_in_yaml_works_like_a_built_in(tmp_path, capsys):
    path = tmp_path / "grit.yaml"
    path.write_text(OWN, encoding="utf-8")
    result = cm.synthesize(captures.load("pot"), cm.method(path), seed=2)
    assert result.plan.defects[0].kind == "rubbed-in-grit"
    replaying.check_L10(result.before, result)
    source = Path(captures.__file__).parent
    assert main(["synthesize", str(source), "--out", str(tmp_path / "out"), "--methods", f"{path},cutout", "--count",
                 "2", "--only-defects"]) == 0
    manifest = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    assert {entry["kind"] for entry in manifest} == {"cutout", "rubbed-in-grit"}
    assert main(["replay", str(tmp_path / "out/manifest.jsonl"), "--source", str(source), "--out",
                 str(tmp_path / "again")]) == 0
    assert "2 with the bytes" in capsys.readouterr().out


@pytest.mark.parametrize(("spoilt", "said"), [
    ("name: good\nblocks: {region: {kind: ellipse}}", "name"), ("blocks: {}", "name"), ("[1]", "no method"),
    ("name: x\nblocks: {region: {kind: star}}", "region"),
    ("name: x\nblocks: {region: {kind: scar, length_mm: -1}}", "scar"),
    ("name: x\nblocks: {region: {kind: ellipse}, colour: 1}", "colour")])
def test_what_is_no_method_is_refused_in_one_line(tmp_path, spoilt, said):
    path = tmp_path / "x.yaml"
    path.write_text(spoilt, encoding="utf-8")
    with pytest.raises(ValueError, match=said) as refused:
        cm.method(path)
    assert "\n" not in str(refused.value)


def test_the_command_lists_all_and_json_is_one_value(capsys):
    assert main(["methods", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {row["n"] for row in listed if row["n"]} == set(range(1, 48))
    assert main(["methods"]) == 0
    assert "needs generator" in capsys.readouterr().out
    assert main(["synthesize", "nowhere", "--out", "x", "--methods", "dream"]) == 2
    assert "method must be one of" in capsys.readouterr().err


def test_a_method_lies_where_a_region_was_found_and_not_by_measures_of_none():
    capture = captures.load("pot")
    weight = np.zeros(capture.shape, np.uint8)
    weight[60:100, 40:90] = 1
    kept = Region(weight).on(cm.method("cutpaste"))
    for seed in range(4):
        [planned] = cm.draw(capture, kept, seed).defects
        column, row = capture.camera.project(np.array(planned.anchor_m))
        assert 39 <= column <= 91
        assert 59 <= row <= 101
    with pytest.raises(ValueError, match="no sizes"):
        measures(kept)


def test_methods_ask_for_a_picture():
    cloud, _ = captures.load("pot").cloud()
    with pytest.raises(ValueError, match="picture"):
        cm.synthesize(cloud, cm.method("draem"))
    [planned] = cm.draw(captures.load("pot"), cm.method("draem"), 4).defects
    with pytest.raises(ValueError, match="picture"):
        cm.grown(captures.load("pot").surface, planned)
