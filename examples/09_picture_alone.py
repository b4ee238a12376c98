"""Pictures and nothing else in, the layout of MVTec AD out: relief in a flat part, to its scale and in its lamp.

You will see a brushed plate, 0.1 mm a pixel; then a dent, a bump, a scratch and a crumb in it, once as if the lamp were
low at the upper left, where the picture's own stood, and once as if at the lower right; and their mask.
"""

from pathlib import Path

import cv2
import numpy as np

import crossmodal as cm
from crossmodal import cli
from crossmodal.scanner import Brushed, Lamp, Material, Plane, scan

camera, lamp = cm.Camera(320, 240, 3000, 3000, 159.5, 119.5), Lamp((-0.7, -0.5, -0.5), ambient=0.4, diffuse=0.6)
plate = scan(Plane((0, 0, 0.3), (0, 0, -1)), camera, lamp, Material((0.3, 0.3, 0.31), Brushed(seed=2))).rgb
Path("09_plate/train/good").mkdir(parents=True, exist_ok=True)
cm.rgb.write_rgb("09_plate/train/good/000.png", plate)
Path("09_recipe.yaml").write_text("""defects:
- {kind: dent, diameter_mm: 6, depth_mm: 0.8}
- {kind: bump, diameter_mm: 5, height_mm: 0.7}
- {kind: scratch, length_mm: 12, width_mm: 0.7, depth_mm: 0.2}
- {kind: contamination, diameter_mm: 2, form: crumb}
""")

panes = [plate]
for out, towards in ("09_left", "-0.7,-0.5,-0.5"), ("09_right", "0.7,0.5,-0.5"):
    assert cli.main(["synthesize", "09_plate", "--out", out, "--recipe", "09_recipe.yaml", "--seed", "3",
                     "--only-defects", "--mm-per-pixel", "0.1", "--light", towards]) == 0
    panes.append(cm.rgb.read_rgb(f"{out}/test/combined/000.png").pixels)
mask = cm.rgb.read_mask("09_left/ground_truth/combined/000_mask.png")
panes.append(np.repeat(mask[..., None], 3, 2))
cv2.imwrite("09_picture_alone.jpg", np.vstack((np.hstack(panes[:2]), np.hstack(panes[2:])))[..., ::-1])
print("09_picture_alone.jpg: before, two lamps, and", np.count_nonzero(mask), "pixels of truth")
