"""A text encoder: sentences as vectors, by a `transformers` model pooled as sentence-transformers define it.

Tried on all-MiniLM-L6-v2 and on small models of random weights; on no other checkpoint.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np

from crossmodal.weights import one_thread, weights, whole, worded

WHAT = "a text encoder with its tokenizer"
LONGEST = 128  # tokens of a sentence
POOLING = "1_Pooling/config.json"


@dataclass(frozen=True)
class Encoder:
    """model: a folder with a text encoder of `transformers`, or the id of one in its cache; none is fetched. It is
    loaded when it is first asked, once a process."""

    model: str

    def ready(self) -> Self:
        """Load it. Raises ValueError, one line, where that cannot be."""
        _loaded(str(self.model))
        return self

    def vectors(self, sentences: tuple[str, ...]) -> np.ndarray:
        """(N, D) float32 unit vectors; the same sentences give the same bytes.

        Errors: ValueError, one line: a library or the weights are missing, they answer with no numbers, or pool in a
        way that is neither the mean, the maximum nor the first token.
        """
        tokenizer, net, pooled = _loaded(str(self.model))
        with one_thread():
            said = tokenizer(list(sentences), return_tensors="pt", padding=True, truncation=True, max_length=LONGEST)
            states = net(**said).last_hidden_state.double()
            found = _POOLED[pooled](states, said["attention_mask"][..., None].bool()).numpy()
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        if not (np.isfinite(found).all() and (norms > 0).all()):
            raise ValueError(f"{self.model} answered with no numbers; give another")
        return (found / norms).astype(np.float32)


# States (N, tokens, D) and which of them are no padding (N, tokens, 1) → (N, D).
_POOLED = {"mean_tokens": lambda states, own: (states * own).sum(1) / own.sum(1),
           "max_tokens": lambda states, own: states.masked_fill(~own, -float("inf")).amax(1),
           "cls_token": lambda states, own: states[:, 0]}


@lru_cache(maxsize=1)
def _loaded(model: str):
    with weights(model, WHAT, "vlm"):
        import torch  # noqa: F401
        from transformers import AutoModel, AutoTokenizer

        net = whole(AutoModel.from_pretrained(model, local_files_only=True, output_loading_info=True), "pooler.").eval()
        tokenizer = worded(AutoTokenizer.from_pretrained(model, local_files_only=True))
        said = _pooling(model)
    ways = [name.removeprefix("pooling_mode_") for name, on in said.items()
            if name.startswith("pooling_mode_") and on is True] or ["mean_tokens"]
    if len(ways) > 1 or ways[0] not in _POOLED:
        raise ValueError(f"{model} pools by {', '.join(ways)}; give an encoder that takes one of {', '.join(_POOLED)}")
    return tokenizer, net, ways[0]


def _pooling(model: str) -> dict:
    """What a model says of its pooling; nothing where it is silent."""
    from transformers.utils import cached_file

    path = cached_file(model, POOLING, local_files_only=True, _raise_exceptions_for_missing_entries=False,
                       _raise_exceptions_for_connection_errors=False)
    return {} if path is None else json.loads(Path(path).read_text(encoding="utf-8"))
