"""Defects asked for in words, on real captures of a Kinect-class sensor.

You will see what three sentences make of the mOSD scenes, in three modalities each; printed below is what was measured
on them, in the sentences that stand in a manifest as captions.
"""

import cv2

import crossmodal as cm
from crossmodal import captures
from crossmodal.guidance import asked_and_got
from crossmodal.sheet import sheets

WANTED = (
    ("pot", "a dent about 45 mm across and 7 mm deep near the centre", 2),
    ("boxes", "ein 70 mm langer Riss vom Rand zur Mitte, 6 mm breit", 5),
    ("cereal", "a blob of red glue in the upper half, 30 mm, 8 mm high", 1),
)

results = []
for name, text, seed in WANTED:
    recipe = cm.prompt(text)
    result = cm.synthesize(captures.load(name), recipe, seed=seed)
    wrong = [row for row in asked_and_got(result, recipe) if row.ok is False]
    print(f"{text} -> {cm.guidance.captions(result)[0]}", *wrong)
    results.append(result)
cv2.imwrite("10_in_words.jpg", sheets(results, width=960)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 76))
print("10_in_words.jpg:", "; ".join(text for _, text, _ in WANTED))
