"""Of several draws the best is kept, and its plan needs no judge to replay."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import toys

import crossmodal as cm
import crossmodal.captures
from crossmodal.cli import main
from crossmodal.judge import answers, before_after, best_of, measures, reads

RECIPE = cm.Recipe(defects=(cm.Dent(diameter_mm=(2, 8), depth_mm=0.5),))
BOXES = str(Path(crossmodal.captures.__file__).parent / "boxes.pcd")


def size(result) -> float:
    """A judge whose best is known: the largest dent."""
    return result.plan.defects[0].spec.diameter_mm[0]


def test_the_best_is_kept_and_more_draws_change_no_earlier_one():
    capture = toys.cylinder()
    kept = [best_of(capture, RECIPE, 3, n, size) for n in (1, 2, 5)]
    for best in kept:
        assert size(best.result) == max(best.scores) == best.scores[best.chosen]
        assert best.seeds == kept[-1].seeds[:len(best.seeds)]
        assert best.result.plan == cm.draw(capture, RECIPE, best.seeds[best.chosen])
    assert len({*kept[-1].seeds, *kept[-1].scores}) == 10, "draws are not draws of their own"
    assert kept[0].result.after.rgb.tobytes() == cm.synthesize(capture, RECIPE, 3).after.rgb.tobytes()
    plan = cm.Plan.model_validate_json(kept[-1].result.plan.model_dump_json())
    assert cm.replay(capture, plan).after.points.tobytes() == kept[-1].result.after.points.tobytes()


def test_of_equals_the_first_is_kept_and_none_below_the_least():
    capture = toys.cylinder()
    assert best_of(capture, RECIPE, 3, 4, lambda result: 0.5).chosen == 0
    assert best_of(capture, RECIPE, 3, 2, lambda result: 0.5, least=0.5).chosen == 0
    with pytest.raises(ValueError, match=r"none of 4 draws reads as asked: the best scored 0\.5, and 0\.6 is"):
        best_of(capture, RECIPE, 3, 4, lambda result: 0.5, least=0.6)


def test_a_draw_that_cannot_be_judged_is_passed_over():
    capture, sizes = toys.cylinder(), best_of(toys.cylinder(), RECIPE, 3, 4, size).scores

    def doubtful(result):
        if size(result) == max(sizes):
            raise ValueError("too large to tell")
        return float("nan") if size(result) == min(sizes) else size(result)

    best = best_of(capture, RECIPE, 3, 4, doubtful)
    assert best.scores[best.chosen] == sorted(sizes)[2]
    assert best.scores.count(None) == 2
    with pytest.raises(ValueError, match="nan, which is no score"):
        best_of(capture, RECIPE, 3, 2, lambda result: float("nan"))
    with pytest.raises(ValueError, match="no place for a dent"):
        best_of(capture, cm.Recipe(defects=(cm.Dent(diameter_mm=500),)), 3, 2, size)
    with pytest.raises(ValueError, match="at least 1 draw"):
        best_of(capture, RECIPE, 3, 0, size)


def test_a_judge_is_shown_the_same_square_about_all_that_changed():
    result = cm.synthesize(toys.cylinder(), RECIPE, 3)
    before, after = before_after(result)
    assert before.shape == after.shape
    assert np.count_nonzero((before != after).any(-1)) == np.count_nonzero(
        (result.before.rgb != result.after.rgb).any(-1))
    assert before.shape[0] == before.shape[1] >= 64



def test_an_answer_is_a_number_a_yes_or_a_no_and_counts_by_its_change():
    result, asked = cm.synthesize(toys.cylinder(), RECIPE, 3), []

    def told(*words):
        words = iter(words)

        def ask(picture, question):
            asked.append(question)
            return next(words)

        return answers(ask)(result)

    assert told("2", "I would say 8/10.") == pytest.approx(0.6)
    assert told("No.", "Yes, plainly") == 1
    assert told(0.25, 0.75) == 0.5
    assert all("this: a dent. Answer" in question for question in asked)
    assert answers(lambda picture, question: 0.3)(result) == 0
    for bad in ("2026 dents", "a dent", "-4", 7.0, float("nan")):
        with pytest.raises(ValueError, match="a judge must"):
            told(bad, bad)


@pytest.mark.parametrize("text", ["two 6 mm dents", "a 7 mm dark stain at the left"])
def test_measures_count_what_is_as_asked(text):
    capture, recipe = toys.cylinder(), cm.prompt(text)
    result = cm.synthesize(capture, recipe, 1)
    judge = measures(recipe)
    assert judge(result) == 1
    other = recipe.model_copy(update={"defects": tuple(
        one.model_copy(update={"diameter_mm": (2.0, 2.0)}) for one in recipe.defects)})
    assert 0 < judge(cm.synthesize(capture, other, 1)) < 1, "dents of another size are as asked"
    with pytest.raises(ValueError, match="leave count out"):
        measures(RECIPE.model_copy(update={"count": 2}))


# image-text models: small ones of random weights, loaded the way a real one is


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, str]:
    torch, t = pytest.importorskip("torch"), pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    vocab = {"<|startoftext|>": 0, "<|endoftext|>": 1} | {
        letter + end: 2 + 2 * i + bool(end) for i, letter in enumerate("abcdefghijklmnopqrstuvwxyz.")
        for end in ("", "</w>")}
    tokenizer = t.CLIPTokenizer(vocab=vocab, merges=[], unk_token="<|endoftext|>")
    side = {"size": {"height": 32, "width": 32}}
    small = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    words = small | {"vocab_size": len(vocab), "max_position_embeddings": 48, "bos_token_id": 0, "eos_token_id": 1,
                     "pad_token_id": 1}
    sight = small | {"image_size": 32, "patch_size": 8}
    nets = {
        "clip": (t.CLIPModel(t.CLIPConfig(text_config=words, vision_config=sight, projection_dim=16)),
                 t.CLIPProcessor(t.CLIPImageProcessor(crop_size=32, **side), tokenizer)),
        "siglip": (t.SiglipModel(t.SiglipConfig(text_config=words | {"projection_size": 16}, vision_config=sight)),
                   t.SiglipProcessor(t.SiglipImageProcessor(**side), tokenizer)),
        "other": (t.ViTModel(t.ViTConfig(**sight)), t.ViTImageProcessor(**side))}
    for name, parts in nets.items():
        for one in parts:
            one.save_pretrained(folder / name)
    return {name: str(folder / name) for name in nets}


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_a_model_scores_the_change_and_the_same_again(models, name):
    from crossmodal.judge.models import similarity

    result = cm.synthesize(toys.cylinder(), RECIPE, 3)
    score = reads(models[name])(result)
    assert 0 < abs(score) <= 2
    assert score == reads(models[name])(result)
    assert score != reads(models[name], "a long dark scratch across all of it")(result), "the text is not heard"
    before, after = before_after(result)
    alike = similarity(models[name])((before, after, before), "This is a photo of a dent.")
    assert alike[0] == pytest.approx(alike[2], abs=1e-6)
    assert alike[1] - alike[0] == pytest.approx(score, abs=1e-6)
    assert all(-1 <= one <= 1 for one in alike)


def test_the_cosine_is_of_what_the_model_embeds(models, monkeypatch):
    import torch

    from crossmodal.judge.models import _loaded, similarity

    net, _ = _loaded(models["clip"])
    said = type("Said", (), {"image_embeds": torch.tensor([[3.0, 4], [0, 2]]), "text_embeds": torch.tensor([[0, 5.0]])})
    monkeypatch.setattr(net, "forward", lambda **_: said)
    assert similarity(models["clip"])((toys.cylinder().rgb,) * 2, "x") == pytest.approx([0.8, 1])
    assert reads(models["clip"])(cm.synthesize(toys.cylinder(), RECIPE, 3)) == pytest.approx(0.2)


def test_a_model_of_another_sort_is_named(models, tmp_path):
    with pytest.raises(ValueError, match="is of type vit, which compares no picture with a text; give one of clip"):
        reads(models["other"])
    with pytest.raises(ValueError, match="hf download"):
        reads(str(tmp_path / "none"))


def test_a_model_without_its_head_is_no_judge(models, tmp_path, capfd):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(models["clip"], tmp_path / "clip")
    kept = load_file(folder / "model.safetensors")
    del kept["visual_projection.weight"]
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks visual_projection\.weight, which would be random; give an image-text"):
        reads(str(folder))
    assert capfd.readouterr().err == ""


def entries(folder):
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def test_a_run_keeps_the_best_records_it_and_replays_without_the_judge(models, tmp_path, capsys):
    for name, said in (("read", ["--judge", models["clip"], "--best-of", "3"]), ("measured", ["--best-of", "2"])):
        out = tmp_path / name
        ask = ["synthesize", BOXES, "--out", str(out), "--prompt", "a 40 mm dent", "--count", "2", *said]
        assert main(ask) == 0
        for entry in entries(out):
            judged = entry["judged"]
            assert judged["scores"][judged["chosen"]] == max(judged["scores"])
            assert judged["seeds"][0] == entry["seed"]
            assert entry["plan"]["seed"] == judged["seeds"][judged["chosen"]]
            assert entry["captions"]
        manifest = (out / "manifest.jsonl").read_text()
        assert str(tmp_path) not in manifest + (out / "run.json").read_text()
        capsys.readouterr()
        assert main(["replay", str(out / "manifest.jsonl"), "--source", BOXES, "--out", str(out) + "-again"]) == 0
        assert "2 with the bytes of the manifest" in capsys.readouterr().out
        assert (tmp_path / f"{name}-again" / "manifest.jsonl").read_text() == manifest
        assert main([*ask[:-1], "1", "--resume"]) == 2
        assert "was begun with another choice" in capsys.readouterr().err


def test_what_does_not_read_as_asked_is_a_failure_with_its_score(tmp_path, capsys):
    assert main(["synthesize", BOXES, "--out", str(tmp_path / "out"), "--prompt", "a 40 mm dent", "--judge", "measured",
                 "--best-of", "2", "--least", "1.5"]) == 1
    (failure,) = map(json.loads, (tmp_path / "out" / "failures.jsonl").read_text().splitlines())
    assert failure["reason"].startswith("none of 2 draws reads as asked: the best scored ")
    assert not entries(tmp_path / "out")


def test_a_choice_that_cannot_be_made_is_one_line(tmp_path, capsys):
    pytest.importorskip("transformers")
    (tmp_path / "counted.yaml").write_text("defects: [{kind: dent}, {kind: pit}]\ncount: 1\n")
    for words, said in ((["--best-of", "0"], "--best-of must be at least 1"),
                        (["--judge", str(tmp_path / "none")], "hf download"),
                        (["--recipe", str(tmp_path / "counted.yaml"), "--best-of", "2"], "leave count out")):
        assert main(["synthesize", BOXES, "--out", str(tmp_path / "out"), *words]) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("file", "kept", "said"), [
    ("model.safetensors", 100, "SafetensorError"), ("tokenizer.json", 0, "give one that is whole"),
    ("tokenizer.json", None, "knows no words")])
def test_a_broken_judge_is_refused_before_anything_is_written(models, tmp_path, capsys, file, kept, said):
    broken, out = shutil.copytree(models["clip"], tmp_path / "broken"), tmp_path / "out"
    if kept is None:
        (broken / file).unlink()
    else:
        (broken / file).write_bytes((broken / file).read_bytes()[:kept])
    assert main(["synthesize", BOXES, "--out", str(out), "--prompt", "a dent", "--judge", str(broken)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert "hf download" not in line
    assert not out.exists()
