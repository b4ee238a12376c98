"""What stands behind the object: the ground it lies on, carried on beneath it in depth and in colour."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numba import njit

import rgb as rgb_room

LEAST = 0.1  # share of the frame that must show the ground before anything is said of what it hides
DARKEST = 0.05  # share of the light that comes back out of a cavity with hardly an opening
DEEPEST_PX = 48  # beyond this depth under the surface an opening counts as a small one
GAP_PX = 3  # half the width of a line without depth, as along a step, that goes with the surface beside it
_ABOUT = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * GAP_PX + 1, 2 * GAP_PX + 1))
STRAY = 3.0  # robust deviations beyond which a point does not lie on the ground


@dataclass(frozen=True, eq=False)
class Backdrop:
    """z_m: (H, W) float32, the ground's depth on every pixel's ray; rgb: (H, W, 3) uint8, its colour."""

    z_m: np.ndarray
    rgb: np.ndarray


def find_backdrop(view, foreground: np.ndarray) -> Backdrop | None:
    """The ground about a view's foreground (H, W) bool; None where too little of it is seen, or it is no plane."""
    points = view.points
    ground = np.isfinite(points[..., 2]) & ~foreground
    if np.count_nonzero(ground) < LEAST * ground.size:
        return None
    height, width = ground.shape
    index = np.flatnonzero(ground)
    index = index[::max(1, len(index) // 6000)]
    plane = _plane(points.reshape(-1, 3)[index].astype(np.float64))
    if plane is None:
        return None
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    rays = view.camera.unproject(np.stack((columns.ravel(), rows.ravel()), -1), np.ones(height * width))
    inverse = (np.asarray(rays, np.float64) @ plane).reshape(height, width)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(inverse > 0, 1 / inverse, np.nan).astype(np.float32)
    # The object's own rim blurs and shades the ground beside it, so colour is taken a little way off.
    clear = cv2.erode(np.where(foreground, 0, 1).astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    return Backdrop(z, _carried_on(view.rgb, clear if clear.any() else ~foreground))


def over(backdrop: Backdrop, surface, seen, old_z: np.ndarray):
    """What is Seen (crossmodal.see) with the ground in sight wherever the surface is gone, and the ground's colours
    (h, w, 3) uint8.

    A pixel without depth that lies between what is gone and the ground had what is gone in sight: its colour goes too.
    """
    behind = backdrop.z_m[seen.window]
    gone = np.isnan(seen.displacement_mm) & ~(behind <= old_z)
    measured = np.isfinite(old_z)
    gone &= _touching(gone, measured)
    free = gone | (measured & ~surface.foreground[seen.window])
    gap = _closed(free) & ~measured & ~gone & cv2.dilate(gone.view(np.uint8), _ABOUT).astype(bool)
    shown = gone | gap
    z = np.where(gone, behind, seen.z_m)
    below = behind[gone] - old_z[gone]
    below_px = 1e3 * float(np.median(below[np.isfinite(below)]) if np.isfinite(below).any() else 0)
    below_px /= surface.mm_per_pixel
    displacement = np.where(gap, np.float32(np.nan), seen.displacement_mm)
    seen = replace(seen, z_m=z, displacement_mm=displacement, support=seen.support | gap)
    return seen, uncovered(backdrop, seen.window, shown, surface.foreground, below_px)


def _closed(mask):
    """(h, w) bool: with the gaps filled that are narrower than the structuring element."""
    edge = GAP_PX
    padded = cv2.copyMakeBorder(mask.view(np.uint8), edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    return cv2.morphologyEx(padded, cv2.MORPH_CLOSE, _ABOUT)[edge:-edge, edge:-edge].astype(bool)


def _touching(gone, measured):
    """(h, w) bool: pieces of what is gone of which some was measured; a gap that was there before shows no ground."""
    _, pieces = cv2.connectedComponents(gone.astype(np.uint8), connectivity=8)
    return marked(pieces, gone & measured)


def marked(pieces: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """(h, w) bool: the numbered pieces (h, w) on which some mark lies."""
    chosen = np.zeros(int(pieces.max()) + 1, bool)
    chosen[pieces[marks]] = True
    return chosen[pieces]


def uncovered(backdrop: Backdrop, window, gone: np.ndarray, foreground: np.ndarray, below_px: float) -> np.ndarray:
    """(h, w, 3) uint8: the ground's colours in a window, as dark as the opening above them leaves them.

    gone: (h, w) bool, where the surface above the ground is gone; foreground: (H, W) bool, what stood there before;
    below_px: how far the ground lies below that surface, in pixels. What lies so far below sees the light of the half
    of its sky that is within 45°: of a disc as wide, the share that nothing stands over any more.
    """
    reach = max(1, round(min(below_px, DEEPEST_PX)))
    rows, columns = window
    r0, c0 = max(0, rows.start - reach), max(0, columns.start - reach)
    shut = foreground[r0:rows.stop + reach, c0:columns.stop + reach].copy()
    shut[rows.start - r0:rows.stop - r0, columns.start - c0:columns.stop - c0][gone] = False
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    under = gone & foreground[window]
    at = np.argwhere(under) + np.array((rows.start - r0, columns.start - c0))
    open_ = 1 - _share(shut, at, disc.sum(1, dtype=np.int64) // 2)
    light = (DARKEST + (1 - DARKEST) * open_).astype(np.float32)
    colours = backdrop.rgb[window].copy()
    colours[under] = rgb_room.to_srgb(rgb_room.to_linear(colours[under]) * light[:, None])
    return colours


@njit(cache=True, nogil=True)
def _share(mask, at, half):
    """(n,) float64: the share of a mask (h, w) bool in a disc about each (row, column) (n, 2); half: (2r + 1,), how far
    the disc reaches to either side in each of its rows. Beyond its border the mask goes on as it is there."""
    h, w = mask.shape
    before = np.zeros((h, w + 1), np.int32)
    for i in range(h):
        for j in range(w):
            before[i, j + 1] = before[i, j] + mask[i, j]
    out, reach, area = np.empty(len(at)), len(half) // 2, (2 * half + 1).sum()
    for k in range(len(at)):
        total = 0
        for d in range(len(half)):
            i, first, last = min(max(at[k, 0] + d - reach, 0), h - 1), at[k, 1] - half[d], at[k, 1] + half[d]
            total += before[i, min(last + 1, w)] - before[i, max(first, 0)]
            total += max(-first, 0) * mask[i, 0] + max(last + 1 - w, 0) * mask[i, w - 1]
        out[k] = total / area
    return out


def _plane(points):
    """a (3,) with 1/z = a·(x/z, y/z, 1), without the points that stray from it; None where most of them do."""
    inverse = 1 / points[:, 2]
    rays, keep = points * inverse[:, None], np.ones(len(points), bool)
    for _ in range(6):
        if np.count_nonzero(keep) < 50:
            return None
        plane = np.linalg.lstsq(rays[keep], inverse[keep], rcond=None)[0]
        off = np.abs(rays @ plane - inverse)
        keep = off <= STRAY * 1.4826 * np.median(off[keep]) + 1e-9
    return plane if np.count_nonzero(keep) > 0.5 * len(points) else None


def _carried_on(rgb, known):
    """Colours (H, W, 3) uint8 where known, and smoothly carried on where not (pull-push, Gortler et al. 1996), with
    the known colours' own grain laid over them."""
    colour = np.where(known[..., None], rgb, 0).astype(np.float32)
    levels = [np.concatenate((colour, known[..., None].astype(np.float32)), -1)]
    while min(levels[-1].shape[:2]) > 2:
        levels.append(cv2.pyrDown(levels[-1]))
    filled = levels[-1][..., :3] / np.maximum(levels[-1][..., 3:], 1e-6)
    for level in reversed(levels[:-1]):
        h, w = level.shape[:2]
        share = np.clip(level[..., 3:], 0, 1)
        own = level[..., :3] / np.maximum(level[..., 3:], 1e-6)
        filled = share * own + (1 - share) * cv2.resize(filled, (w, h), interpolation=cv2.INTER_LINEAR)
    grain = np.where(known[..., None], rgb - cv2.GaussianBlur(filled, (0, 0), 2), 0)
    out = np.where(known[..., None], rgb, filled + _mirrored(grain, known))
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def _mirrored(grain, known):
    """Grain (H, W, 3) where it is known, and that of the nearest known pixel's far side where not."""
    _, labels = cv2.distanceTransformWithLabels((~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5,
                                                labelType=cv2.DIST_LABEL_PIXEL)
    at = np.zeros(int(labels.max()) + 1, np.int64)
    at[labels[known]] = np.flatnonzero(known)
    h, w = known.shape
    rows, columns = np.indices((h, w))
    edge_rows, edge_columns = np.divmod(at[labels], w)
    far = (np.clip(2 * edge_rows - rows, 0, h - 1), np.clip(2 * edge_columns - columns, 0, w - 1))
    return np.where(known[far][..., None], grain[far], 0)
