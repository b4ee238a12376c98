"""Matter upon a surface, as a sheet of its own: the surface stays beneath it, and is seen where the sheet lifts off."""

from dataclasses import replace

import numpy as np
from numba import njit

from crossmodal.edit import Sample, SurfaceEdit, scattered, within
from crossmodal.gain import WET
from crossmodal.laid import laid
from crossmodal.normals import STEEPEST
from crossmodal.overhang import Sheet, widened
from crossmodal.raster import COARSEST_FEATURE_PX, FINE, displace, refine, splat
from crossmodal.relight import along, shading_ratio, shine
from crossmodal.see import Seen, chart_over, joined, tiles, touched
from crossmodal.surface import Surface
from crossmodal.undershade import undershade

FINEST = 4 * FINE
WETTED, LENS = 0.75, (0.6, 1.7)  # of its light what a wet surface returns, and how a drop shares it out
CLEAREST = 0.25  # share of a pixel that the clearest drop's own colour takes
NODES_ACROSS = 2.4  # of the finest feature, or a hair would break into dots


def see_matter(surface: Surface, edit: SurfaceEdit) -> Seen | None:
    """What the view behind a surface sees of matter laid on it; None where that is out of its sight."""
    charted = chart_over(surface, edit)
    if charted is None:
        return None
    sheet = Sheet.over(surface, edit, *widened(surface, edit, *charted))
    near_by = touched(surface, edit, sheet.rows, sheet.columns, sheet.st_mm)
    if near_by is None:
        return None
    rows, columns, _, near = near_by
    sheet = sheet.window(rows, columns)
    fine = _nodes_a_pixel(edit.field.finest_mm / surface.mm_per_pixel)
    parts = [(inner, part) for inner, outer in _cut(surface, edit, near, fine)
             if (part := _see_tile(surface, edit, sheet, near, outer, fine)) is not None]
    if not parts:
        return None
    if len(parts) == 1 and parts[0][1].z_m.shape == near.shape:
        return parts[0][1]
    return joined(surface, rows, columns, near.shape, parts)


def _cut(surface, edit, near, fine):
    """The window's tiles, or the window whole where they overlap so much that they are more than it."""
    cut = list(tiles(surface, edit, near, fine))
    if sum((outer[0].stop - outer[0].start) * (outer[1].stop - outer[1].start) for _, outer in cut) > near.size:
        whole = np.s_[0:near.shape[0], 0:near.shape[1]]
        return [(whole, whole)]
    return cut


def _nodes_a_pixel(finest_px: float) -> int:
    if finest_px >= COARSEST_FEATURE_PX / 2:
        return 1 if finest_px >= COARSEST_FEATURE_PX else 2
    fine = FINE
    while fine < FINEST and fine * finest_px < NODES_ACROSS:
        fine *= 2
    return fine


def _see_tile(surface, edit, sheet, near, outer, fine) -> Seen | None:
    rows = sheet.rows[0] + outer[0].start, sheet.rows[0] + outer[0].stop
    columns = sheet.columns[0] + outer[1].start, sheet.columns[0] + outer[1].stop
    points, normals, linked, st, beyond, void, near = (
        np.ascontiguousarray(a[outer]) for a in (sheet.points, sheet.normals, sheet.linked, sheet.st_mm, sheet.beyond,
                                                 sheet.void, near))
    side = 2 * round(0.25 * edit.field.finest_mm / surface.mm_per_pixel) + 1
    ways = np.ascontiguousarray(edit.directions(normals, np.isfinite(st[..., :1]), side), np.float32)
    smooth, normal, chart, state = refine(points, ways, linked, st, near, fine)
    bounded = within(chart, edit.field.bounds_mm)
    places = chart[bounded]
    sample = edit.field.sample(places[:, 0], places[:, 1])
    inside = np.zeros(bounded.shape, bool)
    inside[bounded] = sample.support
    if not inside.any():
        return None
    sample = scattered(sample, bounded)
    ground = lit = state > 0
    if beyond.any():
        ground, lit = ground & _clear_of(beyond, fine), lit & _clear_of(void, fine)
    del points, normals, st, ways, chart, places  # the most is still to come
    return _laid_over(surface, rows, columns, smooth, normal, state, linked, sample, inside, ground, lit, fine)


