"""A capture's RGB and organised xyz as feature maps of any network, on one grid."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from crossmodal.capture import Capture, View
from crossmodal.methods.feature.needs import torch

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, which most backbones were trained on."""


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network and the layers whose outcomes are its features, by name as in ``net.named_modules()``.

    net: any torch module that takes (1, 3, H, W); it is put to eval, and no gradient reaches it
    size: (H, W) that its input is resized to; None keeps the capture's own
    neighbourhood: cells on a side that each feature is the mean of (PatchCore: Roth et al. 2022)
    Layers of other grids are resized to that of the first, and joined. Tokens (1, N, C) are put on a square grid, a
    class token before them left out.
    Errors: ValueError for a layer that the network has not, or whose outcome is no map.
    """

    net: "torch.nn.Module"
    layers: tuple[str, ...]
    size: tuple[int, int] | None = (256, 256)
    neighbourhood: int = 3

    def __post_init__(self):
        names = dict(self.net.named_modules())
        for layer in self.layers:
            if layer not in names:
                known = ", ".join(name for name in list(names)[1:13])
                raise ValueError(f"the network has no layer {layer}; it has {known} ...")
        if not self.layers or self.neighbourhood < 1 or self.neighbourhood % 2 == 0:
            raise ValueError("a backbone needs a layer, and a neighbourhood that is odd; "
                             f"but got {self.layers}, {self.neighbourhood}")
        if self.size is not None and min(self.size) < 1:
            raise ValueError(f"a backbone's input has a size (H, W) of at least 1, but got {self.size}")

    def __call__(self, planes: np.ndarray) -> "torch.Tensor":
        """planes (3, H, W) float32 → features (C, h, w) float32."""
        if self.size is not None:
            planes = np.stack([cv2.resize(plane, self.size[::-1], interpolation=cv2.INTER_LINEAR) for plane in planes])
        kept: dict[str, torch.Tensor] = {}
        modules = dict(self.net.named_modules())
        hooks = [modules[layer].register_forward_hook(lambda _, __, out, layer=layer: kept.update({layer: out}))
                 for layer in self.layers]
        training = [module for module in self.net.modules() if module.training]
        self.net.eval()
        try:
            with torch.no_grad():
                self.net(torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))[None])
        finally:
            for hook in hooks:
                hook.remove()
            for module in training:
                module.training = True
        maps = [_as_map(layer, kept.get(layer)) for layer in self.layers]
        grid, half = maps[0].shape[-2:], self.neighbourhood // 2
        joined = []
        for one in maps:
            near = torch.nn.functional.avg_pool2d(one, self.neighbourhood, 1, half, count_include_pad=False)
            joined.append(near if near.shape[-2:] == grid else torch.nn.functional.interpolate(
                near, grid, mode="bilinear", align_corners=False))
        return torch.cat(joined, 1)[0]


@dataclass(frozen=True, eq=False)
class Maps:
    """One capture in feature space.

    by: "rgb" and "xyz", or one of them → (C, h, w) float32, on the same grid
    object: (h, w) bool, cells that hold some of the object
    """

    name: str
    by: dict[str, "torch.Tensor"] = field(repr=False)
    object: np.ndarray = field(repr=False)

    @property
    def grid(self) -> tuple[int, int]:
        return self.object.shape


def encode(capture: Capture, rgb: Backbone | None, xyz: Backbone | None = None,
           good: Capture | None = None) -> Maps:
    """The features of a capture's picture and of its points, each by its own backbone; None leaves a modality out.

    Points go in as three planes, from the object's middle in shares of its size, 0 where nothing was measured; their
    maps are resized to the picture's grid.
    good: the capture before a defect was made in it, whose middle and size hold: else a dent would move every point
    """
    if not isinstance(capture, View):
        raise ValueError(f"features are of a capture's picture and points, but got a {type(capture).__name__}")
    good = capture if good is None else good
    by = {}
    if rgb is not None:
        shown = (capture.rgb.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(SPREAD)
        by["rgb"] = rgb(shown.transpose(2, 0, 1))
    if xyz is not None:
        by["xyz"] = xyz(_placed(capture.points, good))
    if not by:
        raise ValueError("features of nothing were asked for; give a backbone for rgb, for xyz or for both")
    grid = tuple(next(iter(by.values())).shape[-2:])
    if "xyz" in by and tuple(by["xyz"].shape[-2:]) != grid:
        by["xyz"] = torch.nn.functional.interpolate(by["xyz"][None], grid, mode="bilinear", align_corners=False)[0]
    return Maps(capture.name, by, pooled(good.surface.foreground, grid))


def pooled(mask: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """(H, W) bool → (h, w) bool: cells that hold any of it."""
    planes = torch.from_numpy(mask[None, None].astype(np.float32))
    return (torch.nn.functional.adaptive_max_pool2d(planes, grid)[0, 0] > 0).numpy()


def _placed(points: np.ndarray, good: Capture) -> np.ndarray:
    surface = good.surface
    middle = np.median(good.points[surface.foreground & good.valid], axis=0)
    planes = (points - middle) / np.float32(surface.object_mm * 1e-3)
    return np.nan_to_num(planes, nan=0.0).transpose(2, 0, 1).astype(np.float32)


def _as_map(layer, out) -> "torch.Tensor":
    if isinstance(out, torch.Tensor) and out.ndim == 4:
        return out
    if isinstance(out, torch.Tensor) and out.ndim == 3:
        for lead in (0, 1):
            side = round((out.shape[1] - lead) ** 0.5)
            if side > 0 and side * side == out.shape[1] - lead:
                return out[:, lead:].transpose(1, 2).reshape(1, -1, side, side)
    shape = tuple(out.shape) if isinstance(out, torch.Tensor) else type(out).__name__
    raise ValueError(f"layer {layer} must give maps (1, C, h, w) or tokens on a square grid (1, N, C), "
                     f"but gives {shape}")
