"""What a person would name a place on the object by, measured: its middle, its corners, openings, threads, halves."""

from functools import cached_property

import cv2
import numpy as np

from crossmodal.features import fitting
from crossmodal.place import Place

MIDDLE = 0.33  # share of the object's area, nearest to its middle, that is its centre
CORNER_DEG = 135  # a turn of the outline sharper than this inner angle is a corner
ARM = 0.04  # of the outline's length, on either side, over which its angle is taken
ABOUT = 0.14  # of the object's size: how far about a corner, or beyond a hole's rim, is still near it
KEPT_MM = 2.0  # over which an edge that is to be avoided folds
SMALLEST_HOLE_PX = 12
RING = 3  # pixels about what lies lower, in which its rim is sought
BLOCK, STRIDE = 48, 12  # pixels of a piece in which fine relief is looked at, and from one piece to the next
PEAK = 0.3  # share of the relief's power in one wave that makes it periodic
RIDGES = 2.5  # waves a piece, at the least
RELIEF_FLOORS, RELIEF = 3.0, 0.05  # noise floors, and shares of a pixel's width, that a thread stands out by


class Landmarks:
    """Masks (H, W) bool of one surface, each made when first asked for."""

    def __init__(self, surface):
        self.surface = surface

    def allowed(self, place: Place) -> np.ndarray:
        """(H, W) bool: what near, part and avoid of a place leave. Raises ValueError for what the object has not."""
        allowed = np.ones(self.surface.foreground.shape, bool)
        if place.near is not None:
            near = getattr(self, place.near)
            if not near.any():
                raise ValueError(f"place.near: no {place.near} is seen on this object; ask for another place")
            allowed &= near
        if place.part is not None:
            allowed &= self.part(place.part)
        for name in place.avoid:
            allowed &= ~getattr(self, name)
        return allowed

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1) about the object in the picture, x1 and y1 excluded."""
        rows, columns = (np.flatnonzero(self.surface.foreground.any(axis)) for axis in (1, 0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    def part(self, name: str) -> np.ndarray:
        """A half or a quarter of the object's box: "top", "bottom left"."""
        x0, y0, x1, y1 = self.box
        half_y, half_x = (y0 + y1) // 2, (x0 + x1) // 2
        rows = slice(y0, half_y) if "top" in name else slice(half_y, y1) if "bottom" in name else slice(y0, y1)
        columns = slice(x0, half_x) if "left" in name else slice(half_x, x1) if "right" in name else slice(x0, x1)
        inside = np.zeros(self.surface.foreground.shape, bool)
        inside[rows, columns] = True
        return inside

    def distance_px(self, where: str) -> np.ndarray:
        """(H, W) float32: how far each pixel is from the nearest edge or rim; infinite where there is none."""
        edge = fitting(self.surface, where, KEPT_MM)
        if not edge.any():
            return np.full(edge.shape, np.inf, np.float32)
        return cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)

    @cached_property
    def rim(self) -> np.ndarray:
        return self._about(fitting(self.surface, "rim", KEPT_MM), 0.5 * ABOUT)

    @cached_property
    def edge(self) -> np.ndarray:
        return self._about(fitting(self.surface, "edge", KEPT_MM), 0.5 * ABOUT)

    @cached_property
    def centre(self) -> np.ndarray:
        """The third of the object's visible area that lies nearest to its middle."""
        surface = self.surface
        far = np.linalg.norm(surface.smoothed - surface.axes.centre_m.astype(np.float32), axis=-1)
        known = np.flatnonzero(surface.foreground & np.isfinite(far))
        order = known[np.argsort(far.ravel()[known], kind="stable")]
        area = np.cumsum(surface.pixel_area_mm2.ravel()[order], dtype=np.float64)
        mask = np.zeros(far.shape, bool)
        mask.ravel()[order[area <= MIDDLE * area[-1]]] = True
        return mask

    @cached_property
    def corner(self) -> np.ndarray:
        """What lies about the sharp outward turns of the object's outline."""
        turns = np.zeros(self.surface.foreground.shape, bool)
        contours, _ = cv2.findContours(self.surface.foreground.astype(np.uint8), cv2.RETR_EXTERNAL,
                                       cv2.CHAIN_APPROX_NONE)
        outline = max(contours, key=len)[:, 0].astype(np.float64)
        arm = max(3, round(ARM * len(outline)))
        if len(outline) > 4 * arm:
            before, after = (np.roll(outline, way * arm, 0) - outline for way in (1, -1))
            cosine = np.einsum("ij,ij->i", before, after) / np.maximum(
                np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1), 1e-9)
            # OpenCV runs about an outline one way: an outward turn has the sign of its area.
            way = np.sign(cv2.contourArea(outline.astype(np.float32), True))
            outward = way * (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) < 0
            near = np.resize(np.roll(cosine, arm), len(cosine) + 2 * arm)  # the outline is closed
            sharpest = cosine == np.lib.stride_tricks.sliding_window_view(near, 2 * arm + 1).max(-1)
            columns, rows = outline[outward & sharpest & (cosine > np.cos(np.deg2rad(CORNER_DEG)))].astype(int).T
            turns[rows, columns] = True
        return self._about(turns, ABOUT)

    @cached_property
    def hole(self) -> np.ndarray:
        """What lies about openings: places inside the outline where the object is not, or lies a step lower."""
        surface = self.surface
        void = (~surface.foreground).astype(np.uint8)
        openings = np.zeros(surface.foreground.shape, bool)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(void, connectivity=4)
        border = np.zeros(count, bool)
        border[np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))] = True
        for k in range(1, count):
            if not border[k] and stats[k, cv2.CC_STAT_AREA] >= SMALLEST_HOLE_PX:
                openings |= labels == k
        openings |= self._sunk()
        return self._about(openings, ABOUT)

    def _sunk(self):
        """Pieces of the object that a step down cuts off from all about them."""
        surface = self.surface
        whole = surface.foreground.copy()
        whole[:, :-1] &= surface.linked[:, :-1, 0]
        whole[:-1] &= surface.linked[:-1, :, 1]
        count, labels, stats, _ = cv2.connectedComponentsWithStats(whole.astype(np.uint8), connectivity=4)
        sunk = np.zeros(whole.shape, bool)
        if count < 3:
            return sunk
        z, largest = surface.smoothed[..., 2], int(stats[1:, cv2.CC_STAT_AREA].max())
        for k in range(1, count):
            x, y, w, h, area = stats[k]
            inside = x > 0 and y > 0 and x + w < whole.shape[1] and y + h < whole.shape[0]
            if not inside or not SMALLEST_HOLE_PX <= area < 0.5 * largest:
                continue
            about = np.s_[max(0, y - RING):y + h + RING, max(0, x - RING):x + w + RING]
            own = labels[about] == k
            ring = cv2.dilate(own.astype(np.uint8), np.ones((2 * RING + 1,) * 2, np.uint8)).astype(bool) & ~own
            lower = np.nanmedian(z[about][ring]) < np.nanmedian(z[about][own])
            if lower and surface.foreground[about][ring].mean() > 0.9:
                sunk[about] |= own
        return sunk

    @cached_property
    def thread(self) -> np.ndarray:
        """Where fine relief comes again and again in one direction, plainly above the noise: threads, ribs, knurls."""
        surface = self.surface
        z = surface.smoothed[..., 2]
        known = surface.foreground & np.isfinite(z)
        mean, share = (cv2.blur(part, (BLOCK // 2 + 1,) * 2)
                       for part in (np.where(known, z, np.float32(0)), known.astype(np.float32)))
        relief = np.where(known, z - mean / np.maximum(share, np.float32(1e-6)), np.float32(0))
        mask = np.zeros(z.shape, bool)
        least_m = 1e-3 * max(RELIEF_FLOORS * surface.floor_mm, RELIEF * surface.mm_per_pixel)
        window = np.outer(np.hanning(BLOCK), np.hanning(BLOCK)).astype(np.float32)
        frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(BLOCK) * BLOCK, np.fft.rfftfreq(BLOCK) * BLOCK, indexing="ij"))
        for row in range(0, z.shape[0] - BLOCK + 1, STRIDE):
            for column in range(0, z.shape[1] - BLOCK + 1, STRIDE):
                piece = np.s_[row:row + BLOCK, column:column + BLOCK]
                if known[piece].mean() < 0.75:
                    continue
                power = np.abs(np.fft.rfft2((relief[piece] - relief[piece].mean()) * window)) ** 2
                total = float(power.sum())
                rms_m = (2 * total) ** 0.5 / BLOCK / float(np.sqrt((window ** 2).sum()))
                v, u = np.unravel_index(int(power.argmax()), power.shape)
                # A bulge or a step is strongest in its longest wave.
                if rms_m < least_m or frequency[v, u] < RIDGES:
                    continue
                rows = (v + np.arange(-1, 2)) % BLOCK
                if power[rows, max(0, u - 1):u + 2].sum() > PEAK * total:
                    quarter = BLOCK // 4
                    mask[row + quarter:row + 3 * quarter, column + quarter:column + 3 * quarter] = True
        return mask & surface.foreground

    def _about(self, seeds, share):
        """(H, W) bool: the object within a share of its size of any seed (H, W) bool."""
        if not seeds.any():
            return np.zeros_like(seeds)
        far = cv2.distanceTransform((~seeds).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        return (far <= share * self.surface.object_mm / self.surface.mm_per_pixel) & self.surface.foreground
