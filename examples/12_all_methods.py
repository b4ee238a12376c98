"""Every published method that ships, lifted, on one real capture.

You will see the picture about each defect and the relief in its own range: blue went in, orange came out, white is gone
or returns nothing, grey stayed. Masks for inpainters (riad, intra, and so on) are here too: those are no defects.
"""

import cv2
import numpy as np

import crossmodal as cm
from crossmodal import captures
from crossmodal.methods.presets import names

SIDE, TITLE, ACROSS, LEAST_PX = 112, 15, 6, 56


def tile(result, name):
    """(TITLE + SIDE, 2·SIDE, 3): the picture and the displacement about a defect, beneath the method's name."""
    x, y, width, height = cv2.boundingRect(result.gt.astype(np.uint8))
    side = min(max(LEAST_PX, int(1.5 * max(width, height))), *result.gt.shape)
    box = tuple(slice(low, low + side) for low in np.clip(
        (y + (height - side) // 2, x + (width - side) // 2), 0, np.array(result.gt.shape) - side))
    mm = result.displacement_mm
    share = np.nan_to_num(mm / max(np.nanmax(np.abs(mm)), 1e-6))[..., None]
    tint = np.where(share > 0, (241, 105, 19), (8, 48, 107))
    there = (result.after.valid & np.isfinite(mm))[..., None]
    relief = np.where(there, 225 + np.abs(share) * (tint - 225.0), 255).astype(np.uint8)
    panes = [cv2.resize(pane[box], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for pane in (result.after.rgb, relief)]
    out = np.vstack([np.full((TITLE, 2 * SIDE, 3), 255, np.uint8), np.hstack(panes)])
    return cv2.putText(out, name, (3, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (20, 20, 20), 1, cv2.LINE_AA)


capture = captures.load("pot")
tiles = [tile(cm.synthesize(capture, cm.method(name), seed=4), name) for name in names()]
tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % ACROSS)
sheet = np.vstack([np.hstack(tiles[i:i + ACROSS]) for i in range(0, len(tiles), ACROSS)])
cv2.imwrite("12_all_methods.jpg", sheet[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 70))
print(f"12_all_methods.jpg: {len(names())} methods")
