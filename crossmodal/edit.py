"""The one 3-D truth of a defect: a field on a chart, which any view, cloud or mesh evaluates."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
from numba import njit

from crossmodal.capture import read_only
from crossmodal.patch import Patch

if TYPE_CHECKING:
    from crossmodal.plan import Grown


@dataclass(frozen=True, eq=False)
class Sample:
    """A field at n places of a chart.

    displacement_mm: (n,) float32, along the normal of the undisturbed surface, + outwards; of added matter, how high
        its top stands
    albedo: (n, 3) float32, gain of the surface's colour in linear light, or None where it keeps its own
    whitening: (n,) float32, share of the colour that broken matter replaces by scattered white, or None
    removed: (n,) bool, places where the surface is gone and what lies behind is seen, or None
    lost: (n,) bool, places that return too little light for the depth sensor but keep their colour, or None
    cover: (n, 4) float32, linear colour in full light of matter that lies on the surface, times its share, and last
        that share, or None
    gloss: (n,) float32, how much of the lamp's own light added matter or a film mirrors, or None
    underside_mm: (n,) float32, how high the underside of added matter hangs over the surface, 0 where it rests on it;
        None where all of it rests, or where none was added
    gap_mm: (n,) float32, how wide the gap is that a place lies in, where it is too steep to look into askance; inf
        elsewhere, or None
    flatten: (n,) float32, share of the surface's own crests narrower than the field's ``flattens_mm`` that is gone,
        or None
    """

    displacement_mm: np.ndarray
    albedo: np.ndarray | None = None
    whitening: np.ndarray | None = None
    removed: np.ndarray | None = None
    lost: np.ndarray | None = None
    cover: np.ndarray | None = None
    flatten: np.ndarray | None = None
    gloss: np.ndarray | None = None
    underside_mm: np.ndarray | None = None
    gap_mm: np.ndarray | None = None

    @property
    def support(self) -> np.ndarray:
        """(n,) bool: where anything happens."""
        touched = self.displacement_mm != 0
        if self.albedo is not None:
            for c in range(3):
                touched |= self.albedo[..., c] != 1
        if self.whitening is not None:
            touched |= self.whitening > 0
        for mask in (self.removed, self.lost):
            if mask is not None:
                touched |= mask
        if self.cover is not None:
            touched |= self.cover[..., 3] > 0
        if self.flatten is not None:
            touched |= self.flatten > 0
        return touched


class Field(Protocol):
    """What a grown defect is on its chart, in mm."""

    bounds_mm: tuple[float, float, float, float]
    """(s_min, s_max, t_min, t_max) outside which nothing happens."""
    finest_mm: float
    """Width of its smallest feature; the renderer supersamples where this nears a pixel."""
    reach_mm: float
    """Distance from the anchor to the farthest place where something happens."""
    deepest_mm: float
    """Largest displacement into the surface."""
    highest_mm: float
    """Largest displacement out of the surface."""
    matter: bool
    """Whether what stands out is matter of its own upon the surface, which stays beneath it; no where left out."""
    peaks_mm: np.ndarray
    """(n, 2) places where it is deepest and highest, if its peaks are too narrow for samples; none where left out."""

    def near(self, s_mm: np.ndarray, t_mm: np.ndarray, margin_mm: float) -> np.ndarray:
        """Bool: chart coordinates (...) within a margin of where something may happen; NaN is not."""
        ...

    def sample(self, s_mm: np.ndarray, t_mm: np.ndarray) -> Sample:
        """The field at (n,) chart coordinates."""
        ...


@dataclass(frozen=True, eq=False)
class SurfaceEdit:
    """A field with the chart that it was grown on.

    planned: the plan's entry that it was grown from, if it was
    T_here_patch: (4, 4) maps the patch's camera frame to the frame that the edit is used in.
    """

    patch: Patch
    field: Field
    kind: str = ""
    planned: "Grown | None" = None
    T_here_patch: np.ndarray = field(default_factory=lambda: np.eye(4))

    def moved(self, T: np.ndarray) -> "SurfaceEdit":
        """The same edit in the coordinates that the rigid T (4, 4) maps to."""
        return replace(self, T_here_patch=read_only(np.asarray(T, np.float64) @ self.T_here_patch))

    def chart(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(s, t) mm (N, 2) of points (N, 3) m on a surface with these normals; NaN where the defect's surface is not.

        A point is on it within a tenth of the field's size of the charted surface, on the same side of a wall.
        """
        to_patch = np.linalg.inv(self.T_here_patch)
        there = points @ to_patch[:3, :3].T + to_patch[:3, 3]
        local = self.patch.coordinates(there)
        s0, s1, t0, t1 = self.field.bounds_mm
        near = 0.1 * max(s1 - s0, t1 - t0) + 4 * self.patch.surface.floor_mm
        held = self.patch.holds(there, local, normals @ self.T_here_patch[:3, :3], near)
        return np.where(held[:, None], local[:, :2], np.nan)

    def directions(self, normals: np.ndarray, charted: np.ndarray, side: int = 1) -> np.ndarray:
        """(h, w, 3) float32: the ways in which points with these normals move (see Patch.directions), here."""
        if np.array_equal(self.T_here_patch[:3, :3], np.eye(3)):
            return self.patch.directions(normals, charted, side)
        turn = self.T_here_patch[:3, :3].astype(np.float32)
        return self.patch.directions(normals @ turn, charted, side) @ turn.T

    def __call__(self, points: np.ndarray, normals: np.ndarray) -> Sample:
        """The field at points (N, 3) in metres with unit normals (N, 3), in this edit's frame."""
        st = self.chart(points, normals)
        inside = within(st, self.field.bounds_mm)
        return scattered(self.field.sample(st[inside, 0], st[inside, 1]), inside)


