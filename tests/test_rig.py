"""Colour and depth from two cameras: alignment against a ray cast, and one defect seen by both."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import rgbd_trees
import toys
import trees
import truth
from test_laws_motion import check_L13

import crossmodal as cm
from crossmodal import datasets
from crossmodal.align import aligned, moved
from crossmodal.camera import Camera
from crossmodal.cli import main
from crossmodal.datasets.intrinsics import Calibration
from crossmodal.datasets.rig import read_rig, rig_of
from crossmodal.datasets.source import Reading
from crossmodal.scanner import Plane, Sphere, scan
from crossmodal.scanner.exposure import Scene

COLOR = Camera(176, 160, 900.0, 905.0, 86.0, 80.5)
DEPTH = Camera(150, 140, 640.0, 636.0, 73.5, 70.0, "brown", (1.5, -6.0, 0.004, -0.003, 0.0))
T_COLOR_DEPTH = truth.rotation((0.1, 1, 0.05), -8, (0.045, -0.004, 0.003))
BALL, WALL = Sphere((0.004, -0.002, 0.3), 0.02), Plane((0, 0, 0.37), (0.1, 0.05, -1))


def seen_by_depth(shapes):
    """The scene of the colour camera's frame, scanned by the depth camera."""
    there = np.linalg.inv(T_COLOR_DEPTH)
    return scan([truth.moved_shape(shape, there) for shape in shapes], DEPTH, toys.LAMP, toys.MATERIAL, name="pair")


@pytest.fixture(scope="module")
def pair():
    """(rgb and truth of the colour camera, the depth camera's own capture), of a ball before a wall."""
    return scan([BALL, WALL], COLOR, toys.LAMP, toys.MATERIAL, name="pair"), seen_by_depth([BALL, WALL])


def reachable(points):
    """(H, W) bool: points of the colour camera's frame that the depth camera sees too, by a ray cast from it."""
    there = np.linalg.inv(T_COLOR_DEPTH)
    own = moved(points, there)
    z, _, _ = Scene(tuple(truth.moved_shape(shape, there) for shape in (BALL, WALL))).trace(own / own[..., 2:])
    pixels = DEPTH.project(own)
    inside = (pixels >= 0).all(-1) & (pixels <= (DEPTH.width - 1, DEPTH.height - 1)).all(-1)
    return inside & (np.abs(z - own[..., 2]) < 1e-4)


