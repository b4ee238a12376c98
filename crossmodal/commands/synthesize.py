"""crossmodal synthesize: a run over one category, or over every category of a dataset root."""

import json as js
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from crossmodal.commands.plan import NO_MODEL
from crossmodal.commands.progress import progress, warner
from crossmodal.commands.prompted import kept_to_object, recipe_of, tally, told
from crossmodal.datasets import Reading, Source, sources
from crossmodal.datasets.clouds import cloud_sources
from crossmodal.datasets.destination import checked_out
from crossmodal.datasets.mvtec3d_writer import plain
from crossmodal.defects import DEFECTS
from crossmodal.formats import Format, mvtec3d
from crossmodal.formats import clouds as clouds_alone
from crossmodal.formats.staged import staged, writable
from crossmodal.judge import Choice
from crossmodal.locate import Where
from crossmodal.meshes.files import is_mesh
from crossmodal.meshes.scanned import scan_file
from crossmodal.methods.presets import method
from crossmodal.presets import preset as named
from crossmodal.production import Request, Shard, Summary, produce
from crossmodal.production.clouds import produce_clouds, without_colour
from crossmodal.production.request import light_parsed
from crossmodal.production.run import ONE_VIEW
from crossmodal.recipe import read_recipe

VIEWS, PIXELS = 12, 320  # of the ring that scans a mesh, and a side of its pictures


