"""What lies in the shadow of the object's own shape: ground turned away from the lamp, and ground beyond a fold."""

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmodal.capture import Capture
from crossmodal.normals import NOISIEST, local_planes
from crossmodal.relight import PENUMBRA, shading_ratio
from rgb.light import Light

FOCAL = 1200.0
Y, X = np.mgrid[-24:25, -24:25] * 2.5e-4


def lamp(towards) -> Light:
    towards = np.asarray(towards, float) / np.linalg.norm(towards)
    return Light(tuple(float(x) for x in towards), 0.3, 0.7, 1.0)


def roof(slope: float):
    """(smooth, normal) of ground that is level to the left of the middle column and falls away to its right."""
    smooth = np.stack((X, Y, 0.3 + slope * np.maximum(X, 0)), -1).astype(np.float32)
    normal = np.zeros_like(smooth)
    normal[..., 2] = -1
    normal[X > 0, 0], normal[X > 0, 2] = slope / np.hypot(1, slope), -1 / np.hypot(1, slope)
    normal[X == 0] = (normal[0, 0] + normal[0, -1]) / np.linalg.norm(normal[0, 0] + normal[0, -1])
    return smooth, normal


def bump(height_mm, x_mm=0.0):
    return (height_mm * np.maximum(1 - ((X - x_mm * 1e-3)**2 + Y * Y) / 2e-3**2, 0)**2).astype(np.float32)


def unhidden(light, smooth, normal, d):
    """The ratio if nothing hid the lamp, from the slopes of the moved nodes."""
    def facing(points):
        down, right = np.gradient(points.astype(float), axis=(0, 1))
        n = np.cross(down, right)
        return np.maximum(n / np.linalg.norm(n, axis=-1, keepdims=True) @ light.direction, 0)

    moved = smooth + 1e-3 * d[..., None] * normal
    return (light.ambient + light.diffuse * facing(moved)) / (light.ambient + light.diffuse * facing(smooth))


def check_dark(ratio):
    """Where no lamp reaches, nothing is brighter than it was."""
    assert ratio.max() <= 1 + 1e-5


@settings(max_examples=30)
@given(st.floats(-3.1, 3.1), st.floats(2 * PENUMBRA, 0.9), st.floats(0.4, 1.0), st.sampled_from((-1, 1)))
def test_ground_that_faces_away_keeps_the_lamp_from_what_is_on_it(around, below, height, sign):
    light = lamp((np.cos(around), np.sin(around), below))
    smooth, normal = roof(0.0)
    ratio = shading_ratio(light, smooth, normal, np.ones(X.shape, np.uint8), sign * bump(height), (FOCAL, FOCAL), 1)
    check_dark(ratio)


def test_a_bump_lit_through_the_ground_is_caught():
    with pytest.raises(AssertionError):
        check_dark(unhidden(lamp((1, 0, 0.3)), *roof(0.0), bump(0.8)))


def test_a_bump_shades_what_lies_before_a_fold_and_not_the_fold():
    """The lamp's ray rises by its slope over the level ground, which the mean normal on the fold does not know."""
    light, (smooth, normal) = lamp((-0.7, 0, -0.7)), roof(1.6)
    state = np.ones(X.shape, np.uint8)
    ratio = shading_ratio(light, smooth, normal, state, bump(0.8, -2.2), (FOCAL, FOCAL), 1, occlusion=0.0)
    fold = np.abs(X) < 1e-9
    np.testing.assert_allclose(ratio[fold], 1, atol=0.02)
    # Along the mean normal the ray rises less than the bump is high, on its way over it: that would have it dark.
    tilted = float(normal[fold][0] @ np.array(light.direction))
    assert 2.2 * tilted / np.sqrt(1 - tilted**2) < 0.8
    high = shading_ratio(light, smooth, normal, state, bump(3.0, -2.6), (FOCAL, FOCAL), 1, occlusion=0.0)
    assert high[fold].min() < 0.8


def ridge(noise_m: float) -> Capture:
    """A roof under a camera, with what its sensor adds."""
    z = np.float32(0.3) + np.abs(np.mgrid[-40:40, -40:40][1] + 0.5).astype(np.float32) * np.float32(2e-4)
    z = z + (noise_m * np.random.default_rng(3).normal(size=z.shape)).astype(np.float32)
    return Capture.from_depth(np.full((80, 80, 3), 120, np.uint8), z, toys.toy_camera(80))


def check_within_noise(smoothed, surface):
    off = np.abs(smoothed[..., 2] - surface.points[..., 2])
    assert (off <= 1.001 * NOISIEST * surface.floor.at(surface.points[..., 2]) + 3e-8).all()


@pytest.mark.parametrize("noise_m", [0.0, 2e-6, 2e-5])
def test_smoothing_moves_no_point_by_more_than_its_noise(noise_m):
    surface = ridge(noise_m).surface
    check_within_noise(surface.smoothed, surface)
    same = surface.after(surface.points, (30, 50), (30, 50))
    np.testing.assert_array_equal(same.smoothed, surface.smoothed)
    if noise_m:
        level = np.abs(np.mgrid[-40:40, -40:40][1] + 0.5) > 6
        true = np.float32(0.3) + np.abs(np.mgrid[-40:40, -40:40][1] + 0.5) * 2e-4
        assert (surface.smoothed[..., 2] - true)[level].std() < 0.6 * noise_m


def test_a_fold_that_is_cut_short_is_caught():
    surface = ridge(2e-6).surface
    _, smoothed = local_planes(surface.points, surface.linked, surface.radius, surface.stride, (0, 80), (0, 80))
    with pytest.raises(AssertionError):
        check_within_noise(smoothed, surface)
