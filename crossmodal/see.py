"""What one view sees of one edit: its new first hits, its colours, and where they came from."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numba import njit

from crossmodal.brink import Brink, find_brink
from crossmodal.edit import Sample, SurfaceEdit, scattered, within
from crossmodal.normals import STEEPEST, fine_relief_mm
from crossmodal.raster import displace, refine, splat
from crossmodal.relight import OCCLUSION_REACH, along, contact_reach_mm, shading_ratio, shadow_reach_mm, shine
from crossmodal.resolve import LOST, WALL, resolve
from crossmodal.surface import Surface

COARSEST_FEATURE_PX = 4.0  # a feature narrower than this is supersampled
FINE = 4
TILE = 32  # pixels
SPARSE = 0.2  # a defect that takes up a smaller share of its window is seen tile by tile
WET = 60.0  # shininess of a droplet
UNLIT = 0.06  # what still comes out of a hole behind which nothing is known


@dataclass(frozen=True, eq=False)
class Seen:
    """What a window of one view sees of one edit, before masks; (h, w) arrays.

    z_m: float32 first hit, NaN where nothing is left to see
    gain: (h, w, 4, 6, 8 or 10) float32: of linear colour, the share turned white, where a highlight moved (6, 10) its
        linear light before and after, and where matter was added (8, 10) its linear colour times its share, and that
        share
    source: (h, w, 2) float32, the (row, column) of the window whose old surface each pixel sees
    displacement_mm: float32 of the point seen, NaN removed or revealed
    support: bool, inside the field's support
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    z_m: np.ndarray
    gain: np.ndarray
    source: np.ndarray
    displacement_mm: np.ndarray
    support: np.ndarray

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(*self.rows), slice(*self.columns)


def see(surface: Surface, edit: SurfaceEdit) -> Seen | None:
    """What the view behind a surface sees of a grown edit; None where the defect is out of its sight."""
    charted = _charted(surface, edit)
    if charted is None:
        return None
    rows, columns, st, near = charted
    fine = FINE if edit.field.finest_mm < COARSEST_FEATURE_PX * surface.mm_per_pixel else 1
    parts = [(inner, part) for inner, outer in _tiles(surface, edit, near, fine)
             if (part := _see_tile(surface, edit, rows, columns, st, near, outer, fine)) is not None]
    if not parts:
        return None
    if len(parts) == 1 and parts[0][1].z_m.shape == near.shape:
        return parts[0][1]
    return _joined(surface, rows, columns, near.shape, parts)


def _tiles(surface: Surface, edit: SurfaceEdit, near, fine: int):
    """Cut a window into tiles (inner, outer slices), so that a long line costs its own area, not its window's.

    An outer tile holds all that its inner one can see: what moves in, what casts a shadow, what normals average over.
    """
    field, pixel = edit.field, surface.mm_per_pixel
    shadow = max(shadow_reach_mm(surface.light, edit.patch.normal, field.highest_mm),
                 OCCLUSION_REACH * (field.highest_mm + field.deepest_mm))
    margin = 4 + math.ceil((max(field.deepest_mm, field.highest_mm) + shadow + 0.25 * field.finest_mm
                            + getattr(field, "flattens_mm", 0)) / pixel)
    lateral = 3 + math.ceil(max(field.deepest_mm, field.highest_mm) / pixel)
    tile = max(TILE, 3 * margin)
    h, w = near.shape
    if h * w < 2 * tile * tile or (fine == 1 and near.mean() > SPARSE):
        whole = np.s_[0:h, 0:w]
        yield whole, whole
        return
    for r in range(0, h, tile):
        for c in range(0, w, tile):
            inner = np.s_[r:min(r + tile, h), c:min(c + tile, w)]
            outer = np.s_[max(0, r - margin):min(r + tile + margin, h), max(0, c - margin):min(c + tile + margin, w)]
            if near[max(0, r - lateral):r + tile + lateral, max(0, c - lateral):c + tile + lateral].any():
                yield inner, outer


