"""A picture of a planned defect through which a gradient flows back to its numbers and its colours.

PyTorch3D's rasteriser (Ravi et al., "Accelerating 3D deep learning with PyTorch3D", 2020) tells which triangle of the
moved mesh each pixel sees. From there on all is smooth: where in its triangle it looks, hence the normal there, the
light on it, and the piece of the photograph that it shows. What is not: a triangle that comes into sight or goes out of
it, cast shadow, the dark of cavities, highlights, and relief finer than a node. ``imprint`` shows them all.
"""

import numpy as np
import torch

from crossmodal.optimise.local import Local
from crossmodal.optimise.moves import Moves
from crossmodal.optimise.sampled import Sampled
from crossmodal.recolour import WHITE
from crossmodal.relight import RATIO
from crossmodal.scanner.renderers import PyTorch3DRaster
from crossmodal.tint import faded, weights
from rgb.light import DARKEST


class Picture:
    """The picture of a Local as a function of the numbers of its Moves and a net of colours.

    device: torch's name of where it is made; what is seen where is asked of PyTorch3D when ``look`` is called
    """

    def __init__(self, local: Local, moves: Moves, device: str = "cpu"):
        def held(array, dtype=torch.float32):
            return torch.as_tensor(np.array(array), dtype=dtype, device=device)

        surface = local.capture.surface
        self.moves, self.st_mm, self.device = moves, local.st_mm, device
        self.points, self.ways = held(local.points_mm), held(local.ways)
        self.faces, self.camera, self.light = held(local.faces, torch.int64), local.camera, surface.light
        self.lamp, self.sky = held(surface.light.direction), held(surface.light.sky)
        self.photo = held(local.shown(local.capture.rgb)).permute(2, 0, 1)[None]
        self.white = surface.white
        self.shape = local.camera.height, local.camera.width
        self.still = self._normals(self.points)
        self.on_screen = self._projected(self.points)

    def __call__(self, values: torch.Tensor, net: torch.Tensor | None = None) -> torch.Tensor:
        """(1, 3, h, w) float32, sRGB from 0 to 1, of numbers (k,) float64 and gains of colour (n, n, 3), or none."""
        field, moved = self._moved(values)
        if not hasattr(self, "seen"):
            self._look(moved)
        pixels, corners = self.seen
        at = self._weights(moved, pixels, corners)
        shift = self._projected(moved) - self.on_screen
        normals = self._normals(moved)
        tint = torch.ones_like(field[:, 1:4]) if net is None else self._tint(field, net)
        carried = torch.cat((shift, self.still, normals, field[:, 1:4] * tint, field[:, 4:5], field[:, 5:8] * tint,
                             field[:, 8:9]), 1)
        carried = (carried[corners] * at[..., None]).sum(1)
        shift, still, normal, gain, white, cover = carried.split((2, 3, 3, 3, 1, 4), 1)
        before = self._shade(still)
        confidence = self.light.confidence
        ratio = (1 + confidence * (self._shade(normal) / before - 1)).clip(*RATIO)[:, None]
        colour = self._photo_at(pixels - shift) * ratio * gain
        colour = colour + white * (WHITE * colour.amax(1, keepdim=True) - colour)
        matter = cover[:, :3] * ratio * (1 + confidence * (before - 1))[:, None]
        colour = (1 - cover[:, 3:]) * colour + self.white * matter
        whole = self.photo[0].permute(1, 2, 0).reshape(-1, 3)
        column, row = pixels.long().unbind(1)
        whole = whole.index_put((row * self.shape[1] + column,), colour)
        return srgb(whole).reshape(*self.shape, 3).permute(2, 0, 1)[None]

    def look(self, values: torch.Tensor) -> None:
        """Ask again what each pixel sees when the numbers are (k,)."""
        with torch.no_grad():
            self._look(self._moved(values)[1])

    def _moved(self, values):
        field = Sampled.apply(values, self.moves, self.st_mm).float()
        return field, self.points + field[:, :1] * self.ways

    def _look(self, moved):
        with torch.no_grad():
            _, face, _ = PyTorch3DRaster(self.device).rasterised(moved * 1e-3, self.faces, self.camera)
        row, column = torch.nonzero(face >= 0, as_tuple=True)
        self.seen = torch.stack((column, row), 1).float(), self.faces[face[row, column]]

    def _projected(self, points):
        x, y, z = points.unbind(1)
        camera = self.camera
        return torch.stack((camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy), 1)

    def _weights(self, moved, pixels, corners):
        """(P, 3) perspective-correct barycentrics of pixels (P, 2) in the triangles that they see."""
        screen = self._projected(moved)[corners] - pixels[:, None]
        a, b, c = screen.unbind(1)
        parts = torch.stack((_cross(b, c), _cross(c, a), _cross(a, b)), 1) / moved[:, 2][corners]
        return parts / parts.sum(1, keepdim=True)

    def _normals(self, points):
        a, b, c = (points[self.faces[:, k]] for k in range(3))
        across = torch.linalg.cross(b - a, c - a)
        total = torch.zeros_like(points)
        for k in range(3):
            total = total.index_add(0, self.faces[:, k], across)
        return torch.nn.functional.normalize(total, dim=1)

    def _shade(self, normals):
        """(P,) light.shading of normals that are yet to be made unit."""
        unit = torch.nn.functional.normalize(normals, dim=1)
        x, y, z = unit.unbind(1)
        around = torch.stack((x, y, z, x * x, y * y, z * z, y * z, z * x, x * y), 1) @ self.sky
        lit = self.light.diffuse * (unit @ self.lamp).clip(0)
        return (self.light.ambient + lit + around).clip(DARKEST)

    def _tint(self, field, net):
        u, v = field[:, 9], field[:, 10]
        knots = torch.arange(len(net), device=net.device, dtype=field.dtype)
        gains = torch.einsum("nj,jkc,nk->nc", weights(v, knots), net.to(field.dtype), weights(u, knots))
        return 1 + (faded(u, v) * field[:, 11])[:, None] * (gains - 1)

    def _photo_at(self, places):
        """(P, 3) the photograph's linear light at places (P, 2), between pixels linearly."""
        height, width = self.shape
        grid = 2 * places / places.new_tensor((max(width - 1, 1), max(height - 1, 1))) - 1
        return torch.nn.functional.grid_sample(self.photo, grid[None, None], mode="bilinear", padding_mode="border",
                                               align_corners=True)[0, :, 0].T


def _cross(a, b):
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def srgb(linear):
    """sRGB (IEC 61966-2-1), 0 to 1."""
    light = linear.clip(1e-6, 1)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
