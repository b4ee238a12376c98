"""Inpainting pipelines of `diffusers`: Stable Diffusion (1, 2, XL), alone or with a ControlNet for depth.

Tried on small models of random weights, built from their configurations; on no real checkpoint.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from crossmodal.weights import device_of, one_thread, weights


@dataclass(frozen=True)
class Model:
    """Which weights, and where they run.

    name: a folder with a pipeline of `diffusers`, or the id of one in the hub's cache; nothing is fetched
    control: the same for a ControlNet that takes depth, or None
    device: of torch: "cpu", "cuda", ...; offload: parts of the pipeline wait in main memory until their turn comes
    """

    name: str
    control: str | None = None
    device: str = "cpu"
    offload: bool = False


@dataclass(frozen=True)
class Sampling:
    """How a picture is drawn; strength: 1 forgets what was under the mask, less keeps some of it."""

    seed: int = 0
    steps: int = 30
    strength: float = 1.0
    guidance: float = 7.5
    negative: str = ""

    def __post_init__(self):
        for word, value, fits in (("seed", self.seed, 0 <= self.seed < 2**63), ("steps", self.steps, self.steps >= 1),
                                  ("strength", self.strength, 0 < self.strength <= 1),
                                  ("guidance", self.guidance, 0 <= self.guidance < float("inf"))):
            if not fits:
                raise ValueError(f"{word} must be {_RANGES[word]}, but got {value}")
        if int(self.steps * self.strength) < 1:
            raise ValueError(f"{self.steps} steps at strength {self.strength} are none; give more of either")


_RANGES = {"seed": "0 or more", "steps": "1 or more", "strength": "above 0 and at most 1", "guidance": "0 or more"}


def least_side(model: Model) -> tuple[int, int]:
    """What a side of a model's picture must be a multiple of, and the side that it was trained at. Errors: ValueError:
    missing weights or library."""
    pipeline = _loaded(model)
    scale = 2 ** (len(pipeline.vae.config.block_out_channels) - 1)
    return max(8, scale), int(pipeline.unet.config.sample_size or 64) * scale


def drawn(model: Model, text: str, picture: np.ndarray, mask: np.ndarray, control: np.ndarray | None,
          sampling: Sampling, tell: Callable[[int, int], None] | None = None) -> np.ndarray:
    """What the model puts there, (h, w, 3) uint8; the same seed gives the same bytes on a CPU.

    picture, control: (h, w, 3) uint8; mask: (h, w) bool; sides as ``least_side`` says
    tell: told (steps done, of all)
    """
    pipeline = _loaded(model)
    import torch
    from PIL import Image

    total = max(1, int(sampling.steps * sampling.strength))

    def step(_, number, __, kept):
        if tell is not None:
            tell(min(number + 1, total), total)
        return kept

    given = {} if control is None else {"control_image": Image.fromarray(control)}
    with one_thread():
        made = pipeline(prompt=text, negative_prompt=sampling.negative or None, image=Image.fromarray(picture),
                        mask_image=Image.fromarray(mask.astype(np.uint8) * np.uint8(255)), height=picture.shape[0],
                        width=picture.shape[1], num_inference_steps=sampling.steps, strength=sampling.strength,
                        guidance_scale=sampling.guidance, callback_on_step_end=step, output_type="np",
                        generator=torch.Generator("cpu").manual_seed(sampling.seed), **given).images[0]
    if not np.isfinite(made).all():
        raise ValueError(f"{model.name} drew no numbers; give another model, or other steps and guidance")
    return np.rint(np.clip(made, 0, 1) * 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _loaded(model: Model):
    with weights(model.name, "an inpainting pipeline of diffusers", "diffusion"):
        import PIL  # noqa: F401
        import torch
        from diffusers import AutoPipelineForInpainting

        known = AutoPipelineForInpainting.load_config(model.name, local_files_only=True)
    parts, device = {}, device_of(model.device)
    if model.control is not None:
        with weights(model.control, "a ControlNet of diffusers", "diffusion"):
            from diffusers import ControlNetModel

            parts["controlnet"] = ControlNetModel.from_pretrained(model.control, local_files_only=True)
    # A checker paints black what it takes for indecent, and knows no bruised metal.
    if "safety_checker" in known:
        parts |= {"safety_checker": None, "requires_safety_checker": False}
    if model.offload and not torch.cuda.is_available():
        raise ValueError("offloading moves parts of a model between main memory and a GPU, and torch sees none; "
                         "leave --offload out")
    with _quiet():
        with weights(model.name, "an inpainting pipeline of diffusers", "diffusion"):
            pipeline = AutoPipelineForInpainting.from_pretrained(model.name, local_files_only=True, **parts)
        pipeline.set_progress_bar_config(disable=True)
        if not model.offload:
            return pipeline.to(device)
        pipeline.enable_model_cpu_offload(device=None if model.device == "cpu" else model.device)
        return pipeline


@contextmanager
def _quiet() -> Iterator[None]:
    """Without a bar and remarks of its own while a pipeline is loaded."""
    from diffusers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()
        logging.set_verbosity(verbosity)
