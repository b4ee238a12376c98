"""Files are hostile: every reader reads or refuses them in one clear line and in bounded memory."""

import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hostile import MOST, PLANTED, READERS, calibration, files, one_clear_line
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crossmodal.datasets.pcd import read_grid
from depth import read_depth, read_xyz
from pointcloud import read_cloud, read_pcd
from rgb import read_mask, read_rgb

CASES = int(os.environ.get("CROSSMODAL_FUZZ", "200"))
"""A reader; a longer run by hand sets it to thousands."""
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


def test_a_device_is_no_capture():
    for read in (read_rgb, read_mask, read_depth, read_xyz, read_pcd, read_cloud, calibration):
        path = Path("/dev/zero")
        with pytest.raises((ValueError, OSError)) as caught:
            (lambda: read(path))()
        one_clear_line(caught.value, path)


def test_a_packed_array_takes_no_more_memory_than_it_says():
    from crossmodal.packed import PackedArray

    packed = PackedArray.of(np.zeros(1 << 26, np.uint8))
    for shape in ((4,), (-1,)):
        tracemalloc.start()
        with pytest.raises(ValueError, match="is damaged"):
            PackedArray(dtype="uint8", shape=shape, data=packed.data).array()
        assert tracemalloc.get_traced_memory()[1] < MOST
        tracemalloc.stop()
