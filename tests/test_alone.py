"""Pictures alone: relief in a flat part is relit in its lamp and to its scale, and no file shows points as measured."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import trees
from conversions import refused, seen

import crossmodal as cm
from crossmodal.cli import main
from crossmodal.datasets.alone import ASSUMED
from crossmodal.estimated import RANGE
from rgb import read_mask, read_rgb, to_linear, write_rgb

GREY = np.full((120, 160, 3), 128, np.uint8)
LAMPS = [(-0.5, -0.5, -0.7), (0.5, 0.5, -0.7), (0.8, 0.0, -0.6)]


def made(light, defect, mm_per_pixel=0.1) -> cm.Result:
    """A defect in the middle of an even grey picture."""
    recipe = cm.Recipe(defects=(defect,), place=cm.Place(at_pixel=(80, 60)))
    return cm.synthesize(cm.flat_capture(GREY, mm_per_pixel, light), recipe, seed=3)


def brighter_towards(result: cm.Result, light) -> float:
    """How much brighter the changed picture is on the lamp's side of the defect than on the other, in levels."""
    change = result.after.rgb.astype(float).mean(-1) - 128
    rows, columns = np.nonzero(result.masks.rgb)
    side = (columns - 80) * light[0] + (rows - 60) * light[1]
    changed = change[rows, columns]
    return changed[side > 0].mean() - changed[side < 0].mean()


@pytest.mark.parametrize("light", LAMPS)
def test_a_dent_is_dark_on_the_lamps_side_and_a_bump_is_bright(light):
    dent, bump = made(light, cm.Dent(diameter_mm=6, depth_mm=0.6)), made(light, cm.Bump(diameter_mm=6, height_mm=0.6))
    assert brighter_towards(dent, light) < -8
    assert brighter_towards(bump, light) > 8
    with pytest.raises(AssertionError):  # the wrong lamp
        assert brighter_towards(bump, tuple(-x for x in light)) > 8


@pytest.mark.parametrize("light", LAMPS)
def test_relief_is_as_bright_as_a_matt_surface_is(light):
    """Where nothing is occluded, brightness over what it was is a + d n·l over the same of the plane."""
    result = made(light, cm.Bump(diameter_mm=7, height_mm=0.4))
    lamp, normals = result.before.surface.light, result.after.normals
    assert lamp.confidence == 1
    want = lamp.shading(normals) / lamp.shading(np.array((0, 0, -1), np.float32))
    got = to_linear(result.after.rgb)[..., 0] / to_linear(GREY)[..., 0]
    away = np.abs(got - want)[result.gt]
    assert np.median(away) < 0.02
    assert np.median(np.abs(got - want[::-1, ::-1])[result.gt]) > 0.05


@pytest.mark.parametrize("mm_per_pixel", [0.05, 0.1, 0.2])
def test_a_size_in_mm_is_its_pixels_times_the_scale(mm_per_pixel):
    result = made(LAMPS[0], cm.Stain(diameter_mm=50 * mm_per_pixel), mm_per_pixel)
    (one,) = result.measured
    assert one.area_px * mm_per_pixel**2 == pytest.approx(one.area_mm2, rel=0.05)
    assert one.length_mm == pytest.approx(50 * mm_per_pixel, rel=0.15)


@pytest.mark.parametrize(("mm", "light", "said"), [
    (0, LAMPS[0], "mm per pixel must be above 0, but got 0"),
    (np.inf, LAMPS[0], "mm per pixel must be above 0, but got inf"),
    (0.1, (0, 0, 0), "the direction of a light must be a vector x, y, z")])
def test_no_scale_and_no_direction_are_refused(mm, light, said):
    with pytest.raises(ValueError) as error:
        cm.flat_capture(GREY, mm, light)
    assert said in str(error.value)


# the command line


