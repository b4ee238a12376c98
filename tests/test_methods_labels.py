"""Soft labels: how plainly a method's defect is seen, from the plan to the folder, the training batch and back."""

import json
import shutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import tifffile
from agreeing import edit, violated
from cloud_shapes import sphere
from conversions import converted, seen
from method_runs import made, scene_of
from scipy import ndimage
from torch.utils.data import DataLoader

import crossmodal as cm
from crossmodal import captures
from crossmodal.cli import main
from crossmodal.evaluation import check
from crossmodal.methods import labels
from crossmodal.methods.label import Difference, Logistic, Where
from crossmodal.methods.labels import soft_asked
from crossmodal.methods.presets import names
from crossmodal.methods.table import rows
from crossmodal.plan import Plan
from crossmodal.torch import SyntheticDataset
from pointcloud import PointCloud, write_cloud


@lru_cache
def nsa(as_published=False):
    return cm.synthesize(captures.load("pot"), cm.method("nsa", as_published=as_published), seed=4)


def lies_on_gt(label, gt):
    return label.dtype == np.float32 and ((label > 0) == gt).all() and label.max() <= 1


def published(levels, k=1 / 6, x0=20):
    """NSA's logistic, by the defaults of its code."""
    return 1 / (1 + np.exp(-k * (levels - x0)))


def labelled(result, label, kind=""):
    """A result whose method, or each of this kind, asks for a label."""
    defects = tuple(planned.model_copy(update={"blocks": planned.blocks.model_copy(update={"label": label})})
                    if kind in planned.kind else planned for planned in result.plan.defects)
    return replace(result, plan=result.plan.model_copy(update={"defects": defects}))


def changed(mask, levels=0, floors=None):
    """A made result of NSA whose colours changed by so many levels, and its depth by so many floors, in a mask."""
    _, result, _ = made("nsa")
    before = scene_of().capture
    rgb = np.full_like(before.rgb, 90)
    before = before.replaced(rgb=rgb.copy())
    rgb[mask] += np.uint8(levels)
    points, moved = before.points.copy(), np.zeros(mask.shape, bool)
    if floors is not None:
        moved = mask & np.isfinite(before.depth)
        points[moved] *= (1 - floors * before.surface.floor.at(before.depth) / before.depth)[moved][:, None]
    masks = replace(result.masks, rgb=mask, depth=moved, points=moved, effects=np.zeros_like(mask))
    return replace(result, before=before, after=before.replaced(rgb=rgb, points=points), masks=masks, gt=mask,
                   instances=mask.astype(np.uint8), plan=result.plan)


def shape(name):
    mask = np.zeros(scene_of().capture.shape, bool)
    mask[{"box": np.s_[40:80, 50:90], "line": np.s_[40:120, 60:62], "corner": np.s_[:9, :9]}[name]] = True
    return mask


@pytest.mark.parametrize("as_published", [False, True])
def test_it_lies_on_gt_and_tells_plain_from_faint(as_published):
    result = nsa(as_published)
    label = cm.soft_label(result)
    assert lies_on_gt(label, result.gt)
    change = np.abs(result.after.rgb.astype(int) - result.before.rgb).mean(-1)
    plain, faint = result.gt & (change > 20), result.gt & (change < 2) & ~result.masks.depth
    assert plain.any()
    assert faint.any()
    assert label[plain].mean() > label[faint].mean() + 0.2
    assert not lies_on_gt(np.where(faint, 0, label), result.gt)
    assert not lies_on_gt(np.maximum(label, np.float32(1e-6)), result.gt)


@pytest.mark.parametrize(("name", "plain"), [
    ("mpas-crack", True), ("cutout", True), ("af3ad-shear-u", False), ("reb-scar", False)])
def test_any_method_may_ask_for_one_and_what_slides_along_a_plane_is_faint(name, plain):
    _, result, _ = made(name)
    label = cm.soft_label(labelled(result, Logistic()))
    assert lies_on_gt(label, result.gt)
    assert (label.max() > 0.9) == plain


@pytest.mark.parametrize("name", ["box", "line", "corner"])
@pytest.mark.parametrize("levels", [1, 7, 20, 60])
def test_of_colour_it_is_nsas_logistic_however_thin_a_region_is(name, levels):
    mask = shape(name)
    label = cm.soft_label(changed(mask, levels))
    assert np.allclose(label[mask], published(levels), atol=1e-6)
    assert not label[~mask].any()


