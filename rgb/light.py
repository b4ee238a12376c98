"""The light in a picture, estimated from the picture itself and the normals seen in it."""

from dataclasses import dataclass

import numpy as np

MOST = 6_000  # pixels that the fit looks at


@dataclass(frozen=True)
class Light:
    """A lamp and a uniform surrounding: a matt surface returns ambient + diffuse·max(0, n·direction).

    direction: unit vector towards the lamp, camera axes; ambient + diffuse = 1
    confidence: 0 to 1, how much of the shading that pictures of this scene show it explains
    """

    direction: tuple[float, float, float]
    ambient: float
    diffuse: float
    confidence: float

    def shading(self, normals: np.ndarray, lit: np.ndarray | float = 1.0) -> np.ndarray:
        """Relative brightness (...) of normals (..., 3); lit is 1 where the lamp is seen, 0 in its shadow."""
        towards = np.maximum(normals @ np.asarray(self.direction, np.float32), 0.0)
        return self.ambient + self.diffuse * towards * lit


AMBIENT = Light((0.0, 0.0, -1.0), 1.0, 0.0, 0.0)
"""Light from everywhere: a change of normal changes nothing."""


def estimate_light(linear: np.ndarray, normals: np.ndarray, usable: np.ndarray, noise: float = 0.005) -> Light:
    """One lamp and an ambient term that explain the brightness of what is seen, up to one albedo a colour.

    linear: (H, W, 3) float32 linear light; normals: (H, W, 3) float32, NaN invalid; usable: (H, W) bool
    Pixels are grouped by chromaticity; within a group brightness is taken as albedo·(a + b·n), first-order
    irradiance (Ramamoorthi & Hanrahan 2001), fitted in turns with the albedos, residuals down-weighted (Geman &
    McClure 1987) so that highlights and shadows do not vote. Confidence is the correlation of the fit with the
    brightness; it falls where the normals seen hardly differ.
    """
    grey = linear @ np.full(3, 1 / 3, np.float32)
    usable = usable & np.isfinite(normals[..., 0]) & (grey > max(4 * noise, 0.004)) & (linear.max(-1) < 0.98)
    chosen = np.flatnonzero(usable)
    chosen = chosen[::max(1, len(chosen) // MOST)]
    if len(chosen) < 200:
        return AMBIENT
    group = _groups(linear.reshape(-1, 3)[chosen])
    chosen, group = chosen[group >= 0], group[group >= 0]
    seen = grey.ravel()[chosen].astype(np.float64)
    n = normals.reshape(-1, 3)[chosen].astype(np.float64)
    if len(seen) < 200:
        return AMBIENT
    basis = np.concatenate((np.ones((len(n), 1)), n), 1)
    albedo = np.array([np.median(seen[group == k]) for k in range(group.max() + 1)])
    weight, solution = np.ones(len(seen)), np.zeros(4)
    for _ in range(10):
        relative = seen / albedo[group]
        rows = basis * weight[:, None]
        # A little ridge on b: what the normals do not say stays ambient.
        moment = rows.T @ basis + np.diag((0, 1, 1, 1)) * 1e-3 * len(seen)
        solution = np.linalg.solve(moment, rows.T @ relative)
        said = np.maximum(basis @ solution, 0.05)
        error = relative - said
        spread = max(1.4826 * float(np.median(np.abs(error))), 1e-4)
        weight = 1.0 / (1.0 + (error / (2.5 * spread)) ** 2) ** 2
        for k in range(len(albedo)):
            albedo[k] *= np.median((seen / albedo[group] / said)[group == k])
    strength = float(np.linalg.norm(solution[1:]))
    if strength < 1e-3:
        return AMBIENT
    ambient = max(float(solution[0]), 0.05 * strength)
    direction = solution[1:] / strength
    said = ambient + strength * np.maximum(n @ direction, 0.0)
    limit = np.quantile(seen / albedo[group], 0.97)
    relative = np.minimum(seen / albedo[group], limit)
    said *= np.median(relative) / max(float(np.median(said)), 1e-6)
    explained = 1.0 - np.mean((relative - said) ** 2) / max(float(relative.var()), 1e-9)
    turning = float(np.sqrt(max(np.linalg.eigvalsh(np.cov(n.T))[1], 0.0)))
    known = np.sqrt(np.clip(explained, 0, 1)) * np.clip(turning / 0.08, 0, 1)
    # A lamp behind the surfaces it lights, or behind the scene, is no lamp.
    facing = float(np.mean(n @ direction > 0) * np.clip((0.2 - direction[2]) / 0.4, 0, 1))
    total = ambient + strength
    return Light(tuple(float(x) for x in direction), ambient / total, strength / total, float(known * facing))


def _groups(colours, cells=12, least=0.03):
    """Chromaticity cell of each colour (N, 3), numbered from 0 in order of size; -1 in a small cell."""
    total = np.maximum(colours.sum(-1, keepdims=True), 1e-6)
    cell = np.minimum((colours[:, :2] / total * cells).astype(int), cells - 1) @ (cells, 1)
    counts = np.bincount(cell, minlength=cells * cells)
    number = np.full(cells * cells, -1)
    large = np.argsort(-counts, kind="stable")
    large = large[counts[large] >= max(50, least * len(colours))]
    number[large] = np.arange(len(large))
    return number[cell]
