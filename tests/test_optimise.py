"""A score moves a plan: a known optimum is found, a gradient reaches shape and colour, and what is found replays."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import toys

import crossmodal as cm
from crossmodal.cli import main
from crossmodal.edit import measure
from crossmodal.plan import PackedArray, Painted, Plan
from crossmodal.synthesis import scale_of
from crossmodal.tint import Tinted, weights

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch3d")

from crossmodal.optimise import ClipScore, optimise  # noqa: E402
from crossmodal.optimise.local import local  # noqa: E402
from crossmodal.optimise.moves import INSIDE, moves, widened  # noqa: E402
from crossmodal.optimise.picture import Picture, srgb  # noqa: E402
from crossmodal.optimise.sampled import STEP  # noqa: E402
from crossmodal.scanner import PyTorch3DRaster  # noqa: E402

LOCAL = [kind for kind in cm.DEFECTS if kind.extent == "local" and kind.at == "object" and kind.effect != "remove"]
RED = np.broadcast_to(np.array((0.9, 0.55, 0.5)), (6, 6, 3))
PLACE = cm.Place(at_pixel=(47, 46))


@lru_cache
def ball() -> cm.Capture:
    return toys.sphere(size=100, mm_per_pixel=0.4)


def planned(spec, seed: int = 3) -> Plan:
    return cm.draw(ball(), cm.Recipe(defects=(spec,), place=PLACE), seed)


def resized(plan: Plan, by: dict[str, float]) -> Plan:
    """The plan with sizes so many times as much."""
    one = plan.defects[0]
    sizes = {name: (factor * one.spec.fixed(name),) * 2 for name, factor in by.items()}
    return plan.model_copy(update={"defects": (one.model_copy(update={"spec": one.spec.model_copy(update=sizes)}),)})


def tools(plan: Plan, free=None):
    """The moves of a plan's defect and the picture of it."""
    scale = scale_of(ball(), cm.Place())
    of = moves(plan.defects[0], widened(plan.defects[0].spec, scale), scale, ball().surface, free)
    return of, Picture(local(ball(), of), of)


def likeness(target):
    """The score that is highest where a picture is the target."""
    return lambda picture, text: -1e4 * ((picture - target) ** 2).mean()


DENT = cm.Dent(diameter_mm=10, depth_mm=1.0)


@pytest.mark.parametrize(("off", "steps"), [
    ({"diameter_mm": 1.4, "depth_mm": 0.6}, 150), ({"diameter_mm": 0.6, "depth_mm": 1.4}, 100)])
def test_size_depth_and_colour_of_a_known_optimum_are_found_together(off, steps):
    start = resized(planned(DENT), off)
    of, picture = tools(start)
    truth = of.start.copy()
    truth[[of.names.index(name) for name in off]] = 10, 1
    with torch.no_grad():
        target = picture(torch.tensor(truth), torch.tensor(RED))
    found = optimise(ball(), start, "", likeness(target), steps=steps)
    spec = found.plan.defects[0].spec
    assert spec.fixed("diameter_mm") == pytest.approx(10, rel=0.05)
    assert spec.fixed("depth_mm") == pytest.approx(1, rel=0.05)
    levels = np.rint(target[0].permute(1, 2, 0).numpy() * 255)
    began, ended = (np.abs(one - levels).mean() for one in found.pictures)
    assert ended < 0.1 * began
    assert found.imprinted[1] > 0.1 * found.imprinted[0]


def check_gradient(picture, of, target):
    """The gradient of the whole loop is its slope, in every number and in a colour."""
    values = torch.tensor(0.9 * of.start + 0.1 * of.high, requires_grad=True)
    net = torch.full((8, 8, 3), 0.9, dtype=torch.float64, requires_grad=True)
    score = likeness(target)
    picture.look(values)
    score(picture(values, net), "").backward()
    with torch.no_grad():
        found, slopes = [], []
        for k, (low, high) in enumerate(zip(of.low, of.high, strict=True)):
            # Over the difference that the field's own derivative is taken by: where colour ends it goes by steps.
            step = STEP * (float(values[k]) * np.log(high / low) if of.by_ratio[k] else high - low)
            h = torch.zeros_like(values)
            h[k] = step
            slope = (score(picture(values + h, net), "") - score(picture(values - h, net), "")) / (2 * step)
            found.append(float(values.grad[k]) * (high - low))
            slopes.append(float(slope) * (high - low))
        np.testing.assert_allclose(found, slopes, rtol=0.02, atol=0.01 * np.abs(slopes).max())
        assert np.abs(slopes).min() > 1e-3
        h = torch.zeros_like(net)
        h[3, 4, 1] = 0.05
        slope = (score(picture(values, net + h), "") - score(picture(values, net - h), "")) / 0.1
        assert abs(float(slope)) > 1e-3
        assert float(net.grad[3, 4, 1]) == pytest.approx(float(slope), rel=0.03)


