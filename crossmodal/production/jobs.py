"""Which job makes what: fixed by the request before work starts, whoever does the work."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crossmodal.production.division import Division
from crossmodal.production.request import Request, Shard
from crossmodal.streams import stream


@dataclass(frozen=True)
class Job:
    """One sample to make. line: of the request; number: NNN within that line; capture: index in the pool; views:
    how many samples in a row, of one defect in as many views, share their draw."""

    line: int
    number: int
    capture: int
    views: int = 1


@dataclass(frozen=True)
class Jobs:
    """All jobs of a run, as three parallel int32 arrays in the order of their index."""

    line: np.ndarray
    number: np.ndarray
    capture: np.ndarray
    views: int = 1

    @classmethod
    def of(cls, request: Request, division: Division) -> "Jobs":
        """Lines in a seeded round-robin; within a line every capture of the pool once before any twice."""
        many, pool = len(request.lines), len(division.pool)
        line, number, capture = (np.empty(request.count, np.int32) for _ in range(3))
        turns: dict[int, np.ndarray] = {}
        made = [0] * many
        for first in range(0, request.count, many):
            order = stream(request.seed, "kinds", first // many).permutation(many)
            for index, which in zip(range(first, min(first + many, request.count)), order, strict=False):
                done = made[which]
                if done % pool == 0:
                    name = request.lines[which].name
                    turns[which] = stream(request.seed, "captures", name, done // pool).permutation(pool)
                line[index], number[index], capture[index] = which, done, turns[which][done % pool]
                made[which] += 1
        if division.pool[0].view:  # every defect is seen by every view of the rig
            return cls(np.repeat(line, pool), (number[:, None] * pool + np.arange(pool)).ravel(),
                       np.tile(np.arange(pool), request.count), pool)
        return cls(line, number, capture)

    def chunks(self, shard: Shard, size: int) -> Iterator[list[Job]]:
        """This shard's jobs, at most `size` at a time and all on one capture, so that it is read once."""
        mine = np.arange(shard.index - 1, len(self.line), shard.of)
        mine = mine[np.argsort(self.capture[mine], kind="stable")]
        chunk: list[Job] = []
        for index in mine:
            job = Job(int(self.line[index]), int(self.number[index]), int(self.capture[index]), self.views)
            if chunk and (len(chunk) == size or chunk[0].capture != job.capture):
                yield chunk
                chunk = []
            chunk.append(job)
        if chunk:
            yield chunk


def padded(request: Request, number: int) -> str:
    """NNN: as many digits as the run's largest number needs, three at least."""
    return f"{number:0{max(3, len(str(request.count - 1)))}d}"


def seed_of(request: Request, job: Job) -> int:
    """The sample's own seed: its line and number decide it, so that another kind or count does not."""
    return int(stream(request.seed, "sample", request.lines[job.line].name, job.number // job.views).integers(2**32))


def place_of(request: Request, job: Job) -> str:
    """What a job is known by before it is drawn: its folder and number, or ``recipe`` and number."""
    return f"test/{request.lines[job.line].name}/{padded(request, job.number)}"


def place_of_sample(request: Request, sample: str) -> str:
    """The same for a sample's id, "test/dent/003"."""
    if len(request.lines) == 1 and request.lines[0].folder is None:
        return f"test/{request.lines[0].name}/{sample.rsplit('/', 1)[1]}"
    return sample
