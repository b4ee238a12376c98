"""Relief read from shading, against reliefs in closed form that the virtual scanner rendered in RGB alone."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest
import toys

import crossmodal as cm
from crossmodal.scanner import Lamp, Material, Mesh, Plane, Sphere, scan
from crossmodal.shading import REFUSED, relief_from_shading
from rgb.shading import to_linear, to_srgb

RADIUS, FAR, MM = 0.025, 0.3, 0.3  # m, m, mm a pixel
SIDE = Lamp((-0.5, -0.4, -0.75), ambient=0.3, diffuse=0.7)


def relief_mm(s, t, height_mm, across_mm=5.0):
    """A bowl or a dome of elliptic outline (1 - rho^2)^2 in the chart (s, t) mm."""
    rho = np.hypot(s / across_mm, (t - 1.0) / (0.8 * across_mm))
    return height_mm * np.clip(1 - rho**2, 0, None) ** 2


def ball(height_mm, n=150, reach_mm=30.0):
    """The near side of a ball as a fine mesh, with the relief on it; normals by differences of the closed form."""
    def at(s, t):
        far = np.maximum(np.hypot(s, t), 1e-12)
        turn = far * 1e-3 / RADIUS
        normal = np.stack((s / far * np.sin(turn), t / far * np.sin(turn), -np.cos(turn)), -1)
        return (0, 0, FAR + RADIUS) + normal * (RADIUS + 1e-3 * relief_mm(s, t, height_mm))[..., None]

    s, t = np.meshgrid(*2 * (np.linspace(-reach_mm, reach_mm, n),))
    normal = np.cross(at(s, t + 0.01) - at(s, t - 0.01), at(s + 0.01, t) - at(s - 0.01, t))
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    i = np.arange(n * n).reshape(n, n)
    a, b, c, d = (part.ravel() for part in (i[:-1, :-1], i[:-1, 1:], i[1:, :-1], i[1:, 1:]))
    return Mesh(at(s, t).reshape(-1, 3), np.concatenate((np.stack((a, b, c), 1), np.stack((b, d, c), 1))),
                normal.reshape(-1, 3))


@lru_cache
def pictured(height_mm, lamp=SIDE, matter=toys.MATERIAL):
    """A capture of the ball before a wall; only its picture is used where it has a relief."""
    return scan([ball(height_mm), Plane((0, 0, FAR + 0.04), (0, 0, -1))], toys.toy_camera(120, FAR, MM), lamp,
                matter, samples=1)


def truth_mm(capture, height_mm):
    """(H, W) mm: the relief at every point of the capture, by the chart's closed form."""
    out = capture.points.astype(np.float64) - (0, 0, FAR + RADIUS)
    far = np.linalg.norm(out, axis=-1)
    turn = np.arccos(np.clip(-out[..., 2] / far, -1, 1))
    stretch = 1e3 * RADIUS * turn / np.maximum(np.hypot(out[..., 0], out[..., 1]), 1e-12)
    return np.where(far < 1.01 * RADIUS, relief_mm(out[..., 0] * stretch, out[..., 1] * stretch, height_mm), 0.0)


