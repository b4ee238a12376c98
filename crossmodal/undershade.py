"""The light that lifted matter leaves on the surface beneath it: its shadow falls beside it, some light between."""

import math

import numpy as np
from numba import njit

from crossmodal.relight import OCCLUSION_REACH, PENUMBRA, RATIO, RING
from rgb.light import Light


def undershade(light: Light, smooth: np.ndarray, normal: np.ndarray, ground: np.ndarray, state: np.ndarray,
               top_mm: np.ndarray, under_mm: np.ndarray, focal: tuple[float, float], fine: int) -> np.ndarray:
    """Brightness after over before of the surface at every node of the ground (nh, nw), 1 elsewhere.

    Matter fills the heights from under_mm to top_mm over each node, none where they are equal; the rest as in
    crossmodal.relight.shading_ratio, whose penumbra and horizon these are, with a floor under what hides them.
    """
    lamp = np.array((*light.direction, light.ambient, light.diffuse, light.confidence))
    return _undershade(lamp, smooth, normal, ground, state, top_mm, under_mm, focal[0] * fine, focal[1] * fine)


@njit(cache=True, nogil=True)
def _undershade(lamp, smooth, normal, ground, state, top, under, fx, fy):
    nh, nw = state.shape
    out = np.ones((nh, nw), np.float32)
    lx, ly, lz, ambient, diffuse, confidence = lamp
    highest, thickest, pixel = 0.0, 0.0, 1e3 / max(fx, fy)
    for y in range(nh):
        for x in range(nw):
            highest, thickest = max(highest, top[y, x]), max(thickest, top[y, x] - under[y, x])
    for y in range(nh):
        for x in range(nw):
            if not ground[y, x]:
                continue
            open_ = _open(smooth, state, top, under, y, x, OCCLUSION_REACH * thickest, pixel * smooth[y, x, 2])
            lit = 1.0
            if confidence * diffuse > 0.0:
                lit = _lit(lx, ly, lz, smooth, normal, state, top, under, y, x, highest, fx, fy)
            if open_ == 1.0 and lit == 1.0:
                continue
            nx, ny, nz = normal[y, x, 0], normal[y, x, 1], normal[y, x, 2]
            towards = max(0.0, nx * lx + ny * ly + nz * lz)
            ratio = (ambient * open_ + diffuse * towards * lit) / (ambient + diffuse * towards)
            out[y, x] = min(max(open_ + confidence * (ratio - open_), RATIO[0]), RATIO[1])
    return out


@njit(cache=True, nogil=True, inline="always")
def _sine2(rise, far):
    """sin² of the angle under which a height is seen from so far."""
    return rise * rise / (rise * rise + far * far)


@njit(cache=True, nogil=True, inline="always")
def _open(smooth, state, top, under, y, x, reach, node_mm):
    """Share of the light from everywhere that comes past the matter: in each direction it shuts the band between the
    lowest sight of its underside and the highest of its top. node_mm: the least that a node spans.
    """
    shut = 0.0
    overhead = top[y, x] > under[y, x]
    first = (y + 2 * x) % 4
    for k in range(first, 8, 4):
        worst, step = 0.0, 1
        highest = 1.0 if overhead else 0.0
        while step < 64:
            i, j = y + RING[k, 0] * step, x + RING[k, 1] * step
            if i < 0 or j < 0 or i >= state.shape[0] or j >= state.shape[1] or not state[i, j]:
                break
            if top[i, j] > under[i, j]:
                ax, ay, az = (smooth[i, j, 0] - smooth[y, x, 0], smooth[i, j, 1] - smooth[y, x, 1],
                              smooth[i, j, 2] - smooth[y, x, 2])
                far = 1e3 * math.sqrt(ax * ax + ay * ay + az * az)
                if far >= reach:
                    break
                highest = max(highest, _sine2(top[i, j], far))
                worst = max(worst, (1.0 - far / reach) * (highest - _sine2(under[i, j], far)))
            elif step * node_mm >= reach:
                break
            step += max(1, step // 2)
        shut += worst
    return 1.0 - shut / 2.0


@njit(cache=True, nogil=True, inline="always")
def _lit(lx, ly, lz, smooth, normal, state, top, under, y, x, highest, fx, fy):
    """1 where the lamp is seen past the matter, 0 in its shadow, between in the penumbra."""
    nx, ny, nz = normal[y, x, 0], normal[y, x, 1], normal[y, x, 2]
    rise = lx * nx + ly * ny + lz * nz
    tx, ty, tz = lx - rise * nx, ly - rise * ny, lz - rise * nz
    level = math.sqrt(tx * tx + ty * ty + tz * tz)
    if rise <= 0.02:
        return 1.0
    level = max(level, 1e-3)
    slope = rise / level
    px, py, pz = smooth[y, x, 0], smooth[y, x, 1], smooth[y, x, 2]
    gx = 1e-3 * fx / pz * (tx - px / pz * tz) / level
    gy = 1e-3 * fy / pz * (ty - py / pz * tz) / level
    stride = max(abs(gx), abs(gy))
    if stride < 1e-6:
        return 1.0
    mm = 1.0 / stride
    lit = 1.0
    for k in range(200):
        along = k * mm
        ray = along * slope
        if ray >= highest + PENUMBRA * along:
            break
        i, j = int(round(y + gy * along)), int(round(x + gx * along))
        if i < 0 or j < 0 or i >= state.shape[0] or j >= state.shape[1] or not state[i, j]:
            break
        if top[i, j] <= under[i, j]:
            continue
        # How much of the lamp is left over the top and under the underside, against how much there was.
        width = 2.0 * PENUMBRA * (along + mm)
        was = min(1.0, 0.5 + ray / width)
        now = min(1.0, max(0.0, 0.5 + (ray - top[i, j]) / width))
        now += min(1.0, max(0.0, 0.5 + (under[i, j] - ray) / width)) - min(1.0, max(0.0, 0.5 - ray / width))
        lit = min(lit, max(0.0, now / was))
        if lit <= 0.0:
            return 0.0
    return lit
