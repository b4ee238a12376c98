"""Scanning: what a camera measures of a scene whose shape, light and matter are known exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import Capture
from crossmodal.scanner.materials import Lamp, Material, sky_directions
from crossmodal.scanner.mesh import Mesh
from rgb.shading import to_srgb

_CLEAR_M = 2e-5  # how far above its surface a point looks for what shades it


@dataclass(frozen=True, eq=False)
class Scene:
    """Shapes of which every ray meets the nearest."""

    shapes: tuple

    def __post_init__(self):
        if not self.shapes:
            raise ValueError("a scene needs at least one shape")

    def trace(self, rays: np.ndarray):
        """First hits of rays (..., 3) from the camera's centre, scaled to z = 1.

        Returns z (...) in metres, NaN where nothing is met; unit normals (..., 3) towards the viewer; and the
        index (...) int64 of the shape, -1 for none.
        """
        z = np.full(rays.shape[:-1], np.inf)
        normals = np.full(rays.shape, np.nan)
        index = np.full(rays.shape[:-1], -1)
        for k, shape in enumerate(self.shapes):
            smooth = isinstance(shape, Mesh)
            here, *place = shape.trace(rays) if smooth else (shape.hit(rays),)
            wins = here < z
            if smooth:
                normals[wins] = shape.normal_at(*(part[wins] for part in place))
            else:
                normals[wins] = shape.normal(rays[wins] * here[wins, None])
            z[wins], index[wins] = here[wins], k
        away = np.einsum("...i,...i->...", normals, rays) > 0
        normals[away] *= -1
        return np.where(index >= 0, z, np.nan), normals, index

    def hides(self, direction: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(...) bool: points (..., 3) from which something stands in ``direction`` (3,)."""
        hidden = np.zeros(points.shape[:-1], bool)
        for shape in self.shapes:
            open_ = ~hidden
            hidden[open_] = np.isfinite(shape.hit(direction, points[open_]))
        return hidden


def scan(shapes, camera: Camera, lamp: Lamp | Sequence[Lamp] | None = None,
         materials: Material | Sequence[Material] | None = None, *, samples: int = 2,
         background=(0.02, 0.02, 0.022), name: str = "") -> Capture:
    """A noise-free Capture of a shape, several, or a Scene; materials is one for all or one for each shape.

    Of several lamps the first brings its sky, the others only themselves.

    Points lie exactly on the ray through each pixel's centre; colour is the mean linear light of
    samples × samples rays a pixel, albedo·(ambient + diffuse·max(0, n·l)·visible) + gloss, encoded as sRGB.
    """
    scene = shapes if isinstance(shapes, Scene) else Scene(
        tuple(shapes) if isinstance(shapes, Sequence) else (shapes,))
    lamps = (lamp,) if isinstance(lamp, Lamp) else tuple(lamp or (Lamp(),))
    lamp = lamps[0]
    materials = materials or Material()
    materials = (materials,) * len(scene.shapes) if isinstance(materials, Material) else tuple(materials)
    if len(materials) != len(scene.shapes):
        raise ValueError(f"materials must be one, or one for each of {len(scene.shapes)} shapes, "
                         f"but got {len(materials)}")
    pixels = camera.pixel_grid()
    rays = camera.rays(pixels)
    z, normals, index = scene.trace(rays)
    points = rays * z[..., None]
    openness = np.ones(z.shape)
    if lamp.sky_rays:
        openness[index >= 0] = _openness(scene, lamp, points[index >= 0], normals[index >= 0])
    light = np.zeros(rays.shape)
    for turn, (dx, dy) in enumerate(_rooks(samples)):
        if samples == 1:
            hits, open_ = (rays, z, normals, index), openness
        else:
            moved = camera.rays(pixels + np.array((dx, dy)))
            hits = (moved, *scene.trace(moved))
            open_ = _openness_near(scene, lamp, hits, (z, index, openness))
        light += _shaded(scene, lamps, materials, hits, open_, background, (turn, samples))
    rgb = to_srgb((light / samples**2).astype(np.float32))
    return Capture(camera, rgb, points.astype(np.float32), name)


