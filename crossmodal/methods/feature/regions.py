"""Which cells of a feature grid are made false: drawn once, for all modalities, and never none."""

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from crossmodal.texture import lattice_noise


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError(f"a range goes from low to high, but got {pair[0]:g} to {pair[1]:g}")
    return pair


Share = Annotated[float, Field(gt=0, le=1)]
Shares = Annotated[tuple[Share, Share], AfterValidator(_ordered)]


class _Region(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Full(_Region):
    """Every cell."""

    region: Literal["full"] = "full"

    def drawn(self, within: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.ones_like(within)


class Noise(_Region):
    """The highest share of a noise on the grid, so that it cannot be empty: a threshold leaves one field in twenty
    empty (Perlin at 0.5), and its area to chance.

    share: of the object's cells; width: of its features, in shares of the grid
    """

    region: Literal["noise"] = "noise"
    share: Shares = (0.05, 0.4)
    width: Shares = (0.1, 0.5)

    def drawn(self, within: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """within (h, w) bool, some of it true → (h, w) bool."""
        wide = np.exp(rng.uniform(*np.log(self.width))) * max(within.shape)
        share = rng.uniform(*self.share)
        rows, columns = np.indices(within.shape) + rng.uniform(0, 1e3, (2, 1, 1))
        noise = np.where(within, lattice_noise(columns, rows, int(rng.integers(2**31)), wide, octaves=2), -np.inf)
        return noise >= np.sort(noise[within])[-max(1, round(share * int(within.sum())))]


class Cells(_Region):
    """Cells drawn singly, at least two: a random subset of tokens."""

    region: Literal["cells"] = "cells"
    share: Shares = (0.02, 0.5)

    def drawn(self, within: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        cells = np.flatnonzero(within)
        count = min(max(2, round(rng.uniform(*self.share) * len(cells))), len(cells))
        chosen = np.zeros(within.size, bool)
        chosen[rng.choice(cells, count, replace=False)] = True
        return chosen.reshape(within.shape)


Region = Annotated[Full | Noise | Cells, Field(discriminator="region")]
