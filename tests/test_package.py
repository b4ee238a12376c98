"""The house itself: what is installed, what importing costs, and the rules that keep the rooms apart."""

import ast
import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import crossmodal

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("rgb", "depth", "pointcloud")
PACKAGES = (*ROOMS, "crossmodal")
HEAVY = ("torch", "torchvision", "open3d", "transformers", "diffusers", "accelerate", "pytorch3d", "ray", "datasets",
         "webdataset", "pycocotools", "rerun", "pandas", "matplotlib", "PIL", "sklearn", "skimage", "pytest")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def python(code: str, cwd: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run code in a fresh interpreter whose current folder comes first on its path."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=cwd, env=environment, text=True,
                          capture_output=True, timeout=600, check=False)


def tracked() -> list[Path]:
    """The files under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_four_packages_import_and_come_from_here(package):
    module = importlib.import_module(package)
    assert Path(module.__file__).resolve() == ROOT / package / "__init__.py"
    assert module.__doc__


def test_the_rooms_say_whose_they_are():
    assert {importlib.import_module(room).ROOM_OF for room in ROOMS} == {PROJECT["project"]["name"]}


def test_the_version_is_said_once():
    assert crossmodal.__version__ == PROJECT["project"]["version"]


def test_importing_crossmodal_imports_nothing_heavy(tmp_path):
    asked = "import crossmodal, crossmodal.cli, sys; print([m for m in sys.argv[1:] if m in sys.modules])"
    done = python(asked, tmp_path, *HEAVY)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_what_comes_when_it_is_first_asked_for_is_found_and_brings_nothing_heavy(tmp_path):
    asked = "import crossmodal as cm, sys; [getattr(cm, name) for name in cm._LATER]; cm.optimise.optimise; "
    done = python(asked + "print([m for m in sys.argv[1:] if m in sys.modules])", tmp_path, *HEAVY)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_demo_runs_where_only_the_base_is_installed(tmp_path):
    blocked = "import sys; sys.modules.update(dict.fromkeys(sys.argv[1:])); import crossmodal.cli as c; "
    done = python(blocked + "sys.exit(c.main(['demo', '--out', 'made']))", tmp_path, *HEAVY)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made" / "demo.png").stat().st_size > 10_000
    lines = (tmp_path / "made" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 16


@pytest.mark.parametrize("room", ROOMS)
def test_a_stray_package_of_a_rooms_name_is_named(room, tmp_path):
    stray = tmp_path / f"{room}.py"
    stray.write_text("value = 1\n", encoding="utf-8")
    done = python("import crossmodal", tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert str(stray) in last
    assert "reinstall crossmodal-anomaly" in last


def test_every_public_name_is_explained():
    for module in (crossmodal, *map(importlib.import_module, ROOMS)):
        for name in module.__all__:
            thing = getattr(module, name)
            if not (inspect.ismodule(thing) or callable(thing)):
                continue  # a value is explained where it stands
            own = thing.__dict__.get("__doc__") if inspect.isclass(thing) else thing.__doc__
            # a dataclass without a docstring of its own gets its signature for one
            assert own, f"{module.__name__}.{name} has no docstring"
            assert not own.startswith(f"{name}("), f"{module.__name__}.{name} has no docstring"


def wheel_of(source: Path, out: Path) -> zipfile.ZipFile:
    done = subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out),
                           str(source)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (made,) = out.glob("*.whl")
    return zipfile.ZipFile(made)


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    """The packages and what describes them, copied, so that building leaves nothing in the checkout."""
    folder = tmp_path_factory.mktemp("source") / "main"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def test_the_wheel_holds_every_file_of_the_packages_and_the_licences(copied, tmp_path):
    with wheel_of(copied, tmp_path) as wheel:
        inside = set(wheel.namelist())
        (metadata,) = (name for name in inside if name.endswith(".dist-info/METADATA"))
        described = wheel.read(metadata).decode()
    want = {names(path) for path in tracked() if path.relative_to(ROOT).parts[0] in PACKAGES}
    assert want - inside == set()
    assert {name for name in inside if ".dist-info/" not in name} - want == set()
    folder = metadata.removesuffix("METADATA") + "licenses/"
    assert {folder + "LICENSE", folder + "crossmodal/captures/LICENSE.txt"} <= inside
    for line in ("Name: crossmodal-anomaly", "License-Expression: Apache-2.0", "Requires-Python: >=3.11"):
        assert line in described


def lint(folder: Path) -> subprocess.CompletedProcess:
    script = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([str(script), "--no-cache"], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(folder)}, timeout=300, check=False)


def test_the_rooms_are_leaves():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("room", "line"), [("rgb", "import depth"), ("depth", "import crossmodal"),
                                            ("pointcloud", "from rgb.light import Light")])
def test_the_contract_catches_a_room_that_reaches_out(room, line, copied, tmp_path):
    folder = shutil.copytree(copied, tmp_path / "main")
    with (folder / room / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    assert lint(folder).returncode == 1


def test_no_file_is_a_drawer_for_everything():
    drawers = {"utils", "util", "base", "common", "core", "helpers", "misc"}
    assert [names(path) for path in SOURCES if {path.stem, *path.parent.parts[-1:]} & drawers] == []


def test_no_file_has_two_subjects():
    long = {names(path): n for path in SOURCES
            if (n := len(path.read_text(encoding="utf-8").splitlines())) > 320}
    assert long == {}, "a file that grows past 300 lines has two subjects"


def test_no_test_folder_is_named_like_a_room():
    folders = {path.name for path in (ROOT / "tests").rglob("*") if path.is_dir()}
    assert not folders & set(PACKAGES)


def test_no_tracked_file_knows_a_machine():
    machine = re.compile(rb"(?<![\w.~}\"'])/(?:work|tmp|root|home|Users|mnt)/[\w.-]")
    told = [f"{names(path)}: {found.group()}" for path in tracked()
            if path.suffix not in (".png", ".pcd", ".tiff") and path != Path(__file__).resolve()
            and (found := machine.search(path.read_bytes()))]
    assert told == []


def test_kernels_are_cached_free_the_lock_and_keep_exact_arithmetic():
    found = 0
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert "fastmath" not in text, names(path)
        for function in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)):
            for mark in function.decorator_list:
                called = ast.unparse(mark.func) if isinstance(mark, ast.Call) else ast.unparse(mark)
                if called.split(".")[-1] not in ("njit", "jit", "vectorize", "guvectorize"):
                    continue
                given = {k.arg: ast.unparse(k.value) for k in mark.keywords} if isinstance(mark, ast.Call) else {}
                where = f"{names(path)}: {function.name}"
                assert given.get("cache") == "True", f"{where} compiles anew in every process"
                assert "parallel" not in given, f"{where} takes more than its process's thread"
                found += 1
    assert found > 10


def fenced(markdown: str, heading: str) -> str:
    """The first fenced block below a heading."""
    below = re.split(rf"^#+ {heading}\s*$", markdown, maxsplit=1, flags=re.MULTILINE)[1]
    return re.search(r"^```\w*\n(.*?)^```", below, re.MULTILINE | re.DOTALL).group(1).strip()


def test_ci_runs_exactly_what_the_readme_says():
    told = fenced((ROOT / "README.md").read_text(encoding="utf-8"), "Tests")
    for part in ("-m venv .venv", 'pip install -c constraints.txt -e ".[all,test]"', "-m pytest -n 2"):
        assert part in told
    done = subprocess.run(["bash", str(ROOT / ".ci" / "run"), "--say-test-command"], cwd=ROOT, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, check=True, timeout=60)
    assert done.stdout.strip() == told


def test_constraints_pin_everything_that_is_required():
    pinned = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, version = line.partition("==")
            assert re.fullmatch(r"[\w.]+", version), f"constraints.txt: {line} is no exact pin"
            pinned[re.sub(r"[-_.]+", "-", name).lower()] = version
    extras = PROJECT["project"]["optional-dependencies"]
    required = PROJECT["project"]["dependencies"] + [r for e in extras.values() for r in e]
    wanted = {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", r).group()).lower() for r in required}
    assert wanted - {"crossmodal-anomaly"} - set(pinned) == set()