NSAS = [(1 / 12, 24), (1 / 2, 4), (1, 3), (1 / 3, 7), (1 / 6, 15)]
"""Steepness and half levels of its training script."""


@pytest.mark.parametrize(("k", "x0"), [*NSAS, (2, 255), (0.01, 200)])
@pytest.mark.parametrize("levels", [1, 7, 60, 120])
def test_a_logistic_of_other_numbers_is_that_one_and_never_0(k, x0, levels):
    label = cm.soft_label(labelled(changed(shape("box"), levels), Logistic(half_levels=x0, steepness=k)))
    assert np.allclose(label[shape("box")], published(levels, k, x0), atol=3e-5)
    assert lies_on_gt(label, shape("box"))


def test_a_wide_median_of_more_than_8_bits_is_the_median():
    rng = np.random.default_rng(0)
    values = (rng.random((40, 50)) * 765).astype(np.uint16)
    assert np.array_equal(labels._median(values, 765), ndimage.median_filter(values, labels.GRAIN_PX, mode="nearest"))


@pytest.mark.parametrize(("levels", "floors", "label", "plain"), [
    (1, None, Difference(), False), (2, None, Difference(), True), (2, None, Difference(levels=2), False),
    (0, 1.5, Difference(), True), (0, 1.5, Difference(floors=2), False)])
def test_a_difference_is_1_where_it_is_plain_and_specks_are_no_part_of_it(levels, floors, label, plain):
    mask, half = shape("box"), shape("box")
    half[:, :70] = False
    result = changed(half, levels, floors)
    rgb = result.after.rgb.copy()
    rgb[50, 55] = rgb[65, 62] = 255
    result = replace(result, gt=mask, instances=mask.astype(np.uint8), after=result.after.replaced(rgb=rgb))
    made_so = cm.soft_label(labelled(result, label))
    assert set(np.unique(made_so[mask])) == ({0, 1} if plain else {1}), "what is nowhere plain is all of it"
    assert np.array_equal(made_so > 0, half if plain else mask)


def test_of_several_defects_each_has_its_own_label_in_its_own_numbers():
    capture = captures.load("pot")
    cut = cm.draw(capture, cm.method("cutpaste"), 8)
    both = nsa().plan.model_copy(update={"defects": (*nsa().plan.defects, *cut.defects)})
    result = labelled(cm.replay(capture, both), Difference(levels=12), "cutpaste")
    label, (first, second) = cm.soft_label(result), (result.instances == i for i in (1, 2))
    assert 0 < label[first].min() < 0.5
    assert set(np.unique(label[second])) == {0, 1}
    assert np.array_equal(label[first], cm.soft_label(labelled(result, Where(), "cutpaste"))[first])
    assert soft_asked(result.plan)


def test_a_label_is_a_word_or_has_numbers_of_its_own():
    plan = nsa().plan
    text = plan.model_dump_json()
    assert text.count('"label":"logistic"') == 1
    asked = labelled(nsa(), Logistic(half_levels=4, steepness=1 / 2)).plan
    own = Plan.model_validate_json(asked.model_dump_json())
    assert own == asked
    assert own != plan
    given = {"name": "own", "blocks": {"region": {"kind": "ellipse"}, "effect": {"kind": "hills"}}}
    for label, want in (("difference", Difference()), ("region", Where()), ({"kind": "logistic"}, Logistic()), (
            {"kind": "logistic", "half_levels": 3, "steepness": "1/12"}, Logistic(half_levels=3, steepness=1 / 12))):
        given["blocks"]["label"] = label
        assert cm.Method.model_validate(given).blocks.label == want


@pytest.mark.parametrize(("label", "said"), [
    ("plain", "Input tag 'plain'"), ("{kind: difference, levels: -1}", "levels: .* greater than or equal to 0"),
    ("{kind: logistic, half_levels: 0}", "half_levels: .* greater"), ("7", "valid dictionary"),
    ("{kind: logistic, steepness: 1/0}", "a number or a fraction as 1/6, but is 1/0"),
    ("{kind: region, levels: 2}", "levels: no such key here"),
    ("{kind: difference, floors: .nan}", "floors: .* finite")])
def test_what_is_no_label_is_refused_in_one_line(tmp_path, label, said):
    path = tmp_path / "own.yaml"
    path.write_text("name: own\nblocks:\n  region: {kind: ellipse}\n  effect: {kind: hills}\n  label: " + label)
    with pytest.raises(ValueError, match=f"label.*{said}") as told:
        cm.method(path)
    assert "\n" not in str(told.value)


