"""Clouds on disk: a format keeps what it is not asked to change, hostile files are one line, runs keep their word."""

import json
from contextlib import suppress

import numpy as np
import pytest
from cloud_shapes import sphere
from hypothesis import given, settings
from hypothesis import strategies as st

import crossmodal as cm
from crossmodal.cli import main
from crossmodal.datasets import Reading
from crossmodal.datasets.clouds import cloud_sources
from crossmodal.production import Request, Shard
from crossmodal.production.clouds import produce_clouds
from pointcloud import Pcd, pack_rgb, read_table, write_pcd, write_table
from pointcloud.ply import write_vertices

FORMATS = (".ply", ".pcd", ".xyz", ".txt", ".npy")
N = 4000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One cloud in mm, with normals, colours and a column of its own where the format has room for it."""
    folder = tmp_path_factory.mktemp("clouds")
    rng = np.random.default_rng(1)
    points, out = sphere(rng, N)
    mm, out = points.astype(np.float32), out.astype(np.float32)
    rgb = rng.integers(60, 200, (N, 3), dtype=np.uint8)
    extra = np.arange(N, dtype=np.float32)
    columns = {name: mm[:, i] for i, name in enumerate("xyz")}
    write_vertices(folder / "c.ply", columns | {n: out[:, i] for i, n in enumerate(("nx", "ny", "nz"))} | {
        n: rgb[:, i] for i, n in enumerate(("red", "green", "blue"))} | {"quality": extra})
    write_pcd(folder / "c.pcd", Pcd(columns | {"rgb": pack_rgb(rgb).view(np.float32), "intensity": extra} | {
        f"normal_{axis}": out[:, i] for i, axis in enumerate("xyz")}, N), "binary")
    np.savetxt(folder / "c.xyz", np.column_stack((mm, rgb, out)), fmt=["%.4f"] * 3 + ["%d"] * 3 + ["%.7f"] * 3,
               header="X Y Z R G B Nx Ny Nz", comments="//")
    np.savetxt(folder / "c.txt", mm, fmt="%.5f", delimiter=",")
    np.save(folder / "c.npy", np.column_stack((mm, out, extra)))
    return folder


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_format_keeps_the_bits_of_what_was_not_touched(files, tmp_path, suffix):
    before = read_table(files / f"c{suffix}")
    cloud = cm.read_cloud(files / f"c{suffix}", unit="mm")
    assert (cloud.rgb is None) == (suffix in (".txt", ".npy"))
    assert (cloud.normals is None) == (suffix == ".txt")
    result = cm.synthesize(cloud, cm.Hole(diameter_mm=10, thickness_mm=2), seed=1)
    write_table(tmp_path / f"out{suffix}", result.table)
    after = read_table(tmp_path / f"out{suffix}")
    assert list(after.columns) == list(before.columns)
    same = ~result.moved & ~result.recoloured
    rows = cloud.rows[result.source[same]]
    for name, values in before.columns.items():
        assert after.columns[name].dtype == values.dtype
        assert after.columns[name][same].tobytes() == values[rows].tobytes()
    assert np.abs(1e-3 * after.xyz - result.after.xyz_m).max() < 1e-8
    if suffix in (".xyz", ".txt"):
        lines = (files / f"c{suffix}").read_bytes().splitlines()[suffix == ".xyz":]
        now = (tmp_path / f"out{suffix}").read_bytes().splitlines()[suffix == ".xyz":]
        assert all(now[i] == lines[row] for i, row in zip(np.flatnonzero(same), rows, strict=True))


def test_text_may_begin_with_a_count_and_hold_shares_as_colours(tmp_path):
    rng = np.random.default_rng(2)
    points, _ = sphere(rng, 200)
    rows = np.column_stack((points, rng.uniform(0, 1, (200, 3))))
    path = tmp_path / "c.asc"
    path.write_text("200\n" + "\n".join(" ".join(f"{v:.6f}" for v in row) for row in rows))
    table = read_table(path)
    assert len(table) == 200
    assert table.rgb is not None
    kept = table.edited(np.arange(10), np.zeros(10, bool), table.xyz[:10], None, np.zeros(10, bool), table.rgb[:10])
    write_table(tmp_path / "o.asc", kept)
    assert (tmp_path / "o.asc").read_text().splitlines() == ["10", *path.read_text().splitlines()[1:11]]


def npy(descr, shape, data):
    """A NumPy file with a header that says so much."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00\x76\x00" + header.encode() + data


