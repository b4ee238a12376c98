"""How time is taken: one thread, process time, and a blur of the same frame before every round to compare with."""

import os
import sys
import time
from pathlib import Path

os.environ.update(dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import numpy as np
import pytest
import tables

cv2.setNumThreads(1)


class Clock:
    """Times a call against a 3-channel 5×5 float32 blur of the same frame, taken in turns with it.

    Process time, because other processes share the machine; the median, because they also share its caches.
    """

    def __init__(self, benchmark):
        self.benchmark = benchmark

    def measured(self, call, rgb, rounds: int = 25) -> tuple[float, float]:
        """(ms, ratio to the blur), beside the benchmark's own table."""
        took, blurs = [], []
        blur = _blur(rgb, blurs)
        held = None  # the last result lives until the next is made, as where it is written out, or timed below
        for turn in range(rounds + 2):
            blur()
            start = time.process_time()
            held = call()
            took += [time.process_time() - start] * (turn > 1)
        del held
        return 1e3 * float(np.median(took)), float(np.median(took) / np.median(blurs))

    def __call__(self, call, rgb, rounds: int, **said):
        blurs = []
        self.benchmark.pedantic(call, setup=_blur(rgb, blurs), rounds=rounds, warmup_rounds=2)
        seconds, blur = self.benchmark.stats.stats.median, float(np.median(blurs))
        self.benchmark.extra_info.update(said, ms=1e3 * seconds, ratio=seconds / blur, blur_ms=1e3 * blur)


def _blur(rgb, times: list):
    frame = np.ascontiguousarray(rgb, np.float32)
    blurred = np.empty_like(frame)

    def blur():
        cv2.blur(frame, (5, 5), dst=blurred)
        start = time.process_time()
        cv2.blur(frame, (5, 5), dst=blurred)
        times.append(time.process_time() - start)

    return blur


@pytest.fixture
def clock(benchmark) -> Clock:
    benchmark._timer = time.process_time
    return Clock(benchmark)


def pytest_terminal_summary(terminalreporter, config):
    session = getattr(config, "_benchmarksession", None)
    told = [bench.extra_info for bench in session.benchmarks] if session else []
    for line in tables.lines([info for info in told if info]):
        terminalreporter.write_line(line)
