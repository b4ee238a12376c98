"""L1 and L2: pixels, rays and points agree, for every lens and every shape."""

from dataclasses import replace

import numpy as np
import pytest
import toys
import truth
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmodal.camera import Camera

TOYS = {"plane": toys.plane, "tilted": lambda: toys.tilted_plane(55, about=(0.4, 1, 0)), "sphere": toys.sphere,
        "cylinder": toys.cylinder, "step": toys.step, "box with NaN": toys.box}


@st.composite
def cameras(draw):
    """Cameras of every lens model; distortion as strong as a lens whose picture stays one to one."""
    width, height = draw(st.integers(24, 200)), draw(st.integers(24, 200))
    focal = draw(st.floats(0.8, 6)) * max(width, height)
    aspect = draw(st.floats(0.9, 1.1))
    cx, cy = draw(st.floats(0.3, 0.7)) * width, draw(st.floats(0.3, 0.7)) * height
    model = draw(st.sampled_from(("pinhole", "division", "brown")))
    corner = ((0.7 * width / focal) ** 2 + (0.7 * height / focal / aspect) ** 2) or 1.0
    bend = draw(st.floats(-0.08, 0.08)) / corner
    distortion = {"pinhole": (), "division": (bend,),
                  "brown": (bend, 0.3 * bend / corner, 0.004 * draw(st.floats(-1, 1)), 0.003, 0.0)}[model]
    return Camera(width, height, focal, focal * aspect, cx, cy, model, distortion)


def check_L1(camera: Camera, pixels, z_m, project=None, unproject=None):
    """project∘unproject is the identity, to 1e-3 px and 1e-6·z; both the other way round."""
    project, unproject = project or camera.project, unproject or camera.unproject
    points = unproject(pixels, z_m)
    assert points.dtype == np.float64
    assert np.abs(points[..., 2] - z_m).max() <= 1e-6 * np.abs(z_m).max()
    again = project(points)
    assert np.isfinite(again).all()
    assert np.abs(again - pixels).max() <= 1e-3
    back = unproject(again, points[..., 2])
    assert (np.abs(back - points).max(-1) <= 1e-6 * z_m * np.linalg.norm(points / z_m[..., None], axis=-1)).all()
    return pixels.shape[0]


def check_L2(capture):
    """Every valid pixel's point projects into its pixel; depth is z of the point; invalid pixels are NaN throughout."""
    valid = capture.valid
    assert valid.any()
    assert (np.isfinite(capture.points).all(-1) == valid).all()
    assert np.isnan(capture.points[~valid]).all()
    assert capture.depth.tobytes() == np.ascontiguousarray(capture.points[..., 2]).tobytes()
    off = np.abs(capture.camera.project(capture.points.astype(np.float64)) - capture.camera.pixel_grid()).max(-1)
    assert off[valid].max() <= 0.5
    return int(valid.sum())


@settings(max_examples=60)
@given(cameras(), st.floats(0.05, 20), st.integers(0, 2**31))
def test_L1_project_undoes_unproject(camera, z, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.uniform((-0.5, -0.5), (camera.width - 0.5, camera.height - 0.5), (64, 2))
    check_L1(camera, pixels, z * rng.uniform(0.5, 2, 64))


@settings(max_examples=30)
@given(cameras(), st.floats(0.25, 4))
def test_L1_resized_cameras_see_the_same_rays(camera, k):
    resized = camera.resized(k)
    pixels = np.random.default_rng(0).uniform(0, (camera.width, camera.height), (40, 2)) - 0.5
    scaled = (pixels + 0.5) * k - 0.5
    np.testing.assert_allclose(resized.rays(scaled), camera.rays(pixels), atol=1e-9)


@pytest.mark.parametrize("lens", truth.LENSES)
@pytest.mark.parametrize("fault", ["distance for z", "axes swapped", "corner for centre", "distortion's sign"])
def test_L1_catches(lens, fault):
    camera = truth.camera_of(lens)
    pixels = np.random.default_rng(1).uniform(0, 130, (40, 2))
    z = np.full(40, 0.3)
    check_L1(camera, pixels, z)
    wrong = {
        "distance for z": dict(unproject=lambda p, z: camera.unproject(p, z / np.linalg.norm(camera.rays(p), axis=-1))),
        "axes swapped": dict(project=lambda p: camera.project(p)[..., ::-1]),
        "corner for centre": dict(project=lambda p: camera.project(p) + 0.5),
        "distortion's sign": dict(project=replace(camera, distortion=tuple(-c for c in camera.distortion)).project),
    }[fault]
    if lens == "pinhole" and fault == "distortion's sign":
        wrong = dict(project=replace(camera, fx=camera.fx * 1.01).project)
    with pytest.raises(AssertionError):
        check_L1(camera, pixels, z, **wrong)


@pytest.mark.parametrize("name", TOYS)
def test_L2_toys(name):
    check_L2(TOYS[name]())


@settings(max_examples=15)
@given(truth.ideals())
def test_L2_every_orientation_and_lens(scene):
    check_L2(scene.capture)


@pytest.mark.parametrize("fault", ["one pixel over", "camera axes swapped", "z doubled", "a NaN with an x"])
def test_L2_catches(fault):
    capture = truth.ideal("plane", 30, 35).capture
    points = capture.points.copy()
    if fault == "one pixel over":
        points = np.roll(points, 1, axis=1)
    elif fault == "camera axes swapped":
        points = points[..., [1, 0, 2]]
    elif fault == "z doubled":
        points[..., 2] *= 2
    else:
        points[5, 5] = np.nan
        points[5, 5, 0] = 0.01
    with pytest.raises((AssertionError, ValueError)):  # the type itself may refuse it first
        check_L2(capture.replaced(points=np.ascontiguousarray(points)))
