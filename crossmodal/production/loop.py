"""The loop of a run: begun once, what is left of it done by any number of processes, recorded as it comes."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crossmodal.datasets.destination import checked_out
from crossmodal.production import finish
from crossmodal.production.division import Division
from crossmodal.production.jobs import Jobs, place_of, place_of_sample
from crossmodal.production.journal import Journal, write_failures
from crossmodal.production.pool import done_by
from crossmodal.production.request import Request, Shard
from crossmodal.production.worker import Chunk, Done
from pointcloud.atomic import write_bytes

CHUNK = 8
"""Samples a process makes of one source before it reports: what an interruption can cost, at most."""


@dataclass(frozen=True)
class Summary:
    """What a run came to. made, kept: samples of this run and of an earlier one; kinds: samples by folder."""

    out: Path
    made: int
    kept: int
    asked: int
    copies: int
    kinds: dict[str, int]
    failures: tuple[dict, ...]
    warnings: tuple[str, ...]
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0 done, 1 something failed, 130 interrupted."""
        return 130 if self.interrupted else 1 if self.failures else 0


@dataclass(frozen=True)
class Run:
    """Whose samples are made where, which part of them, by how many processes, and who is told; see run.produce."""

    root: Path
    out: Path
    request: Request
    division: Division
    shard: Shard
    workers: int
    resume: bool
    progress: Callable[[int, int], None]
    warn: Callable[[str], None]

    def __post_init__(self):
        if self.workers < 1:
            raise ValueError(f"--workers must be at least 1, but got {self.workers}")


@dataclass
class _Tally:
    warn: Callable[[str], None]
    made: int = 0
    copies: int = 0
    unseen: int = 0
    failures: list[dict] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)

    def add(self, done: list[Done]) -> None:
        self.made += sum(one.entry is not None for one in done)
        self.copies += sum(one.entry is None and one.failure is None and not one.unseen for one in done)
        self.unseen += sum(one.unseen for one in done)
        self.failures += [one.failure for one in done if one.failure is not None]
        self.tell(text for one in done for text in one.warnings)

    def tell(self, sentences: Iterable[str]) -> None:
        """Pass on each sentence once."""
        for sentence in sentences:
            if sentence not in self.warnings:
                self.warnings[sentence] = None
                self.warn(sentence)


def first_read(sources: Sequence, read: Callable) -> tuple:
    """(source, what was read of it) of the first that can be read, which stands for all: a wrong unit or a coarse
    sensor is the dataset's. Errors: ValueError, OSError of the first one where none can be."""
    first = None
    for source in sources:
        try:
            return source, read(source)
        except (ValueError, OSError) as error:
            first = first or error
    raise first


def carried_out(run: Run, record: dict, chunk_of: Callable[..., Chunk], work: Callable[[Chunk], list[Done]], *,
                before: Callable[[], None], after: Callable[[], None], foreseen: Iterable[str] = ()) -> Summary:
    """Make what of a run is not made yet.

    record: for run.json; chunk_of: (source, jobs or copy, overlap) → the work of one process, which `work` does;
    before, after: write what stands beside the samples, once the run may begin and once all is recorded;
    foreseen: what is warned of before anything is made
    Errors: ValueError, OSError: a bad `out`, or one that holds another run, before anything is written.
    """
    out, request, shard = run.out, run.request, run.shard
    tally = _Tally(run.warn)
    tally.tell(foreseen)
    checked_out(out, run.root)
    _begin(out, record, shard, run.resume)
    jobs = Jobs.of(request, run.division)
    journal = Journal.opened(out / f".journal{shard.suffix}.jsonl", finish.manifests(out),
                             lambda sample: place_of_sample(request, sample), out)
    mine = [place_of(request, job) for chunk in jobs.chunks(shard, CHUNK) for job in chunk]
    finish.sweep(out, request, set(mine), shard)
    kept = sum(place in journal.places for place in mine)
    before()
    interrupted = False
    run.progress(kept, len(mine))
    try:
        for done in done_by(run.workers, _chunks(run, jobs, journal, chunk_of), work):
            if made := [(one.place, one.entry) for one in done if one.entry is not None]:
                journal.append(made)
            tally.add(done)
            run.progress(kept + tally.made, len(mine) - tally.unseen)
    except KeyboardInterrupt:
        interrupted = True
    if not interrupted:
        journal.write_sorted(out / f"manifest{shard.suffix}.jsonl", mine)
        write_failures(out / f"failures{shard.suffix}.jsonl", tally.failures)
        journal.path.unlink(missing_ok=True)
        finish.merge_shards(out, shard)
        after()
        finish.drop_empty(out)
    return Summary(out, tally.made, kept, len(mine) - tally.unseen, tally.copies, journal.counted(mine),
                   tuple(sorted(tally.failures, key=lambda failure: failure["id"])), tuple(tally.warnings),
                   interrupted)


def _chunks(run: Run, jobs: Jobs, journal: Journal, chunk_of) -> Iterator[Chunk]:
    for copy in run.division.copies[run.shard.index - 1::run.shard.of]:
        yield chunk_of(copy.source, copy=copy)
    for chunk in jobs.chunks(run.shard, CHUNK):
        todo = tuple(job for job in chunk if place_of(run.request, job) not in journal.places)
        if todo:
            source = run.division.pool[todo[0].capture]
            yield chunk_of(source, jobs=todo, overlap=source.path in run.division.overlap)


def _begin(out: Path, record: dict, shard: Shard, resume: bool) -> None:
    """Write run.json, which is what a resumed or a sharded run must agree with. Raises ValueError where it does not."""
    text = (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode()
    path = out / "run.json"
    names = {"manifest.jsonl", f"manifest{shard.suffix}.jsonl", f".journal{shard.suffix}.jsonl"}
    if shard.of == 1:
        names.add(path.name)  # a part finds it there when another part began first
    if not resume:
        if any((out / name).exists() for name in names):
            raise ValueError(f"{out} already holds a run; go on with it by --resume, or choose another --out")
        if not path.exists() and any((out / name).exists() for name in ("train", "validation", "test")):
            raise ValueError(f"{out} already holds a dataset; choose an empty folder as --out")
    if path.exists() and (resume or shard.of > 1) and path.read_bytes() != text:
        raise ValueError(f"{out} was begun with another {_difference(path, record)}; "
                         "give the same options again, or choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text)


def _difference(path, record):
    try:
        before = json.loads(path.read_bytes())
        return next(key for key in record if before.get(key) != record[key])
    except (ValueError, AttributeError, StopIteration):
        return "request"
