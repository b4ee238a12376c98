"""DRAEM as published beside its lifted form, on one capture, and a method of one's own in a few lines.

You will see the published blobs lie on the picture alone, over the ground and with no shape; the lifted ones lie on the
object, as hills of the same noise that the depth and the cloud show; and the last row is a method written here.
"""

import cv2
import numpy as np

import crossmodal as cm
from crossmodal import captures

OWN = cm.Method.model_validate({
    "name": "rubbed-in-grit", "about": "Grit rubbed into a patch.",
    "blocks": {"region": {"kind": "ellipse", "length_mm": "30%", "width_mm": "20%"},
               "content": {"kind": "speckle", "level": [30, 70]}, "blend": {"kind": "alpha", "opacity": 0.8},
               "effect": {"kind": "roughen"}}})


def row(capture, method, seed, title):
    """Colour, shape under one lamp with what came out orange and what went in blue, and ground truth of one method."""
    after = (result := cm.synthesize(capture, method, seed=seed)).after
    grey = 255 * np.clip(np.nan_to_num(after.normals) @ np.array((-0.6, -0.5, -0.62)), 0, 1)[..., None]
    mm = np.nan_to_num(result.displacement_mm)[..., None]
    shape = grey + 0.8 * np.abs(mm) / max(np.abs(mm).max(), 1) * (np.where(mm > 0, (241, 105, 19), (8, 48, 107)) - grey)
    shown = [after.rgb, np.uint8(shape), np.repeat(np.uint8(255 * result.gt)[..., None], 3, -1)]
    print(f"{title}: seen in {', '.join(result.visibility[0].seen_in)}")
    out = np.hstack([cv2.resize(pane, None, fx=1.7, fy=1.7, interpolation=cv2.INTER_CUBIC) for pane in shown])
    for at, words in enumerate((title, "shape", "ground truth")):
        for off, grey in ((1, 0), (0, 255)):
            cv2.putText(out, words, (at * out.shape[1] // 3 + 8 + off, 22 + off), 0, 0.6, (grey,) * 3, 2, cv2.LINE_AA)
    return out


pot = captures.load("pot")
rows = [row(pot, cm.method("draem", as_published=True), 13, "DRAEM as published"),
        row(pot, cm.method("draem"), 13, "DRAEM lifted"), row(pot, OWN, 9, "rubbed-in grit")]
cv2.imwrite("11_published_and_lifted.jpg", np.vstack(rows)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 82))
print("11_published_and_lifted.jpg: one capture, one seed, three methods")
