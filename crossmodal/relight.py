"""How a moved surface returns the light: the ratio of shading after to before, with the shadow it casts on itself.

Shading is taken on the nodes, in surface space; the picture then samples it. The height of the defect over the
undisturbed surface is what casts shadow, so that noise of the scan casts none.
"""

import math

import numpy as np
from numba import njit

from rgb.light import DARKEST, EVEN_SKY, Light

PENUMBRA = 0.08  # tangent of the lamp's angular radius: a bench lamp, not a laser
OCCLUSION_REACH = 1.5  # heights of a relief beyond which it shuts out no light
SHALLOW = 0.2  # share of that reach below the relief's top at which a place counts as open
RING = np.array(((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)))
WALL = 3  # state of a node that stands in for a wall; a node of more is gone
BENT = 0.99  # cosine between two places beyond which the one does not lie in the other's plane
RATIO = (0.12, 3.0)  # what an exposure of one picture can hold of a change in shading


def shading_ratio(light: Light, smooth: np.ndarray, normal: np.ndarray, state: np.ndarray,
                  displacement_mm: np.ndarray, focal: tuple[float, float], fine: int,
                  moved: np.ndarray | None = None, occlusion: float = OCCLUSION_REACH) -> np.ndarray:
    """Brightness after over before at every node.

    smooth, normal: (nh, nw, 3) float32 m; state: (nh, nw) uint8, more where a wall goes down and more yet where nothing
    is left, whose neighbours of less see nothing of their slope; displacement_mm: (nh, nw) float32;
    focal: in pixels; fine: nodes a pixel; moved: (nh, nw, 3) float32 m, where the nodes are after, if not along
    their normals; occlusion: heights of the relief up to which it shuts out light, 0 for what moves as one plate
    → (nh, nw) float32, exactly 1 where neither normal nor shadow changed. What the light estimate does not know
    is taken as light from everywhere, which a change of normal leaves alone and a cavity shuts out.
    """
    lamp = np.array((*light.direction, light.ambient, light.diffuse, light.confidence))
    if moved is None:
        moved = along(smooth, normal, state, displacement_mm)
    sky = np.array(light.sky if light.sky != EVEN_SKY else ())
    return _ratio(lamp, sky, smooth, moved, normal, state, displacement_mm, focal[0] * fine, focal[1] * fine, fine,
                  float(occlusion))


def shine(light: Light, smooth: np.ndarray, moved: np.ndarray, state: np.ndarray,
          displacement_mm: np.ndarray) -> np.ndarray:
    """(nh, nw, 2) float32: linear light of the lamp's own highlight at every node before and after; both 0 where the
    normal did not change. Arguments as in shading_ratio.
    """
    lobe = np.array((*light.direction, light.confidence * light.specular, light.shininess))
    return _shine(lobe, smooth, moved, state, displacement_mm)


def glint(light: Light, moved: np.ndarray, state: np.ndarray) -> np.ndarray:
    """(nh, nw) float32: linear light of the lamp's own highlight at every node after, moved or not. Arguments as in
    shading_ratio.
    """
    lobe = np.array((*light.direction, light.confidence * light.specular, light.shininess))
    return _shine(lobe, moved, moved, state, np.ones(state.shape, np.float32))[..., 1]


