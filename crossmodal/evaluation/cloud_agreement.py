"""check, for a run over clouds alone: do its clouds, labels, manifest and source agree?

Tests of the files need the run alone, before/after tests the clouds that it was made from; without them, and where
another version made a sample, a test is "not checked".
"""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from crossmodal.clouds.cloud import Cloud
from crossmodal.datasets.class_ids import read_class_ids
from crossmodal.datasets.clouds import CloudSource, cloud_sources, load_cloud
from crossmodal.datasets.source import SPLITS, Reading, file_hash
from crossmodal.evaluation.cloud_against import against
from crossmodal.evaluation.cloud_alone import Written, beside_their_points, counts, label_values
from crossmodal.evaluation.records import Entry, own_files, read_manifests
from crossmodal.evaluation.report import Figure, Ledger, Report, Test
from crossmodal.formats.paths import folders, pictures
from crossmodal.recipe import one_line
from pointcloud.table import FORMATS

TESTS = (
    Test("readable"),
    Test("sibling folders"),
    Test("labels at their points", "points"),
    Test("label values", "points"),
    Test("manifest"),
    Test("files as in the manifest"),
    Test("counts as in the manifest", "points"),
    Test("source as in the manifest", needs_source=True),
    Test("points of the source", "points", needs_source=True),
    Test("rows outside the labels", "points", needs_source=True),
    Test("moved as displacement says", "mm", needs_source=True),
    Test("moved along their normals", "deg", needs_source=True),
    Test("made again from its plan", "mm", needs_source=True),
    Test("good copies untouched", needs_source=True),
)


@dataclass
class Originals:
    """The clouds that a run was made from."""

    root: Path
    found: list[CloudSource]
    hashes: set[str] = field(default_factory=set)

    def named(self, entry: Entry) -> CloudSource | None:
        """By its name; listed from a folder above or below, by the end of it and the same bytes."""
        exact = next((one for one in self.found if one.path == entry.source), None)
        alike = (one for one in self.found if f"/{one.path}".endswith(f"/{entry.source}")
                 or f"/{entry.source}".endswith(f"/{one.path}"))
        return exact or next((one for one in alike if one.hashes() == entry.source_sha256), None)

    def hold(self, digest: str) -> bool:
        """Whether one of them has these bytes."""
        self.hashes = self.hashes or {one.hashes()["cloud"] for one in self.found}
        return digest in self.hashes


def check_clouds(run: Path, source: Path | None = None) -> Report:
    """Measure how well the clouds of a run agree with their labels, their manifest and their source.

    A broken sample is a violation and the rest is still checked. Errors: ValueError, OSError where run or source is no
    such folder.
    """
    originals = None if source is None else Originals(source, cloud_sources(source))
    if originals is not None and not originals.found:
        raise ValueError(f"{source} holds no clouds alone; give the clouds that {run} was made from")
    manifest, ids, ledger, samples = read_manifests(run), read_class_ids(run / "class_ids.json"), Ledger(), 0
    for id_, fault in manifest.faults:
        ledger.add(id_, Figure("manifest", None, fault))
    for kind in (kind for split in SPLITS for kind in folders(run / split)):
        name = kind.relative_to(run).as_posix()
        clouds, labels = pictures(kind / "cloud", run, tuple(FORMATS)), pictures(kind / "labels", run, (".ply",))
        if labels or kind.name != "good":
            apart = sorted(clouds.keys() ^ labels.keys())
            ledger.add(name, Figure("sibling folders", None, f"only one of cloud and labels has {', '.join(apart[:3])}"
                                    if apart else None))
        for stem, path in clouds.items():
            files = {"cloud": path} | ({"labels": labels[stem]} if stem in labels else {})
            entry = manifest.by_file.get(path.absolute())
            ledger.add(f"{name}/{stem}", *_figures(f"{name}/{stem}", files, entry, manifest.there, ids, originals))
            samples += 1
    return ledger.report(str(run), None if source is None else str(source), samples, TESTS)


def _figures(name, files, entry, there, ids, originals) -> list[Figure]:
    figures = _recorded(name, entry, there)
    try:
        made = Written.read(name, files)
        figures.append(Figure("readable"))
        if made.labels is not None:
            figures += beside_their_points(made) + label_values(made, ids, entry)
        if entry is not None and made.labels is not None:
            figures += counts(made, entry)
        if originals is not None:
            figures += _beside(made, entry, originals)
    except ValidationError as error:
        figures.append(Figure("manifest", None, f"its plan is none: {one_line(error)}"))
    except (KeyError, TypeError, AttributeError) as error:
        figures.append(Figure("manifest", None, f"its line is no cloud's ({type(error).__name__}: {error})"))
    except (ValueError, OSError) as error:
        figures.append(Figure("readable", None, str(error)))
    return figures


def _recorded(name, entry, there) -> list[Figure]:
    if entry is None:
        fault = f"{name} is not in the manifest"
        return [Figure("manifest", None, fault)] if there and name.split("/")[-2] != "good" else []
    return [Figure("manifest"), *own_files(entry)]


def _beside(made, entry, originals) -> list[Figure]:
    if entry is None:
        if made.kind != "good":
            return []
        known = originals.hold(file_hash(made.files["cloud"]))
        return [Figure("good copies untouched", None, None if known else "no cloud of the source has these bytes")]
    source = originals.named(entry)
    if source is None:
        return [Figure("source as in the manifest", None, f"{entry.source} is not in {originals.root}")]
    if source.hashes() != entry.source_sha256:
        return [Figure("source as in the manifest", None, f"{source.file} is not what this sample was made from")]
    seen_from = entry.read_as.get("viewpoint")
    reading = Reading(entry.read_as.get("unit"), viewpoint=None if seen_from is None else tuple(seen_from))
    figures = [Figure("source as in the manifest")]
    return figures + (against(made, _loaded(source, reading), entry) if made.labels is not None else [])


@lru_cache(maxsize=1)  # the next sample is often of the same cloud
def _loaded(source: CloudSource, reading: Reading) -> Cloud:
    return load_cloud(source, reading)
