"""Chunks in, results out: in this process, or by single-threaded processes that share nothing."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from typing import Any

from crossmodal.production.worker import THREADS, Done, begin, work

_AHEAD = 2
"""Chunks waiting for each process: enough to keep it busy, too few to fill memory."""


def done_by(workers: int, chunks: Iterable, work: Callable[[Any], list[Done]] = work) -> Iterator[list[Done]]:
    """Every chunk's results as they come, in any order. Raises KeyboardInterrupt after the last finished one.

    Errors: ChildProcessError when a process dies, as for want of memory.
    """
    return _alone(chunks, work) if workers == 1 else _together(workers, chunks, work)


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV on one thread: the last bit of some of its results hangs on how many there are."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _alone(chunks, work):
    with one_thread():
        for chunk in chunks:
            yield work(chunk)


def _together(workers, chunks, work):
    waiting = iter(chunks)
    with _single_threaded(), ProcessPoolExecutor(workers, get_context("spawn"), begin) as executor:
        running = set()
        try:
            more = True
            while more or running:
                while more and len(running) < workers * _AHEAD:
                    chunk = next(waiting, None)
                    more = chunk is not None
                    if more:
                        with _deaf():
                            running.add(executor.submit(work, chunk))
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        except KeyboardInterrupt:
            executor.shutdown(wait=True, cancel_futures=True)
            for future in running:
                if future.done() and not future.cancelled():
                    yield future.result()
            raise
        except BrokenProcessPool:
            raise ChildProcessError("a worker process died (out of memory?); "
                                    "go on with --resume and fewer --workers") from None
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _single_threaded():
    # Set before the processes start, since these libraries read it when they are loaded.
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _deaf():
    # A process that starts here inherits that Ctrl-C is not for it; until `begin` runs it could not say so.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if not hasattr(signal, "pthread_sigmask"):  # Windows cannot hold a signal back
        yield
        return
    resource_tracker.ensure_running()  # started later, it would let the signal through again
    # Held back, not ignored: what comes now is told when it is let through.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
