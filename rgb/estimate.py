"""Which light explains the brightness of what is seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rgb.light import AMBIENT, NO_IDEA, Light, harmonics
from rgb.witnesses import Witnesses

TURNS, MANY_TURNS, MORE_TURNS = 14, 24, 5
SHININESS = (6, 12, 24, 48, 96)
FAINTEST, PLAIN = 0.02, 0.6  # of a highlight: linear light, and what it may leave unexplained
UNTRUE = 0.04  # no surface is as matt, no lamp as plain as the fit takes them
OPEN = 0.35  # how far a component of the lamp that no surface seen tells of is from none
USUAL, PRIOR = 0.4, 3e-4  # share of the light that is ambient where nothing tells, and how much that counts
LEAST_AMBIENT = 0.05  # share of the lamp's light that comes back from around in any room
DARKEST = 0.02  # brightness over albedo below which a fit says no more
DOUBTFUL_DEG = 25.0  # doubt about the direction that halves the confidence
EVEN = 0.02  # what an even sky may leave unexplained before another is looked for
UNEVEN = 0.3  # how far a harmonic of the sky is from none
PARTS = 5  # of the directions seen, each left out once
WORTH = 0.12  # share of the error at directions left out that an uneven sky must take away


def estimate_light(witnesses: Sequence[Witnesses | None], direction: np.ndarray | None = None) -> Light:
    """The lamp and sky that explain the brightness of one picture, or of several that stood in one light.

    direction: (3,) unit, towards the lamp where somebody knows it; then it is certain, and only strengths are fitted
    Within a group brightness is taken as albedo·(a + max(0, b·n)), fitted with the albedos and with which pixels face
    the lamp; residuals are down-weighted (Geman & McClure 1987) so that highlights and shadows do not vote. Confidence
    is the correlation of the fit with the brightness, less where the directions seen leave the lamp's open. The sky is
    uneven where that foretells directions left out of the fit better.
    """
    told = [one for one in witnesses if one is not None]
    unseen = AMBIENT if direction is None else Light(_numbers(direction), USUAL, 1 - USUAL, 1.0)
    if not told:
        return unseen
    w = Witnesses.joined(told)
    fit = _fitted(w) if len(told) == 1 and direction is None else _fitted_together(w, direction)
    if fit.strength < 1e-3:
        return unseen
    fit = _under_a_sky(w, fit)
    total, ambient = float(fit.said(fit.towards)), max(float(fit.around[0]), LEAST_AMBIENT * fit.strength)
    # Shading steeper than a lamp and a room make it is a sky that is darker than nothing, on all sides alike.
    sky = fit.around[1:] + (fit.around[0] - ambient) * np.array((0, 0, 0, 1, 1, 1, 0, 0, 0))
    doubt = 0.0 if direction is not None else _doubt_deg(w, fit)
    light = Light(_numbers(fit.towards), ambient / total, fit.strength / total,
                  _confidence(w, fit, doubt) if direction is None else 1.0, sky=_numbers(sky / total), doubt_deg=doubt)
    return light if w.view is None else replace(light, **_highlight(w, fit))


@dataclass(frozen=True, eq=False)
class _Fit:
    """albedo: one a group; lamp: (3,); around: (10,) light from everywhere, and how uneven it is; moment: (4, 4) of
    light from everywhere and lamp; spread: of what is left, robust. All but albedo in brightness over albedo."""

    albedo: np.ndarray
    lamp: np.ndarray
    around: np.ndarray
    moment: np.ndarray
    spread: float

    @property
    def strength(self):
        return float(np.linalg.norm(self.lamp))

    @property
    def towards(self):
        return self.lamp / self.strength

    def said(self, normals):
        """Brightness over albedo (...) of normals (..., 3)."""
        bright = self.around[0] + harmonics(normals) @ self.around[1:] + np.maximum(normals @ self.lamp, 0)
        return np.maximum(bright, DARKEST)

    def off(self, w):
        """How far (N,) what is seen is from what the fit says."""
        return np.abs(w.seen / self.albedo[w.group] - self.said(w.normals))


def _fitted(w: Witnesses) -> _Fit:
    """One lamp under an even sky, in one picture: light and albedos in turns."""
    n, group, many = w.normals, w.group, int(w.group.max()) + 1
    albedo = np.array([np.median(w.seen[group == k]) for k in range(many)])
    weight, facing = np.ones(len(n)), np.ones(len(n), bool)
    for turn in range(TURNS):
        relative = w.seen / albedo[group]
        _, moment, held, aim = _light_moments(n, facing, weight, relative)
        solution = np.linalg.solve(held, aim)
        facing = n @ solution[1:] > 0
        said = np.maximum(solution[0] + np.maximum(n @ solution[1:], 0), DARKEST)
        error = relative - said
        spread = max(1.4826 * float(np.median(np.abs(error))), 0.01)
        # First everyone is heard; who contradicts what most say is heard less and less.
        weight = _heard(error, spread * (8.0 if turn < 3 else 2.5))
        albedo *= [np.median((relative / said)[group == k]) for k in range(many)]
    return _Fit(albedo, solution[1:], np.concatenate((solution[:1], np.zeros(9))), moment, spread)


def _fitted_together(w: Witnesses, direction) -> _Fit:
    """One lamp under an even sky, in pictures that show few directions each; its direction (3,) may be known.

    Light and albedos hang on each other there, so that turns would not come to an end: one step moves both (Gauss and
    Newton). Nobody is shut out whom few others bear out.
    """
    n, group, many = w.normals, w.group, int(w.group.max()) + 1
    number = np.bincount(group, minlength=many)
    free = np.eye(4) if direction is None else np.array(((1, 0, 0, 0), (0, *direction))).T
    albedo = np.array([np.median(w.seen[group == k]) for k in range(many)])
    weight, facing, said = np.ones(len(n)), np.ones(len(n), bool), np.ones(len(n))
    for _ in range(MANY_TURNS):
        relative = w.seen / albedo[group]
        basis, moment, held, aim = _light_moments(n, facing, weight, relative)
        # What all albedos do alike is the light's; what each does is eliminated (Schur's complement).
        own = np.diag(np.bincount(group, weight * said * said, many) + PRIOR * number)
        own += np.outer(number, number) / len(n)
        shared = np.stack([np.bincount(group, weight * said * column, many) for column in basis.T])
        wanted = np.bincount(group, weight * said * relative, many)
        by_light = np.linalg.solve(own, np.concatenate((shared, wanted[None])).T)
        moment, held, aim = (moment - shared @ by_light[:, :4], held - shared @ by_light[:, :4],
                             aim - shared @ by_light[:, 4])
        solution = free @ np.linalg.solve(free.T @ held @ free, free.T @ aim)
        if direction is not None:
            solution[1:] = max(solution[1:] @ direction, 0.0) * direction
        albedo = albedo * np.clip(1 + by_light[:, 4] - by_light[:, :4] @ solution, 0.5, 2.0)
        facing = n @ solution[1:] > 0
        said = np.maximum(solution[0] + np.maximum(n @ solution[1:], 0), DARKEST)
        error = w.seen / albedo[group] - said
        spread = max(1.25 * float(np.abs(error).mean()), 0.01)
        weight = _heard(error, 6.0 * spread)
    return _Fit(albedo, solution[1:], np.concatenate((solution[:1], np.zeros(9))), moment, spread)


def _light_moments(n, facing, weight, relative):
    """The basis (N, 4) of ambient and lamp, its moments, and with a little ridge what is to be solved: what the
    normals do not say is no lamp's, and the sky has its usual share."""
    basis = np.concatenate((np.ones((len(n), 1)), n * facing[:, None]), 1)
    rows = basis * weight[:, None]
    moment = rows.T @ basis
    usual = np.array((USUAL, 0, 0, 0)) * float(np.mean(relative)) * PRIOR * len(n)
    return basis, moment, moment + np.eye(4) * PRIOR * len(n), rows.T @ relative + usual


