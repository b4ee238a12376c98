"""Datasets that mean harm, or were cut short: one line, nothing half-written, the source as it was."""

import io
import json
import re
import shutil
import tarfile
from pathlib import Path

import cv2
import layouts
import numpy as np
import pytest
import trees
from conversions import converted, refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


@pytest.mark.parametrize(("builder", "file", "to"), [
    (layouts.mvtec3d, "test/hole/rgb/000.png", "coco"), (layouts.mvtec3d, "test/hole/xyz/000.tiff", "bop"),
    (layouts.mvtec3d, "test/hole/gt/000.png", "yolo"), (layouts.mvtec3d, "class_ids.json", "yolo"),
    (layouts.eyecandies, "train/data/001_depth.png", "mvtec3d"),
    (layouts.eyecandies, "test_public/data/01_dents_mask.png", "mvtec3d"),
    (layouts.bop, "test/000002/depth/000003.png", "mvtec3d"), (layouts.bop, "test/000001/scene_camera.json", "mvtec3d"),
    (layouts.bop, "test/000001/scene_gt.json", "mvtec3d"), (layouts.realiad, "test/hole/xyz/S0002.tiff", "mvtec3d"),
    (layouts.real3d, "train/1_template.pcd", "webdataset"), (layouts.real3d, "gt/3_bulge.txt", "webdataset"),
    (layouts.mulsen, "Pointcloud/test/hole/0.stl", "coco"), (layouts.mulsen, "RGB/test/hole/0.png", "coco"),
    (layouts.coco, "annotations/instances_val.json", "yolo"), (layouts.yolo, "labels/train/0.txt", "coco")])
