"""Defects on the fly: one draw of a recipe on one capture, as arrays for a training pipeline."""

from collections.abc import Mapping

import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import Capture
from crossmodal.methods.labels import soft_label
from crossmodal.methods.spec import Method
from crossmodal.recipe import Recipe
from crossmodal.result import Result
from crossmodal.streams import stream
from crossmodal.synthesis import synthesize

TRIES = 4  # draws of sizes, before a recipe is held to fit nowhere on a capture


class Augment:
    """A recipe, or a method, as a callable on a dict of arrays, for pipelines that have a dataset of their own.

    ``augment({"rgb": rgb, "xyz": xyz}, draw=i)`` returns a new dict: all that came in, ``rgb`` (H, W, 3) uint8 and
    ``xyz`` (H, W, 3) float32 m with a defect in both, and ``ARRAYS`` beside them. The same seed and draw give the same
    bytes; another draw, another defect.
    """

    ARRAYS = ("rgb", "xyz", "depth", "normals", "mask_rgb", "mask_depth", "mask_points", "gt", "soft", "valid")

    def __init__(self, recipe: Recipe | Method, seed: int = 0):
        self.recipe, self.seed = recipe, seed

    def __call__(self, sample: Mapping, draw: int) -> dict:
        """A sample with ``rgb``, ``xyz`` (m; zeros or NaN where nothing was measured) and perhaps its ``camera``.

        Raises ValueError where an array is missing or of another kind, or where the recipe fits nowhere.
        """
        missing = [name for name in ("rgb", "xyz") if name not in sample]
        if missing:
            raise ValueError(f"a sample needs rgb and xyz, but has no {missing[0]}: it holds {', '.join(sample)}")
        xyz = np.asarray(sample["xyz"])
        if xyz.dtype != np.float32 or xyz.ndim != 3 or xyz.shape[2] != 3:
            raise ValueError(f"xyz must be float32 (H, W, 3), but got {xyz.dtype} {xyz.shape}")
        points = np.where((np.isfinite(xyz) & (xyz[..., 2:] != 0)).all(-1, keepdims=True), xyz, np.float32(np.nan))
        camera: Camera | None = sample.get("camera")
        capture = Capture.from_points(np.asarray(sample["rgb"]), points, camera)
        return {**sample, **arrays(self.made(capture, draw))}

    def made(self, capture: Capture, draw: int) -> Result:
        """The Result of one draw on a capture. Raises ValueError where no draw finds a place."""
        for attempt in range(TRIES):
            seed = int(stream(self.seed, "draw", draw, attempt).integers(2**31))
            try:
                return synthesize(capture, self.recipe, seed)
            except ValueError as error:
                refused = error
        raise ValueError(f"{capture.name or 'the capture'}: {refused}")


def arrays(result: Result) -> dict[str, np.ndarray]:
    """What detectors train on (see Augment.ARRAYS), (H, W, 3) or (H, W), zeros where nothing was measured.

    depth is float32 m, masks are bool; ``soft`` (H, W) float32 is gt, or how plainly a defect is seen where a method
    asks for that (see soft_label); ``valid`` (H, W) bool tells what was measured.
    """
    after, masks = result.after, result.masks
    return {"rgb": np.array(after.rgb), "xyz": np.nan_to_num(after.points, nan=0.0),
            "depth": np.nan_to_num(after.depth, nan=0.0), "normals": np.nan_to_num(after.normals, nan=0.0),
            "mask_rgb": np.array(masks.rgb), "mask_depth": np.array(masks.depth),
            "mask_points": np.array(masks.points), "gt": np.array(result.gt),
            "soft": soft_label(result), "valid": np.array(after.valid)}
