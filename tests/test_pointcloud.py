"""The pointcloud room: values, PLY and PCD, neighbours, changes."""

import os
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import pointcloud as pc

SHARED = Path(os.environ.get("CROSSMODAL_SHARED", Path(__file__).parents[1] / "../shared")).resolve()
SCENE = SHARED / "data/mosd/learn0.pcd"
PARTS = ("xyz_m", "rgb", "normals", "labels")
AGAIN = "copy it again from the source"


@st.composite
def clouds(draw):
    n = draw(st.integers(0, 20))
    numbers = arrays(np.float32, (n, 3), elements=st.floats(-9, 9, width=32))
    labels = st.sampled_from([np.uint8, np.uint16, np.uint32]).flatmap(lambda t: arrays(t, n))
    optional = [draw(st.none() | part) for part in (arrays(np.uint8, (n, 3)), numbers, labels)]
    return pc.PointCloud(draw(numbers), *optional)


def same(a, b):
    for part in PARTS:
        mine, other = getattr(a, part), getattr(b, part)
        assert (mine is None) == (other is None), part
        if mine is not None:
            assert (mine.dtype, mine.shape, mine.tobytes()) == (other.dtype, other.shape, other.tobytes()), (
                part
            )


def random_cloud(n=50, seed=0):
    rng = np.random.default_rng(seed)
    xyz = rng.normal(size=(n, 3)).astype(np.float32)
    return pc.PointCloud(
        xyz, rng.integers(0, 256, (n, 3), dtype=np.uint8), xyz, np.arange(n, dtype=np.uint16)
    )


@pytest.mark.parametrize("suffix", [".ply", ".pcd"])
@settings(max_examples=30, deadline=None)
@given(cloud=clouds())
def test_a_cloud_reads_back_bit_for_bit(tmp_path_factory, suffix, cloud):
    path = tmp_path_factory.mktemp("cloud") / f"a{suffix}"
    pc.write_cloud(path, cloud)
    first = path.read_bytes()
    same(cloud, pc.read_cloud(path))
    pc.write_cloud(path, cloud)
    assert path.read_bytes() == first
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_others_read_our_ply_and_we_read_theirs(tmp_path):
    cloud = random_cloud()
    pc.write_cloud(tmp_path / "a.ply", cloud)
    theirs = trimesh.load(tmp_path / "a.ply")
    np.testing.assert_array_equal(theirs.vertices.astype(np.float32), cloud.xyz_m)
    np.testing.assert_array_equal(theirs.colors[:, :3], cloud.rgb)
    for encoding in ("ascii", "binary"):
        box = trimesh.creation.box()
        (tmp_path / "b.ply").write_bytes(trimesh.exchange.ply.export_ply(box, encoding=encoding))
        np.testing.assert_allclose(
            pc.read_cloud(tmp_path / "b.ply", unit_m=0.001).xyz_m, box.vertices / 1000, rtol=1e-6
        )


HEAD = "ply\nformat binary_little_endian 1.0\nelement vertex 2\nproperty float x\n"
KNOWN = "that PLY 1.0 does not know; save it as a plain PLY point cloud"
BAD = [
    ("a.ply", "", f"is not a PLY file or its header is cut short; {AGAIN}"),
    ("b.ply", HEAD, f"is not a PLY file or its header is cut short; {AGAIN}"),
    ("c.ply", HEAD + "end_header\n1234567", f"should hold 2 vertices, but is cut short; {AGAIN}"),
    ("d.ply", HEAD + "end_header\n12345678", "has no x y z; a point cloud needs them"),
    ("e.ply", HEAD + "property list uchar int k\nend_header\n", f"has a vertex header {KNOWN}"),
    ("f.ply", HEAD.replace("vertex 2", "vertex two") + "end_header\n", f"has a vertex header {KNOWN}"),
    ("g.ply", HEAD.replace("1.0", "1.0").replace("vertex", "face") + "end_header\n",
     "does not begin with its vertices; save it as a plain PLY point cloud"),
    ("h.ply", "ply\nformat zip 1.0\nend_header\n",
     "has no format line that PLY 1.0 knows; save it as binary_little_endian"),
    ("i.xyz", "1 2 3", "has no point cloud suffix that is known; use one of .ply .pcd"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "sentence"), BAD, ids=[b[0] for b in BAD])
def test_a_bad_file_is_refused_in_one_line(tmp_path, name, text, sentence):
    (tmp_path / name).write_bytes(text.encode())
    with pytest.raises(ValueError) as e:
        pc.read_cloud(tmp_path / name)
    assert str(e.value) == f"{tmp_path / name} {sentence}"


