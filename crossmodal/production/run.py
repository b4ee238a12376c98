"""A run from start to end: refuse what cannot go well, do the work, record it, finish the dataset."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from crossmodal.datasets import Source, load
from crossmodal.datasets.class_ids import assigned, read_class_ids
from crossmodal.datasets.destination import checked_out
from crossmodal.production import finish
from crossmodal.production.division import Division, divide
from crossmodal.production.jobs import Jobs, place_of, place_of_sample
from crossmodal.production.journal import Journal, write_failures
from crossmodal.production.lighting import shared_light, stood_in
from crossmodal.production.pool import done_by, one_thread
from crossmodal.production.request import Request, Shard
from crossmodal.production.views import write_seen
from crossmodal.production.worker import Chunk
from pointcloud.atomic import write_bytes
from rgb.light import Light

CHUNK = 8
"""Samples a process makes of one capture before it reports: what an interruption can cost, at most."""


ONE_VIEW = "a judge looks at one view, and a rig's or a mesh's are many; leave --judge, --best-of and --least away"


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


@dataclass
class _Tally:
    made: int = 0
    copies: int = 0
    unseen: int = 0
    failures: list[dict] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)


def produce(root: Path, sources: Sequence[Source], out: Path, request: Request, *, workers: int = 1,
            resume: bool = False, shard: Shard | None = None,
            progress: Callable[[int, int], None] = lambda done, of: None,
            warn: Callable[[str], None] = lambda sentence: None) -> Summary:
    """Make a request's samples of one category's captures below `out`, by DESIGN §6.

    root: what the sources were listed from; nothing in it is touched. progress: told (done, asked).
    warn: told each sentence on what a noise floor hides, once, the first ones before anything is made.
    The same request gives the same bytes for any workers, shards and interruptions.
    Errors: ValueError, OSError: bad input or a bad `out`, in one line, before anything is written.
    """
    if workers < 1:
        raise ValueError(f"--workers must be at least 1, but got {workers}")
    shard = shard or Shard()
    division = divide(sources, request)
    if request.choice is not None and division.pool[0].view:
        raise ValueError(ONE_VIEW)
    ids = _class_ids(root, division, request)
    with one_thread():
        light = shared_light(sources, request)
    tally = _Tally()
    for sentence in _foreseen(division, request, light):
        tally.warnings[sentence] = None
        warn(sentence)
    checked_out(out, root)
    began(out, request.record(sources) | {"shared_light": None if light is None else vars(light)}, shard, resume)
    jobs = Jobs.of(request, division)
    journal = Journal.opened(out / f".journal{shard.suffix}.jsonl", finish.manifests(out),
                             lambda sample: place_of_sample(request, sample), out)
    mine = [place_of(request, job) for chunk in jobs.chunks(shard, CHUNK) for job in chunk]
    finish.sweep(out, request, set(mine), shard)
    kept = sum(place in journal.places for place in mine)
    finish.write_small(out, root, division, ids, request)
    chunks = _chunks(out, request, ids, light, division, jobs, shard, journal)
    interrupted = False
    progress(kept, len(mine))
    try:
        for done in done_by(workers, chunks):
            made = [(one.place, one.entry) for one in done if one.entry is not None]
            if made:
                journal.append(made)
            tally.made += len(made)
            tally.copies += sum(one.entry is None and one.failure is None and not one.unseen for one in done)
            tally.unseen += sum(one.unseen for one in done)
            tally.failures += [one.failure for one in done if one.failure is not None]
            for sentence in (text for one in done for text in one.warnings):
                if sentence not in tally.warnings:
                    tally.warnings[sentence] = None
                    warn(sentence)
            progress(kept + tally.made, len(mine) - tally.unseen)
    except KeyboardInterrupt:
        interrupted = True
    if not interrupted:
        journal.write_sorted(out / f"manifest{shard.suffix}.jsonl", mine)
        write_failures(out / f"failures{shard.suffix}.jsonl", tally.failures)
        journal.path.unlink(missing_ok=True)
        finish.merge_shards(out, shard)
        finish.write_configs(out, division, request)
        write_seen(out, division.pool)
        finish.drop_empty(out)
    return Summary(out, tally.made, kept, len(mine) - tally.unseen, tally.copies, journal.counted(mine),
                   tuple(sorted(tally.failures, key=lambda failure: failure["id"])), tuple(tally.warnings),
                   interrupted)


def _class_ids(root: Path, division: Division, request: Request) -> dict[str, int]:
    path = finish.category_folder(root, division) / "class_ids.json"
    return assigned(read_class_ids(path) if path.is_file() else {}, request.kinds)


def _foreseen(division: Division, request: Request, light: Light | None) -> list[str]:
    # The first capture that can be read stands for all: a wrong unit or a coarse sensor is the dataset's.
    first = None
    for source in [one for one in division.pool if one.path in request.told] or division.pool:
        try:
            capture = stood_in(load(source, request.reading), light)
            break
        except (ValueError, OSError) as error:
            first = first or error
    else:
        raise first
    from crossmodal.synthesis import draw, forecast

    sentences: dict[str, None] = {}
    for line in range(len(request.lines)):
        try:
            recipe = request.recipe(line, source.path)
            sentences |= dict.fromkeys(forecast(capture, draw(capture, recipe, request.seed)))
        except ValueError:  # no place on this capture; the others may have one
            continue
    return list(sentences)


def began(out: Path, record: dict, shard: Shard, resume: bool) -> None:
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


def _chunks(out, request, ids, light, division, jobs, shard, journal) -> Iterator[Chunk]:
    for copy in division.copies[shard.index - 1::shard.of]:
        yield Chunk(out, request, {}, copy.source, copy=copy)
    for chunk in jobs.chunks(shard, CHUNK):
        todo = tuple(job for job in chunk if place_of(request, job) not in journal.places)
        if todo:
            source = division.pool[todo[0].capture]
            own = {path: one for path, one in request.told.items() if path == source.path}
            yield Chunk(out, replace(request, told=own), ids, source, todo, overlap=source.path in division.overlap,
                        light=light)
