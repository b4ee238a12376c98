"""Methods at random: every block that there is, drawn from the unions themselves, with values that a person could
write, some of them odd. All are methods; most that are ``spoilt`` are none."""

from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

import numpy as np
from pydantic import AfterValidator, BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from crossmodal.methods.algebra import AnyRegion, Outline, holds
from crossmodal.methods.blends import AnyBlend
from crossmodal.methods.block import options
from crossmodal.methods.contents import AnyContent, Crop, Keep
from crossmodal.methods.draws import AnyLaw
from crossmodal.methods.effects import AnyEffect, Flat, Roughen
from crossmodal.methods.perlin import Perlin
from crossmodal.methods.spec import Blocks

DEEPEST = 3  # of blocks within blocks
LEFT_OUT = 0.5  # how often a field is left out
FAR = 0.03  # how often a number is far from what is usual
RARE = {"gate": 0.15, "heights_of": 0.2, "sizes_of": 0.2}  # how often these are not left out: most draws they refuse
LEAST = 1e-6  # of a number that must not be nothing
NOWHERE = {"bank": "nowhere", "donor": "nowhere", "folder": "nowhere"}
"""Files for the fields that speak of some."""
FILLED_IN = ("mask", "kinds", "laws")
"""Fields that speak of files or of other fields: left out, or drawn with those."""
ODD = (-1, 0, 1e300, float("nan"), 10**12, True, None, "any", "101%", "5 %", [], [3, 1], [1, 2, 3, 4], {},
       {"kind": "none"}, {"kind": "nothing"})


def blocks(rng: np.random.Generator, files: dict[str, str] = NOWHERE) -> dict:
    """Blocks as YAML would hold them, of a method that is one; numbers far from usual aside.

    files: "bank", "donor" and "folder", by the name of the field
    """
    drawn = _model(Blocks, rng, 0, files)
    return _agreed(drawn, rng, files)


def spoilt(rng: np.random.Generator, drawn: dict) -> dict:
    """The same with something odd in one place."""
    at = drawn
    while inner := [value for value in at.values() if isinstance(value, dict) and value]:
        if rng.random() < 0.4:
            break
        at = inner[int(rng.integers(len(inner)))]
    at[sorted(at)[int(rng.integers(len(at)))]] = ODD[int(rng.integers(len(ODD)))]
    return drawn


def kinds_of(union) -> dict[str, type]:
    """The blocks of a union by their kinds; of laws by theirs."""
    named = {}
    for one in get_args(get_args(union)[0]):
        [tag] = {"kind", "law"} & set(one.model_fields)
        named[one.model_fields[tag].default] = one
    return named


FAMILIES = {"region": AnyRegion, "content": AnyContent, "blend": AnyBlend, "effect": AnyEffect, "law": AnyLaw}


