"""What is no method, plan or bank is refused in one line."""

import json

import cv2
import numpy as np
import pytest
from method_runs import piece
from pydantic import ValidationError

import crossmodal as cm
from crossmodal import captures
from crossmodal.capture import Capture
from crossmodal.cli import main
from crossmodal.datasets.source import file_hash
from crossmodal.methods.picked import Picked
from crossmodal.methods.textures import from_bank, listed
from crossmodal.plan import Plan

ELLIPSE = "{kind: ellipse, length_mm: 30, width_mm: 20}"


@pytest.fixture(scope="module")
def pot():
    return piece()


def bomb():
    lines = ["a0: &a0 " + ELLIPSE] + [f"a{i}: &a{i} {{kind: or, parts: [{', '.join([f'*a{i - 1}'] * 9)}]}}"
                                      for i in range(1, 9)]
    return "\n".join([*lines, "name: mine", "blocks: {region: *a8}"])


def nested(depth):
    region = "{kind: one_of, parts: [" * depth + ELLIPSE + f", {ELLIPSE}]}}" * depth
    return f"name: mine\nblocks: {{region: {region}}}"


def with_region(region):
    return f"name: mine\nblocks: {{region: {region}, content: {{kind: plain}}}}"


REFUSED = {
    "nothing": "", "no YAML": "name: [", "no UTF-8": b"name: \xff\xfe", "a bomb": bomb(), "too deep": nested(2000),
    "holds itself": "name: mine\nblocks: {region: &r {kind: or, parts: [*r, *r]}}",
    "code": "name: mine\nblocks: !!python/object/apply:os.system [true]",
    "a long name": f"name: {'x' * 65}\nblocks: {{region: {ELLIPSE}, content: {{kind: plain}}}}",
    "a name that climbs": f"name: ../x\nblocks: {{region: {ELLIPSE}}}",
    "a name that is taken": f"name: dent\nblocks: {{region: {ELLIPSE}}}",
    "no change": f"name: mine\nblocks: {{region: {ELLIPSE}}}",
    "too long": with_region("{kind: ellipse, length_mm: 1.0e+300}"),
    "a turn without end": with_region("{kind: perlin, turn_deg: 1.0e+300}"),
    "no number": with_region("{kind: ellipse, length_mm: .nan}"),
    "infinite": with_region("{kind: scar, length_mm: .inf}"),
    "a law of no number": with_region("{kind: ellipse, laws: {length_mm: {law: normal, mean: .nan, sd: 1}}}"),
    "below nothing": with_region("{kind: ellipse, length_mm: -3}"),
    "more than all": with_region("{kind: ellipse, length_mm: 101%}"),
    "backwards": with_region("{kind: ellipse, length_mm: [9, 3]}"),
    "octaves backwards": with_region("{kind: perlin, octaves: [5, 1]}"),
    "octaves without end": with_region("{kind: perlin, octaves: [0, 60]}"),
    "cells without end": with_region("{kind: patches, across: 100000}"),
    "points without end": with_region("{kind: bezier, points: 1000000000}"),
    "pieces without end": with_region("{kind: clump, count: 1000000000}"),
    "yes is no number": with_region("{kind: clump, count: true}"),
    "a folder of no name": f"name: mine\nblocks: {{region: {ELLIPSE}, content: {{kind: texture, bank: ''}}}}",
    "an empty grid": f"name: mine\nblocks: {{region: {ELLIPSE}, content: {{kind: grid_shuffle, grid: [0, 4]}}}}",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_method_is_refused_in_one_line_that_names_the_file(name, tmp_path, capsys):
    path = tmp_path / "m.yaml"
    path.write_bytes(text if isinstance(text := REFUSED[name], bytes) else text.encode())
    assert main(["synthesize", "nowhere", "--out", str(tmp_path / "out"), "--method", str(path)]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("error: ")
    assert "m.yaml" in said
    assert "\n" not in said
    assert [one.name for one in tmp_path.iterdir()] == ["m.yaml"]


@pytest.mark.parametrize("name", ["d.yaml", "loop.yaml", "none.yaml"])
def test_what_is_no_file_is_no_method(name, tmp_path):
    (tmp_path / "d.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(ValueError, match=name):
        cm.method(tmp_path / name)


@pytest.mark.parametrize(("word", "share"), [("small", (0.05, 0.10)), ("medium", (0.10, 0.15)), ("large", (0.15, 0.2))])
def test_a_size_in_words_is_a_third_of_what_is_usual(pot, word, share):
    method = cm.Method.model_validate({"name": "mine", "blocks": {
        "region": {"kind": "ellipse", "length_mm": word}, "content": {"kind": "plain"}}})
    drawn = [cm.draw(pot, method, seed).defects[0].blocks.region.length_mm[0] for seed in range(12)]
    low, high = (end * pot.surface.object_mm for end in share)
    assert low <= min(drawn) < max(drawn) <= high


@pytest.mark.parametrize("sides", [[1e-5, 1e6], [1e6, 1e6], [1e-9, 1e-9]])
def test_sides_out_of_all_proportion_are_a_plan_that_can_be_read(pot, sides):
    method = cm.Method.model_validate({"name": "mine", "blocks": {
        "region": {"kind": "rectangle", "sides_mm": sides}, "content": {"kind": "plain"}, "space": "pixels"}})
    plan = cm.draw(pot, method, seed=1)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


SPOILT = [
    (("step_mm",), 1e-9), (("step_mm",), 1e300), (("texture_seed",), 10**30), (("texture_seed",), "x"),
    (("anchor_m",), [0, 0, 1e400]), (("normal",), [0, 0, 0]), (("elsewhere_m",), None), (("elsewhere_heading",), None),
    (("elsewhere_heading",), [0, 0, 0]), (("pixel",), [3, 3]), (("kind",), "../x"), (("kind",), "good"),
    (("blocks", "sharing"), ["both", "rgb"]), (("blocks", "region", "sides_mm"), None),
    (("blocks", "region", "sides_mm"), [-3, 4]), (("blocks", "region", "area_percent"), [3, 5]),
    (("blocks", "content", "jitter"), [0, 0.1]), (("blocks", "content", "donor"), "there"),
    (("blocks", "region"), {"kind": "ellipse", "length_mm": "10%", "width_mm": "5%"}),
    (("blocks", "region"), {"kind": "one_of", "parts": [{"kind": "scar"}, {"kind": "ellipse"}]}),
    (("blocks", "region"), {"kind": "perlin", "diameter_mm": 20, "turn_deg": 0, "octaves": [0, 3]}),
    (("blocks", "effect"), {"kind": "one_of", "of": [{"kind": "paste"}]}),
    (("blocks", "content"), {"kind": "texture", "bank": "textures"}), (("zzz",), 1), (("blocks",), {}),
]


@pytest.fixture(scope="module")
def planned(pot):
    return json.loads(cm.draw(pot, cm.method("cutpaste"), seed=3).model_dump_json())


@pytest.mark.parametrize(("where", "value"), SPOILT)
def test_a_plan_edited_by_hand_is_refused(planned, where, value):
    spoilt = json.loads(json.dumps(planned))
    inner = spoilt["defects"][0]
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    Plan.model_validate(planned)
    with pytest.raises(ValidationError):
        Plan.model_validate(spoilt)


def test_a_bank_is_read_whatever_the_shape_of_its_pictures(tmp_path):
    for name, picture in {"thin": np.full((1, 60000, 3), 90, np.uint8), "grey": np.full((30, 30), 90, np.uint8),
                          "clear": np.full((30, 30, 4), 90, np.uint8), "dot": np.full((1, 1, 3), 90, np.uint8)}.items():
        path = tmp_path / f"{name}.png"
        cv2.imwrite(str(path), picture)
        cut = from_bank(str(tmp_path), Picked(name=path.name, sha256=file_hash(path)), (70, 50), 3)
        assert cut.shape == (70, 50, 3)
        assert (cut == 90).all()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "away.png").symlink_to("nowhere.png")
    (tmp_path / "round").symlink_to(".")
    assert listed(str(tmp_path)) == ("clear.png", "dot.png", "grey.png", "thin.png")
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((30, 30, 3), 9000, np.uint16))
    assert "deep.png" in listed(str(tmp_path)), "a picture that was added is seen"
    with pytest.raises(ValueError, match=r"deep\.png.*16 bits"):
        from_bank(str(tmp_path), Picked(name="deep.png", sha256=file_hash(tmp_path / "deep.png")), (9, 9), 3)


@pytest.mark.parametrize("bank", ["nowhere", "empty", "m.yaml"])
def test_a_bank_that_holds_nothing_fails_its_sample_in_one_line(bank, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "m.yaml").write_text(
        f"name: mine\nblocks: {{region: {ELLIPSE}, content: {{kind: texture, bank: {bank}}}}}")
    scene = str(captures.__path__[0] + "/pot.pcd")
    assert main(["synthesize", scene, "--out", "out", "--method", "m.yaml", "--only-defects"]) == 1
    [said] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert bank in said
    assert not (tmp_path / "out/test").exists()


@pytest.mark.parametrize(("name", "said"), [
    ("simplenet", "FEATURE_METHODS"), ("DFMGAN", "needs generator"), ("MPAS bend", "--kinds bend"),
    ("drem", "is it draem"), ("zzzz", "methods lists")])
def test_a_name_that_is_no_preset_says_what_it_is(name, said):
    with pytest.raises(ValueError, match=said):
        cm.method(name)


def test_the_published_form_is_of_a_method(tmp_path, capsys):
    assert main(["synthesize", "nowhere", "--out", str(tmp_path / "out"), "--as-published"]) == 2
    assert "--methods" in capsys.readouterr().err
    with pytest.raises(ValueError, match="by itself"):
        cm.synthesize(captures.load("pot"), [cm.Dent(), cm.method("draem")], seed=1)


def test_a_burn_chars_the_pits_of_a_region_as_its_hills(pot):
    method = cm.Method.model_validate({"name": "mine", "blocks": {
        "region": {"kind": "kernel", "form": "ripple", "length_mm": 40, "width_mm": 40},
        "content": {"kind": "scorch", "severity": 0.8}, "effect": {"kind": "hills"}}})
    cover = cm.grown(pot, cm.draw(pot, method, seed=3).defects[0]).field.cover
    assert np.isfinite(cover).all()


@pytest.mark.parametrize("spoilt", [0.0, -0.4, np.inf])
def test_a_point_that_no_camera_measures_is_refused_in_one_line(pot, spoilt):
    points, depth = pot.points.copy(), pot.depth.copy()
    points[3, 4] = depth[3, 4] = spoilt
    for made in (lambda: Capture.from_points(pot.rgb, points),
                 lambda: Capture.from_depth(pot.rgb, depth, pot.camera)):
        with pytest.raises(ValueError, match=r"in front of the camera.*; 1 are"):
            made()
