"""A vision-language model of `transformers` on this machine, held to the schema while it decodes.

Any model of AutoModelForImageTextToText with its AutoProcessor (SmolVLM2, Qwen-VL, Gemma, …), from a folder or from the
hub's cache; on the CPU, in float32. Tried on small models of random weights, built from their configurations; on no
real checkpoint.
"""

import json
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from crossmodal.vlm.answer import Unusable
from crossmodal.vlm.offered import longest
from crossmodal.vlm.question import Question
from crossmodal.weights import one_thread, weights, whole, worded

WHAT = "a vision-language model with its processor and chat template"


class _Loaded(NamedTuple):
    net: object
    processor: object
    compiler: object
    stops: list[int]


def identity(model: str) -> str:
    """What a model's answers are kept under: its id and commit, or a folder's files by size and time."""
    folder = Path(model)
    if not folder.is_dir():
        return f"local {model} {_commit(model)}"
    files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns)
             for path in sorted(folder.iterdir()) if path.is_file()]
    return f"local {sha256(json.dumps(files).encode()).hexdigest()}"


def reply(model: str, question: Question) -> str:
    """What a model answers: the likeliest token that the schema allows, one after the other, on one thread, so that the
    same question gets the same answer. It ends by the schema, whatever the weights.

    Errors: ValueError, one line: a library or the weights are missing; Unusable: the question is too long for it.
    """
    loaded = _loaded(model)
    import torch
    from transformers import GenerationConfig

    schema = question.schema
    most = longest({name: part for name, part in schema.items() if name in ("anyOf", "type", "properties")},
                   schema["$defs"]) + 1  # a token holds a character at the least
    with one_thread():
        try:
            inputs = loaded.processor.apply_chat_template(
                _messages(question), add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt")
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise ValueError(f"{model} cannot be asked: its processor takes no picture beside text "
                             f"({type(error).__name__}); give another model") from None
        greedy = GenerationConfig(max_new_tokens=most, do_sample=False, eos_token_id=loaded.stops,
                                  pad_token_id=loaded.stops[0])
        torch.manual_seed(0)
        try:
            out = loaded.net.generate(**inputs, generation_config=greedy,
                                      logits_processor=[_held_to(loaded.compiler, schema, loaded.stops)])
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise Unusable(f"{model} broke down over the question ({type(error).__name__})") from None
    return loaded.processor.tokenizer.decode(out[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True)


def _commit(model: str) -> str:
    """The commit of a model in the hub's cache, "" where there is none."""
    try:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(model, "config.json")
    except (ImportError, ValueError):
        return ""
    return Path(found).parent.name if isinstance(found, str) else ""


def _messages(question: Question) -> list[dict]:
    from PIL import Image

    with Image.open(BytesIO(question.png)) as picture:
        shown = picture.convert("RGB")
    first = [{"type": "image", "image": shown}, {"type": "text", "text": f"{question.task}\n{question.said}"}]
    return [{"role": "user", "content": first},  # some chat templates know no system part
            *({"role": role, "content": [{"type": "text", "text": text}]} for role, text in question.turns)]


@lru_cache(maxsize=1)
def _loaded(model: str) -> _Loaded:
    with weights(model, WHAT, "vlm"):
        import PIL  # noqa: F401
        import torch
        import xgrammar
        from transformers import AutoModelForImageTextToText, AutoProcessor

        net = whole(AutoModelForImageTextToText.from_pretrained(model, local_files_only=True, dtype=torch.float32,
                                                                output_loading_info=True)).eval()
        processor = AutoProcessor.from_pretrained(model, local_files_only=True)
        worded(processor.tokenizer)
        if not getattr(processor, "chat_template", None):
            raise LookupError("no chat template")
        stops = net.generation_config.eos_token_id
        stops = [processor.tokenizer.eos_token_id] if stops is None else [stops] if isinstance(stops, int) else stops
        size = net.get_output_embeddings().weight.shape[0]
        known = xgrammar.TokenizerInfo.from_huggingface(processor.tokenizer, vocab_size=size, stop_token_ids=stops)
        return _Loaded(net, processor, xgrammar.GrammarCompiler(known, max_threads=1), stops)


def _held_to(compiler, schema: dict, stops: list[int]):
    """A logits processor that leaves only tokens by which the schema can still be met, and the end once it is."""
    import torch
    import xgrammar

    matcher = xgrammar.GrammarMatcher(compiler.compile_json_schema(
        json.dumps(schema), any_whitespace=False, strict_mode=True), override_stop_tokens=stops)
    started = False

    def held(seen, scores):
        nonlocal started
        if started and not matcher.accept_token(int(seen[0, -1])):
            raise RuntimeError("a token that the schema does not allow")
        started = True
        bits = xgrammar.allocate_token_bitmask(1, scores.shape[-1])
        matcher.fill_next_token_bitmask(bits)
        allowed = torch.from_numpy(_unpacked(bits.numpy(), scores.shape[-1]))
        finite = torch.nan_to_num(scores, nan=-1e30, posinf=1e30, neginf=-1e30)
        return finite.masked_fill(~allowed, float("-inf"))

    return held


def _unpacked(bits, size: int):
    """(1, size) bool of a bit mask (1, n) int32, lowest bit first."""
    import numpy as np

    return np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")[:, :size].astype(bool)
