"""crossmodal synthesize: a run over one category, or over every category of a dataset root."""

import json as js
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from crossmodal.commands.progress import progress, warner
from crossmodal.commands.prompted import kept_to_object, tally, told
from crossmodal.commands.wanted import Terms, Wanted, Work
from crossmodal.datasets import Reading, Source, sources
from crossmodal.datasets.clouds import CloudSource, cloud_sources
from crossmodal.datasets.destination import checked_out
from crossmodal.datasets.mvtec3d_writer import plain
from crossmodal.formats import Format, mvtec3d
from crossmodal.formats import clouds as clouds_alone
from crossmodal.formats.staged import staged, writable
from crossmodal.meshes.files import is_mesh
from crossmodal.meshes.scanned import scan_file
from crossmodal.methods.spec import Method
from crossmodal.production import Request, Summary, produce
from crossmodal.production.clouds import produce_clouds, without_colour
from crossmodal.production.run import ONE_VIEW

VIEWS, PIXELS = 12, 320  # of the ring that scans a mesh, and a side of its pictures


def run(source: str, out: Path, wanted: Wanted, terms: Terms, work: Work, *, format: str | None, views: int | None,
        json: bool) -> int:
    """Make the samples, say what was made and where, and return the exit code."""
    root, mesh = Path(source), is_mesh(source)
    clouds = [] if mesh or terms.reading.mm_per_pixel is not None else cloud_sources(root)
    own = clouds_alone.FORMAT if clouds else mvtec3d.FORMAT
    target = writable(format, terms.reading, resume=work.resume, shard=work.shard is not None, ply=terms.ply,
                      own=own)
    request = wanted.request(terms)
    for models in (terms.where, terms.choice):
        if models is not None:
            models.ready()
    warn = warner()
    checked_out(out, root)
    if not mesh and views is not None:
        raise ValueError(f"{source} is no mesh; --views says how many cameras scan one (.stl, .obj, .ply, .glb)")
    if clouds:
        request = _without_pictures(request, source, clouds, wanted)
    elif mesh:
        _checked_mesh(terms, target)
    else:
        found = sources(source, terms.reading)
        request = kept_to_object(request, found[0]) if wanted.by_grammar else request
    if terms.reading.flat and terms.light == "pooled":
        warn("a flat picture does not tell its light; it is taken to come from the upper left: say --light x,y,z")
    with staged(out, target, terms.reading, partial(progress, target.name), own) as tree:
        if mesh:
            source = str(scan_file(root, tree, VIEWS if views is None else views, terms.reading.unit, PIXELS))
            found, request = sources(source), replace(request, reading=Reading())
        if clouds:
            summaries, asked = [_over_clouds(root, clouds, tree, request, work, warn)], []
        else:
            summaries, asked = _over_captures(root, found, tree, request, wanted, work, warn)
        if summaries[-1].interrupted and tree != out:
            raise KeyboardInterrupt
    summaries = [replace(summary, out=out / summary.out.relative_to(tree)) for summary in summaries]
    return _told(summaries, source, None if target is clouds_alone.FORMAT else target, json, asked)


def _over_clouds(root, clouds, tree, request, work: Work, warn) -> Summary:
    with progress("samples") as tell:
        return produce_clouds(root, clouds, tree, request, **vars(work), progress=tell, warn=warn)


def _over_captures(root, found, tree, request, wanted: Wanted, work: Work, warn) -> tuple[list[Summary], list[dict]]:
    """A summary of each category, as far as the run went, and how often the samples are what a prompt asked for."""
    summaries, asked = [], []
    for name, own, folder, share in _categories(found, tree, request.count):
        part = replace(request, count=share)
        if wanted.vlm is not None:
            from crossmodal.commands.seen import asked as asked_of_each

            with progress("captures asked") as tell:
                part = asked_of_each(own, part, work.shard, wanted.vlm, wanted.or_grammar, warn, tell)
        with progress(name or "samples") as tell:
            summaries.append(produce(root, own, folder, part, **vars(work), progress=tell, warn=warn))
        asked += [] if wanted.prompt is None else tally(folder)
        if summaries[-1].interrupted:
            break
    return summaries, asked