def check_aligned(z, color):
    """Aligned depth is the ray cast's, wherever the depth camera sees that point, and NaN elsewhere; outlines, a
    pixel of the coarser camera wide, apart."""
    want, sure = color.depth, reachable(color.points)
    outline = cv2.dilate((cv2.morphologyEx(want, cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0.005).astype(np.uint8),
                         np.ones((5, 5))) > 0
    rim = cv2.morphologyEx(sure.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((5, 5))) > 0
    inner = ~(outline | rim)
    both = inner & np.isfinite(z)
    off_mm = np.abs(z - want)[both] * 1e3
    assert np.median(off_mm) < 0.005
    assert np.quantile(off_mm, 0.99) < 0.1, f"99 % within {np.quantile(off_mm, 0.99):.3f} mm"
    assert (np.isfinite(z) == sure)[inner].mean() > 0.995
    assert not (np.isfinite(z) & ~sure)[inner].any(), "depth where the depth camera measured nothing"
    return off_mm


def test_depth_aligned_to_colour_is_what_a_ray_cast_sees(pair):
    color, depth = pair
    hidden = ~reachable(color.points)
    assert 0.02 < hidden.mean() < 0.5, "the scene has a shadow to speak of"
    check_aligned(aligned(depth, COLOR, T_COLOR_DEPTH), color)


def scattered(depth, camera, T):
    """How it is often done: each point into its nearest pixel, no buffer."""
    z = np.full((camera.height, camera.width), np.nan, np.float32)
    points = moved(depth.points, T).reshape(-1, 3)
    pixels = np.rint(camera.project(points))
    good = np.isfinite(pixels).all(1) & (pixels >= 0).all(1) & (pixels < (camera.width, camera.height)).all(1)
    columns, rows = pixels[good].astype(int).T
    z[rows, columns] = points[good, 2]
    return z


@pytest.mark.parametrize("fault", ["scattered", "pose inverted", "millimetres", "lens forgotten", "steps spanned"])
def test_the_ray_cast_catches(fault, pair):
    color, depth = pair
    view, T = depth, T_COLOR_DEPTH
    if fault == "scattered":
        z = scattered(depth, COLOR, T)
    elif fault == "steps spanned":
        from crossmodal.raster import splat
        points = moved(depth.points, T)
        z, state = np.full(color.shape, np.inf), np.ones(depth.shape, bool)
        splat(np.concatenate((COLOR.project(points), points[..., 2:]), -1), state.astype(np.uint8),
              np.ones((*depth.shape, 2), bool), state, 1, z, np.zeros((*color.shape, 2)))
        z = np.where(np.isfinite(z), z, np.nan)
    else:
        if fault == "pose inverted":
            T = np.linalg.inv(T)
        elif fault == "millimetres":
            T = T.copy()
            T[:3, 3] *= 1.05
        else:
            bare = replace(DEPTH, model="pinhole", distortion=())
            view = cm.Capture.from_depth(depth.rgb, depth.depth, bare)
        z = aligned(view, COLOR, T)
    with pytest.raises(AssertionError):
        check_aligned(z, color)


def test_a_camera_aligned_to_itself_is_itself(pair):
    _, depth = pair
    z = aligned(depth, DEPTH, np.eye(4))
    there = np.isfinite(z)  # a rounding takes the centres of the outermost pixels of a surface out of sight
    assert there.mean() > 0.96
    np.testing.assert_allclose(z[there], depth.depth[there], atol=1e-6)


def test_the_depth_camera_borrows_colours_only_where_colour_saw(pair):
    color, depth = pair
    rig = rig_of(color.rgb, depth.depth, Calibration(COLOR, "plain"), Calibration(DEPTH, "plain"), T_COLOR_DEPTH)
    painted = rig.views[1].rgb
    pixels = COLOR.project(moved(depth.points, T_COLOR_DEPTH))
    inside = (pixels > 0).all(-1) & (pixels < (COLOR.width - 1, COLOR.height - 1)).all(-1)
    black = (painted == 0).all(-1)
    assert black[~inside].mean() > 0.95
    assert 0.01 < black[inside].mean() < 0.3  # what only the depth camera sees, beside the ball
    lit = ~black & inside
    assert np.median(np.abs(painted.astype(int) - depth.rgb)[lit]) <= 8  # one lamp, two places: matt matter alike


@pytest.mark.parametrize("spec", [cm.Dent(diameter_mm=9, depth_mm=1.2), cm.Bump(diameter_mm=9, height_mm=1.2)])
def test_L13_colour_and_depth_cameras_see_the_one_defect(spec):
    """On a plane whose chart is known: imprinted through the rig, both views agree with the truth."""
    plane = Plane((0, 0, 0.3), truth.rotation((0, 1, 0), 12)[:3, :3] @ (0, 0, -1.0))
    here = truth.scanned(plane, COLOR, "pair")
    there = here.moved(np.linalg.inv(T_COLOR_DEPTH), DEPTH)
    rig = rig_of(here.capture.rgb, there.capture.depth, Calibration(COLOR, "plain"), Calibration(DEPTH, "plain"),
                 T_COLOR_DEPTH, "pair")
    recipe = cm.Recipe(defects=(spec,), place=cm.Place(at_pixel=(90, 80)))
    results = cm.synthesize(rig, recipe, seed=4)
    planned = results[0].plan.defects[0]
    views = (planned, results[0].plan.moved(np.linalg.inv(T_COLOR_DEPTH)).defects[0])
    assert check_L13(results, (here, there), views, "both")
    for first, again in zip(results, cm.replay(rig, results[0].plan), strict=True):
        assert first.after.points.tobytes() == again.after.points.tobytes()
        assert first.after.rgb.tobytes() == again.after.rgb.tobytes()
    with pytest.raises(AssertionError):  # the planted fault: the depth camera's own place forgotten
        check_L13((results[0], cm.replay(rig.views[1], results[0].plan)), (here, there), views, "both")


def write_rig(root, color, depth, scale=0.0001):
    rgbd_trees.put(root / "color/0.png", color.rgb)
    rgbd_trees.put(root / "depth/0.png", rgbd_trees.counts(depth, scale))
    cameras = {word: {name: getattr(camera, name) for name in ("width", "height", "fx", "fy", "cx", "cy")}
               for word, camera in (("color", COLOR), ("depth", DEPTH))}
    cameras["depth"]["coeffs"] = list(DEPTH.distortion)
    rgbd_trees.say(root / "rig.json", cameras | {"depth_scale": scale, "T_color_depth": T_COLOR_DEPTH.tolist()})
    return root


def test_a_rig_on_disk_is_read_with_depths_own_numbers_kept(pair, tmp_path):
    root = write_rig(tmp_path / "in", *pair)
    before = trees.digests(root)
    rig = cm.read_rig(root)
    color, depth = rig.views
    assert (color.camera, depth.camera) == (COLOR, DEPTH)
    np.testing.assert_allclose(rig.T_rig_camera[1], T_COLOR_DEPTH, atol=1e-12)
    own = depth.encoding
    assert own.values.tobytes() == cv2.imread(str(root / "depth/0.png"), cv2.IMREAD_UNCHANGED).tobytes()
    assert own.unit_m == pytest.approx(1e-4)
    off = np.abs(color.depth - pair[0].depth)
    assert np.nanmedian(off) < 1e-4
    one = datasets.load(datasets.sources(root)[0])
    assert one.points.tobytes() == color.points.tobytes()
    assert trees.digests(root) == before


def test_librealsenses_extrinsics_are_the_same_pose(tmp_path, pair):
    root = write_rig(tmp_path, *pair)
    said = json.loads((root / "rig.json").read_text())
    rotation = T_COLOR_DEPTH[:3, :3].ravel(order="F").tolist()
    rgbd_trees.say(root / "rig.json", said | {"T_color_depth": {
        "rotation": rotation, "translation": T_COLOR_DEPTH[:3, 3].tolist()}})
    np.testing.assert_allclose(read_rig(root / "rig.json")[2], T_COLOR_DEPTH, atol=1e-12)


@pytest.mark.parametrize(("change", "sentence"), [
    ({"T_color_depth": [1, 2, 3]}, "T_color_depth must be 4x4, or rotation and translation"),
    ({"T_color_depth": (2 * np.eye(4)).tolist()}, "T_color_depth is no rigid motion"),
    ({"T_color_depth": np.diag([1.0, 1, -1, 1]).tolist()}, "T_color_depth is no rigid motion"),
    ({"T_color_depth": [[1, 0, 0, 45.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}, "45 m apart; give .* in metres"),
    ({"T_color_depth": [[1, 0, 0, 4.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}, "nothing that the depth camera"),
    ({"depth": None}, "depth must be a camera"),
    ({"color": {"fx": 1}}, "rig.json has no fy; give fx fy"),
])
def test_a_rig_that_cannot_be_gets_one_line(change, sentence, pair, tmp_path):
    root = write_rig(tmp_path, *pair)
    rgbd_trees.say(root / "rig.json", json.loads((root / "rig.json").read_text()) | change)
    with pytest.raises(ValueError, match=sentence) as caught:
        datasets.load(datasets.sources(root)[0], Reading())
    assert "\n" not in str(caught.value)


def test_a_rig_becomes_a_dataset_with_each_cameras_own_pixels(pair, tmp_path, capsys):
    root, out = write_rig(tmp_path / "in", *pair), tmp_path / "out"
    before = trees.digests(root)
    assert main(["inspect", str(root)]) == 0, capsys.readouterr().out
    told = capsys.readouterr().out
    assert "0.1 mm: depth_scale 0.0001: metres a count" in told
    assert "rig.json: two, 45.3 mm apart" in told
    assert main(["synthesize", str(root), "--out", str(out), "--kinds", "dent", "--only-defects"]) == 0
    assert main(["check", str(out)]) == 0, capsys.readouterr().out
    (entry,) = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
    own = cv2.imread(str(root / "depth/0.png"), cv2.IMREAD_UNCHANGED)
    made = cv2.imread(str(out / entry["files"]["depth_raw"]), cv2.IMREAD_UNCHANGED)
    mask = cv2.imread(str(out / entry["files"]["gt_depth_raw"]), cv2.IMREAD_UNCHANGED) > 0
    assert (made != own)[mask].mean() > 0.9
    assert made[~mask].tobytes() == own[~mask].tobytes()
    rig, plan = cm.read_rig(root), cm.Plan.model_validate(entry["plan"])
    np.testing.assert_array_equal(mask, cm.replay(rig, plan)[1].masks.depth)
    deepest = float(np.abs(made.astype(int) - own)[mask].max()) * 0.1
    assert 0.4 < deepest / entry["defects"][0]["measured"]["max_depth_mm"] < 1.6  # along z, not along the normal
    assert main(["replay", str(out / "manifest.jsonl"), "--source", str(root), "--out", str(tmp_path / "again")]) == 0
    assert "1 with the bytes of the manifest" in capsys.readouterr().out
    assert trees.digests(tmp_path / "again/test") == trees.digests(out / "test")
    assert trees.digests(root) == before
