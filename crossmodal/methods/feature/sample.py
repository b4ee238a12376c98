"""The end of every method in feature space: features and where they are false."""

from dataclasses import dataclass, field

import numpy as np

from crossmodal.methods.feature.encoder import Backbone, encode, pooled
from crossmodal.methods.feature.needs import torch
from crossmodal.result import Result


@dataclass(frozen=True, eq=False)
class FeatureSample:
    """by: modality → features (C, h, w) float32; masks: modality → (h, w) bool, where these are false."""

    name: str
    method: str
    by: dict[str, "torch.Tensor"] = field(repr=False)
    masks: dict[str, np.ndarray] = field(repr=False)

    @property
    def gt(self) -> np.ndarray:
        """(h, w) bool: false in any modality."""
        return np.logical_or.reduce(list(self.masks.values()))


def seen(result: Result, rgb: Backbone | None, xyz: Backbone | None = None) -> FeatureSample:
    """A defect made on the surface, as the backbones see it: GLASS's local synthesis, from any recipe or method.

    A cell is false where it holds any changed pixel of its modality.
    """
    maps = encode(result.after, rgb, xyz, good=result.before)
    changed = {"rgb": result.masks.rgb, "xyz": result.masks.points}
    return FeatureSample(maps.name, "+".join(one.kind for one in result.plan.defects), maps.by,
                         {name: pooled(changed[name], maps.grid) for name in maps.by})
