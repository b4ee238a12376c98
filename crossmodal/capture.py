"""What was seen: a View is one camera's observation, a Capture a View with colour and geometry, a Rig several."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from crossmodal.camera import Camera, fit_camera
from pointcloud import PointCloud
from rgb import RgbImage, to_linear
from rgb.light import Light


def read_only(array: np.ndarray) -> np.ndarray:
    """A view of the array that refuses writing; the caller's own array stays as it was."""
    view = array.view()
    view.setflags(write=False)
    return view


@dataclass(frozen=True, eq=False)
class Encoding:
    """How a source wrote its geometry, kept so that an untouched sample is written back bit for bit.

    values: the file's own array, (H, W, 3) xyz or (H, W) z, in its own dtype
    unit_m: metres per unit of the file
    invalid: what stands where nothing was measured
    """

    values: np.ndarray
    unit_m: float = 1.0
    invalid: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "values", read_only(self.values))

    def encoded(self, points: np.ndarray, changed: np.ndarray) -> np.ndarray:
        """The file's array with the changed pixels (H, W bool) taken from points (H, W, 3) in metres."""
        new = points if self.values.ndim == 3 else points[..., 2]
        values = self.values.copy()
        chosen = new[changed].astype(np.float64) / self.unit_m
        chosen = np.where(np.isfinite(chosen), chosen, self.invalid)
        if np.issubdtype(values.dtype, np.integer):
            chosen = np.rint(chosen)
        values[changed] = chosen.astype(values.dtype)
        return values


@dataclass(frozen=True, eq=False)
class View:
    """One camera's observation.

    camera: Camera, (H, W) pixels
    rgb: (H, W, 3) uint8 sRGB, or None
    points: (H, W, 3) float32 in metres in the camera's axes, NaN where nothing was measured, or None
    encoding: the source's own geometry values, if it had any
    origin: the view that this one was edited from, by the same sensor in the same light
    light: what it is known to stand in (see lit_by); None where its own picture has to tell
    """

    camera: Camera
    rgb: np.ndarray | None = None
    points: np.ndarray | None = None
    name: str = ""
    encoding: Encoding | None = field(default=None, repr=False)
    origin: "View | None" = field(default=None, repr=False)
    light: Light | None = field(default=None, repr=False)

    def __post_init__(self):
        shape = (self.camera.height, self.camera.width)
        if self.rgb is not None:
            object.__setattr__(self, "rgb", RgbImage(self.rgb).pixels)
        if self.points is not None:
            if self.points.dtype != np.float32 or self.points.ndim != 3 or self.points.shape[2] != 3:
                raise ValueError(f"points must be float32 (H, W, 3), but got {self.points.dtype} "
                                 f"{self.points.shape}")
            object.__setattr__(self, "points", read_only(np.ascontiguousarray(self.points)))
        for word, array in (("rgb", self.rgb), ("points", self.points)):
            if array is not None and array.shape[:2] != shape:
                raise ValueError(f"{word} is {array.shape[:2]} but the camera sees {shape}")

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.camera.height, self.camera.width

    @cached_property
    def depth(self) -> np.ndarray:
        """z-depth (H, W) float32 in metres, NaN invalid."""
        return read_only(np.ascontiguousarray(self.points[..., 2]))

    @cached_property
    def valid(self) -> np.ndarray:
        """(H, W) bool: pixels with a measured point."""
        return read_only(np.isfinite(self.depth))

    @cached_property
    def grey(self) -> bool:
        """Whether the picture is of one channel, as a scanner's texture is."""
        return self.rgb is not None and _one_channel(self.rgb[::8, ::8]) and _one_channel(self.rgb)

    @cached_property
    def surface(self):
        """The Surface that this view saw (see crossmodal.surface), analysed when first asked for."""
        from crossmodal.surface import Surface  # a surface is made of views, so it comes after them
        if self.origin is None:
            return Surface.of(self)
        # What the sensor and the lamp are like was measured before the edit, and still holds.
        height, width = self.shape
        origin = self.origin if self.light is None else self.origin.lit_by(self.light)
        return origin.surface.after(self.points, (0, height), (0, width))

    @cached_property
    def backdrop(self):
        """The Backdrop behind this view's object (see crossmodal.backdrop), or None; found when first asked for."""
        from crossmodal.backdrop import find_backdrop
        return self.origin.backdrop if self.origin is not None else find_backdrop(self, self.surface.foreground)

    @cached_property
    def own_colour(self) -> tuple[float, float, float] | None:
        """The object's median linear colour where white matter is 1; None without a picture."""
        if self.rgb is None:
            return None
        seen = self.rgb[::2, ::2][self.surface.foreground[::2, ::2]]
        linear = to_linear(np.median(seen, axis=0).astype(np.uint8)) if len(seen) else np.zeros(3)
        return tuple(float(x) for x in np.minimum(linear / self.surface.white, 1))

    @property
    def normals(self) -> np.ndarray:
        """Unit normals towards the viewer, (H, W, 3) float32, NaN where no surface was measured."""
        return self.surface.normals

    def replaced(self, **changes) -> "View":
        """A copy with other arrays; caches are not carried over."""
        return replace(self, **changes)

    def lit_by(self, light: Light | None) -> "View":
        """The same view in a light known from elsewhere; None leaves it to its own picture."""
        if light == self.light:
            return self
        view = replace(self, light=light)
        # All else that was found out still holds.
        found = {name: value for name, value in self.__dict__.items() if name not in view.__dict__}
        surface = found.pop("surface", None)
        found.pop("own_colour", None)  # as light as the light leaves it
        if surface is not None and light is not None:
            found["surface"] = surface.lit_by(light, self.rgb)
        view.__dict__.update(found)
        return view


