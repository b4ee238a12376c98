"""crossmodal replay: a manifest's samples, or one plan's, made again with the same bytes."""

import json as js
import re
import sys
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from crossmodal.commands.progress import progress
from crossmodal.commands.written import write_all
from crossmodal.datasets import Reading, Source, load, sources
from crossmodal.datasets.class_ids import assigned, read_class_ids
from crossmodal.datasets.cloud_writer import write_cloud_sample
from crossmodal.datasets.clouds import CloudSource, cloud_sources, load_cloud
from crossmodal.datasets.destination import checked_out
from crossmodal.datasets.mvtec3d_writer import folder_of, plain, write_sample
from crossmodal.datasets.remembered import remembered
from crossmodal.formats import clouds as clouds_alone
from crossmodal.formats import mvtec3d
from crossmodal.formats.staged import staged, writable
from crossmodal.plan import Plan
from crossmodal.production.depth_camera import with_depth_camera
from crossmodal.production.pool import one_thread
from crossmodal.production.views import again_in
from crossmodal.production.worker import one_line as said
from crossmodal.recipe import one_line
from pointcloud.atomic import write_bytes


def run(path: Path, source: str, out: Path, *, force: bool, format: str | None, reading: Reading, json: bool) -> int:
    """Replay every plan; a sample that cannot be made is named, and the rest is still written."""
    wanted = _entries(path)
    reading = remembered(wanted, reading)
    clouds = any("cloud" in entry["files"] or entry["plan"].frame == "object" for entry in wanted)
    own = clouds_alone.FORMAT if clouds else mvtec3d.FORMAT
    target = writable(format, reading, own=own)
    found = {one.path: one for one in (cloud_sources(source) if clouds else sources(source, reading))}
    if (out / "manifest.jsonl").exists():
        raise ValueError(f"{out} already holds a run; choose another --out")
    chosen = [_chosen(entry, found, source, force) for entry in wanted]
    known = path.parent / "class_ids.json"
    kept = {defect["kind"]: defect["class_id"] for entry in wanted for defect in entry.get("defects", ())}
    kinds = [defect.kind for entry in wanted for defect in entry["plan"].defects]
    ids = assigned(read_class_ids(known) if known.is_file() else kept, kinds)
    checked_out(out, Path(source))
    with staged(out, target, reading, partial(progress, target.name), own) as tree:
        reader, again = (load_cloud, _again_in_cloud) if clouds else (load, _again)
        entries, failures = _made(wanted, chosen, partial(reader, reading=reading), partial(again, tree, ids, reading))
        if clouds:
            tree.mkdir(parents=True, exist_ok=True)
            said_of_all = {"clouds": True, "unit": chosen[0].read_as(reading)["unit"]}
            write_bytes(tree / clouds_alone.RUN_FILE, js.dumps(said_of_all).encode())
        write_all(tree, ids, entries)
    return _told(out, wanted, entries, failures, json)


def _told(out, wanted, entries, failures, json) -> int:
    # An older manifest may not tell of every file that is written today.
    same = sum(bool(old["sha256"]) and old["sha256"].items() <= new["sha256"].items()
               for new, old in _pairs(entries, wanted))
    if json:
        print(js.dumps(plain({"out": str(out), "made": len(entries), "same_bytes": same,
                              "failures": failures})))
    else:
        compared = f", {same} with the bytes of the manifest" if any(e["sha256"] for e in wanted) else ""
        print(f"{out}: {len(entries)} of {len(wanted)} samples replayed{compared}")
    return 1 if failures else 0


def _made(wanted, chosen, load, make):
    """The entries of what was made, and what could not be. load: a source → its capture or cloud; make: an entry, a
    source and that → the new entry."""
    entries, failures = [], []
    whole, loaded = None, None
    with progress("replay") as tell, one_thread():
        for entry, one in zip(wanted, chosen, strict=True):
            try:
                if loaded != one:
                    whole, loaded = load(one), one
                origin = {**entry["source"], "path": one.path, "sha256": one.hashes()}
                entries.append(make(entry, one, whole, origin))
            except Exception as error:  # one sample's trouble, whatever it is, must not stop the others
                failures.append({"id": entry["id"], "reason": said(error)})
                print(f"error: {entry['id']} failed: {said(error)}", file=sys.stderr)
            tell(len(entries) + len(failures), len(wanted))
    return entries, failures