BAD = {
    "huge.npy": npy("<f8", (10**12, 3), b"0" * 99),
    "objects.npy": npy("|O", (5, 3), b"cos\nsystem\n(S'true'\ntR."),
    "negative.npy": npy("<f8", (-5, 3), b"0" * 999),
    "unclosed.npy": npy("<f8", "(5,\n(3,", b"0" * 999),
    "words.xyz": b"once upon a time\n" * 9,
    "empty.txt": b"",
    "ragged.txt": b"1 2 3\n4 5\n" * 30,
    "two.asc": b"1 2\n" * 90,
    "count.xyz": b"99999999999\n",
    "huge.ply": b"ply\nformat binary_little_endian 1.0\nelement vertex 1000000000000\nproperty float x\n"
                b"property float y\nproperty float z\nend_header\n" + b"0" * 64,
    "list.ply": b"ply\nformat ascii 1.0\nelement vertex 3\nproperty list uchar float x\nend_header\n1 2\n",
    "few.xyz": b"1 2 3\n" * 9,
    "same.xyz": b"1 2 3\n" * 90,
    "nan.xyz": b"nan nan nan\n" * 90,
    "what.stl": b"solid",
}


@pytest.mark.parametrize("name", BAD)
def test_a_hostile_file_is_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(BAD[name])
    with pytest.raises(ValueError, match=name) as caught:
        cm.read_cloud(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@given(st.sampled_from(FORMATS), st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=0, max_size=8)), max_size=4),
       st.floats(0.01, 1))
@settings(max_examples=60, deadline=None)
def test_no_damage_to_a_file_does_worse_than_a_line(files, suffix, patches, kept):
    data = bytearray((files / f"c{suffix}").read_bytes())
    for where, patch in patches:
        # Half of the damage is in the header, where it tells.
        at = int(where * 2 * min(len(data), 400)) if where < 0.5 else int(where * len(data))
        data[at:at + len(patch)] = patch
    path = files / f"bad{suffix}"
    path.write_bytes(bytes(data[:int(kept * len(data))]))
    with suppress(ValueError, OSError):
        cm.read_cloud(path, unit="mm")
    path.unlink()


