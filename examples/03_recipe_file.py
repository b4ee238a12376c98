"""A recipe that a person can read, and the plan that it becomes.

You will see the whole housing with four defects drawn from 03_recipe.yaml. Everything that was drawn stands in a plan
of JSON beside the picture, and the plan alone makes the same bytes again.
"""

from pathlib import Path

import cv2

import crossmodal as cm
from crossmodal.scanner import showcase
from crossmodal.sheet import poster

capture = showcase()
recipe = cm.read_recipe(Path(__file__).with_name("03_recipe.yaml"))
result = cm.synthesize(capture, recipe, seed=303)
Path("03_plan.json").write_text(result.plan.model_dump_json(indent=1))

plan = cm.Plan.model_validate_json(Path("03_plan.json").read_text())
again = cm.replay(capture, plan)
assert again.after.rgb.tobytes() == result.after.rgb.tobytes()
assert again.after.points.tobytes() == result.after.points.tobytes()

cv2.imwrite("03_recipe_file.jpg", poster(result, width=1300)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 90))
print("03_recipe_file.jpg:", ", ".join(defect.kind for defect in plan.defects), "replayed bit for bit")
