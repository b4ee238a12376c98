"""What is timed: captures of known size, and defects that cover a wanted share of the frame."""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import toys

import crossmodal as cm
from crossmodal import captures
from crossmodal.scanner import Plane, scan

FRAME_MM = 100.0
KINDS = ("dent", "bump", "scratch", "stain", "fine scratch")
SHARED = Path(os.environ.get("CROSSMODAL_SHARED", Path(__file__).parents[2] / ".." / "shared"))
GLAND = SHARED / "data" / "mvtec3d_sample" / "cable_gland"


@lru_cache
def tilted(size: int) -> cm.Capture:
    """A cast plane tilted by 20°, 100 mm in view whatever the number of pixels."""
    camera = toys.toy_camera(size, mm_per_pixel=FRAME_MM / size)
    return scan(Plane((0, 0, 0.3), toys.tilted(20)), camera, toys.LAMP, toys.MATERIAL, samples=1, name="plane")


@lru_cache
def real(name: str) -> cm.Capture:
    """A real capture: "cable gland" (MVTec 3D-AD, 400²), or one that ships with the package."""
    if name != "cable gland":
        return captures.load(name)
    return next(iter(cm.read_captures(GLAND)))


def spec(kind: str, across_mm: float, pixel_mm: float) -> cm.Spec:
    """A defect of one kind, of which ``across_mm`` scales the area."""
    if kind == "dent":
        return cm.Dent(diameter_mm=across_mm, depth_mm=0.1 * across_mm)
    if kind == "bump":
        return cm.Bump(diameter_mm=across_mm, height_mm=0.1 * across_mm)
    if kind == "stain":
        return cm.Stain(diameter_mm=across_mm)
    if kind == "scratch":
        return cm.Scratch(length_mm=4 * across_mm, width_mm=0.2 * across_mm, depth_mm=0.05 * across_mm)
    # three pixels wide, supersampled; as long as a dent of this area would be, four times over
    return cm.Scratch(length_mm=4 * across_mm, width_mm=3 * pixel_mm, depth_mm=pixel_mm)


def planned(capture: cm.Capture, kind: str, share: float, seed: int = 1) -> tuple[cm.Recipe, cm.Plan, float]:
    """A recipe and its plan whose defect covers a share of the frame (a fine scratch: as long as such a
    scratch), and the share that it does cover.
    """
    pixel_mm = capture.surface.mm_per_pixel
    across = np.sqrt(share * capture.rgb[..., 0].size * 4 / np.pi) * pixel_mm
    covered = 0.0
    for _ in range(1 if kind == "fine scratch" else 3):
        if covered:
            across *= np.sqrt(share / covered)
        recipe = cm.Recipe(defects=(spec(kind, float(across), pixel_mm),))
        plan = cm.draw(capture, recipe, seed)
        covered = float(cm.replay(capture, plan).gt.mean())
    return recipe, plan, covered
