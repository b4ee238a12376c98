"""Jobs and divisions: which captures are copied, which get which defect, and what a request may ask."""

import json
from pathlib import Path

import numpy as np
import pytest
from runs import entries, request, run

from crossmodal import datasets
from crossmodal.production import Shard, divide
from crossmodal.production.jobs import Jobs, padded, seed_of


def plain_sources(**many):
    return [datasets.Source(f"{split}/good/{i:03d}", Path("a"), Path("b/c/d/e/f"), "xyz", "part", split)
            for split, number in many.items() for i in range(number)]


@pytest.mark.parametrize(("many", "options", "pool", "train", "test"), [
    ({"train": 200, "validation": 20, "test": 20}, {"count": 100}, 40, 200, 20),  # enough: train stays whole
    ({"train": 8, "test": 1}, {"count": 100}, 5, 4, 5),  # half of train at most
    ({"train": 8, "test": 1}, {"count": 3}, 3, 6, 3),
    ({"train": 8}, {"count": 100, "only_defects": True}, 8, 0, 0),
    ({"train": 8, "test": 2}, {"count": 9, "origins": ("test",)}, 2, 8, 2),
    ({"train": 8, "test": 2}, {"count": 9, "origins": ("train",)}, 4, 4, 6),
    ({"train": 8, "test": 2}, {"count": 9, "origins": ("train",), "allow_overlap": True}, 8, 8, 2),
    ({"train": 1}, {"count": 4}, 1, 0, 1),
])
def test_good_captures_are_divided(many, options, pool, train, test):
    division = divide(plain_sources(**many), request(**options))
    by_split = {split: [copy for copy in division.copies if copy.sample.startswith(split)] for split in
                ("train", "test")}
    assert (len(division.pool), len(by_split["train"]), len(by_split["test"])) == (pool, train, test)
    copied = {copy.source.path for copy in by_split["train"]}
    assert bool(copied & {source.path for source in division.pool}) == bool(division.overlap)
    samples = [copy.sample for copy in division.copies]
    assert len(set(samples)) == len(samples)


def test_an_overlap_is_recorded(untouched, tmp_path):
    run(untouched, tmp_path / "out", request(4, origins=("train",), allow_overlap=True))
    assert all(entry["source"]["overlap"] for entry in entries(tmp_path / "out"))
    assert json.loads((tmp_path / "out/run.json").read_text())["allow_overlap"] is True


def test_kinds_are_balanced_and_captures_take_turns():
    wanted = request(14, ("dent", "stain", "bump", "scratch"))
    division = divide(plain_sources(test=5), wanted)
    jobs = Jobs.of(wanted, division)
    counts = np.bincount(jobs.line)
    assert counts.max() - counts.min() <= 1
    for line in range(4):
        mine = jobs.capture[jobs.line == line]
        assert sorted(jobs.number[jobs.line == line]) == list(range(len(mine)))
        assert len(set(mine)) == len(mine)  # four turns at most on five captures
    assert {job for chunk in jobs.chunks(Shard(), 3) for job in chunk} == {
        job for i in (1, 2, 3) for chunk in jobs.chunks(Shard(i, 3), 3) for job in chunk}


def test_another_kind_or_count_changes_no_sample_of_the_first():
    few, more = request(4, ("dent",)), request(30, ("bump", "dent"))
    division = divide(plain_sources(test=12), few)

    def dents(wanted):
        line = [one.name for one in wanted.lines].index("dent")
        chunks = Jobs.of(wanted, division).chunks(Shard(), 8)
        mine = [job for chunk in chunks for job in chunk if job.line == line]
        return {job.number: (job.capture, seed_of(wanted, job)) for job in mine}

    assert dents(few).items() <= dents(more).items()
    assert len({seed for _, seed in dents(more).values()}) == 15


def test_numbers_are_padded_alike():
    assert [padded(request(count), 7) for count in (1, 1000, 1001)] == ["007", "007", "0007"]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "-1/2", "1/0"])
def test_shards_count_from_one(text):
    with pytest.raises(ValueError, match=r"--shard must be i/n with i from 1 to n"):
        Shard.parsed(text)


@pytest.mark.parametrize(("change", "sentence"), [
    ({"count": 0}, "count must be at least 1, but got 0"),
    ({"kinds": ("dnet",)}, "--kinds must be among dent, bump, .*stain.*, but got 'dnet'"),
    ({"kinds": ("dent", "dent")}, "--kinds must name each kind once"),
    ({"origins": ("val",)}, r"--from must name splits \(train, validation, test\), but got 'val'"),
])
def test_requests_are_checked(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        request(**change)
