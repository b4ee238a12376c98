"""What false features are made of. Each takes a modality's cells (C, h, w) and gives new ones for a region."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from crossmodal.methods.feature.codebook import Codebook
from crossmodal.methods.feature.needs import torch

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, eq=False)
class Known:
    """What a modality's content may lean on beside the features themselves.

    centres: (K, C); codes; critic: cells (N, C) → logits (N,), high where a cell is taken for false; radius: of the
    good cells about their centres
    """

    centres: "torch.Tensor | None" = None
    codes: Codebook | None = None
    critic: Callable | None = None
    radius: float | None = None


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    needs: ClassVar[tuple[str, ...]] = ()


def _normal(rng, like) -> "torch.Tensor":
    return torch.from_numpy(rng.standard_normal(tuple(like.shape), np.float32))


class Gauss(_Content):
    """Gaussian noise on each cell. sigma: in the features' own unit, growing by ``growth`` over ``steps`` mixed levels.

    The papers' sigma suits what an adapter in training gives; a raw backbone's features may spread a hundred times
    as wide.
    SimpleNet (Liu et al. 2023), SuperSimpleNet (Rolih et al. 2024), GeneralAD (Sträter et al. 2024).
    """

    content: Literal["gauss"] = "gauss"
    sigma: Positive = 0.015
    growth: Positive = 1.1
    steps: PositiveInt = 1

    def made(self, cells: "torch.Tensor", rng: np.random.Generator, known: Known) -> "torch.Tensor":
        """cells (N, C) → (N, C)."""
        level = self.sigma * self.growth ** rng.integers(0, self.steps, len(cells)).astype(np.float32)
        return cells + torch.from_numpy(level.astype(np.float32))[:, None] * _normal(rng, cells)


class NormJitter(_Content):
    """Noise as strong as the cell's norm a channel, times scale. UniAD (You et al. 2022)."""

    content: Literal["norm_jitter"] = "norm_jitter"
    scale: Positive = 20.0

    def made(self, cells, rng, known):
        return cells + _normal(rng, cells) * cells.norm(dim=1, keepdim=True) * (self.scale / cells.shape[1])


class Shuffle(_Content):
    """The cells of the region in another order: what is there is right, where it is is not. GeneralAD."""

    content: Literal["shuffle"] = "shuffle"

    def made(self, cells, rng, known):
        if len(cells) < 2:
            return cells
        turned = np.roll(rng.permutation(len(cells)), 1)
        order = np.empty(len(cells), np.int64)
        order[np.roll(turned, -1)] = turned  # one cycle through all of them: no cell stays
        return cells[torch.from_numpy(order)]


class Extrapolate(_Content):
    """Each cell pushed away from its centre, by a share of the cells' mean distance. PBAS (Chen et al. 2024)."""

    content: Literal["extrapolate"] = "extrapolate"
    share: Positive = 0.25
    needs: ClassVar[tuple[str, ...]] = ("centres",)

    def made(self, cells, rng, known):
        away = cells - matched(cells, known.centres)
        far = away.norm(dim=1, keepdim=True)
        return cells + away / far.clamp(min=1e-12) * far.mean() * self.share


class CodebookNeighbour(_Content):
    """Another of the nearest codes in the place of each cell, not the very nearest. DSR (Zavrtanik et al. 2022).

    skip: share of the codes, from the nearest on, that would not tell; strength: share that may be drawn from
    """

    content: Literal["codebook_neighbour"] = "codebook_neighbour"
    skip: Share = 0.05
    strength: tuple[Share, Share] = (0.2, 1.0)
    needs: ClassVar[tuple[str, ...]] = ("codes",)

    def made(self, cells, rng, known):
        codes = known.codes.codes
        low = max(1, int(np.ceil(self.skip * len(codes))))
        high = max(low + 1, int(np.ceil(rng.uniform(*self.strength) * len(codes))))
        ranks = torch.from_numpy(rng.integers(low, high, len(cells)))
        return codes[known.codes.order(cells).gather(1, ranks[:, None])[:, 0]]


class Ascend(_Content):
    """Gaussian noise, then steps up the critic's own error, kept in a shell: false features that it takes for good.

    GLASS's global synthesis (Chen et al. 2024): about the cell itself ("cell": lengths in the features' unit) or about
    the centre of the good ones ("centre": in shares of their radius).
    """

    content: Literal["ascend"] = "ascend"
    sigma: Positive = 0.015
    steps: PositiveInt = 20
    rate: Positive = 0.001
    every: PositiveInt = 5
    about: Literal["cell", "centre"] = "cell"
    shell: tuple[Positive, Positive] = (0.5, 1.0)
    needs: ClassVar[tuple[str, ...]] = ("critic",)

    def made(self, cells, rng, known):
        false = cells + self.sigma * _normal(rng, cells)
        middle, unit = (cells, 1.0) if self.about == "cell" else (matched(cells, known.centres), known.radius)
        for step in range(1, self.steps + 1):
            with torch.enable_grad():
                at = false.detach().requires_grad_(True)
                logits = known.critic(at)
                if tuple(logits.shape) != (len(at),) or not torch.isfinite(logits).all():
                    raise ValueError(f"a critic gives a finite number a cell, ({len(at)},), but got "
                                     f"{tuple(logits.shape)}, finite or not")
                (slope,) = torch.autograd.grad(torch.nn.functional.softplus(-logits).sum(), at)
            false = at.detach() + self.rate * slope / slope.norm(dim=1, keepdim=True).clamp(min=1e-10)
            if step % self.every == 0 or step == self.steps:
                away = false - middle
                far = away.norm(dim=1, keepdim=True).clamp(min=1e-12)
                false = middle + away / far * far.clamp(self.shell[0] * unit, self.shell[1] * unit)
        return false


def matched(cells: "torch.Tensor", centres: "torch.Tensor") -> "torch.Tensor":
    """(N, C), (K, C) → (N, C): the centre that is nearest to each cell in angle."""
    return centres[nearest(cells, centres)]


def nearest(cells: "torch.Tensor", centres: "torch.Tensor") -> "torch.Tensor":
    """(N, C), (K, C) → (N,): which centre is nearest to each cell in angle."""
    unit = torch.nn.functional.normalize
    return (unit(cells, dim=1) @ unit(centres, dim=1).T).argmax(1)


Content = Annotated[Gauss | NormJitter | Shuffle | Extrapolate | CodebookNeighbour | Ascend,
                    Field(discriminator="content")]
