"""The surface that a view saw: normals, links, foreground, scale, noise floors and light, measured once."""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

import depth as depth_room
import rgb as rgb_room
from crossmodal import features
from crossmodal.axes import Axes, spans_mm
from crossmodal.camera import Camera
from crossmodal.capture import View, read_only
from crossmodal.foreground import find_foreground
from crossmodal.ground import GRAZING, Ground
from crossmodal.landmarks import Landmarks
from crossmodal.lighting import witnesses
from crossmodal.normals import links
from crossmodal.planes import keep_near, local_planes
from crossmodal.sensor import SensorModel
from rgb.estimate import estimate_light
from rgb.light import AMBIENT, Light

WELL_KNOWN_NORMAL = 0.02  # radians of noise that a fitted normal may carry
LARGEST_RADIUS = 8
DIMMEST = 0.4  # share of the lamp's full light in which a surface still tells how light its matter is


@dataclass(frozen=True, eq=False)
class Surface:
    """Geometry derived from one view; everything here is free of any plan.

    camera: of the view it was derived from
    points: (H, W, 3) float32 m, as measured; smoothed: the same, down to the noise floor
    normals: (H, W, 3) float32, unit, towards the viewer, NaN where nothing was measured
    linked: (H, W, 2) bool, on one surface with the right and the lower neighbour
    foreground: (H, W) bool
    floor: what the depth sensor cannot tell apart; rgb_floor: the same for colour, in 8-bit levels
    light: estimated from the view's own colours, or what it is known to stand in
    """

    camera: Camera
    points: np.ndarray
    smoothed: np.ndarray
    normals: np.ndarray
    linked: np.ndarray
    foreground: np.ndarray
    floor: depth_room.DepthFloor
    rgb_floor: float
    light: Light
    radius: int
    stride: int
    white: float = 1.0
    """Linear light in which this view shows a white surface that faces the lamp."""
    grain: rgb_room.Grain = rgb_room.NO_GRAIN
    """What the camera laid over this view's colours."""

    @classmethod
    def of(cls, view: View) -> "Surface":
        """Analyse a view. Raises ValueError where it measured nothing."""
        points, z = view.points, view.depth
        if points is None or not view.valid.any():
            raise ValueError(f"{view.name or 'the view'} has no valid depth; a surface needs at least one point")
        focal = (view.camera.fx * view.camera.fy) ** 0.5
        mm_per_pixel = (z * np.float32(1e3 / focal)).astype(np.float32)
        floor = depth_room.measure_floor(z)
        foreground = find_foreground(points, floor.at(z))
        if not foreground.all():
            floor = depth_room.measure_floor(np.where(foreground, z, np.float32(np.nan)))
        floor_map = np.asarray(floor.at(z), np.float32)
        linked = links(z, floor_map, mm_per_pixel)
        radius, stride = _fit_window(floor, z[foreground], focal)
        shape = view.shape
        normals, smoothed = local_planes(points, linked, radius, stride, (0, shape[0]), (0, shape[1]))
        keep_near(smoothed, z, floor_map)
        rgb_floor, light, white, grain = 0.0, AMBIENT, 1.0, rgb_room.NO_GRAIN
        if view.rgb is not None:
            rgb_floor = rgb_room.noise_levels(view.rgb)
            light = view.light or estimate_light((witnesses(view.rgb, points, normals, foreground, rgb_floor),))
            white = _white(view.rgb, normals, light)
            grain = rgb_room.measure_grain(view.rgb, foreground)
        return cls(view.camera, points, read_only(smoothed), read_only(normals), read_only(linked),
                   read_only(foreground), floor, rgb_floor, light, radius, stride, white, grain)

    def after(self, points: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> "Surface":
        """The same surface with other points (H, W, 3), of which only a window (r0, r1), (c0, c1) changed."""
        # Read-only like a view's own arrays: the compiled kernels then know one signature.
        points = read_only(points)
        margin = 2 * self.radius + 2
        height, width = points.shape[:2]
        rows = max(0, rows[0] - margin), min(height, rows[1] + margin)
        columns = max(0, columns[0] - margin), min(width, columns[1] + margin)
        around = (max(0, rows[0] - 3), min(height, rows[1] + 3)), (max(0, columns[0] - 3), min(width, columns[1] + 3))
        (r0, r1), (c0, c1) = around
        z = read_only(np.ascontiguousarray(points[r0:r1, c0:c1, 2]))
        scale = np.float32(1e3 / (self.camera.fx * self.camera.fy) ** 0.5)
        linked = self.linked.copy()
        inner = np.s_[rows[0] - r0:rows[1] - r0, columns[0] - c0:columns[1] - c0]
        outer = np.s_[rows[0]:rows[1], columns[0]:columns[1]]
        floor = np.asarray(self.floor.at(z), np.float32)
        linked[outer] = links(z, floor, z * scale)[inner]
        normals, smoothed = self.normals.copy(), self.smoothed.copy()
        normals[outer], smoothed[outer] = local_planes(points, linked, self.radius, self.stride, rows, columns)
        keep_near(smoothed[outer], z[inner], floor[inner])
        return Surface(self.camera, points, read_only(smoothed), read_only(normals), read_only(linked),
                       self.foreground, self.floor, self.rgb_floor, self.light, self.radius, self.stride,
                       self.white, self.grain)

    def lit_by(self, light: Light, rgb: np.ndarray | None) -> "Surface":
        """The same surface in another light, of a view whose colours are rgb (H, W, 3) uint8."""
        lit = replace(self, light=light, white=1.0 if rgb is None else _white(rgb, self.normals, light))
        lit.__dict__.update({name: value for name, value in self.__dict__.items() if name not in lit.__dict__})
        return lit

    @cached_property
    def mm_per_pixel(self) -> float:
        """Millimetres that one pixel spans across the line of sight, median over the foreground."""
        z = self.points[..., 2][self.foreground]
        return float(np.nanmedian(z) * 1e3 / (self.camera.fx * self.camera.fy) ** 0.5)

    @cached_property
    def floor_mm(self) -> float:
        """The depth noise floor on the foreground, median, in millimetres."""
        return float(np.nanmedian(self.floor.at(self.points[..., 2][self.foreground])) * 1e3)

    @cached_property
    def sensor(self) -> SensorModel:
        """The sensor that measured this surface."""
        pixel_rad = 1 / (self.camera.fx * self.camera.fy) ** 0.5
        return SensorModel.of(self.points[..., 2], self.linked, self.floor, pixel_rad)

    @cached_property
    def object_mm(self) -> float:
        """How large the largest foreground piece is: the square root of its visible area, in millimetres."""
        _, labels, stats, _ = cv2.connectedComponentsWithStats(self.foreground.astype(np.uint8))
        biggest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        return float(np.sqrt(self.pixel_area_mm2[labels == biggest].sum()))

    @cached_property
    def spans_mm(self) -> tuple[float, float]:
        """Of the foreground's points (see axes.spans_mm)."""
        return spans_mm(self.smoothed[self.foreground])

    @cached_property
    def axes(self) -> Axes:
        """The plane that the object lies in, and its long axis."""
        return Axes.of(self.smoothed, self.normals, self.foreground)

    @cached_property
    def landmarks(self) -> Landmarks:
        """What a person would name a place on the object by."""
        return Landmarks(self)

    @cached_property
    def object_ground(self) -> Ground:
        """Where a defect may lie on the object."""
        return self._ground(self.foreground)

    @cached_property
    def measured_ground(self) -> Ground:
        """Where a defect may lie on anything measured."""
        return self._ground(np.ones_like(self.foreground))

    def _ground(self, usable):
        return Ground.of(self.smoothed, self.normals, self.linked, usable, self.pixel_area_mm2, self.mm_per_pixel)

    @cached_property
    def ends(self) -> np.ndarray:
        """(H, W) bool: the object's last pixels (see features.ends)."""
        return read_only(features.ends(self.points, self.foreground, self.linked))

    @cached_property
    def turning(self) -> np.ndarray:
        """Bounds on normals and depth in blocks of pixels (see features.turning)."""
        return features.turning(self.smoothed, self.normals)

    @cached_property
    def hold(self) -> np.ndarray:
        """(H, W) uint8: 2 where a pixel is whole surface that is seen well, 1 where it is not but hangs on to it, else
        0."""
        linked = self.linked.view(np.uint8)
        ties = linked[..., 0] + linked[..., 1]
        ties[:, 1:] += linked[:, :-1, 0]
        ties[1:] += linked[:-1, :, 1]
        hold = (ties >= 2).astype(np.uint8)
        hold += (ties == 4) & (self.facing > GRAZING)
        return read_only(hold)

    @cached_property
    def facing(self) -> np.ndarray:
        """(H, W) float32: cosine of the angle at which each pixel's surface is seen; NaN where nothing was measured."""
        towards = -np.einsum("ijk,ijk->ij", self.smoothed, self.normals)
        return read_only(towards / np.maximum(np.linalg.norm(self.smoothed, axis=-1), np.float32(1e-9)))

    @cached_property
    def pixel_area_mm2(self) -> np.ndarray:
        """(H, W) float32: surface area behind each pixel; 0 where nothing was measured."""
        across = (self.smoothed[..., 2] * 1e3) ** 2 / (self.camera.fx * self.camera.fy)
        return read_only(np.nan_to_num(across / np.maximum(np.abs(self.facing), 0.1)).astype(np.float32))


def _fit_window(floor, z, focal):
    """The smallest window whose plane fits know a normal to WELL_KNOWN_NORMAL: σ/(pixel·√(n·r(r+1)/3))."""
    middle = float(np.median(z)) if z.size else 1.0
    sigma = float(floor.at(np.float32(middle)))
    if floor.quantum_m > 2 * floor.noise_m:
        sigma *= 2.0  # neighbours share their rounding, so averaging gains less
    pixel = middle / focal
    for radius in range(1, LARGEST_RADIUS + 1):
        stride = 1 + radius // 4
        side = 2 * (radius // stride) + 1
        reach = radius // stride
        if sigma / (pixel * stride * np.sqrt(side * side * reach * (reach + 1) / 3)) < WELL_KNOWN_NORMAL:
            break
    return (radius // stride) * stride, stride


def _white(rgb, normals, light):
    """The lightest matter of a scene is taken to be as light as paper; what clips is a highlight."""
    linear = rgb_room.to_linear(np.ascontiguousarray(rgb[::4, ::4].max(-1, keepdims=True)))[..., 0]
    facing = light.shading(np.nan_to_num(normals[::4, ::4]))
    shade = np.maximum(1 + light.confidence * (facing - 1), DIMMEST)
    return float(np.clip(np.percentile(linear / shade, 98) / 0.8, 0.1, 1.0))
