"""check: do the modalities of a dataset agree? Reads the written files and the source, and nothing else.

Single-capture tests work on any paired dataset. Before/after tests need the original: from the manifest and
``source``, or from a source with the same names. A test with nothing to work on is "not checked".
"""

from pathlib import Path

from crossmodal.evaluation import against, alone, sizes
from crossmodal.evaluation.arrays import Arrays, load
from crossmodal.evaluation.cameras import Cameras
from crossmodal.evaluation.records import Entry, Manifest, Source, own_files, read_manifests, source_files
from crossmodal.evaluation.report import Figure, Ledger, Report
from crossmodal.evaluation.samples import find_folders


def check(dataset: Path | str, source: Path | str | None = None) -> Report:
    """Measure how well the modalities of every sample agree.

    dataset: a tree with rgb, xyz (or depth) and gt folders, flat pairs, organised PCD files, or one of them
    source: the folder that the dataset was made from, for the before/after tests
    A broken sample is a violation and the rest is still checked; samples are read one at a time.
    Errors: FileNotFoundError where dataset or source does not exist.
    """
    root = Path(dataset)
    folders = find_folders(root)
    originals = None if source is None else Source.at(Path(source))
    manifest = read_manifests(root if root.is_dir() else root.parent)
    ledger, cameras = Ledger(), Cameras()
    for id_, fault in manifest.faults:
        ledger.add(id_, Figure("manifest", None, fault))
    any_gt = any("gt" in folder.names for folder in folders)
    for folder in folders:
        ledger.add(folder.name, *alone.siblings(folder))
        for sample in folder.samples:
            arrays = load(sample)
            figures, camera = cameras.measure(arrays)
            figures += alone.readable(arrays) + alone.units(arrays) + alone.codes(arrays)
            figures += alone.depth_is_z(arrays) + alone.ground_truth(arrays, folder, any_gt)
            figures += alone.soft(arrays) + alone.masks(arrays) + alone.cloud_labels(arrays, camera)
            entry = _entry(manifest, arrays)
            if manifest.there:
                figures += _recorded(arrays, entry)
            if originals is not None:
                figures += _beside(arrays, originals, entry, camera)
            ledger.add(sample.name, *figures)
    cameras.close(ledger)
    return ledger.report(
        str(dataset), None if source is None else str(source), sum(len(folder.samples) for folder in folders)
    )


def _entry(manifest: Manifest, arrays: Arrays) -> Entry | None:
    paths = (path.absolute() for path in arrays.sample.files.values())
    return next((manifest.by_file[path] for path in paths if path in manifest.by_file), None)


def _recorded(arrays, entry):
    kind = arrays.sample.kind
    if entry is None:
        if kind in (None, "good"):
            return []
        return [Figure("manifest", None, f"{arrays.sample.name} is not in the manifest")]
    wrong = None
    ids = {int(defect["class_id"]) for defect in entry.defects if "class_id" in defect}
    if ids and "gt" in arrays.masks:
        gt = arrays.masks["gt"]
        strangers = {int(v) for v in set(gt.ravel().tolist()) if v} - ids
        if strangers:
            wrong = f"gt holds {sorted(strangers)}, the manifest only {sorted(ids)}"
    return [Figure("manifest", None, wrong), *own_files(entry)]


def _beside(arrays, originals, entry, camera):
    sample = arrays.sample
    if entry is not None:
        before = originals.named(entry.source)
        if before is None:
            return [Figure("source as in the manifest", None, f"{entry.source} is not in {originals.root}")]
        figures = source_files(entry, before)
    else:
        before, figures = originals.named(sample.name), []
    if entry is None and (sample.kind == "good" or before is None):
        if sample.kind != "good":
            return []  # nothing says what this one was made from
        copies = [load(before)] if before is not None else []
        found = against.untouched(copies, arrays) if copies else []
        if not found or found[0].fault:  # under another number, perhaps
            found = against.untouched([load(other) for other in originals.pictured(arrays)] or copies, arrays)
        return figures + found
    original = load(before)
    if original.shape != arrays.shape:
        fault = f"{original.shape} in the source, but {arrays.shape} here"
        return [*figures, Figure("readable", None, fault)]
    pair = against.Pair(original, arrays)
    if entry is None and pair.same:
        return []  # the capture itself, not what it was made from
    if entry is not None and not entry.defects:
        return figures + against.untouched([original], arrays)
    figures += against.bits(pair) + against.really_changed(pair) + against.rays(pair, camera)
    return figures + against.appear(pair, entry) + sizes.relief(pair, entry)
