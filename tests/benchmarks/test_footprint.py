"""What a process pays before and while it works: import time, and memory over a long run."""

import resource
import subprocess
import sys

import numpy as np
import scenes

LONG_RUN = """
import resource, sys
import numpy as np
import crossmodal as cm
from crossmodal.defects import DEFECTS
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20
print(resident())
frames = [np.load(name) for name in sys.argv[1:]]
camera = cm.Camera(800, 800, 2400.0, 2400.0, 399.5, 399.5)
kinds = [kind() for kind in DEFECTS]  # the warps, which move all of an object, among them
for i in range(200):
    # as production does it: each capture is read anew, its analysis goes with it
    capture = cm.Capture(camera, frames[0], frames[1], str(i))
    cm.synthesize(capture, kinds[i % len(kinds)], seed=i)
    if i in (19, 199):
        print(resident())
# ru_maxrss would remember the process that started this one
print(int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024)
"""


def _cpu_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def test_importing(benchmark):
    took = []

    def run():
        start = _cpu_s()
        subprocess.run([sys.executable, "-c", "import crossmodal"], check=True)
        took.append(_cpu_s() - start)

    benchmark.pedantic(run, rounds=7, warmup_rounds=1)
    benchmark.extra_info.update(table="footprint", what="import crossmodal, interpreter and all (CPU time)", unit="s",
                                value=float(np.median(took[1:])), limit=1)


def test_memory_over_200_samples(benchmark, tmp_path):
    capture = scenes.tilted(800)
    files = [tmp_path / "rgb.npy", tmp_path / "points.npy"]
    for file, array in zip(files, (capture.rgb, capture.points), strict=True):
        np.save(file, array)

    def run():
        done = subprocess.run([sys.executable, "-c", LONG_RUN, *map(str, files)], check=True, text=True,
                              capture_output=True)
        return [float(word) for word in done.stdout.split()]

    empty, early, late, peak = benchmark.pedantic(run, rounds=1)
    benchmark.extra_info.update(table="footprint", what="peak memory over 200 samples of all kinds at 800²", unit="MiB",
                                value=peak, limit=400, note=f"{empty:.0f} MiB after the import, {early:.0f} after 20 "
                                f"samples, {late:.0f} after 200")