def _rooks(samples):
    """samples² offsets within a pixel, no two in one row or column."""
    a, b = np.divmod(np.arange(samples**2), samples)
    return np.stack((a + (b + 0.5) / samples, b + (a + 0.5) / samples), 1) / samples - 0.5


def _openness(scene, lamp, points, normals):
    """The sky's light on each point (N,), against that on an open point that faces it."""
    got, whole = np.zeros(len(points)), np.zeros(len(points))
    start = points + 5 * _CLEAR_M * normals
    for direction in sky_directions(lamp.sky_rays):
        facing = normals @ direction
        lit = np.flatnonzero(facing > 0)
        whole[lit] += facing[lit]
        free = lit[~scene.hides(direction, start[lit])]
        got[free] += facing[free] * lamp.sky(direction)
    return got / np.maximum(whole, 1e-12)


def _openness_near(scene, lamp, hits, centre):
    """The centre ray's openness, found anew where a pixel's other rays meet something else."""
    if not lamp.sky_rays:
        return centre[2]
    rays, z, normals, index = hits
    other = (index >= 0) & ((index != centre[1]) | ~(np.abs(z - centre[0]) < 2e-3 * z))
    out = centre[2].copy()
    out[other] = _openness(scene, lamp, (rays * z[..., None])[other], normals[other])
    return out


def _shaded(scene, lamps, materials, hits, openness, background, turn):
    """Linear light (H, W, 3) that the rays carry."""
    rays, z, normals, index = hits
    light = np.broadcast_to(np.asarray(background, np.float64), rays.shape).copy()
    sky = lamps[0]
    for k, material in enumerate(materials):
        chosen = index == k
        if not chosen.any():
            continue
        point, normal = rays[chosen] * z[chosen, None], normals[chosen]
        view = -rays[chosen] / np.linalg.norm(rays[chosen], axis=-1, keepdims=True)
        albedo = _albedo(scene.shapes[k], material, rays[chosen])
        if material.texture is not None:
            albedo = albedo * material.texture(point * 1000).reshape(len(point), -1)
        colour = albedo * (sky.ambient * openness[chosen])[:, None]
        for lamp in lamps:
            diffuse, gloss = _lamp_light(scene, lamp, material, point, normal, view, turn)
            colour += albedo * lamp.diffuse * diffuse[:, None] * lamp.colour
            if material.specular:
                colour += material.specular * gloss[:, None] * lamp.colour
        if material.mirror:
            facing = np.clip((view * normal).sum(-1), 0, 1)
            back = 2 * facing[:, None] * normal - view
            fresnel = 0.1 + 0.9 * (1 - facing) ** 5
            colour += (material.mirror * fresnel * sky.sky(back) * openness[chosen])[:, None]
        light[chosen] = colour
    return light


def _albedo(shape, material, rays):
    """Linear reflectance (N, 3) where rays (N, 3) that meet a shape do so: a mesh's own colours, or the material's."""
    if not isinstance(shape, Mesh) or shape.colours is None:
        return material.albedo * np.ones((len(rays), 1))
    return shape.colour_at(*shape.trace(rays)[1:])


def _lamp_light(scene, lamp, material, point, normal, view, turn):
    """What the lamp gives each point: its cosine (N,) and its gloss (N,), both where it is not hidden."""
    start = point + _CLEAR_M * normal
    diffuse, gloss = np.zeros(len(point)), np.zeros(len(point))
    directions = lamp.directions(max(1, 12 // turn[1] ** 2), turn[0])
    for direction in directions:
        cosine = normal @ direction
        lit = np.flatnonzero(cosine > 0)
        lit = lit[~scene.hides(direction, start[lit])]
        diffuse[lit] += cosine[lit]
        if material.specular:
            half = view[lit] + direction
            half /= np.linalg.norm(half, axis=-1, keepdims=True)
            gloss[lit] += np.clip((half * normal[lit]).sum(-1), 0, 1) ** material.shininess
    return diffuse / len(directions), gloss / len(directions)