def families_of(value, family=None):
    """(family, kind) of all blocks within blocks, as YAML holds them; ("gate", "gate") of a gate."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from families_of(one, family)
    elif isinstance(value, dict):
        if family in FAMILIES:
            yield family, value["law" if family == "law" else "kind"]
        for name, inner in value.items():
            if name == "gate" and inner is not None:
                yield "gate", "gate"
            elif name == "laws":
                yield from families_of(list(inner.values()), "law")
            else:
                yield from families_of(inner, name if name in FAMILIES else family)


@cache
def _reader(union):
    return TypeAdapter(union)


def _read(union, value):
    return _reader(union).validate_python(value)


def _agreed(drawn: dict, rng, files) -> dict:
    """The same, with blocks that go with one another."""
    def again(union, fits):
        while not fits(one := _value(union, (), None, rng, 1, files)):
            pass
        return one

    region = _read(AnyRegion, drawn["region"])
    if not region.bounded:
        held = [drawn["region"], again(AnyRegion, lambda one: _read(AnyRegion, one).bounded)]
        drawn["region"] = {"kind": "and", "parts": held[::1 if rng.random() < 0.5 else -1]}
        region = _read(AnyRegion, drawn["region"])
    effects = options(_read(AnyEffect, drawn.get("effect", {"kind": "none"})))
    if any(getattr(one, "of", "") == "noise" for one in effects):
        drawn["region"] = _model(Perlin, rng, 1, files)
        region = _read(AnyRegion, drawn["region"])
    if holds(region, Outline):
        drawn["content"] = _model(Crop, rng, 1, files)
    content = _read(AnyContent, drawn.get("content", {"kind": "keep"}))
    if isinstance(content, Keep) and all(isinstance(one, Flat) for one in effects):
        plain = lambda one: not isinstance(_read(AnyEffect, one), Flat) and not any(  # noqa: E731
            effect.on_rays for effect in options(_read(AnyEffect, one)))
        drawn["effect"] = again(AnyEffect, plain)
        effects = options(_read(AnyEffect, drawn["effect"]))
    if any(one.on_rays for one in effects):
        drawn["space"] = "pixels"
    if holds(region, Outline) or any(isinstance(one, Roughen) for one in effects):
        drawn = {name: value for name, value in drawn.items() if (name, value) != ("heights_of", "width")}
    if drawn.get("space") == "pixels":
        drawn.pop("along", None)
    if drawn.get("gate") is not None:
        drawn.pop("at_most", None)
    return drawn


def _model(model, rng, depth, files) -> dict:
    out = {}
    for name, field in model.model_fields.items():
        if name in files and (field.is_required() or rng.random() < 0.5):
            out[name] = files[name]
        elif name == "kind" or field.is_required() or (
                name not in files and name not in FILLED_IN and rng.random() < RARE.get(name, 1 - LEFT_OUT)):
            out[name] = _value(field.annotation, field.metadata, field.default, rng, depth, files)
    if "laws" in model.model_fields and rng.random() < 0.1:
        out |= _lawful(model, out, rng)
    return out


def _lawful(model, out, rng) -> dict:
    """A law on one of the ranges of a block, if it has some."""
    ranged = [name for name, field in model.model_fields.items() if isinstance(field.default, tuple)
              and _in_order(field.metadata) and not isinstance(field.default[0], int)
              and not isinstance(out.get(name, 0), str)]
    if not ranged:
        return {}
    name = ranged[int(rng.integers(len(ranged)))]
    laws = kinds_of(AnyLaw)
    law = list(laws)[int(rng.integers(len(laws)))]
    default = model.model_fields[name].default
    end = 0.5 * float(str(default[1]).rstrip("%"))
    share = f"{end:g}%" if isinstance(default[0], str) else max(end, 0.1)
    return {"laws": {name: {"law": law} | {"beta": {"a": 2, "b": 5}, "normal": {"mean": end, "sd": max(end, 1)},
                                           "gamma": {"shape": 2, "size": share}}.get(law, {})}}


def _value(kind, metadata, default, rng, depth, files):
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _value(parts[0], parts[1:], default, rng, depth, files)
    if origin is Literal:
        return parts[int(rng.integers(len(parts)))]
    if origin in (Union, UnionType):
        parts = [part for part in parts if part is not NoneType and not (depth >= DEEPEST and _blocky(part))]
        return _value(parts[int(rng.integers(len(parts)))], metadata, default, rng, depth, files)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _model(kind, rng, depth + 1, files)
    if origin is tuple and parts[-1] is Ellipsis:
        low, high = _bounds(metadata, "min_length", 1), _bounds(metadata, "max_length", 4)
        return [_value(parts[0], (), None, rng, depth, files) for _ in range(int(rng.integers(low, high + 1)))]
    if origin is tuple and _in_order(metadata):
        return _range(parts[0], default, rng)
    if origin is tuple:
        return [_value(part, (), None, rng, depth, files) for part in parts]
    if kind in (int, float):
        return _number(kind, metadata, default, rng)
    return {bool: lambda: bool(rng.random() < 0.5), str: lambda: "any"}[kind]()


def _number(kind, metadata, usual, rng):
    """A number about what is usual, mostly, within its bounds."""
    low = _bounds(metadata, "ge", _bounds(metadata, "gt", -np.inf))
    high = _bounds(metadata, "le", _bounds(metadata, "lt", np.inf))
    usual = abs(usual or 0) or (0.5 * high if high <= 10 else 3.0 if low >= 0 else 30.0)
    number = usual * 10 ** ((5.0 if rng.random() < FAR else 0.4) * rng.normal())
    number = -number if low < 0 and rng.random() < 0.5 else number
    if kind is int:
        return int(np.clip(min(number, 1e9), low, min(high, 1e9)))
    apart = {name: LEAST if name in _names(metadata) else 0.0 for name in ("gt", "lt")}
    return float(np.clip(number, low + apart["gt"], high - apart["lt"]))


def _range(number, default, rng):
    """One number or two, low to high; sizes in percent or in words as often."""
    parts = get_args(number)
    kind, metadata = parts[0], parts[1:]
    in_percent = isinstance(default, tuple) and isinstance(default[0], str)
    usual = abs(float(str(default[1]).rstrip("%"))) if isinstance(default, tuple) else None
    ends = sorted(_number(kind, metadata, usual, rng) for _ in range(2))
    ends = [end if kind is int else float(f"{end:.3g}") for end in ends]
    if in_percent and rng.random() < 0.5:
        ends = [f"{min(100.0, max(end, 0.01)):.6f}".rstrip("0").rstrip(".") + "%" for end in ends]
        return ends if rng.random() < 0.8 else ("small", "medium", "large")[int(rng.integers(3))]
    return ends[0] if rng.random() < 0.5 else ends


def _flat(metadata):
    for one in metadata:
        yield from _flat(one.metadata) if isinstance(one, FieldInfo) else (one,)


def _names(metadata):
    return {name for one in _flat(metadata) for name in ("ge", "gt", "le", "lt") if hasattr(one, name)}


def _bounds(metadata, name, otherwise):
    return next((getattr(one, name) for one in _flat(metadata) if getattr(one, name, None) is not None), otherwise)


def _in_order(metadata) -> bool:
    """Whether two numbers stand low to high: they are a range."""
    return any(isinstance(one, AfterValidator) for one in _flat(metadata))


def _blocky(kind) -> bool:
    """Whether it is a block that holds others."""
    return isinstance(kind, type) and issubclass(kind, BaseModel) and any(
        name in kind.model_fields for name in ("parts", "part", "of"))
