"""Image–text models of `transformers`: how alike a picture and a sentence are."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from crossmodal.weights import one_thread, weights, whole, worded

KINDS = ("clip", "siglip", "siglip2", "altclip", "chinese_clip", "metaclip_2", "align")
WHAT = "an image-text model with its processor"
SMALL = ("siglip", "siglip2")
"""Learned on sentences in small letters, filled up to their full length."""


def similarity(model: str) -> Callable[[tuple[np.ndarray, ...], str], list[float]]:
    """(pictures (h, w, 3) uint8, sentence) → the cosine of each with the sentence. Errors: ValueError, one line."""
    net, processor = _loaded(model)
    kind = net.config.model_type
    length = getattr(net.config.text_config, "max_position_embeddings", None)

    def alike(pictures, sentence):
        from PIL import Image

        given = processor(
            text=[sentence.lower() if kind in SMALL else sentence], return_tensors="pt", truncation=True,
            images=[Image.fromarray(np.ascontiguousarray(one)) for one in pictures],
            padding="max_length" if kind in SMALL else True, max_length=length)
        with one_thread():
            said = net(**given)
            image, text = (x.double() / x.double().norm(dim=-1, keepdim=True)
                           for x in (said.image_embeds, said.text_embeds))
            return [float(x) for x in (image @ text.T)[:, 0]]

    return alike


@lru_cache(maxsize=1)
def _loaded(model: str):
    with weights(model, WHAT, "vlm"):
        from transformers import AutoConfig

        kind = AutoConfig.from_pretrained(model, local_files_only=True).model_type
    if kind not in KINDS:
        raise ValueError(f"{model} is of type {kind}, which compares no picture with a text; give one of "
                         f"{', '.join(KINDS)}")
    with weights(model, WHAT, "vlm"):
        import PIL  # noqa: F401
        import torch  # noqa: F401
        from transformers import AutoModel, AutoProcessor

        processor = AutoProcessor.from_pretrained(model, local_files_only=True)
        worded(processor.tokenizer)
        net = whole(AutoModel.from_pretrained(model, local_files_only=True, output_loading_info=True))
        return net.eval(), processor
