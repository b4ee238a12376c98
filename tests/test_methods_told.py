"""What is told of a method's defect: captions."""

from dataclasses import replace

import pytest
from method_runs import made

import crossmodal as cm
from crossmodal import captures
from crossmodal.guidance import captions as captions_of


@pytest.mark.parametrize(("name", "said", "unsaid"), [
    ("draem", "A draem defect of a foreign texture and relief, ", "another place"),
    ("cutpaste", "A cutpaste defect of matter from another place and its relief, ", "texture"),
    ("af3ad-dent", "An af3ad-dent defect of relief, ", "high"),
    ("cutout", "A cutout defect of char", "deep")])
def test_a_caption_tells_the_method_what_it_changes_its_size_and_its_place(name, said, unsaid):
    _, result, _ = made(name, "pot", 4)
    [caption] = captions_of(result)
    assert caption.startswith(said), caption
    assert unsaid not in caption
    size = result.measured[0]
    for got, word in ((size.length_mm, "long"), (size.max_depth_mm, "deep"), (size.max_height_mm, "high")):
        assert (got > 0.005) == (f"mm {word}" in caption), caption
        if got > 0.005:
            assert float(caption.split(f" mm {word}")[0].split()[-1]) == pytest.approx(got, abs=0.051)
    for sharing, part in (("rgb", "relief"), ("geometry", "texture")):
        blocks = result.plan.defects[0].blocks.model_copy(update={"sharing": (sharing,)})
        told = replace(result, plan=result.plan.model_copy(update={"defects": (
            result.plan.defects[0].model_copy(update={"blocks": blocks}),)}))
        assert part not in captions_of(told)[0]


def test_several_defects_of_methods_and_of_the_catalogue_are_summed_up():
    capture = captures.load("pot")
    asked = ((cm.method("cutout"), 1), (cm.Recipe(defects=(cm.Dent(),)), 9))
    plans = [cm.draw(capture, what, seed) for what, seed in asked]
    both = plans[0].model_copy(update={"defects": tuple(plan.defects[0] for plan in plans)})
    first, *rest = captions_of(cm.replay(capture, both))
    assert first == "A cutout defect and a dent."
    assert len(rest) == 2
