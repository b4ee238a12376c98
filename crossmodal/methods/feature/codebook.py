"""Typical features, such as a VQ-VAE's codes, or what k-means finds in good captures."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from crossmodal.methods.feature.needs import torch

ROUNDS = 12  # of Lloyd's: the codes only need to lie where features lie
MOST = 20_000  # features that are looked at


@dataclass(frozen=True, eq=False)
class Codebook:
    """codes: (K, C) float32, K at least 4."""

    codes: "torch.Tensor" = field(repr=False)

    def __post_init__(self):
        if self.codes.ndim != 2 or len(self.codes) < 4:
            raise ValueError(f"a codebook is (K, C) with K at least 4, but got {tuple(self.codes.shape)}")

    @classmethod
    def fitted(cls, maps: Iterable["torch.Tensor"], count: int, rng: np.random.Generator) -> "Codebook":
        """``count`` codes by k-means over the cells of maps (C, h, w): a small stand-in for a trained VQ-VAE's."""
        cells = torch.cat([one.reshape(len(one), -1).T for one in maps])
        if count > len(cells):
            raise ValueError(f"{count} codes need as many cells, but the maps have {len(cells)}")
        cells = cells[torch.from_numpy(rng.permutation(len(cells))[:max(MOST, count)])]
        codes = cells[:count].clone()
        for _ in range(ROUNDS):
            nearest = torch.cdist(cells, codes).argmin(1)
            counts = torch.bincount(nearest, minlength=count)
            sums = torch.zeros_like(codes).index_add_(0, nearest, cells)
            codes = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], codes)
        return cls(codes)

    def order(self, cells: "torch.Tensor") -> "torch.Tensor":
        """(N, C) → (N, K): the codes of each cell, nearest first."""
        return torch.cdist(cells, self.codes).argsort(dim=1, stable=True)
