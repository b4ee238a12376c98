"""One scratch, seen by RGB, depth and point cloud.

You will see a painted housing on the virtual scanner, at 0.25 mm a pixel, before and after one scratch of 30 mm: its
torn bottom and lit flank in the picture, its groove and lips in the relief and in the cloud.
"""

import cv2

import crossmodal as cm
from crossmodal.scanner import showcase
from crossmodal.sheet import poster

capture = showcase(256, 192)  # a View of a painted housing: rgb, depth and points, 0.25 mm a pixel
scratch = cm.Scratch(length_mm=30, width_mm=1.3, depth_mm=0.4, orientation_deg=35)
result = cm.synthesize(capture, scratch, seed=42)
cv2.imwrite("01_first_scratch.jpg", poster(result, width=1200)[..., ::-1])
print("01_first_scratch.jpg:", result.measured[0])
