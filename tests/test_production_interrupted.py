"""The same request gives the same bytes, by any workers, shards and interruptions."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trees
from runs import KINDS, request, run

from crossmodal.production import Shard
from crossmodal.production.journal import Journal


def test_two_workers_make_the_same_bytes(untouched, tmp_path, whole):
    assert run(untouched, tmp_path / "out", workers=2).exit_code == 0
    assert trees.digests(tmp_path / "out") == whole


def test_two_shards_make_the_same_bytes_whichever_ends_last(untouched, tmp_path, whole):
    for index in (2, 1):
        summary = run(untouched, tmp_path / "out", shard=Shard(index, 2))
        assert (summary.exit_code, summary.asked) == (0, 3)
        assert (tmp_path / "out/manifest.jsonl").exists() == (index == 1)
    own = trees.digests(tmp_path / "out", "manifest.1-of-2", "manifest.2-of-2", "failures.1-of-2", "failures.2-of-2")
    assert own == whole


COMMAND = "import sys; from crossmodal.cli import main; sys.exit(main(sys.argv[1:]))"
MANY = 96  # samples: still at it when the first are seen to be done


def started(untouched, out, *more):
    # An installed package is found anywhere; a checkout is found from its own folder.
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "synthesize", str(untouched), "--out", str(out), "--kinds", ",".join(KINDS),
         "--count", str(MANY), "--seed", "3", *more],
        cwd=Path(__file__).parents[1], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True)


@pytest.fixture(scope="module")
def many(untouched, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("many") / "out"
    run(untouched, out, request(MANY))
    return trees.digests(out)


def wait_for_some(out: Path, process) -> None:
    """Until samples are recorded, and many more are still to be made."""
    limit = time.monotonic() + 120
    journal = out / ".journal.jsonl"
    while not (journal.exists() and journal.stat().st_size) and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.002)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_is_resumed_to_the_same_bytes(untouched, tmp_path, many, workers):
    out = tmp_path / "out"
    process = started(untouched, out, "--workers", str(workers))
    wait_for_some(out, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run was over before it was killed"
    assert not (out / "manifest.jsonl").exists()
    gone = time.monotonic() + 20  # its workers see that it is gone, and go
    while time.monotonic() < gone and _alive(process.pid):
        time.sleep(0.05)
    assert not _alive(process.pid)
    summary = run(untouched, out, request(MANY), resume=True)
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
def test_ctrl_c_says_one_line_and_keeps_what_is_done(untouched, tmp_path, many, workers):
    out = tmp_path / "out"
    process = started(untouched, out, "--workers", str(workers))
    wait_for_some(out, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the command
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    last = stderr.strip().splitlines()[-1]
    assert last.startswith("interrupted: "), stderr
    assert "--resume" in last
    assert "Traceback" not in stderr
    assert not (out / "manifest.jsonl").exists()
    assert run(untouched, out, request(MANY), resume=True).kept > 0
    assert trees.digests(out) == many


# resuming


def test_resuming_a_finished_run_makes_nothing(untouched, tmp_path, whole):
    run(untouched, tmp_path / "out")
    summary = run(untouched, tmp_path / "out", resume=True)
    assert (summary.made, summary.kept, summary.kinds) == (0, 6, {"dent": 3, "stain": 3})
    assert trees.digests(tmp_path / "out") == whole


def test_resuming_makes_damaged_and_missing_samples_again(untouched, tmp_path, whole):
    out = tmp_path / "out"
    run(untouched, out)
    (out / "test/dent/rgb/001.png").write_bytes(b"damaged")
    (out / "test/stain/gt/000.png").unlink()
    (out / "test/good/rgb/000.png").unlink()
    (out / "test/dent/rgb/.000.png.1.2.part").write_bytes(b"half")
    (out / ".views.9.part/test").mkdir(parents=True)
    assert run(untouched, out, resume=True).made == 2
    assert trees.digests(out) == whole


@pytest.mark.parametrize(("change", "what"), [
    ({"count": 8}, "count"), ({"kinds": ("dent",)}, "recipes"), ({"ply": True}, "ply"),
])
def test_another_request_does_not_resume(untouched, tmp_path, change, what):
    run(untouched, tmp_path / "out")
    before = trees.digests(tmp_path / "out")
    with pytest.raises(ValueError, match=f"was begun with another {what}"):
        run(untouched, tmp_path / "out", request(**change), resume=True)
    assert trees.digests(tmp_path / "out") == before


def test_what_is_there_is_not_written_over(untouched, tmp_path):
    run(untouched, tmp_path / "out")
    with pytest.raises(ValueError, match="already holds a run; go on with it by --resume"):
        run(untouched, tmp_path / "out")
    (tmp_path / "mine/train").mkdir(parents=True)
    with pytest.raises(ValueError, match="already holds a dataset"):
        run(untouched, tmp_path / "mine")


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