def test_a_file_cut_short_leaves_nothing_behind(tmp_path, capsys, builder, file, to):
    for needed in {"coco": ["pycocotools"]}.get(builder.__name__, []):
        pytest.importorskip(needed)
    builder(tmp_path / "part")
    cut(tmp_path / "part" / file)
    before = trees.digests(tmp_path)
    error = refused(capsys, "convert", tmp_path / "part", "--to", to, "--out", tmp_path / "new" / "out")
    assert Path(file).name in error
    assert trees.digests(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


@pytest.mark.parametrize("name", ["webdataset", "huggingface"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_shard_cut_short_is_refused(board, tmp_path, capsys, name, share):
    shards = converted(board[0], name, tmp_path / "shards")
    path = next(path for path in sorted(shards.rglob("*")) if path.suffix in (".tar", ".parquet"))
    path.write_bytes(path.read_bytes()[:int(share * path.stat().st_size)])
    error = refused(capsys, "convert", shards, "--to", "mvtec3d", "--out", tmp_path / "out")
    assert path.name in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("builder", "file"), [
    (layouts.mvtec3d, "test/hole/xyz/000.tiff"), (layouts.eyecandies, "train/data/001_info_depth.yaml"),
    (layouts.bop, "test/000001/depth/000003.png"), (layouts.realiad, "test/hole/xyz/S0002.tiff"),
    (layouts.mulsen, "Infrared/test/hole/0.png"), (layouts.coco, "val/p 0.png"),
    (layouts.bop, "test/000001/mask_visib/000003_000000.png")])
def test_a_missing_partner_is_named(tmp_path, capsys, builder, file):
    if builder is layouts.coco:
        pytest.importorskip("pycocotools")
    builder(tmp_path / "part")
    (tmp_path / "part" / file).unlink()
    error = refused(capsys, "convert", tmp_path / "part", "--to", "webdataset", "--out", tmp_path / "out")
    assert Path(file).stem.split("_")[0] in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("builder", "file"), [
    (layouts.mvtec3d, "test/hole/rgb/000.png"), (layouts.mvtec3d, "test/hole/gt/000.png"),
    (layouts.eyecandies, "train/data/001_normals.png"), (layouts.bop, "test/000001/rgb/000000.png"),
    (layouts.realiad, "test/hole/gt/rgb/part_S0002_L05_RGB.png"), (layouts.real3d, "gt/3_bulge.txt"),
    (layouts.mulsen, "Pointcloud/GT/hole/0.txt"), (layouts.yolo, "labels/train/0.txt"),
    (layouts.mvtec2d, "ground_truth/hole/000_mask.png")])
def test_a_link_out_of_the_tree_is_not_followed(tmp_path, capsys, builder, file):
    builder(tmp_path / "part")
    path = tmp_path / "part" / file
    secret = tmp_path / "secret"
    path.rename(secret)
    path.symlink_to(secret)
    error = refused(capsys, "convert", tmp_path / "part", "--to", "webdataset", "--out", tmp_path / "out")
    assert "leads out of" in error
    assert not (tmp_path / "out").exists()


def test_names_with_spaces_and_line_breaks_become_plain(tmp_path):
    root = tmp_path / "a part"
    for split, kind in (("train", "good"), ("test", "two words\nand a line"), ("test", "..hidden")):
        own = layouts.truth(0, "hole" if split == "test" else "good")
        for stem in ("a b", "c\nd"):
            layouts.png(root / split / kind / "rgb" / f"{stem}.png", own.rgb)
            layouts.xyz(root / split / kind / "xyz" / f"{stem}.tiff", own.points)
            if split == "test":
                layouts.png(root / split / kind / "gt" / f"{stem}.png", layouts.grey(own.union))
    for name in ("mvtec3d", "coco", "real3d-ad"):
        out = converted(root, name, tmp_path / name)
        for path in out.rglob("*"):
            assert path.resolve().is_relative_to(out)
            assert not set(" \n/\\") & set(path.name)
    kinds = {path.name for path in (tmp_path / "mvtec3d" / "test").iterdir()}
    assert kinds == {"two_words_and_a_line"}, "what is hidden is left alone"
    assert [path.name for path in sorted((tmp_path / "mvtec3d" / "train/good/rgb").iterdir())] == ["000.png", "001.png"]


def member(name: str, data: bytes = b"", **more) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, io.BytesIO(data)


def shard(path: Path, *members) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for info, data in members:
            tar.addfile(info, data)
    return path.parent


META = {"category": "../../up", "split": "train", "kind": "../../../etc", "name": "../../../../x", "camera": None,
        "class_ids": {"good": 0, "../../../etc": 255}}


def own_members(key: str, meta: object, xyz: bytes | None = None):
    own = layouts.truth(0)
    buffer = io.BytesIO()
    np.save(buffer, own.points)
    picture = cv2.imencode(".png", own.rgb)[1].tobytes()
    return (member(f"{key}.json", json.dumps(meta).encode()), member(f"{key}.rgb.png", picture),
            member(f"{key}.gt.png", cv2.imencode(".png", layouts.grey(own_box()))[1].tobytes()),
            member(f"{key}.xyz.npy", buffer.getvalue() if xyz is None else xyz))


def own_box() -> np.ndarray:
    return layouts.own_mask("hole")


def test_a_tars_names_lead_nowhere(tmp_path):
    folder = shard(tmp_path / "in" / "train-000000.tar", *own_members("../../../../tmp/evil", META))
    before = trees.digests(tmp_path / "in")
    for name in ("mvtec3d", "coco", "webdataset"):
        out = converted(folder, name, tmp_path / name)
        assert all(path.resolve().is_relative_to(out) for path in out.rglob("*"))
    assert {path.name for path in tmp_path.iterdir()} == {"in", "mvtec3d", "coco", "webdataset"}
    assert trees.digests(tmp_path / "in") == before


def header(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (117 - len(text)) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("members", [
    [member("k.json", type=tarfile.SYMTYPE, linkname="/etc/passwd")],
    [member("k.json", type=tarfile.LNKTYPE, linkname="../../x")],
    [member("k.json", type=tarfile.FIFOTYPE)],
    [member("k.rgb.png", b"no json")],
    own_members("k", None), own_members("k", []), own_members("k", {**META, "class_ids": {"x": 1000}}),
    own_members("k", {**META, "camera": {"width": 1}}),
    own_members("k", META, header("(1000000, 1000000, 3)")), own_members("k", META, header("(-1, -1, 3)")),
    own_members("k", META, b"\x93NUMPY\x01\x00"), own_members("k", META, b""),
    [member("k.json", b"[" * 100_000)],
])
def test_a_hostile_tar_is_refused_in_a_line(tmp_path, capsys, members):
    folder = shard(tmp_path / "in" / "train-000000.tar", *members)
    assert "train-000000.tar" in refused(capsys, "convert", folder, "--to", "mvtec3d", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_tar_that_claims_more_than_it_has_is_refused(tmp_path, capsys):
    info = tarfile.TarInfo("k.json")
    info.size = 1 << 40
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "train-000000.tar").write_bytes(info.tobuf() + b"{}")
    assert "truncated" in refused(capsys, "convert", tmp_path / "in", "--to", "mvtec3d", "--out", tmp_path / "out")


@pytest.mark.parametrize("segmentation", [
    {"size": [48, 64], "counts": [10**15]}, {"size": [48, 64], "counts": [-5, 3077]},
    {"size": [48, 64], "counts": "~~~~"}, {"size": [10**6, 10**6], "counts": [0, 10**12]}, {"counts": [1.5]},
    [[1, 2, 3]], [[1e300, 1, 2, 2, 3, float("nan")]],
    "text", 3, {"size": [48, 64]}])
def test_hostile_annotations_are_refused(tmp_path, capsys, segmentation):
    layouts.png(tmp_path / "in" / "train" / "p.png", layouts.truth(0).rgb)
    layouts.text(tmp_path / "in/annotations/instances_train.json", json.dumps({
        "images": [{"id": 1, "file_name": "p.png", "height": 48, "width": 64}],
        "annotations": [{"image_id": 1, "category_id": 1, "segmentation": segmentation}],
        "categories": [{"id": 1, "name": "hole"}]}))
    assert "cannot be drawn" in refused(capsys, "convert", tmp_path / "in", "--to", "yolo", "--out", tmp_path / "out")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a\0b"])
def test_an_annotation_file_names_no_file_elsewhere(tmp_path, capsys, name):
    layouts.png(tmp_path / "secret.png", layouts.truth(0).rgb)
    (tmp_path / "in" / "train").mkdir(parents=True)
    layouts.text(tmp_path / "in/annotations/instances_train.json", json.dumps({
        "images": [{"id": 1, "file_name": name, "height": 48, "width": 64}], "annotations": [], "categories": []}))
    error = refused(capsys, "convert", tmp_path / "in", "--to", "yolo", "--out", tmp_path / "out")
    assert "leads out of" in error or "is not there" in error


@pytest.mark.parametrize(("builder", "file", "words"), [
    (layouts.eyecandies, "train/data/000_info_depth.yaml", "!!python/object/apply:os.system ['touch owned']"),
    (layouts.eyecandies, "train/data/000_info_depth.yaml", "normalization: {min: .nan, max: .inf}"),
    (layouts.eyecandies, "train/data/000_info_depth.yaml", "[" * 10_000),
    (layouts.bop, "test/000001/scene_camera.json", "[" * 100_000),
    (layouts.bop, "test/000001/scene_camera.json", '{"0": {"cam_K": [1, 2], "depth_scale": 1}}'),
    (layouts.bop, "test/000001/scene_gt.json", '{"0": [{"obj_id": [1]}]}'),
    (layouts.yolo, "data.yaml", "names: !!python/name:os.system"),
    (layouts.yolo, "labels/train/0.txt", "0 1e400 2 3 4"),
    (layouts.yolo, "labels/train/0.txt", "9 0.1 0.1 0.2 0.2 0.3 0.1"), (layouts.real3d, "gt/3_bulge.txt", "1 2 3\n4 5"),
    (layouts.mulsen, "RGB/GT/hole/data.csv", "object\n0,a,b,c\n"), (layouts.mvtec3d, "class_ids.json", "[1, 2]"),
    (layouts.mvtec3d, "class_ids.json", "[" * 100_000)])
def test_hostile_text_is_refused(tmp_path, capsys, monkeypatch, builder, file, words):
    monkeypatch.chdir(tmp_path)
    builder(tmp_path / "part")
    layouts.text(tmp_path / "part" / file, words)
    before = trees.digests(tmp_path)
    error = refused(capsys, "convert", tmp_path / "part", "--to", "webdataset", "--out", tmp_path / "out")
    assert Path(file).name in error
    assert trees.digests(tmp_path) == before


# bytes that nobody chose


BUILDERS = (layouts.mvtec3d, layouts.adam3d, layouts.mvtec2d, layouts.eyecandies, layouts.bop, layouts.real3d,
            layouts.shapenet, layouts.mulsen, layouts.coco, layouts.yolo)
WORDS = (b"", b"0", b"-1", b"1e999", b"nan", b"null", b"[]", b"{}", b'"x"', b"\0", b"\xff\xff\xff\xff",
         b"999999999999", b"../..", b"\n", b",")


@pytest.fixture(scope="module")
def forest(tmp_path_factory) -> list[Path]:
    """A tree of every layout, and shards."""
    pytest.importorskip("pycocotools")
    top = tmp_path_factory.mktemp("forest")
    for builder in BUILDERS:
        builder(top / builder.__name__)
    converted(top / "mvtec3d", "webdataset", top / "webdataset")
    return sorted(top.iterdir())


def spoilt(data: bytes, draw) -> bytes:
    """The bytes with one thing wrong: a byte, an end, a piece or a number."""
    at = draw(st.integers(0, max(len(data) - 1, 0)))
    number = next(re.compile(rb"-?[0-9][0-9.]*").finditer(data, at), None)
    return draw(st.sampled_from((
        data[:at], data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1:], data[:at] + data[at + 4:],
        data[:at] + draw(st.sampled_from(WORDS)) + data[at:],
        data if number is None else data[:number.start()] + draw(st.sampled_from(WORDS)) + data[number.end():])))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a number may become infinite
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_a_file_holds_it_is_converted_or_refused_in_a_line(forest, data):
    root = data.draw(st.sampled_from(forest))
    files = sorted(path for path in root.rglob("*") if path.is_file())
    texts = [path for path in files if path.suffix not in (".png", ".tiff")]
    path = data.draw(st.sampled_from(texts if texts and data.draw(st.booleans()) else files))
    whole = path.read_bytes()
    out = root.parent / "out"
    said = None
    try:
        path.write_bytes(spoilt(whole, data.draw))
        converted(root, data.draw(st.sampled_from(("webdataset", "coco"))), out)
    except (ValueError, OSError) as error:
        said = str(error)
    finally:
        path.write_bytes(whole)
        made = out.is_dir()
        shutil.rmtree(out, ignore_errors=True)
    assert made == (said is None)
    assert "\n" not in (said or "")
    assert sorted(root.parent.iterdir()) == forest
