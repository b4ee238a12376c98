"""What is found in a picture becomes a region of the surface, and defects keep to it."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import toys
from test_placement import pixel_of

import crossmodal as cm
import crossmodal.captures
from crossmodal.cli import main
from crossmodal.features import fitting
from crossmodal.guidance import asked_and_got
from crossmodal.locate import Box, Mask, Point, Region, lifted, locate
from crossmodal.packed import PackedArray

BOXES = Path(crossmodal.captures.__file__).parent / "boxes.pcd"
DENTS = cm.Recipe(defects=(cm.Dent(diameter_mm=(2, 4)), cm.Scratch(length_mm=(3, 5)), cm.Dent(diameter_mm=2)))


@pytest.fixture(scope="module")
def part():
    return toys.box(holes=False)


def at(found, rgb, text):
    return found


def middle(capture):
    rows, columns = np.nonzero(capture.surface.foreground)
    return int(np.median(columns)), int(np.median(rows))


@pytest.mark.parametrize("seed", range(3))
def test_defects_lie_in_a_box_and_on_the_object(part, seed):
    x, y = middle(part)
    box = Box(x - 30, y - 25, x + 30, y + 15)
    region = locate(part, "the logo", partial(at, box))
    for defect in cm.draw(part, region.on(DENTS), seed).defects:
        row, column = pixel_of(part, defect.anchor_m)
        half = 0.5 * defect.spec.fixed(defect.spec.sizes[-2]) / part.surface.mm_per_pixel - 1
        assert box.x0 + half <= column < box.x1 - half
        assert box.y0 + half <= row < box.y1 - half
        assert part.surface.foreground[row, column]


@pytest.mark.parametrize("where", ["edge", "flat"])
def test_a_region_and_a_shape_of_ground_both_hold(part, where):
    x0, y0, x1, y1 = part.surface.landmarks.box
    box = Box(x0, y0, x1, (y0 + y1) / 2)
    spec = cm.Chip(diameter_mm=2) if where == "edge" else cm.Dent(diameter_mm=2)
    recipe = lifted(part, box).on(cm.Recipe(defects=(spec,), place=cm.Place(where=where)))
    shape = fitting(part.surface, where, 0.5 if where == "edge" else 2)
    for seed in range(4):
        row, column = pixel_of(part, cm.draw(part, recipe, seed).defects[0].anchor_m)
        assert row < box.y1
        assert shape[row - 3:row + 4, column - 3:column + 4].any()


def test_a_box_holds_the_object_and_not_what_is_seen_beside_it(part):
    whole = lifted(part, Box(0, 0, *part.shape[::-1]))
    np.testing.assert_array_equal(whole.weight > 0, part.surface.foreground & np.isfinite(part.normals[..., 0]))
    beside = np.argwhere(~part.surface.foreground)[0]
    with pytest.raises(ValueError, match="holds no measured surface of the object"):
        lifted(part, Box(beside[1], beside[0], beside[1] + 1, beside[0] + 1))
    with pytest.raises(ValueError, match="is on no measured surface"):
        lifted(part, Point(beside[1], beside[0]))


def test_a_point_is_a_disc_in_mm_on_the_surface():
    for capture in (toys.tilted_plane(50), toys.cylinder()):
        area = capture.surface.pixel_area_mm2[lifted(capture, Point(80, 80, 6)).weight > 0].sum()
        assert area == pytest.approx(np.pi * 36, rel=0.03)
    step = lifted(toys.step(), Point(76, 80, 5)).weight > 0
    assert step[:, :80].any()
    assert not step[:, 81:].any(), "it went down the step"


def test_a_soft_mask_weighs_the_draw():
    """Halves of one cylinder at 3 and 1 parts in 4: three quarters of the defects lie in the first."""
    capture, soft = toys.cylinder(), np.full((160, 160), 0.25)
    soft[:, :80] = 0.75
    columns = {}
    for name, mask in (("soft", soft), ("hard", soft > 0)):
        recipe = lifted(capture, Mask(mask)).on(cm.Recipe(defects=(cm.Dent(diameter_mm=2),)))
        columns[name] = np.array([pixel_of(capture, cm.draw(capture, recipe, seed).defects[0].anchor_m)[1]
                                  for seed in range(120)])
    assert (columns["soft"] < 80).mean() == pytest.approx(0.75, abs=0.12)  # three standard errors
    assert (columns["hard"] < 80).mean() == pytest.approx(0.5, abs=0.14)


def test_a_plan_in_a_region_replays_without_it_and_its_record_draws_the_same_again(part):
    x, y = middle(part)
    region = lifted(part, Point(x, y, 8), "someone")
    recipe = region.on(cm.Recipe(defects=(cm.Dent(diameter_mm=2, place=cm.Place(where="flat")),)))
    result = cm.synthesize(part, recipe, 4)
    assert cm.replay(part, result.plan).after.rgb.tobytes() == result.after.rgb.tobytes()
    assert "region" not in result.plan.model_dump_json()
    again = cm.Recipe.model_validate_json(recipe.model_dump_json())
    assert cm.draw(part, again, 4) == result.plan
    assert recipe.defects[0].place.where == "flat"
    elsewhere = cm.synthesize(part, cm.Dent(diameter_mm=2, place=cm.Place(at_pixel=(x - 45, y))), 4)
    for made, lies_there in ((result, True), (elsewhere, False)):
        (row,) = (row for row in asked_and_got(made, recipe) if row.what == "place.region")
        assert row.ok is lies_there
    with pytest.raises(ValueError, match="find it in this capture"):
        cm.draw(toys.plane(size=80), recipe, 4)
    with pytest.raises(ValueError, match="a bend moves the whole object"):
        region.on(cm.Recipe(defects=(cm.Bend(),)))


def test_a_packed_array_is_read_no_farther_than_its_shape_and_a_damaged_one_is_refused():
    array = np.arange(200, dtype=np.uint8)
    packed = PackedArray.of(array)
    np.testing.assert_array_equal(packed.array(), array)
    for change in ({"data": packed.data[:-8]}, {"data": packed.data[:8] + "AAAA" + packed.data[12:]}, {"shape": (3,)},
                   {"shape": (201,)}):
        with pytest.raises(ValueError, match="damaged"):
            packed.model_copy(update=change).array()


@pytest.mark.parametrize(("found", "said"), [
    (None, "finds no 'the logo'"), (Box(0, 0, 9, 9, 0.1), r"of 0.10 at the most, and 0.5 counts"),
    (Mask(np.ones((3, 3))), "as large as the capture"), (Mask(np.full((160, 160), 2.0)), "bool, or from 0 to 1"),
    (Point(80, 80, -1), "above 0 mm")])
def test_what_is_not_found_is_one_line_and_no_random_place(found, said):
    with pytest.raises(ValueError, match=said):
        locate(toys.cylinder(), "the logo", partial(at, found), least=0.5)


def test_a_box_is_outlined_where_something_can():
    capture, half = toys.cylinder(), np.zeros((160, 160), bool)
    half[50:60, 50:60] = True
    region = locate(capture, "the logo", partial(at, Box(40, 40, 120, 120, 0.7)), lambda rgb, box: Mask(half))
    np.testing.assert_array_equal(region.weight > 0, half)
    assert region.score == 0.7


# models: small ones of random weights, loaded the way a real one is


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, str]:
    torch, t = pytest.importorskip("torch"), pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    vocab = {"<pad>": 0, "<|startoftext|>": 1, "<|endoftext|>": 2} | {
        letter + end: 3 + 2 * i + bool(end) for i, letter in enumerate("abcdefghijklmnopqrstuvwxyz.")
        for end in ("", "</w>")}
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "the", "thread"]
    small = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    said = small | {"vocab_size": len(vocab), "num_hidden_layers": 1, "max_position_embeddings": 32, "bos_token_id": 1,
                    "eos_token_id": 2, "pad_token_id": 0}
    tokenizer = t.CLIPTokenizer(vocab=vocab, merges=[], unk_token="<|endoftext|>", pad_token="<pad>",
                                model_max_length=32)
    backbone = t.SwinConfig(image_size=32, patch_size=4, embed_dim=8, depths=[1] * 4, num_heads=[1] * 4, window_size=2,
                            out_features=["stage2", "stage3", "stage4"])
    hiera = t.models.sam2.Sam2HieraDetConfig(
        hidden_size=8, num_attention_heads=1, blocks_per_stage=[1, 1, 2, 1], embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 2, 2], window_size_per_stage=[4] * 4, global_attention_blocks=[3],
        image_size=[64, 64], window_positional_embedding_background_size=[2, 2])
    side = {"size": {"height": 64, "width": 64}}
    nets = {
        "clipseg": (t.CLIPSegForImageSegmentation(t.CLIPSegConfig(
            text_config=said, vision_config=small | {"num_hidden_layers": 2, "image_size": 32, "patch_size": 16},
            projection_dim=16, extract_layers=[0, 1], reduce_dim=16, decoder_num_attention_heads=2,
            decoder_intermediate_size=16)),
            t.CLIPSegProcessor(t.ViTImageProcessor(**side), tokenizer)),
        "owl": (t.Owlv2ForObjectDetection(t.Owlv2Config(
            text_config=said, vision_config=small | {"num_hidden_layers": 1, "image_size": 32, "patch_size": 8},
            projection_dim=16)), t.Owlv2Processor(t.Owlv2ImageProcessor(size={"height": 32, "width": 32}), tokenizer)),
        "dino": (t.GroundingDinoForObjectDetection(t.GroundingDinoConfig(
            backbone_config=backbone, text_config=t.BertConfig(vocab_size=len(words), num_hidden_layers=1, **small),
            d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
            encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=8, max_text_len=32)),
            t.GroundingDinoProcessor(t.GroundingDinoImageProcessor(size={"shortest_edge": 96, "longest_edge": 128}),
                                     t.BertTokenizer(vocab={word: i for i, word in enumerate(words)}))),
        "sam2": (t.Sam2Model(t.Sam2Config(
            vision_config=t.models.sam2.Sam2VisionConfig(
                backbone_config=hiera, backbone_channel_list=[64, 32, 16, 8], fpn_hidden_size=16,
                backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]]),
            prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 16},
            mask_decoder_config={"hidden_size": 16, "mlp_dim": 16, "num_attention_heads": 2,
                                 "iou_head_hidden_dim": 16})),
            t.Sam2Processor(t.Sam2ImageProcessor(mask_size={"height": 16, "width": 16}, **side), target_size=64))}
    for name, parts in nets.items():
        for one in parts:
            one.save_pretrained(folder / name)
    return {name: str(folder / name) for name in nets}


def wide():
    """A picture that is no square, so that a wrong order of its sides is seen."""
    return toys.cylinder().rgb[:, :110]


def test_models_answer_on_the_picture_s_own_grid_and_the_same_again(models):
    from crossmodal.locate.models import locator, segmenter

    find, least = locator(models["clipseg"])
    mask = find(wide(), "the thread")
    assert mask.weights.shape == (160, 110)
    assert 0 <= mask.weights.min() < mask.weights.max() == pytest.approx(mask.score)
    assert find(wide(), "the thread").weights.tobytes() == mask.weights.tobytes()
    assert find(wide(), "a hole").weights.tobytes() != mask.weights.tobytes(), "the text is not heard"
    assert least == 0.4
    for name, least in (("dino", 0.25), ("owl", 0.1)):
        find, usual = locator(models[name])
        box = find(wide(), "The thread.")
        assert box == find(wide(), "the thread")
        assert box.x0 < box.x1
        assert box.y0 < box.y1
        assert 0 < box.score <= 1
        assert usual == least
    outlined = segmenter(models["sam2"])(wide(), Box(20, 30, 90, 100))
    assert outlined.weights.shape == (160, 110)
    assert outlined.weights.dtype == bool


def test_what_a_mask_says_lies_where_it_was_seen(models, monkeypatch):
    """Logits of a quarter of the square that a model sees are a quarter of the picture; boxes are in its pixels."""
    import torch

    from crossmodal.locate.models import _loaded, locator

    net, _ = _loaded(models["clipseg"], "clipseg")
    logits = torch.full((64, 64), -9.0)
    logits[:32, 32:] = 9
    monkeypatch.setattr(net, "forward", lambda **_: type("Said", (), {"logits": logits}))
    sure = locator(models["clipseg"])[0](wide(), "x").weights > 0.5
    want = np.zeros((160, 110), bool)
    want[:80, 55:] = True
    np.testing.assert_array_equal(sure, want)
    # OWL v2 sees the picture in the upper left of a square; its shares are of that square.
    for name, kind, columns in (("dino", "grounding-dino", (44, 66)), ("owl", "owlv2", (64, 96))):
        net, processor = _loaded(models[name], kind)
        words = [-3.0] * (31 if name == "dino" else 0)
        said = type("Said", (), {"logits": torch.tensor([[[-3.0, *words], [2.0, *words]]]),
                                 "pred_boxes": torch.tensor([[[0.5, 0.5, 1, 1], [0.5, 0.25, 0.2, 0.1]]])})
        heard = []
        monkeypatch.setattr(net, "forward", lambda said=said, heard=heard, **given: heard.append(given) or said)
        box = locator(models[name])[0](wide(), "The thread. ")
        assert (box.x0, box.x1, box.y0, box.y1) == pytest.approx((*columns, 32, 48), abs=1e-3)
        assert box.score == pytest.approx(1 / (1 + np.exp(-2)))
        if name == "dino":
            phrase = processor.batch_decode(heard[0]["input_ids"])
            assert phrase == ["[CLS] the thread. [SEP]"], "a phrase for it ends in one full stop"


def test_a_model_of_another_sort_is_named_and_so_is_one_that_is_not_there(models, tmp_path):
    with pytest.raises(ValueError, match="is of type sam2, which finds nothing by text; give one of clipseg"):
        locate(toys.cylinder(), "x", models["sam2"])
    with pytest.raises(ValueError, match="is of type clipseg, which outlines no box; give one of sam2"):
        locate(toys.cylinder(), "x", partial(at, Box(40, 40, 90, 90)), models["clipseg"])
    with pytest.raises(ValueError, match="hf download"):
        locate(toys.cylinder(), "x", str(tmp_path / "none"))


def test_a_run_looks_in_each_capture_and_its_record_draws_the_same_plan(models, tmp_path, capsys):
    source = str(BOXES)
    said = ["--where", "the thread", "--locator", models["clipseg"]]
    for name in ("one", "two"):
        assert main(["synthesize", source, "--out", str(tmp_path / name), "--prompt", "a 10 mm dent", "--count", "2",
                     *said]) == 0
    manifest = (tmp_path / "one" / "manifest.jsonl").read_text()
    assert manifest == (tmp_path / "two" / "manifest.jsonl").read_text()
    assert str(tmp_path) not in manifest + (tmp_path / "one" / "run.json").read_text()
    capture = cm.read_capture(source)
    for entry in map(json.loads, manifest.splitlines()):
        assert entry["where"]["where"] == "the thread"
        region = Region(PackedArray(**entry["where"]["region"]).array())
        for defect in entry["plan"]["defects"]:
            assert region.weight[pixel_of(capture, defect["anchor_m"])] > 0
    assert main(["replay", str(tmp_path / "one" / "manifest.jsonl"), "--source", source,
                 "--out", str(tmp_path / "again")]) == 0
    out = capsys.readouterr().out
    assert "2 with the bytes of the manifest" in out
    assert (tmp_path / "again" / "manifest.jsonl").read_text() == manifest
    assert main(["plan", "a 10 mm dent", "--image", source, "--json", *said]) == 0
    planned = json.loads(capsys.readouterr().out)["plan"]["defects"][0]
    assert region.weight[pixel_of(capture, planned["anchor_m"])] > 0


@pytest.mark.parametrize(("words", "said"), [
    (("--where", "x"), "go together"), (("--where", "x", "--locator", "nobody/none"), "hf download nobody/none")])
def test_options_that_do_not_fit_are_one_line(words, said, capsys):
    pytest.importorskip("transformers")
    main(["plan", "a dent", "--image", str(BOXES), *words])
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