def within(st: np.ndarray, bounds: tuple[float, float, float, float]) -> np.ndarray:
    """(...) bool: chart coordinates (..., 2) inside bounds; NaN is outside."""
    flat = np.ascontiguousarray(st).reshape(-1, 2)
    return _within(flat, *(float(bound) for bound in bounds)).reshape(st.shape[:-1])


@njit(cache=True, nogil=True)
def _within(st, s0, s1, t0, t1):
    out = np.empty(len(st), np.bool_)
    for i in range(len(st)):
        s, t = st[i, 0], st[i, 1]
        out[i] = s0 <= s <= s1 and t0 <= t <= t1
    return out


def scattered(sample: Sample, where: np.ndarray) -> Sample:
    """A sample of n places spread over the true pixels of a mask; elsewhere nothing happens."""
    places = np.flatnonzero(where)

    def spread(values, empty):
        if values is None:
            return None
        full = (np.ones if empty else np.zeros)(where.shape + values.shape[1:], values.dtype)
        full.reshape(-1, *values.shape[1:])[places] = values
        return full

    return Sample(spread(sample.displacement_mm, 0), spread(sample.albedo, 1), spread(sample.whitening, 0),
                  spread(sample.removed, False), spread(sample.lost, False), spread(sample.cover, 0),
                  spread(sample.flatten, 0), spread(sample.gloss, 0), spread(sample.underside_mm, 0),
                  spread(sample.gap_mm, np.inf))


def replaced(sample: Sample, at: np.ndarray, by: Sample) -> None:
    """Write the n places of one sample into a spread one, where (n,) says among its places, counted row by row."""
    for name, values in vars(by).items():
        if values is not None:
            getattr(sample, name).reshape(-1, *values.shape[1:])[at] = values


def exact_distance(mask: np.ndarray) -> np.ndarray:
    """(H, W) float64 distance to the nearest false pixel, in pixels: the root of a whole number on any thread."""
    rough = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float64)
    return np.sqrt(np.rint(rough * rough))


@dataclass(frozen=True)
class Extents:
    """Sizes of a field's closed support in its chart, all in mm, mm²."""

    area_mm2: float
    length_mm: float
    width_mm: float
    max_depth_mm: float
    max_height_mm: float
    volume_mm3: float = 0.0


def measure(field: Field, across: int = 200) -> Extents:
    """Sizes found on a field by sampling it: ``across`` samples over its narrow side.

    length: the support's largest extent in any direction (Feret); width: the largest disc inside it.
    """
    s0, s1, t0, t1 = field.bounds_mm
    narrow = min(s1 - s0, t1 - t0)
    step = max(narrow / across, np.sqrt((s1 - s0) * (t1 - t0) / 4e6))
    s = np.arange(s0 - 2 * step, s1 + 2.5 * step, step)
    t = np.arange(t0 - 2 * step, t1 + 2.5 * step, step)
    grid = np.stack(np.meshgrid(s, t), -1).reshape(-1, 2)
    inside = within(grid, field.bounds_mm)
    sample = scattered(field.sample(grid[inside, 0], grid[inside, 1]), inside)
    support = sample.support.reshape(len(t), len(s))
    d = sample.displacement_mm
    if not support.any():
        return Extents(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    peaks = getattr(field, "peaks_mm", None)
    most = d if peaks is None else np.concatenate((d, field.sample(peaks[:, 0], peaks[:, 1]).displacement_mm))
    rim = np.argwhere(support & ~cv2.erode(support.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)) * step
    angles = np.linspace(0, np.pi, 180, endpoint=False)
    spans = rim @ np.stack((np.sin(angles), np.cos(angles)))
    disc = exact_distance(support).max()
    return Extents(float(support.sum() * step * step), float(np.ptp(spans, axis=0).max() + 0.5 * step),
                   float((2 * disc - 1) * step), float(max(0, -most.min())), float(max(0, most.max())),
                   float(np.abs(d, dtype=np.float64).sum() * step * step))
