"""Methods that ship with the package, one YAML file each beside this one, and those that a user wrote."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError

from crossmodal.methods.spec import Method
from crossmodal.recipe import one_line


@lru_cache
def names() -> tuple[str, ...]:
    """What there is to load, in alphabetical order."""
    return tuple(sorted(path.name.removesuffix(".yaml") for path in files(__package__).iterdir()
                        if path.name.endswith(".yaml")))


def method(name: str | Path, as_published: bool = False) -> Method:
    """A method by name, or from a YAML file. Errors: ValueError for another name, or for what is no method."""
    if str(name).endswith((".yaml", ".yml")):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise ValueError(f"{name} cannot be read: {error.strerror}") from None
    elif str(name) in names():
        text = (files(__package__) / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        raise ValueError(f"method must be one of {', '.join(names())}, or a .yaml file, but got {str(name)!r}")
    found = _parsed(str(name), text)
    return found.published() if as_published else found


def _parsed(name: str, text: str) -> Method:
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ValueError(f"{name} is no method; begin it with a line that says name:")
    try:
        return Method.model_validate(data)
    except ValidationError as error:
        raise ValueError(f"{name}: {one_line(error)}") from None