@pytest.fixture(scope="module")
def folder(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("source")
    for name in ("a", "b"):
        (out / f"{name}.ply").write_bytes((files / "c.ply").read_bytes())
    return out


def _bytes(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_run_over_clouds_keeps_the_guarantees_of_any_run(folder, tmp_path, capsys):
    out = tmp_path / "out"
    asked = ["--unit", "mm", "--kinds", "dent,hole,stain", "--count", "5", "--seed", "3"]
    assert main(["synthesize", str(folder), "--out", str(out), *asked]) == 0
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert [entry["id"] for entry in entries] == sorted(entry["id"] for entry in entries)
    assert len(entries) == 5
    assert not (out / "failures.jsonl").read_bytes()
    ids = {kind: int(level) for level, kind in json.loads((out / "class_ids.json").read_text()).items()}
    for entry in entries:
        table, labels = read_table(out / entry["files"]["cloud"]), read_table(out / entry["files"]["labels"]).columns
        assert len(table) == len(labels["label"])
        assert set(np.unique(labels["label"])) == {0, ids[entry["kind"]]}
        source = read_table(folder / f"{entry['source']['path']}.ply")
        good = labels["label"] == 0
        assert table.xyz[good].tobytes() == source.xyz[labels["source"][good]].tobytes()
        assert (labels["source"] == -1).sum() == entry["defects"][0]["measured"]["points_added"]
    # Two parts, one after the other, come to the same bytes, and so does a replay.
    request = Request.of_kinds(("dent", "hole", "stain"), 5, seed=3, reading=Reading("mm"))
    parts = tmp_path / "parts"
    for i in (1, 2):
        produce_clouds(folder, cloud_sources(folder), parts, request, shard=Shard(i, 2))
    assert (parts / "manifest.jsonl").read_bytes() == (out / "manifest.jsonl").read_bytes()
    assert _bytes(parts / "test") == _bytes(out / "test")
    again = tmp_path / "again"
    asked_again = ["replay", str(out / "manifest.jsonl"), "--source", str(folder), "--out", str(again)]
    assert main([*asked_again, "--unit", "inch"]) == 2
    assert "was made with --unit mm; say the same" in capsys.readouterr().err
    assert main([*asked_again, "--viewpoint", "0,0,9"]) == 2
    assert "was made without --viewpoint; leave it away" in capsys.readouterr().err
    assert main(asked_again) == 0
    assert "5 with the bytes of the manifest" in capsys.readouterr().out
    made = {name: data for name, data in _bytes(out / "test").items() if not name.startswith("good/")}
    assert _bytes(again / "test") == made
    assert main(["check", str(out), "--source", str(folder)]) == 0
    assert "14 ok, 0 violated, 0 not checked" in capsys.readouterr().out
    # What was cut off half-way is made again.
    (out / entries[0]["files"]["cloud"]).write_bytes(b"half")
    (out / "manifest.jsonl").rename(out / ".journal.jsonl")
    assert main(["synthesize", str(folder), "--out", str(out), *asked, "--resume"]) == 0
    assert (out / "manifest.jsonl").read_bytes() == (parts / "manifest.jsonl").read_bytes()


def test_a_run_over_clouds_is_a_dataset_that_becomes_others(folder, tmp_path, capsys):
    run = tmp_path / "run"
    asked = ["synthesize", str(folder), "--unit", "mm", "--kinds", "dent", "--seed", "3"]
    assert main([*asked, "--out", str(run)]) == 0
    entry = json.loads((run / "manifest.jsonl").read_text())
    source = folder / f"{entry['source']['path']}.ply"
    kept, held = run / "train/good/cloud/000.ply", run / "test/good/cloud/000.ply"
    assert held.read_bytes() == source.read_bytes()
    assert len(list(run.rglob("*/good/cloud/*"))) == 2
    assert kept.is_file()
    assert not read_table(run / "test/good/labels/000.ply").columns["label"].any()
    assert {one.path: one.unit for one in cloud_sources(run)} == {"train/good/000": "mm", "test/good/000": "mm"}
    assert main(["synthesize", str(run), "--out", str(tmp_path / "next"), "--kinds", "bump"]) == 0
    for name, gt, many in (("real3d-ad", "gt/*.txt", 4), ("anomaly-shapenet", "pcd/*/GT/*.txt", 4)):
        out, straight = tmp_path / name, tmp_path / f"straight-{name}" / "run"
        assert main(["convert", str(run), "--to", name, "--out", str(out)]) == 0
        assert main([*asked, "--format", name, "--out", str(straight)]) == 0
        made = {path: data for path, data in _bytes(straight).items() if path.endswith((".pcd", ".txt"))}
        assert made == _bytes(out)
        text = np.loadtxt(next(out.rglob(gt)), delimiter="," if name != "real3d-ad" else None)
        labels = read_table(run / entry["files"]["labels"]).columns
        assert text.shape == (len(labels["label"]), many)
        assert ((text[:, 3] > 0) == (labels["label"] > 0)).all()
        assert np.abs(text[:, :3] - read_table(run / entry["files"]["cloud"]).xyz).max() < 1e-5, "it is in millimetres"
        assert main(["replay", str(straight / "manifest.jsonl"), "--source", str(folder),
                     "--out", str(tmp_path / f"again-{name}")]) == 0
    capsys.readouterr()
    assert main(["convert", str(run), "--to", "mvtec3d", "--out", str(tmp_path / "no")]) == 2
    assert "needs rgb" in capsys.readouterr().err
    assert main([*asked, "--out", str(tmp_path / "no"), "--format", "mvtec3d"]) == 2
    assert "clouds alone do not give" in capsys.readouterr().err
    assert main(["convert", str(run), "--unit", "m", "--to", "real3d-ad", "--out", str(tmp_path / "no")]) == 2
    assert "clouds are in mm" in capsys.readouterr().err
    assert main([*asked, "--out", str(tmp_path / "alone"), "--only-defects"]) == 0
    assert not list((tmp_path / "alone").rglob("good"))
    write_vertices(run / entry["files"]["labels"], {name: values[1:] for name, values in labels.items()})
    capsys.readouterr()
    assert main(["convert", str(run), "--to", "real3d-ad", "--out", str(tmp_path / "no")]) == 2
    assert "no label for each of the" in capsys.readouterr().err


def test_what_cannot_go_well_is_said_before_anything_is_written(files, folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["synthesize", str(folder), "--out", str(out)]) == 2
    assert "say --unit mm" in capsys.readouterr().err
    assert main(["synthesize", str(files / "c.txt"), "--out", str(out), "--unit", "mm", "--kinds", "stain"]) == 2
    assert "has no colours" in capsys.readouterr().err
    half = read_table(files / "c.txt")
    up = np.flatnonzero(half.xyz[:, 2] > 0)
    np.save(tmp_path / "half.npy", half.xyz[up])
    asked = ["synthesize", str(tmp_path / "half.npy"), "--out", str(out), "--unit", "mm", "--kinds", "dent"]
    assert main(asked) == 2
    said = capsys.readouterr().err
    assert "--viewpoint" in said
    assert said.count("\n") == 1
    assert main([*asked, "--viewpoint", "0,0"]) == 2
    assert not out.exists()
    assert main([*asked, "--viewpoint", "0,0,500"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(("gt", "good", "bad"), [
    ("gt", "001_good", "002_bulge"), ("GT", "part_positive0", "part_bulge0")])
def test_the_trees_of_cloud_datasets_are_read_as_they_are(files, tmp_path, gt, good, bad, capsys):
    top = tmp_path / "part"
    for name in ("train", "test", gt):
        (top / name).mkdir(parents=True)
    data = (files / "c.pcd").read_bytes()
    for path in (f"train/{good}", f"test/{good}", f"test/{bad}"):
        (top / f"{path}.pcd").write_bytes(data)
    found = {source.path: source.unit for source in cloud_sources(top)}
    assert found == {f"train/{good}": "mm", f"test/{good}": "mm"}
    out = tmp_path / "out"
    assert main(["synthesize", str(top), "--out", str(out), "--kinds", "bump", "--from", "test"]) == 0
    assert json.loads((out / "manifest.jsonl").read_text())["source"]["path"] == f"test/{good}"
    capsys.readouterr()


def test_captures_are_no_clouds():
    from pathlib import Path

    import crossmodal.captures

    assert cloud_sources(Path(crossmodal.captures.__file__).parent) == []


def test_inspect_says_of_clouds_what_is_assumed_and_what_looks_wrong(folder, tmp_path, capsys):
    assert main(["inspect", str(folder), "--unit", "mm", "--most", "1"]) == 0
    said = capsys.readouterr().out
    assert "clouds alone, 1 looked at" in said
    assert "unit     mm\n" in said
    assert "nothing looks wrong" in said
    assert main(["inspect", str(folder), "--most", "1"]) == 1  # metres, as nothing says
    assert "say --unit" in capsys.readouterr().out
    half = cm.read_cloud(next(iter(sorted(folder.iterdir()))), unit="mm")
    np.savetxt(tmp_path / "half.xyz", half.xyz_m[half.xyz_m[:, 2] > np.median(half.xyz_m[:, 2])])
    assert main(["inspect", str(tmp_path), "--json"]) == 1
    (look,) = json.loads(capsys.readouterr().out)["looks"]
    assert look["closed"] is None
    assert "which side" in look["faults"][0]


def test_what_no_point_shows_is_no_sample(folder, tmp_path, capsys):
    """A crack that lies between the points leaves them as they are: good points, which must not be called bad."""
    recipe, out = tmp_path / "thin.yaml", tmp_path / "out"
    recipe.write_text("defects: [{kind: crack, length_mm: 0.4, width_mm: 0.01, depth_mm: 0.01}]\n")
    main(["synthesize", str(folder), "--out", str(out), "--unit", "mm", "--recipe", str(recipe), "--count", "4"])
    entries, failures = ([json.loads(line) for line in (out / f"{name}.jsonl").read_text().splitlines()]
                         for name in ("manifest", "failures"))
    assert len(entries) + len(failures) == 4
    assert failures
    for entry in entries:
        assert (read_table(out / entry["files"]["labels"]).columns["label"] > 0).any()
    assert {line["reason"] for line in failures} == {
        "nothing here shows the crack that was made; ask for a larger one, or for another seed"}
    written = {path.stem for path in (out / "test/crack").rglob("*") if path.is_file()}
    assert not written & {line["id"].rsplit("/", 1)[1] for line in failures}
