"""Runs: the same request gives the same bytes, by any workers, shards and interruptions; nothing is lost or mixed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import trees

import crossmodal as cm
from crossmodal import datasets
from crossmodal.datasets.source import Reading
from crossmodal.production import Request, Shard, divide, produce
from crossmodal.production.jobs import Jobs, padded, seed_of
from crossmodal.production.journal import Journal
from crossmodal.recipe import Recipe
from depth import read_xyz
from rgb import read_mask, read_rgb

KINDS = ("dent", "stain")


@pytest.fixture(scope="module")
def category(tmp_path_factory) -> Path:
    return trees.write_category(tmp_path_factory.mktemp("source") / "part")


@pytest.fixture(scope="module")
def whole(category, tmp_path_factory) -> dict[str, bytes]:
    """What one worker makes of the request that most tests repeat."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert run(category, out).exit_code == 0
    return trees.digests(out)


def request(count=6, kinds=KINDS, **rest):
    return Request.of_kinds(kinds, count, seed=3, **rest)


def run(category, out, wanted=None, **rest):
    return produce(category, datasets.sources(category), out, wanted or request(), **rest)


def entries(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


# the contract of the tree


def test_the_tree_is_what_the_contract_says(category, tmp_path, whole):
    run(category, tmp_path / "out")
    out = tmp_path / "out"
    names = set(whole)
    for kind in KINDS:
        for word, suffix in (("rgb", "png"), ("xyz", "tiff"), ("gt", "png"), ("gt_rgb", "png"), ("gt_depth", "png"),
                             ("instances", "png"), ("displacement", "tiff")):
            assert {name for name in names if name.startswith(f"test/{kind}/{word}/")} == {
                f"test/{kind}/{word}/{i:03d}.{suffix}" for i in range(3)}
    assert {"class_ids.json", "calibration/camera_parameters.json", "manifest.jsonl", "failures.jsonl",
            "anomalib.yaml"} <= names
    assert whole["failures.jsonl"] == b""
    assert json.loads(whole["class_ids.json"]) == {"255": "hole", "254": "dent", "253": "stain", "0": "good"}
    ids = [entry["id"] for entry in entries(out)]
    assert ids == sorted(ids)
    assert len(ids) == 6
    assert not [name for name in names if "part" in Path(name).suffix or Path(name).name.startswith(".")]


def test_good_captures_are_untouched_copies_with_an_empty_gt(category, whole):
    for split, many in (("validation", 1), ("test", 2)):
        for i in range(many):
            for word, suffix in (("rgb", "png"), ("xyz", "tiff")):
                name = f"{split}/good/{word}/{i:03d}.{suffix}"
                assert whole[name] == (category / name).read_bytes()
    gts = [name for name in whole if name.startswith("test/good/gt/")]
    assert len(gts) == len([name for name in whole if name.startswith("test/good/rgb/")])


def test_outside_its_masks_every_sample_has_its_sources_bits(category, tmp_path):
    run(category, tmp_path / "out")
    for entry in entries(tmp_path / "out"):
        before = read_xyz(datasets.find(category, entry["source"]["path"]).geometry)
        after = read_xyz(tmp_path / "out" / entry["files"]["xyz"])
        mask = read_rgb(tmp_path / "out" / entry["files"]["gt_depth"]).pixels[..., 0] > 0
        assert after[~mask].tobytes() == before[~mask].tobytes()


def test_no_capture_stands_in_both_train_and_test(category, whole):
    train = {whole[name] for name in whole if name.startswith("train/good/rgb/")}
    test = {whole[name] for name in whole if name.startswith("test/good/rgb/")}
    made = {entry["source"]["path"] for entry in map(json.loads, whole["manifest.jsonl"].splitlines())}
    used = {(category / f"{path.rsplit('/', 1)[0]}/rgb/{path[-3:]}.png").read_bytes() for path in made}
    assert train
    assert not train & test
    assert not train & used


def test_only_defects_are_only_defects(category, tmp_path):
    summary = run(category, tmp_path / "out", request(only_defects=True))
    names = trees.digests(tmp_path / "out")
    assert summary.copies == 0
    assert not [name for name in names if "good" in name or "anomalib" in name]
    assert {entry["source"]["path"].split("/")[0] for entry in entries(tmp_path / "out")} <= {
        "train", "validation", "test"}


def test_the_source_is_not_touched(category, tmp_path):
    before = trees.digests(category)
    run(category, tmp_path / "out", workers=1)
    assert trees.digests(category) == before


def test_three_kinds_in_one_capture_have_ids_of_their_own_in_its_masks(category, tmp_path):
    """Read back from the files: instance i is the manifest's i-th defect and carries its kind's class id in gt."""
    three = Recipe(defects=(cm.Dent(diameter_mm=3), cm.Stain(diameter_mm=3), cm.Bump(diameter_mm=3)))
    run(category, tmp_path / "out", Request.of_recipe(three, 2, seed=1))
    ids = json.loads((tmp_path / "out/class_ids.json").read_text())
    for entry in entries(tmp_path / "out"):
        assert entry["id"].startswith("test/combined/")
        gt, instances = (read_mask(tmp_path / "out" / entry["files"][word]) for word in ("gt", "instances"))
        assert [defect["instance"] for defect in entry["defects"]] == [1, 2, 3]
        assert {defect["kind"] for defect in entry["defects"]} == {"dent", "stain", "bump"}
        assert len({defect["class_id"] for defect in entry["defects"]}) == 3
        for defect in entry["defects"]:
            region = instances == defect["instance"]
            assert region.any()
            assert set(gt[region]) == {defect["class_id"]}
            assert ids[str(defect["class_id"])] == defect["kind"]
            assert region.sum() == defect["measured"]["area_px"]
        np.testing.assert_array_equal(gt > 0, instances > 0)


def test_several_kinds_in_a_capture_are_combined_and_two_dents_are_dents(category, tmp_path):
    both = Recipe(defects=(cm.Dent(), cm.Stain()))
    run(category, tmp_path / "both", Request.of_recipe(both, 2, seed=1))
    assert {entry["kind"] for entry in entries(tmp_path / "both")} == {"combined"}
    assert {len(entry["defects"]) for entry in entries(tmp_path / "both")} == {2}
    twice = Recipe(defects=(cm.Dent(diameter_mm=(1.5, 2.5)),), count=2)
    run(category, tmp_path / "twice", Request.of_recipe(twice, 2, seed=1))
    assert [entry["id"] for entry in entries(tmp_path / "twice")] == ["test/dent/000", "test/dent/001"]
    some = Recipe(defects=(cm.Dent(), cm.Stain()), count=1)
    run(category, tmp_path / "some", Request.of_recipe(some, 6, seed=1))
    found = [entry["id"].rsplit("/", 1) for entry in entries(tmp_path / "some")]
    assert sorted(number for _, number in found) == [f"{i:03d}" for i in range(6)]
    assert {folder for folder, _ in found} == {"test/dent", "test/stain"}
    assert run(category, tmp_path / "some", Request.of_recipe(some, 6, seed=1), resume=True).kept == 6


def test_scenes_and_millimetres_give_the_same_layout(tmp_path):
    trees.write_scenes(tmp_path / "scenes", 4)
    for i in range(4):
        trees.write_pair(tmp_path / "mm", f"{i:03d}", trees.good(i), 1e3)
    for name, reading in (("scenes", Reading()), ("mm", Reading("mm"))):
        wanted = request(4, reading=reading, ply=True)
        out = tmp_path / f"{name}.out"
        summary = run(tmp_path / name, out, wanted)
        assert (summary.exit_code, summary.made, summary.copies) == (0, 4, 4)
        for path in out.rglob("*.tiff"):
            if path.parent.name == "xyz":
                xyz = read_xyz(path)
                assert np.isfinite(xyz).all()
                assert 0.2 < np.median(xyz[..., 2]) < 0.5
        assert len(list(out.glob("test/*/points/*.ply"))) == 4


# the same bytes


def test_two_workers_make_the_same_bytes(category, tmp_path, whole):
    assert run(category, tmp_path / "out", workers=2).exit_code == 0
    assert trees.digests(tmp_path / "out") == whole


def test_two_shards_make_the_same_bytes_whichever_ends_last(category, tmp_path, whole):
    for index in (2, 1):
        summary = run(category, tmp_path / "out", shard=Shard(index, 2))
        assert (summary.exit_code, summary.asked) == (0, 3)
        assert (tmp_path / "out/manifest.jsonl").exists() == (index == 1)
    own = trees.digests(tmp_path / "out", "manifest.1-of-2", "manifest.2-of-2", "failures.1-of-2", "failures.2-of-2")
    assert own == whole


COMMAND = "import sys; from crossmodal.cli import main; sys.exit(main(sys.argv[1:]))"


MANY = 160  # samples: still at it when the first are seen to be done


def started(category, out, *more):
    # An installed package is found anywhere; a checkout is found from its own folder.
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "synthesize", str(category), "--out", str(out), "--kinds", ",".join(KINDS),
         "--count", str(MANY), "--seed", "3", *more],
        cwd=Path(__file__).parents[1], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True)


