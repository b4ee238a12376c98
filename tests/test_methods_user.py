"""What a user brings to a method: textures, a donor, a place, and methods of their own."""

import json
from pathlib import Path

import laws_agreement as agreement
import numpy as np
import pytest
import test_laws_replay as replaying
import truth
from method_files import library

import crossmodal as cm
from crossmodal import captures
from crossmodal.cli import main
from crossmodal.judge.judges import measures
from crossmodal.locate.region import Region
from crossmodal.methods.contents import Plain
from crossmodal.methods.effects import Deposit
from crossmodal.methods.gate import Gate
from crossmodal.methods.library import Library
from crossmodal.methods.making import begun
from crossmodal.methods.spec import Blocks
from crossmodal.methods.table import row_of
from crossmodal.methods.unbounded import Facing
from rgb import write_rgb


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
    _, elsewhere, _ = begun(capture, planned)
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


def test_methods_ask_for_a_picture_or_a_cloud():
    [planned] = cm.draw(captures.load("pot"), cm.method("draem"), 4).defects
    with pytest.raises(ValueError, match="picture"):
        cm.grown(captures.load("pot").surface, planned)


GOO = """\
name: real-goo
about: Goo in the shape of real defects, on the upper side, in plain sight.
blocks:
  along: least
  region: {kind: and, parts: [{kind: library, folder: FOLDER, length_mm: 12%}, {kind: facing, within_deg: 60}]}
  content: {kind: plain, colour: [60, 90, 50]}
  effect: {kind: deposit, height_mm: 2%}
  gate: {overlap: 0.7, contrast: 20}
"""


def test_ten_lines_of_yaml_and_of_python_are_one_method(tmp_path, capsys):
    library(tmp_path / "masks")
    path = tmp_path / "goo.yaml"
    path.write_text(GOO.replace("FOLDER", str(tmp_path / "masks")), encoding="utf-8")
    here = cm.Method(
        name="real-goo", about="Goo in the shape of real defects, on the upper side, in plain sight.",
        blocks=Blocks(along="least",
                      region=Library(folder=str(tmp_path / "masks"), length_mm="12%") & Facing(within_deg=60),
                      content=Plain(colour=(60, 90, 50)),
                      effect=Deposit(height_mm="2%"),
                      gate=Gate(overlap=0.7, contrast=20)))
    assert cm.method(path) == here == cm.Method.model_validate_json(here.model_dump_json())
    row = row_of(here, None)
    assert (row.rgb, row.depth, row.needs) == ("one colour", "matter on it", "capture; a folder of masks")
    source = Path(captures.__file__).parent
    assert main(["synthesize", str(source), "--out", str(tmp_path / "out"), "--methods", str(path), "--count", "2",
                 "--only-defects"]) == 0
    assert main(["replay", str(tmp_path / "out/manifest.jsonl"), "--source", str(source), "--out",
                 str(tmp_path / "again")]) == 0
    assert "2 with the bytes" in capsys.readouterr().out
