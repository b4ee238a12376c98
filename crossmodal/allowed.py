"""The pixels that a place leaves, and how much the oftener a defect shall lie at each."""

import cv2
import numpy as np

from crossmodal.place import Place
from crossmodal.surface import Surface

CUTS = ("near", "part", "avoid", "box", "mask", "forbid", "region")  # of a place: what leaves less ground


def allowed_by(surface: Surface, place: Place) -> np.ndarray | None:
    """(H, W) bool: the pixels that landmarks, box, mask, region and what is forbidden leave; None where nothing was
    said."""
    if not any(getattr(place, name) for name in CUTS):
        return None
    allowed = surface.landmarks.allowed(place)
    if place.box is not None:
        x0, y0, x1, y1 = place.box
        allowed[:max(y0, 0)] = allowed[max(y1, 0):] = False
        allowed[:, :max(x0, 0)] = allowed[:, max(x1, 0):] = False
    if place.mask is not None:
        allowed &= _picture("mask", place.mask, allowed.shape)
    if place.forbid is not None:
        allowed &= ~_picture("forbid", place.forbid, allowed.shape)
    if place.region is not None:
        allowed &= weights_of(place, allowed.shape) > 0
    return allowed


def weights_of(place: Place, shape: tuple[int, int]) -> np.ndarray | None:
    """(H, W) float32: how much the oftener a defect shall lie at each pixel; None where nothing was said of that."""
    if place.region is None:
        return None
    packed = place.region
    if packed.shape != shape or packed.dtype != "uint8":
        raise ValueError(f"place.region must be uint8 {shape}, as large as the capture, but got {packed.dtype} "
                         f"{packed.shape}; find it in this capture")
    return packed.array().astype(np.float32) * np.float32(1 / 255)


def _picture(name, path, shape):
    picture = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError(f"place.{name}: {path} is no picture that can be read; give a PNG as large as the capture")
    if picture.shape != shape:
        raise ValueError(f"place.{name}: {path} is {picture.shape[1]}x{picture.shape[0]} but the capture is "
                         f"{shape[1]}x{shape[0]}; give one pixel for each pixel")
    return picture > 0