def region(true):
    return cv2.dilate((true != 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def check_relief(edit_mm, true):
    """The sign is right, and the shape is that of the true relief."""
    inside = region(true)
    got, want = edit_mm[inside], true[inside]
    assert (got * want).sum() > 0, "a dent was read as a bump, or a bump as a dent"
    assert np.corrcoef(got, want)[0, 1] >= 0.8
    assert 0.5 < (got @ want) / (want @ want) < 1.5


def on_frame(edit, shape):
    out = np.zeros(shape)
    out[edit.rows[0]:edit.rows[1], edit.columns[0]:edit.columns[1]] = edit.relief_mm
    return out


@pytest.mark.parametrize("height_mm", [-0.9, -0.4, 0.4, 0.9])
@pytest.mark.parametrize("masked", [True, False])
def test_relief_is_read_from_shading_under_the_captures_own_light(height_mm, masked):
    before, true = pictured(0.0), truth_mm(pictured(0.0), height_mm)
    edit = cm.lift(before, rgb=pictured(height_mm).rgb, mask=region(true) if masked else None, relief="shading")
    check_relief(on_frame(edit, before.shape), true)
    assert edit.confidence >= REFUSED
    with pytest.raises(AssertionError):
        check_relief(-on_frame(edit, before.shape), true)


@pytest.mark.parametrize("height_mm", [-0.8, 0.8])
def test_what_shading_tells_is_seen_in_depth_and_replays(height_mm):
    before, mask = pictured(0.0), region(truth_mm(pictured(0.0), height_mm))
    rgb = pictured(height_mm).rgb
    edit = cm.lift(before, rgb=rgb, mask=mask, relief="shading")
    result = cm.imprint(before, edit)
    assert (result.after.rgb == np.where(mask[..., None], rgb, before.rgb)).all()
    assert result.masks.depth.any()
    assert (result.masks.union & ~mask).sum() < 0.1 * mask.sum()
    assert np.sign(np.nansum(result.displacement_mm)) == np.sign(height_mm)
    nearer = (before.depth - result.after.depth)[result.masks.depth]
    assert np.sign(np.nansum(nearer)) == np.sign(height_mm)
    assert result.plan.defects[0].confidence == edit.confidence
    again = cm.replay(before, cm.Plan.model_validate_json(result.plan.model_dump_json()))
    assert again.after.points.tobytes() == result.after.points.tobytes()
    assert again.after.rgb.tobytes() == result.after.rgb.tobytes()


@pytest.mark.parametrize("gain", [(0.5, 0.5, 0.5), (0.7, 0.45, 0.3), (1.5, 1.5, 1.5)])
def test_a_stain_is_no_relief(gain):
    before = pictured(0.0)
    stain = truth_mm(before, 1.0)
    rgb = to_srgb((to_linear(before.rgb) * (1 - stain[..., None] * (1 - np.array(gain)))).astype(np.float32))
    with pytest.raises(ValueError, match=r"confidence of 0.* matter more than of shape"):
        cm.lift(before, rgb=rgb, mask=region(stain), relief="shading")


def test_a_lamp_that_shines_from_the_camera_leaves_the_sign_open():
    """Then a dent and a bump shade alike, and nothing is invented."""
    lamp = Lamp((0.0, 0.03, -1.0), ambient=0.3, diffuse=0.7)
    before = pictured(0.0, lamp)
    with pytest.raises(ValueError, match="confidence of 0"):
        cm.lift(before, rgb=pictured(0.6, lamp).rgb, mask=region(truth_mm(before, 1.0)), relief="shading")


def test_a_capture_that_tells_no_light_is_refused():
    before = toys.plane(textured=False)
    rgb = before.rgb.copy()
    rgb[60:90, 60:75] += 20
    rgb[60:90, 75:90] -= 20
    with pytest.raises(ValueError, match=r"confidence of 0\.00 only"):
        cm.lift(before, rgb=rgb, relief="shading")
    with pytest.raises(ValueError, match='must be "shading"'):
        cm.lift(before, rgb=rgb, relief="shadow")


def test_a_sphere_in_the_picture_tells_the_light_for_a_plane():
    """Where the plane alone would not: its light is a known one."""
    plane, known = toys.plane(textured=False), Sphere((0, 0, FAR), 0.02)
    lit = scan([known, Plane((0, 0, FAR + 0.05), (0, 0, -1))], toys.toy_camera(120, FAR, MM), toys.LAMP, toys.PLAIN)
    other = plane.lit_by(lit.surface.light)
    y, x = np.indices(plane.shape)
    d = 0.6 * np.clip(1 - ((x - 80) ** 2 + (y - 75) ** 2) / 18**2, 0, None) ** 2
    slope = np.gradient(d / 0.25)
    normal = np.stack((-slope[1], -slope[0], -np.ones_like(d)), -1) / np.sqrt(1 + slope[0]**2 + slope[1]**2)[..., None]
    lamp = np.array(toys.LAMP.direction)
    gain = (0.3 + 0.7 * np.maximum(normal @ lamp, 0)) / (0.3 + 0.7 * -lamp[2])
    rgb = to_srgb((to_linear(plane.rgb) * gain[..., None]).astype(np.float32))
    edit = cm.lift(other, rgb=rgb, mask=d > 0, relief="shading")
    assert np.corrcoef(on_frame(edit, plane.shape)[d > 0], d[d > 0])[0, 1] > 0.9


@pytest.mark.parametrize("height_mm", [-0.8, 0.8])
def test_a_highlight_that_moves_is_no_change_of_matter(height_mm):
    """On a coloured gloss: what is white in it belongs to the lamp."""
    glossy = Material((0.40, 0.20, 0.15), specular=0.25, shininess=30)
    before, true = pictured(0.0, matter=glossy), truth_mm(pictured(0.0), height_mm)
    light, after = before.surface.light, pictured(height_mm, matter=glossy).rgb
    assert light.specular > 0
    matt = before.lit_by(replace(light, specular=0.0))
    known, unknown = (relief_from_shading(one.surface, before.rgb, after, region(true)) for one in (before, matt))
    check_relief(known.relief_mm, true)
    assert known.explained > unknown.explained + 0.1
    stain = to_srgb((to_linear(before.rgb) * (1 - 0.5 * np.abs(true / height_mm))[..., None]).astype(np.float32))
    with pytest.raises(ValueError, match="confidence of 0"):
        cm.lift(before, rgb=stain, mask=region(true), relief="shading")
