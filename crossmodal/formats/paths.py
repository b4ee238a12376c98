"""Names and small files of trees that others made: nothing leads out of the tree, nothing is taken on trust."""

import json
import re
from pathlib import Path

from crossmodal.yaml_text import Twice, values

SPLIT_NAMES = {"train": "train", "training": "train", "val": "validation", "valid": "validation",
               "validation": "validation", "test": "test", "testing": "test"}
"""Folder name → split; names that begin with one of these and an underscore count too (BOP's train_pbr)."""

PICTURES = (".png", ".jpg", ".jpeg", ".bmp")

_LONGEST = 80


def inside(root: Path, path: Path) -> Path:
    """The path, unless it leads out of root by a link or by `..`. Raises ValueError."""
    try:
        there = path.resolve()
    except (OSError, RuntimeError):  # links in a ring
        there = None
    if there is None or not there.is_relative_to(root.resolve()):
        raise ValueError(f"{path} leads out of {root}; copy the file into the tree")
    return path


def plain(text: str) -> str:
    """A file name's worth of a text from anywhere: no slash, space, line break or leading dot."""
    return re.sub(r"[^\w.+-]+", "_", text).strip("._")[:_LONGEST] or "x"


def split_of(name: str) -> str:
    """The split that a folder's name says, or ""."""
    return SPLIT_NAMES.get(name.lower()) or SPLIT_NAMES.get(name.lower().split("_")[0], "")


def folders(path: Path) -> list[Path]:
    """The folders in a folder, sorted, without hidden ones; none where there is no such folder."""
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")) if path.is_dir() else []


def pictures(folder: Path, root: Path, suffixes: tuple[str, ...] = PICTURES) -> dict[str, Path]:
    """Stem → file of a folder, sorted, all of them inside root; empty where there is no such folder.

    Raises ValueError where a file leads out of root, or two have the same stem.
    """
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith("."):
            if path.stem in files:
                raise ValueError(f"{path} stands beside {files[path.stem].name}; keep one of the two")
            files[path.stem] = inside(root, path)
    return files


def partner(stem: str, mine: Path, others: dict[str, Path], folder: Path) -> Path:
    """The file of the same stem in another folder. Raises ValueError in one line if there is none."""
    if stem not in others:
        raise ValueError(f"{mine} has no partner {stem} in {folder}; add it or remove this file")
    return others[stem]


def read_json(path: Path, kind: type = dict):
    """A JSON file whose value is a dict (or another kind). Raises ValueError in one line."""
    return _parsed(path, json.loads, "JSON", kind)


def read_yaml(path: Path) -> dict:
    """A YAML file of names and values; tags are refused. Raises ValueError in one line."""
    return _parsed(path, values, "YAML", dict)


def _parsed(path, parse, word, kind):
    try:
        value = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); check the path") from None
    except Twice as error:
        raise ValueError(f"{path}: {error}") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is not {word} that can be read; copy it again from the source") from None
    if not isinstance(value, kind):
        raise ValueError(f"{path} holds no {'names' if kind is dict else 'list'}; copy it again from the source")
    return value
