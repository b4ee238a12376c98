"""Cut the captures that ship with the package out of the mOSD scenes.

Usage: CROSSMODAL_SHARED=../shared python tests/make_captures.py
"""

import os
from pathlib import Path

import numpy as np

from crossmodal.captures import WINDOWS
from pointcloud import Pcd, read_pcd, write_pcd

SCENES = {"boxes": "learn18", "cans": "test39", "cereal": "learn0", "pot": "learn40"}


def crop(pcd: Pcd, column: int, row: int, width: int, height: int) -> Pcd:
    """A window of an organised cloud, x, y, z and colour as they were; alpha says nothing and becomes 255."""
    cut = {}
    for name in ("x", "y", "z", "rgba"):
        frame = pcd.fields[name].reshape(pcd.height, pcd.width)
        values = frame[row:row + height, column:column + width].ravel()
        cut[name] = values.view(np.uint32) | np.uint32(0xFF000000) if name == "rgba" else values
    return Pcd(cut, width, height)


def main():
    scenes = Path(os.environ.get("CROSSMODAL_SHARED", "../shared")) / "data" / "mosd"
    out = Path(__file__).parent.parent / "crossmodal" / "captures"
    for name, scene in SCENES.items():
        write_pcd(out / f"{name}.pcd", crop(read_pcd(scenes / f"{scene}.pcd"), *WINDOWS[name]))
        print(f"{name}: {(out / f'{name}.pcd').stat().st_size} bytes")


if __name__ == "__main__":
    main()
