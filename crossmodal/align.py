"""Depth from one camera as another camera would measure it: the surface is drawn into the other, nearest first."""

import cv2
import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import View
from crossmodal.normals import links
from crossmodal.raster import splat
from depth import measure_floor


def aligned(view: View, camera: Camera, T_camera_view: np.ndarray) -> np.ndarray:
    """z-depth (H, W) float32 m in `camera`, NaN where the view measured nothing that it sees.

    T_camera_view (4, 4) maps the view's coordinates to the camera's. The measured pixels that lie on one surface
    span triangles, which a z-buffer draws with perspective-correct depth: what stands behind is hidden, a depth
    step stays open, and what only `camera` sees stays NaN.
    """
    z = np.ascontiguousarray(view.depth)
    valid = np.isfinite(z)
    out = np.full((camera.height, camera.width), np.inf)
    if valid.any():
        focal = (view.camera.fx * view.camera.fy) ** 0.5
        linked = links(z, np.asarray(measure_floor(z).at(z), np.float32), z * np.float32(1e3 / focal))
        points = moved(view.points, T_camera_view)
        seen = np.concatenate((camera.project(points), points[..., 2:]), -1)
        state = np.isfinite(seen).all(-1)
        splat(seen, state.astype(np.uint8), linked, state, 1, out, np.zeros((*out.shape, 2)))
    return np.where(np.isfinite(out), out, np.nan).astype(np.float32)


def colours_of(view: View, rgb: np.ndarray, camera: Camera, z_m: np.ndarray, T_camera_view: np.ndarray) -> np.ndarray:
    """The view's pixels (H, W, 3) uint8 in the colours that another camera saw; black where it did not see them.

    rgb, z_m: that camera's picture and its aligned depth, by which a point that it does not see is told.
    """
    points = moved(view.points, T_camera_view)
    pixels = camera.project(points).astype(np.float32)
    columns, rows = np.ascontiguousarray(pixels[..., 0]), np.ascontiguousarray(pixels[..., 1])
    outside = -np.ones_like(columns)
    columns, rows = (np.where(np.isfinite(pixels).all(-1), one, outside) for one in (columns, rows))
    nearest = cv2.remap(np.nan_to_num(z_m, nan=np.inf), columns, rows, cv2.INTER_NEAREST, borderValue=-np.inf)
    colours = cv2.remap(rgb, columns, rows, cv2.INTER_LINEAR)
    hidden = ~(points[..., 2] <= nearest * _BEHIND)
    colours[hidden] = 0
    return colours


_BEHIND = 1.01
"""A point this much farther than what the other camera sees along its ray is hidden from it."""


def moved(points: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Points (..., 3) in the coordinates that the rigid T (4, 4) maps to, float64."""
    return points.astype(np.float64) @ T[:3, :3].T + T[:3, 3]