def _laid_over(surface, rows, columns, smooth, normal, state, linked, sample, inside, ground, lit, fine) -> Seen:
    camera, light = surface.camera, surface.light
    focal = camera.fx, camera.fy
    base = np.ascontiguousarray(surface.points[rows[0]:rows[1], columns[0]:columns[1], 2])
    top, under, loose, sheet = sample.displacement_mm, sample.underside_mm, ~ground, state
    lifted = under is not None and bool((under > 0).any())
    if lifted:
        top, under, sheet = _closed(top, under, inside, state)
        loose = loose | ((top > 0) & ~inside)
    else:
        under = np.zeros_like(top)
    shape = base.shape[0] * fine, base.shape[1] * fine
    z, source = _first_hits(camera, smooth, normal, sheet, linked, top, fine, shape)
    below = np.zeros(shape, bool)
    if lifted:
        z_under, source_under = _first_hits(camera, smooth, normal, sheet, linked, under, fine, shape)
        _nearest(z, source, below, z_under, source_under)
    # A lifted body is shaded by itself alone, and the surface by what passes over it.
    body = state * (top > 0) if lifted else state
    ratio = shading_ratio(light, smooth, normal, body, top, focal, fine)
    if lifted:
        shade = undershade(light, smooth, normal, lit, state, top, under, focal, fine)
    else:
        shade = np.minimum(ratio, 1)  # it keeps its normals beside the matter: it can only lose light
    if sample.gloss is not None:
        # A lens throws the light on its far side: what is seen through it is bright where its own face is dark.
        wet = np.minimum(1, sample.cover[..., 3] / CLEAREST)
        shade = np.where(inside, 1 + wet * (WETTED * np.clip(2 - ratio, *LENS) - 1), shade).astype(np.float32)
    gap = 4 * np.asarray(surface.floor.at(base), np.float32) + base * np.float32(STEEPEST / camera.fx)
    tone = _tone(light, sample, smooth, normal, state, top, inside, ratio)
    return Seen(rows, columns, *laid(base, gap, z, below, source, smooth, ground, lit, inside, loose, top, under,
                                     tone, shade, fine))


def _first_hits(camera, smooth, normal, state, linked, height_mm, fine, shape):
    """z (inf where nothing is) and source of a sheet of nodes that stand so high over the surface."""
    seen = np.empty((*state.shape, 3))
    z, source = np.full(shape, np.inf, np.float32), np.zeros((*shape, 2), np.float32)
    displace(camera.kernel, smooth, normal, state, height_mm, fine, seen)
    splat(seen, state, linked, height_mm > 0, fine, z, source)
    return z, source


@njit(cache=True, nogil=True)
def _nearest(z, source, below, z_under, source_under):
    """Let an underside show where it is nearer than the top."""
    for y in range(z.shape[0]):
        for x in range(z.shape[1]):
            if z_under[y, x] < z[y, x]:
                z[y, x], below[y, x] = z_under[y, x], True
                source[y, x, 0], source[y, x, 1] = source_under[y, x, 0], source_under[y, x, 1]


def _tone(light, sample: Sample, smooth, normal, state, top, inside, ratio) -> np.ndarray:
    """(nh, nw, 4) float32: what matter returns at every node in the light of its place, times its share, and that."""
    facing = light.shading(normal[inside])
    gloss = np.zeros((0, 0), np.float32) if sample.gloss is None else sample.gloss
    mirrored = np.zeros((0, 0, 2), np.float32)
    if sample.gloss is not None:
        wet, moved = replace(light, specular=1.0, shininess=WET), along(smooth, normal, state, top)
        mirrored = shine(wet, smooth, moved, state, top)
    return _in_the_light(light.confidence, facing, sample.cover, inside, ratio, gloss, mirrored)


@njit(cache=True, nogil=True)
def _in_the_light(confidence, facing, cover, inside, ratio, gloss, mirrored):
    tone = np.zeros(cover.shape, np.float32)
    n = 0
    for y in range(inside.shape[0]):
        for x in range(inside.shape[1]):
            if not inside[y, x]:
                continue
            light = ratio[y, x] * (1.0 + confidence * (facing[n] - 1.0))
            n += 1
            shine = mirrored[y, x, 1] * gloss[y, x] if gloss.size else 0.0
            for c in range(3):
                tone[y, x, c] = light * cover[y, x, c] + shine
            tone[y, x, 3] = cover[y, x, 3]
    return tone


@njit(cache=True, nogil=True)
def _clear_of(mask, fine):
    """(nh, nw) bool: nodes none of whose pixels is in a mask (h, w)."""
    h, w = mask.shape
    out = np.ones(((h - 1) * fine + 1, (w - 1) * fine + 1), np.bool_)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            i, j = y // fine, x // fine
            for a in range(i, i + 1 + (y % fine > 0)):
                for b in range(j, j + 1 + (x % fine > 0)):
                    if mask[a, b]:
                        out[y, x] = False
    return out


@njit(cache=True, nogil=True)
def _closed(top, under, inside, state):
    """Heights of a sheet whose top and underside meet beside a lifted rim, and which of its nodes hold together.

    A node beside the matter stands half way between the two at the rim; what lies beyond it is no part of the sheet.
    """
    nh, nw = top.shape
    out_top, out_under, sheet = top.copy(), under.copy(), state.copy()
    total, count = np.zeros(top.shape, np.float32), np.zeros(top.shape, np.uint8)
    for y in range(nh):
        for x in range(nw):
            if not inside[y, x] or not under[y, x] > 0.0:
                continue
            for i in range(max(0, y - 1), min(nh, y + 2)):
                for j in range(max(0, x - 1), min(nw, x + 2)):
                    if state[i, j] and not inside[i, j]:
                        total[i, j] += 0.5 * (top[y, x] + under[y, x])
                        count[i, j] += 1
    for y in range(nh):
        for x in range(nw):
            if not count[y, x]:
                continue
            out_top[y, x] = out_under[y, x] = total[y, x] / count[y, x]
            for i in range(max(0, y - 1), min(nh, y + 2)):
                for j in range(max(0, x - 1), min(nw, x + 2)):
                    if not inside[i, j] and not count[i, j]:
                        sheet[i, j] = 0
    return out_top, out_under, sheet
