"""What a model is shown: colour, relief and normals of a capture's object side by side, with a grid in its pixels."""

import cv2
import numpy as np

from crossmodal.capture import Capture
from crossmodal.vlm.offered import cells

HEIGHT = 420  # pixels of the longer side of a panel, that models see without shrinking it much
MARGIN = 0.08  # of the object's box, shown about it
RANGE = (1, 99)  # percentiles of the object's height between which relief is grey
GAP, HEAD, FOOT, SIDE = 8, 22, 18, 34  # pixels about a panel
INK, PAPER = (20, 20, 20), (245, 245, 245)
ABOUT = 30  # grey of what is measured and not the object
FAINT = 0.25  # of a grid line over what lies beneath it
TITLES = ("colour", "relief: bright is high", "normals")


def strip(capture: Capture) -> np.ndarray:
    """(h, w, 3) uint8: three panels of the object's box. Numbers at their sides are the capture's own pixels, at the
    lines of the grid whose cells a place may name (see offered.cells)."""
    x0, y0, x1, y1 = _window(capture)
    panels = [panel[y0:y1, x0:x1] for panel in (capture.rgb, _relief(capture), _normals(capture))]
    scale = HEIGHT / max(x1 - x0, y1 - y0)
    size = max(1, round(scale * (x1 - x0))), max(1, round(scale * (y1 - y0)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    framed = [_framed(cv2.resize(np.ascontiguousarray(panel), size, interpolation=way), title, capture, (x0, y0), scale)
              for panel, title in zip(panels, TITLES, strict=True)]
    return np.concatenate(framed, axis=1)


def png(picture: np.ndarray) -> bytes:
    """A picture (h, w, 3) uint8 as a PNG file."""
    return cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()


def _window(capture):
    x0, y0, x1, y1 = capture.surface.landmarks.box
    margin = round(MARGIN * max(x1 - x0, y1 - y0))
    height, width = capture.shape
    return max(0, x0 - margin), max(0, y0 - margin), min(width, x1 + margin), min(height, y1 + margin)


def _relief(capture):
    """Height over the plane that the object lies in, as grey; dark about it, black where nothing was measured."""
    surface = capture.surface
    height = (surface.points - surface.axes.centre_m.astype(np.float32)) @ surface.axes.normal.astype(np.float32)
    own = np.isfinite(height) & surface.foreground
    low, high = np.percentile(height[own], RANGE)
    grey = np.clip((np.where(own, height, low) - low) / max(high - low, 1e-9), 0, 1)
    return np.repeat(np.where(own, 60 + 195 * grey, _about(capture)).astype(np.uint8)[..., None], 3, -1)


def _normals(capture):
    """Red to the right, green up, blue to the camera; about the object as the relief is."""
    normals = capture.normals * np.array((1, -1, -1), np.float32)
    own = np.isfinite(normals[..., :1]) & capture.surface.foreground[..., None]
    return np.where(own, 127.5 + 127.5 * np.where(own, normals, 0), _about(capture)[..., None]).astype(np.uint8)


def _about(capture):
    return np.where(capture.valid, ABOUT, 0)


def _framed(panel, title, capture, corner, scale):
    """The panel with its title, the grid's lines and their numbers."""
    height, width = panel.shape[:2]
    sheet = np.full((HEAD + height + FOOT, SIDE + width + GAP, 3), PAPER, np.uint8)
    boxes = cells(capture.surface)
    for axis in (0, 1):
        for line in sorted({box[i] for box in boxes for i in (axis, axis + 2)}):
            at = min(max(round(scale * (line - corner[axis])), 0), (width, height)[axis] - 1)
            across = (slice(None), slice(at, at + 1)) if axis == 0 else (slice(at, at + 1), slice(None))
            panel[across] = ((1 - FAINT) * panel[across] + FAINT * 255 * (panel[across] < 128)).astype(np.uint8)
            where = (SIDE + at - 10, HEAD + height + 13) if axis == 0 else (2, HEAD + at + 4)
            cv2.putText(sheet, str(line), where, cv2.FONT_HERSHEY_SIMPLEX, 0.38, INK, 1, cv2.LINE_AA)
    sheet[HEAD:HEAD + height, SIDE:SIDE + width] = panel
    cv2.putText(sheet, title, (SIDE, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
    return sheet
