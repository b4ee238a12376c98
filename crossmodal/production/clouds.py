"""A run over clouds alone: the same division, jobs, journal and manifest as over captures, one chunk a cloud."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from crossmodal.clouds.cloud import Cloud
from crossmodal.clouds.synthesis import shows_in_colour_alone
from crossmodal.datasets import Reading
from crossmodal.datasets.class_ids import assigned, encoded
from crossmodal.datasets.cloud_writer import write_cloud_copy, write_cloud_sample
from crossmodal.datasets.clouds import CloudSource, load_cloud
from crossmodal.datasets.mvtec3d_writer import folder_of
from crossmodal.defects import Spec
from crossmodal.methods.spec import Method
from crossmodal.production.division import divide
from crossmodal.production.jobs import padded
from crossmodal.production.loop import Run, Summary, carried_out, first_read
from crossmodal.production.request import Request, Shard
from crossmodal.production.worker import Chunk, Done, refuse_its_source, worked
from crossmodal.recipe import Recipe
from pointcloud.atomic import write_bytes


@lru_cache(maxsize=1)  # the next chunk is often of the same cloud
def _analysed(source: CloudSource, reading: Reading) -> Cloud:
    """One cloud with its surface. Errors: ValueError, OSError, among them that nothing tells which side is out."""
    cloud = load_cloud(source, reading)
    _ = cloud.surface
    return cloud


def work(chunk: Chunk) -> list[Done]:
    """Make a chunk of samples of a cloud, or copy one (see worker.worked)."""
    return worked(chunk, write_cloud_copy, _read, _made)


def _read(chunk):
    reading = chunk.request.reading
    return _analysed(chunk.source, reading), chunk.source.read_as(reading)


def _made(chunk, job, seed, cloud, origin):
    from crossmodal.synthesis import synthesize  # compiled loops load here, in the process that needs them

    request = chunk.request
    result = synthesize(cloud, request.lines[job.line].recipe, seed)
    refuse_its_source(result)
    sample = f"test/{folder_of(result.plan)}/{padded(request, job.number)}"
    entry = write_cloud_sample(chunk.out, sample, result, chunk.ids, origin, seed, request.prompt)
    return entry, result.warnings


def without_colour(sources: Sequence[CloudSource], request: Request) -> Request:
    """The request without what only colour would show, where the first cloud that can be read has none.

    Errors: ValueError, OSError of the first cloud where none can be read; ValueError where nothing is left.
    """
    _, cloud = first_read(sources, lambda one: _analysed(one, request.reading))
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
    division = divide(sources, request)
    run = Run(root, out, request, division, shard or Shard(), workers, resume, progress, warn)
    ids = assigned({}, request.kinds)
    record = {"clouds": True, "viewpoint": None, **division.pool[0].read_as(request.reading)}
    return carried_out(run, request.record(sources) | record, partial(Chunk, out, request, ids), work,
                       before=lambda: write_bytes(out / "class_ids.json", encoded(ids)), after=lambda: None)
