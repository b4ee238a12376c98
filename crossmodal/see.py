"""What one view sees of one edit: its new first hits, its colours, and where they came from."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from crossmodal.brink import Brink, find_brink
from crossmodal.edit import Sample, SurfaceEdit, replaced, scattered, within
from crossmodal.gain import light_gain
from crossmodal.normals import STEEPEST, crests_mm, fine_relief_mm, over_valleys_mm
from crossmodal.raster import displace, nodes_a_pixel, refine, splat
from crossmodal.relight import OCCLUSION_REACH, WALL, contact_reach_mm, relief_mm, shadow_reach_mm
from crossmodal.resolve import LOST, resolve
from crossmodal.surface import Surface
from crossmodal.whole import resolve_whole

TILE = 32  # pixels
MOST_NODES = 1 << 20  # that are held at once
SPARSE = 0.2  # a defect that takes up a smaller share of its window is seen tile by tile
SHADES, SEEN_FLOORS = 0.02, 10  # height of a crest that is seen by its shade, against its width, in noise floors
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
    worn: float32 share of the old relief's own shading that is gone, where fine relief was taken away, or None
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    z_m: np.ndarray
    gain: np.ndarray
    source: np.ndarray
    displacement_mm: np.ndarray
    support: np.ndarray
    worn: np.ndarray | None = None

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(*self.rows), slice(*self.columns)


def see(surface: Surface, edit: SurfaceEdit) -> Seen | None:
    """What the view behind a surface sees of a grown edit; None where the defect is out of its sight."""
    charted = chart_over(surface, edit)
    near_by = None if charted is None else touched(surface, edit, *charted)
    if near_by is None:
        return None
    rows, columns, st, near = near_by
    fine = nodes_a_pixel(edit.field.finest_mm / surface.mm_per_pixel)
    parts = [(inner, part) for inner, outer in tiles(surface, edit, near, fine)
             if (part := _see_tile(surface, edit, rows, columns, st, near, outer, fine)) is not None]
    if len(parts) == 1 and parts[0][1].z_m.shape == near.shape:
        return parts[0][1]
    return joined(surface, rows, columns, near.shape, parts) if parts else None


def widened(surface: Surface, seen: Seen, pixels: int) -> Seen:
    """The same over a window that reaches further on every side; there nothing happens yet."""
    height, width = surface.points.shape[:2]
    rows = max(0, seen.rows[0] - pixels), min(height, seen.rows[1] + pixels)
    columns = max(0, seen.columns[0] - pixels), min(width, seen.columns[1] + pixels)
    inner = np.s_[seen.rows[0] - rows[0]:seen.rows[1] - rows[0],
                  seen.columns[0] - columns[0]:seen.columns[1] - columns[0]]
    return joined(surface, rows, columns, (rows[1] - rows[0], columns[1] - columns[0]), [(inner, seen)])


def tiles(surface: Surface, edit: SurfaceEdit, near, fine: int):
    """Cut a window into tiles (inner, outer slices), so that a long line costs its own area, not its window's.

    An outer tile holds all that its inner one can see: what moves in, what casts a shadow, what normals average over.
    """
    field, pixel = edit.field, surface.mm_per_pixel
    shadow = max(shadow_reach_mm(surface.light, edit.patch.normal, field.highest_mm),
                 OCCLUSION_REACH * relief_mm(field))
    margin = 4 + math.ceil((max(field.deepest_mm, field.highest_mm) + shadow + 0.25 * field.finest_mm
                            + getattr(field, "flattens_mm", 0)) / pixel)
    lateral = 3 + math.ceil(max(field.deepest_mm, field.highest_mm) / pixel)
    tile = max(TILE, 3 * margin)
    h, w = near.shape
    whole = np.s_[0:h, 0:w]
    if h * w < 2 * tile * tile or (fine == 1 and near.mean() > SPARSE):
        return [(whole, whole)]
    tiles = []
    for r in range(0, h, tile):
        for c in range(0, w, tile):
            inner = np.s_[r:min(r + tile, h), c:min(c + tile, w)]
            outer = np.s_[max(0, r - margin):min(r + tile + margin, h), max(0, c - margin):min(c + tile + margin, w)]
            if near[max(0, r - lateral):r + tile + lateral, max(0, c - lateral):c + tile + lateral].any():
                tiles.append((inner, outer))
    seen = sum((rows.stop - rows.start) * (columns.stop - columns.start) for _, (rows, columns) in tiles)
    # Where tiles overlap by more than they leave out, they spare nothing.
    return tiles if seen < h * w or h * w * fine * fine > MOST_NODES else [(whole, whole)]


def _see_tile(surface, edit, rows, columns, st, near, outer, fine) -> Seen | None:
    """What one tile of a window sees; None where nothing happens in it."""
    rows = rows[0] + outer[0].start, rows[0] + outer[0].stop
    columns = columns[0] + outer[1].start, columns[0] + outer[1].stop
    st, near = np.ascontiguousarray(st[outer]), np.ascontiguousarray(near[outer])
    smoothed, ways, linked = _base(surface, edit, rows, columns, st)
    smooth, normal, chart, state = refine(smoothed, ways, linked, st, near, fine)
    inside = within(chart, edit.field.bounds_mm)
    sample, support, brink = *_sampled(edit.field, chart, inside), None
    if not support.any():
        return None
    if sample.removed is not None and sample.removed.any():
        brink = find_brink(edit.field, chart, sample.removed, state, surface.mm_per_pixel / fine)
        places = brink.moved(chart, state)
        replaced(sample, brink.at, edit.field.sample(places[:, 0], places[:, 1]))
        sample.displacement_mm.reshape(-1)[brink.at[brink.wall]] *= brink.down[brink.wall]
        support.reshape(-1)[brink.at[~brink.wall]] = True
    if sample.gap_mm is not None:
        narrow = sample.gap_mm < surface.sensor.narrowest_px * surface.mm_per_pixel
        sample = replace(sample, lost=narrow & (sample.displacement_mm < 0))
    lit, worn = sample, None
    if sample.flatten is not None:
        width_px = edit.field.flattens_mm / surface.mm_per_pixel
        relief = over_valleys_mm(fine_relief_mm(smoothed, ways, np.isfinite(st[..., 0]), width_px), width_px)
        seen_mm = max(SEEN_FLOORS * surface.floor_mm, SHADES * edit.field.flattens_mm)
        flat = sample.flatten[::fine, ::fine][:relief.shape[0], :relief.shape[1]]
        worn = flat * np.minimum(crests_mm(relief, width_px) / seen_mm, 1)
        to_nodes = np.array(((1 / fine, 0, 0), (0, 1 / fine, 0)))
        relief = cv2.warpAffine(relief, to_nodes, inside.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        sample = replace(sample, displacement_mm=sample.displacement_mm - sample.flatten * relief)
    del smoothed, ways, chart  # of a whole frame these are 20 MB, and the most is still to come
    seen = rendered(surface, rows, columns, (smooth, normal, state), linked, sample, support, fine,
                    edit.patch.crossing, brink, lit)
    return replace(seen, worn=worn)


def _sampled(field, chart, inside) -> tuple[Sample, np.ndarray]:
    """A field at the nodes of a chart (nh, nw, 2) inside its bounds (nh, nw), and its support there."""
    at = np.flatnonzero(inside)
    places = chart.reshape(-1, 2)[at]
    sample, support = field.sample(places[:, 0], places[:, 1]), np.zeros(inside.shape, bool)
    support.reshape(-1)[at] = sample.support
    return scattered(sample, inside), support


def joined(surface, rows, columns, shape, parts) -> Seen:
    """Tiles put together over their window; between them nothing happens."""
    gain = np.ones((*shape, parts[0][1].gain.shape[2]), np.float32)
    gain[..., 3:] = 0
    seen = Seen(rows, columns, surface.points[rows[0]:rows[1], columns[0]:columns[1], 2].copy(), gain,
                np.stack(np.indices(shape, np.float32), -1), np.zeros(shape, np.float32), np.zeros(shape, bool),
                None if parts[0][1].worn is None else np.zeros(shape, np.float32))
    names = ("z_m", "gain", "displacement_mm", "support") + (() if seen.worn is None else ("worn",))
    for inner, part in parts:
        shift = part.rows[0] - rows[0], part.columns[0] - columns[0]
        cut = tuple(slice(one.start - by, one.stop - by) for one, by in zip(inner, shift, strict=True))
        for name in names:
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
             crossing: bool = True, brink: Brink | None = None, lit: Sample | None = None) -> Seen:
    """Displace a window's nodes (smooth, normal and state of raster.refine) by a sample, and look at them again.

    crossing: whether their ways may cross, as normals do on a fold
    brink: where the surface ends, if it does: its wall goes down from there
    lit: the relief that is relit, if not all of it
    """
    smooth, normal, state = nodes
    camera = surface.camera
    displacement_mm, removed = sample.displacement_mm, sample.removed
    if removed is None:
        removed = np.zeros(displacement_mm.shape, bool)
    at = smooth
    if brink is not None:
        at, removed, walls = smooth.copy(), removed.copy(), brink.at[brink.wall]
        at.reshape(-1, 3)[brink.at] = brink.moved(smooth, state)
        state = state.copy()
        removed.reshape(-1)[walls], state.reshape(-1)[walls] = False, WALL
    gain = light_gain(surface, lit or sample, smooth, at, normal, np.where(removed, np.uint8(WALL + 1), state), fine,
                      OCCLUSION_REACH if crossing else 0.0)
    displacement_mm = np.where(removed, np.float32(0), displacement_mm)
    moved = displacement_mm != 0
    if brink is not None:
        moved.reshape(-1)[brink.at[~brink.wall]] = True
    base = np.ascontiguousarray(surface.points[rows[0]:rows[1], columns[0]:columns[1], 2])
    seen = np.empty((*state.shape, 3))
    z = np.full((base.shape[0] * fine, base.shape[1] * fine), np.inf, np.float32)
    source = np.zeros((*z.shape, 2), np.float32)
    if sample.lost is not None:
        state = np.where(sample.lost, state * np.uint8(LOST), state)
    displace(camera.kernel, at, normal, state, displacement_mm, fine, seen)
    if brink is not None:
        seen.reshape(-1, 3)[brink.at, :2] += brink.shift[:, ::-1]
    if moved.any():
        splat(seen, state * ~removed, linked, moved, fine, z, source)
    gap = 4 * np.asarray(surface.floor.at(base), np.float32) + base * np.float32(STEEPEST / camera.fx)
    nodes = base, gap, z, source, seen, smooth, state, moved | removed, support, displacement_mm, gain
    out = Seen(rows, columns, *(resolve_whole(*nodes) if fine == 1 else resolve(*nodes, fine)))
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


def chart_over(surface: Surface, edit: SurfaceEdit):
    """A view's window about an edit (rows, columns) and the edit's chart (h, w, 2) there; None out of sight."""
    if is_own(surface, edit):
        return edit.patch.rows, edit.patch.columns, edit.patch.st_mm
    return _looked_up(surface, edit)


def is_own(surface: Surface, edit: SurfaceEdit) -> bool:
    """Whether a surface is the one, in the place, that an edit's chart was made on."""
    return surface.camera is edit.patch.surface.camera and np.abs(edit.T_here_patch - np.eye(4)).max() < 1e-12


def touched(surface: Surface, edit: SurfaceEdit, rows, columns, st):
    """The window that an edit can touch, its chart (h, w, 2), and the pixels near enough to matter; None if none."""
    patch, field = edit.patch, edit.field
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
