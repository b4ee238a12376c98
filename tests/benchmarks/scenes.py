"""What is timed: captures of known size, and defects that cover a wanted share of the frame."""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import toys

import crossmodal as cm
from crossmodal import captures
from crossmodal.raster import nodes_a_pixel
from crossmodal.scanner import Plane, scan

FRAME_MM = 100.0
CATALOGUE = {spec.model_fields["kind"].default: spec for spec in cm.DEFECTS}
KINDS = (*CATALOGUE, "fine scratch")
WARPS = tuple(kind for kind, spec in CATALOGUE.items() if spec.extent == "global")
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


@lru_cache
def frame(name: str) -> cm.Capture:
    """The capture behind a table's frame: "plane 400²", "cable gland 400²", "cans 268×190"."""
    what, _, size = name.rpartition(" ")
    return tilted(int(size[:-1])) if what == "plane" else real(what)


def spec(capture: cm.Capture, kind: str, across_mm: float) -> cm.Spec:
    """A defect of one kind, of which ``across_mm`` scales the area."""
    if kind == "dent":
        return cm.Dent(diameter_mm=across_mm, depth_mm=0.1 * across_mm)
    if kind == "bump":
        return cm.Bump(diameter_mm=across_mm, height_mm=0.1 * across_mm)
    if kind == "stain":
        return cm.Stain(diameter_mm=across_mm)
    if kind == "scratch":
        return cm.Scratch(length_mm=4 * across_mm, width_mm=0.2 * across_mm, depth_mm=0.05 * across_mm)
    if kind == "fine scratch":
        # three pixels wide, supersampled; as long as a dent of this area would be, four times over
        pixel_mm = capture.surface.mm_per_pixel
        return cm.Scratch(length_mm=4 * across_mm, width_mm=3 * pixel_mm, depth_mm=pixel_mm)
    usual = cm.draw(capture, cm.Recipe(defects=(CATALOGUE[kind](),)), 1).defects[0].spec
    if kind in WARPS:
        return usual
    # a defect of this kind as drawn by default, larger or smaller as a whole
    sizes = [name for name in usual.sizes if name.endswith("_mm")]
    by = across_mm / max(usual.fixed(name) for name in sizes)
    return usual.model_copy(update={name: (by * usual.fixed(name),) * 2 for name in sizes})


def planned(capture: cm.Capture, kind: str, share: float, seed: int = 1) -> tuple[cm.Recipe, cm.Plan, float]:
    """A recipe and its plan whose defect covers a share of the frame (a fine scratch: as long as such a
    scratch; a warp: the object), and the share that it does cover: less where no larger one finds a place.
    """
    across = np.sqrt(share * capture.rgb[..., 0].size * 4 / np.pi) * capture.surface.mm_per_pixel
    found, fits = None, np.inf
    for _ in range(1 if kind in ("fine scratch", *WARPS) else 6):
        recipe = cm.Recipe(defects=(spec(capture, kind, float(across)),))
        try:
            plan = cm.draw(capture, recipe, seed)
        except ValueError:
            fits, across = across, 0.85 * across
            continue
        found = recipe, plan, float(cm.replay(capture, plan).gt.mean())
        if abs(found[2] / share - 1) < 0.1:
            break
        across = min(across * float(np.clip(np.sqrt(share / max(found[2], 1e-6)), 0.5, 2)), 0.95 * fits)
    return found


def demands(capture: cm.Capture, kind: str, plan: cm.Plan) -> str:
    """What of the renderer a plan's defect uses beyond the rest: "fine" (supersampled in this frame), "matter" (added
    or removed), "gap" (walls, darkness and lost depth at once), "warp", or ""."""
    field = cm.grown(capture.surface, plan.defects[0]).field
    if kind in WARPS:
        return "warp"
    if nodes_a_pixel(field.finest_mm / capture.surface.mm_per_pixel) > 1:
        return "fine"
    if plan.defects[0].spec.effect in ("add", "remove"):
        return "matter"
    return "gap" if _gapes(field) else ""


def _gapes(field) -> bool:
    """Whether somewhere a field goes down, is dark and too narrow to look into."""
    s0, s1, t0, t1 = field.bounds_mm
    s, t = np.meshgrid(np.linspace(s0, s1, 300), np.linspace(t0, t1, 300))
    sample = field.sample(s.ravel(), t.ravel())
    if sample.gap_mm is None or sample.albedo is None:
        return False
    return bool((np.isfinite(sample.gap_mm) & (sample.displacement_mm < 0) & (sample.albedo < 1).all(-1)).any())