def cut_off(picture, name, monkeypatch):
    """What a method of the picture returns, as it is but without its gradient."""
    whole = getattr(picture, name)
    monkeypatch.setattr(picture, name, lambda *args: whole(*args).detach())


@pytest.mark.parametrize("cut", [None, "_normals", "_weights", "_tint"])
def test_a_gradient_reaches_shape_and_colour(cut, monkeypatch):
    start = resized(planned(DENT), {"diameter_mm": 1.2, "depth_mm": 0.8})
    of, picture = tools(start)
    target = torch.tensor((0.6, 0.4, 0.3))[None, :, None, None].expand(1, 3, *picture.shape)
    if cut is None:
        check_gradient(picture, of, target)
        return
    cut_off(picture, cut, monkeypatch)
    with pytest.raises((AssertionError, TypeError)):
        check_gradient(picture, of, target)


def test_where_a_pixel_looks_is_what_pytorch3d_says_and_so_is_its_gradient():
    _of, picture = tools(planned(DENT))
    vertices = picture.points.clone().requires_grad_()
    picture._look(picture.points)
    pixels, corners = picture.seen
    own = picture._weights(vertices, pixels, corners)
    _, _, theirs = PyTorch3DRaster().rasterised(1e-3 * picture.points, picture.faces, picture.camera)
    column, row = pixels.long().unbind(1)
    np.testing.assert_allclose(own.detach().numpy(), theirs[row, column].numpy(), atol=2e-3)
    one = len(pixels) // 2
    own[one, 1].backward()
    mine = vertices.grad.clone()
    vertices.grad = None
    _, _, theirs = PyTorch3DRaster().rasterised(1e-3 * vertices, picture.faces, picture.camera)
    theirs[row[one], column[one], 1].backward()
    assert mine.abs().max() > 0.01
    np.testing.assert_allclose(mine.numpy(), vertices.grad.numpy(), atol=0.02 * float(mine.abs().max()))


def test_the_light_is_the_captures_own():
    from dataclasses import replace

    _of, picture = tools(planned(DENT))
    light = replace(ball().surface.light, sky=(0.1, -0.05, 0.02, 0.1, 0, -0.1, 0.05, 0, 0.02))
    picture.light, picture.sky = light, torch.tensor(light.sky)
    normals = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    unit = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    np.testing.assert_allclose(picture._shade(torch.tensor(normals)).numpy(), light.shading(unit), atol=1e-5)


@pytest.mark.parametrize("spec", [DENT, cm.Bump(diameter_mm=10, height_mm=1.0), cm.Stain(diameter_mm=10, opacity=0.6)],
                         ids=lambda spec: spec.kind)
def test_its_picture_is_nearly_imprints(spec):
    plan = planned(spec)
    of, picture = tools(plan)
    about = local(ball(), of)
    after = srgb(torch.tensor(about.shown(cm.replay(ball(), plan).after.rgb))).numpy()
    before = srgb(torch.tensor(about.shown(ball().rgb))).numpy()
    with torch.no_grad():
        own = picture(torch.tensor(of.start))[0].permute(1, 2, 0).numpy()
    change = np.abs(after - before).mean()
    assert np.abs(own - after).mean() < 0.35 * change
    assert np.corrcoef((own - before).ravel(), (after - before).ravel())[0, 1] > 0.9


