"""A CAD part to a dataset of twelve views, with one crack in every view that can see it.

You will see a bracket that was built as a solid here and saved as an STL, scanned from a ring of cameras. The crack is
drawn once, on the part; its ground truth is outlined where a view sees it, and the other views are left as they were.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import trimesh

from crossmodal import cli

made = trimesh.creation
boss, bore = (made.cylinder(radius, 60, sections=96).apply_translation((14, 0, 20 - 60 / 2)) for radius in (14, 8))
plate, below = made.box((70, 44, 10)), made.box((90, 60, 60)).apply_translation((0, 0, -35))
drills = [made.cylinder(3, 40, sections=48).apply_translation((x, y, 0)) for x in (-28, 28) for y in (-15, 15)]
trimesh.boolean.difference([trimesh.boolean.union([plate, boss]), below, bore, *drills]).export("bracket.stl")

assert cli.main(["synthesize", "bracket.stl", "--unit", "mm", "--out", "08_out", "--views", "12", "--kinds", "crack",
                 "--seed", "5"]) == 0
crack = json.loads(Path("08_out/views.json").read_text())[0]
tiles = []
for good in sorted(Path("08_out/views/test/rgb").glob("*.png")):
    sample = crack["seen_in"].get(f"test/rgb/{good.stem}")
    tile = cv2.imread(str(good))
    if sample:
        kind, number = sample.rsplit("/", 1)
        tile, gt = (cv2.imread(f"08_out/{kind}/{room}/{number}.png") for room in ("rgb", "gt"))
        outline, _ = cv2.findContours(cv2.dilate((gt[..., 0] > 0).astype(np.uint8), np.ones((5, 5))), 0, 1)
        cv2.drawContours(tile, outline, -1, (0, 140, 255), 1)
    tiles.append(tile[24:296])
sheet = np.vstack([np.hstack(tiles[i:i + 4]) for i in (0, 4, 8)])
cv2.imwrite("08_cad_part_views.jpg", sheet, (cv2.IMWRITE_JPEG_QUALITY, 84))
print(f"08_cad_part_views.jpg: the crack is seen in {len(crack['seen_in'])} views, hidden in {len(crack['hidden_in'])}")