def _heard(error, wide):
    return 1.0 / (1.0 + (error / wide) ** 2) ** 2


def _under_a_sky(w, even: _Fit) -> _Fit:
    """The fit under an uneven sky where that foretells what it was not shown; else the even one."""
    off = even.off(w)
    # What a robust spread takes for outliers may be all that another lamp lights.
    wide = 1.25 * float(np.minimum(off, 0.5).mean())
    if wide < EVEN:
        return even
    part = _parts(w.normals)
    before = after = 0.0
    for k in range(PARTS):
        out = part == k
        if 50 < np.count_nonzero(out) < len(part) - 50:
            before += np.minimum(off, 4 * wide)[out].sum()
            after += np.minimum(_uneven(w, even, ~out, wide).off(w), 4 * wide)[out].sum()
    return _uneven(w, even, part >= 0, wide) if after < (1 - WORTH) * before else even


def _parts(normals):
    """The number (N,) of the part that each direction is in; a part is many patches of 30 degrees."""
    cell = np.rint(normals * 2).astype(np.int64) + 2
    return (cell @ (1, 5, 25)) * 7 % PARTS


def _uneven(w, even: _Fit, shown, spread) -> _Fit:
    """The even fit with a sky of what its lamp leaves over on the pixels shown (N,); the lamp stays as it is."""
    n, group, seen = w.normals[shown], w.group[shown], w.seen[shown]
    basis = np.concatenate((np.ones((len(n), 1)), harmonics(n)), 1)
    by_lamp, albedo, around = np.maximum(n @ even.lamp, 0), even.albedo, even.around
    # Alike for all axes: of x² and xy, a turn of the picture makes (x² - y²)/2.
    ridge = spread**2 / (max(w.facets, 4) * UNEVEN**2) * np.diag((1,) * 7 + (0.5,) * 3) * len(n)
    share = np.bincount(group, minlength=len(albedo)) / len(group)
    for _ in range(MORE_TURNS):
        relative = seen / albedo[group]
        weight = _heard(relative - np.maximum(by_lamp + basis @ around, DARKEST), 2.5 * spread)
        rows = basis * weight[:, None]
        around = np.linalg.solve(rows.T @ basis + ridge, rows.T @ (relative - by_lamp) + ridge @ even.around)
        said = np.maximum(by_lamp + basis @ around, DARKEST)
        spread = max(min(spread, 1.25 * float(np.abs(relative - said).mean())), 0.01)
        # Albedos move against each other, not all together: that would be the lamp's.
        change = np.array([np.median((relative / said)[group == k]) if part else 1.0 for k, part in enumerate(share)])
        albedo = albedo * change / np.exp(share @ np.log(change))
    return replace(even, albedo=albedo, around=around)


