"""Every block that a method may be written with, read from the blocks themselves."""

import re
from typing import Literal, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from crossmodal.methods.algebra import AnyRegion
from crossmodal.methods.blends import AnyBlend
from crossmodal.methods.contents import AnyContent
from crossmodal.methods.effects import AnyEffect
from crossmodal.methods.gate import Gate
from crossmodal.methods.label import AnyLabel
from crossmodal.methods.outline import Outline
from crossmodal.methods.spec import Blocks

UNIONS = {"region": AnyRegion, "content": AnyContent, "blend": AnyBlend, "effect": AnyEffect, "label": AnyLabel}
SAID_ELSEWHERE = "kind", "laws"
SENTENCE = re.compile(r"(?<! al)\. (?=[A-Z])")


class Word(NamedTuple):
    """A block: the field of ``blocks`` that it is for, its kind, its own fields as usual, and what it is. The kind of a
    field that takes no block is "-"."""

    part: str
    kind: str
    fields: dict[str, str]
    about: str


def vocabulary() -> tuple[Word, ...]:
    """A line a kind of block, in the order in which blocks are written; then the gate, and what else stands beside."""
    words = [Word(part, one.model_fields["kind"].default, _fields(one), _about(one))
             for part, union in UNIONS.items() for one in get_args(get_args(union)[0])]
    rest = {name: _usual(field) for name, field in Blocks.model_fields.items()
            if name not in (*UNIONS, *SAID_ELSEWHERE, "gate")}
    return (*words, Word("gate", "-", _fields(Gate), _about(Gate)), Word("blocks", "-", rest, "Stand beside them."))


def _fields(block) -> dict[str, str]:
    if block is Outline:
        return {}  # its sizes are the crop's
    hidden = (*SAID_ELSEWHERE, *getattr(block, "when_drawn", ()))
    return {name: _usual(field) for name, field in block.model_fields.items() if name not in hidden}


def _usual(field: FieldInfo) -> str:
    """A field's default as one writes it; of a few words, then the others."""
    if get_origin(field.annotation) is Literal:
        words = [str(word) for word in get_args(field.annotation)]
        usual = [] if field.is_required() else [str(field.default)]
        return " | ".join(dict.fromkeys((*usual, *words)))
    if field.is_required():
        return "to be given"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "not given"
    if isinstance(value, tuple):
        ends = tuple(map(_number, value))
        fixed = len(value) == 2 and value[0] == value[1] and not isinstance(value[0], int)  # a range; a grid has sides
        return ends[0] if fixed else f"[{', '.join(ends)}]"
    return _number(value)


def _number(value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.3g}" if isinstance(value, float) else str(value)


def _about(block) -> str:
    """The first sentence of what it says of itself."""
    return SENTENCE.split(" ".join(block.__doc__.split()))[0].rstrip(".") + "."
