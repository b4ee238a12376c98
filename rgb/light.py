"""The light in a picture, estimated from the picture itself and the normals seen in it."""

from dataclasses import dataclass, replace

import numpy as np

MOST = 6_000  # pixels that the fit looks at
LEAST = 200
FACETS = 8  # directions are told apart by about seven degrees
TURNS = 14
SHININESS = (6, 12, 24, 48, 96)
FAINTEST, PLAIN = 0.02, 0.6  # of a highlight: linear light, and what it may leave unexplained
UNTRUE = 0.04  # no surface is as matt, no lamp as plain as the fit takes them
ASKANCE = -0.25  # z of a normal that is seen at 75 degrees
EDGE = 0.985  # cosine of a turn (10 degrees) from one pixel to the next
OPEN = 0.35  # how far a component of the lamp that no surface seen tells of is from none
USUAL, PRIOR = 0.4, 3e-4  # share of the light that is ambient where nothing tells, and how much that counts
DOUBTFUL_DEG = 25.0  # doubt about the direction that halves the confidence


@dataclass(frozen=True)
class Light:
    """A lamp and a uniform surrounding: a matt surface returns ambient + diffuse·max(0, n·direction), and a glossy
    one the lamp's own light besides, specular·max(0, n·h)^shininess, h half way to the viewer (Blinn 1977).

    direction: unit vector towards the lamp, camera axes; ambient + diffuse = 1
    confidence: 0 to 1, how much of the shading that pictures of this scene show it explains
    specular: linear light of the highlight, whatever the surface's colour; 0 where no highlight was made out
    """

    direction: tuple[float, float, float]
    ambient: float
    diffuse: float
    confidence: float
    specular: float = 0.0
    shininess: float = 1.0

    def shading(self, normals: np.ndarray, lit: np.ndarray | float = 1.0) -> np.ndarray:
        """Relative brightness (...) of normals (..., 3); lit is 1 where the lamp is seen, 0 in its shadow."""
        towards = np.maximum(normals @ np.asarray(self.direction, np.float32), 0.0)
        return self.ambient + self.diffuse * towards * lit


AMBIENT = Light((0.0, 0.0, -1.0), 1.0, 0.0, 0.0)
"""Light from everywhere: a change of normal changes nothing."""


def estimate_light(linear: np.ndarray, normals: np.ndarray, usable: np.ndarray, noise: float = 0.005,
                   points: np.ndarray | None = None) -> Light:
    """One lamp and an ambient term that explain the brightness of what is seen, up to one albedo a colour.

    linear: (H, W, 3) float32 linear light; normals: (H, W, 3) float32, NaN invalid; usable: (H, W) bool; points:
    (H, W, 3) float32 m where they are known, which tell where a highlight would be
    Every direction that a surface faces has the same say, however much of the picture it fills: a large flat face
    tells of one brightness only. Pixels are grouped by chromaticity; within a group brightness is taken as
    albedo·(a + max(0, b·n)), fitted in turns with the albedos and with which of them face the lamp; residuals are
    down-weighted (Geman & McClure 1987) so that highlights and shadows do not vote. Confidence is the correlation of
    the fit with the brightness, less where the directions seen leave the lamp's open.
    """
    grey = linear @ np.full(3, 1 / 3, np.float32)
    usable = usable & np.isfinite(normals[..., 0]) & (grey > max(4 * noise, 0.004)) & (linear.max(-1) < 0.98)
    # What is seen askance has few pixels a millimetre, and normals to match.
    smooth = usable & ~_turning(normals) & (normals[..., 2] < ASKANCE)
    usable = smooth if np.count_nonzero(smooth) > 0.3 * np.count_nonzero(usable) else usable
    chosen, facets = _spread_out(normals.reshape(-1, 3), np.flatnonzero(usable))
    if len(chosen) < LEAST:
        return AMBIENT
    group = _groups(linear.reshape(-1, 3)[chosen])
    chosen, group = chosen[group >= 0], group[group >= 0]
    if len(chosen) < LEAST:
        return AMBIENT
    seen = grey.ravel()[chosen].astype(np.float64)
    n = normals.reshape(-1, 3)[chosen].astype(np.float64)
    relative, solution, moment, spread = _fitted(seen, n, group)
    strength = float(np.linalg.norm(solution[1:]))
    if strength < 1e-3:
        return AMBIENT
    ambient, direction = max(float(solution[0]), 0.05 * strength), solution[1:] / strength
    relative_all, limit = relative, np.quantile(relative, 0.97)
    relative = np.minimum(relative, limit)
    said = ambient + strength * np.maximum(n @ direction, 0.0)
    said *= np.median(relative) / max(float(np.median(said)), 1e-6)
    explained = 1.0 - np.mean((relative - said) ** 2) / max(float(relative.var()), 1e-9)
    # The fit's own doubt about the direction: as many independent witnesses as directions are seen.
    told = moment / len(seen) * max(facets, 4) / max(spread, UNTRUE) ** 2
    doubt = np.linalg.inv(told + np.diag((USUAL**-2, OPEN**-2, OPEN**-2, OPEN**-2)))[1:, 1:]
    across = np.eye(3) - np.outer(direction, direction)
    angle = np.degrees(np.sqrt(max(float(np.trace(across @ doubt @ across)), 0.0)) / strength)
    known = np.sqrt(np.clip(explained, 0, 1)) / (1 + (angle / DOUBTFUL_DEG) ** 2)
    # A lamp behind the surfaces it lights, or behind the scene, is no lamp.
    facing = float(np.clip((0.2 - direction[2]) / 0.4, 0, 1))
    total = ambient + strength
    lamp = Light(tuple(float(x) for x in direction), ambient / total, strength / total, float(known * facing))
    if points is None:
        return lamp
    rest = seen - seen / relative_all * (ambient + strength * np.maximum(n @ direction, 0.0))
    return replace(lamp, **_highlight(rest, n, points.reshape(-1, 3)[chosen].astype(np.float64), direction))