def _doubt_deg(w, fit: _Fit) -> float:
    """How far the lamp's direction may be off, as the fit itself doubts it: one deviation."""
    # As many independent witnesses as directions are seen.
    told = fit.moment / len(w.seen) * max(w.facets, 4) / max(fit.spread, UNTRUE) ** 2
    doubt = np.linalg.inv(told + np.diag((USUAL**-2, OPEN**-2, OPEN**-2, OPEN**-2)))[1:, 1:]
    across = np.eye(3) - np.outer(fit.towards, fit.towards)
    angle = np.degrees(np.sqrt(max(float(np.trace(across @ doubt @ across)), 0.0)) / fit.strength)
    return float(min(angle, NO_IDEA))


def _confidence(w, fit: _Fit, doubt_deg: float) -> float:
    """How much of the shading is explained, less where the lamp's direction is open."""
    relative = w.seen / fit.albedo[w.group]
    relative = np.minimum(relative, np.quantile(relative, 0.97))
    said = fit.said(w.normals)
    said = said * np.median(relative) / max(float(np.median(said)), 1e-6)
    explained = 1.0 - np.mean((relative - said) ** 2) / max(float(relative.var()), 1e-9)
    known = np.sqrt(np.clip(explained, 0, 1)) / (1 + (doubt_deg / DOUBTFUL_DEG) ** 2)
    # A lamp behind the surfaces it lights, or behind the scene, is no lamp.
    return float(known * np.clip((0.2 - fit.towards[2]) / 0.4, 0, 1))


def _highlight(w, fit: _Fit) -> dict[str, float]:
    """The lobe that explains what a matt surface leaves over, where one plainly does; else none."""
    rest = w.seen - fit.albedo[w.group] * fit.said(w.normals)
    half = fit.towards + w.view
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    cosine = np.maximum(np.einsum("ij,ij->i", w.normals, half), 0) * (w.normals @ fit.lamp > 0)
    best = {}, float(rest @ rest)
    for shininess in SHININESS:
        lobe = cosine**shininess
        core, within = lobe > 0.5, lobe > 0.1
        if core.sum() < 30 or core.mean() > 0.5:
            continue
        specular = float(rest @ lobe / (lobe @ lobe))
        left = (rest - specular * lobe) ** 2
        # Far from the lobe grain and dark corners are left over, lobe or none.
        plain = float(left[within].sum()) < PLAIN * float((rest[within] ** 2).sum())
        if specular > FAINTEST and plain and left.sum() < best[1]:
            best = {"specular": specular, "shininess": float(shininess)}, float(left.sum())
    return best[0]


def _numbers(values):
    return tuple(float(x) for x in values)
