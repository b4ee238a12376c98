"""What one process does: read a capture once, make its samples, hand back their manifest lines."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crossmodal.clouds.result import CloudResult
from crossmodal.datasets import Source, load
from crossmodal.datasets.clouds import CloudSource
from crossmodal.datasets.copies import Copy, write_copy
from crossmodal.datasets.mvtec3d_writer import folder_of, write_sample
from crossmodal.datasets.remembered import read_as
from crossmodal.locate.where import Placing
from crossmodal.production.depth_camera import with_depth_camera
from crossmodal.production.jobs import Job, padded, place_of, seed_of
from crossmodal.production.lighting import stood_in
from crossmodal.production.request import Request
from crossmodal.production.views import seen_in, with_view
from crossmodal.result import Result
from rgb.light import Light

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Chunk:
    """Work for one process: jobs on one capture, in a light that the run knows, or one cloud; or a good one to copy."""

    out: Path
    request: Request
    ids: dict[str, int]
    source: Source | CloudSource
    jobs: tuple[Job, ...] = ()
    copy: Copy | None = None
    overlap: bool = False
    light: Light | None = None


@dataclass(frozen=True)
class Done:
    """What came of one job: a manifest entry, or a failure; and what the noise floor hid.

    unseen: the job's view does not see its defect, so that there is no sample
    """

    place: str
    entry: dict | None = None
    failure: dict | None = None
    warnings: tuple[str, ...] = ()
    unseen: bool = False


def worked(chunk: Chunk, copy: Callable, read: Callable, make: Callable) -> list[Done]:
    """What comes of a chunk. A sample that cannot be made is a failure with its reason, and leaves no file.

    copy: writes a good capture or cloud; read: chunk → what it is of, and how the manifest says that it was read;
    make: (chunk, job, seed, that, origin) → manifest entry and warnings, or None where the job's view does not see it
    """
    request = chunk.request
    if chunk.copy is not None:
        sample = chunk.copy.sample
        try:
            copy(chunk.out, chunk.copy, request.reading)
        except (ValueError, OSError) as error:
            return [_failed(chunk, sample, "good", request.seed, error)]
        return [Done(sample)]
    try:
        whole, reading = read(chunk)
        hashes = chunk.source.hashes()
    except (ValueError, OSError) as error:
        return [_failed_job(chunk, job, error) for job in chunk.jobs]
    origin = {"path": chunk.source.path, "sha256": hashes, **reading, **({"overlap": True} if chunk.overlap else {})}
    return [_tried(chunk, job, make, whole, origin) for job in chunk.jobs]


def _tried(chunk, job, make, whole, origin):
    try:
        made = make(chunk, job, seed_of(chunk.request, job), whole, origin)
    except Exception as error:  # one sample's trouble, whatever it is, must not stop the others
        return _failed_job(chunk, job, error)
    place = place_of(chunk.request, job)
    return Done(place, unseen=True) if made is None else Done(place, entry=made[0], warnings=tuple(made[1]))


def _failed_job(chunk, job, error):
    request = chunk.request
    return _failed(chunk, place_of(request, job), request.lines[job.line].folder, seed_of(request, job), error)


def _failed(chunk, place, kind, seed, error):
    return Done(place, failure={"id": place, "source": chunk.source.path, "kind": kind, "seed": seed,
                                "reason": one_line(error)})


def work(chunk: Chunk) -> list[Done]:
    """Make a chunk of samples of a capture, or copy one (see worked)."""
    return worked(chunk, write_copy, _read, partial(_made, Placing(chunk.request.where)))


def _read(chunk):
    return stood_in(load(chunk.source, chunk.request.reading), chunk.light), read_as(chunk.request.reading)


def _made(place, chunk, job, seed, capture, origin):
    from crossmodal.synthesis import synthesize  # compiled loops load here, in the process that needs them

    request, more = chunk.request, {}
    recipe, told = request.recipe(job.line, chunk.source.path), request.told.get(chunk.source.path)
    if chunk.source.view:
        result = seen_in(chunk.source, request.reading, lambda view: place.on(view, recipe), seed)
        if not result.gt.any():
            return None
    elif request.choice is not None:
        best = request.choice.made(capture, place.on(capture, recipe), seed, request.prompt)
        result, more = best.result, {"judged": request.choice.record() | best.record()}
    else:
        result = synthesize(capture, place.on(capture, recipe), seed)
    refuse_its_source(result)
    sample = f"test/{folder_of(result.plan)}/{padded(request, job.number)}"
    entry = write_sample(chunk.out, sample, result, chunk.ids, origin, seed, request.ply, request.prompt,
                         None if told is None else told.record, request.likened)
    entry = with_depth_camera(chunk.out, entry, chunk.source, request.reading, capture, result)
    if chunk.source.view:
        entry = with_view(entry, chunk.source, result.plan, job.number // job.views)
    return entry | place.record() | more, result.warnings


def refuse_its_source(result: Result | CloudResult) -> None:
    """Raises ValueError for a sample that is its source: labelled as a defect it would teach the opposite."""
    if not result.gt.any():
        kinds = ", ".join(dict.fromkeys(planned.kind for planned in result.plan.defects))
        raise ValueError(f"nothing here shows the {kinds} that was made; ask for a larger one, or for another seed")


def one_line(error: BaseException) -> str:
    """An error as one line; what nobody expected also says its type."""
    text = "".join(c if c.isprintable() else "?" for c in " ".join(str(error).split()))
    return text if isinstance(error, ValueError | OSError) and text else f"{type(error).__name__}: {text}"


def begin() -> None:
    """Set up a spawned process: one thread, deaf to Ctrl-C (its parent ends it), gone when the parent is."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody():
    from multiprocessing import parent_process

    parent_process().join()
    os._exit(1)