@pytest.fixture(scope="module")
def many(category, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("many") / "out"
    run(category, out, request(MANY))
    return trees.digests(out)


def wait_for_some(out: Path, process) -> None:
    """Until samples are recorded, and many more are still to be made."""
    limit = time.monotonic() + 120
    journal = out / ".journal.jsonl"
    while not (journal.exists() and journal.stat().st_size) and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.002)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_is_resumed_to_the_same_bytes(category, tmp_path, many, workers):
    out = tmp_path / "out"
    process = started(category, out, "--workers", str(workers))
    wait_for_some(out, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run was over before it was killed"
    assert not (out / "manifest.jsonl").exists()
    gone = time.monotonic() + 20  # its workers see that it is gone, and go
    while time.monotonic() < gone and _alive(process.pid):
        time.sleep(0.05)
    assert not _alive(process.pid)
    summary = run(category, out, request(MANY), resume=True)
    assert summary.kept > 0
    assert summary.made + summary.kept == MANY
    assert trees.digests(out) == many


def _alive(session: int) -> bool:
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_says_one_line_and_keeps_what_is_done(category, tmp_path, many, workers):
    out = tmp_path / "out"
    process = started(category, out, "--workers", str(workers))
    wait_for_some(out, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the command
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    last = stderr.strip().splitlines()[-1]
    assert last.startswith("interrupted: "), stderr
    assert "--resume" in last
    assert "Traceback" not in stderr
    assert not (out / "manifest.jsonl").exists()
    assert run(category, out, request(MANY), resume=True).kept > 0
    assert trees.digests(out) == many


# resuming


def test_resuming_a_finished_run_makes_nothing(category, tmp_path, whole):
    run(category, tmp_path / "out")
    summary = run(category, tmp_path / "out", resume=True)
    assert (summary.made, summary.kept, summary.kinds) == (0, 6, {"dent": 3, "stain": 3})
    assert trees.digests(tmp_path / "out") == whole


def test_resuming_makes_damaged_and_missing_samples_again(category, tmp_path, whole):
    out = tmp_path / "out"
    run(category, out)
    (out / "test/dent/rgb/001.png").write_bytes(b"damaged")
    (out / "test/stain/gt/000.png").unlink()
    (out / "test/good/rgb/000.png").unlink()
    (out / "test/dent/rgb/.000.png.1.2.part").write_bytes(b"half")
    (out / ".views.9.part/test").mkdir(parents=True)
    assert run(category, out, resume=True).made == 2
    assert trees.digests(out) == whole


@pytest.mark.parametrize(("change", "what"), [
    ({"count": 8}, "count"), ({"kinds": ("dent",)}, "recipes"), ({"ply": True}, "ply"),
])
def test_another_request_does_not_resume(category, tmp_path, change, what):
    run(category, tmp_path / "out")
    before = trees.digests(tmp_path / "out")
    with pytest.raises(ValueError, match=f"was begun with another {what}"):
        run(category, tmp_path / "out", request(**change), resume=True)
    assert trees.digests(tmp_path / "out") == before


def test_what_is_there_is_not_written_over(category, tmp_path):
    run(category, tmp_path / "out")
    with pytest.raises(ValueError, match="already holds a run; go on with it by --resume"):
        run(category, tmp_path / "out")
    (tmp_path / "mine/train").mkdir(parents=True)
    with pytest.raises(ValueError, match="already holds a dataset"):
        run(category, tmp_path / "mine")


def test_a_torn_journal_line_counts_as_nothing(tmp_path):
    path = tmp_path / "journal.jsonl"
    (tmp_path / "a").write_bytes(b"a")
    entry = {"id": "test/dent/000", "files": {"rgb": "a"},
             "sha256": {"rgb": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}}
    Journal(path).append([("test/dent/000", entry)])
    with open(path, "ab") as file:
        file.write(b'{"id": "test/dent/001", "fi')
    journal = Journal.opened(path, [], lambda sample: sample, tmp_path)
    assert list(journal.places) == ["test/dent/000"]
    journal.append([("test/dent/001", entry | {"id": "test/dent/001"})])
    journal.write_sorted(tmp_path / "sorted.jsonl", ["test/dent/001", "test/dent/000"])
    ids = [json.loads(line)["id"] for line in (tmp_path / "sorted.jsonl").read_text().splitlines()]
    assert ids == ["test/dent/000", "test/dent/001"]


# failures


def test_a_failed_sample_is_named_and_leaves_no_file(tmp_path):
    root = trees.write_category(tmp_path / "part", train=4, validation=0, test=2)
    broken = root / "test/good/rgb/001.png"
    broken.write_bytes(broken.read_bytes()[:500])
    summary = run(root, tmp_path / "out", request(8))
    out = tmp_path / "out"
    assert summary.exit_code == 1
    failures = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert tuple(failures) == summary.failures
    assert {failure["source"] for failure in failures} == {"test/good/001"}
    assert all("is truncated" in failure["reason"] for failure in failures)
    for failure in failures:
        folder, number = failure["id"].rsplit("/", 1)
        assert not list((out / folder).glob(f"*/{number}.*"))
    made = {entry["id"] for entry in entries(out)}
    assert len(made) + len([failure for failure in failures if "good" not in failure["id"]]) == 8
    assert not made & {failure["id"] for failure in failures}


def test_an_unexpected_error_fails_one_sample_and_says_its_type(category, tmp_path, monkeypatch):
    from crossmodal import synthesis

    whole, calls = synthesis.synthesize, []

    def sometimes(*args):
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError("by zero")
        return whole(*args)

    monkeypatch.setattr(synthesis, "synthesize", sometimes)
    summary = run(category, tmp_path / "out")
    assert summary.made == 5
    assert [failure["reason"] for failure in summary.failures] == ["ZeroDivisionError: by zero"]
    assert run(category, tmp_path / "out", resume=True).made == 1


def test_what_cannot_be_placed_leaves_no_empty_folder(category, tmp_path):
    wide = Recipe(defects=(cm.Dent(diameter_mm=(900, 1000)),))
    summary = run(category, tmp_path / "out", Request.of_recipe(wide, 2))
    assert summary.made == 0
    assert len(summary.failures) == 2
    assert not (tmp_path / "out/test/dent").exists()
    assert not (tmp_path / "out/anomalib.yaml").exists()


def test_bad_input_is_refused_before_anything_is_written(tmp_path):
    root = trees.write_category(tmp_path / "part")
    for path in root.glob("*/good/xyz/*.tiff"):
        path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ValueError, match="is truncated or not a TIFF"):
        run(root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# jobs and divisions


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


def test_an_overlap_is_recorded(category, tmp_path):
    run(category, tmp_path / "out", request(4, origins=("train",), allow_overlap=True))
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
