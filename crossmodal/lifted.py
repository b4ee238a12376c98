"""A defect recovered from one edited modality: its field lives on the pixels of the view it was made in."""

from dataclasses import dataclass, fields

import numpy as np

import rgb as rgb_room
from crossmodal.capture import read_only
from crossmodal.edit import Extents, Sample, exact_distance
from crossmodal.plan import Lifted, PackedArray
from crossmodal.raster import refine
from crossmodal.relight import shading_ratio
from crossmodal.see import Seen, rendered
from crossmodal.surface import Surface

LOW = 0.75  # confidence in a relief below which its doubt is said
DARKEST = 1e-3  # linear light below which a ratio of colours says nothing about the material


@dataclass(frozen=True, eq=False)
class LiftedEdit:
    """What was changed, over a window of its own view; arrays (h, w[, 3]).

    changed: bool, the pixels that were edited
    rgb: uint8, the edited colours as given, or None
    points: float32 m, the edited points as given, NaN removed, or None
    relief_mm: float32, displacement asked for beside an edit of colour, or None
    confidence: 0 to 1, how far relief that was read from the colour's shading is to be trusted, or None
    """

    modality: str
    rows: tuple[int, int]
    columns: tuple[int, int]
    changed: np.ndarray
    rgb: np.ndarray | None = None
    points: np.ndarray | None = None
    relief_mm: np.ndarray | None = None
    pixel_mm2: float = 0.0
    extents_mm: tuple[float, float] = (0.0, 0.0)
    volume_mm3: float = 0.0
    kind: str = "lifted"
    confidence: float | None = None

    def __post_init__(self):
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, entry.name, read_only(value))

    def extents(self) -> Extents:
        """Sizes of what was changed, measured on the surface when it was lifted."""
        depth, height = self.extents_mm
        across = np.sqrt(self.pixel_mm2)
        rim = np.argwhere(self.changed)
        angles = np.linspace(0, np.pi, 90, endpoint=False)
        spans = np.ptp(rim @ np.stack((np.sin(angles), np.cos(angles))), axis=0) + 1
        disc = exact_distance(np.pad(self.changed, 1)).max()
        return Extents(float(len(rim) * self.pixel_mm2), float(spans.max() * across),
                       float((2 * disc - 1) * across), depth, height, self.volume_mm3)

    @property
    def planned(self) -> Lifted:
        """The edit as an entry of a plan, arrays and all."""
        arrays = {name: PackedArray.of(getattr(self, name)) for name in ("changed", "rgb", "points", "relief_mm")
                  if getattr(self, name) is not None}
        return Lifted(kind=self.kind, modality=self.modality, window=(*self.rows, *self.columns), arrays=arrays,
                      pixel_mm2=self.pixel_mm2, extents_mm=self.extents_mm, volume_mm3=self.volume_mm3,
                      confidence=self.confidence)

    @property
    def doubt(self) -> str | None:
        """A sentence where the relief is not to be trusted much."""
        if self.confidence is None or self.confidence >= LOW:
            return None
        return f"the relief read from the shading has a confidence of {self.confidence:.2f} only; look at it"

    @classmethod
    def replayed(cls, planned: Lifted) -> "LiftedEdit":
        """The edit that a plan's entry holds."""
        r0, r1, c0, c1 = planned.window
        arrays = {name: packed.array() for name, packed in planned.arrays.items()}
        return cls(planned.modality, (r0, r1), (c0, c1), pixel_mm2=planned.pixel_mm2, extents_mm=planned.extents_mm,
                   volume_mm3=planned.volume_mm3, kind=planned.kind,
                   confidence=planned.confidence, **arrays)


def along_normal_mm(surface: Surface, edit: LiftedEdit) -> np.ndarray:
    """(h, w) float32: how far each edited point left the old surface along its normal; NaN where either is missing."""
    window = np.s_[edit.rows[0]:edit.rows[1], edit.columns[0]:edit.columns[1]]
    offset = edit.points - surface.points[window]
    return (np.einsum("ijk,ijk->ij", offset, surface.normals[window]) * 1e3).astype(np.float32)


def material(before: np.ndarray, edit: LiftedEdit) -> np.ndarray:
    """The material that an edited picture put on the surface: gain of linear colour (h, w, 3) float32 over the
    edit's window; before: (H, W, 3) uint8, the picture it was made on.

    Both pictures are of one shape under one light, so that their ratio is the material's alone.
    """
    if edit.rgb is None:
        return np.ones((*edit.changed.shape, 3), np.float32)
    window = np.s_[edit.rows[0]:edit.rows[1], edit.columns[0]:edit.columns[1]]
    return rgb_room.to_linear(edit.rgb) / np.maximum(rgb_room.to_linear(before[window]), np.float32(DARKEST))


def see_lifted(surface: Surface, edit: LiftedEdit) -> Seen:
    """What the edit's own view sees of it."""
    rows, columns = edit.rows, edit.columns
    h, w = edit.changed.shape
    chart = np.zeros((h, w, 2), np.float32)
    window = np.s_[rows[0]:rows[1], columns[0]:columns[1]]
    base = tuple(np.ascontiguousarray(array[window])
                 for array in (surface.smoothed, surface.normals, surface.linked))
    smooth, normal, _, state = nodes = refine(*base, chart, np.ones((h, w), bool), 1)
    if edit.points is not None:
        return _see_points(surface, edit, nodes)
    d = edit.relief_mm if edit.relief_mm is not None else np.zeros((h, w), np.float32)
    sample = Sample(np.where(state.astype(bool), d, np.float32(0)).astype(np.float32))
    seen = rendered(surface, rows, columns, (smooth, normal, state), base[2], sample, sample.support, 1)
    return Seen(rows, columns, seen.z_m, seen.gain, seen.source, seen.displacement_mm, seen.support | edit.changed)


def _see_points(surface, edit, nodes):
    d = np.where(edit.changed, along_normal_mm(surface, edit), 0).astype(np.float32)
    window = np.s_[edit.rows[0]:edit.rows[1], edit.columns[0]:edit.columns[1]]
    offset = np.where(edit.changed[..., None], edit.points - surface.points[window], 0)
    moved = np.where(nodes[3][..., None] > 0, nodes[0], 0) + np.nan_to_num(offset, nan=0.0)
    ratio = shading_ratio(surface.light, nodes[0], nodes[1], nodes[3], np.nan_to_num(d, nan=0.0),
                          (surface.camera.fx, surface.camera.fy), 1, moved)
    z = np.where(edit.changed, edit.points[..., 2], surface.points[window][..., 2])
    source = np.stack(np.indices(z.shape, np.float32), -1)
    gain = np.zeros((*z.shape, 4), np.float32)
    gain[..., :3] = ratio[..., None]
    return Seen(edit.rows, edit.columns, z, gain, source, d, edit.changed)
