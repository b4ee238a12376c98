"""Valid files for every reader, and files that lie."""

import io
import json
import struct
import zlib
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import rgbd_trees
import tifffile
import yaml

from crossmodal.datasets.class_ids import read_class_ids
from crossmodal.datasets.intrinsics import read_calibration
from crossmodal.datasets.pcd import read_grid
from crossmodal.datasets.raw import read_geometry
from depth import read_depth, read_xyz
from pointcloud import Pcd, pack_rgb, read_cloud, write_pcd
from rgb import read_mask, read_rgb

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


def one_clear_line(error: BaseException, path: Path) -> None:
    text = str(error)
    assert "\n" not in text, text
    assert str(path) in text, text
    assert len(text) < len(str(path)) * 2 + 400, text


# files that lie


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
    "lists in lists without end in YAML": ("info.yaml", b"- " * 100_000),
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
