"""What a camera meets of a mesh, by whichever renderer there is: exact rays, Open3D's, or PyTorch3D's rasteriser.

All answer in one form. The first needs nothing and takes any lens; Open3D is the quicker on large meshes; through
PyTorch3D's depth a gradient flows back to the vertices (Ravi et al., "Accelerating 3D deep learning with PyTorch3D",
2020), slowly on a CPU.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol

import numpy as np

from crossmodal.camera import Camera
from crossmodal.scanner.mesh import Mesh


@dataclass(frozen=True, eq=False)
class Hits:
    """First hits of the rays through a camera's pixel centres.

    z_m: (H, W) float64, NaN where nothing is met; face: (H, W) int64, -1 there
    weights: (H, W, 2) float64, barycentrics of the face's second and third corner
    """

    z_m: np.ndarray
    face: np.ndarray
    weights: np.ndarray


class Renderer(Protocol):
    """Mesh in the camera's axes, and the camera → Hits."""

    def __call__(self, mesh: Mesh, camera: Camera) -> Hits: ...


@dataclass(frozen=True)
class ExactRays:
    """Every ray against every triangle it could meet, in float64; any lens."""

    def __call__(self, mesh: Mesh, camera: Camera) -> Hits:
        return Hits(*mesh.trace(camera.rays(camera.pixel_grid())))


@dataclass(frozen=True)
class Open3DRays:
    """Open3D's RaycastingScene (Embree), in float32; any lens."""

    def __call__(self, mesh: Mesh, camera: Camera) -> Hits:
        o3d = needed("open3d", "open3d")
        core = o3d.core
        scene = o3d.t.geometry.RaycastingScene()
        scene.add_triangles(core.Tensor(mesh.vertices.astype(np.float32)), core.Tensor(mesh.faces.astype(np.uint32)))
        rays = camera.rays(camera.pixel_grid()).astype(np.float32)
        hits = scene.cast_rays(core.Tensor(np.concatenate((np.zeros_like(rays), rays), -1)))
        z = hits["t_hit"].numpy().astype(np.float64)
        met = np.isfinite(z)
        return Hits(np.where(met, z, np.nan), np.where(met, hits["primitive_ids"].numpy().astype(np.int64), -1),
                    np.where(met[..., None], hits["primitive_uvs"].numpy(), 0.0).astype(np.float64))


@dataclass(frozen=True)
class PyTorch3DRaster:
    """PyTorch3D's mesh rasteriser, in float32; a pinhole, and faces wholly before the camera."""

    device: str = "cpu"

    def __call__(self, mesh: Mesh, camera: Camera) -> Hits:
        torch = needed("torch", "pytorch3d")
        vertices = torch.as_tensor(np.array(mesh.vertices, np.float32), device=self.device)
        z, face, weights = self.rasterised(vertices, np.array(mesh.faces), camera)
        face = face.cpu().numpy()
        met = face >= 0
        return Hits(np.where(met, z.cpu().numpy(), np.nan).astype(np.float64), face,
                    np.where(met[..., None], weights.cpu().numpy()[..., 1:], 0.0).astype(np.float64))

    def depth(self, vertices, faces: np.ndarray, camera: Camera):
        """z (H, W) torch float32 m of vertices (V, 3), a torch tensor through which the gradient flows; NaN where
        nothing is met."""
        torch = needed("torch", "pytorch3d")
        z, face, _ = self.rasterised(vertices, np.array(faces), camera)
        return torch.where(face >= 0, z, torch.full_like(z, torch.nan))

    def rasterised(self, vertices, faces, camera: Camera):
        """z (H, W), face (H, W) int64, -1 where nothing is met, and the barycentrics (H, W, 3), of vertices (V, 3), a
        torch tensor, and faces (F, 3). Raises ValueError for another camera than a pinhole."""
        if camera.model != "pinhole":
            raise ValueError(f"PyTorch3D's rasteriser takes a pinhole, but got a {camera.model} camera; use ExactRays")
        torch, meshes = needed("torch", "pytorch3d"), needed("pytorch3d.renderer.mesh.rasterize_meshes", "pytorch3d")
        structures = needed("pytorch3d.structures", "pytorch3d")
        # Its picture spans -1 to 1 over the shorter side, +x left and +y up, pixel centres half a pixel in.
        half = 0.5 * min(camera.width, camera.height)
        x, y, z = vertices.unbind(1)
        left = (0.5 * (camera.width - 1) - camera.cx - camera.fx * x / z) / half
        up = (0.5 * (camera.height - 1) - camera.cy - camera.fy * y / z) / half
        seen = structures.Meshes([torch.stack((left, up, z), 1)], [torch.as_tensor(faces, device=vertices.device)])
        face, depth, weights, _ = meshes.rasterize_meshes(
            seen, (camera.height, camera.width), blur_radius=0.0, faces_per_pixel=1, perspective_correct=True,
            bin_size=0)
        return depth[0, ..., 0], face[0, ..., 0], weights[0, ..., 0, :]


def render(mesh: Mesh, camera: Camera, by: Literal["numba", "open3d", "pytorch3d"] = "numba") -> Hits:
    """Hits by a renderer of the table. Errors: ValueError, one line, for one that is not known or not installed."""
    if by not in RENDERERS:
        raise ValueError(f"by must be one of {', '.join(RENDERERS)}, but got {by!r}")
    return RENDERERS[by](mesh, camera)


RENDERERS: dict[str, Renderer] = {"numba": ExactRays(), "open3d": Open3DRays(), "pytorch3d": PyTorch3DRaster()}


def needed(module: str, extra: str):
    try:
        return import_module(module)
    except (ImportError, OSError) as error:
        why = " ".join(str(error).split())[:120]
        raise ValueError(f"{module.split('.')[0]} cannot be imported ({why}); pip install 'crossmodal-anomaly[{extra}]'"
                         + ("; Debian also needs libusb-1.0-0 libgl1 libegl1 libgomp1" if extra == "open3d" else "")
                         ) from None
