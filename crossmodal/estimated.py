"""A picture alone, as a Capture whose depth a network guessed: a `transformers` model for depth estimation.

Tried on small models of random weights, built from their configurations; on no real checkpoint.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from crossmodal.capture import Capture
from crossmodal.flat import distance_m, flat_camera, lamp
from crossmodal.weights import one_thread, weights, whole

METRIC = frozenset({"glpn", "zoedepth", "depth_pro"})
"""Models that answer in metres whatever their configuration says; others say so, or tell nearness alone."""
UNREAD = "fusion_stage.layers.0.residual_layer1."
"""Weights that some checkpoints of DPT lack: its first fusion has nothing to fuse with, and does not use them."""
RANGE = (1, 99)  # percentiles between which relief is counted: a guess's few worst pixels are not its shape


def estimate_depth(rgb: np.ndarray, model: str, mm_per_pixel: float, relief_mm: float | None = None,
                   light: tuple[float, float, float] | None = None, name: str = "") -> Capture:
    """The depth that a model guesses behind every pixel of rgb (H, W, 3) uint8, to the scale that you know.

    model: a folder with a model of `transformers` for depth estimation, or the id of one in its cache; none is fetched
    mm_per_pixel: across the picture, at its median depth
    relief_mm: from the nearest to the farthest point, but for one in a hundred at either end. A model that tells
        nearness alone needs it (its disparity is then taken as proportional, as it is where relief is much less than
        the distance); one that answers in metres is scaled to it, or left as it is
    light: towards the lamp, camera axes; None leaves it to the picture. The points are assumed, as in flat_capture.
    Errors: ValueError, one line: a library or the weights are missing, a size is missing or not above 0, no relief.
    """
    camera = flat_camera(rgb.shape, mm_per_pixel)
    if relief_mm is not None and not 0 < relief_mm < np.inf:
        raise ValueError(f"relief in mm must be above 0, but got {relief_mm}")
    said, metric = _said(rgb, model)
    far = said if metric else -said
    low, middle, high = np.percentile(far, (RANGE[0], 50, RANGE[1]))
    if not low < high:
        raise ValueError(f"{name or 'the picture'}: {model} sees no relief in it; leave the model away")
    if metric:
        distance = float(middle)
        relief_m = high - low if relief_mm is None else relief_mm * 1e-3
    elif relief_mm is None:
        raise ValueError(f"{model} tells what is nearer and not by how much; say relief in mm, "
                         "from the nearest to the farthest point (--relief-mm)")
    else:
        distance, relief_m = distance_m(camera, mm_per_pixel), relief_mm * 1e-3
    z = distance + (far - middle) / (high - low) * relief_m
    if not z.min() > 0:
        raise ValueError(f"{name or 'the picture'}: {model} puts points behind the camera; say a smaller relief in mm")
    focal = distance * 1e3 / mm_per_pixel
    camera = replace(camera, fx=focal, fy=focal)
    capture = Capture.from_depth(rgb, z.astype(np.float32), camera, name)
    return capture if light is None else capture.lit_by(lamp(light))


def _said(rgb, model) -> tuple[np.ndarray, bool]:
    """What a model says of each pixel (H, W) float64, and whether in metres."""
    pipeline = _loaded(model)
    from PIL import Image

    with one_thread():
        said = pipeline(Image.fromarray(np.ascontiguousarray(rgb)))["predicted_depth"]
    said = said.double().numpy().reshape(rgb.shape[:2])
    if not np.isfinite(said).all():
        raise ValueError(f"{model} answered with no numbers; give another")
    config = pipeline.model.config
    return said, config.model_type in METRIC or getattr(config, "depth_estimation_type", "") == "metric"


@lru_cache(maxsize=1)
def _loaded(model: str):
    with weights(model, "a depth-estimation model with its image processor", "vlm"):
        import PIL  # noqa: F401
        import torch  # noqa: F401
        from transformers import AutoImageProcessor, AutoModelForDepthEstimation, pipeline

        net = whole(AutoModelForDepthEstimation.from_pretrained(model, local_files_only=True, output_loading_info=True),
                    UNREAD)
        processor = AutoImageProcessor.from_pretrained(model, local_files_only=True)
        return pipeline("depth-estimation", model=net, image_processor=processor, device="cpu")
