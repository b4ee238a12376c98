"""A small mesh of the surface about a planned defect, and the piece of the photograph that shows it."""

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import Capture
from crossmodal.optimise.moves import Moves
from crossmodal.patch import Patch
from crossmodal.relight import RATIO
from rgb import to_linear

NODES = 64  # a side, at most: PyTorch3D's rasteriser on a CPU tries each triangle in each pixel
PIXELS = 96  # a side of the picture, at most
CELL = 2  # places a side at which a field is sampled for one node, where there are more pixels than nodes
CONTEXT = 0.35  # of the mesh's side, shown around it
SOOT, PAPER = 0.02, 0.95  # the darkest and the lightest that matter is painted
GAIN = 1.02  # the least room for a lighter colour on what is as light as paper


@dataclass(frozen=True, eq=False)
class Local:
    """What a picture of one defect is made from; n nodes.

    patch: of the old anchor, as far as the defect may reach
    st_mm: (n, m, 2) places of the chart that each node stands for, NaN off it
    points_mm, ways: (n, 3) float64, nodes and the unit directions in which they move
    faces: (F, 3) int64
    camera: a pinhole that sees the nodes in the picture
    window: the photograph's (rows, columns) that the picture shows
    """

    capture: Capture
    patch: Patch
    st_mm: np.ndarray
    points_mm: np.ndarray
    ways: np.ndarray
    faces: np.ndarray
    camera: Camera
    window: tuple[slice, slice]

    @cached_property
    def reflectance(self) -> np.ndarray:
        """(3,) how light the lighter matter here is, where white is 1."""
        surface = self.capture.surface
        shade = np.maximum(surface.light.shading(np.nan_to_num(surface.normals[self.patch.window])), RATIO[0])
        shade = 1 + surface.light.confidence * (shade - 1)
        seen = to_linear(np.ascontiguousarray(self.capture.rgb[self.patch.window])) / (shade * surface.white)[..., None]
        return np.percentile(seen[np.isfinite(self.patch.st_mm[..., 0])], 95, axis=0)

    @property
    def tints(self) -> tuple[np.ndarray, np.ndarray]:
        """The gains (3,) of colour between which matter stays between soot and paper."""
        light = np.maximum(self.reflectance, SOOT)
        return np.minimum(SOOT / light, 1 / GAIN), np.maximum(PAPER / light, GAIN)

    def shown(self, rgb: np.ndarray) -> np.ndarray:
        """A picture (H, W, 3) uint8 of the capture's size as linear light (h, w, 3) float32 of this one's."""
        piece = to_linear(np.ascontiguousarray(rgb[self.window]))
        return cv2.resize(piece, (self.camera.width, self.camera.height), interpolation=cv2.INTER_AREA)


def local(capture: Capture, moves: Moves) -> Local:
    """The mesh and the picture for all that a defect may become. Raises ValueError where it has no surface."""
    surface, planned, widest = capture.surface, moves.planned, moves.widest
    reach = widest.reach_mm + math.hypot(*moves.away_mm) + 2 * surface.mm_per_pixel
    patch = Patch.at(surface, planned.anchor_m, planned.heading, reach)
    grid = _Grid.over(patch.st_mm.shape[:2])
    st = grid.cells(patch.st_mm)
    side = 2 * round(0.25 * planned.field().finest_mm / surface.mm_per_pixel) + 1
    normals = np.ascontiguousarray(surface.normals[patch.window])
    ways = patch.directions(normals, np.isfinite(patch.st_mm[..., :1]), side)
    at = grid.cells(surface.smoothed[patch.window].astype(np.float64)).mean(2) * 1e3
    ways = grid.cells(np.asarray(ways, np.float64)).mean(2)
    whole = np.isfinite(st).all((2, 3)) & np.isfinite(at).all(-1) & (np.linalg.norm(ways, axis=-1) > 0.5)
    index = np.cumsum(whole.ravel()).reshape(whole.shape) - 1
    faces = _faces(whole, index, grid.linked(surface.linked[patch.window]))
    if not len(faces):
        raise ValueError(f"no whole surface lies about the {planned.kind}; plan it elsewhere")
    points, ways = at[whole], ways[whole]
    ways /= np.linalg.norm(ways, axis=-1, keepdims=True)
    window, scale = _view(patch, capture.shape)
    camera = _pinhole(capture.camera, points * 1e-3, window, scale)
    return Local(capture, patch, st[whole], points, ways, faces, camera, window)


@dataclass(frozen=True)
class _Grid:
    """Nodes over a window of pixels: each stands for cell² places, ``step`` pixels from one another."""

    rows: int
    columns: int
    cell: int
    step: int

    @classmethod
    def over(cls, shape) -> "_Grid":
        side = max(shape)
        cell = CELL if side > NODES else 1
        step = -(-side // (cell * NODES))
        return cls(shape[0] // (cell * step), shape[1] // (cell * step), cell, step)

    def cells(self, array):
        """(h, w, c) → (rows, columns, cell², c)."""
        side = self.cell * self.step
        taken = array[:self.rows * side:self.step, :self.columns * side:self.step]
        taken = taken.reshape(self.rows, self.cell, self.columns, self.cell, -1)
        return taken.transpose(0, 2, 1, 3, 4).reshape(self.rows, self.columns, self.cell * self.cell, -1)

    def linked(self, linked):
        """(rows, columns, 2) bool: which nodes hang together with the right and the lower one, all the way."""
        side = self.cell * self.step
        whole = linked[:self.rows * side, :self.columns * side].reshape(self.rows, side, self.columns, side, 2)
        return whole.all((1, 3))


def _faces(whole, index, linked):
    """Two triangles (F, 3) for each four nodes that are there and hang together, seen by the camera as fronts."""
    a, b, c, d = (slice(None, -1),) * 2, (slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1)), (
        slice(1, None),) * 2
    held = whole[a] & whole[b] & whole[c] & whole[d] & linked[a].all(-1)
    a, b, c, d = (index[corner][held] for corner in (a, b, c, d))
    return np.concatenate((np.stack((a, c, b), -1), np.stack((b, c, d), -1))).astype(np.int64)


def _view(patch: Patch, shape):
    """The photograph's window to show, and by how much it is reduced."""
    (r0, r1), (c0, c1) = patch.rows, patch.columns
    margin = round(CONTEXT * max(r1 - r0, c1 - c0) / 2)
    rows, columns = slice(max(0, r0 - margin), min(shape[0], r1 + margin)), slice(max(0, c0 - margin),
                                                                                  min(shape[1], c1 + margin))
    return (rows, columns), min(1.0, PIXELS / max(rows.stop - rows.start, columns.stop - columns.start))


def _pinhole(camera: Camera, points_m, window, scale) -> Camera:
    """The pinhole that shows points (n, 3) where a lens shows them, in a reduced window: there a lens hardly bends."""
    pixels = camera.project(points_m)
    seen = points_m[:, :2] / points_m[:, 2:]
    (fx, cx), (fy, cy) = (np.polyfit(seen[:, k], pixels[:, k], 1) for k in (0, 1))
    rows, columns = window
    height, width = rows.stop - rows.start, columns.stop - columns.start
    small = max(1, round(width * scale)), max(1, round(height * scale))
    kx, ky = small[0] / width, small[1] / height
    return Camera(*small, fx * kx, fy * ky, (cx - columns.start + 0.5) * kx - 0.5, (cy - rows.start + 0.5) * ky - 0.5)