def test_nothing_moved_is_the_photograph():
    of, picture = tools(planned(DENT), ("depth_mm",))
    about = local(ball(), of)
    with torch.no_grad():
        shown = picture(torch.tensor([1e-9]))[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(shown, srgb(torch.tensor(about.shown(ball().rgb))).numpy(), atol=2e-3)


@pytest.mark.parametrize("kind", LOCAL, ids=lambda kind: kind.model_fields["kind"].default)
def test_every_kind_that_has_a_surface_has_a_gradient(kind):
    of, picture = tools(planned(kind()))
    values = torch.tensor(of.start, requires_grad=True)
    picture(values).square().sum().backward()
    grad = values.grad.numpy()
    assert np.isfinite(grad).all()
    assert np.abs(grad[:len(kind.sizes)]).max() > 0


def dark(picture, text):
    return -picture.mean()


def test_what_is_found_replays_bit_for_bit_and_is_found_again():
    recipe = cm.Recipe(defects=(cm.Dent(diameter_mm=(8, 12), depth_mm=(0.5, 1.5)),))
    found = optimise(ball(), recipe, "a dark dent", dark, steps=6, seed=2)
    plan = Plan.model_validate_json(found.plan.model_dump_json())
    assert plan == found.plan
    assert isinstance(plan.defects[0], Painted)
    first, again = cm.replay(ball(), found.plan), cm.replay(ball(), plan)
    for name in ("rgb", "points"):
        assert getattr(first.after, name).tobytes() == getattr(again.after, name).tobytes()
    assert first.masks.rgb.any()
    assert first.masks.depth.any()
    assert first.gt.any()
    assert first.measured[0].length_mm == pytest.approx(plan.defects[0].spec.fixed("diameter_mm"), rel=0.01)
    assert found.scores[-1] > found.scores[0]
    assert found.imprinted[1] > found.imprinted[0]
    assert optimise(ball(), recipe, "a dark dent", dark, steps=6, seed=2).plan == found.plan


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_and_colours_stay_within_their_bounds(sign, monkeypatch):
    monkeypatch.setattr("crossmodal.optimise.climb.RATE", 2.0)  # strides that would overrun any bound
    recipe = cm.Recipe(defects=(cm.Dent(diameter_mm=(8, 12), depth_mm=(0.5, 1.5)),))
    found = optimise(ball(), recipe, "", lambda picture, text: sign * 1e3 * picture.mean(), steps=12, seed=2)
    one = found.plan.defects[0]
    assert 8 <= one.spec.fixed("diameter_mm") <= 12
    assert 0.5 <= one.spec.fixed("depth_mm") <= 1.5
    scale = scale_of(ball(), cm.Place())
    of = moves(found.start.defects[0], recipe.defects[0], scale, ball().surface)
    low, high = local(ball(), of).tints
    net = one.tint.array()
    assert (net >= 0.999 * low).all()
    assert (net <= 1.001 * high).all()
    assert (net.mean() > 1) == (sign > 0)
    # What is free to move comes near the bound that the score pulls towards.
    assert (np.median(net) > 0.8 * high.min()) if sign > 0 else (np.median(net) < 0.2)


def test_where_it_is_put_is_where_its_chart_said():
    plan = planned(cm.Scratch(length_mm=12, width_mm=1.2, depth_mm=0.3))
    of, _picture = tools(plan)
    about = local(ball(), of)
    values = of.start.copy()
    values[[of.names.index(name) for name in ("turn_deg", "along_mm", "across_mm")]] = 30, 0.4, -0.3
    moved = of.placed(values, about.patch)
    there = cm.grown(ball().surface, moved).patch
    want = of.charted(values, about.patch.coordinates(there.surface.smoothed[there.window].reshape(-1, 3))[:, :2])
    both = np.isfinite(there.st_mm.reshape(-1, 2)).all(1) & np.isfinite(want).all(1)
    apart = np.hypot(*(there.st_mm.reshape(-1, 2) - want)[both].T)
    assert both.sum() > 50
    assert np.median(apart) < 0.05
    was = plan.defects[0].spec.fixed("orientation_deg")
    assert moved.spec.fixed("orientation_deg") == pytest.approx((was + 30) % 360)


def test_only_what_is_free_moves():
    start = planned(DENT)
    found = optimise(ball(), start, "", dark, steps=3, free=("depth_mm",)).plan.defects[0]
    one = start.defects[0]
    assert found.spec.fixed("depth_mm") != one.spec.fixed("depth_mm")
    assert found.model_copy(update={"spec": one.spec}) == one
    coloured = optimise(ball(), start, "", dark, steps=3, free=("colour",)).plan.defects[0]
    assert coloured.spec == one.spec
    assert coloured.tint.array().mean() < 1


@pytest.mark.parametrize(("what", "said"), [
    (cm.Hole(), "gap"), (cm.Chip(), "edge"), (cm.Bend(), "whole object"), ((DENT, DENT), "one defect"),
])
def test_what_has_no_gradient_is_refused(what, said):
    specs = what if isinstance(what, tuple) else (what,)
    with pytest.raises(ValueError, match=said):
        optimise(ball(), cm.Recipe(defects=specs), "", dark, steps=1)


def test_wrong_questions_are_one_line(monkeypatch):
    with pytest.raises(ValueError, match="length_mm of this dent is not free; diameter_mm, depth_mm"):
        optimise(ball(), planned(DENT), "", dark, steps=1, free=("length_mm",))
    with pytest.raises(ValueError, match="steps must be 1 or more"):
        optimise(ball(), planned(DENT), "", dark, steps=0)
    with pytest.raises(ValueError, match="score of step 0 is nan"):
        optimise(ball(), planned(DENT), "", lambda picture, text: picture.mean() * float("nan"), steps=1)
    monkeypatch.setitem(__import__("sys").modules, "pytorch3d.renderer.mesh.rasterize_meshes", None)
    with pytest.raises(ValueError, match=r"pip install 'crossmodal-anomaly\[pytorch3d\]'"):
        optimise(ball(), planned(DENT), "", dark, steps=1)


def test_a_tint_of_ones_changes_no_bit_and_a_tint_no_size():
    plan = planned(DENT)
    one = plan.defects[0]

    def painted(net):
        tint = PackedArray.of(np.asarray(net, np.float32))
        return plan.model_copy(update={"defects": (Painted(**{**dict(one), "source": "painted"}, tint=tint),)})

    plain, same, red = (cm.replay(ball(), x) for x in (plan, painted(np.ones((8, 8, 3))), painted(RED)))
    assert plain.after.rgb.tobytes() == same.after.rgb.tobytes()
    assert plain.after.points.tobytes() == red.after.points.tobytes() != ball().points.tobytes()
    assert not np.array_equal(plain.after.rgb, red.after.rgb)
    field = painted(RED).defects[0].field()
    assert measure(field) == measure(one.field())
    turn = np.eye(4)
    turn[:3, 3] = 0.01, 0, 0
    assert painted(RED).moved(turn).defects[0].tint == painted(RED).defects[0].tint
    assert json.loads(plan.model_dump_json())["defects"][0].keys() == one.model_dump().keys()
    for bad in (np.ones((3, 3, 3)), np.ones((4, 5, 3)), -np.ones((4, 4, 3)), np.full((4, 4, 3), np.nan)):
        with pytest.raises(ValueError, match="a tint must be"):
            Tinted(one.field(), bad.astype(np.float32))


def test_a_tint_is_on_the_surface_for_every_view_and_cloud():
    one = planned(DENT).defects[0]
    red = Painted(**{**dict(one), "source": "painted"}, tint=PackedArray.of(RED.astype(np.float32)))
    plain, painted = (cm.grown(ball().surface, defect) for defect in (one, red))
    aside = np.eye(4)
    aside[0, 3] = 0.002
    other = ball().replaced(points=(ball().points - aside[:3, 3]).astype(np.float32))
    assert (cm.imprint(cm.Rig((ball(), other), (np.eye(4), aside)), painted)[1].after.rgb
            != cm.imprint(cm.Rig((ball(), other), (np.eye(4), aside)), plain)[1].after.rgb).any()
    points, normals = (x[40:55:3, 40:55:3].reshape(-1, 3) for x in (ball().points, ball().normals))
    was, now = plain(points, normals), painted(points, normals)
    assert was.albedo is None
    assert (now.albedo[now.support][:, 2] < 1).all()
    np.testing.assert_array_equal(was.displacement_mm, now.displacement_mm)


def test_a_net_never_goes_beyond_its_numbers():
    at = weights(np.linspace(-1, 1, 401), np.arange(8))
    assert (at >= 0).all()
    np.testing.assert_allclose(at.sum(1), 1, atol=1e-12)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Folders of a CLIP and a SigLIP of random weights, small."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import (
        CLIPConfig,
        CLIPImageProcessor,
        CLIPModel,
        PreTrainedTokenizerFast,
        SiglipConfig,
        SiglipImageProcessor,
        SiglipModel,
    )

    words = {word: i for i, word in enumerate(("[PAD]", "[UNK]", "[EOS]", "a", "dark", "dent", "scratch"))}
    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
            "vocab_size": len(words), "max_position_embeddings": 8, "eos_token_id": 2, "pad_token_id": 0,
            "bos_token_id": 1, "projection_size": 16}
    vision = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
              "image_size": 32, "patch_size": 8}
    folders = []
    both = {"text_config": text, "vision_config": vision}
    for name, config, net, processor in (
            ("clip", CLIPConfig(**both, projection_dim=16), CLIPModel, CLIPImageProcessor()),
            ("siglip", SiglipConfig(**both), SiglipModel, SiglipImageProcessor())):
        torch.manual_seed(0)
        folder = tmp_path_factory.mktemp(name)
        net(config).save_pretrained(folder)
        processor.save_pretrained(folder)
        tokens = Tokenizer(WordLevel(words, "[UNK]"))
        tokens.pre_tokenizer = Whitespace()
        PreTrainedTokenizerFast(tokenizer_object=tokens, pad_token="[PAD]", unk_token="[UNK]",
                                eos_token="[EOS]").save_pretrained(folder)
        folders.append(str(folder))
    return folders


