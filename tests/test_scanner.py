"""The virtual scanner against closed forms, and its mesh caster against its analytic shapes."""

from dataclasses import replace

import numpy as np
import pytest
import toys
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmodal import captures
from crossmodal.camera import Camera
from crossmodal.scanner import (
    Box,
    Cylinder,
    Lamp,
    Material,
    Mesh,
    Part,
    Plane,
    Scene,
    Solid,
    Sphere,
    Step,
    rotation_about,
    scan,
)
from crossmodal.scanner.materials import Brushed, Cast, Painted, noise
from rgb.shading import to_linear

CAMERA = toys.toy_camera(96, mm_per_pixel=0.4)
LENSES = [CAMERA, replace(CAMERA, model="division", distortion=(-0.4,)),
          replace(CAMERA, model="brown", distortion=(0.3, -0.1, 0.002, -0.001, 0.0))]
TURN = rotation_about((0.3, -1, 0.4), 37)
SHAPES = {
    "plane": Plane((0, 0, 0.3), toys.tilted(35)),
    "sphere": Sphere((0.002, -0.001, 0.32), 0.02),
    "cylinder": Cylinder((0, 0, 0.32), (1, 0.3, 0.2), 0.012),
    "short cylinder": Cylinder((0, 0, 0.32), (1, 0.3, 0.7), 0.012, 0.02),
    "box": Box((0, 0, 0.32), (0.012, 0.008, 0.01), TURN),
    "step": Step((0, 0, 0.3), toys.tilted(20), (1, 0, 0), 0.008),
    "solid": Solid((Part("box", (0, 0, 0), (0.012, 0.009, 0.005), edge=0.001),
                    Part("cylinder", (0.003, 0, 0.005), (0.003, 0.003, 0), "cut", blend=0.001)), TURN,
                   (0, 0, 0.32)),
}
TOYS = {"plane": toys.plane, "tilted": lambda: toys.tilted_plane(40), "sphere": toys.sphere,
        "cylinder": toys.cylinder, "step": toys.step, "box": toys.box}


def off(shape, p):
    """How far points lie off a shape, written without the scanner's formulas."""
    if isinstance(shape, Plane):
        return (p - shape.point) @ shape.normal_out
    if isinstance(shape, Sphere):
        return np.linalg.norm(p - shape.centre, axis=-1) - shape.radius
    if isinstance(shape, Cylinder):
        across = np.linalg.norm(np.cross(p - shape.centre, shape.axis), axis=-1) - shape.radius
        if shape.length is None:
            return across
        return np.maximum(across, np.abs((p - shape.centre) @ shape.axis) - shape.length / 2)
    if isinstance(shape, Box):
        return (np.abs((p - shape.centre) @ shape.rotation) - shape.half_sizes).max(-1)
    if isinstance(shape, Step):
        up, over = (p - shape.point) @ shape.normal_out, (p - shape.point) @ shape.across
        solid = np.minimum(np.maximum(up, over), up + shape.jump)
        return np.where(over < 0, np.maximum(up, over), solid)
    return shape.distance(p)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("lens", LENSES, ids=lambda c: c.model)
def test_hits_lie_on_the_shape_and_normals_stand_square_to_it(name, lens):
    shape = SHAPES[name]
    z, normals, index = Scene((shape,)).trace(lens.ray_map())
    hit = index >= 0
    assert hit.mean() > 0.05
    points = (lens.ray_map() * z[..., None])[hit]
    assert np.abs(off(shape, points)).max() < (3e-6 if name == "solid" else 1e-12)
    if name == "solid":
        assert np.quantile(np.abs(off(shape, points)), 0.999) < 1e-9
    np.testing.assert_allclose(np.linalg.norm(normals[hit], axis=-1), 1, atol=1e-9)
    assert ((normals[hit] * lens.ray_map()[hit]).sum(-1) <= 1e-9).all()
    h = 1e-7
    gradient = np.stack([off(shape, points + h * e) - off(shape, points - h * e) for e in np.eye(3)], -1)
    aligned = (gradient * normals[hit]).sum(-1) / (2 * h)
    assert np.quantile(aligned, 0.02) > 0.999