@njit(cache=True, nogil=True)
def _shine(lobe, smooth, moved, state, d):
    nh, nw = state.shape
    out = np.zeros((nh, nw, 2), np.float32)
    for y in range(nh):
        for x in range(nw):
            if not state[y, x]:
                continue
            here = state[y, x]
            if here > WALL and _alone(state, y, x):
                continue
            y0 = y - 1 if y > 0 and 0 < state[y - 1, x] <= here else y
            y1 = y + 1 if y + 1 < nh and 0 < state[y + 1, x] <= here else y
            x0 = x - 1 if x > 0 and 0 < state[y, x - 1] <= here else x
            x1 = x + 1 if x + 1 < nw and 0 < state[y, x + 1] <= here else x
            still = d[y0, x] == 0.0 and d[y1, x] == 0.0 and d[y, x0] == 0.0 and d[y, x1] == 0.0 and d[y, x] == 0.0
            if still or y0 == y1 or x0 == x1:
                continue
            px, py, pz = smooth[y, x, 0], smooth[y, x, 1], smooth[y, x, 2]
            away = math.sqrt(px * px + py * py + pz * pz)
            hx, hy, hz = lobe[0] - px / away, lobe[1] - py / away, lobe[2] - pz / away
            length = math.sqrt(hx * hx + hy * hy + hz * hz)
            if length < 1e-6:
                continue
            hx, hy, hz = hx / length, hy / length, hz / length
            if _towards(smooth, y, x, y0, y1, x0, x1, lobe[0], lobe[1], lobe[2]) > 0.0:
                out[y, x, 0] = lobe[3] * _towards(smooth, y, x, y0, y1, x0, x1, hx, hy, hz) ** lobe[4]
            if _towards(moved, y, x, y0, y1, x0, x1, lobe[0], lobe[1], lobe[2]) > 0.0:
                out[y, x, 1] = lobe[3] * _towards(moved, y, x, y0, y1, x0, x1, hx, hy, hz) ** lobe[4]
    return out


@njit(cache=True, nogil=True, inline="always")
def _alone(state, y, x):
    """Whether all about a node is gone as it is: nothing that is left takes its light from there."""
    for i in range(max(0, y - 1), min(state.shape[0], y + 2)):
        for j in range(max(0, x - 1), min(state.shape[1], x + 2)):
            if state[i, j] <= WALL:
                return False
    return True


@njit(cache=True, nogil=True)
def along(smooth, normal, state, d):
    """(nh, nw, 3) float32 m: nodes displaced by d (nh, nw) mm along their normals; undefined where state is 0."""
    out = np.empty_like(smooth)
    for y in range(state.shape[0]):
        for x in range(state.shape[1]):
            if state[y, x]:
                for c in range(3):
                    out[y, x, c] = smooth[y, x, c]
                    if d[y, x] != 0.0:
                        out[y, x, c] += 1e-3 * d[y, x] * normal[y, x, c]
    return out


def shadow_reach_mm(light: Light, normal: np.ndarray, highest_mm: float) -> float:
    """How far a relief so high throws its shadow on ground of this normal (3,); 0 where no lamp is known."""
    if light.confidence * light.diffuse < 0.02:
        return 0.0
    rise = float(normal @ np.asarray(light.direction))
    slope = rise / max((1.0 - rise * rise), 1e-6) ** 0.5
    return highest_mm / max(slope - PENUMBRA, 0.12) if rise > 0 else 0.0


def contact_reach_mm(field) -> float:
    """How far around a field's relief the light from everywhere is dimmed; 0 where it stands out too little."""
    relief = relief_mm(field)
    return OCCLUSION_REACH * relief if field.highest_mm > SHALLOW * OCCLUSION_REACH * relief else 0.0


def relief_mm(field) -> float:
    """How thick a field's relief is between what shuts out light and what it is shut out from."""
    return getattr(field, "thickest_mm", field.highest_mm + field.deepest_mm)


