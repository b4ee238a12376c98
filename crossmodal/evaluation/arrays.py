"""The arrays of one sample exactly as its files hold them, read independently of how they were made."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from crossmodal.datasets.pcd import read_grid as read_cloud_grid
from crossmodal.evaluation.samples import Sample
from crossmodal.evaluation.steps import told
from depth.files import FORMATS
from pointcloud import pcd_rgb, read_pcd
from rgb import read_mask, read_rgb


@dataclass(frozen=True, eq=False)
class Arrays:
    """One sample in memory.

    rgb: (H, W, 3) uint8; xyz: (H, W, 3) as stored, any unit and codes; depth: (H, W) as stored,
        or in metres where the dataset says the step
    points: (H, W, 3) float32 in the file's unit, NaN wherever no plausible point stands
    masks: gt, gt_rgb, gt_depth, instances → (H, W) uint8; displacement: (H, W) float32 mm; soft: (H, W) as stored
    faults: role → one line, for every file that could not be used; coded: "nan" for PCD, else "zero"
    """

    sample: Sample
    rgb: np.ndarray | None = None
    xyz: np.ndarray | None = None
    depth: np.ndarray | None = None
    points: np.ndarray | None = None
    displacement: np.ndarray | None = None
    soft: np.ndarray | None = None
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    coded: str = "zero"

    @property
    def shape(self) -> tuple[int, int] | None:
        """(H, W) of the first of xyz, rgb, depth that could be read."""
        for array in (self.xyz, self.rgb, self.depth):
            if array is not None:
                return array.shape[:2]
        return None

    @cached_property
    def unit_m(self) -> float:
        """Metres per unit of the file, guessed: a median z beyond 10 is taken for millimetres."""
        if self.points is None or not np.isfinite(self.points[..., 2]).any():
            return 1.0
        return 1e-3 if float(np.nanmedian(self.points[..., 2])) > 10 else 1.0

    def mask(self, role: str) -> np.ndarray | None:
        """A mask as bool (H, W), or None."""
        return self.masks[role] > 0 if role in self.masks else None


def load(sample: Sample) -> Arrays:
    """Read every file of a sample; what is broken or of another size is left out and named in ``faults``."""
    held, masks, faults, coded = {}, {}, {}, "zero"

    def attempt(role, read):
        path = sample.files.get(role)
        if path is None:
            return None
        try:
            return read(path)
        except (ValueError, OSError) as error:
            faults[role] = " ".join(str(error).split())
            return None

    if "pcd" in sample.files:
        cloud = attempt("pcd", read_pcd)
        if cloud is not None and not cloud.organised:
            faults["pcd"] = f"{sample.files['pcd']} is not organised (HEIGHT 1), so its points have no pixel"
        elif cloud is not None:
            coded = "nan"
            held["rgb"] = pcd_rgb(cloud)
            held["xyz"] = attempt("pcd", lambda _: cloud.xyz())
    else:
        image = attempt("rgb", read_rgb)
        held["rgb"] = None if image is None else image.pixels
        held["xyz"] = attempt("xyz", _read_xyz)
        held["depth"] = attempt("depth", _read_depth)
    for role in ("gt", "gt_rgb", "gt_depth", "instances"):
        mask = attempt(role, read_mask)
        if mask is not None:
            masks[role] = mask
    grids = {role: attempt(role, read_grid) for role in ("displacement", "soft")}
    shape = next((a.shape[:2] for a in (held.get("xyz"), held.get("rgb"), held.get("depth")) if a is not None), None)
    for role, array in (*held.items(), *masks.items(), *grids.items()):
        if array is not None and array.shape[:2] != shape:
            faults[role] = f"{role} is {array.shape[:2]}, but the capture is {shape}"
    held = {role: None if role in faults else array for role, array in held.items()}
    masks = {role: mask for role, mask in masks.items() if role not in faults}
    grids = {role: None if role in faults else grid for role, grid in grids.items()}
    xyz = held.get("xyz")
    points = None if xyz is None else _plausible(xyz)
    return Arrays(sample, held.get("rgb"), xyz, held.get("depth"), points, grids["displacement"],
                  grids["soft"], masks, faults, coded)


def read_grid(path: Path) -> np.ndarray:
    """A TIFF or .npy as stored. Errors: ValueError (no such array), OSError; one line, nothing on stderr."""
    suffix = path.suffix.lower()
    return FORMATS[suffix if suffix in (".npy", ".png") else ".tiff"][0](path)


def _read_xyz(path):
    if path.suffix.lower() in (".ply", ".pcd"):
        return read_cloud_grid(path)[1]
    grid = read_grid(path)
    if grid.ndim != 3 or grid.shape[2] != 3 or not np.issubdtype(grid.dtype, np.number):
        raise ValueError(f"{path} must be numbers (H, W, 3), but is {grid.dtype} {grid.shape}")
    return grid


def _read_depth(path):
    grid = read_grid(path)
    if grid.ndim == 3 and grid.shape[2] == 3 and (grid[..., :1] == grid).all():
        grid = grid[..., 0]
    if grid.ndim != 2:
        raise ValueError(f"{path} must be (H, W), but is {grid.dtype} {grid.shape}")
    return told(path, grid)


def _plausible(xyz):
    points = xyz.astype(np.float32)
    z = points[..., 2]
    with np.errstate(invalid="ignore"):
        good = np.isfinite(points).all(-1) & (z > 0) & (np.abs(points) != 65535).all(-1)
    points[~good] = np.nan
    return points
