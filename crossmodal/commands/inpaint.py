"""crossmodal inpaint: a defect painted from words, written in all modalities, and in all views of a rig."""

import json as js
from dataclasses import asdict
from pathlib import Path

from crossmodal.capture import Capture, Rig
from crossmodal.commands.lift import checked, found, relief_of
from crossmodal.commands.progress import progress, warner
from crossmodal.commands.written import sizes, write_all
from crossmodal.datasets import Reading, Source, load
from crossmodal.datasets.class_ids import assigned
from crossmodal.datasets.mvtec3d_writer import folder_of, plain, write_sample
from crossmodal.datasets.remembered import read_as
from crossmodal.datasets.views import kept_view, pose_of
from crossmodal.inpaint.models import Model, Sampling
from crossmodal.inpaint.paint import Inpainted, inpaint
from crossmodal.plan import Plan
from crossmodal.production.pool import one_thread
from crossmodal.production.views import with_view
from crossmodal.recipe import read_recipe
from crossmodal.weights import named
from rgb import read_mask


def run(capture: str, text: str | None, out: Path, *, mask: Path | None, plan: Path | None, recipe: Path | None,
        model: Model, sampling: Sampling, relief: str | None, depth_mm: float | None, height_mm: float | None,
        kind: str, ply: bool, reading: Reading, json: bool) -> int:
    """Paint, lift, imprint, and only then write; say what came out."""
    said = {"--mask": mask, "--plan": plan, "--recipe": recipe}
    given = [option for option, value in said.items() if value is not None]
    if not given or set(given) >= {"--plan", "--recipe"}:
        raise ValueError("say where to paint: --mask, or the defects to paint on, --plan or --recipe (one of the two)")
    checked(kind, out)
    views = [source for source in found(capture) if not (source.view and source.split == "train")]
    if len(views) != 1 and not (views and all(source.view for source in views)):
        raise ValueError(f"{capture} holds {len(views)} captures; give one, as rgb.png+xyz.tiff or a .pcd, or a rig")
    if len(views) > 1 and given != ["--mask"]:
        raise ValueError(f"{capture} is a rig, whose first view is painted where --mask says; leave {given[-1]} out")
    before = kept_view(views[0], reading) if len(views) > 1 else load(views[0], reading)
    region = None if mask is None else read_mask(mask) > 0
    target = before if given == ["--mask"] else _made(before, plan, recipe, sampling.seed)
    with progress("inpaint") as tell, one_thread():
        painted = inpaint(target, text, model, region, sampling=sampling, kind=kind, tell=tell,
                          relief=relief_of(relief, depth_mm, height_mm, before.shape))
        results = _seen(views, reading, before, painted)
        kinds = [one.kind for one in painted.result.plan.defects]
        ids, entries = assigned({}, kinds), []
        try:
            for number, (source, result) in enumerate(results):
                origin = {"path": source.path, "sha256": source.hashes(), **read_as(reading)}
                entry = write_sample(out, f"test/{folder_of(result.plan)}/{number:03d}", result, ids, origin,
                                     sampling.seed, ply)
                entry |= {"inpainted": {"text": painted.text, "model": named(model.name),
                                        "control": None if model.control is None else named(model.control),
                                        **asdict(sampling)}}
                entries.append(with_view(entry, source, result.plan, 0) if source.view else entry)
            write_all(out, ids, entries)
        except BaseException:  # all or nothing, Ctrl-C too
            for name in (name for entry in entries for name in entry["files"].values()):
                (out / name).unlink(missing_ok=True)
            raise
    warn = warner()
    for sentence in dict.fromkeys(sentence for _, result in results for sentence in result.warnings):
        warn(sentence)
    print(js.dumps(plain(entries if len(views) > 1 else entries[0]))) if json else _tell(painted, entries, out)
    return 0


def _made(before: Capture, plan: Path | None, recipe: Path | None, seed: int):
    from crossmodal.synthesis import replay, synthesize

    if recipe is not None:
        return synthesize(before, read_recipe(recipe), seed)
    try:
        return replay(before, Plan.model_validate_json(plan.read_bytes()))
    except OSError as error:
        raise ValueError(f"{plan} cannot be read ({error.strerror}); give the JSON of one plan") from None


def _seen(views: list[Source], reading: Reading, before: Capture, painted: Inpainted):
    """(source, Result) of every view that sees it; each with a plan of its own, which replays in it alone."""
    if len(views) == 1:
        return [(views[0], painted.result)]
    from crossmodal.imprint import imprint
    from crossmodal.lifted_views import seen_from

    poses = tuple(pose_of(source) for source in views)
    captures = (before, *(kept_view(source, reading) for source in views[1:]))
    edits = seen_from(Rig(captures, poses), painted.edit, 0)
    return [(source, imprint(view, edit)) for source, view, edit in zip(views, captures, edits, strict=True)
            if edit is not None]


def _tell(painted: Inpainted, entries: list[dict], out: Path) -> None:
    for entry in entries:
        defect = entry["defects"][-1]
        seen = ", ".join(defect["visible_in"]) or "nothing: below the noise floor"
        sure = painted.edit.confidence
        read = "" if sure is None else f"; confidence in its relief {sure:.2f}"
        print(f"{defect['kind']} painted: {sizes(defect['measured'])}, visible in {seen}{read}")
        print(f"look at {out / entry['files']['rgb']} and {out / entry['files']['xyz']}")
