"""Our geometry against other people's: Open3D, PyTorch3D, trimesh, OpenCV and PyTorch must agree with it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import trimesh

import crossmodal as cm
from crossmodal import captures
from crossmodal.camera import Camera
from crossmodal.scanner import Mesh, rotation_about, scan

TURN = rotation_about((0.3, -1, 0.4), 37)
PINHOLE = Camera(150, 120, 700.0, 690.0, 71.3, 62.8)  # off centre and not square, so that no sign can hide
LENSES = [PINHOLE, replace(PINHOLE, model="division", distortion=(-0.4,)),
          replace(PINHOLE, model="brown", distortion=(0.3, -0.1, 0.002, -0.001, 0.05))]
by_model = pytest.mark.parametrize("camera", LENSES, ids=lambda c: c.model)
CAD = ("plate_holes.STL", "featuretype.STL", "octagonal_pocket.ply")


def box_mesh() -> Mesh:
    made = trimesh.creation.box(extents=(0.024, 0.016, 0.02))
    return Mesh(made.vertices, made.faces).placed(TURN, (0.001, -0.002, 0.3))


def cad_mesh(shared, name: str) -> Mesh:
    mesh = Mesh.from_file(shared / "data" / "cad" / name, 1.0).centred()
    scale = 0.05 / np.ptp(mesh.vertices, axis=0).max()  # the files do not say their unit: 50 mm fills the view
    return replace(mesh, vertices=mesh.vertices * scale).placed(TURN, (0, 0, 0.3))


def silhouette(z: np.ndarray, jump_m: float = 2.5e-3) -> np.ndarray:
    """(H, W) bool: pixels beside a step in depth, or beside nothing, where two casters may take either side."""
    filled = np.nan_to_num(z, nan=9.0).astype(np.float32)
    square = np.ones((3, 3), np.uint8)
    return cv2.dilate(filled, square) - cv2.erode(filled, square) > jump_m


def agree(got: np.ndarray, want: np.ndarray, limit_m: float = 1e-5) -> None:
    """Depth (H, W) of two casters, NaN or inf for nothing: the same hits and the same z, silhouettes apart."""
    hit, wanted = np.isfinite(got), np.isfinite(want)
    assert 0.05 < wanted.mean() < 1
    steps = silhouette(np.where(wanted, want, np.nan))
    assert ((hit == wanted) | steps).all()
    assert (hit == wanted).mean() > 0.999
    both = hit & wanted
    away = np.abs(got[both] - want[both])
    assert away[~steps[both]].max() < limit_m
    assert np.mean(away < limit_m) > 0.999


def open3d_depth(mesh: Mesh, rays: np.ndarray) -> np.ndarray:
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces, np.uint32))
    cast = np.concatenate((np.zeros_like(rays), rays), -1).astype(np.float32)
    # rays have z = 1, so that the distance along them is depth
    return scene.cast_rays(o3d.core.Tensor(np.ascontiguousarray(cast)))["t_hit"].numpy()


@by_model
def test_open3d_casts_our_rays_onto_the_same_box(camera):
    agree(scan(box_mesh(), camera, samples=1).depth, open3d_depth(box_mesh(), camera.ray_map()))


@pytest.mark.parametrize("name", CAD)
def test_open3d_casts_our_rays_onto_the_same_part(name, shared):
    mesh = cad_mesh(shared, name)
    agree(scan(mesh, PINHOLE, samples=1).depth, open3d_depth(mesh, PINHOLE.ray_map()))


def test_half_a_pixel_would_be_seen():
    shifted = replace(PINHOLE, cx=PINHOLE.cx + 0.5, cy=PINHOLE.cy + 0.5)
    got = scan(box_mesh(), PINHOLE, samples=1).depth
    with pytest.raises(AssertionError):
        agree(got, open3d_depth(box_mesh(), shifted.ray_map()))


@pytest.mark.parametrize("name", captures.names())
def test_open3d_unprojects_our_depth_to_our_points(name):
    import open3d as o3d

    capture = captures.load(name)
    camera = capture.camera
    rgbd = o3d.geometry.RGBDImage.create_from_color_and_depth(
        o3d.geometry.Image(np.ascontiguousarray(capture.rgb)),
        o3d.geometry.Image(np.nan_to_num(capture.depth)), depth_scale=1.0, depth_trunc=100.0,
        convert_rgb_to_intensity=False)
    intrinsic = o3d.camera.PinholeCameraIntrinsic(camera.width, camera.height, camera.fx, camera.fy, camera.cx,
                                                  camera.cy)
    cloud = o3d.geometry.PointCloud.create_from_rgbd_image(rgbd, intrinsic)
    ours, _ = capture.cloud()
    np.testing.assert_allclose(np.asarray(cloud.points), ours.xyz_m, atol=3e-7)
    np.testing.assert_allclose(np.asarray(cloud.colors) * 255, ours.rgb, atol=1e-3)


def pytorch3d_cameras(camera: Camera):
    """PyTorch3D counts pixels from the picture's corner, we from the first pixel's centre: half a pixel between."""
    import torch
    from pytorch3d.utils import cameras_from_opencv_projection

    K = torch.tensor([[[camera.fx, 0, camera.cx + 0.5], [0, camera.fy, camera.cy + 0.5], [0, 0, 1]]])
    return cameras_from_opencv_projection(torch.eye(3)[None], torch.zeros(1, 3), K,
                                          torch.tensor([[camera.height, camera.width]]))


@pytest.mark.parametrize("name", captures.names())
def test_pytorch3d_projects_our_points_into_our_pixels(name):
    import torch

    capture = captures.load(name)
    cloud, pixels = capture.cloud()
    got = pytorch3d_cameras(capture.camera).transform_points_screen(torch.from_numpy(cloud.xyz_m.copy()))
    assert np.abs(got[..., :2].numpy().reshape(-1, 2) - 0.5 - pixels).max() < 0.01  # it computes in float32


def test_pytorch3d_rasterises_what_we_scan():
    import torch
    from pytorch3d.renderer import MeshRasterizer, RasterizationSettings
    from pytorch3d.structures import Meshes

    camera = Camera(64, 64, 420.0, 410.0, 30.2, 33.1)
    mesh = box_mesh()
    settings = RasterizationSettings(image_size=(64, 64), blur_radius=0.0, faces_per_pixel=1,
                                     perspective_correct=True, cull_backfaces=False)
    cameras = pytorch3d_cameras(camera)
    seen = MeshRasterizer(cameras, settings)(Meshes([torch.from_numpy(mesh.vertices.astype(np.float32))],
                                                    [torch.from_numpy(mesh.faces.copy())]))
    z = seen.zbuf[0, ..., 0].numpy()
    agree(scan(mesh, camera, samples=1).depth, np.where(z > 0, z, np.nan))


@by_model
def test_trimesh_casts_our_rays_onto_the_same_box(camera):
    mesh = box_mesh()
    rays = camera.ray_map()[::3, ::3]
    flat = rays.reshape(-1, 3)
    where, index, _ = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).ray.intersects_location(
        np.zeros_like(flat), flat, multiple_hits=False)
    z = np.full(len(flat), np.nan)
    z[index] = where[:, 2]
    agree(mesh.hit(rays), z.reshape(rays.shape[:2]), 1e-9)


BROWN = LENSES[2]
K = np.array(((BROWN.fx, 0, BROWN.cx), (0, BROWN.fy, BROWN.cy), (0, 0, 1)))


def test_opencv_projects_as_our_brown_camera_does():
    points = np.random.default_rng(0).uniform((-0.04, -0.03, 0.2), (0.04, 0.03, 0.6), (500, 3))
    want, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, np.array(BROWN.distortion))
    np.testing.assert_allclose(BROWN.project(points), want[:, 0], atol=1e-9)


def test_opencv_undistorts_as_our_brown_camera_does():
    pixels = BROWN.pixel_grid().reshape(-1, 2)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-13)
    want = cv2.undistortPoints(pixels[:, None], K, np.array(BROWN.distortion), criteria=criteria)
    np.testing.assert_allclose(BROWN.rays(pixels)[:, :2], want[:, 0], atol=1e-9)


def tensors(result) -> dict:
    import torch

    seen = result.after
    return {"rgb": torch.from_numpy(seen.rgb.copy()), "points": torch.from_numpy(seen.points.copy()),
            "gt": torch.from_numpy(result.gt.copy())}


def test_torch_takes_a_result_as_it_is():
    result = cm.synthesize(captures.load("pot"), cm.Dent(), seed=3)
    for name, tensor in tensors(result).items():
        want = result.gt if name == "gt" else getattr(result.after, name)
        assert tensor.numpy().tobytes() == want.tobytes()
        assert tensor.shape == want.shape


class Defects:
    """The dataset a user would write: the i-th sample is the i-th seed."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        spec = (cm.Dent(), cm.Scratch(), cm.Stain())[i % 3]
        return tensors(cm.synthesize(captures.load("pot"), spec, seed=i))


def test_a_data_loader_gives_the_same_bytes_with_workers_as_without():
    from torch.utils.data import DataLoader

    alone, together = (list(DataLoader(Defects(), batch_size=2, num_workers=n)) for n in (0, 2))
    assert len(alone) == len(together) == 3
    different = set()
    for a, b in zip(alone, together, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].numpy().tobytes() == b[name].numpy().tobytes()
        different.add(a["points"].numpy().tobytes())
    assert len(different) == 3
    assert tuple(alone[0]["rgb"].shape) == (2, *captures.load("pot").shape, 3)
