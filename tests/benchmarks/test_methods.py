"""Published methods, lifted: drawn, grown and seen in all modalities."""

import numpy as np
import pytest
import scenes

import crossmodal as cm

SEEDS = range(5)


@pytest.mark.parametrize("name", ["draem", "cutpaste", "nsa"])
@pytest.mark.parametrize("frame", ["plane 400²", "plane 800²"])
def test_one_method(clock, frame, name):
    capture, method = scenes.frame(frame), cm.method(name)
    covered = np.mean([cm.synthesize(capture, method, seed).gt.mean() for seed in SEEDS])
    took = [clock.measured(lambda seed=seed: cm.synthesize(capture, method, seed), capture.rgb, 5) for seed in SEEDS]
    middle = sorted(took, key=lambda pair: pair[1])[len(took) // 2]
    clock(lambda: cm.synthesize(capture, method, 0), capture.rgb, 5, table="methods", frame=frame, method=name,
          covered=float(covered), middle=middle)
