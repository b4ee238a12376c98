"""Meshes: what a field does to one, what is kept closed, what is read and written, and what renderers see of it."""

import json
import struct
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import toys
import trimesh
from scipy.spatial import cKDTree

import crossmodal as cm
from crossmodal.meshes.net import Net
from crossmodal.meshes.opening import _parted
from crossmodal.scanner import Material, Mesh, Plane, render, rotation_about, scan
from crossmodal.synthesis import draw, grown

DENT = cm.Dent(diameter_mm=8, depth_mm=0.6)
SPECS = {"dent": DENT, "bump": cm.Bump(diameter_mm=8, height_mm=0.6), "contamination": cm.Contamination(diameter_mm=6),
         "scratch": cm.Scratch(length_mm=9, width_mm=0.8, depth_mm=0.2), "stain": cm.Stain(diameter_mm=6),
         "bend": cm.Bend(), "hole": cm.Hole(diameter_mm=5)}


@lru_cache
def block() -> Mesh:
    """A plate of 30 x 22 x 6 mm with a bore, closed, its edges sharp and its bore round."""
    bore = trimesh.creation.cylinder(3, 20, sections=40).apply_translation((9, 0, 0))
    made = trimesh.boolean.difference([trimesh.creation.box((30, 22, 6)), bore], engine="manifold")
    return Net.of(Mesh(np.asarray(made.vertices) * 1e-3, made.faces)).mesh()[0]


@lru_cache
def result(kind: str, seed: int = 2):
    return cm.synthesize(block(), SPECS[kind], seed=seed)


def check_closed(before: Mesh, after: Mesh):
    assert Net.of(before).watertight
    net = Net.of(after)
    assert net.watertight, "it is torn"
    assert net.volume_m3 > 0


@pytest.mark.parametrize("kind", SPECS)
def test_closed_stays_closed(kind):
    made = result(kind)
    check_closed(made.before, made.after)
    assert made.watertight
    assert (made.labels > 0).any()
    assert len(made.labels) == len(made.displacement_mm) == len(made.after.vertices)
    # What nothing happened to is where it was.
    still = made.displacement_mm == 0
    assert np.isin(Net.of(made.before).points, made.after.vertices[still]).all() or kind in ("bend", "hole")


def test_corners_moved_by_their_own_normals_are_caught():
    made = result("dent")
    torn = replace(block(), vertices=block().vertices + 1e-4 * block().normals)
    with pytest.raises(AssertionError, match="torn"):
        check_closed(made.before, torn)


def check_volume(before: Mesh, after: Mesh, measured, sign: int):
    change = 1e9 * (Net.of(after).volume_m3 - Net.of(before).volume_m3)
    assert change * sign == pytest.approx(measured.volume_mm3, rel=0.02)


@pytest.mark.parametrize(("kind", "sign"), [("dent", -1), ("bump", 1), ("contamination", 1)])
def test_the_volume_changes_by_what_the_result_says(kind, sign):
    made = result(kind)
    check_volume(made.before, made.after, made.measured[0], sign)
    with pytest.raises(AssertionError):
        check_volume(made.before, result("scratch").after, made.measured[0], sign)


def test_a_hole_takes_the_wall_below_it_away():
    made = result("hole")
    taken = 1e9 * (Net.of(made.before).volume_m3 - Net.of(made.after).volume_m3)
    inner = np.isnan(made.displacement_mm)
    assert inner.any()
    assert (made.labels[inner] == 1).all()
    s = made.plan.defects[0].spec
    assert taken > 0.4 * np.pi / 4 * s.fixed("diameter_mm") ** 2 * 5, "it goes through a wall of 6 mm"


def check_parted(points, faces):
    net = Net(points, faces, np.zeros((len(faces), 3, 3)))
    joined = Net.of(Mesh(points, faces))
    assert joined.watertight, "it touches itself"
    assert joined.volume_m3 == pytest.approx(net.volume_m3, rel=1e-4)


@pytest.mark.parametrize("at", [(1, 1, 0), (1, 1, 1), (1 + 1e-7, 1, 0), (1, 0.5, 0)])
def test_what_touches_itself_is_parted_and_as_large(at):
    """Two boxes that share an edge, a corner, nearly an edge, and a part of a face: one closed net of two pieces."""
    one, other = trimesh.creation.box(), trimesh.creation.box().apply_translation(at)
    points = 1e-3 * np.concatenate((one.vertices, other.vertices))
    faces = np.concatenate((one.faces, other.faces + 8))
    check_parted(_parted(points, faces), faces)
    assert np.abs(_parted(points, faces) - points).max() < 1e-5 * np.ptp(points)
    if at == (1, 1, 0):
        with pytest.raises(AssertionError, match="touches itself"):
            check_parted(points, faces)