def test_a_mesh_of_a_box_is_the_box():
    box = SHAPES["box"]
    made = trimesh.creation.box(extents=2 * box.half_sizes)
    mesh = Mesh(made.vertices, made.faces).placed(TURN, box.centre)
    for lens in LENSES:
        got, want = (Scene((s,)).trace(lens.ray_map()) for s in (mesh, box))
        assert ((got[2] >= 0) == (want[2] >= 0)).mean() > 0.9995
        both = (got[2] >= 0) & (want[2] >= 0)
        np.testing.assert_allclose(got[0][both], want[0][both], rtol=1e-12)
        same = np.abs(got[1] - want[1])[both].max(-1) < 1e-9
        assert same.mean() > 0.999  # a pixel on an edge may take either face


def test_a_fine_mesh_of_a_sphere_approaches_the_sphere():
    sphere = SHAPES["sphere"]
    made = trimesh.creation.icosphere(subdivisions=5, radius=sphere.radius)
    mesh = Mesh(made.vertices, made.faces, made.vertex_normals).placed(np.eye(3), sphere.centre)
    rays = CAMERA.ray_map()
    z, normals, index = Scene((mesh,)).trace(rays)
    inner = (index >= 0) & (sphere.hit(rays) < sphere.centre[2] - 0.3 * sphere.radius)
    assert inner.sum() > 500
    # the facets' sagitta: 5 µm for edges of 0.7 mm
    assert np.abs(off(sphere, rays * z[..., None]))[inner].max() < 1e-5
    assert np.abs(normals - sphere.normal(rays * z[..., None]))[inner].max() < 2e-3


@pytest.mark.parametrize("direction", [(-0.5, -0.4, -0.7), (0.6, 0.2, -0.7), (0, 0, -1)])
def test_parallel_rays_meet_the_mesh_where_they_meet_the_box(direction):
    box = SHAPES["box"]
    made = trimesh.creation.box(extents=2 * box.half_sizes)
    mesh = Mesh(made.vertices, made.faces).placed(TURN, box.centre)
    y, x = np.mgrid[-40:40, -40:40] * 6e-4 + 1.7e-5
    origins = np.stack((x, y, np.full_like(x, 0.36)), -1)
    got, want = mesh.hit(np.array(direction, float), origins), box.hit(np.array(direction, float), origins)
    agree = np.isfinite(got) == np.isfinite(want)
    assert agree.mean() > 0.9995
    assert np.isfinite(want).any()
    np.testing.assert_allclose(got[agree], want[agree], rtol=1e-10)


@pytest.mark.parametrize("name", TOYS)
def test_every_toy_point_projects_into_its_own_pixel(name):
    capture = TOYS[name]()
    assert capture.valid.mean() > 0.5
    pixels = capture.camera.project(capture.points)
    assert np.nanmax(np.abs(pixels - capture.camera.pixel_grid())) < 1e-3
    again = capture.camera.unproject(pixels, capture.points[..., 2])
    assert np.nanmax(np.abs(again - capture.points)) < 1e-6 * np.nanmax(capture.depth)


def test_the_law_above_catches_a_camera_that_is_half_a_pixel_off():
    capture = toys.tilted_plane(40)
    shifted = replace(capture.camera, cx=capture.camera.cx + 0.5)
    assert np.nanmax(np.abs(shifted.project(capture.points) - capture.camera.pixel_grid())) > 0.4


@settings(max_examples=20, deadline=None)
@given(st.floats(-60, 60), st.floats(0.1, 2))
def test_tilted_planes_have_the_depth_of_their_equation(tilt_deg, z_m):
    camera = toys.toy_camera(24, z_m, 0.5)
    normal = toys.tilted(tilt_deg)
    rays = camera.ray_map()
    want = z_m * normal[2] / (rays @ normal)
    got = Plane((0, 0, z_m), normal).hit(rays)
    np.testing.assert_allclose(got, np.where(want > 0, want, np.nan), rtol=1e-12)


