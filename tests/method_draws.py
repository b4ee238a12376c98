"""Methods at random: every block that there is, with values that a person could write, most of them odd."""

from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

import numpy as np
from pydantic import BaseModel

from crossmodal.methods.spec import Blocks

DEEPEST = 3  # of blocks within blocks
LEFT_OUT = 0.5  # how often a field is left out
PLAIN = {"bank": None, "donor": None, "folder": "nowhere", "laws": {}}
"""Fields that speak of files, or of other fields."""


def blocks(rng: np.random.Generator) -> dict:
    """Blocks as YAML would hold them."""
    return _model(Blocks, rng, 0)


def _model(model, rng, depth) -> dict:
    out = {}
    for name, field in model.model_fields.items():
        if name == "kind" or field.is_required() or rng.random() > LEFT_OUT:
            out[name] = PLAIN[name] if name in PLAIN else _value(field.annotation, field.default, rng, depth)
    return out


def _value(kind, default, rng, depth):
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _value(parts[0], default, rng, depth)
    if origin is Literal:
        return parts[int(rng.integers(len(parts)))]
    if origin in (Union, UnionType):
        parts = [part for part in parts if part is not NoneType and not (depth >= DEEPEST and _blocky(part))]
        return _value(parts[int(rng.integers(len(parts)))], default, rng, depth)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _model(kind, rng, depth + 1)
    if origin is tuple and parts[-1] is Ellipsis:
        return [_value(parts[0], None, rng, depth) for _ in range(int(rng.integers(2, 5)))]
    if (origin is tuple and parts == (float, float)) or (origin is tuple and _plain(parts[0]) is float):
        return _range(default, rng)
    if origin is tuple:
        return sorted(_value(part, None, rng, depth) for part in parts)
    return {bool: lambda: bool(rng.random() < 0.5), int: lambda: int(rng.integers(0, 12)),
            float: lambda: float(rng.random()), str: lambda: "any"}[kind]()


def _range(default, rng):
    """One number or two about what is usual, far from it at times; sizes in percent as often."""
    in_percent = isinstance(default, tuple) and isinstance(default[0], str)
    usual = max(float(str(default[1]).rstrip("%")), 1e-2) if isinstance(default, tuple) else 10.0
    spread = 5.0 if rng.random() < 0.1 else 0.7
    ends = sorted(float(f"{usual * 10 ** (spread * x):.3g}") for x in rng.normal(size=2))
    if in_percent and rng.random() < 0.5:
        ends = [f"{min(100.0, end):g}%" for end in ends]
        return ends if "e" not in "".join(ends) else "medium"
    if isinstance(default, tuple) and default[0] <= 0 and rng.random() < 0.5 if not in_percent else False:
        ends = sorted((ends[0], -ends[1]))
    return ends[0] if rng.random() < 0.5 else ends


def _plain(kind):
    return _plain(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def _blocky(kind) -> bool:
    """Whether it is a block that holds others."""
    return isinstance(kind, type) and issubclass(kind, BaseModel) and any(
        name in kind.model_fields for name in ("parts", "part", "of"))
