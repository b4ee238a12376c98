"""One modality of a Result as a picture: colour, normals, relief and an oblique view of the coloured cloud.

All panes of one Window are uint8 sRGB (height, width, 3) and, but for the cloud, lie pixel on pixel.
"""

from dataclasses import dataclass

import cv2
import numpy as np

INK = (38, 42, 48)
ACCENT = (255, 64, 129)
_INVALID = (58, 60, 64)
_CLOUD_BACK = (30, 32, 36)
_LIGHT = np.array((-0.50, -0.44, -0.746))  # from the upper left, as the eye expects
# in: blue, level: pale grey, out: orange; darker towards both ends, readable for all eyes
_STOPS = np.array(((8, 48, 107), (66, 146, 198), (198, 219, 239), (238, 238, 236), (253, 208, 162),
                   (241, 105, 19), (127, 39, 4)), float)


@dataclass(frozen=True)
class Window:
    """A part of the frame, and the size of its panes in pixels of the picture."""

    column: int
    row: int
    columns: int
    rows: int
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Picture pixels per capture pixel."""
        return self.width / self.columns

    def of(self, array: np.ndarray) -> np.ndarray:
        """The window's part of an (H, W, ...) array."""
        return array[self.row:self.row + self.rows, self.column:self.column + self.columns]

    def enlarged(self, pixels: np.ndarray) -> np.ndarray:
        """A (rows, columns, 3) uint8 picture at the pane's size."""
        method = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_CUBIC
        return cv2.resize(np.ascontiguousarray(pixels), (self.width, self.height), interpolation=method)


def window_on(mask: np.ndarray, context: float, width: int, height: int, least: int = 40) -> Window:
    """The window of shape width : height around a mask (H, W), ``context`` times its size, or all."""
    rows, columns = mask.shape
    y, x = np.nonzero(mask)
    if len(y):
        wide, high = np.ptp(x) + 1, np.ptp(y) + 1
        # long things get less context than round ones, or they would be thin lines in the pane
        need = 1.25 * max(wide, high * width / height) + (context - 1.25) * np.sqrt(wide * high)
        middle = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    else:
        need, middle = columns, (columns / 2, rows / 2)
    wide = int(min(max(need, least), columns, rows * width / height))
    high = int(min(rows, round(wide * height / width)))
    column = int(np.clip(round(middle[0] - wide / 2), 0, columns - wide))
    row = int(np.clip(round(middle[1] - high / 2), 0, rows - high))
    return Window(column, row, wide, high, width, height)


def colour_pane(capture, window: Window) -> np.ndarray:
    """The photograph."""
    return window.enlarged(window.of(capture.rgb))


def normal_pane(capture, window: Window) -> np.ndarray:
    """Normals as colours: red to the right, green up, blue towards the viewer."""
    normals = window.of(capture.normals).astype(np.float32) * (1, -1, -1)
    return window.enlarged(_painted(normals * 0.5 + 0.5))


def coarse_shape(before, window: Window) -> np.ndarray:
    """Depth of the window (rows, columns) in metres without its fine relief, sharp at steps.

    A bilateral mean (Tomasi and Manduchi 1998) of what a plane leaves over; without the plane the mean would
    lean at the frame's border. It is taken from BEFORE alone, so that a narrow one keeps every defect.
    """
    sigma = 3.0
    edge = round(3 * sigma)
    top, left = max(window.row - edge, 0), max(window.column - edge, 0)
    z = before.depth[top:window.row + window.rows + edge, left:window.column + window.columns + edge]
    z = z.astype(np.float64)
    plane = _plane(z)
    known = np.isfinite(z)
    step = 0.006 * np.median(z[known]) if known.any() else 1.0
    offset = np.where(known, (z - plane) / step, 1e4).astype(np.float32)
    smooth = cv2.bilateralFilter(offset, 2 * edge + 1, 1.0, sigma)
    whole = np.where(known, smooth * step + plane, np.nan)
    return whole[window.row - top:, window.column - left:][:window.rows, :window.columns]