def _one_channel(rgb):
    return bool((rgb == rgb[..., :1]).all())


@dataclass(frozen=True, eq=False)
class Capture(View):
    """A View with both colour and geometry: what every defect is imprinted in."""

    def __post_init__(self):
        super().__post_init__()
        if self.rgb is None or self.points is None:
            raise ValueError("a capture needs both rgb and points; a view may lack one")

    @classmethod
    def from_points(cls, rgb: np.ndarray, points: np.ndarray, camera: Camera | None = None, name: str = "",
                    encoding: Encoding | None = None) -> "Capture":
        """From paired rgb (H, W, 3) uint8 and points (H, W, 3) float32 m; the camera is refined on the points."""
        if rgb.shape[:2] != points.shape[:2]:
            raise ValueError(f"rgb is {rgb.shape[:2]} but points are {points.shape[:2]}")
        _checked_ahead(points)
        return cls(fit_camera(points, camera).camera, rgb, points, name, encoding)

    @classmethod
    def from_depth(cls, rgb: np.ndarray, depth: np.ndarray, camera: Camera, name: str = "",
                   encoding: Encoding | None = None) -> "Capture":
        """From paired rgb (H, W, 3) uint8 and z-depth (H, W) float32 m, NaN invalid."""
        _checked_ahead(depth[..., None])
        points = (camera.ray_map() * depth[..., None]).astype(np.float32)
        points[..., 2] = depth
        return cls(camera, rgb, points, name, encoding)

    def cloud(self) -> tuple[PointCloud, np.ndarray]:
        """The valid points with their colours (N, 3), and the (column, row) each came from (N, 2) int32."""
        rows, columns = np.nonzero(self.valid)
        cloud = PointCloud(self.points[rows, columns], rgb=self.rgb[rows, columns])
        return cloud, np.stack((columns, rows), -1).astype(np.int32)


def _checked_ahead(points: np.ndarray) -> None:
    """Refuse points (H, W, 1 or 3) m that no camera measures, such as the zeros that files keep for nothing."""
    if wrong := np.count_nonzero((points[..., -1] <= 0) | np.isinf(points).any(-1)):
        raise ValueError(f"a point is finite and in front of the camera (z > 0), and NaN where nothing was measured; "
                         f"{wrong} are neither")


@dataclass(frozen=True, eq=False)
class Rig:
    """Several views of one scene; ``T_rig_camera[i]`` (4, 4) maps view i's coordinates to the rig's."""

    views: tuple[View, ...]
    T_rig_camera: tuple[np.ndarray, ...]

    def __post_init__(self):
        if len(self.views) != len(self.T_rig_camera):
            raise ValueError(f"a rig needs one pose a view, but got {len(self.views)} views "
                             f"and {len(self.T_rig_camera)} poses")
        poses = tuple(read_only(np.asarray(pose, np.float64)) for pose in self.T_rig_camera)
        for pose in poses:
            rotation = pose[:3, :3] if pose.shape == (4, 4) else np.zeros((3, 3))
            if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6):
                raise ValueError("T_rig_camera must be rigid (4, 4) transforms")
        object.__setattr__(self, "T_rig_camera", poses)

    @classmethod
    def of(cls, capture: Capture) -> "Rig":
        """A capture is a rig of one, in its own camera's frame."""
        return cls((capture,), (np.eye(4),))

    def view_named(self, name: str) -> int:
        """The number of the view of that name, or of the first where none has it."""
        return next((k for k, view in enumerate(self.views) if view.name == name), 0)

    def lit_by(self, light: Light) -> "Rig":
        """The same rig in a light that is known in its first view's axes."""
        from_first = [np.linalg.inv(pose) @ self.T_rig_camera[0] for pose in self.T_rig_camera]
        views = tuple(view.lit_by(light.turned(T[:3, :3])) for view, T in zip(self.views, from_first, strict=True))
        return replace(self, views=views)