@njit(cache=True, nogil=True, error_model="numpy")
def _ratio(lamp, sky, smooth, moved, normal, state, d, fx, fy, fine, occlusion):
    nh, nw = state.shape
    out = np.ones((nh, nw), np.float32)
    lx, ly, lz, ambient, diffuse, confidence = lamp
    top, bottom = max(0.0, float(d.max())), min(0.0, float(d.min()))
    if top == bottom:
        return out
    pixel = 1e3 / max(fx, fy)
    for y in range(nh):
        for x in range(nw):
            if not state[y, x]:
                continue
            here = state[y, x]
            if here > WALL and _alone(state, y, x):
                continue
            y0 = y - 1 if y > 0 and 0 < state[y - 1, x] <= here else y
            y1 = y + 1 if y + 1 < nh and 0 < state[y + 1, x] <= here else y
            x0 = x - 1 if x > 0 and 0 < state[y, x - 1] <= here else x
            x1 = x + 1 if x + 1 < nw and 0 < state[y, x + 1] <= here else x
            still = d[y0, x] == 0.0 and d[y1, x] == 0.0 and d[y, x0] == 0.0 and d[y, x1] == 0.0 and d[y, x] == 0.0
            open_ = _open(smooth, state, d, y, x, top, occlusion * (top - bottom), fine, pixel * smooth[y, x, 2])
            lit = 1.0
            if confidence * diffuse > 0.0:
                lit = _lit(lx, ly, lz, smooth, normal, state, d, y, x, top, fx, fy, still)
            if (still and lit == 1.0 and open_ == 1.0) or y0 == y1 or x0 == x1:
                continue
            before = _towards(smooth, y, x, y0, y1, x0, x1, lx, ly, lz)
            after = before if still else _towards(moved, y, x, y0, y1, x0, x1, lx, ly, lz)
            around, left = ambient, ambient * open_
            if len(sky):
                was = _sky(smooth, y, x, y0, y1, x0, x1, sky)
                is_ = was if still else _sky(moved, y, x, y0, y1, x0, x1, sky)
                around += was
                left += is_ * open_ if is_ > 0.0 else is_
            ratio = max(left + diffuse * after * lit, DARKEST) / max(around + diffuse * before, DARKEST)
            out[y, x] = min(max(open_ + confidence * (ratio - open_), RATIO[0]), RATIO[1])
    return out


