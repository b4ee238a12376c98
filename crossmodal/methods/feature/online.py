"""Methods that a detector in training is part of: its critic's gradient, or centres that move as features do."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from crossmodal.methods.feature.codebook import Codebook
from crossmodal.methods.feature.contents import Known, matched, nearest
from crossmodal.methods.feature.encoder import Maps
from crossmodal.methods.feature.method import FeatureMethod
from crossmodal.methods.feature.needs import torch
from crossmodal.methods.feature.sample import FeatureSample
from crossmodal.streams import stream

INSIDE = 0.75  # share of good cells within their radius (GLASS)


@dataclass(frozen=True, eq=False)
class Centres:
    """of: (K, C) where good features lie; radius: that INSIDE of them are within."""

    of: "torch.Tensor" = field(repr=False)
    radius: float = 0.0

    @classmethod
    def first(cls, batch: Iterable["torch.Tensor"]) -> "Centres":
        """Of maps (C, h, w) of one grid: their mean, cell by cell."""
        maps = list(batch)
        mean = torch.stack(maps).mean(0)
        centres = mean.reshape(len(mean), -1).T
        return cls(centres, _radius(torch.cat([one.reshape(len(one), -1).T for one in maps]), centres))

    def moved(self, features: "torch.Tensor", keep: float = 0.9) -> "Centres":
        """Drawn after a map (C, h, w): each centre keeps ``keep`` of itself, and takes the mean of its own cells."""
        cells = features.reshape(len(features), -1).T
        own = nearest(cells, self.of)
        counts = torch.bincount(own, minlength=len(self.of))
        means = torch.zeros_like(self.of).index_add_(0, own, cells) / counts.clamp(min=1)[:, None]
        of = torch.where(counts[:, None] > 0, keep * self.of + (1 - keep) * means, self.of)
        return Centres(of, keep * self.radius + (1 - keep) * _radius(cells, of))


class Online:
    """A method inside a training loop: ``sample`` asks the critic as it is now, ``follow`` lets the centres move.

    critic: cells (N, C) → logits (N,), high where it takes one for false; one for both modalities, or one each. Its
        weights get no gradient from here
    Samples follow from the seed, the critic's state and how many were drawn before.
    """

    def __init__(self, method: FeatureMethod, critic: Callable | Mapping[str, Callable] | None = None, seed: int = 0,
                 codes: Mapping[str, Codebook] | None = None):
        self.method, self.critic, self.seed, self.codes = method, critic, seed, codes or {}
        self.centres: dict[str, Centres] = {}
        self._drawn = 0

    def begin(self, batch: Iterable[Maps]) -> None:
        """Set the centres by good captures, before the first sample of a method that needs them."""
        maps = list(batch)
        for modality in maps[0].by:
            self.centres[modality] = Centres.first(one.by[modality] for one in maps)

    def follow(self, maps: Maps, keep: float = 0.9) -> None:
        """Let the centres move after a good capture's features, which a projection in training has changed."""
        for modality, features in maps.by.items():
            self.centres[modality] = self.centres[modality].moved(features.detach(), keep)

    def sample(self, maps: Maps) -> FeatureSample:
        rng = stream(self.seed, maps.name, self.method.name, "online", self._drawn)
        self._drawn += 1
        return self.method.sample(maps, rng, {modality: self._known(modality) for modality in maps.by})

    def _known(self, modality) -> Known:
        critic = self.critic.get(modality) if isinstance(self.critic, Mapping) else self.critic
        centres = self.centres.get(modality)
        return Known(None if centres is None else centres.of, self.codes.get(modality), critic,
                     None if centres is None else centres.radius)


def _radius(cells, centres) -> float:
    far = (cells - matched(cells, centres)).norm(dim=1)
    return float(np.quantile(far.numpy(), INSIDE))