def _again(out, ids, reading, entry, one, capture, origin):
    from crossmodal.synthesis import replay

    result = again_in(one, reading, entry["plan"]) if one.view else replay(capture, entry["plan"])
    made = write_sample(out, entry["id"], result, ids, origin, entry["seed"], "points" in entry["files"],
                        entry["prompt"], entry.get("vlm"), entry.get("likened"))
    made = with_depth_camera(out, made, one, reading, capture, result)
    return made | {name: entry[name] for name in ("view", "where", "judged", "inpainted", "optimised") if name in entry}


def _again_in_cloud(out, ids, reading, entry, one, cloud, origin):
    from crossmodal.synthesis import replay

    return write_cloud_sample(out, entry["id"], replay(cloud, entry["plan"]), ids, origin | one.read_as(reading),
                              entry["seed"], entry["prompt"])


def _pairs(entries, wanted):
    before = {entry["id"]: entry for entry in wanted}
    return [(entry, before[entry["id"]]) for entry in entries if before[entry["id"]]["sha256"]]


def _entries(path: Path) -> list[dict]:
    """A manifest's entries, or one for a bare plan; each with its plan as a Plan."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text; give a manifest.jsonl or the JSON of a plan") from None
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        values = [js.loads(text)] if path.suffix == ".json" else [js.loads(line) for line in lines]
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is not JSON; give a manifest.jsonl or the JSON of a plan") from None
    if not values:
        raise ValueError(f"{path} is empty; give a manifest.jsonl or the JSON of a plan")
    entries = []
    for number, value in enumerate(values, 1):
        try:
            entries.append(_entry(value))
        except ValidationError as error:
            raise ValueError(f"{path} line {number} is no plan: {one_line(error)}") from None
        except (KeyError, TypeError, AttributeError):
            raise ValueError(f"{path} line {number} is no manifest entry; "
                             "give a manifest.jsonl or the JSON of a plan") from None
    return entries


def _entry(value: dict) -> dict:
    if "plan" not in value:
        plan = Plan.model_validate(value)
        return {"id": f"test/{folder_of(plan)}/000", "plan": plan, "seed": plan.seed, "prompt": None,
                "files": {}, "source": {"path": plan.capture}, "sha256": None}
    for defect in value.get("defects", ()):
        defect["kind"], defect["class_id"]
    return {**value, "plan": Plan.model_validate(value["plan"]), "id": _inside(value["id"]),
            "source": {**value["source"], "path": value["source"]["path"]}, "seed": value["seed"],
            "files": value["files"], "sha256": value["sha256"], "prompt": value.get("prompt")}


def _inside(sample: str) -> str:
    # An id becomes a path below OUT, and a manifest may come from anywhere.
    if not re.fullmatch(r"test/\w[\w.+-]*/\w[\w.+-]*", sample):
        raise KeyError(sample)
    return sample


def _chosen(entry: dict, found: dict, source: str, force: bool) -> Source | CloudSource:
    path, recorded = entry["source"]["path"], entry["source"].get("sha256")
    one = next(iter(found.values())) if len(found) == 1 and entry["sha256"] is None else found.get(path)
    if one is None and recorded:  # listed from a folder above or below, it has another name but the same bytes
        alike = (other for name, other in found.items() if f"/{name}".endswith(f"/{path}") or path.endswith(f"/{name}"))
        one = next((other for other in alike if other.hashes() == recorded), None)
    if one is None:
        raise ValueError(f"{source} has no capture {path}; give the source that the plan was made from")
    if recorded and recorded != one.hashes() and not force:
        file = one.file if isinstance(one, CloudSource) else one.rgb
        raise ValueError(f"{file} is not the capture that {entry['id']} was made from "
                         "(its sha256 differs); give the right --source, or say --force")
    return one
