"""The rgb room: pictures and masks on disk, linear light, noise."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import rgb

SHARED = Path(os.environ.get("CROSSMODAL_SHARED", Path(__file__).parents[1] / "../shared")).resolve()
GLAND = SHARED / "data/mvtec3d_sample/cable_gland"
LEVELS = np.arange(256, dtype=np.uint8)


def picture(h=40, w=50, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)


def encoded(pixels, suffix=".png"):
    return cv2.imencode(suffix, pixels)[1].tobytes()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_a_picture_reads_back_bit_for_bit(tmp_path_factory, pixels):
    path = tmp_path_factory.mktemp("rgb") / "grün 画.png"
    rgb.write_rgb(path, pixels)
    assert rgb.read_rgb(path).pixels.tobytes() == pixels.tobytes()
    assert os.listdir(path.parent) == [path.name]
    rgb.write_mask(path, pixels[..., 0].copy())
    np.testing.assert_array_equal(rgb.read_mask(path), pixels[..., 0])


def test_a_value_is_locked_and_its_maker_is_not():
    pixels = picture()
    image = rgb.RgbImage(pixels)
    assert not image.pixels.flags.writeable
    pixels[0, 0] = 7


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros((4, 5, 3), np.float32), "rgb must be uint8 (H, W, 3), but got float32 (4, 5, 3)"),
        (np.zeros((4, 5), np.uint8), "rgb must be uint8 (H, W, 3), but got uint8 (4, 5)"),
        (np.zeros((4, 5, 4), np.uint8), "rgb must be uint8 (H, W, 3), but got uint8 (4, 5, 4)"),
        ([[1]], "rgb must be uint8 (H, W, 3), but got list"),
    ],
)
def test_what_is_no_picture_is_refused(values, sentence):
    with pytest.raises(ValueError) as e:
        rgb.RgbImage(values)
    assert str(e.value) == sentence


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_is_expanded_and_alpha_dropped(tmp_path, channels):
    pixels = picture()
    stored = pixels[..., 0] if channels == 1 else np.dstack([pixels, np.full((40, 50), 9, np.uint8)])
    (tmp_path / "a.png").write_bytes(encoded(stored))
    wanted = np.repeat(pixels[..., :1], 3, 2) if channels == 1 else pixels[..., ::-1]
    np.testing.assert_array_equal(rgb.read_rgb(tmp_path / "a.png").pixels, wanted)


GOOD = encoded(picture())
JPEG = encoded(picture(), ".jpg")
DEEP = encoded(picture().astype(np.uint16))
FLIPPED = GOOD[:200] + bytes([GOOD[200] ^ 1]) + GOOD[201:]
AGAIN = "copy it again from the source"
BAD_FILES = [
    ("cut.png", GOOD[:-20], f"is truncated; {AGAIN}"),
    ("half.png", GOOD[: len(GOOD) // 2], f"is truncated; {AGAIN}"),
    ("no_end.png", GOOD[:-12], f"is truncated; {AGAIN}"),
    ("no_pixels.png", GOOD[:33] + chunk(b"IEND", b""), f"is truncated; {AGAIN}"),
    ("flipped.png", FLIPPED, f"is damaged (a chunk's checksum is wrong); {AGAIN}"),
    ("signature.png", GOOD[:8], f"is truncated; {AGAIN}"),
    ("deep.png", DEEP, "has 16 bits a channel, and rgb is 8; convert it to 8-bit PNG"),
    ("half.jpg", JPEG[: len(JPEG) // 2], f"is truncated; {AGAIN}"),
    ("no_end.jpg", JPEG[:-2], f"is truncated; {AGAIN}"),
    ("half.bmp", encoded(picture(), ".bmp")[:500], f"is truncated; {AGAIN}"),
    ("words.png", b"hello", "is not a PNG, JPEG or BMP; convert it to PNG"),
    ("empty.png", b"", "is not a PNG, JPEG or BMP; convert it to PNG"),
]


@pytest.mark.parametrize(("name", "data", "sentence"), BAD_FILES, ids=[b[0] for b in BAD_FILES])
def test_a_bad_file_is_refused_in_one_line(tmp_path, capfd, name, data, sentence):
    path = tmp_path / name
    path.write_bytes(data)
    for read in (rgb.read_rgb, rgb.read_mask):
        with pytest.raises(ValueError) as e:
            read(path)
        assert str(e.value) == f"{path} {sentence}"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("cut", range(1, len(JPEG), 97))
def test_no_cut_jpeg_is_read(tmp_path, cut):
    (tmp_path / "a.jpg").write_bytes(JPEG[:-cut])
    with pytest.raises(ValueError):
        rgb.read_rgb(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_other_formats_are_read(tmp_path, suffix):
    data = encoded(picture(), suffix)
    (tmp_path / f"a{suffix}").write_bytes(data)
    wanted = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(rgb.read_rgb(tmp_path / f"a{suffix}").pixels, wanted)


def test_a_profile_that_libpng_dislikes_is_silent(tmp_path, capfd):
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile"))
    (tmp_path / "a.png").write_bytes(GOOD[:33] + profile + GOOD[33:])
    np.testing.assert_array_equal(rgb.read_rgb(tmp_path / "a.png").pixels, picture()[..., ::-1])
    assert capfd.readouterr().err == ""


def test_a_missing_file_and_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; check the path"):
        rgb.read_rgb(tmp_path / "no.png")
    with pytest.raises(OSError, match="cannot be written"):
        rgb.write_rgb(tmp_path / "no" / "a.png", picture())
    with pytest.raises(ValueError, match=r"must end in \.png"):
        rgb.write_rgb(tmp_path / "a.jpg", picture())
    assert list(tmp_path.iterdir()) == []


def test_a_colour_picture_is_no_mask(tmp_path):
    rgb.write_rgb(tmp_path / "a.png", picture())
    with pytest.raises(ValueError, match="is a colour picture"):
        rgb.read_mask(tmp_path / "a.png")


def test_every_level_survives_linear_light():
    np.testing.assert_array_equal(rgb.to_srgb(rgb.to_linear(LEVELS)), LEVELS)
    assert rgb.to_linear(LEVELS)[[0, 255]].tolist() == [0, 1]
    assert rgb.to_linear(np.uint8([188]))[0] == pytest.approx(
        0.5, abs=4e-3
    )  # IEC 61966-2-1: half light is 188
    np.testing.assert_array_equal(
        rgb.to_srgb(np.float32([np.nan, -1, 2, np.inf, -np.inf])), [0, 0, 255, 255, 0]
    )


def test_relighting_by_one_changes_nothing_and_never_overflows():
    linear = rgb.to_linear(picture())
    for same in (rgb.relight(linear, np.ones((40, 50))), rgb.tint(linear, (1, 1, 1))):
        assert same.dtype == np.float32
        np.testing.assert_array_equal(same, linear)
    assert rgb.relight(linear, 9.0).max() == 1
    assert rgb.tint(linear, (0, 1, 1))[..., 0].max() == 0


@pytest.mark.parametrize("sigma", [0, 1, 3, 10])
def test_noise_is_found_beside_texture(sigma):
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:300, :400]
    scene = 90 + 0.1 * x + 50 * ((x // 9 + y // 9) % 2) * (x > 260)
    pixels = np.clip(np.rint(scene[..., None] + rng.normal(0, sigma, (300, 400, 3))), 0, 255).astype(np.uint8)
    assert rgb.noise_levels(pixels) == pytest.approx(np.hypot(sigma, np.sqrt(1 / 12)), rel=0.08)


def test_noise_is_never_below_rounding():
    for pixels in (np.full((9, 9, 3), 255, np.uint8), np.zeros((2, 2, 3), np.uint8)):
        assert rgb.noise_levels(pixels) == pytest.approx(np.sqrt(1 / 12))


@pytest.mark.skipif(not GLAND.is_dir(), reason="no shared data")
def test_real_pictures_and_masks():
    image = rgb.read_rgb(GLAND / "test/hole/rgb/000.png")
    assert image.shape == (400, 400)
    assert 0.28 < rgb.noise_levels(image.pixels) < 2
    assert set(np.unique(rgb.read_mask(GLAND / "test/hole/gt/000.png"))) == {0, 253}
