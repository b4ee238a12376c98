"""Libraries that only some formats need: asked for where they are used, missed in one kind line."""

from importlib import import_module
from types import ModuleType


def library(name: str, what: str) -> ModuleType:
    """A module of the export extra. Raises ValueError that says how to install it. what: the format's title."""
    try:
        return import_module(name)
    except ImportError:
        package = {"rerun": "rerun-sdk"}.get(name.split(".")[0], name.split(".")[0])
        raise ValueError(f'{what} needs {package}; pip install "crossmodal-anomaly[export]"') from None