def brushed(i: int) -> np.ndarray:
    """A brushed plate (96, 128, 3)."""
    noise = np.random.default_rng(i).normal(size=(96, 128)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=8, sigmaY=0.8)
    return np.clip(np.array([130, 124, 120]) + 9 * (noise / noise.std())[..., None], 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def plates(tmp_path_factory) -> Path:
    """A category of MVTec AD with four good pictures and a defect that somebody else labelled."""
    root = tmp_path_factory.mktemp("2d") / "plate"
    for i, name in enumerate(("train/good/000", "train/good/001", "test/good/000", "test/good/001", "test/scuff/000")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_rgb(root / f"{name}.png", brushed(i))
    (root / "ground_truth" / "scuff").mkdir(parents=True)
    write_rgb(root / "ground_truth" / "scuff" / "000_mask.png", np.zeros((96, 128, 3), np.uint8))
    return root


def run(plates: Path, out: Path, *more: str) -> Path:
    assert main(["synthesize", str(plates), "--out", str(out), "--kinds", "dent,stain", "--count", "2",
                 "--mm-per-pixel", "0.1", *more]) == 0
    return out


def test_mvtec_2d_comes_back_in_its_own_layout(plates, tmp_path, capsys):
    out = run(plates, tmp_path / "out")
    assert "taken to come from the upper left: say --light" in capsys.readouterr().err
    for kind in ("dent", "stain"):
        after, mask = read_rgb(out / "test" / kind / "000.png").pixels, out / "ground_truth" / kind / "000_mask.png"
        assert set(np.unique(read_mask(mask))) == {0, 255}
        befores = [brushed(i) for i in (2, 3)]
        changed = min(((after != before).any(-1) for before in befores), key=np.count_nonzero)
        assert 0 < np.count_nonzero(changed) < 0.3 * changed.size
        assert changed[read_mask(mask) > 0].mean() > 0.5
    for i in (0, 1):
        assert np.array_equal(read_rgb(out / "train" / "good" / f"00{i}.png").pixels, brushed(i))
    assert not [path for path in out.rglob("*") if path.suffix in (".tiff", ".npy", ".ply") or "scuff" in path.parts]


def test_a_replay_remembers_the_scale_and_gives_the_same_bytes(plates, tmp_path, capsys):
    out = run(plates, tmp_path / "out", "--light", "0.5,0.5,-0.7")
    (entry, _) = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
    assert entry["source"]["mm_per_pixel"] == 0.1
    assert entry["plan"]["light"]["direction"] == pytest.approx(np.array((0.5, 0.5, -0.7)) / 0.99**0.5)
    replay = ("replay", str(out / "manifest.jsonl"), "--source", str(plates), "--out", str(tmp_path / "again"))
    capsys.readouterr()
    assert "was made with --mm-per-pixel 0.1; say the same" in refused(capsys, *replay, "--mm-per-pixel", "0.2")
    assert main(replay) == 0
    assert "2 of 2 samples replayed, 2 with the bytes" in capsys.readouterr().out
    again, first = trees.digests(tmp_path / "again", "manifest"), trees.digests(out)
    assert again == {name: first[name] for name in again}
    assert {"test/dent/000.png", "ground_truth/dent/000_mask.png"} <= set(again)


def test_shards_hold_no_points_that_nobody_measured(plates, tmp_path):
    _, dataset = seen(run(plates, tmp_path / "out", "--format", "webdataset"), "webdataset")
    for entry in dataset.entries:
        sample = entry.read()
        assert entry.holds <= {"rgb", "gt", "instances"}
        assert (sample.points, sample.camera, sample.normals, sample.cloud) == (None,) * 4
    assert {entry.place.kind for entry in dataset.entries} == {"good", "dent", "stain"}


@pytest.mark.parametrize(("more", "said"), [
    (("--mm-per-pixel", "0.1", "--format", "mvtec3d"), "MVTec 3D-AD needs xyz (a measured point for every pixel)"),
    (("--mm-per-pixel", "0.1", "--format", "bop"), "which pictures alone do not give; choose another --format"),
    (("--mm-per-pixel", "0.1", "--unit", "mm"), "--mm-per-pixel is for pictures alone; leave --unit"),
    (("--mm-per-pixel", "0.1", "--kinds", "dent,bend"), "a bend moves a whole object"),
    (("--mm-per-pixel", "-1"), "mm per pixel must be above 0"),
    (("--depth-model", "net"), "a picture alone has no scale; say --mm-per-pixel"),
    ((), "synthesize takes pictures alone with --mm-per-pixel")])
def test_what_cannot_be_is_refused_in_one_line(plates, tmp_path, capsys, more, said):
    source = plates / "train" / "good"
    assert said in refused(capsys, "synthesize", source, "--out", tmp_path / "out", *more)
    assert not any(tmp_path.iterdir())


def test_a_folder_without_pictures_is_refused(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "holds no pictures" in refused(capsys, "synthesize", tmp_path / "empty", "--out", tmp_path / "out",
                                          "--mm-per-pixel", "0.1")


# depth that a model guesses: small ones of random weights, loaded the way a real one is


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, str]:
    """A folder of each sort: one that tells nearness alone, and one that answers in metres."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    backbone = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=28, patch_size=14,
        out_features=[f"stage{i}" for i in (1, 2, 3, 4)], reshape_hidden_states=False)
    nets = {
        "nearness": (transformers.DepthAnythingForDepthEstimation(transformers.DepthAnythingConfig(
            backbone_config=backbone, patch_size=14, reassemble_hidden_size=16, neck_hidden_sizes=[8] * 4,
            fusion_hidden_size=8, head_hidden_size=8)),
            transformers.DPTImageProcessor(size={"height": 56, "width": 56}, ensure_multiple_of=14)),
        "metres": (transformers.GLPNForDepthEstimation(transformers.GLPNConfig(
            depths=[1] * 4, hidden_sizes=[8] * 4, num_attention_heads=[1] * 4, decoder_hidden_size=8, max_depth=2)),
            transformers.GLPNImageProcessor())}
    for name, parts in nets.items():
        for part in parts:
            part.save_pretrained(folder / name)
    return {name: str(folder / name) for name in nets}


@pytest.mark.parametrize("name", ["nearness", "metres"])
def test_a_guess_has_the_scale_and_relief_that_were_said(models, name):
    rgb = brushed(0)
    capture = cm.estimate_depth(rgb, models[name], mm_per_pixel=0.2, relief_mm=5)
    low, middle, high = np.percentile(capture.depth, (RANGE[0], 50, RANGE[1]))
    assert 1e3 * (high - low) == pytest.approx(5, rel=1e-3)
    assert middle / capture.camera.fx * 1e3 == pytest.approx(0.2, rel=1e-3)
    assert capture.shape == rgb.shape[:2]
    again = cm.estimate_depth(rgb, models[name], mm_per_pixel=0.4, relief_mm=10)
    np.testing.assert_allclose(*(k * (c.depth - np.median(c.depth)) for k, c in ((2, capture), (1, again))), atol=2e-6)


def test_nearer_is_what_the_model_says_is_nearer(models):
    from transformers import pipeline

    from crossmodal.estimated import _loaded

    rgb = brushed(0)
    for name, sign in (("nearness", -1), ("metres", 1)):
        said = pipeline("depth-estimation", model=_loaded(models[name]).model, device="cpu",
                        image_processor=_loaded(models[name]).image_processor)
        from PIL import Image

        said = said(Image.fromarray(rgb))["predicted_depth"].numpy()
        depth = cm.estimate_depth(rgb, models[name], 0.2, relief_mm=5).depth
        assert np.corrcoef(sign * said.ravel(), depth.ravel())[0, 1] > 0.999


def test_a_model_in_metres_is_left_as_it_is_and_nearness_needs_a_relief(models):
    capture = cm.estimate_depth(brushed(0), models["metres"], mm_per_pixel=0.2)
    assert 0.5 < np.median(capture.depth) < 1.5
    with pytest.raises(ValueError, match="tells what is nearer and not by how much; say relief in mm"):
        cm.estimate_depth(brushed(0), models["nearness"], mm_per_pixel=0.2)


def test_defects_are_made_on_a_guess_and_replay(models, plates, tmp_path, capsys):
    pytest.importorskip("transformers")
    way = ("--depth-model", models["nearness"], "--relief-mm", "2", "--mm-per-pixel", "0.1")
    out = run(plates, tmp_path / "out", *way[:4])
    replay = ["replay", str(out / "manifest.jsonl"), "--source", str(plates), "--out", str(tmp_path / "again")]
    (entry, _) = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
    assert {word: entry["source"][word] for word in ASSUMED} == {
        "mm_per_pixel": 0.1, "depth_model": "nearness", "relief_mm": 2}
    assert main([*replay, *way]) == 0
    assert "2 of 2 samples replayed, 2 with the bytes" in capsys.readouterr().out
    assert not list(out.rglob("*.tiff"))


def test_weights_that_are_not_there_are_one_line(tmp_path):
    pytest.importorskip("transformers")
    for name in (str(tmp_path / "none"), "nobody/no-such-model"):
        with pytest.raises(ValueError) as error:
            cm.estimate_depth(GREY, name, 0.1)
        assert str(error.value).startswith(f"{name} is no folder with a depth-estimation model")
        assert f"hf download {name}" in str(error.value)
        assert "\n" not in str(error.value)


def test_a_library_that_is_missing_is_asked_for_kindly(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError) as error:
        cm.estimate_depth(GREY, "any", 0.1)
    assert str(error.value) == ('a depth-estimation model with its image processor needs transformers; '
                                'pip install "crossmodal-anomaly[vlm]"')
