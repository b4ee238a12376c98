"""A text encoder: sentences as vectors, by a `transformers` model pooled as sentence-transformers define it.

Tried on all-MiniLM-L6-v2 and on small models of random weights; on no other checkpoint.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from crossmodal.weights import one_thread, weights

WHAT = "a text encoder with its tokenizer"
LONGEST = 128  # tokens of a sentence
POOLING = "1_Pooling/config.json"


@dataclass(frozen=True)
class Encoder:
    """model: a folder with a text encoder of `transformers`, or the id of one in its cache; none is fetched. It is
    loaded when it is first asked, once a process."""

    model: str

    def vectors(self, sentences: tuple[str, ...]) -> np.ndarray:
        """(N, D) float32 unit vectors; each sentence is read alone, so that none depends on the others.

        Errors: ValueError, one line: a library or the weights are missing, they answer with no numbers, or pool in a
        way that is neither the mean, the maximum nor the first token.
        """
        tokenizer, net, pooled = _loaded(str(self.model))
        made = []
        with one_thread():
            for sentence in sentences:
                said = tokenizer(sentence, return_tensors="pt", truncation=True, max_length=LONGEST)
                made.append(_POOLED[pooled](net(**said).last_hidden_state[0]).double().numpy())
        found = np.stack(made)
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        if not (np.isfinite(found).all() and (norms > 0).all()):
            raise ValueError(f"{self.model} answered with no numbers; give another")
        return (found / norms).astype(np.float32)


# (tokens, D) → (D,). A sentence is alone, so that no token is padding.
_POOLED = {"mean_tokens": lambda state: state.mean(0), "max_tokens": lambda state: state.max(0).values,
           "cls_token": lambda state: state[0]}


@lru_cache(maxsize=1)
def _loaded(model: str):
    with weights(model, WHAT, "vlm"):
        import torch  # noqa: F401
        from transformers import AutoModel, AutoTokenizer

        net = AutoModel.from_pretrained(model, local_files_only=True).eval()
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
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
