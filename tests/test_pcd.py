"""PCD v0.7: every field comes back bit for bit in all three encodings, and what is damaged is refused."""

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pointcloud import Pcd, lzf, pack_rgb, pcd_rgb, read_pcd, write_pcd
from pointcloud.pcd import ENCODINGS

SHARED = Path(os.environ.get("CROSSMODAL_SHARED", Path(__file__).parents[1] / "../shared")).resolve()
SCENES = sorted((SHARED / "data/mosd").glob("*.pcd"))[:3]
AGAIN = "copy it again from the source"
DTYPES = [f"<{k}{s}" for k, sizes in (("i", (1, 2, 4, 8)), ("u", (1, 2, 4, 8)), ("f", (4, 8))) for s in sizes]


@st.composite
def pcds(draw):
    width, height = draw(st.integers(0, 6)), draw(st.integers(1, 4))
    fields = {}
    for i in range(draw(st.integers(1, 4))):
        dtype, tail = np.dtype(draw(st.sampled_from(DTYPES))), draw(st.sampled_from([(), (2,), (3,)]))
        elements = {"elements": st.floats(width=8 * dtype.itemsize, allow_nan=False) | st.just(float("nan"))}
        shape = (width * height, *tail)
        fields[f"f{i}"] = draw(arrays(dtype, shape, **(elements if dtype.kind == "f" else {})))
    return Pcd(fields, width, height, draw(st.tuples(*[st.floats(-9, 9)] * 7)))


def same(a, b):
    assert list(a.fields) == list(b.fields)
    assert (a.width, a.height, a.viewpoint) == (b.width, b.height, b.viewpoint)
    for name, values in a.fields.items():
        assert b.fields[name].dtype == values.dtype
        assert b.fields[name].shape == values.shape
        assert b.fields[name].tobytes() == values.tobytes()


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=40, deadline=None)
@given(pcd=pcds())
def test_every_bit_comes_back(tmp_path_factory, encoding, pcd):
    path = tmp_path_factory.mktemp("pcd") / "a.pcd"
    write_pcd(path, pcd, encoding)
    first = path.read_bytes()
    same(pcd, read_pcd(path))
    write_pcd(path, read_pcd(path), encoding)
    assert path.read_bytes() == first


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300)
    | st.builds(lambda a, n: a * n, st.binary(min_size=1, max_size=9), st.integers(1, 900))
)
def test_lzf_gives_back_what_it_took(data):
    packed = lzf.compress(data)
    assert lzf.decompress(packed, len(data)) == data
    assert len(packed) <= len(data) + len(data) // 32 + 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 200))
def test_lzf_survives_nonsense(data, size):
    with contextlib.suppress(ValueError):  # and nothing else
        assert len(lzf.decompress(data, size)) == size


@pytest.mark.parametrize("dtype", [np.uint32, np.float32])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_packed_colour_survives_as_bits(tmp_path, dtype, encoding):
    rgb = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    zeros = np.zeros(12, np.float32)
    pcd = Pcd({"x": zeros, "y": zeros, "z": zeros, "rgb": pack_rgb(rgb).view(dtype)}, 4, 3)
    write_pcd(tmp_path / "a.pcd", pcd, encoding)
    back = read_pcd(tmp_path / "a.pcd")
    assert back.fields["rgb"].tobytes() == pcd.fields["rgb"].tobytes()
    np.testing.assert_array_equal(pcd_rgb(back), rgb)
    assert back.xyz().shape == (3, 4, 3)
    assert pcd_rgb(Pcd({"x": zeros}, 12)) is None


def test_padding_is_dropped_and_the_value_is_locked(tmp_path):
    head = "VERSION .7\nFIELDS x _ y\nSIZE 4 1 4\nTYPE F U F\nCOUNT 1 4 1\n"
    head += "WIDTH 2\nHEIGHT 1\nPOINTS 2\nDATA binary\n"
    body = b"".join(np.float32(v).tobytes() + b"\1\2\3\4" + np.float32(v + 1).tobytes() for v in (5, 7))
    (tmp_path / "a.pcd").write_bytes(head.encode() + body)
    pcd = read_pcd(tmp_path / "a.pcd")
    assert {k: v.tolist() for k, v in pcd.fields.items()} == {"x": [5, 7], "y": [6, 8]}
    assert not pcd.fields["x"].flags.writeable
    with pytest.raises(TypeError):
        pcd.fields["z"] = 1
    with pytest.raises(ValueError, match="a point needs the fields x y z, but got x y"):
        pcd.xyz()


GOOD = """VERSION 0.7
FIELDS x y
SIZE 4 4
TYPE F F
COUNT 1 1
WIDTH 2
HEIGHT 1
VIEWPOINT 0 0 0 1 0 0 0
POINTS 2
"""
LENGTHS = "has FIELDS, SIZE, TYPE and COUNT lines of different lengths; mend its header"
NO_PCD = "has a SIZE, TYPE, COUNT, WIDTH, HEIGHT or POINTS that is no PCD v0.7; mend its header"


