"""A cloud alone: each local kind in 100 000 points, the analysis beside it, and what 2 000 000 take of memory."""

import subprocess
import sys
import time

import numpy as np
import pytest
from cloud_shapes import sphere

import crossmodal as cm

LOCAL = [kind for kind in cm.DEFECTS if kind.extent == "local"]
TWO_MILLION = """
import sys
import numpy as np
import crossmodal as cm
rng = np.random.default_rng(0)
points = rng.normal(size=(2_000_000, 3))
np.save(sys.argv[1], (50 * points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32))
del points
cloud = cm.read_cloud(sys.argv[1], "mm")
for kind in (cm.Hole, cm.Dent, cm.Fibre):
    cm.synthesize(cloud, kind(), seed=1).table
print(int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024)
"""


@pytest.fixture(scope="module")
def ball():
    rng = np.random.default_rng(1)
    points, out = sphere(rng, 100_000)
    cloud = cm.Cloud(1e-3 * points, rng.integers(90, 160, points.shape, dtype=np.uint8), out.astype(np.float32))
    _ = cloud.surface.clear_mm
    return cloud


@pytest.mark.parametrize("kind", LOCAL, ids=lambda kind: kind.model_fields["kind"].default)
def test_one_defect_in_100k_points(benchmark, ball, kind):
    benchmark._timer = time.process_time
    plan = cm.synthesize(ball, kind(), seed=3).plan
    benchmark.pedantic(lambda: cm.replay(ball, plan), rounds=7, warmup_rounds=2)
    name = kind.model_fields["kind"].default
    benchmark.extra_info.update(table="footprint", what=f"{name} in a cloud of 100 000 points", unit="ms",
                                value=1e3 * benchmark.stats.stats.median, limit=100)


def test_the_analysis_of_100k_points(benchmark, ball):
    benchmark._timer = time.process_time

    def run():
        return cm.Cloud(ball.xyz_m).surface.clear_mm

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    benchmark.extra_info.update(table="footprint", what="analysis of a closed cloud of 100 000 points", unit="ms",
                                value=1e3 * benchmark.stats.stats.median, limit=None)


def test_two_million_points_fit(benchmark, tmp_path):
    def run():
        done = subprocess.run([sys.executable, "-c", TWO_MILLION, str(tmp_path / "c.npy")], check=True, text=True,
                              capture_output=True)
        return float(done.stdout)

    peak = benchmark.pedantic(run, rounds=1)
    benchmark.extra_info.update(table="footprint", what="peak memory of a closed cloud of 2 000 000 points",
                                unit="MiB", value=peak, limit=4096)
