"""A run over clouds alone: the same division, jobs, journal and manifest as over captures, one chunk a cloud."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from crossmodal.clouds.cloud import Cloud
from crossmodal.clouds.synthesis import shows_in_colour_alone
from crossmodal.datasets import Reading
from crossmodal.datasets.class_ids import assigned, encoded
from crossmodal.datasets.cloud_writer import write_cloud_copy, write_cloud_sample
from crossmodal.datasets.clouds import CloudSource, load_cloud
from crossmodal.datasets.copies import Copy
from crossmodal.datasets.destination import checked_out
from crossmodal.datasets.mvtec3d_writer import folder_of
from crossmodal.defects import Spec
from crossmodal.methods.spec import Method
from crossmodal.production import finish
from crossmodal.production.division import Division, divide
from crossmodal.production.jobs import Job, Jobs, padded, place_of, place_of_sample, seed_of
from crossmodal.production.journal import Journal, write_failures
from crossmodal.production.pool import done_by
from crossmodal.production.request import Request, Shard
from crossmodal.production.run import CHUNK, Summary, began
from crossmodal.production.worker import Done, one_line
from crossmodal.recipe import Recipe
from pointcloud.atomic import write_bytes


@dataclass(frozen=True)
class CloudChunk:
    """Work for one process: jobs on one cloud, or one good cloud to copy."""

    out: Path
    request: Request
    ids: dict[str, int]
    source: CloudSource
    jobs: tuple[Job, ...] = ()
    copy: Copy | None = None
    overlap: bool = False


@lru_cache(maxsize=1)  # the next chunk is often of the same cloud
def _analysed(source: CloudSource, reading: Reading) -> Cloud:
    """One cloud with its surface. Errors: ValueError, OSError, among them that nothing tells which side is out."""
    cloud = load_cloud(source, reading)
    _ = cloud.surface
    return cloud


def work(chunk: CloudChunk) -> list[Done]:
    """Make a chunk. A sample that cannot be made is a failure with its reason, and leaves no file."""
    reading = chunk.request.reading
    if chunk.copy is not None:
        try:
            write_cloud_copy(chunk.out, chunk.copy, reading)
        except (ValueError, OSError) as error:
            return [Done(chunk.copy.sample, failure={
                "id": chunk.copy.sample, "source": chunk.source.path, "kind": "good",
                "seed": chunk.request.seed, "reason": one_line(error)})]
        return [Done(chunk.copy.sample)]
    try:
        cloud, hashes = _analysed(chunk.source, reading), chunk.source.hashes()
    except (ValueError, OSError) as error:
        return [_failed(chunk, job, error) for job in chunk.jobs]
    origin = {"path": chunk.source.path, "sha256": hashes, **chunk.source.read_as(reading),
              **({"overlap": True} if chunk.overlap else {})}
    return [_made(chunk, job, cloud, origin) for job in chunk.jobs]


def _made(chunk, job, cloud, origin):
    from crossmodal.synthesis import synthesize  # compiled loops load here, in the process that needs them

    request, seed = chunk.request, seed_of(chunk.request, job)
    try:
        result = synthesize(cloud, request.lines[job.line].recipe, seed)
        sample = f"test/{folder_of(result.plan)}/{padded(request, job.number)}"
        entry = write_cloud_sample(chunk.out, sample, result, chunk.ids, origin, seed, request.prompt)
    except Exception as error:  # one sample's trouble, whatever it is, must not stop the others
        return _failed(chunk, job, error)
    return Done(place_of(request, job), entry=entry, warnings=tuple(result.warnings))


def _failed(chunk, job, error):
    place = place_of(chunk.request, job)
    return Done(place, failure={
        "id": place, "source": chunk.source.path, "kind": chunk.request.lines[job.line].folder,
        "seed": seed_of(chunk.request, job), "reason": one_line(error)})


def without_colour(sources: Sequence[CloudSource], request: Request) -> Request:
    """The request without what only colour would show, where the first cloud that can be read has none.

    Errors: ValueError, OSError of the first cloud where none can be read; ValueError where nothing is left.
    """
    first = None
    for source in sources:
        try:
            cloud = _analysed(source, request.reading)
            break
        except (ValueError, OSError) as error:
            first = first or error
    else:
        raise first
    if cloud.rgb is not None:
        return request
    lines = tuple(line for line in request.lines if not all(map(shows_in_colour_alone, _asked(line.recipe))))
    if not lines:
        raise ValueError(f"{sources[0].file} has no colours, and what was asked for changes colour alone; "
                         "ask for other kinds, or give clouds with colours")
    return replace(request, lines=lines)


def _asked(recipe: Recipe | Method) -> tuple[Spec | Method, ...]:
    return (recipe,) if isinstance(recipe, Method) else recipe.defects


def produce_clouds(root: Path, sources: Sequence[CloudSource], out: Path, request: Request, *, workers: int = 1,
                   resume: bool = False, shard: Shard | None = None,
                   progress: Callable[[int, int], None] = lambda done, of: None,
                   warn: Callable[[str], None] = lambda sentence: None) -> Summary:
    """Make a request's samples of good clouds below `out`; arguments and guarantees as of production.run.produce."""
    if workers < 1:
        raise ValueError(f"--workers must be at least 1, but got {workers}")
    shard = shard or Shard()
    division = divide(sources, request)
    ids = assigned({}, request.kinds)
    checked_out(out, root)
    record = {"clouds": True, "viewpoint": None, **division.pool[0].read_as(request.reading)}
    began(out, request.record(sources) | record, shard, resume)
    jobs = Jobs.of(request, division)
    journal = Journal.opened(out / f".journal{shard.suffix}.jsonl", finish.manifests(out),
                             lambda sample: place_of_sample(request, sample), out)
    mine = [place_of(request, job) for chunk in jobs.chunks(shard, CHUNK) for job in chunk]
    finish.sweep(out, request, set(mine), shard)
    kept = sum(place in journal.places for place in mine)
    write_bytes(out / "class_ids.json", encoded(ids))
    made, copies, failures, warnings, interrupted = 0, 0, [], {}, False
    progress(kept, len(mine))
    try:
        for done in done_by(workers, _chunks(out, request, ids, division, jobs, shard, journal), work):
            entries = [(one.place, one.entry) for one in done if one.entry is not None]
            if entries:
                journal.append(entries)
            made += len(entries)
            copies += sum(one.entry is None and one.failure is None for one in done)
            failures += [one.failure for one in done if one.failure is not None]
            for sentence in (text for one in done for text in one.warnings if text not in warnings):
                warnings[sentence] = None
                warn(sentence)
            progress(kept + made, len(mine))
    except KeyboardInterrupt:
        interrupted = True
    if not interrupted:
        journal.write_sorted(out / f"manifest{shard.suffix}.jsonl", mine)
        write_failures(out / f"failures{shard.suffix}.jsonl", failures)
        journal.path.unlink(missing_ok=True)
        finish.merge_shards(out, shard)
        finish.drop_empty(out)
    return Summary(out, made, kept, len(mine), copies, journal.counted(mine),
                   tuple(sorted(failures, key=lambda failure: failure["id"])), tuple(warnings), interrupted)


def _chunks(out, request, ids, division: Division, jobs: Jobs, shard, journal) -> Iterator[CloudChunk]:
    for copy in division.copies[shard.index - 1::shard.of]:
        yield CloudChunk(out, request, {}, copy.source, copy=copy)
    for chunk in jobs.chunks(shard, CHUNK):
        todo = tuple(job for job in chunk if place_of(request, job) not in journal.places)
        if todo:
            source = division.pool[todo[0].capture]
            yield CloudChunk(out, request, ids, source, todo, overlap=source.path in division.overlap)
