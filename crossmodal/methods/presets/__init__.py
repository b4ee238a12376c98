"""Methods that ship with the package, one YAML file each beside this one, and those that a user wrote."""

from difflib import get_close_matches
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
        raise ValueError(_unknown(str(name)))
    return found.published() if as_published else found


def _unknown(name: str) -> str:
    """Why there is no such method, and what to ask for instead."""
    from crossmodal.methods.table import rows  # which reads the presets

    for row in rows():
        if name.lower() in (row.method, row.title.lower()) and row.method not in names():
            return (f"{row.title} {row.status}: " + (
                f"crossmodal.methods.feature.FEATURE_METHODS[{row.method!r}] makes features for a training loop"
                if row.kind == "feature" else row.needs))
    alike = get_close_matches(name.lower(), names(), 3, 0.5)
    return (f"method must be one of those that crossmodal methods lists, or a .yaml file, but got {name!r}"
            + (f"; is it {' or '.join(alike)}?" if alike else ""))