def test_an_open_mesh_is_opened_and_says_so(monkeypatch):
    monkeypatch.setattr("crossmodal.meshes.edit.STEPS", 3)  # a coarse rim is as open
    top = Mesh(block().vertices, block().faces[block().face_normals[:, 2] > 0.9])
    made = cm.synthesize(Net.of(top).mesh()[0], SPECS["hole"], seed=0)
    assert not made.watertight
    assert any("left open" in sentence for sentence in made.warnings)


def check_moved(made, there, T):
    """The second result is the first one carried by T: points to 1e-6 of the largest coordinate, labels, shifts."""
    carried = made.after.vertices @ T[:3, :3].T + T[:3, 3]
    for a, b in ((carried, there.after.vertices), (there.after.vertices, carried)):
        far, _ = cKDTree(a).query(b)
        assert far.max() < 1e-6 * np.abs(a).max(), f"{far.max():.3g} m apart"
    far, at = cKDTree(there.after.vertices).query(carried)
    assert (there.labels[at] == made.labels).mean() > 0.999
    assert np.abs(there.displacement_mm[at] - made.displacement_mm).max() < 1e-3


@pytest.mark.parametrize("kind", ["dent", "bump"])
def test_L8_a_moved_mesh_has_the_moved_defect(kind):
    made = result(kind)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation_about((0.3, -1, 0.5), 74), (0.02, -0.01, 0.05)
    there = cm.synthesize(block().placed(T[:3, :3], T[:3, 3]), made.plan.moved(T))
    check_moved(made, there, T)
    off = T.copy()
    off[:3, 3] += (0, 0, 2e-6)
    with pytest.raises(AssertionError):
        check_moved(made, there, off)


def check_same(a, b):
    for name in ("vertices", "faces", "normals", "colours"):
        assert np.array_equal(getattr(a.after, name), getattr(b.after, name)), name
    assert np.array_equal(a.labels, b.labels)


def test_L10_a_plan_replays_bit_for_bit():
    made = result("contamination")
    check_same(made, cm.synthesize(block(), cm.Plan.model_validate_json(made.plan.model_dump_json())))
    with pytest.raises(AssertionError):
        check_same(made, cm.synthesize(block(), SPECS["contamination"], seed=3))
    with pytest.raises(ValueError, match="camera's frame"):
        cm.synthesize(block(), made.plan.model_copy(update={"frame": "camera"}))


TURN = rotation_about((1, 0.3, 0), 25) @ np.diag((1.0, -1.0, -1.0))
AWAY = np.array((0.0, 0.0, 0.3))
PAINT, GROUND = Material((0.4, 0.4, 0.4)), Material((0.2, 0.2, 0.2))


def seen(mesh: Mesh, camera):
    ground = Plane(AWAY + TURN @ (0, 0, -0.00301), TURN @ (0, 0, 1.0))
    material = PAINT if mesh.colours is None else Material((1, 1, 1))
    return scan((mesh.placed(TURN, AWAY), ground), camera, toys.LAMP, (material, GROUND), samples=1, name="block")


def check_commutes(imprinted, scanned, median_mm, p95_mm, levels):
    moved = imprinted.instances > 0
    off = 1e3 * np.abs(imprinted.after.depth - scanned.depth)[moved]
    assert np.nanmedian(off) < median_mm
    assert np.nanpercentile(off, 95) < p95_mm
    apart = np.abs(imprinted.after.rgb.astype(int) - scanned.rgb).max(-1)[moved]
    assert np.median(apart) < levels


@pytest.mark.parametrize(("kind", "levels"), [("dent", 8), ("stain", 4)])
def test_a_scan_of_the_edited_mesh_is_the_edited_scan(kind, levels):
    mesh, camera = block().painted((0.42, 0.38, 0.33)), toys.toy_camera(110)  # a grey picture would stay grey
    capture = seen(mesh, camera)
    place = cm.Place(at_pixel=(45, 58))
    plan = draw(capture, cm.Recipe(defects=(SPECS[kind],), place=place), seed=1)
    there = np.eye(4)
    there[:3, :3], there[:3, 3] = TURN, AWAY
    edit = grown(capture.surface, plan.defects[0])
    imprinted = cm.imprint(capture, edit, plan)
    made = cm.imprint(mesh, edit.moved(np.linalg.inv(there)))
    check_commutes(imprinted, seen(made.after, camera), 0.01, 0.04, levels)
    off = edit.moved(np.linalg.inv(there))
    off = off.moved(np.array(((1, 0, 0, 0.002), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))))
    with pytest.raises(AssertionError):
        check_commutes(imprinted, seen(cm.imprint(mesh, off).after, camera), 0.01, 0.04, levels)


