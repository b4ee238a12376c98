"""Recipes that ship with the package, by name: one for each kind, and a few sets of kinds (the YAML beside this file).

A preset names sizes only where its kind's own, which suit every capture, would not do.
"""

from functools import lru_cache
from importlib.resources import as_file, files

from crossmodal.recipe import Recipe, read_recipe


@lru_cache
def names() -> tuple[str, ...]:
    """What there is to load, in alphabetical order."""
    return tuple(sorted(path.name.removesuffix(".yaml") for path in files(__package__).iterdir()
                        if path.name.endswith(".yaml")))


def preset(name: str) -> Recipe:
    """One recipe by name. Errors: ValueError for another name."""
    with as_file(_path(name)) as path:
        return read_recipe(path)


def about(name: str) -> str:
    """What a preset makes, in the words of its first line. Errors: ValueError for another name."""
    return _path(name).read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")


def _path(name):
    if name not in names():
        raise ValueError(f"preset must be one of {', '.join(names())}, but got {name!r}")
    return files(__package__) / f"{name}.yaml"
