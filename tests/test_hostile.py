"""Files are hostile: bounded memory, one clear line, exit code 1 or 2, and the source as it was."""

import io
import json
import os
import struct
import tracemalloc
import zlib
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import rgbd_trees
import tifffile
import trees
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crossmodal import datasets
from crossmodal.cli import main
from crossmodal.datasets.class_ids import read_class_ids
from crossmodal.datasets.intrinsics import read_calibration
from crossmodal.datasets.pcd import read_grid
from crossmodal.datasets.raw import read_geometry
from depth import read_depth, read_xyz
from pointcloud import Pcd, pack_rgb, read_cloud, read_pcd, write_pcd
from rgb import read_mask, read_rgb

CASES = int(os.environ.get("CROSSMODAL_FUZZ", "200"))
"""A reader; a longer run by hand sets it to thousands."""
MOST = 24 << 20  # of memory, for files of a few kilobytes

HEIGHT, WIDTH = 9, 12
Z = (0.3 + 0.001 * np.arange(HEIGHT * WIDTH, dtype=np.float32)).reshape(HEIGHT, WIDTH)
POINTS = np.stack((Z * 0.1, Z * 0.2, Z), -1)
RGB = (np.arange(HEIGHT * WIDTH * 3) % 251).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)


def encoded(suffix: str, values: np.ndarray) -> bytes:
    return cv2.imencode(suffix, values)[1].tobytes()


def saved(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def tiff(values: np.ndarray, compression=None) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="rgb" if values.ndim == 3 else "minisblack", metadata=None,
                     compression=compression)
    return buffer.getvalue()


@cache
def files(folder: Path) -> dict[str, bytes]:
    """name → bytes of a valid file for every reader."""
    fields = {axis: POINTS[..., i].ravel() for i, axis in enumerate("xyz")} | {"rgba": pack_rgb(RGB)}
    held = {"a.png": encoded(".png", RGB), "a.jpg": encoded(".jpg", RGB), "a.bmp": encoded(".bmp", RGB),
            "mask.png": encoded(".png", RGB[..., 0]), "depth.png": encoded(".png", (Z * 1e3).astype(np.uint16)),
            "depth.npy": saved(Z), "points.npy": saved(POINTS.astype(np.float64)), "depth.tiff": tiff(Z),
            "xyz.tiff": tiff(POINTS), "packed.tiff": tiff(POINTS, "zlib")}
    for encoding in ("ascii", "binary", "binary_compressed"):
        write_pcd(folder / "a.pcd", Pcd(fields, WIDTH, HEIGHT), encoding)
        held[f"{encoding}.pcd"] = (folder / "a.pcd").read_bytes()
    rgbd_trees.ply(folder / "a.ply", POINTS, {"intensity": RGB[..., 0].ravel()}, "camera")
    held["binary.ply"] = (folder / "a.ply").read_bytes()
    lines = "\n".join(" ".join(map(str, (*point, 7))) for point in POINTS.reshape(-1, 3))
    held["ascii.ply"] = (f"ply\nformat ascii 1.0\nobj_info num_cols {WIDTH}\nobj_info num_rows {HEIGHT}\n"
                         f"element vertex {WIDTH * HEIGHT}\nproperty float x\nproperty float y\nproperty float z\n"
                         f"property uchar intensity\nend_header\n{lines}\n").encode()
    k = [600.0, 0, 6, 0, 600, 4, 0, 0, 1]
    held["camera.json"] = json.dumps({"width": WIDTH, "height": HEIGHT, "fx": 600.0, "fy": 600, "ppx": 6, "ppy": 4,
                                      "model": "inverse_brown_conrady", "coeffs": [0.01, 0, 0, 0, 0],
                                      "depth_scale": 0.001}).encode()
    held["info.yaml"] = yaml.safe_dump({"image_width": WIDTH, "image_height": HEIGHT, "camera_matrix": {"data": k},
                                        "distortion_model": "plumb_bob", "roi": {"width": 0, "x_offset": 0},
                                        "distortion_coefficients": {"data": [0.1, 0, 0, 0, 0]}}).encode()
    held["scene_camera.json"] = json.dumps({"0": {"cam_K": k, "depth_scale": 0.1}}).encode()
    held["class_ids.json"] = json.dumps({"255": "hole", "0": "good"}).encode()
    return held


def calibration(path):
    return read_calibration(path, (HEIGHT, WIDTH), "0")


