"""Pixels that tell of the light: of every direction a surface faces about as many, and which share a colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

MOST = 6_000  # pixels that one picture lends
LEAST = 200
FACETS = 8  # directions are told apart by about seven degrees
ASKANCE = -0.25  # z of a normal that is seen at 75 degrees
EDGE = 0.985  # cosine of a turn (10 degrees) from one pixel to the next
BLOWN = 0.98  # linear light from which a pixel clips


@dataclass(frozen=True, eq=False)
class Witnesses:
    """What a picture, or several of one light, show of it.

    seen: (N,) float64 linear brightness; normals: (N, 3) float64 unit; view: (N, 3) float64 unit, towards the viewer,
    or None where that is not known; group: (N,) int, pixels of one number have one albedo
    facets: how many directions are seen, of each picture by itself
    """

    seen: np.ndarray
    normals: np.ndarray
    group: np.ndarray
    facets: int
    view: np.ndarray | None = None

    @classmethod
    def of(cls, linear: np.ndarray, normals: np.ndarray, usable: np.ndarray, noise: float = 0.005,
           points: np.ndarray | None = None) -> Self | None:
        """Those of one picture, or None where it shows too few.

        linear: (H, W, 3) float32 linear light; normals: (H, W, 3) float32, NaN invalid; usable: (H, W) bool;
        noise: linear light that the camera's grain makes; points: (H, W, 3) float32 m where they are known
        Every direction that a surface faces has the same say, however much of the picture it fills: a large flat
        face tells of one brightness only.
        """
        grey = linear @ np.full(3, 1 / 3, np.float32)
        usable = usable & np.isfinite(normals[..., 0]) & (grey > max(4 * noise, 0.004)) & (linear.max(-1) < BLOWN)
        # What is seen askance has few pixels a millimetre, and normals to match.
        smooth = usable & ~_turning(normals) & (normals[..., 2] < ASKANCE)
        usable = smooth if np.count_nonzero(smooth) > 0.3 * np.count_nonzero(usable) else usable
        chosen, facets = _spread_out(normals.reshape(-1, 3), np.flatnonzero(usable))
        if len(chosen) < LEAST:
            return None
        group = _groups(linear.reshape(-1, 3)[chosen])
        chosen, group = chosen[group >= 0], group[group >= 0]
        if len(chosen) < LEAST:
            return None
        view = None
        if points is not None:
            ray = points.reshape(-1, 3)[chosen].astype(np.float64)
            view = -ray / np.linalg.norm(ray, axis=1, keepdims=True)
        return cls(grey.ravel()[chosen].astype(np.float64), normals.reshape(-1, 3)[chosen].astype(np.float64), group,
                   facets, view)

    @classmethod
    def joined(cls, several: Sequence[Self]) -> Self:
        """Those of several pictures in one light; every picture keeps its own albedos."""
        if len(several) == 1:
            return several[0]
        first = np.cumsum([0, *(one.group.max() + 1 for one in several[:-1])])
        known = all(one.view is not None for one in several)
        return cls(np.concatenate([one.seen for one in several]), np.concatenate([one.normals for one in several]),
                   np.concatenate([one.group + k for one, k in zip(several, first, strict=True)]),
                   sum(one.facets for one in several),
                   np.concatenate([one.view for one in several]) if known else None)


def _turning(normals):
    """(H, W) bool: on an edge, where a normal is a mean of two faces that nothing has."""
    out = np.zeros(normals.shape[:2], bool)
    with np.errstate(invalid="ignore"):
        right = np.einsum("ijk,ijk->ij", normals[:, 1:], normals[:, :-1]) < EDGE
        below = np.einsum("ijk,ijk->ij", normals[1:], normals[:-1]) < EDGE
    out[:, 1:] |= right
    out[:, :-1] |= right
    out[1:] |= below
    out[:-1] |= below
    return out


def _spread_out(normals, candidates):
    """Indices of pixels of which every direction seen has about as many, and how many directions those are."""
    cell = np.rint(normals[candidates] * FACETS).astype(np.int64) @ (1, 100, 10_000)
    _, number, counts = np.unique(cell, return_inverse=True, return_counts=True)
    large = counts >= max(8, 0.0005 * len(candidates))
    if not large.any():
        return candidates[:0], 0
    quota = max(8, MOST // int(large.sum()))
    order = np.argsort(number, kind="stable")
    first = np.concatenate(((0,), np.cumsum(counts)[:-1]))
    chosen = [order[f:f + c][::max(1, c // quota)] for f, c in zip(first[large], counts[large], strict=True)]
    return candidates[np.sort(np.concatenate(chosen))], int(large.sum())


def _groups(colours, cells=12, least=0.03):
    """Chromaticity of each colour (N, 3) as the number of its group, from 0 in order of size; -1 in a small one.

    Cells about equal chromaticities, grey in the middle of one; neighbours of nearly one colour are one group.
    """
    chroma = colours[:, :2] / np.maximum(colours.sum(-1, keepdims=True), 1e-6)
    cell = np.rint(chroma * cells).astype(int) @ (1, cells + 1)
    counts = np.bincount(cell, minlength=(cells + 1) ** 2)
    large = np.argsort(-counts, kind="stable")
    large = large[counts[large] >= max(50, least * len(colours))]
    means = np.array([chroma[cell == one].mean(0) for one in large]).reshape(-1, 2)
    group = np.arange(len(large))
    for k in range(1, len(large)):
        apart = np.abs(means[:k] - means[k]).max(1)
        if apart.min() < 0.5 / cells:
            group[k] = group[int(np.argmin(apart))]
    number = np.full(len(counts), -1)
    number[large] = np.unique(group, return_inverse=True)[1]
    return number[cell]
