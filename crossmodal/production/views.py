"""A sample of a rig of views: one defect, drawn in one of them, as another view of the same object sees it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from crossmodal.capture import Capture
from crossmodal.datasets import Reading, Source
from crossmodal.datasets.views import kept_view, pose_of, siblings
from crossmodal.plan import Made, Plan
from crossmodal.recipe import Recipe
from crossmodal.result import Result
from crossmodal.streams import stream
from pointcloud.atomic import write_bytes

SEEN_FILE = "views.json"


def seen_in(source: Source, reading: Reading, recipe_on: Callable[[Capture], Recipe], seed: int) -> Result:
    """What one view sees of a recipe's defects; the seed says which view of the rig they are drawn in, so that every
    view finds the same ones.

    recipe_on: what to draw on that view. Raises ValueError where they find a place in none.
    """
    from crossmodal.synthesis import draw

    views, reason = siblings(source), None
    for k in stream(seed, "view").permutation(len(views)):
        try:
            first = kept_view(views[k], reading)
            return again_in(source, reading, draw(first, recipe_on(first), seed))
        except ValueError as error:
            reason = reason or error
    raise reason


def again_in(source: Source, reading: Reading, plan: Plan) -> Result:
    """What one view sees of a plan that is in the axes of the view it names. Errors: ValueError: not of this rig."""
    from crossmodal.imprint import imprint
    from crossmodal.synthesis import grown

    first = next((one for one in siblings(source) if one.path == plan.capture), None)
    if first is None:
        raise ValueError(f"{source.calibration} has no view {plan.capture}; give the rig that the plan was made from")
    flat = next((one.kind for one in plan.defects if isinstance(one, Made) and one.pixel is not None), None)
    if flat is not None:
        raise ValueError(f"{flat} as published works on one photograph, and these are views of one object; leave "
                         "--as-published out")
    drawn_in = _lit(kept_view(first, reading), plan)
    there = np.linalg.inv(pose_of(source)) @ pose_of(first)
    own: Capture = kept_view(source, reading)
    if plan.light is not None:
        own = own.lit_by(plan.light.light().turned(there[:3, :3]))
    # In its own view an edit is used as it was grown, not through a motion that comes to nothing but rounding.
    same = source.path == first.path
    edits = tuple(grown(own if same else drawn_in, one) for one in plan.defects)
    return imprint(own, edits if same else tuple(edit.moved(there) for edit in edits), plan)


def _lit(capture, plan):
    return capture if plan.light is None else capture.lit_by(plan.light.light())


def with_view(entry: dict, source: Source, plan: Plan, defect: int) -> dict:
    """The manifest entry with what is said of its view: which defect of the run, drawn in which view, and its pose."""
    return {**entry, "view": {"defect": defect, "name": source.path, "drawn_in": plan.capture,
                              "T_rig_camera": pose_of(source).tolist()}}


def write_seen(out: Path, pool: tuple[Source, ...]) -> None:
    """views.json: of every defect, the views that see it and those that do not, once the whole manifest is there."""
    manifest = out / "manifest.jsonl"
    if not pool[0].view or not manifest.is_file():
        return
    found: dict[tuple[str, int], dict] = {}
    with open(manifest, "rb") as file:
        for entry in map(json.loads, file):
            view, line = entry["view"], entry["id"].rsplit("/", 1)[0]
            one = found.setdefault((line, view["defect"]), {"kind": entry["kind"], "defect": view["defect"],
                                                            "drawn_in": view["drawn_in"], "seen_in": {}})
            one["seen_in"][view["name"]] = entry["id"]
    names = [source.path for source in pool]
    record = [{**one, "hidden_in": [name for name in names if name not in one["seen_in"]]} for one in found.values()]
    write_bytes(out / SEEN_FILE, (json.dumps(record, indent=1) + "\n").encode())