def run(source: str, out: Path, *, recipe: Path | None, preset: str | None, kinds: tuple[str, ...] | None,
        prompt: str | None, encoder: str | None, methods: tuple[str, ...] | None, as_published: bool,
        count: int | None, seed: int, origins: tuple[str, ...] | None, workers: int, resume: bool, shard: str | None,
        only_defects: bool, allow_overlap: bool, ply: bool, reading: Reading, light: str, views: int | None,
        format: str | None, json: bool, where: Where | None = None, choice: Choice | None = None,
        vlm: str | None = None, or_grammar: bool = False) -> int:
    """Make the samples, say what was made and where, and return the exit code."""
    said = {"--recipe": recipe, "--preset": preset, "--kinds": kinds, "--prompt": prompt, "--methods": methods}
    given = [option for option, value in said.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given[:2])} both say what to make; give one of them")
    if as_published and methods is None:
        raise ValueError("--as-published is a form of --methods; say which (crossmodal methods lists them)")
    if encoder is not None and (prompt is None or vlm is not None):
        raise ValueError("--encoder helps the grammar to read a --prompt; leave --vlm out")
    root, mesh = Path(source), is_mesh(source)
    clouds = [] if mesh or reading.mm_per_pixel is not None else cloud_sources(root)
    own = clouds_alone.FORMAT if clouds else mvtec3d.FORMAT
    target = writable(format, reading, resume=resume, shard=shard, ply=ply, own=own)
    part = None if shard is None else Shard.parsed(shard)
    rest = {"seed": seed, "only_defects": only_defects, "allow_overlap": allow_overlap, "ply": ply,
            "reading": reading, "light": light_parsed(light),
            "origins": None if origins is None else tuple(map(_split, origins)), "where": where, "choice": choice}
    if or_grammar and vlm is None:
        raise ValueError(NO_MODEL)
    if vlm is not None:
        from crossmodal.commands.seen import asked as asked_of_each
        from crossmodal.commands.seen import request_for

        request = request_for(prompt, vlm, _count(count, 1), **rest)
    elif prompt is not None:
        wanted, likened = recipe_of(prompt, encoder)
        request = Request.of_recipe(wanted, _count(count, 1), prompt=prompt, likened=likened, **rest)
    elif methods is not None:
        request = Request.of_methods([method(name, as_published) for name in methods], _count(count, len(methods)),
                                     **rest)
    elif recipe is not None or preset is not None:
        wanted = read_recipe(recipe) if preset is None else named(preset)
        request = Request.of_recipe(wanted, _count(count, 1), **rest)
    else:
        if kinds is None:
            kinds = tuple(spec.model_fields["kind"].default for spec in DEFECTS
                          if not ((reading.flat or where is not None) and spec.extent == "global"))
        request = Request.of_kinds(kinds, _count(count, len(kinds)), **rest)
    for models in (where, choice):
        if models is not None:
            models.ready()
    summaries, asked = [], []
    warn = warner()
    checked_out(out, root)
    if methods is not None and clouds:
        raise ValueError(f"{source} holds clouds alone; a method takes its matter from a picture, so give captures")
    if not mesh and views is not None:
        raise ValueError(f"{source} is no mesh; --views says how many cameras scan one (.stl, .obj, .ply, .glb)")
    if clouds:
        if where is not None or choice is not None:
            raise ValueError(f"{source} holds clouds alone, and --where and --judge look at pictures; leave them away")
        if vlm is not None:
            raise ValueError(f"{source} holds clouds alone, and --vlm needs a picture; leave it out")
        shown = without_colour(clouds, request)
        if not given:
            request = replace(shown, count=_count(count, len(shown.lines)))
        with staged(out, target, reading, partial(progress, target.name), own) as tree:
            with progress("samples") as tell:
                summary = produce_clouds(root, clouds, tree, request, workers=workers, resume=resume, shard=part,
                                         progress=tell, warn=warn)
            if summary.interrupted and tree != out:
                raise KeyboardInterrupt
        return _told([replace(summary, out=out)], source, None if target is own else target, json)
    found = None if mesh else sources(source, reading)
    if prompt is not None and found is not None and vlm is None:
        request = kept_to_object(request, found[0])
    if mesh:
        _checked_mesh(reading, target, choice)
    if reading.flat and light == "pooled":
        warn("a flat picture does not tell its light; it is taken to come from the upper left: say --light x,y,z")
    with staged(out, target, reading, partial(progress, target.name)) as tree:
        if found is None:
            source = str(scan_file(Path(source), tree, VIEWS if views is None else views, reading.unit, PIXELS))
            found, request = sources(source), replace(request, reading=Reading())
        for name, own, folder, share in _categories(found, tree, request.count):
            part_of_it = replace(request, count=share)
            if vlm is not None:
                with progress("captures asked") as tell:
                    part_of_it = asked_of_each(own, part_of_it, part, vlm, or_grammar, warn, tell)
            with progress(name or "samples") as tell:
                summary = produce(root, own, folder, part_of_it, workers=workers,
                                  resume=resume, shard=part, progress=tell, warn=warn)
            asked += [] if prompt is None else tally(folder)
            summaries.append(replace(summary, out=out / summary.out.relative_to(tree)))
            if summary.interrupted:
                break
        if summary.interrupted and tree != out:
            raise KeyboardInterrupt
    return _told(summaries, source, target, json, asked)


def _told(summaries: list[Summary], source: str, target: Format | None, json: bool, asked: Sequence[dict] = ()) -> int:
    """Say what was made, and whether it is what a prompt asked for, and return the exit code."""
    if json:
        print(js.dumps(plain(_record(summaries) | ({"asked_and_got": asked} if asked else {}))))
    else:
        _tell(summaries, source, target)
        print(told(asked)) if asked else None
    return max(summary.exit_code for summary in summaries)


def _checked_mesh(reading: Reading, target: Format, choice: Choice | None) -> None:
    """Refuse what a mesh, which is scanned by cameras of its own and keeps their views, cannot go with."""
    if replace(reading, unit=None) != Reading():
        raise ValueError("a mesh is scanned by cameras of its own; of the reading options, leave all but --unit away")
    if choice is not None:
        raise ValueError(ONE_VIEW)
    if target.name != "mvtec3d":
        raise ValueError("a mesh's views are kept beside its samples in the layout of MVTec 3D-AD; leave --format "
                         f"away, then crossmodal convert OUT --to {target.name}")


def _count(count, default):
    return default if count is None else count


def _split(name: str) -> str:
    return name.removesuffix("/good")


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