@pytest.mark.parametrize("suffix", ["stl", "obj", "ply", "glb"])
def test_a_mesh_comes_back_as_it_was_written(suffix, tmp_path):
    made = result("contamination")
    cm.write_mesh(tmp_path / f"part.{suffix}", made.after, labels=made.labels, displacement_mm=made.displacement_mm)
    back = cm.read_mesh(tmp_path / f"part.{suffix}")
    assert Net.of(back).watertight
    assert Net.of(back).volume_m3 == pytest.approx(Net.of(made.after).volume_m3, rel=1e-5)
    if suffix != "stl":
        far, at = cKDTree(back.vertices).query(made.after.vertices)
        assert far.max() < 1e-7
        assert np.abs(back.colours[at] - made.after.colours).max() < 0.01
    if suffix == "ply":
        kept = trimesh.load(tmp_path / "part.ply", process=False)
        assert set(np.unique(kept.metadata["_ply_raw"]["vertex"]["data"]["label"])) == {0, 1}


def test_what_rounding_parted_is_joined_again(tmp_path):
    made = trimesh.creation.box((3, 2, 1)).triangles
    soup = trimesh.Trimesh((made + 1e-7 * np.sin(np.arange(108)).reshape(12, 3, 3)).reshape(-1, 3),
                           np.arange(36).reshape(12, 3), process=False)
    soup.export(tmp_path / "part.stl")
    assert Net.of(cm.read_mesh(tmp_path / "part.stl", unit="mm")).watertight
    assert not Net.of(Mesh(soup.vertices, soup.faces)).watertight


def test_a_unit_is_asked_for_and_never_guessed(tmp_path):
    trimesh.creation.box((3, 2, 1)).export(tmp_path / "part.stl")
    with pytest.raises(ValueError, match=r"does not say its unit, and is 3 x 2 x 1 of it; say --unit"):
        cm.read_mesh(tmp_path / "part.stl")
    inch, mm = (cm.read_mesh(tmp_path / "part.stl", unit=unit) for unit in ("inch", "mm"))
    np.testing.assert_allclose(inch.vertices, 25.4 * mm.vertices)
    trimesh.creation.box((3, 2, 1)).export(tmp_path / "part.glb")
    assert np.ptp(cm.read_mesh(tmp_path / "part.glb").vertices) == pytest.approx(3)
    with pytest.raises(ValueError, match="glTF"):
        cm.read_mesh(tmp_path / "part.glb", unit="mm")


def textured(folder, texture="skin.png", material="part.mtl"):
    """A square with a picture on it: red to its left, blue to its right."""
    cm.rgb.write_rgb(folder / "skin.png", np.tile(np.uint8([[[200, 0, 0]], [[0, 0, 200]]]).swapaxes(0, 1), (2, 1, 1)))
    (folder / "part.mtl").write_text(f"newmtl skin\nmap_Kd {texture}\n")
    (folder / "part.obj").write_text(
        f"mtllib {material}\nusemtl skin\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
        "f 1/1 2/2 3/3\nf 1/1 3/3 4/4\n")
    return folder / "part.obj"


def test_a_texture_colours_the_vertices(tmp_path):
    mesh = cm.read_mesh(textured(tmp_path), unit="m")
    red = mesh.colours[mesh.vertices[:, 0] == 0]
    assert (red[:, 0] > 0.4).all()
    assert (red[:, 2] < 0.01).all()
    assert (mesh.colours[mesh.vertices[:, 0] == 1][:, 2] > 0.4).all()


def glb(**more):
    data = json.dumps({"asset": {"version": "2.0"}, **more}).encode()
    data += b" " * (-len(data) % 4)
    return b"glTF" + struct.pack("<III4s", 2, 20 + len(data), len(data), b"JSON") + data


