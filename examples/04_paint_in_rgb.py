"""Paint a defect in RGB, see it in the cloud.

You will see a drip of orange paint, drawn with OpenCV into the picture and nowhere else. Lifted onto the surface, it is
the cloud's colour too, and because we say how thick it dried, 0.7 mm, it stands out of the depth and the cloud.
"""

import cv2
import numpy as np

import crossmodal as cm
from crossmodal.scanner import showcase
from crossmodal.sheet import poster

capture = showcase(256, 192)
paint = np.zeros(capture.shape, np.uint8)
cv2.ellipse(paint, (118, 66), (25, 13), 8, 0, 360, 255, cv2.FILLED)
for column, end, width in ((104, 96, 7), (121, 124, 8), (134, 104, 6)):
    cv2.line(paint, (column, 66), (column + 3, end), 255, width)
    cv2.circle(paint, (column + 3, end), width // 2 + 1, 255, cv2.FILLED)
cover = np.minimum(cv2.GaussianBlur(paint, (0, 0), 1.2), paint)[..., None] / 255
painted = np.rint(capture.rgb * (1 - cover) + np.array((214, 96, 28)) * cover).astype(np.uint8)

edit = cm.lift(capture, rgb=painted, mask=paint > 0, relief=cm.Profile(height_mm=0.7))
result = cm.imprint(capture, edit)
assert np.array_equal(result.after.rgb, painted)  # the edited modality is returned as given

cv2.imwrite("04_paint_in_rgb.jpg", poster(result, width=1200)[..., ::-1])
print(f"04_paint_in_rgb.jpg: {np.nanmax(result.displacement_mm):.2f} mm of paint on {result.gt.sum()} pixels")
