"""Methods that ship with the package, one YAML file each beside this one, and those that a user wrote."""

from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

from crossmodal.methods.spec import Method
from crossmodal.recipe import read_yaml


@lru_cache
def names() -> tuple[str, ...]:
    """What there is to load, in alphabetical order."""
    return tuple(sorted(path.name.removesuffix(".yaml") for path in files(__package__).iterdir()
                        if path.name.endswith(".yaml")))


def method(name: str | Path, as_published: bool = False) -> Method:
    """A method by name, or from a YAML file. Errors: ValueError for another name, or for what is no method."""
    if str(name).endswith((".yaml", ".yml")):
        found = read_yaml(name, Method, "method", "name")
    elif str(name) in names():
        with as_file(files(__package__) / f"{name}.yaml") as path:
            found = read_yaml(path, Method, "method", "name")
    else:
        raise ValueError(f"method must be one of {', '.join(names())}, or a .yaml file, but got {str(name)!r}")
    return found.published() if as_published else found
