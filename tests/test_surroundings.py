"""What stands round besides one lamp: found where the picture tells of it, left out where it does not."""

from dataclasses import replace

import lights
import numpy as np
import pytest
import toys
from hypothesis import given
from hypothesis import strategies as st
from test_highlight import MIDDLE, RADIUS_MM, scanned

import crossmodal as cm
from crossmodal.imprint import imprint
from crossmodal.lighting import witnesses
from crossmodal.relight import RATIO, shading_ratio
from crossmodal.scanner import Lamp, Material, Sphere, rotation_about, scan
from crossmodal.scanner.materials import sky_directions
from rgb import estimate
from rgb.light import DARKEST, EVEN_SKY, Light

MATT = Material((0.45, 0.43, 0.40))
LEFT, RIGHT = Lamp((-0.85, -0.2, -0.5), ambient=0.2, diffuse=0.55), Lamp((0.8, 0.1, -0.55), ambient=0, diffuse=0.45)
SKY = Lamp((-0.85, -0.2, -0.5), ambient=0.7, diffuse=0.5, sky_rays=96, sky_side=(0.95, 0.1, 0.3))
PLACES = [direction for direction in sky_directions(40) if direction[2] < -0.6][::2]


def of_one_lamp(capture):
    """The capture in the light that one lamp and an even sky would make of it."""
    surface = capture.surface
    told = witnesses(capture.rgb, surface.points, surface.normals, surface.foreground, surface.rgb_floor)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimate, "EVEN", np.inf)
        return capture.lit_by(estimate.estimate_light((told,)))


def errors(lamp, depth_mm):
    """Mean error in levels of dents all over a ball: with the sky, with one lamp only, and left as it was."""
    before, _ = scanned(0.0, 5.0, MATT, PLACES[0], lamp)
    plain, made = of_one_lamp(before), []
    for towards in PLACES:
        truth, field = scanned(depth_mm, 5.0, MATT, towards, lamp)
        patch = cm.Patch.at(before.surface, MIDDLE + 1e-3 * RADIUS_MM * towards, (1.0, 0.1, 0.3), 7.5)
        results = [imprint(capture, cm.SurfaceEdit(replace(patch, surface=capture.surface), field, "dent"))
                   for capture in (before, plain)]
        made.append([float(np.abs(rgb.astype(float) - truth.rgb)[results[0].gt].mean())
                     for rgb in (*(result.after.rgb for result in results), before.rgb)])
    return before.surface.light, np.mean(made, 0)


def test_under_two_lamps_relief_is_relit_nearer_to_the_bent_mesh():
    light, (with_sky, one_lamp, left) = errors((LEFT, RIGHT), 0.8)
    assert light.sky != EVEN_SKY
    assert with_sky < 0.75 * one_lamp
    assert with_sky < 0.6 * left


def test_under_a_bright_side_of_the_sky_shading_is_nearer_to_the_truth():
    """By closed form on a ball: what its normals receive from the sky, summed over directions, and from the lamp."""
    ball = scan(Sphere((0, 0, 0.315), 0.015), toys.toy_camera(128, 0.3, 0.3), SKY, MATT, samples=1)
    seen = ball.valid & (ball.normals[..., 2] < -0.3)
    normals, rays = ball.normals[seen].astype(np.float64), sky_directions(2000)
    facing = np.maximum(normals @ rays.T, 0)
    true = SKY.ambient * facing @ SKY.sky(rays) / facing.sum(1) + SKY.diffuse * np.maximum(normals @ SKY.direction, 0)

    def off(light):
        shade = light.shading(normals)
        return np.std(np.log(shade / true))

    assert ball.surface.light.sky != EVEN_SKY
    assert off(ball.surface.light) < 0.5 * off(of_one_lamp(ball).surface.light)


def test_under_one_lamp_the_sky_stays_even():
    """Where one lamp and an even sky explain what is seen, nothing else is looked for: no worse elsewhere."""
    assert all(row.capture.surface.light.sky == EVEN_SKY for row in lights.survey((0,)))


SKIES = st.tuples(*(st.floats(-2, 2) for _ in range(9)))


def light_of(sky, ambient=0.3):
    return Light((-0.48, -0.36, -0.8), ambient, 1 - ambient, 1.0, sky=sky)


def check_bounded(ratio, light, normals):
    """No change of normal brightens or darkens more than an exposure holds, nor more than the light itself varies."""
    shade = light.shading(normals)
    assert shade.min() >= DARKEST * (1 - 1e-5)
    assert ratio.min() >= RATIO[0] - 1e-6
    assert ratio.max() <= min(RATIO[1], shade.max() / shade.min()) * (1 + 1e-3)


def dented():
    """(smooth, normal, state, displacement) of a plane 0.3 m away with a deep round dent, and the normals in it."""
    y, x = np.mgrid[-20:21, -20:21] * 2.5e-4
    smooth = np.stack((x, y, np.full(x.shape, 0.3)), -1).astype(np.float32)
    normal = np.zeros_like(smooth)
    normal[..., 2] = -1
    depth = -1.5 * np.maximum(1 - (x * x + y * y) / 4e-3**2, 0).astype(np.float32) ** 2
    slope = np.stack((*np.gradient(-depth * 1e-3, 2.5e-4)[::-1], np.full(x.shape, -1.0)), -1)
    return (smooth, normal, np.ones(x.shape, np.uint8), depth), slope / np.linalg.norm(slope, axis=-1, keepdims=True)


@given(SKIES)
def test_the_ratio_is_bounded_under_any_sky(sky):
    light, (nodes, normals) = light_of(sky), dented()
    unlit = replace(light, diffuse=0.0)  # shadow and occlusion apart
    ratio = shading_ratio(unlit, *nodes, (1200.0, 1200.0), 1)
    check_bounded(np.where(nodes[3] < 0, np.maximum(ratio, RATIO[0]), 1), replace(unlit, confidence=1.0), normals)


def test_a_ratio_beyond_its_bounds_is_caught():
    nodes, normals = dented()
    with pytest.raises(AssertionError):
        check_bounded(np.full(nodes[3].shape, 2.9), light_of(EVEN_SKY), normals)


@given(SKIES, st.floats(0, 6), st.floats(0, 3))
def test_a_light_turned_shades_turned_normals_alike(sky, around, over):
    light = light_of(sky)
    turn = rotation_about((0, 0, 1), np.degrees(around)) @ rotation_about((1, 0, 0), np.degrees(over))
    np.testing.assert_allclose(light.turned(turn).shading(PLACES @ turn.T), light.shading(np.array(PLACES)), atol=1e-5)
