"""What several test files are given; and every property test is repeatable and unhurried, for first calls are slow."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("agreeing", "conversions", "hostile", "laws_agreement", "laws_scale")

settings.register_profile("crossmodal", deadline=None, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.load_profile("crossmodal")


def pytest_runtest_teardown(item, nextitem):
    """What a file has cached goes when its last test is done: a worker runs many files, and keeps no results of all."""
    module = getattr(item, "module", None)
    if module is None or (nextitem is not None and getattr(nextitem, "module", None) is module):
        return
    for value in vars(module).values():
        if hasattr(value, "cache_clear") and getattr(value, "__module__", None) == module.__name__:
            value.cache_clear()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real captures, $CROSSMODAL_SHARED or ../shared beside the checkout; skips without it."""
    folder = Path(os.environ.get("CROSSMODAL_SHARED", Path(__file__).parents[1] / ".." / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("no real captures: set CROSSMODAL_SHARED to a folder that holds data/")
    return folder


@pytest.fixture(scope="session")
def board(tmp_path_factory):
    """(root, {path: Truth}) of a category of MVTec 3D-AD that nothing of ours wrote; to read alone (see layouts)."""
    import layouts

    root = tmp_path_factory.mktemp("layouts") / "board"
    return root, layouts.mvtec3d(root)


@pytest.fixture(scope="session")
def pristine_planes(tmp_path_factory) -> Path:
    import agreeing

    root = tmp_path_factory.mktemp("agreement")
    agreeing.write_tree(root)
    return root


@pytest.fixture
def planes(pristine_planes, tmp_path) -> tuple[Path, Path]:
    """(out, source): a dataset of planes that check finds nothing wrong with, to be spoilt."""
    shutil.copytree(pristine_planes, tmp_path, dirs_exist_ok=True)
    return tmp_path / "out", tmp_path / "source"


@pytest.fixture
def category(tmp_path) -> Path:
    """A category of MVTec 3D-AD (see trees), to be spoilt."""
    import trees

    return trees.write_category(tmp_path / "part")


@pytest.fixture(scope="session")
def untouched(tmp_path_factory) -> Path:
    """A category of MVTec 3D-AD (see trees), to read alone."""
    import trees

    return trees.write_category(tmp_path_factory.mktemp("source") / "part")


@pytest.fixture(scope="session")
def made(untouched, tmp_path_factory) -> Path:
    """What synthesize made of it, to read alone."""
    from crossmodal.cli import main

    out = tmp_path_factory.mktemp("made") / "out"
    assert main(["synthesize", str(untouched), "--out", str(out), "--count", "4", "--seed", "2"]) == 0
    return out


@pytest.fixture(scope="session")
def whole(untouched, tmp_path_factory) -> dict[str, bytes]:
    """What one worker makes of it by the request that most tests of runs repeat."""
    import runs
    import trees

    out = tmp_path_factory.mktemp("whole") / "out"
    assert runs.run(untouched, out).exit_code == 0
    return trees.digests(out)


@pytest.fixture
def pair(tmp_path) -> Path:
    """A folder with rgb/000.png and xyz/000.tiff of a good part, to be spoilt."""
    import trees

    trees.write_pair(tmp_path / "pair", "000", trees.good(0))
    return tmp_path / "pair"


@pytest.fixture(scope="session")
def boxes():
    """A capture that ships with the package."""
    from crossmodal import captures

    return captures.load("boxes")


@pytest.fixture(scope="session")
def scenes() -> list:
    """Two captures that ship with the package, cut to one size as one camera would give them."""
    from dataclasses import replace

    import crossmodal as cm
    from crossmodal import captures

    def cut(capture, width=200, height=160):
        camera = replace(capture.camera, width=width, height=height, cx=99.5, cy=79.5)
        z = capture.depth[:height, :width]
        return cm.Capture.from_depth(capture.rgb[:height, :width].copy(), z, camera, capture.name)

    return [cut(captures.load(name)) for name in ("boxes", "cereal")]


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    """Answers of models are kept in a folder of the test's own."""
    monkeypatch.setenv("CROSSMODAL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def heard(own_cache, monkeypatch):
    """Makes a model of recorded replies, or of JSON as it stands; what it was asked is listed."""
    from recorded import REPLIES

    from crossmodal.vlm import local

    asked = []

    def says(*replies):
        left = [(REPLIES / f"{one}.txt").read_text() if "{" not in one else one for one in replies]

        def reply(model, question):
            asked.append(question)
            return left.pop(0)

        monkeypatch.setattr(local, "reply", reply)
        return asked

    return says
