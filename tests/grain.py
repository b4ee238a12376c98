"""Can grain tell the inside of a mask from its outside? An honest measurement, and a classifier that tries hard.

A patch is 5 × 5 pixels less the quadric that fits it best, so that slopes and curves of a defect larger than the patch
do not count. Every inside patch is paired with one of its surroundings in the same after-picture, of nearly its
brightness, tilt, slope and curvature. The classifier (logistic, on the features and their products) never sees the
capture that it is asked about.
"""

from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 5
BRIGHT, TILT, RATIO = 10.0, 8.0, 0.5  # levels, degrees and log ratio that a pair may differ by
AROUND = 40  # pixels from the mask, within which its surroundings lie
MOST = 120  # pairs a result
_GRID = np.stack(np.meshgrid(*2 * (np.linspace(-1, 1, SIDE),)), -1).reshape(-1, 2)
_QUADRIC = np.stack((np.ones(SIDE**2), *_GRID.T, *(_GRID**2).T, _GRID.prod(1)), 1)
_FIT = np.linalg.pinv(_QUADRIC)
_REST = np.eye(SIDE**2) - _QUADRIC @ _FIT


@dataclass(frozen=True, eq=False)
class Pairs:
    """Features (n, k) of patches inside a mask, and of their partners outside it."""

    inside: np.ndarray
    outside: np.ndarray

    def standardised(self) -> "Pairs":
        """In units of the outside's own spread: what a capture's grain is like in itself tells nothing."""
        middle = np.median(self.outside, 0)
        spread = np.maximum(1.4826 * np.median(np.abs(self.outside - middle), 0), 0.05)
        return Pairs(*(np.clip((x - middle) / spread, -6, 6) for x in (self.inside, self.outside)))


def patches(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n, 25) float64 of a map (H, W) about places (n, 2), row and column."""
    offsets = np.stack(np.indices((SIDE, SIDE)), -1).reshape(-1, 2) - SIDE // 2
    at = places[:, None] + offsets
    return values[at[..., 0], at[..., 1]].astype(np.float64)


def grain_features(raw: np.ndarray, quiet: float) -> np.ndarray:
    """(n, 6) of raw patches (n, 25): how strong, peaked, correlated and repeated their high-pass residual is.

    quiet: a strength that is taken for nothing.
    """
    rest = (raw @ _REST).reshape(-1, SIDE, SIDE)
    power = (rest**2).mean((1, 2)) + quiet**2
    beside, below = ((rest[:, :, 1:] * rest[:, :, :-1]).mean((1, 2)), (rest[:, 1:] * rest[:, :-1]).mean((1, 2)))
    whole = raw.reshape(-1, SIDE, SIDE)
    still = 0.5 * ((whole[:, :, 1:] == whole[:, :, :-1]).mean((1, 2)) + (whole[:, 1:] == whole[:, :-1]).mean((1, 2)))
    laplace = np.abs(4 * rest[:, 1:-1, 1:-1] - rest[:, 2:, 1:-1] - rest[:, :-2, 1:-1] - rest[:, 1:-1, 2:]
                     - rest[:, 1:-1, :-2]).mean((1, 2))
    return np.stack((0.5 * np.log(power), np.log(laplace + quiet), beside / power, below / power, still,
                     np.abs(rest).max((1, 2)) / np.sqrt(power)), 1)


def rgb_features(rgb: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n, 8): the grain of green, and how strong that of the two colour differences is."""
    red, green, blue = (patches(rgb[..., c], places) for c in range(3))
    colour = [0.5 * np.log((((c - green) @ _REST) ** 2).mean(1) + 0.15**2) for c in (red, blue)]
    return np.concatenate((grain_features(green, 0.15), np.stack(colour, 1)), 1)


def depth_features(z_m: np.ndarray, places: np.ndarray, quiet_m: float) -> np.ndarray:
    """(n, 6): the grain of depth in units of its floor."""
    return grain_features(patches(z_m, places) / quiet_m, 0.1)