@pytest.mark.parametrize("which", [0, 1], ids=["clip", "siglip"])
def test_an_image_text_model_scores_and_its_score_is_raised(clips, which):
    score = ClipScore(clips[which])
    found = optimise(ball(), planned(DENT), "a dark dent", score, steps=8)
    assert max(found.scores) > found.scores[0]
    assert -1 <= found.scores[0] <= 1
    picture = torch.rand((1, 3, 40, 50), requires_grad=True)
    score(picture, "a scratch").backward()
    assert picture.grad.abs().max() > 0
    assert float(score(picture.detach(), "a dent")) != float(score(picture.detach(), "a scratch"))


def test_the_command_writes_a_sample_that_replays(clips, tmp_path, capsys):
    source = str(Path(cm.__file__).parent / "captures" / "cans.pcd")
    command = ["optimise", source, "a dark dent", "--score", clips[0], "--steps", "3"]
    assert main([*command, "--out", str(tmp_path / "a"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert len(said["scores"]) == 4
    assert said["moved"]["depth_mm"][0] != said["moved"]["depth_mm"][1]
    assert said["plan"]["defects"][0]["source"] == "painted"
    again = ["replay", str(tmp_path / "a" / "manifest.jsonl"), "--source", source, "--out", str(tmp_path / "b")]
    assert main(again) == 0
    assert "1 with the bytes of the manifest" in capsys.readouterr().out
    made, replayed = ((tmp_path / name / "manifest.jsonl").read_bytes() for name in "ab")
    assert made == replayed
    assert json.loads(made)["optimised"]["model"] == Path(clips[0]).name
    assert clips[0].encode() not in made, "a machine's path is in the manifest"
    assert main([*command, "--out", str(tmp_path / "c"), "--device", "bogus"]) == 2
    assert "error: torch has no device bogus here; give another, such as cpu\n" in capsys.readouterr().err
    assert main([*command, "--out", str(tmp_path / "c"), "--seed", "-1"]) == 2
    assert "error: seed must be 0 or above, but got -1\n" in capsys.readouterr().err
    assert main([*command, "--out", str(tmp_path / "a")]) == 2
    assert "already holds a run" in capsys.readouterr().err
    for name, text, why in (("plan.json", "{}", "one defect of the catalogue"), ("plan.json", "[", "is no plan"),
                            ("recipe.yaml", "defects: [{kind: hole}]", "a hole is a gap")):
        (tmp_path / name).write_text(text)
        assert main([*command, "--out", str(tmp_path / "c"), "--start", str(tmp_path / name)]) == 2
        assert why in capsys.readouterr().err


def test_a_missing_model_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"is no folder with an image-text model .*hf download"):
        ClipScore(str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"is no folder with an image-text model .*; give one that is whole$"):
        ClipScore(str(tmp_path))  # it is there, and nothing that could be fetched has its name


def test_a_number_starts_inside_its_bounds():
    from crossmodal.optimise.moves import shares

    of, _ = tools(planned(DENT))
    assert ((shares(of) >= INSIDE) & (shares(of) <= 1 - INSIDE)).all()