READERS = {
    "a.png": read_rgb, "a.jpg": read_rgb, "a.bmp": read_rgb, "mask.png": read_mask, "depth.png": read_depth,
    "depth.npy": read_depth, "points.npy": read_geometry, "depth.tiff": read_depth, "xyz.tiff": read_xyz,
    "packed.tiff": read_xyz, "ascii.pcd": read_grid, "binary.pcd": read_grid, "binary_compressed.pcd": read_grid,
    "binary.ply": read_grid, "ascii.ply": read_cloud, "camera.json": calibration, "info.yaml": calibration,
    "scene_camera.json": calibration, "class_ids.json": read_class_ids,
}

NUMBERS = (b"0", b"-1", b"nan", b"-inf", b"1e999", b"1000000000000", b"4294967297", b"99999999999999999999999",
           b"0x10", b"", b"one", b"\xff\xfe", b"1" * 5000)


@st.composite
def mutations(draw):
    """What is done to a valid file: (kind, where 0..1, what), one to three times."""
    kinds = ("cut", "flip", "number", "drop", "repeat", "insert", "word")
    one = st.tuples(st.sampled_from(kinds), st.floats(0, 1, exclude_max=True), st.integers(0, 2**32 - 1))
    return tuple(draw(st.lists(one, min_size=1, max_size=3)))


def mutated(data: bytes, changes) -> bytes:
    for kind, where, what in changes:
        at = int(where * len(data))
        if kind == "cut":
            data = data[:at]
        elif kind == "flip":
            data = data[:at] + bytes([what % 256]) + data[at + 1:]
        elif kind == "number":  # the digits next to the place become another number
            start = next((i for i in range(at, len(data)) if data[i:i + 1].isdigit()), at)
            end = next((i for i in range(start, len(data)) if not data[i:i + 1].isdigit()), len(data))
            data = data[:start] + NUMBERS[what % len(NUMBERS)] + data[end:]
        elif kind == "drop":
            data = data[:at] + data[at + 1 + what % 40:]
        elif kind == "repeat":
            data = data[:at] + data[at:at + 1 + what % 400] * 3 + data[at:]
        elif kind == "insert":
            data = data[:at] + (b"\x00", b"\n", b"[" * 3000, b"{" * 3000, b"&a [*a]", b"!!python/name:os.system ",
                                b" " * 70000)[what % 7] + data[at:]
        else:
            data = data[:at] + struct.pack(">I" if what % 2 else "<I", what) + data[at + 4:]
    return data


def one_clear_line(error: BaseException, path: Path) -> None:
    text = str(error)
    assert "\n" not in text, text
    assert str(path) in text, text
    assert len(text) < len(str(path)) * 2 + 400, text


@pytest.mark.parametrize("name", READERS)
def test_a_mutated_file_is_read_or_refused_in_one_line_and_little_memory(name, tmp_path_factory, capfd):
    folder = tmp_path_factory.mktemp("fuzz")
    whole, path = files(folder)[name], folder / name
    path.write_bytes(whole)
    READERS[name](path)  # the file as it is can be read, and what that compiles is not counted

    @settings(max_examples=CASES)
    @given(changes=mutations())
    @example(changes=(("cut", 0.0, 0),))
    def fuzzed(changes):
        data = mutated(whole, changes)
        path.write_bytes(data)
        tracemalloc.start()
        try:
            READERS[name](path)
        except (ValueError, OSError) as error:
            one_clear_line(error, path)
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < MOST
        assert path.read_bytes() == data

    fuzzed()
    if name != "a.jpg":  # of a scan with a wrong bit libjpeg says so itself, and decodes what it can
        assert capfd.readouterr().err == ""


# what is planted by hand


def npy_header(shape: str, descr: str = "'<f4'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def png_header(width: int, height: int, bits: int, colour: int, pixels: bytes = b"") -> bytes:
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(pixels, 9)) + chunk(b"IEND", b""))


def deflate_bomb() -> bytes:
    """A TIFF of 9x12 points whose one strip unpacks to 300 MB."""
    whole = tiff(POINTS, "zlib")
    bomb = zlib.compress(bytes(300 << 20), 9)
    with tifffile.TiffFile(io.BytesIO(whole)) as held:
        page = held.pages[0]
        data = bytearray(whole + bomb)
        for tag, value in (("StripOffsets", len(whole)), ("StripByteCounts", len(bomb))):
            struct.pack_into("<I", data, page.tags[tag].offset + 8, value)
            data[page.tags[tag].offset + 2:page.tags[tag].offset + 8] = struct.pack("<HI", 4, 1)
    return bytes(data)