def test_colour_is_albedo_times_light_within_a_level():
    lamp = Lamp((-0.5, -0.4, -0.75), ambient=0.3, diffuse=0.7)
    capture = scan(Plane((0, 0, 0.3), toys.tilted(30)), CAMERA, lamp, Material((0.5, 0.3, 0.2)))
    want = np.array((0.5, 0.3, 0.2)) * (0.3 + 0.7 * (toys.tilted(30) @ lamp.direction))
    assert np.abs(to_linear(capture.rgb) - want).max() < 0.005


def test_the_shadow_of_a_sphere_lies_where_the_lamp_cannot_be_seen():
    ball, wall = Sphere((0, 0, 0.3), 0.006), Plane((0, 0, 0.32), (0, 0, -1))
    lamp = Lamp((-0.6, -0.3, -0.7), ambient=0.2, diffuse=0.8)
    capture = scan([ball, wall], CAMERA, lamp, Material((0.5, 0.5, 0.5)), samples=1)
    points = capture.points.astype(np.float64)
    on_wall = np.abs(points[..., 2] - 0.32) < 1e-6
    miss = np.linalg.norm(np.cross(points - ball.centre, lamp.direction), axis=-1) - ball.radius
    sure = on_wall & (np.abs(miss) > 1e-4)
    dark = to_linear(capture.rgb)[..., 0] < 0.5 * (0.2 + 0.4 * 0.7)
    assert (dark == (miss < 0))[sure].all()
    assert (dark & sure).sum() > 50


def test_rays_that_meet_nothing_have_no_point():
    capture = scan(SHAPES["sphere"], CAMERA)
    assert not capture.valid[0, 0]
    assert np.isnan(capture.points[0, 0]).all()


@pytest.mark.parametrize("texture", [Brushed(), Cast(), Painted()])
def test_textures_are_gains_about_one_that_repeat_exactly(texture):
    points = np.stack(np.meshgrid(*[np.linspace(-20, 20, 25)] * 3), -1).reshape(-1, 3)
    gain = texture(points)
    assert gain.shape == (len(points),)
    assert gain.tobytes() == texture(points.copy()).tobytes()
    assert abs(gain.mean() - 1) < 0.1
    assert gain.min() > 0
    assert gain.std() > 0.005


def test_noise_is_the_same_on_every_machine():
    want = [0.49752160892019326, 0.4410746063326344, -0.5583862205497185]
    points = np.array(((0.5, 0.5, 0.5), (1.25, -3.5, 7.1), (-100.3, 4e4, 0.0)))
    np.testing.assert_array_equal(noise(points, 7), want)


@pytest.mark.parametrize("name", captures.names())
def test_shipped_captures_fit_their_pinhole(name):
    capture = captures.load(name)
    assert capture.valid.mean() > 0.9
    pixels = capture.camera.project(capture.points)
    assert np.nanmax(np.abs(pixels - capture.camera.pixel_grid())) < 1e-3
    np.testing.assert_array_equal(capture.encoding.values, capture.points)


def test_an_unknown_capture_is_refused_by_name():
    with pytest.raises(ValueError, match="boxes, cans, cereal, pot"):
        captures.load("teapot")


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Sphere((0, 0, 1), 0), "radius must be positive"),
    (lambda: Plane((0, 0, 1), (0, 0, 0)), "must not be zero"),
    (lambda: Mesh(np.zeros((3, 3)), [[0, 1, 3]]), "faces must index"),
    (lambda: scan([SHAPES["plane"]], CAMERA, materials=[Material()] * 2), "one for each"),
    (lambda: Scene(()), "at least one shape"),
])
def test_what_cannot_be_scanned_is_refused_in_one_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_mesh_file_needs_its_unit(tmp_path):
    trimesh.creation.box(extents=(2, 1, 1)).export(tmp_path / "box.stl")
    mesh = Mesh.from_file(tmp_path / "box.stl", unit_m=0.0254).centred()
    np.testing.assert_allclose(np.ptp(mesh.vertices, axis=0), (0.0508, 0.0254, 0.0254))
    assert isinstance(CAMERA, Camera)
