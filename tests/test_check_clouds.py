"""check of a run over clouds: what was made passes, in any format and view, and each planted fault is found by name."""

import json
import shutil

import numpy as np
import pytest
from cloud_shapes import box, sphere

from crossmodal.cli import main
from crossmodal.datasets.source import file_hash
from crossmodal.evaluation.cloud_agreement import TESTS, check_clouds
from pointcloud import Pcd, read_ply, write_pcd
from pointcloud.ply import write_vertices

KINDS = "dent,hole,stain,bump"
N = 6000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(the run, the folder that it was made from): two coloured clouds in mm."""
    source, out = tmp_path_factory.mktemp("clouds"), tmp_path_factory.mktemp("made") / "run"
    rng = np.random.default_rng(1)
    for k, shape in enumerate((sphere, box)):
        points, colours = shape(rng, N)[0].astype(np.float32), rng.integers(60, 200, (N, 3), dtype=np.uint8)
        write_vertices(source / f"{k}.ply", {name: points[:, i] for i, name in enumerate("xyz")} | {
            name: colours[:, i] for i, name in enumerate(("red", "green", "blue"))})
    assert main(["synthesize", str(source), "--unit", "mm", "--out", str(out), "--kinds", KINDS, "--seed", "3"]) == 0
    return out, source


@pytest.fixture
def run(made, tmp_path):
    """The same in a folder of its own, to be spoilt."""
    shutil.copytree(made[0], tmp_path / "run")
    return tmp_path / "run"


def violated(run, source=None):
    report = check_clouds(run, source)
    assert report.exit_code == (1 if report.findings else 0)
    assert not any("\n" in found.reason for found in report.findings)
    return {row.test for row in report.rows if row.status == "violated"}


def test_what_was_made_passes_every_test_and_without_the_source_those_of_its_files(made):
    run, source = made
    report = check_clouds(run, source)
    assert {row.status for row in report.rows} == {"ok"}
    by_name = {row.test: row for row in report.rows}
    assert by_name["rows outside the labels"].samples == 4
    assert by_name["moved along their normals"].worst < 20, "on a sphere and on the faces of a box"
    assert by_name["made again from its plan"].worst == 0
    alone = {row.test: row.status for row in check_clouds(run).rows}
    assert {status for name, status in alone.items() if next(t for t in TESTS if t.name == name).needs_source} == {
        "not checked"}
    assert list(alone.values()).count("ok") == 7


def test_the_command_line_prints_the_table_and_says_by_its_exit_code_what_it_found(made, run, tmp_path, capsys):
    assert main(["check", str(run), "--source", str(made[1]), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["exit_code"], said["samples"], said["findings"]) == (0, 6, [])
    (run / "test/hole/labels/000.ply").unlink()
    assert main(["check", str(run)]) == 1
    assert "violated: sibling folders: test/hole: only one of cloud and labels has 000" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    assert main(["check", str(run), "--source", str(tmp_path / "empty")]) == 2
    assert "holds no clouds alone" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "more"), [
    ("a.xyz", ["--kinds", "twist,burr"]), ("a.ply", ["--viewpoint", "0,0,900", "--kinds", "bump,wear"]),
    ("a.ply", ["--recipe", "r.yaml"]), ("a.ply", ["--methods", "af3ad-dent,draem"])])
def test_text_views_recipes_and_methods_pass(name, more, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text("defects:\n- {kind: dent}\n- {kind: scratch}\n- {kind: hole}\ncount: 3\n")
    points, out = sphere(np.random.default_rng(5), N)
    if name.endswith(".xyz"):
        np.savetxt(name, np.column_stack((points, out)), fmt="%.4f")
    else:
        side = points[:, 2] > 0 if "--viewpoint" in more else slice(None)
        write_vertices(tmp_path / name, {axis: points[side, i].astype(np.float32) for i, axis in enumerate("xyz")})
    assert main(["synthesize", name, "--unit", "mm", "--out", "run", "--only-defects", *more]) == 0
    report = check_clouds(tmp_path / "run", tmp_path / name)
    assert not report.findings
    assert next(row for row in report.rows if row.test == "made again from its plan").samples > 0


def sample_of(run, kind):
    """(columns of its cloud, of its labels, its manifest line), to be changed, and what writes them."""
    lines = [json.loads(line) for line in (run / "manifest.jsonl").read_text().splitlines()]
    [line] = [one for one in lines if one["kind"] == kind]
    cloud, labels = ({name: values.copy() for name, values in read_ply(run / line["files"][word]).vertices.items()}
                     for word in ("cloud", "labels"))

    def written():
        for axis in "xyz":
            if len(labels[axis]) == len(cloud[axis]) and not line.get("elsewhere"):
                labels[axis] = cloud[axis]
        for word, columns in (("cloud", cloud), ("labels", labels)):
            write_vertices(run / line["files"][word], columns)
            line["sha256"][word] = file_hash(run / line["files"][word])
        (run / "manifest.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))

    return cloud, labels, line, written


def good(labels):
    return np.flatnonzero(labels["instance"] == 0)[:1]


def nudged(cloud, labels, line):
    cloud["x"][good(labels)] = np.nextafter(cloud["x"][good(labels)], np.float32(99))


def recoloured(cloud, labels, line):
    cloud["red"][good(labels)] += 1


def dropped(cloud, labels, line):
    for columns in (cloud, labels):
        at = good(labels)[0] if columns is cloud else np.flatnonzero(columns["instance"] == 0)[0]
        columns.update({name: np.delete(values, at) for name, values in columns.items()})


def swapped(cloud, labels, line):
    two = np.flatnonzero(labels["instance"] == 0)[:2]
    for columns in (cloud, labels):
        for values in columns.values():
            values[two] = values[two[::-1]]


def of_nowhere(cloud, labels, line):
    labels["source"][good(labels)] = N + 5


def unlabelled(cloud, labels, line):
    labels["instance"][:], labels["label"][:] = 0, 0
    line["defects"][0]["measured"] |= {"points": 0, "points_added": 0}


def overlabelled(cloud, labels, line):
    more = np.flatnonzero(labels["instance"] == 0)[:90]
    labels["instance"][more], labels["label"][more] = 1, line["defects"][0]["class_id"]
    line["defects"][0]["measured"]["points"] += 90


def another_class(cloud, labels, line):
    labels["label"][labels["instance"] == 1] = 7


def of_no_defect(cloud, labels, line):
    labels["instance"][labels["instance"] == 1] = 2


def miscounted(cloud, labels, line):
    line["defects"][0]["measured"]["points"] -= 1


def elsewhere(cloud, labels, line):
    labels["y"][3] += 1
    line["elsewhere"] = True


def nowhere(cloud, labels, line):
    cloud["x"][good(labels)] = np.nan
    line["elsewhere"] = True


def elsewhere_beside_nothing(cloud, labels, line):
    elsewhere(cloud, labels, line)
    for columns in (cloud, labels):
        columns["x"][good(labels)] = np.nan


def unmeasured(cloud, labels, line):
    labels["displacement_mm"][labels["instance"] == 1] = np.nan


def inside_out(cloud, labels, line):
    labels["displacement_mm"] *= -1


def doubled(cloud, labels, line):
    labels["displacement_mm"] *= 2


def aside(cloud, labels, line):
    """Each point that moved goes as far, along the surface."""
    moved = np.flatnonzero((labels["displacement_mm"] != 0) & (labels["source"] >= 0))
    old = read_ply(line["before"]).vertices
    place = np.stack([old[axis][labels["source"][moved]] for axis in "xyz"], -1).astype(float)
    along = np.cross(place, (0.3, 0.5, 0.8))  # of a sphere about the origin
    step = along / np.linalg.norm(along, axis=1, keepdims=True) * labels["displacement_mm"][moved, None]
    for i, axis in enumerate("xyz"):
        cloud[axis][moved] = (place + step)[:, i]


def replanned(cloud, labels, line):
    for word in ("depth_mm", "height_mm"):
        if word in line["plan"]["defects"][0]["spec"]:
            line["plan"]["defects"][0]["spec"][word] = [0.05, 0.05]


OUTSIDE, WAY, AGAIN = "rows outside the labels", "moved along their normals", "made again from its plan"
ROWS, LABELS, COUNTS = "points of the source", "label values", "counts as in the manifest"
POINTS = "labels at their points"
FAULTS = {
    nudged: {OUTSIDE}, recoloured: {OUTSIDE}, dropped: {ROWS}, swapped: {ROWS}, of_nowhere: {ROWS},
    unlabelled: {OUTSIDE, LABELS, AGAIN}, overlabelled: {AGAIN}, another_class: {LABELS},
    of_no_defect: {LABELS, COUNTS, AGAIN}, miscounted: {COUNTS}, elsewhere: {POINTS}, nowhere: {POINTS, OUTSIDE},
    elsewhere_beside_nothing: {POINTS, OUTSIDE}, unmeasured: {LABELS},
    inside_out: {WAY}, doubled: {"moved as displacement says"}, aside: {WAY, AGAIN}, replanned: {AGAIN}}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found_by_the_tests_that_speak_of_it(fault, made, run):
    cloud, labels, line, written = sample_of(run, "dent")
    line["before"] = str(made[1] / f"{line['source']['path']}.ply")
    fault(cloud, labels, line)
    written()
    assert violated(run, made[1]) == FAULTS[fault]


def test_files_that_are_not_what_the_manifest_says_are_told(made, run, tmp_path):
    path = run / "test/stain/cloud/000.ply"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert "files as in the manifest" in violated(run)
    path.write_bytes(b"ply\n")
    (run / "test/bump/labels/000.ply").write_bytes(b"ply\n")
    assert {"readable", "files as in the manifest"} <= violated(run)
    held = next((run / "test/good/cloud").iterdir())
    held.write_bytes(held.read_bytes()[:-1] + b"\0")
    assert "good copies untouched" in violated(run, made[1])
    other = tmp_path / "other"
    shutil.copytree(made[1], other)
    for one in other.iterdir():
        one.write_bytes(one.read_bytes()[:-1] + b"\0")
    assert "source as in the manifest" in violated(run, other)
    (other / "0.ply").unlink()
    assert "source as in the manifest" in violated(run, other)


def test_of_a_run_without_a_manifest_the_labels_are_checked_and_nothing_is_made_up(made, run):
    (run / "manifest.jsonl").unlink()
    statuses = {row.test: row.status for row in check_clouds(run, made[1]).rows}
    assert [name for name, status in statuses.items() if status == "ok"] == [
        "readable", "sibling folders", "labels at their points", "label values", "good copies untouched"]
    path = next((run / "test/good/labels").iterdir())
    labels = {name: values.copy() for name, values in read_ply(path).vertices.items()}
    labels["label"][4] = labels["instance"][4] = 255
    write_vertices(path, labels)
    assert violated(run) == {LABELS}


def test_a_source_that_is_listed_from_above_is_found_by_its_bytes(tmp_path):
    top, points = tmp_path / "top/part", sphere(np.random.default_rng(2), N)[0].astype(np.float32)
    for name in ("train", "test", "gt"):
        (top / name).mkdir(parents=True)
    write_pcd(top / "train/part_1.pcd", Pcd({axis: points[:, i] for i, axis in enumerate("xyz")}, N), "binary")
    run = tmp_path / "run"
    assert main(["synthesize", str(top), "--out", str(run), "--only-defects", "--kinds", "bump"]) == 0
    assert not violated(run, top)
    assert not violated(run, top.parent)
    path = top / "train/part_1.pcd"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert violated(run, top) == violated(run, top.parent) == {"source as in the manifest"}


@pytest.mark.parametrize("spoilt", [
    lambda line: line["plan"].update(defects=[{"kind": "dent"}]), lambda line: line.update(defects=[3]),
    lambda line: line.update(defects=[{"kind": "dent"}]), lambda line: line.update(kind="x", id=7),
    lambda line: line["defects"][0].update(measured={"points": "many"})])
def test_a_line_that_is_none_is_told_and_the_rest_is_checked(spoilt, made, run):
    _, _, line, written = sample_of(run, "dent")
    spoilt(line)
    written()
    report = check_clouds(run, made[1])
    assert next(row for row in report.rows if row.test == OUTSIDE).samples >= 3
    assert not any("\n" in found.reason for found in report.findings)
    assert report.exit_code == (0 if line["id"] == 7 else 1)