def test_a_missing_file_and_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; check the path"):
        pc.read_cloud(tmp_path / "no.ply")
    with pytest.raises(OSError, match="cannot be written"):
        pc.write_cloud(tmp_path / "no/a.ply", random_cloud())


XYZ = np.zeros((4, 3), np.float32)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"xyz_m": XYZ.astype(float)}, "xyz_m must be float32 (N, 3), but got float64 (4, 3)"),
        ({"xyz_m": XYZ[:, :2]}, "xyz_m must be float32 (N, 3), but got float32 (4, 2)"),
        ({"xyz_m": None}, "xyz_m must be float32 (N, 3), but got NoneType"),
        ({"xyz_m": XYZ * np.float32(np.nan)}, "xyz_m must be finite, but 4 rows are not"),
        ({"xyz_m": XYZ, "rgb": XYZ}, "rgb must be uint8 (4, 3), but got float32 (4, 3)"),
        ({"xyz_m": XYZ, "normals": XYZ[:2]}, "normals must be float32 (4, 3), but got float32 (2, 3)"),
        (
            {"xyz_m": XYZ, "labels": np.zeros(4)},
            "labels must be uint8 or uint16 or uint32 (4,), but got float64 (4,)",
        ),
    ],
)
def test_what_is_no_cloud_is_refused(parts, sentence):
    with pytest.raises(ValueError) as e:
        pc.PointCloud(**parts)
    assert str(e.value) == sentence


def test_a_value_is_locked_and_its_maker_is_not():
    xyz = XYZ.copy()
    cloud = pc.PointCloud(xyz)
    assert not cloud.xyz_m.flags.writeable
    xyz[0] = 1


@given(cloud=clouds(), data=st.data())
@settings(max_examples=30, deadline=None)
def test_taking_points_away_and_putting_them_back(cloud, data):
    gone = data.draw(arrays(bool, len(cloud)))
    order = np.concatenate([np.flatnonzero(~gone), np.flatnonzero(gone)])
    both = pc.with_points(pc.without(cloud, gone), pc.without(cloud, ~gone))
    same(
        both, pc.PointCloud(*(None if getattr(cloud, p) is None else getattr(cloud, p)[order] for p in PARTS))
    )
    same(cloud, pc.displaced(cloud, np.zeros_like(cloud.xyz_m)))


def test_changes_are_refused_where_they_do_not_fit():
    cloud = random_cloud()
    np.testing.assert_allclose(pc.displaced(cloud, np.full((50, 3), 0.5)).xyz_m, cloud.xyz_m + 0.5, atol=1e-6)
    with pytest.raises(ValueError, match=r"offset_m must be float \(50, 3\), but got \(3,\)"):
        pc.displaced(cloud, np.zeros(3))
    with pytest.raises(ValueError, match=r"mask must be bool \(50,\), but got int64 \(50,\)"):
        pc.without(cloud, np.zeros(50, np.int64))
    with pytest.raises(
        ValueError, match="the cloud has rgb and the other has none; give both rgb or neither"
    ):
        pc.with_points(cloud, pc.PointCloud(XYZ))


def test_normals_of_a_ball_point_to_the_viewer():
    way = np.random.default_rng(0).normal(size=(4000, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    inside = pc.normals(way.astype(np.float32) * 2, (0, 0, 0), 12)
    assert inside.dtype == np.float32
    assert (np.einsum("ni,ni->n", inside, -way) > 0.98).all()
    far = pc.normals(way, (0, 0, -9), 12)
    assert (np.einsum("ni,ni->n", far, np.array([0, 0, -9]) - way) >= 0).all()
    np.testing.assert_allclose(pc.normals(np.zeros((5, 3)), (0, 0, -1), 3), np.tile([0, 0, -1], (5, 1)))


def test_spacing_of_a_grid():
    grid = np.stack(np.meshgrid(*[np.arange(6) * 0.25] * 3), -1).reshape(-1, 3)
    assert pc.spacing(grid) == 0.25
    with pytest.raises(ValueError, match="spacing needs at least 2 points, but got 1"):
        pc.spacing(grid[:1])
    with pytest.raises(ValueError, match=r"xyz must be float \(N, 3\), but got float64 \(6,\)"):
        pc.normals(np.zeros(6))


@pytest.mark.skipif(not SCENE.is_file(), reason="no shared data")
def test_a_real_scene_keeps_points_colour_and_labels(tmp_path):
    cloud = pc.read_cloud(SCENE)
    assert cloud.rgb is not None
    assert cloud.labels.max() >= 20
    pc.write_cloud(tmp_path / "a.ply", cloud)
    same(cloud, pc.read_cloud(tmp_path / "a.ply"))
    assert 0.5e-3 < pc.spacing(cloud.xyz_m) < 3e-3