def _see_tile(surface, edit, rows, columns, st, near, outer, fine) -> Seen | None:
    """What one tile of a window sees; None where nothing happens in it."""
    rows = rows[0] + outer[0].start, rows[0] + outer[0].stop
    columns = columns[0] + outer[1].start, columns[0] + outer[1].stop
    st, near = np.ascontiguousarray(st[outer]), np.ascontiguousarray(near[outer])
    base = _base(surface, edit, rows, columns, st)
    nodes = refine(*base, st, near, fine)
    chart = nodes[2]
    inside = within(chart, edit.field.bounds_mm)
    places = chart[inside]
    sample = edit.field.sample(places[:, 0], places[:, 1])
    support = np.zeros(inside.shape, bool)
    support[inside] = sample.support
    if not support.any():
        return None
    sample, brink = scattered(sample, inside), None
    if sample.removed is not None and sample.removed.any():
        brink = find_brink(edit.field, chart, sample.removed, nodes[3], surface.mm_per_pixel / fine)
        places = brink.onto(chart)[inside]
        sample = scattered(edit.field.sample(places[:, 0], places[:, 1]), inside)
        sample.displacement_mm[brink.wall] *= brink.down[brink.wall]
        support |= brink.top
    if sample.flatten is not None:
        relief = fine_relief_mm(base[0], base[1], np.isfinite(st[..., 0]),
                                edit.field.flattens_mm / surface.mm_per_pixel)
        to_nodes = np.array(((1 / fine, 0, 0), (0, 1 / fine, 0)))
        relief = cv2.warpAffine(relief, to_nodes, inside.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        sample = replace(sample, displacement_mm=sample.displacement_mm - sample.flatten * np.maximum(relief, 0))
    return rendered(surface, rows, columns, nodes, base[2], sample, support, fine, edit.patch.crossing, brink)


def _joined(surface, rows, columns, shape, parts) -> Seen:
    """Tiles put together over their window; between them nothing happens."""
    gain = np.ones((*shape, parts[0][1].gain.shape[2]), np.float32)
    gain[..., 3:] = 0
    seen = Seen(rows, columns, surface.points[rows[0]:rows[1], columns[0]:columns[1], 2].copy(), gain,
                np.stack(np.indices(shape, np.float32), -1), np.zeros(shape, np.float32), np.zeros(shape, bool))
    for inner, part in parts:
        shift = part.rows[0] - rows[0], part.columns[0] - columns[0]
        cut = tuple(slice(one.start - by, one.stop - by) for one, by in zip(inner, shift, strict=True))
        for name in ("z_m", "gain", "displacement_mm", "support"):
            getattr(seen, name)[inner] = getattr(part, name)[cut]
        seen.source[inner] = part.source[cut] + np.array(shift, np.float32)
    return seen


def _base(surface: Surface, edit: SurfaceEdit, rows, columns, st):
    """A window's smoothed points, directions of displacement and links.

    Matter is pushed as one piece: relief finer than the defect's own features does not turn the direction in which
    it moves, so normals are averaged over a quarter of the finest feature to either side.
    """
    window = np.s_[rows[0]:rows[1], columns[0]:columns[1]]
    smoothed, normals, linked = (np.ascontiguousarray(a[window])
                                 for a in (surface.smoothed, surface.normals, surface.linked))
    side = 2 * round(0.25 * edit.field.finest_mm / surface.mm_per_pixel) + 1
    return smoothed, np.ascontiguousarray(edit.directions(normals, np.isfinite(st[..., :1]), side)), linked


def rendered(surface: Surface, rows, columns, nodes, linked, sample: Sample, support, fine: int,
             crossing: bool = True, brink: Brink | None = None) -> Seen:
    """Displace a window's nodes (see raster.refine) by a sample on them, and look at them again.

    crossing: whether their ways may cross, as normals do on a fold
    brink: where the surface ends, if it does: its wall goes down from there
    """
    smooth, normal, _, state = nodes
    camera = surface.camera
    displacement_mm, removed = sample.displacement_mm, sample.removed
    if removed is None:
        removed = np.zeros(displacement_mm.shape, bool)
    at = smooth
    if brink is not None:
        at, removed = brink.onto(smooth), removed & ~brink.wall
        state = np.where(brink.wall, np.uint8(WALL), state)
    gain = _gain(surface, sample, smooth, at, normal, np.where(removed, np.uint8(WALL + 1), state), fine)
    displacement_mm = np.where(removed, np.float32(0), displacement_mm)
    moved = displacement_mm != 0
    if brink is not None:
        moved |= brink.top
    base = np.ascontiguousarray(surface.points[rows[0]:rows[1], columns[0]:columns[1], 2])
    seen = np.empty((*state.shape, 3))
    z = np.full((base.shape[0] * fine, base.shape[1] * fine), np.inf, np.float32)
    source = np.zeros((*z.shape, 2), np.float32)
    if sample.lost is not None:
        state = np.where(sample.lost, state * np.uint8(LOST), state)
    displace(camera.kernel, at, normal, state, displacement_mm, fine, seen)
    if brink is not None:
        np.add(seen[..., :2], brink.shift[..., ::-1], out=seen[..., :2], where=state[..., None] > 0)
    if moved.any():
        splat(seen, state * ~removed, linked, moved, fine, z, source)
    gap = 4 * np.asarray(surface.floor.at(base), np.float32) + base * np.float32(STEEPEST / camera.fx)
    out = Seen(rows, columns, *resolve(base, gap, z, source, seen, smooth, state, moved | removed, support,
                                       displacement_mm, gain, fine))
    if crossing:
        _bounded(out, base, displacement_mm)
    if sample.removed is not None:
        out.gain[np.isnan(out.displacement_mm), :3] = UNLIT
    return out


def _bounded(seen: Seen, base, displacement_mm) -> None:
    """A solid that only grows comes nearer and reveals nothing; one that only shrinks comes nearer nowhere.

    On folds the normals of neighbours cross, and what they push along themselves could show the contrary.
    """
    if not (displacement_mm < 0).any():
        revealed = np.isnan(seen.displacement_mm) & (base == base)
        if not displacement_mm.any():
            return
        np.fmin(seen.z_m, base, out=seen.z_m, where=base == base)
        seen.displacement_mm[revealed] = 0
        seen.gain[revealed, :3], seen.gain[revealed, 3:] = 1, 0
        seen.source[revealed] = np.argwhere(revealed)
    elif not (displacement_mm > 0).any():
        np.maximum(seen.z_m, base, out=seen.z_m, where=base == base)


def _gain(surface: Surface, sample: Sample, smooth, at, normal, state, fine) -> np.ndarray:
    """What becomes of the light of each node, whose surface was at ``smooth`` and whose matter moves from ``at``."""
    camera = surface.camera
    moved = along(at, normal, state, sample.displacement_mm) if sample.displacement_mm.any() else at
    if sample.displacement_mm.any():
        ratio = shading_ratio(surface.light, smooth, normal, state, sample.displacement_mm, (camera.fx, camera.fy),
                              fine, moved)
    else:
        ratio = np.ones(state.shape, np.float32)
    white = np.zeros_like(ratio) if sample.whitening is None else sample.whitening
    shiny = surface.light.specular > 0 and sample.displacement_mm.any()
    gain = _spread(ratio, white, 4 + (2 if shiny else 0) + (0 if sample.cover is None else 4))
    if shiny:
        gain[..., 4:6] = shine(surface.light, smooth, moved, state, sample.displacement_mm)
    if sample.albedo is not None:
        gain[..., :3] *= sample.albedo
    if sample.cover is not None:
        # Matter stands in the light of its place; its share hides what is beneath.
        facing = surface.light.shading(np.where(state[..., None] > 0, normal, np.float32(0)))
        shade = 1 + surface.light.confidence * (facing - 1)
        gain[..., -4:-1] = (gain[..., 0] * shade)[..., None] * sample.cover[..., :3]
        gain[..., -1] = sample.cover[..., 3]
        if sample.gloss is not None:
            wet = replace(surface.light, specular=1.0, shininess=WET)
            mirrored = shine(wet, smooth, moved, state, sample.displacement_mm)[..., 1] * sample.gloss
            gain[..., -4:-1] += mirrored[..., None]
    return gain


@njit(cache=True, nogil=True)
def _spread(ratio, white, channels):
    gain = np.zeros((*ratio.shape, channels), np.float32)
    for y in range(ratio.shape[0]):
        for x in range(ratio.shape[1]):
            gain[y, x, 0] = gain[y, x, 1] = gain[y, x, 2] = ratio[y, x]
            gain[y, x, 3] = white[y, x]
    return gain


def _charted(surface: Surface, edit: SurfaceEdit):
    """The window that an edit can touch, its chart (h, w, 2), and the pixels near enough to matter."""
    patch, field = edit.patch, edit.field
    if surface.camera is patch.surface.camera and np.allclose(edit.T_here_patch, np.eye(4), atol=1e-12):
        rows, columns, st = patch.rows, patch.columns, patch.st_mm
    else:
        looked_up = _looked_up(surface, edit)
        if looked_up is None:
            return None
        rows, columns, st = looked_up
    pixel = surface.mm_per_pixel
    reach = 1.5 * pixel + max(shadow_reach_mm(surface.light, patch.normal, field.highest_mm),
                              contact_reach_mm(field))
    near = field.near(st[..., 0], st[..., 1], reach)
    if not near.any():
        return None
    # The moved surface may be seen beyond the place it left.
    margin = 2 + math.ceil(max(field.deepest_mm, field.highest_mm) / pixel)
    touched_rows, touched_columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    height, width = surface.points.shape[:2]
    new_rows = max(0, rows[0] + touched_rows[0] - margin), min(height, rows[0] + touched_rows[-1] + 1 + margin)
    new_columns = (max(0, columns[0] + touched_columns[0] - margin),
                   min(width, columns[0] + touched_columns[-1] + 1 + margin))
    h, w = new_rows[1] - new_rows[0], new_columns[1] - new_columns[0]
    st_out, near_out = np.full((h, w, 2), np.nan, np.float32), np.zeros((h, w), bool)
    a0, a1 = max(rows[0], new_rows[0]), min(rows[1], new_rows[1])
    b0, b1 = max(columns[0], new_columns[0]), min(columns[1], new_columns[1])
    into = np.s_[a0 - new_rows[0]:a1 - new_rows[0], b0 - new_columns[0]:b1 - new_columns[0]]
    from_ = np.s_[a0 - rows[0]:a1 - rows[0], b0 - columns[0]:b1 - columns[0]]
    st_out[into], near_out[into] = st[from_], near[from_]
    return new_rows, new_columns, st_out, near_out


def _looked_up(surface: Surface, edit: SurfaceEdit):
    """The chart over another view of the same surface: its points looked up in the patch."""
    patch = edit.patch
    reach_m = 1.2e-3 * edit.field.reach_mm + 2e-3 * surface.mm_per_pixel
    anchor = edit.T_here_patch[:3, :3] @ patch.anchor_m + edit.T_here_patch[:3, 3]
    close = np.linalg.norm(surface.smoothed - anchor.astype(np.float32), axis=-1) < reach_m
    if not close.any():
        return None
    found_rows, found_columns = np.flatnonzero(close.any(1)), np.flatnonzero(close.any(0))
    rows = int(found_rows[0]), int(found_rows[-1]) + 1
    columns = int(found_columns[0]), int(found_columns[-1]) + 1
    window = np.s_[rows[0]:rows[1], columns[0]:columns[1]]
    inside = close[window]
    st = np.full((*inside.shape, 2), np.nan, np.float32)
    st[inside] = edit.chart(surface.smoothed[window][inside].astype(np.float64),
                            surface.normals[window][inside].astype(np.float64))
    return rows, columns, st
