"""A folder of good captures in, the same layout with defects and ground truth out.

You will see three samples of a run as they lie in the folder: rgb, gt, and displacement in mm. The good captures are
the ones that ship with the package, written in the layout of MVTec 3D-AD first; put your own folder in their place.
"""

from pathlib import Path

import cv2
import numpy as np

import crossmodal as cm
from crossmodal import captures, cli

good = Path("05_good/train/good")
for i, name in enumerate(captures.names()):
    for room in ("rgb", "xyz"):
        (good / room).mkdir(parents=True, exist_ok=True)
    cm.rgb.write_rgb(good / f"rgb/{i:03d}.png", captures.load(name).rgb)
    cm.depth.write_xyz(good / f"xyz/{i:03d}.tiff", captures.load(name).points)

assert cli.main(["synthesize", "05_good", "--out", "05_out", "--kinds", "dent,bump,scratch", "--seed", "4"]) == 0
assert cli.main(["check", "05_out", "--source", "05_good"]) == 0

rows = []
for sample in sorted(Path("05_out/test").glob("[!g]*/rgb/000.png")):
    files = sample.parents[1]
    moved = cv2.imread(str(files / "displacement/000.tiff"), cv2.IMREAD_UNCHANGED)  # float32, mm
    towards, away = (np.clip(np.nan_to_num(sign * moved) / 5, 0, 1)[..., None] for sign in (1, -1))
    tint = 255 * (1 - towards * (0.05, 0.55, 0.95) - away * (0.95, 0.55, 0.05)).clip(0, 1)
    panes = (cv2.imread(str(sample)), cv2.imread(str(files / "gt/000.png")), tint[..., ::-1].astype(np.uint8))
    rows.append(np.hstack([cv2.resize(pane, (360, 290)) for pane in panes]))
cv2.imwrite("05_mvtec3d_folder.jpg", np.vstack(rows))
print("05_mvtec3d_folder.jpg: rgb, gt and displacement of", len(rows), "samples in 05_out")
