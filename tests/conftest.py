"""Every property test is repeatable and unhurried: the first call of a compiled kernel may take seconds."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("crossmodal", deadline=None, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.load_profile("crossmodal")


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