def test_of_depth_it_grows_with_the_noise_floors_and_what_is_lost_is_plain():
    mask = shape("box")
    half, less, more = (float(np.median(cm.soft_label(changed(mask, 0, floors))[mask])) for floors in (3, 1.5, 9))
    assert half == pytest.approx(0.5, abs=0.1)
    assert less < 0.25
    assert more > 0.99
    result = changed(mask, 0, 1)
    points = result.after.points.copy()
    points[mask] = np.nan
    assert cm.soft_label(replace(result, after=result.after.replaced(points=points)))[mask].min() > 0.99


def test_grain_is_no_part_of_it():
    mask = shape("box")
    result = changed(mask, 20)
    rgb = result.after.rgb.copy()
    rgb[45:49, 50:54] = rgb[60:64, 70:74] = 255
    assert (cm.soft_label(replace(result, after=result.after.replaced(rgb=rgb)))[mask] == 0.5).all()


def test_each_defect_of_a_capture_has_the_label_that_it_asks_for():
    capture = captures.load("pot")
    soft, hard = nsa(), cm.draw(capture, cm.Recipe(defects=(cm.Dent(),)), 9)
    both = soft.plan.model_copy(update={"defects": (*soft.plan.defects, *hard.defects)})
    result = cm.replay(capture, both)
    label = cm.soft_label(result)
    assert lies_on_gt(label, result.gt)
    assert (label[result.instances == 2] == 1).all()
    assert label[result.instances == 1].min() < 0.2
    assert soft_asked(both)
    assert not soft_asked(hard)
    assert np.array_equal(cm.soft_label(cm.replay(capture, hard)), cm.replay(capture, hard).gt)


def test_nsa_alone_publishes_one_in_both_forms_and_plans_of_either_label_load():
    forms = {name: {blocks.label.kind for blocks in (cm.method(name).blocks, cm.method(name).as_published) if blocks}
             for name in names()}
    assert {name for name, labels in forms.items() if "logistic" in labels} == {"nsa"}
    assert forms["nsa"] == {"logistic"}
    assert {row.method for row in rows() if row.label == "logistic"} == {"nsa"}
    plan = nsa().plan
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    text = plan.model_dump_json().replace('"label":"logistic"', '"label":"region"')
    other = cm.replay(captures.load("pot"), Plan.model_validate_json(text))
    assert np.array_equal(other.after.rgb, nsa().after.rgb), "a label changes nothing that is seen"
    assert np.array_equal(cm.soft_label(other), other.gt)


def test_batches_hold_it_beside_gt_whoever_made_the_defect():
    capture = captures.load("pot")
    items = [SyntheticDataset([capture], what, seed=2)[0] for what in (
        cm.method("nsa"), cm.method("cutpaste"), cm.Recipe(defects=(cm.Dent(),)))]
    batch = next(iter(DataLoader(items, batch_size=3)))
    assert batch["soft"].shape == batch["gt"].shape == (3, 1, *capture.shape)
    assert batch["soft"].dtype.is_floating_point
    assert ((batch["soft"] > 0) == batch["gt"]).all()
    assert 0 < batch["soft"][0][batch["gt"][0]].min() < 0.5
    for i in (1, 2):
        assert (batch["soft"][i] == batch["gt"][i]).all()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(source, out) of a run of NSA and CutPaste."""
    folder = tmp_path_factory.mktemp("soft")
    source, out = Path(captures.__file__).parent, folder / "made"
    assert main(["synthesize", str(source), "--out", str(out), "--methods", "nsa,cutpaste", "--count", "2", "--seed",
                 "3", "--only-defects"]) == 0
    return source, out


@pytest.fixture
def spoilt(run, tmp_path):
    shutil.copytree(run[1], tmp_path / "made")
    return tmp_path / "made"


def entries(out):
    return {entry["kind"]: entry for entry in map(json.loads, (out / "manifest.jsonl").read_text().splitlines())}


def test_a_run_keeps_it_beside_gt_for_the_method_that_asks(run):
    source, out = run
    made = entries(out)
    assert "soft" not in made["cutpaste"]["files"]
    assert not (out / "test/cutpaste/soft").exists()
    entry = made["nsa"]
    assert entry["files"]["soft"] == entry["files"]["displacement"].replace("displacement", "soft")
    again = cm.replay(cm.read_capture(source / f"{entry['source']['path']}.pcd"), Plan.model_validate(entry["plan"]))
    kept = tifffile.imread(out / entry["files"]["soft"])
    assert np.array_equal(kept, cm.soft_label(again))
    assert lies_on_gt(kept, again.gt)
    report = check(out, source)
    assert report.exit_code == 0, report.lines()
    [row] = [row for row in report.rows if row.test == "soft label on gt"]
    assert (row.samples, row.status) == (1, "ok")


@pytest.mark.parametrize("fault", [
    lambda label: np.where(label > 0, label, np.float32(0.01)), lambda label: np.where(label < 0.1, 0, label),
    lambda label: 2 * label, lambda label: -label, lambda label: np.where(label > 0.3, np.nan, label),
    lambda label: (255 * label).astype(np.uint8), lambda label: np.dstack([label] * 3)])
def test_check_finds_one_that_is_not_on_gt(spoilt, fault):
    path = spoilt / entries(spoilt)["nsa"]["files"]["soft"]
    edit(path, fault, spoilt)
    assert violated(check(spoilt)) == {"soft label on gt"}


@pytest.mark.parametrize(("fault", "found"), [
    (lambda label: label, False), (lambda label: np.where(label == 0, 0, np.float32(0.5)), True),
    (lambda label: 0 * label, True), (lambda label: 1 - label, True)])
def test_check_takes_a_binary_one_that_is_somewhere_1(run, spoilt, fault, found):
    """Of NSA's own label, what is above a half."""
    path = spoilt / entries(spoilt)["nsa"]["files"]["soft"]
    edit(path, lambda label: fault((label > 0.5).astype(np.float32)), spoilt)
    assert violated(check(spoilt)) == ({"soft label on gt"} if found else set())


