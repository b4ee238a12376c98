"""What a dataset says beside its 16-bit depth: BOP's step for each image, Eyecandies' two bounds."""

from pathlib import Path

import numpy as np

from crossmodal.formats.paths import read_json, read_yaml


def told(path: Path, counts: np.ndarray) -> np.ndarray:
    """Depth (H, W) in metres, 0 where there is none, if something beside the file says how; else as it was.

    Errors: ValueError, OSError where what is beside it cannot be used.
    """
    bounds = path.with_name(path.name.removesuffix("depth.png") + "info_depth.yaml")
    cameras = path.parent.parent / "scene_camera.json"
    try:
        if path.name.endswith("_depth.png") and bounds.is_file():
            low, high = (float(read_yaml(bounds)["normalization"][word]) for word in ("min", "max"))
            return counts / 65535 * (high - low) + low
        if path.parent.name == "depth" and cameras.is_file():
            step_mm = float(read_json(cameras)[str(int(path.stem))]["depth_scale"])
            return np.where(counts == 65535, 0, counts) * (step_mm / 1000)
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} has no scale beside it that can be used; copy it again from the source") from None
    return counts