def _highlight(rest, n, points, direction):
    """The lobe that explains what a matt surface leaves over (N,), where one plainly does; else none."""
    half = direction - points / np.linalg.norm(points, axis=1, keepdims=True)
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    cosine = np.maximum(np.einsum("ij,ij->i", n, half), 0) * (n @ direction > 0)
    best = {}, PLAIN * float(rest @ rest)
    for shininess in SHININESS:
        lobe = cosine**shininess
        core = lobe > 0.5
        if core.sum() < 30 or core.mean() > 0.5:
            continue
        specular = float(rest @ lobe / (lobe @ lobe))
        left = float(((rest - specular * lobe) ** 2).sum())
        if specular > FAINTEST and left < best[1]:
            best = {"specular": specular, "shininess": float(shininess)}, left
    return best[0]


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


def _fitted(seen, n, group):
    """Brightness over albedo, (a, b) of the fit, its moments and robust spread."""
    albedo = np.array([np.median(seen[group == k]) for k in range(group.max() + 1)])
    weight, solution, facing = np.ones(len(seen)), np.zeros(4), np.ones(len(seen), bool)
    for turn in range(TURNS):
        basis = np.concatenate((np.ones((len(n), 1)), n * facing[:, None]), 1)
        rows = basis * weight[:, None]
        relative = seen / albedo[group]
        moment = rows.T @ basis
        # A little ridge: what the normals do not say is no lamp's, and the surroundings have their usual share.
        ridge = np.diag((PRIOR, PRIOR, PRIOR, PRIOR)) * len(seen)
        usual = np.array((USUAL, 0, 0, 0)) * float(np.mean(relative)) * PRIOR * len(seen)
        solution = np.linalg.solve(moment + ridge, rows.T @ relative + usual)
        towards = n @ solution[1:]
        facing = towards > 0
        said = np.maximum(solution[0] + np.maximum(towards, 0), 0.02)
        error = relative - said
        spread = max(1.4826 * float(np.median(np.abs(error))), 0.01)
        # First everyone is heard; who contradicts what most say is heard less and less.
        wide = spread * (8.0 if turn < 3 else 2.5)
        weight = 1.0 / (1.0 + (error / wide) ** 2) ** 2
        for k in range(len(albedo)):
            albedo[k] *= np.median((relative / said)[group == k])
    return seen / albedo[group], solution, moment, spread


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