@njit(cache=True, nogil=True, inline="always")
def _open(smooth, state, d, y, x, top, reach_mm, fine, node_mm):
    """Share of the light from everywhere that a node's surroundings let in (horizon scan, Max 1988): over each
    direction cos² of the horizon that the relief raises, fading out with distance. node_mm: the least that one spans.
    """
    here = d[y, x]
    if top - here < SHALLOW * reach_mm or reach_mm == 0.0:
        return 1.0
    shut = 0.0
    # Of several nodes a pixel, each looks along one line; their mean sees all round.
    first, stride = ((y + 2 * x) % 4, 4) if fine > 1 else (0, 1)
    for k in range(first, 8, stride):
        worst, step = 0.0, 1
        while step < 64:
            i, j = y + RING[k, 0] * step, x + RING[k, 1] * step
            if i < 0 or j < 0 or i >= state.shape[0] or j >= state.shape[1] or not state[i, j]:
                break
            rise = d[i, j] - here
            if rise > 0.0:
                ax, ay, az = (smooth[i, j, 0] - smooth[y, x, 0], smooth[i, j, 1] - smooth[y, x, 1],
                              smooth[i, j, 2] - smooth[y, x, 2])
                square = 1e6 * (ax * ax + ay * ay + az * az)
                if square >= reach_mm * reach_mm:
                    break
                # cos² of the horizon is rise² / (far² + rise²)
                worst = max(worst, (1.0 - math.sqrt(square) / reach_mm) * rise * rise / (square + rise * rise))
            elif step * node_mm >= reach_mm:
                break
            step += max(1, step // 2) if fine == 1 else step
        shut += worst
    return 1.0 - shut * stride / 8.0


@njit(cache=True, nogil=True, inline="always")
def _towards(points, y, x, y0, y1, x0, x1, lx, ly, lz):
    """max(0, n·l) at a node, n from central differences of its neighbours."""
    ax, ay, az = (points[y1, x, 0] - points[y0, x, 0], points[y1, x, 1] - points[y0, x, 1],
                  points[y1, x, 2] - points[y0, x, 2])
    bx, by, bz = (points[y, x1, 0] - points[y, x0, 0], points[y, x1, 1] - points[y, x0, 1],
                  points[y, x1, 2] - points[y, x0, 2])
    # Rows run down and columns right, so this product points to the viewer.
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    length = math.sqrt(nx * nx + ny * ny + nz * nz)
    if length == 0.0:
        return 0.0
    return max(0.0, (nx * lx + ny * ly + nz * lz) / length)


@njit(cache=True, nogil=True, inline="always")
def _sky(points, y, x, y0, y1, x0, x1, sky):
    """What an uneven sky gives a node beyond an even one (see rgb.light), n as in _towards."""
    ax, ay, az = (points[y1, x, 0] - points[y0, x, 0], points[y1, x, 1] - points[y0, x, 1],
                  points[y1, x, 2] - points[y0, x, 2])
    bx, by, bz = (points[y, x1, 0] - points[y, x0, 0], points[y, x1, 1] - points[y, x0, 1],
                  points[y, x1, 2] - points[y, x0, 2])
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    length = math.sqrt(nx * nx + ny * ny + nz * nz)
    if length == 0.0:
        return 0.0
    nx, ny, nz = nx / length, ny / length, nz / length
    return (sky[0] * nx + sky[1] * ny + sky[2] * nz + sky[3] * nx * nx + sky[4] * ny * ny + sky[5] * nz * nz
            + sky[6] * ny * nz + sky[7] * nz * nx + sky[8] * nx * ny)


@njit(cache=True, nogil=True, inline="always")
def _lit(lx, ly, lz, smooth, normal, state, d, y, x, top, fx, fy, still):
    """1 where the lamp is seen over the defect's own relief, 0 in its shadow, between in the penumbra.

    Ground that faces away from the lamp hides it from what stands on it or is sunk into it, whichever way that faces.
    """
    nx, ny, nz = normal[y, x, 0], normal[y, x, 1], normal[y, x, 2]
    rise = lx * nx + ly * ny + lz * nz
    tx, ty, tz = lx - rise * nx, ly - rise * ny, lz - rise * nz
    level = math.sqrt(tx * tx + ty * ty + tz * tz)
    if level < 1e-3:
        return 1.0 if rise > 0.0 else 0.0
    slope = rise / level
    height = d[y, x]
    if slope <= 0.0 and still:
        return 1.0
    if slope > 0.0 and (top - height) <= 0.0:
        return 1.0
    px, py, pz = smooth[y, x, 0], smooth[y, x, 1], smooth[y, x, 2]
    # Nodes that one millimetre towards the lamp, along the surface, spans in the picture.
    gx = 1e-3 * fx / pz * (tx - px / pz * tz) / level
    gy = 1e-3 * fy / pz * (ty - py / pz * tz) / level
    stride = max(abs(gx), abs(gy))
    if stride < 1e-6:
        return 1.0
    mm = 1.0 / stride
    lit, above = 1.0, slope
    for k in range(1, 200):
        along = k * mm
        ray = height + along * slope
        if slope > 0.0 and ray >= top + PENUMBRA * along:
            break
        i, j = int(round(y + gy * along)), int(round(x + gx * along))
        if i < 0 or j < 0 or i >= state.shape[0] or j >= state.shape[1] or not state[i, j]:
            break
        if slope <= 0.0:
            above = lx * normal[i, j, 0] + ly * normal[i, j, 1] + lz * normal[i, j, 2]
        # How much of the lamp is left over the moved surface, against how much was over the flat one.
        width = 2.0 * PENUMBRA * (along + mm)
        now = min(1.0, 0.5 + (ray - d[i, j]) / width)
        was = min(1.0, 0.5 + max(along * slope, 0.0) / width)
        if now < was and now < lit * was:
            nx1, ny1, nz1 = normal[i, j, 0], normal[i, j, 1], normal[i, j, 2]
            alike = nx * nx1 + ny * ny1 + nz * nz1
            if alike < BENT:
                # The lamp's ray as it passes over the surface there, which is not where the plane from here has it.
                over = (1e3 * ((px - smooth[i, j, 0]) * nx1 + (py - smooth[i, j, 1]) * ny1
                               + (pz - smooth[i, j, 2]) * nz1) + along / level * (lx * nx1 + ly * ny1 + lz * nz1))
                was = min(1.0, 0.5 + max(over, 0.0) / width)
                now = min(was, 0.5 + (over + height * alike - d[i, j]) / width)
                if now >= lit * was:
                    continue
            lit = now / was
            if lit <= 0.0:
                return 0.0
    # Where nothing more is known the ground goes on as it is.
    return lit if above > 0.0 else min(lit, max(0.0, 1.0 + above / PENUMBRA))