HOSTILE = {
    "more triangles than bytes.stl": b"\0" * 80 + struct.pack("<I", 4_000_000_000) + b"\0" * 100,
    "cut.stl": b"\0" * 80 + struct.pack("<I", 2) + b"\0" * 60,
    "no triangles.stl": b"\0" * 80 + struct.pack("<I", 0),
    "more points than bytes.ply": b"ply\nformat binary_little_endian 1.0\nelement vertex 1000000000000\n"
                                  b"property float x\nelement face 1\nproperty list uchar int v\nend_header\n",
    "a cloud.ply": b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
                   b"end_header\n0 0 0\n",
    "nothing.ply": b"", "noise.glb": bytes(range(256)) * 4, "noise.obj": bytes(range(256)) * 4,
    "beyond.obj": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "nan.obj": b"v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
    "counts.glb": glb(accessors=[{"count": 10**12, "componentType": 5126, "type": "VEC3"}]),
    "elsewhere.gltf": json.dumps({"asset": {"version": "2.0"}, "buffers": [
        {"uri": "../secret.bin", "byteLength": 12}]}).encode(),
    "list.gltf": b"[1]", "deep.gltf": b"[" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_line(name, tmp_path):
    (tmp_path / "secret.bin").write_bytes(b"\0" * 12)
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / name
    path.write_bytes(HOSTILE[name])
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        cm.read_mesh(path, unit="mm")
    assert str(path) in str(caught.value)
    assert path.read_bytes() == HOSTILE[name]


@pytest.mark.parametrize(("texture", "material"), [("../secret.png", "part.mtl"), ("skin.png", "../part.mtl"),
                                                   ("/etc/hostname", "part.mtl")])
def test_nothing_is_read_from_beside_the_folder(texture, material, tmp_path):
    (tmp_path / "in").mkdir()
    cm.rgb.write_rgb(tmp_path / "secret.png", np.full((2, 2, 3), 255, np.uint8))
    path = textured(tmp_path / "in", texture, material)
    (tmp_path / "part.mtl").write_text("newmtl skin\nKd 1 1 1\nmap_Kd secret.png\n")
    try:
        mesh = cm.read_mesh(path, unit="m")
    except ValueError:
        return
    assert mesh.colours is None or mesh.colours.max() < 0.9, "a picture of another folder was read"


CAMERA = cm.Camera(64, 48, 500, 510, 30.2, 24.4)


def check_alike(a, b, apart_m=1e-6):
    both = (a.face >= 0) & (b.face >= 0)
    assert both.any()
    assert ((a.face >= 0) != (b.face >= 0)).mean() < 0.003
    assert np.abs(a.z_m - b.z_m)[both].max() < apart_m
    same = both & (a.face == b.face)
    assert same.sum() > 0.99 * both.sum()
    assert np.abs(a.weights - b.weights)[same].max() < 1e-3


@pytest.mark.parametrize("by", ["open3d", "pytorch3d"])
def test_renderers_agree(by):
    pytest.importorskip(by)
    ball = trimesh.creation.icosphere(2, 0.02)
    ball = Mesh(ball.vertices + np.array((0.002, -0.001, 0.3)), ball.faces)
    for mesh in (ball, block().placed(TURN, AWAY)):
        exact = render(mesh, CAMERA)
        check_alike(exact, render(mesh, CAMERA, by))
    with pytest.raises(AssertionError):
        check_alike(exact, render(mesh, replace(CAMERA, cx=CAMERA.cx + 0.5), by))


def test_a_gradient_of_depth_reaches_the_vertices():
    torch = pytest.importorskip("torch")
    pytest.importorskip("pytorch3d")
    from crossmodal.scanner import PyTorch3DRaster

    corners, faces = np.array(((-0.05, -0.05, 0.3), (0.05, -0.05, 0.31), (0.05, 0.05, 0.32), (-0.05, 0.05, 0.31))), (
        np.array(((0, 1, 2), (0, 2, 3))))
    vertices = torch.tensor(corners, dtype=torch.float32, requires_grad=True)
    z = PyTorch3DRaster().depth(vertices, faces, CAMERA)
    z[20, 30].backward()
    assert np.isfinite(vertices.grad.numpy()).all()
    want = np.zeros((4, 3))
    for k in np.ndindex(want.shape):
        h = np.zeros((4, 3))
        h[k] = 1e-5
        want[k] = (render(Mesh(corners + h, faces), CAMERA).z_m - render(Mesh(corners - h, faces), CAMERA).z_m)[20, 30]
    np.testing.assert_allclose(vertices.grad.numpy(), want / 2e-5, atol=2e-3)
    assert np.abs(want).max() > 1e-6


def test_a_renderer_that_is_missing_is_one_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "open3d", None)
    with pytest.raises(ValueError, match=r"open3d cannot be imported .* pip install 'crossmodal-anomaly\[open3d\]'"):
        render(block(), CAMERA, "open3d")
    with pytest.raises(ValueError, match="by must be one of numba, open3d, pytorch3d"):
        render(block(), CAMERA, "opengl")
    with pytest.raises(ValueError, match="pinhole"):
        render(block(), replace(CAMERA, model="division", distortion=(0.1,)), "pytorch3d")