def pairs(result, modality: str, rng: np.random.Generator, mask: np.ndarray | None = None) -> Pairs | None:
    """Matched patches of one modality of a Result; None where fewer than ten match.

    mask: (H, W) bool, taken for the defect's own (a placebo).
    """
    after, surface = result.after, result.before.surface
    changed = mask if mask is not None else (result.masks.rgb if modality == "rgb" else result.masks.depth)
    union = mask if mask is not None else result.masks.union
    whole = _shrunk(after.valid & _even(after), 2)
    inside = _shrunk(changed, 2) & whole & (result.gt if mask is None else mask)
    outside = ~_grown(union, 4) & _grown(inside, AROUND) & whole & surface.foreground
    ins, outs = (_thinned(region, rng) for region in (inside, outside))
    floor = float(np.nanmedian(surface.floor.at(after.depth[surface.foreground])))
    shape, quiet = (after.rgb[..., 1], 0.5) if modality == "rgb" else (after.depth / np.float32(floor), 3.0)
    tilt = np.degrees(np.arccos(np.clip(-after.surface.normals[..., 2], 0, 1)))

    def coarse(places):
        """(n, 4), in units of what a pair may differ by: what a patch is like before its grain."""
        fit = patches(shape, places) @ _FIT.T
        slope = np.hypot(fit[:, 1], fit[:, 2])
        bend = np.sqrt(2 * fit[:, 3] ** 2 + 2 * fit[:, 4] ** 2 + fit[:, 5] ** 2)
        brightness = patches(after.rgb.mean(-1), places).mean(1)
        return np.stack((brightness / BRIGHT, tilt[tuple(places.T)] / TILT, np.log(slope + 2 * quiet) / RATIO,
                         np.log(bend + quiet) / RATIO), 1)

    if len(ins) < 10 or len(outs) < 10:
        return None
    chosen = _matched(coarse(ins), coarse(outs))
    if len(chosen) < 10:
        return None
    ins, outs = ins[chosen[:, 0]], outs[chosen[:, 1]]
    if modality == "rgb":
        return Pairs(*(rgb_features(after.rgb, at) for at in (ins, outs)))
    return Pairs(*(depth_features(after.depth, at, floor) for at in (ins, outs)))


def _even(after):
    """Pixels linked to their neighbours: no depth step is grain."""
    linked = after.surface.linked
    return linked.all(-1) & np.roll(linked[..., 0], 1, 1) & np.roll(linked[..., 1], 1, 0)


def _shrunk(mask, by):
    return cv2.erode(mask.astype(np.uint8), np.ones((2 * by + 1,) * 2, np.uint8), borderValue=0).astype(bool)


def _grown(mask, by):
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1,) * 2, np.uint8)).astype(bool)


def _thinned(region, rng):
    places = np.argwhere(region)
    places = places[(places % 3 == 1).all(1)]
    return places[rng.permutation(len(places))]


def _matched(left, right):
    """(m, 2) indices: each inside place with the unused outside one most like it."""
    free, chosen = np.ones(len(right), bool), []
    for i, here in enumerate(left):
        off = np.abs(right - here).max(1)
        off[~free] = np.inf
        j = int(np.argmin(off))
        if off[j] <= 1:
            free[j] = False
            chosen.append((i, j))
            if len(chosen) == MOST:
                break
    return np.array(chosen, int).reshape(-1, 2)


def auc_of(groups: list[list[Pairs]]) -> float:
    """Area under the curve of a classifier that is trained on all groups (captures) but the one it judges; the mean
    over groups. 0.5 is a coin.
    """
    groups = [[p.standardised() for p in group] for group in groups if group]
    scores = []
    for i, group in enumerate(groups):
        rest = [p for j, other in enumerate(groups) if j != i for p in other]
        weights, scale = _fitted(np.concatenate([p.inside for p in rest]), np.concatenate([p.outside for p in rest]))
        inside, outside = (np.concatenate([getattr(p, side) for p in group]) for side in ("inside", "outside"))
        scores.append(_auc(*(_expanded(x) / scale @ weights for x in (inside, outside))))
    return float(np.mean(scores))


def _expanded(x):
    k = x.shape[1]
    products = [x[:, i] * x[:, j] for i in range(k) for j in range(i, k)]
    return np.stack((np.ones(len(x)), *x.T, *products), 1)


def _fitted(inside, outside, ridge=3.0):
    """Logistic regression by Newton's method."""
    x, y = _expanded(np.concatenate((inside, outside))), np.repeat((1.0, 0.0), (len(inside), len(outside)))
    scale = np.maximum(np.sqrt((x**2).mean(0)), 1e-9)
    x = x / scale
    weights = np.zeros(x.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (y - p) - ridge * weights
        bend = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(weights))
        weights = weights + np.linalg.solve(bend, slope)
    return weights, scale


def _auc(high, low):
    """Chance that a score of the first kind beats one of the second."""
    order = np.searchsorted(np.sort(low), high, "left"), np.searchsorted(np.sort(low), high, "right")
    return float((order[0] + order[1]).mean() / 2 / len(low))
