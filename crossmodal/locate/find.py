"""What a text names, found in a capture's picture: by a model, by two of them, or by any function."""

from collections.abc import Callable

import numpy as np

from crossmodal.capture import Capture
from crossmodal.locate.models import locator, segmenter
from crossmodal.locate.region import Box, Found, Mask, Region, lifted
from crossmodal.weights import named

Locator = Callable[[np.ndarray, str], Found | None]
"""(rgb (H, W, 3) uint8, text) → what is found, or None."""
Segmenter = Callable[[np.ndarray, Box], Mask]
"""(rgb (H, W, 3) uint8, box) → what the box is about, without the rest."""


def locate(capture: Capture, text: str, model: str | Locator, outline: str | Segmenter | None = None,
           least: float | None = None) -> Region:
    """The region of a capture's surface that a text names.

    model: a folder with a model of `transformers`, or the id of one in its cache (CLIPSeg, Grounding DINO, OWL-ViT;
        none is fetched), or a function of your own, such as one that asks a vision-language model
    outline: what makes a mask of a box: SAM 2, by folder or id, or a function. A mask or a point is left as it is.
    least: the score below which nothing counts as found; None is what suits the model
    Errors: ValueError, one line: nothing is found, it is not on the object, the model is missing or of no such sort.
    """
    if not text.strip():
        raise ValueError("say what to look for; where is an empty text")
    by = f"{named(model)}: {text}" + ("" if outline is None else f", outlined by {named(outline)}")
    find, usual = locator(model) if isinstance(model, str) else (model, 0.0)
    least = usual if least is None else least
    found = find(capture.rgb, text)
    if found is None or not found.score >= least:
        sure = "" if found is None else f" (of {found.score:.2f} at the most, and {least:g} counts)"
        raise ValueError(f"{named(model)} finds no '{text}' in {capture.name or 'the capture'}{sure}; "
                         "say it in other words, or leave it out")
    if outline is not None and isinstance(found, Box):
        mask = (segmenter(outline) if isinstance(outline, str) else outline)(capture.rgb, found)
        found = Mask(mask.weights, found.score)
    elif isinstance(found, Mask):
        sure = np.asarray(found.weights, np.float32)
        found = Mask(np.where(sure >= least, sure, np.float32(0)), found.score)
    return lifted(capture, found, by)
