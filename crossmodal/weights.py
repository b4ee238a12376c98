"""Trained weights: from a folder or from the hub's cache, in one line where they are missing; nothing is fetched."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from warnings import catch_warnings, simplefilter

SAID = 120  # characters of what a library says of broken weights


class Lacking(LookupError):
    """What a model's files lack."""


@contextmanager
def weights(model: str, what: str, extra: str) -> Iterator[None]:
    """Around what imports a library and loads a model by ``from_pretrained(model, local_files_only=True)``.

    what: it shall be, such as "a text encoder with its tokenizer"; extra: that brings the libraries
    Errors: ValueError, one line, that names the library, or the model, the cache and the way out.
    """
    bars = verbosity = None
    try:
        from transformers.utils import logging

        bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
        logging.disable_progress_bar()
        logging.set_verbosity_error()  # a report on the weights is several lines
        with catch_warnings():
            simplefilter("ignore")  # what libraries remark about each other is nothing to a user
            yield
    except ModuleNotFoundError as error:
        missing = error.name or "more libraries"
        raise ValueError(f"{what} needs {missing}; pip install \"crossmodal-anomaly[{extra}]\"") from None
    except Lacking as error:
        raise ValueError(f"{model} lacks {error}, which would be random; give {what} that is whole") from None
    except Exception as error:  # whatever broken weights raise
        if Path(model).is_dir():
            raise ValueError(f"{model} is no folder with {what} ({_said(error)}); give one that is whole") from None
        raise ValueError(f"{model} is no folder with {what}, nor is such a model in the cache {_cache()} "
                         f"({type(error).__name__}); fetch it once (hf download {model}), or give its folder") from None
    finally:
        if bars:
            logging.enable_progress_bar()
        if verbosity is not None:
            logging.set_verbosity(verbosity)


def whole(loaded: tuple, unread: str | None = None):
    """The model of ``from_pretrained(model, output_loading_info=True)``. Raises Lacking where its files lack weights of
    it, which `transformers` draws at random.

    unread: is in the names of weights whose output nothing looks at
    """
    net, said = loaded
    lacking = sorted(name for name in said["missing_keys"] if unread is None or unread not in name)
    if lacking:
        raise Lacking(lacking[0] + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""))
    return net


def named(model) -> str:
    """A model in a record: its id, of a folder the name and no machine's path, of a function its own name."""
    if not isinstance(model, str):
        return getattr(model, "__name__", type(model).__name__)
    return Path(model).resolve().name if Path(model).is_dir() else model


def worded(tokenizer):
    """A tokenizer. Raises LookupError where it knows no words: `transformers` makes such a one of missing files."""
    if not len(tokenizer) > len(tokenizer.all_special_tokens):
        raise LookupError("its tokenizer knows no words")
    return tokenizer


def device_of(name: str):
    """A device of torch. Raises ValueError, one line, where torch has none of that name on this machine."""
    import torch

    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError):
        raise ValueError(f"torch has no device {name} here; give another, such as cpu") from None


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: the same bytes on a machine of any number of cores."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)


def _said(error: Exception) -> str:
    return shorten(f"{type(error).__name__}: {error}", SAID, placeholder=" ...")


def _cache() -> str:
    from huggingface_hub.constants import HF_HUB_CACHE

    return HF_HUB_CACHE
