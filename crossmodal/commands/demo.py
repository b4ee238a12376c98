"""crossmodal demo: defects in the captures that ship with the package, as files and as one picture."""

import json as js
from importlib.resources import as_file, files
from pathlib import Path

from crossmodal.commands.progress import progress, table, warner
from crossmodal.commands.written import sizes, write_all
from crossmodal.datasets.class_ids import assigned
from crossmodal.datasets.destination import checked_out
from crossmodal.datasets.mvtec3d_writer import plain, write_sample
from crossmodal.datasets.source import file_hash
from crossmodal.defects import Bump, Dent, Scratch, Stain

KINDS = (Dent, Bump, Scratch, Stain)
PICTURE = "demo.png"


def run(out: Path, seed: int, json: bool) -> int:
    """Make one defect of each kind in each shipped capture, and print what was made and where to look."""
    if (out / "manifest.jsonl").exists() and not (out / PICTURE).exists():
        raise ValueError(f"{out} already holds a run; choose another --out")
    checked_out(out)
    out.mkdir(parents=True, exist_ok=True)
    from crossmodal import captures
    from crossmodal.production.pool import one_thread
    from crossmodal.sheet import sheets
    from crossmodal.synthesis import synthesize
    from rgb import write_rgb

    ids = assigned({}, [spec.model_fields["kind"].default for spec in KINDS])
    entries, shown, warn = [], [], warner()
    names = captures.names()
    with progress("demo") as tell, one_thread():
        for i, name in enumerate(names):
            capture = captures.load(name)
            with as_file(files(captures) / f"{name}.pcd") as path:
                origin = {"path": name, "sha256": dict.fromkeys(("rgb", "xyz"), file_hash(path))}
            for k, spec in enumerate(KINDS):
                result = synthesize(capture, spec(), seed)
                sample = f"test/{spec.model_fields['kind'].default}/{i:03d}"
                entries.append(write_sample(out, sample, result, ids, origin, seed, ply=True))
                if k == i % len(KINDS):
                    shown.append(result)
                for sentence in result.warnings:
                    warn(sentence)
                tell(len(entries), len(names) * len(KINDS))
    write_rgb(out / PICTURE, sheets(shown))
    write_all(out, ids, entries)
    if json:
        print(js.dumps(plain({"out": str(out), "picture": str(out / PICTURE), "samples": entries})))
        return 0
    rows = [(entry["source"]["path"], defect["kind"], sizes(defect["measured"]), _seen(defect),
             entry["files"]["rgb"]) for entry in entries for defect in entry["defects"]]
    print(table(("capture", "defect", "measured", "visible in", "file"), rows))
    print(f"look at {out / PICTURE}; the files are in {out}, and crossmodal check {out} measures them")
    return 0


def _seen(defect):
    return ", ".join(defect["visible_in"]) or "nothing: below the noise floor"