def taller(whole: bytes) -> bytes:
    """A TIFF that says it had a thousand rows more, in its one strip."""
    with tifffile.TiffFile(io.BytesIO(whole)) as held:
        data = bytearray(whole)
        for name in ("ImageLength", "RowsPerStrip"):
            tag = held.pages[0].tags[name]
            struct.pack_into("<H" if tag.dtype == 3 else "<I", data, tag.offset + 8, HEIGHT + 1000)
    return bytes(data)


PCD = (b"VERSION 0.7\nFIELDS x y z rgba\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\nWIDTH %s\nHEIGHT %s\n"
       b"VIEWPOINT 0 0 0 1 0 0 0\nPOINTS %s\nDATA %s\n")
PLY = (b"ply\nformat %s 1.0\nelement vertex %s\nproperty float x\nproperty float y\nproperty float z\n"
       b"end_header\n1 2 3\n")
MILLION = b"1000000"
PLANTED = {
    "a million million points in a binary PCD": ("a.pcd", PCD % (MILLION, MILLION, b"1000000000000", b"binary")),
    "the same in ascii": ("a.pcd", PCD % (MILLION, MILLION, b"1000000000000", b"ascii") + b"1 2 3 4\n"),
    "the same compressed": ("a.pcd", PCD % (MILLION, MILLION, b"1000000000000", b"binary_compressed")
                            + struct.pack("<II", 8, 2**32 - 1) + b"12345678"),
    "an LZF stream that claims 4 GB": ("a.pcd", PCD % (b"16384", b"16384", b"268435456", b"binary_compressed")
                                       + struct.pack("<II", 8, 2**32 - 1) + b"12345678"),
    "a million million vertices in a binary PLY": ("a.ply", PLY % (b"binary_little_endian", b"1000000000000")),
    "the same in an ascii PLY": ("a.ply", PLY % (b"ascii", b"1000000000000")),
    "no vertices": ("a.ply", PLY % (b"ascii", b"0")),
    "words where numbers should be": ("a.ply", (PLY % (b"ascii", b"1")).replace(b"1 2 3\n", b"one two three\n")),
    "an NPY header with a huge shape": ("depth.npy", npy_header("(1000000, 1000000)") + b"1234"),
    "a huge shape of width nought": ("depth.npy", npy_header("(1000000000000, 0)")),
    "a shape whose size overflows": ("depth.npy", npy_header("(4294967296, 4294967296)")),
    "a pickle in an NPY": ("depth.npy", npy_header("(3, 3)", "'|O'") + b"cos\nsystem\n(S'true'\ntR."),
    "records in an NPY": ("depth.npy", npy_header("(3, 3)", "[('a', '<f4')]") + bytes(36)),
    "text for an NPY": ("depth.npy", npy_header("(3, 3)", "'<U9'") + bytes(324)),
    "a zip named npy": ("depth.npy", b"PK\x03\x04" + bytes(60)),
    "nothing at all": ("depth.npy", b""),
    "a 16-bit PNG of 2 billion pixels squared": ("depth.png", png_header(2**31 - 1, 2**31 - 1, 16, 0)),
    "a 16-bit PNG without a pixel": ("depth.png", png_header(0, 0, 16, 0)),
    "a 30000x30000 picture of 2 kB": ("a.png", png_header(30000, 30000, 8, 2)),
    "a picture that unpacks to 200 times its size": ("a.png", png_header(9, 9, 8, 0, bytes(50 << 20))),
    "a JPEG of 65535x65535": ("a.jpg", b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03" + bytes(9) + b"\xff\xd9"),
    "a BMP of 2 billion pixels squared": ("a.bmp", b"BM" + bytes(8) + struct.pack("<IIiiHH", 54, 40, 2**31 - 1,
                                                                              2**31 - 1, 1, 24) + bytes(24)),
    "a TIFF of more rows than it holds": ("xyz.tiff", lambda: taller(tiff(POINTS))),
    "the same, packed": ("xyz.tiff", lambda: taller(tiff(POINTS, "zlib"))),
    "a TIFF strip that unpacks to 300 MB": ("xyz.tiff", deflate_bomb),
    "brackets without end in JSON": ("camera.json", b"[" * 200_000),
    "brackets without end in YAML": ("info.yaml", b"[" * 200_000),
    "a billion laughs": ("info.yaml", b"a: &a [1, 1]\n" + b"".join(
        b"%c: &%c [*%c, *%c, *%c]\n" % (i, i, i - 1, i - 1, i - 1) for i in range(98, 120)) + b"k: *w\n"),
    "a tag that calls": ("info.yaml", b"fx: !!python/object/apply:os.system ['true']\n"),
    "infinity for a width": ("info.yaml", b"{fx: 1, fy: 1, cx: 1, cy: 1, width: .inf, height: 9}"),
    "brackets without end for class ids": ("class_ids.json", b"[" * 200_000),
    "infinity for a class id": ("class_ids.json", b'{"1e999": "hole"}'),
    "a list for a focal length": ("camera.json", b'{"fx": [1], "fy": 1, "cx": 1, "cy": 1, "width": 9, "height": 9}'),
    "a million million pixels": ("camera.json", b'{"fx": 1, "fy": 1, "cx": 1, "cy": 1, "width": 1e400, "height": 9}'),
    "a depth scale of nought": ("camera.json", b'{"fx":1,"fy":1,"cx":1,"cy":1,"width":9,"height":9,"depth_scale":0}'),
    "a camera file of 300 kB of YAML": ("info.yaml", b"# " + b"x" * 300_000),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_lie_is_refused_in_one_line_and_little_memory(case, tmp_path, capfd):
    name, data = PLANTED[case]
    data = data() if callable(data) else data
    path = tmp_path / name
    path.write_bytes(data)
    read = READERS.get(name, read_grid)
    tracemalloc.start()
    try:
        with pytest.raises((ValueError, OSError)) as caught:
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    one_clear_line(caught.value, path)
    assert peak < MOST + 4 * len(data)
    assert path.read_bytes() == data
    assert capfd.readouterr().err == ""


@pytest.fixture
def pair(tmp_path) -> Path:
    trees.write_pair(tmp_path / "in", "000", trees.good(0))
    return tmp_path / "in"


@pytest.mark.parametrize(("plant", "code"), [
    ("cut", 2), ("text", 2), ("device", 2), ("loop", 2), ("newline", 0), ("broken newline", 2), ("elsewhere", 2),
    ("escape", 2)])
def test_a_run_on_hostile_files_ends_in_a_line_and_leaves_the_source(pair, tmp_path, capfd, plant, code):
    xyz, rgb = pair / "xyz/000.tiff", pair / "rgb/000.png"
    if plant == "cut":
        xyz.write_bytes(xyz.read_bytes()[:900])
    elif plant == "text":
        rgb.write_text("a picture")
    elif plant == "device":
        rgb.unlink()
        os.symlink("/dev/zero", rgb)
    elif plant == "loop":
        rgb.unlink()
        os.symlink(rgb, rgb)
    elif plant.endswith("newline"):
        if plant.startswith("broken"):
            rgb.write_text("a picture")
        rgb.rename(rgb.with_name("a\nb\x1b[31m.png"))
        xyz.rename(xyz.with_name("a\nb\x1b[31m.tiff"))
    elif plant == "elsewhere":  # what a link leads to must be a picture, like any other file
        rgb.unlink()
        os.symlink("/etc/hostname", rgb)
    elif plant == "escape":  # a text that would be copied as it is must lie where it is said to lie
        (tmp_path / "secret").write_text("secret")
        os.symlink(tmp_path / "secret", pair / "license.txt")
    before = trees.digests(pair)
    assert main(["synthesize", str(pair), "--out", str(tmp_path / "out"), "--kinds", "dent", "--count", "1",
                 *(["--only-defects"] if plant != "escape" else ["--allow-overlap"])]) == code
    said = capfd.readouterr()
    assert trees.digests(pair) == before
    assert "\x1b" not in said.err + said.out
    assert all(len(line) < 500 for line in said.err.splitlines())
    if code:
        assert said.err.startswith("error: ")
        assert "Traceback" not in said.err
    assert b"secret" not in b"".join(trees.digests(tmp_path / "out").values())


DEEP = "[" * 100_000


@pytest.mark.parametrize("command", [
    ("replay", "plan.json", "--source", "in", "--out", "out"),
    ("replay", "manifest.jsonl", "--source", "in", "--out", "out"),
    ("synthesize", "in", "--recipe", "recipe.yaml", "--out", "out"),
    ("synthesize", "in", "--intrinsics", "plan.json", "--kinds", "dent", "--out", "out", "--only-defects"),
    ("check", "in"), ("inspect", "in", "--intrinsics", "plan.json")])
def test_brackets_without_end_end_in_a_line_wherever_text_is_read(command, pair, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for name in ("plan.json", "manifest.jsonl", "in/manifest.jsonl", "in/class_ids.json"):
        Path(name).write_text(DEEP)
    Path("recipe.yaml").write_text(DEEP[:2000])  # its parser takes minutes for more
    trees.write_pair(pair, "001", trees.good(1))
    (pair / "gt").mkdir()
    for stem in ("000", "001"):
        cv2.imwrite(str(pair / f"gt/{stem}.png"), np.zeros((160, 160), np.uint8))
    assert main([*command]) in (1, 2)
    said = capfd.readouterr()
    assert "Traceback" not in said.err + said.out
    assert said.err.count("\n") <= 1


@pytest.mark.parametrize("case", [case for case in PLANTED if PLANTED[case][0] in ("a.png", "depth.png", "depth.npy",
                                                                                    "xyz.tiff")])
def test_check_and_inspect_survive_what_is_planted(case, tmp_path, capfd):
    name, data = PLANTED[case]
    data = data() if callable(data) else data
    folder = tmp_path / ("xyz" if name == "xyz.tiff" else "rgb" if name == "a.png" else "depth")
    for room, good in (("rgb", "a.png"), ("depth" if folder.name != "xyz" else "xyz", "depth.png")):
        (tmp_path / room).mkdir()
        whole = files(tmp_path)[good]
        (tmp_path / room / f"0{Path(good).suffix}").write_bytes(whole)
    if folder.name != "rgb":
        (folder / "0.png").unlink(missing_ok=True)
    (folder / f"0{Path(name).suffix}").write_bytes(data)
    for command in ("check", "inspect"):
        tracemalloc.start()
        try:
            assert main([command, str(tmp_path)]) in (1, 2)
            assert tracemalloc.get_traced_memory()[1] < 2 * MOST + 8 * len(data)
        finally:
            tracemalloc.stop()
        said = capfd.readouterr()
        assert "Traceback" not in said.err + said.out
        assert said.err.count("\n") <= 1


def test_a_device_is_no_capture():
    for read in (read_rgb, read_mask, read_depth, read_xyz, read_pcd, read_cloud, calibration):
        path = Path("/dev/zero")
        with pytest.raises((ValueError, OSError)) as caught:
            (lambda: read(path))()
        one_clear_line(caught.value, path)


def test_a_link_to_a_folder_above_is_not_followed_round(pair):
    os.symlink(pair, pair / "again")
    assert len(datasets.sources(pair)) == 1
    os.symlink(pair.parent, pair.parent / "round")
    assert {source.path for source in datasets.sources(pair.parent)} >= {"in/000"}


def pit_plan(**changes) -> dict:
    from crossmodal import Dent, Plan
    from crossmodal.plan import Grown

    dent = Grown(spec=Dent(diameter_mm=2, depth_mm=0.1), anchor_m=(0, 0, 0.3), normal=(0, 0, -1), heading=(1, 0, 0),
                 texture_seed=1)
    plan = Plan(capture="a", defects=(dent,)).model_dump(mode="json")
    plan["defects"][0] |= changes
    return plan


@pytest.mark.parametrize(("said", "message"), [
    ({"plan": pit_plan(normal=[0, 0, 0])}, "normal: must point somewhere, but is 0, 0, 0"),
    ({"plan": pit_plan(heading=[0, 0, 0])}, "heading: must point somewhere"),
    ({"id": "test/dent\n/000"}, "is no manifest entry"), ({"id": "test/dent/.."}, "is no manifest entry"),
    ({"id": "test/../000"}, "is no manifest entry"), ({"id": "/test/dent/000"}, "is no manifest entry"),
])
def test_a_manifest_that_lies_is_one_line(said, message, tmp_path, capsys):
    entry = {"id": "test/dent/000", "plan": pit_plan(), "seed": 1, "files": {}, "sha256": {},
             "source": {"path": "a"}} | said
    (tmp_path / "manifest.jsonl").write_text(json.dumps(entry) + "\n")
    asked = ["--source", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["replay", str(tmp_path / "manifest.jsonl"), *asked]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_packed_array_takes_no_more_memory_than_it_says():
    from crossmodal.packed import PackedArray

    packed = PackedArray.of(np.zeros(1 << 26, np.uint8))
    for shape in ((4,), (-1,)):
        tracemalloc.start()
        with pytest.raises(ValueError, match="is damaged"):
            PackedArray(dtype="uint8", shape=shape, data=packed.data).array()
        assert tracemalloc.get_traced_memory()[1] < MOST
        tracemalloc.stop()


@pytest.mark.parametrize(("count", "message"), [("1000000000", "count must be 1 to 1000000, which is terabytes"),
                                                ("1e9", "valid integer"), ("0", "at least 1")])
def test_a_count_beyond_any_disk_is_refused_at_once(count, message, pair, tmp_path, capsys):
    asked = ["--out", str(tmp_path / "out"), "--kinds", "dent", "--count", count]
    assert main(["synthesize", str(pair), *asked]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