def _without_pictures(request: Request, source: str, clouds: list[CloudSource], wanted: Wanted) -> Request:
    """The request as clouds alone can carry it. Raises ValueError for what looks at pictures."""
    if request.where is not None or request.choice is not None:
        raise ValueError(f"{source} holds clouds alone, and --where and --judge look at pictures; leave them away")
    if request.vlm is not None:
        raise ValueError(f"{source} holds clouds alone, and --vlm needs a picture; leave it out")
    flat = [line.recipe.name for line in request.lines
            if isinstance(line.recipe, Method) and line.recipe.blocks.space == "pixels"]
    if flat:
        raise ValueError(f"{source} holds clouds alone, and {flat[0]} as published works on a photograph; leave "
                         "--as-published out")
    shown = without_colour(clouds, request)
    return replace(shown, count=wanted.samples(len(shown.lines))) if wanted.unsaid else request


def _told(summaries: list[Summary], source: str, target: Format | None, json: bool, asked: Sequence[dict] = ()) -> int:
    """Say what was made, and whether it is what a prompt asked for, and return the exit code."""
    if json:
        print(js.dumps(plain(_record(summaries) | ({"asked_and_got": asked} if asked else {}))))
    else:
        _tell(summaries, source, target)
        print(told(asked)) if asked else None
    return max(summary.exit_code for summary in summaries)


def _checked_mesh(terms: Terms, target: Format) -> None:
    """Refuse what a mesh, which is scanned by cameras of its own and keeps their views, cannot go with."""
    if replace(terms.reading, unit=None) != Reading():
        raise ValueError("a mesh is scanned by cameras of its own; of the reading options, leave all but --unit away")
    if terms.choice is not None:
        raise ValueError(ONE_VIEW)
    if target.name != "mvtec3d":
        raise ValueError("a mesh's views are kept beside its samples in the layout of MVTec 3D-AD; leave --format "
                         f"away, then crossmodal convert OUT --to {target.name}")


def _categories(found: list[Source], out: Path, count: int):
    # Each category of a root is a dataset of its own, with its own class ids and manifest.
    if found[0].path.count("/") < 3:
        return [("", found, out, count)]
    names = sorted({source.category for source in found})
    shares = [count // len(names) + (i < count % len(names)) for i in range(len(names))]
    return [(name, [source for source in found if source.category == name], out / name, share)
            for name, share in zip(names, shares, strict=True) if share]


def _record(summaries: list[Summary]) -> dict:
    return {"datasets": [{
        "out": str(summary.out), "made": summary.made, "kept": summary.kept, "asked": summary.asked,
        "good_copies": summary.copies, "kinds": summary.kinds, "failures": summary.failures,
        "warnings": summary.warnings, "interrupted": summary.interrupted} for summary in summaries],
        "exit_code": max(summary.exit_code for summary in summaries)}


def _tell(summaries: list[Summary], source: str, target: Format | None) -> None:
    for summary in summaries:
        done = summary.made + summary.kept
        kinds = ", ".join(f"{number} {kind}" for kind, number in summary.kinds.items()) or "none"
        if summary.interrupted:
            print(f"interrupted: {done} of {summary.asked} samples are done in {summary.out}; "
                  "go on by the same command with --resume", file=sys.stderr)
            continue
        earlier = f", {summary.kept} of them earlier" if summary.kept else ""
        print(f"{summary.out}: {done} of {summary.asked} samples ({kinds}{earlier}), "
              f"{summary.copies} good copies")
        reasons: dict[str, list[str]] = {}
        for failure in summary.failures:
            reasons.setdefault(failure["reason"], []).append(failure["id"])
        for reason, ids in list(reasons.items())[:10]:
            more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
            print(f"error: {ids[0]}{more} failed: {reason}", file=sys.stderr)
    if target is None or any(summary.interrupted for summary in summaries):
        return
    if target.name == "mvtec3d":
        print(f"measure it: crossmodal check {summaries[0].out} --source {source}")
    else:
        print(f"in {target.title}; crossmodal replay makes it again from {summaries[0].out}/manifest.jsonl")