def _plane(z):
    """The plane (rows, columns) through most of a depth map: median slopes, median height."""
    dy, dx = (np.diff(z, axis=k) for k in (0, 1))
    slopes = [np.median(d[np.isfinite(d)]) if np.isfinite(d).any() else 0.0 for d in (dy, dx)]
    y, x = np.mgrid[:z.shape[0], :z.shape[1]]
    plane = slopes[0] * y + slopes[1] * x
    left = (z - plane)[np.isfinite(z)]
    return plane + (np.median(left) if len(left) else 0.0)


def relief_mm(capture, coarse_m: np.ndarray, window: Window) -> np.ndarray:
    """Height over the coarse shape towards the camera (rows, columns) in mm, NaN invalid."""
    return (coarse_m - window.of(capture.depth)) * 1000


def relief_range(reliefs, changed: np.ndarray) -> float:
    """One colour range ± mm that shows the change and the surface around it, in round numbers.

    reliefs: those of before and after; changed: (rows, columns) bool.
    """
    before, after = reliefs
    size = [np.quantile(np.abs(part[np.isfinite(part)]), q) for part, q in
            ((before[~changed], 0.9), (after[changed], 0.97)) if np.isfinite(part).any()]
    wanted = max([0.02, *size])
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(next(k * power for k in (1, 1.5, 2, 3, 5, 7, 10) if k * power >= wanted * 0.999))


def relief_pane(relief: np.ndarray, range_mm: float, normals: np.ndarray, window: Window) -> np.ndarray:
    """Relief (rows, columns) in colours, −range (in) blue to +range (out) orange, shaded by the normals."""
    known = np.isfinite(relief)
    colours = relief_colours(np.where(known, relief, 0) / range_mm)
    shade = 0.5 + 0.58 * np.clip(np.nan_to_num(window.of(normals) @ _LIGHT, nan=0.86), 0, 1)[..., None]
    return window.enlarged(_painted(np.where(known[..., None], colours * shade / 255, np.nan)))


def relief_colours(relative: np.ndarray) -> np.ndarray:
    """Values (...) in [-1, 1] → colours (..., 3), 0 to 255."""
    at = (np.clip(relative, -1, 1) + 1) * (len(_STOPS) - 1) / 2
    return np.stack([np.interp(at, np.arange(len(_STOPS)), channel) for channel in _STOPS.T], -1)


