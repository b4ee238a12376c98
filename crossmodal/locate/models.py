"""Models of `transformers` that find what a text names, or outline what a box is about, told by their configuration."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from crossmodal.locate.region import Box, Mask
from crossmodal.weights import one_thread, weights, whole, worded

MASKS = {"clipseg": 0.4}
BOXES = {"grounding-dino": 0.25, "mm-grounding-dino": 0.25, "owlv2": 0.1, "owlvit": 0.1}
"""model_type, and the score from which it counts as found: what their own documentation uses."""
OUTLINES = ("sam2", "sam2_video")


def locator(model: str) -> tuple[Callable, float]:
    """(rgb, text) → a Box or a Mask, its score always said; and the score that counts. Errors: ValueError, one line."""
    kind = locator_kind(model)
    net, processor = _loaded(model, kind)
    if kind in MASKS:
        return (lambda rgb, text: _mask(net, processor, rgb, text)), MASKS[kind]
    return (lambda rgb, text: _box(net, processor, rgb, text)), BOXES[kind]


def segmenter(model: str) -> Callable[[np.ndarray, Box], Mask]:
    """(rgb, box) → a Mask. Errors: ValueError, one line."""
    net, processor = _loaded(model, segmenter_kind(model))
    return lambda rgb, box: _outlined(net, processor, rgb, box)


def locator_kind(model: str) -> str:
    """The model_type of a locator; no weights are loaded. Errors: ValueError, one line: missing, or no locator."""
    kind = _kind(model, "a model that finds what a text names")
    if kind not in MASKS and kind not in BOXES:
        raise ValueError(f"{model} is of type {kind}, which finds nothing by text; give one of "
                         f"{', '.join((*MASKS, *BOXES))}")
    return kind


def segmenter_kind(model: str) -> str:
    """The model_type of a segmenter; no weights are loaded. Errors: ValueError, one line: missing, or no segmenter."""
    kind = _kind(model, "a model that outlines what a box is about")
    if kind not in OUTLINES:
        raise ValueError(f"{model} is of type {kind}, which outlines no box; give one of {', '.join(OUTLINES)}")
    return kind


def _mask(net, processor, rgb, text):
    import torch

    with one_thread():
        said = net(**processor(text=[text], images=_picture(rgb), padding=True, truncation=True, return_tensors="pt"))
        logits = said.logits.reshape(1, 1, *said.logits.shape[-2:])
        # The picture was squeezed to a square: back to its own shape, a pixel's middle where it was.
        sure = torch.nn.functional.interpolate(logits.float(), rgb.shape[:2], mode="bilinear", align_corners=False)
        sure = sure.sigmoid()[0, 0].numpy()
    return Mask(sure, float(sure.max()))


def _box(net, processor, rgb, text):
    # Grounding DINO wants its phrase in small letters and ended by a full stop; two stops would be two phrases.
    phrase = text.strip().strip(".").lower().replace(".", ",")
    dino = "dino" in net.config.model_type
    # Which of its words a box goes with is of no interest; below 1 it would look for some beyond the phrase's end.
    with one_thread():
        given = processor(images=_picture(rgb), text=f"{phrase}." if dino else [[phrase]], return_tensors="pt")
        said = processor.post_process_grounded_object_detection(
            net(**given), threshold=0.0, target_sizes=[rgb.shape[:2]],
            **({"input_ids": given["input_ids"], "text_threshold": 1.0} if dino else {}))[0]
        if not len(said["scores"]):
            return None
        best = int(said["scores"].argmax())
        return Box(*(float(x) for x in said["boxes"][best]), float(said["scores"][best]))


def _outlined(net, processor, rgb, box):
    with one_thread():
        given = processor(images=_picture(rgb), input_boxes=[[[box.x0, box.y0, box.x1, box.y1]]], return_tensors="pt")
        said = net(**given, multimask_output=False)
        masks = processor.post_process_masks(said.pred_masks, given["original_sizes"])[0]
    return Mask(masks.reshape(-1, *rgb.shape[:2])[0].numpy().astype(bool), box.score)


def _picture(rgb):
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(rgb))


def _kind(model, what):
    with weights(model, what, "vlm"):
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(model, local_files_only=True).model_type


@lru_cache(maxsize=2)
def _loaded(model: str, kind: str):
    with weights(model, f"a {kind} model with its processor", "vlm"):
        import PIL  # noqa: F401
        import torch  # noqa: F401
        import transformers

        classes = {"clipseg": (transformers.CLIPSegForImageSegmentation, transformers.AutoProcessor)}
        # Checkpoints of SAM 2.1 say that they are for video; their pictures' part is all that is used.
        classes |= dict.fromkeys(OUTLINES, (transformers.Sam2Model, transformers.Sam2Processor))
        net, processor = classes.get(kind, (transformers.AutoModelForZeroShotObjectDetection,
                                            transformers.AutoProcessor))
        processor = processor.from_pretrained(model, local_files_only=True)
        if kind not in OUTLINES:
            worded(processor.tokenizer)
        net = whole(net.from_pretrained(model, local_files_only=True, output_loading_info=True))
        return net.eval(), processor