def test_check_finds_one_of_another_size_or_none(spoilt):
    path = spoilt / entries(spoilt)["nsa"]["files"]["soft"]
    edit(path, lambda label: label[:-1], spoilt)
    assert violated(check(spoilt)) == {"readable"}
    path.unlink()
    assert violated(check(spoilt)) == {"manifest"}


def test_a_replay_writes_the_same_bytes_of_a_manifest_that_does_not_know_it_too(spoilt, run, tmp_path, capsys):
    told = (spoilt / "manifest.jsonl").read_text()
    for i in (0, 1):
        out = tmp_path / f"again{i}"
        assert main(["replay", str(spoilt / "manifest.jsonl"), "--source", str(run[0]), "--out", str(out)]) == 0
        assert "2 with the bytes of the manifest" in capsys.readouterr().out
        assert (out / "manifest.jsonl").read_text() == told
        assert check(out, run[0]).exit_code == 0
        older = [json.loads(line) for line in told.splitlines()]
        for entry in older:
            entry["files"].pop("soft", None), entry["sha256"].pop("soft", None)
        (spoilt / "manifest.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in older))


@pytest.mark.parametrize("name", ["mvtec3d", "webdataset", "huggingface"])
def test_conversions_that_can_hold_it_do(run, tmp_path, name):
    _, dataset = seen(converted(run[1], name, tmp_path / name))
    wanted = tifffile.imread(run[1] / entries(run[1])["nsa"]["files"]["soft"])
    samples = {entry.place.kind: entry.read() for entry in dataset.entries}
    assert all("soft" in entry.holds for entry in dataset.entries)
    assert np.array_equal(samples["nsa"].softened(), wanted)
    assert np.array_equal(samples["cutpaste"].softened(), samples["cutpaste"].gt > 0)


def test_a_conversion_refuses_a_soft_label_that_is_none(spoilt, tmp_path):
    edit(spoilt / entries(spoilt)["nsa"]["files"]["soft"], lambda label: 3 * label)
    with pytest.raises(ValueError, match="must be float32"):
        converted(spoilt, "mvtec3d", tmp_path / "out")


def test_a_cloud_alone_says_only_where(tmp_path):
    rng = np.random.default_rng(0)
    points, out = sphere(rng, 6000)
    source, made = tmp_path / "ball.ply", tmp_path / "made"
    write_cloud(source, PointCloud((1e-3 * points).astype(np.float32), rng.integers(60, 200, (6000, 3), np.uint8),
                                   out.astype(np.float32)))
    assert main(["synthesize", str(source), "--unit", "m", "--methods", "nsa", "--out", str(made)]) == 0
    [entry] = entries(made).values()
    assert set(entry["files"]) == {"cloud", "labels"}