def packed(size, body):
    return GOOD.encode() + b"DATA binary_compressed\n" + np.uint32([len(body), size]).tobytes() + body


BAD = [
    (b"", f"is not a PCD file or its header is cut short (no DATA line); {AGAIN}"),
    (b"ply\nformat", "is not PCD v0.7 (unknown header line 'ply'); save it as PCD v0.7"),
    (GOOD[:60].encode(), f"is not a PCD file or its header is cut short (no DATA line); {AGAIN}"),
    (b"FIELDS x\nDATA ascii\n", "has no SIZE line in its header; save it as PCD v0.7"),
    (GOOD.replace("0.7", "0.5").encode() + b"DATA ascii\n", "is PCD version 0.5; save it as PCD v0.7"),
    (GOOD.replace("SIZE 4 4", "SIZE 4").encode() + b"DATA ascii\n", LENGTHS),
    (GOOD.replace("SIZE 4 4", "SIZE 4 3").encode() + b"DATA ascii\n", NO_PCD),
    (GOOD.replace("TYPE F F", "TYPE F Q").encode() + b"DATA ascii\n", NO_PCD),
    (GOOD.replace("WIDTH 2", "WIDTH two").encode() + b"DATA ascii\n", NO_PCD),
    (
        GOOD.replace("FIELDS x y", "FIELDS x x").encode() + b"DATA ascii\n",
        "names a field twice in FIELDS x x; mend its header",
    ),
    (
        GOOD.replace("POINTS 2", "POINTS 3").encode() + b"DATA ascii\n",
        "says POINTS 3, but WIDTH x HEIGHT is 2; mend its header",
    ),
    (GOOD.encode() + b"DATA zip\n", "has DATA 'zip'; save it as one of ascii, binary, binary_compressed"),
    (
        GOOD.encode() + b"DATA ascii\n1 2 3\n",
        f"should hold 2 points of 2 numbers, but holds 3 numbers; {AGAIN}",
    ),
    (GOOD.encode() + b"DATA ascii\n1 2 3 four\n", f"holds a value that is no float32; {AGAIN}"),
    (GOOD.encode() + b"DATA binary\n" + b"1" * 15, f"should hold 16 bytes of points, but holds 15; {AGAIN}"),
    (GOOD.encode() + b"DATA binary\n" + b"1" * 24, f"should hold 16 bytes of points, but holds 24; {AGAIN}"),
    (GOOD.encode() + b"DATA binary_compressed\n123", f"is cut short before its points; {AGAIN}"),
    (packed(17, b"123"), f"should hold 16 bytes of points, but says 17; {AGAIN}"),
    (packed(16, lzf.compress(bytes(16)))[:-2], f"should hold 5 compressed bytes, but holds 3; {AGAIN}"),
    (packed(16, b"\xff\xff\xff"), f": the compressed stream is damaged or does not hold 16 bytes; {AGAIN}"),
]


@pytest.mark.parametrize(("data", "sentence"), BAD, ids=range(len(BAD)))
def test_a_bad_file_is_refused_in_one_line(tmp_path, data, sentence):
    path = tmp_path / "a.pcd"
    path.write_bytes(data)
    with pytest.raises(ValueError) as e:
        read_pcd(path)
    assert str(e.value) == (f"{path}{sentence}" if sentence.startswith(":") else f"{path} {sentence}")


def test_a_value_that_no_file_could_hold_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"field x must be numbers \(4,\) or \(4, count\), but got float64 \(3,\)"
    ):
        Pcd({"x": np.zeros(3)}, 2, 2)
    with pytest.raises(ValueError, match="a field name must be one word"):
        Pcd({"two words": np.zeros(4)}, 4)
    with pytest.raises(ValueError, match="encoding must be one of"):
        write_pcd(tmp_path / "a.pcd", Pcd({"x": np.zeros(4)}, 4), "zip")


@pytest.mark.skipif(not SCENES, reason="no shared data")
@pytest.mark.parametrize("scene", SCENES, ids=lambda p: p.stem)
def test_real_scenes_come_back(tmp_path, scene):
    pcd = read_pcd(scene)
    assert (pcd.width, pcd.height, list(pcd.fields)) == (640, 480, ["label", "x", "y", "z", "rgba"])
    assert np.isnan(pcd.xyz()).any()
    assert pcd_rgb(pcd).std() > 10
    u = 525 * pcd.xyz()[..., 0] / pcd.xyz()[..., 2] + 319.5  # the pinhole of the data's own README
    assert np.nanmax(np.abs(u - np.arange(640))) < 0.01
    for encoding in ("binary", "binary_compressed"):
        write_pcd(tmp_path / "a.pcd", pcd, encoding)
        same(pcd, read_pcd(tmp_path / "a.pcd"))