class Oblique:
    """An orthographic view from beside the camera, fixed by the BEFORE points so that both rows agree."""

    def __init__(self, before, window: Window, pitch_deg: float = 32.0, yaw_deg: float = 22.0):
        points = window.of(before.points).reshape(-1, 3).astype(np.float64)
        points = points[np.isfinite(points).all(1)]
        self.window = window
        self.empty = not len(points)
        if self.empty:
            return
        self.middle = np.median(points, 0)
        pitch, yaw = np.deg2rad((pitch_deg, yaw_deg))
        about_y = np.array(((np.cos(yaw), 0, np.sin(yaw)), (0, 1, 0), (-np.sin(yaw), 0, np.cos(yaw))))
        about_x = np.array(((1, 0, 0), (0, np.cos(pitch), -np.sin(pitch)), (0, np.sin(pitch), np.cos(pitch))))
        self.turn = about_x @ about_y
        seen = (points - self.middle) @ self.turn.T
        low, high = np.quantile(seen[:, :2], (0.03, 0.97), axis=0)
        reach = 0.12 * (high - low)  # stray points far off would make the rest small
        low = np.maximum(seen[:, :2].min(0), low - reach)
        high = np.minimum(seen[:, :2].max(0), high + reach)
        self.scale = 0.94 * min(window.width / (high[0] - low[0]), window.height / (high[1] - low[1]))
        self.shift = np.array((window.width, window.height)) / 2 - self.scale * (low + high) / 2
        self.spacing = np.median(points[:, 2]) / before.camera.fx

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) → picture (..., 3): column, row and depth in metres along the view."""
        turned = (points.astype(np.float64) - self.middle) @ self.turn.T
        turned[..., :2] = turned[..., :2] * self.scale + self.shift
        return turned

    def pane(self, capture) -> np.ndarray:
        """The coloured cloud of a capture: square splats as large as the points' spacing, nearest wins."""
        fine = 3
        size = (self.window.height * fine, self.window.width * fine)
        picture = np.full((*size, 3), _CLOUD_BACK, np.uint8)
        if self.empty:
            return cv2.resize(picture, (self.window.width, self.window.height))
        points = self.window.of(capture.points).reshape(-1, 3)
        known = np.isfinite(points).all(1)
        seen = self.seen(points[known])
        order = np.argsort(-seen[:, 2], kind="stable")
        colour = self._lit(capture, known)[order]
        apart = self.spacing * self.scale
        reach = max(2, int(np.ceil(apart * fine * (1.3 if apart < 4 else 0.9))))
        corner = np.floor(seen[order, :2] * fine - reach / 2).astype(np.int64)
        depth = np.full(size, np.inf)
        for dy in range(reach):
            for dx in range(reach):
                x, y = corner[:, 0] + dx, corner[:, 1] + dy
                inside = np.flatnonzero((x >= 0) & (x < size[1]) & (y >= 0) & (y < size[0]))
                x, y, z = x[inside], y[inside], seen[order[inside], 2]
                # far to near: where several fall into one pixel numpy keeps the last, which is the nearest
                nearest = np.full(size, -1)
                nearest[y, x] = np.arange(len(inside))
                last = nearest[nearest >= 0]
                last = last[z[last] < depth[y[last], x[last]]]
                depth[y[last], x[last]] = z[last]
                picture[y[last], x[last]] = colour[inside[last]]
        return cv2.resize(picture, (self.window.width, self.window.height), interpolation=cv2.INTER_AREA)

    def _lit(self, capture, known):
        normals = self.window.of(capture.normals).reshape(-1, 3)[known]
        shade = np.nan_to_num(normals @ _LIGHT, nan=0.75)
        rgb = self.window.of(capture.rgb).reshape(-1, 3)[known]
        return np.clip(rgb * (0.45 + 0.75 * np.clip(shade, 0, 1))[:, None], 0, 255).astype(np.uint8)


def outlines(mask: np.ndarray, window: Window) -> list[np.ndarray]:
    """Closed outlines (K, 2) of a mask (H, W) in pane pixels, drawn just outside it."""
    part = window.of(mask).astype(np.uint8)
    large = cv2.resize(part * 255, (window.width, window.height), interpolation=cv2.INTER_LINEAR)
    large = cv2.dilate(large, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    large = (cv2.GaussianBlur(large, (0, 0), max(0.8, window.scale)) > 100).astype(np.uint8)
    found, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [line[:, 0] for line in found]


def oblique_outlines(lines, result, view: Oblique) -> list[np.ndarray]:
    """Outlines of `outlines`, carried onto the cloud: the points they pass over, seen obliquely."""
    if view.empty:
        return []
    window, carried = view.window, []
    points = np.where(result.after.valid[..., None], result.after.points, result.before.points)
    for line in lines:
        at = np.rint((line + 0.5) / window.scale - 0.5).astype(int)
        at += np.array((window.column, window.row))
        at = np.clip(at, 0, np.array(points.shape[1::-1]) - 1)
        seen = view.seen(points[at[:, 1], at[:, 0]])[:, :2]
        seen = seen[np.isfinite(seen).all(1)]
        if len(seen) > 8:  # a running mean takes off the staircase of whole pixels
            k = min(len(seen) // 4, max(3, int(3 * window.scale)))
            ring = np.concatenate((seen[-k:], seen, seen[:k]))
            seen = np.stack([np.convolve(c, np.ones(2 * k + 1) / (2 * k + 1), "valid") for c in ring.T], 1)
            carried.append(np.rint(seen).astype(np.int32))
    return carried


def _painted(values):
    """(rows, columns, 3) in [0, 1], NaN invalid → uint8."""
    known = np.isfinite(values).all(-1, keepdims=True)
    return np.where(known, np.clip(np.nan_to_num(values), 0, 1) * 255, _INVALID).astype(np.uint8)
