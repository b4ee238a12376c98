"""The depth room: maps and organised points on disk, the noise floor, pictures."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import depth

SHARED = Path(os.environ.get("CROSSMODAL_SHARED", Path(__file__).parents[1] / "../shared")).resolve()
GLAND = SHARED / "data/mvtec3d_sample/cable_gland"
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12))
AGAIN = "copy it again from the source"
Y, X = np.mgrid[:200, :240] / 200


def ball_on_plane():
    r2 = 0.3**2 - (X - 0.5) ** 2 - (Y - 0.5) ** 2
    return np.where(r2 > 0, 0.62 - 0.2 * np.sqrt(np.maximum(r2, 0)), 0.6 + 0.03 * X + 0.05 * Y)


@settings(max_examples=25, deadline=None)
@given(arrays(np.float32, SHAPES, elements=st.floats(0.0625, 60, width=32) | st.just(np.nan)))
def test_depth_reads_back(tmp_path_factory, z):
    folder = tmp_path_factory.mktemp("depth")
    for suffix in (".tiff", ".tif", ".npy"):
        depth.write_depth(folder / f"z{suffix}", z)
        np.testing.assert_array_equal(depth.read_depth(folder / f"z{suffix}").z_m, z)
    depth.write_depth(folder / "z.png", depth.DepthMap(z))
    np.testing.assert_allclose(depth.read_depth(folder / "z.png").z_m, z, atol=0.000504)


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint32, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_xyz_keeps_every_bit_and_is_one_file(tmp_path_factory, bits):
    folder = tmp_path_factory.mktemp("xyz")
    xyz = bits.view(np.float32)
    for name in ("a.tiff", "b.tiff"):
        depth.write_xyz(folder / name, xyz)
    assert (folder / "a.tiff").read_bytes() == (folder / "b.tiff").read_bytes()
    for read in (depth.read_xyz, tifffile.imread):
        back = read(folder / "a.tiff")
        assert back.shape == xyz.shape
        assert back.tobytes() == xyz.tobytes()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros((480, 640, 3), np.uint8), "depth must be float32 (H, W), but got uint8 (480, 640, 3)"),
        (np.ones((4, 5)), "depth must be float32 (H, W), but got float64 (4, 5)"),
        (
            np.zeros((1, 2), np.float32),
            "depth must be above 0 and finite, or NaN, but got 0.0 (2 such pixels)",
        ),
        (np.float32([[np.inf, 1]]), "depth must be above 0 and finite, or NaN, but got inf (1 such pixels)"),
        (3, "depth must be float32 (H, W), but got int"),
    ],
)
def test_what_is_no_depth_is_refused(values, sentence):
    with pytest.raises(ValueError) as e:
        depth.DepthMap(values)
    assert str(e.value) == sentence


def test_raw_values_become_metres():
    held = depth.DepthMap.from_raw(np.uint16([[0, 500, 65535]]), 0.001, (0, 65535))
    np.testing.assert_array_equal(held.z_m, np.float32([[np.nan, 0.5, np.nan]]))
    np.testing.assert_array_equal(held.valid, [[False, True, False]])
    assert not held.z_m.flags.writeable
    with pytest.raises(ValueError, match=r"but got -0\.5"):
        depth.DepthMap.from_raw(np.float32([[-500]]), 0.001)


def tiff_bytes(tmp_path, values):
    tifffile.imwrite(tmp_path / "seed.tiff", values, metadata=None)
    return (tmp_path / "seed.tiff").read_bytes()


def test_a_bad_file_is_refused_in_one_line(tmp_path, capfd):
    tiff = tiff_bytes(tmp_path, np.ones((30, 40), np.float32))
    png = cv2.imencode(".png", np.full((30, 40), 500, np.uint16))[1].tobytes()
    grey8 = cv2.imencode(".png", np.full((30, 40), 50, np.uint8))[1].tobytes()
    refused = [
        ("a.tiff", tiff[:-40], f"is truncated or not a TIFF; {AGAIN}"),
        ("b.tiff", tiff[:60], f"is truncated or not a TIFF; {AGAIN}"),
        ("c.tiff", b"", f"is truncated or not a TIFF; {AGAIN}"),
        ("d.png", png[:-5], f"is truncated; {AGAIN}"),
        ("e.png", png[:50], f"is truncated; {AGAIN}"),
        ("f.png", b"hello", f"is not a PNG; {AGAIN}"),
        ("g.png", grey8, "is not a 16-bit grey PNG, as depth is; export depth with 16 bits"),
        ("h.npy", b"\x93NUMPY", f"is truncated or not an NPY array; {AGAIN}"),
        ("i.exr", b"", "has no depth suffix that is known; use one of .png .tiff .tif .npy"),
    ]
    for name, data, sentence in refused:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError) as e:
            depth.read_depth(tmp_path / name)
        assert str(e.value) == f"{tmp_path / name} {sentence}"
    with pytest.raises(FileNotFoundError, match="does not exist; check the path"):
        depth.read_xyz(tmp_path / "no.tiff")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("keep", [0.01, 0.3, 0.7, 0.999])
def test_no_cut_xyz_is_read(tmp_path, capfd, keep):
    depth.write_xyz(tmp_path / "a.tiff", np.ones((50, 40, 3), np.float32))
    data = (tmp_path / "a.tiff").read_bytes()
    (tmp_path / "a.tiff").write_bytes(data[: int(keep * len(data))])
    with pytest.raises(ValueError, match="is truncated or not a TIFF; copy it again"):
        depth.read_xyz(tmp_path / "a.tiff")
    assert capfd.readouterr().err == ""


def test_a_depth_that_16_bits_cannot_hold_is_refused_and_nothing_is_left(tmp_path):
    for z in (70.0, 0.0001):
        with pytest.raises(ValueError, match=r"cannot hold these depths in 16 bits of 0\.001 m"):
            depth.write_depth(tmp_path / "a.png", np.full((2, 2), z, np.float32))
    with pytest.raises(OSError, match="cannot be written"):
        depth.write_depth(tmp_path / "no/a.npy", np.ones((2, 2), np.float32))
    with pytest.raises(ValueError, match=r"xyz must be float32 \(H, W, 3\), but got float64 \(2, 2, 3\)"):
        depth.write_xyz(tmp_path / "a.tiff", np.ones((2, 2, 3)))
    assert list(tmp_path.iterdir()) == []


def test_a_perfect_sensor_has_only_the_grain_of_float32():
    one_way = np.where(X > 0.5, 0.6, 0.5 + 0.1 * Y)  # rows of equal depth, and yet no quantum
    box = np.where((abs(X - 0.5) < 0.2) & (abs(Y - 0.5) < 0.2), 0.55, 0.6)
    for z in (ball_on_plane(), one_way, box, np.where(box < 0.6, ball_on_plane(), np.nan)):
        floor = depth.measure_floor(z.astype(np.float32))
        assert floor.quantum_m == 0
        assert 2.3e-7 < floor.at(floor.median_m) / floor.median_m < 5e-7


@pytest.mark.parametrize("sigma", [1e-5, 1e-4, 1e-3])
def test_white_noise_is_measured(sigma):
    z = ball_on_plane() + np.random.default_rng(2).normal(0, sigma, X.shape)
    floor = depth.measure_floor(z.astype(np.float32))
    assert floor.noise_m == pytest.approx(sigma, rel=0.12)
    assert floor.quantum_m == 0


def test_rounding_is_measured_with_its_law():
    z = ball_on_plane() + np.random.default_rng(3).normal(0, 2e-4, X.shape)
    flat = depth.measure_floor((np.rint(z / 1e-3) * 1e-3).astype(np.float32))
    assert (flat.law, flat.quantum_m) == ("constant", pytest.approx(1e-3, rel=1e-3))
    assert flat.at(np.float32([0.3, 3])) == pytest.approx(1e-3 / 12**0.5, rel=0.02)
    z = z * (1 + Y)
    kinect = depth.measure_floor((1 / (np.rint(1 / z / 0.003) * 0.003)).astype(np.float32))
    assert kinect.law == "disparity"
    assert kinect.quantum_at(1.0) == pytest.approx(3e-3, rel=0.05)
    assert kinect.at(1.2) == pytest.approx(4 * kinect.at(0.6))


def test_an_empty_map_has_a_floor_too():
    floor = depth.measure_floor(np.full((9, 9), np.nan, np.float32))
    assert floor.at(0.5) == pytest.approx(0.5 * 2.4e-7)
    assert floor.at(np.full((2, 3), 0.5)).shape == (2, 3)


def test_pictures_show_what_is_there():
    z = ball_on_plane().astype(np.float32)
    z[:20] = np.nan
    points = np.dstack([X * z, Y * z, z]).astype(np.float32)
    dented = z + 3e-4 * np.exp(-((X - 0.5) ** 2 + (Y - 0.5) ** 2) / 2 / 0.02**2).astype(np.float32)
    for image in (depth.hillshade(points), depth.colour_relief(z), depth.detail_relief(z)):
        assert image.shape == (200, 240, 3)
        assert image.dtype == np.uint8
        assert image[:15].max() <= 24
    shade = depth.hillshade(points, light=(-1, 0, -0.2)).astype(int)
    assert shade[100, 60, 0] > shade[100, 140, 0] + 50  # lit from the left
    before, after = (depth.detail_relief(a, range_m=1e-3).astype(int) for a in (z, dented))
    assert before[100, 100, 0] - after[100, 100, 0] > 15
    assert not depth.colour_relief(np.full((3, 3), np.nan, np.float32)).any()


@pytest.mark.skipif(not GLAND.is_dir(), reason="no shared data")
def test_mvtec_is_read_written_and_smooth(tmp_path):
    source = GLAND / "train/good/xyz/000.tiff"
    xyz = depth.read_xyz(source)
    depth.write_xyz(tmp_path / "a.tiff", xyz)
    assert (
        tifffile.imread(tmp_path / "a.tiff").tobytes() == tifffile.imread(source).tobytes() == xyz.tobytes()
    )
    z = np.where(xyz[..., 2] > 0, xyz[..., 2], np.nan).astype(np.float32)
    floor = depth.measure_floor(z)
    assert floor.quantum_m == 0
    assert 0.3e-6 < floor.noise_m < 2e-6
