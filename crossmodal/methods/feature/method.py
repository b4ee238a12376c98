"""A method in feature space: a region, a content, and which modalities share them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from crossmodal.methods.feature.contents import (
    Ascend,
    CodebookNeighbour,
    Content,
    Extrapolate,
    Gauss,
    Known,
    NormJitter,
    Shuffle,
)
from crossmodal.methods.feature.encoder import Maps
from crossmodal.methods.feature.needs import torch
from crossmodal.methods.feature.regions import Cells, Full, Noise, Region
from crossmodal.methods.feature.sample import FeatureSample
from crossmodal.streams import stream

NEEDED = {"centres": "centres of good features (Online keeps them)", "codes": "a Codebook",
          "critic": "the critic that is being trained (Online takes it)"}


class FeatureMethod(BaseModel):
    """sharing: the same region is made false in both modalities, in one of them, or in one of these three by chance;
    good: how often a sample is left as it is; where: cells that the region is drawn from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str = ""
    year: int | None = None
    region: Region = Full()
    content: Content = Gauss()
    where: Literal["object", "anywhere"] = "object"
    sharing: Literal["both", "rgb", "xyz", "any"] = "both"
    good: float = Field(0.0, ge=0, lt=1)

    def sample(self, maps: Maps, rng: np.random.Generator, known: Mapping[str, Known] | None = None) -> FeatureSample:
        """One draw. known: what the content needs, by modality. Raises ValueError for what is missing."""
        left_good = rng.random() < self.good
        sides = ("both", "rgb", "xyz")[rng.integers(3)] if self.sharing == "any" else self.sharing
        within = maps.object if self.where == "object" and maps.object.any() else np.ones(maps.grid, bool)
        region = self.region.drawn(within, rng) & (not left_good)
        if sides != "both" and sides not in maps.by:
            raise ValueError(f"{self.name} makes {sides} false, but {maps.name} was encoded without it")
        by, masks = {}, {}
        for modality, cells in maps.by.items():
            own = region if sides in ("both", modality) else np.zeros_like(region)
            by[modality], masks[modality] = cells, own
            if own.any():
                about = (known or {}).get(modality, Known())
                self._checked(about, modality)
                at = torch.from_numpy(own)
                changed = cells.clone()
                changed[:, at] = self.content.made(cells[:, at].T, rng, about).T
                by[modality] = changed
        return FeatureSample(maps.name, self.name, by, masks)

    def _checked(self, about, modality):
        needs = self.content.needs
        if isinstance(self.content, Ascend) and self.content.about == "centre":
            needs = (*needs, "centres")
        for need in needs:
            if getattr(about, need) is None:
                raise ValueError(f"{self.name} needs {NEEDED[need]} for {modality}")


def feature_samples(maps: Iterable[Maps], method: FeatureMethod, seed: int = 0, epoch: int = 0,
                    known: Mapping[str, Known] | None = None) -> Iterator[FeatureSample]:
    """A sample of each capture's maps, the same for the same seed and epoch whatever the order of the captures."""
    for one in maps:
        yield method.sample(one, stream(seed, one.name, method.name, epoch), known)


FEATURE_METHODS = {method.name: method for method in (
    FeatureMethod(name="simplenet", source="SimpleNet, CVPR", year=2023, region=Full(), content=Gauss(sigma=0.015),
                  where="anywhere"),
    FeatureMethod(name="supersimplenet", source="SuperSimpleNet, ICPR", year=2024, region=Noise(share=(0.05, 0.4)),
                  content=Gauss(sigma=0.015), good=0.5),
    FeatureMethod(name="generalad", source="GeneralAD, ECCV", year=2024, region=Cells(), content=Shuffle()),
    FeatureMethod(name="generalad-noise", source="GeneralAD, ECCV", year=2024, region=Cells(),
                  content=Gauss(sigma=0.25)),
    FeatureMethod(name="uniad", source="UniAD, NeurIPS", year=2022, region=Full(), content=NormJitter(scale=20),
                  where="anywhere"),
    FeatureMethod(name="pbas", source="PBAS, IEEE TCSVT", year=2024, region=Full(), content=Extrapolate(share=0.25),
                  where="anywhere"),
    FeatureMethod(name="glass", source="GLASS, ECCV", year=2024, region=Full(), content=Ascend(), where="anywhere"),
    FeatureMethod(name="glass-sphere", source="GLASS, ECCV", year=2024, region=Full(),
                  content=Ascend(about="centre", shell=(1.0, 2.0)), where="anywhere"),
    FeatureMethod(name="dsr", source="DSR, ECCV", year=2022, region=Noise(), content=CodebookNeighbour()),
    FeatureMethod(name="one-sided-shuffle", source="GeneralAD's shuffle in one modality alone: what is beside what "
                  "disagrees", region=Noise(share=(0.02, 0.15)), content=Shuffle(), sharing="any"),
)}
"""Published parameters; regions by share of the object instead of by threshold."""
