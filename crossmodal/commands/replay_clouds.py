"""crossmodal replay for clouds alone: a manifest's samples, or one plan's, made again with the same bytes."""

import sys
from pathlib import Path

from crossmodal.commands.progress import progress
from crossmodal.commands.written import write_all
from crossmodal.datasets import Reading
from crossmodal.datasets.class_ids import assigned, read_class_ids
from crossmodal.datasets.cloud_writer import write_cloud_sample
from crossmodal.datasets.clouds import CloudSource, load_cloud
from crossmodal.datasets.destination import checked_out
from crossmodal.production.pool import one_thread
from crossmodal.production.worker import one_line


def replayed(path: Path, wanted: list[dict], chosen: list[CloudSource], source: str, out: Path,
             reading: Reading) -> tuple[list[dict], list[dict]]:
    """Make entries (each with its plan as a Plan) again on the clouds chosen for them: (made entries, failures)."""
    from crossmodal.synthesis import replay

    known = path.parent / "class_ids.json"
    kept = {defect["kind"]: defect["class_id"] for entry in wanted for defect in entry.get("defects", ())}
    ids = assigned(read_class_ids(known) if known.is_file() else kept,
                   [defect.kind for entry in wanted for defect in entry["plan"].defects])
    checked_out(out, Path(source))
    entries, failures = [], []
    cloud, loaded = None, None
    with progress("replay") as tell, one_thread():
        for entry, one in zip(wanted, chosen, strict=True):
            try:
                if loaded != one:
                    cloud, loaded = load_cloud(one, reading), one
                result = replay(cloud, entry["plan"])
                origin = {**entry["source"], "path": one.path, "sha256": one.hashes()}
                entries.append(write_cloud_sample(out, entry["id"], result, ids, origin, entry["seed"],
                                                  entry["prompt"]))
            except Exception as error:  # one sample's trouble, whatever it is, must not stop the others
                failures.append({"id": entry["id"], "reason": one_line(error)})
                print(f"error: {entry['id']} failed: {one_line(error)}", file=sys.stderr)
            tell(len(entries) + len(failures), len(wanted))
    write_all(out, ids, entries)
    return entries, failures
