"""Every published method that ships, lifted, on one real capture.

You will see colour and relief of each, the relief in its own range: blue went in, orange came out, white is no return.
"""

import cv2
import numpy as np

import crossmodal as cm
from crossmodal import captures
from crossmodal.methods.presets import names

SIDE, ACROSS = 132, 6


def tile(result, name):
    """(SIDE, 2·SIDE, 3): the object's part of the picture and of the displacement, under the method's name."""
    rows, columns = np.nonzero(result.before.surface.foreground)
    box = np.s_[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
    mm = result.displacement_mm[box]
    share = np.nan_to_num(mm / max(np.nanmax(np.abs(mm)), 1e-6))[..., None]
    tint = np.where(share > 0, (241, 105, 19), (8, 48, 107))
    relief = np.where(result.after.valid[box][..., None], 225 + np.abs(share) * (tint - 225.0), 255)
    out = np.hstack([cv2.resize(pane, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
                     for pane in (result.after.rgb[box], relief.astype(np.uint8))])
    return cv2.putText(out, name, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (30, 30, 30), 1, cv2.LINE_AA)


capture = captures.load("pot")
tiles = [tile(cm.synthesize(capture, cm.method(name), seed=4), name) for name in names()]
tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % ACROSS)
sheet = np.vstack([np.hstack(tiles[i:i + ACROSS]) for i in range(0, len(tiles), ACROSS)])
cv2.imwrite("12_all_methods.jpg", sheet[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 70))
print(f"12_all_methods.jpg: {len(names())} methods")
