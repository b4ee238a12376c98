"""A folder as a RealSense leaves it in, the layout of MVTec 3D-AD out, in one command.

You will see the picture and the depth of a shipped capture in color/ and aligned depth/, then three samples made from
them: rgb, depth (near is dark blue) and gt. inspect says first which unit and camera it takes, and what looks wrong.
"""

import json
from pathlib import Path

import cv2
import numpy as np

import crossmodal as cm
from crossmodal import captures, cli

shot = captures.load("cereal")
for name in ("color", "depth"):
    Path("06_realsense", name).mkdir(parents=True, exist_ok=True)
cm.rgb.write_rgb("06_realsense/color/0000.png", shot.rgb)
cm.depth.write_depth("06_realsense/depth/0000.png", shot.depth)  # 16 bits, a count is 1 mm
camera = {word: getattr(shot.camera, word) for word in ("width", "height", "fx", "fy")}
Path("06_realsense/intrinsics.json").write_text(json.dumps(camera | {
    "ppx": shot.camera.cx, "ppy": shot.camera.cy, "model": "none", "coeffs": [0.0] * 5, "depth_scale": 0.001}))

assert cli.main(["inspect", "06_realsense"]) == 0
assert cli.main(["synthesize", "06_realsense", "--out", "06_out", "--kinds", "contamination,dent,hole", "--seed", "7",
                 "--only-defects"]) == 0


def row(rgb, z, gt):
    return np.hstack((rgb, cm.depth.colour_relief(np.where(z > 0, z, np.nan), 0.58, 0.9)[..., ::-1], gt))


rows = [row(shot.rgb[..., ::-1], shot.depth, np.zeros_like(shot.rgb))]
for path in sorted(Path("06_out").glob("test/*/rgb/*.png")):
    z = cm.depth.read_xyz(path.parents[1] / "xyz" / f"{path.stem}.tiff")[..., 2]
    rows.append(row(cv2.imread(str(path)), z, cv2.imread(str(path.parents[1] / "gt" / path.name))))
cv2.imwrite("06_realsense_folder.jpg", np.vstack(rows), (cv2.IMWRITE_JPEG_QUALITY, 80))
print("06_realsense_folder.jpg: before, and", len(rows) - 1, "samples of 06_out")
