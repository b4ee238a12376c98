"""The same kinds on real captures of a Kinect-class sensor.

You will see three table scenes (mOSD, BSD-3) at 1.25 to 1.35 mm a pixel, whose depth comes in steps of a millimetre or
two: a bump in a carton, a gouge across a box and a stain, each of a size that such a sensor tells from its own noise.
"""

import cv2

import crossmodal as cm
from crossmodal import captures
from crossmodal.sheet import sheets

WANTED = (
    ("cereal", cm.Bump(diameter_mm=42, height_mm=7), (101, 154)),
    ("boxes", cm.Scratch(length_mm=70, width_mm=6, depth_mm=3.5, orientation_deg=4), (119, 119)),
    ("pot", cm.Stain(diameter_mm=36, opacity=0.8), (85, 50)),
)

results = []
for name, defect, pixel in WANTED:
    recipe = cm.Recipe(defects=(defect,), place=cm.Place(at_pixel=pixel))
    results.append(cm.synthesize(captures.load(name), recipe, seed=4))
cv2.imwrite("02_real_captures.jpg", sheets(results, width=960)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 76))
print("02_real_captures.jpg:", "; ".join(
    f"{name} {defect.kind} seen in {', '.join(result.visibility[0].seen_in)}"
    for (name, defect, _), result in zip(WANTED, results, strict=True)))
