"""YAML as it is read here: values without tags that call, no key twice, and no deeper than can be followed."""

from collections.abc import Hashable

import yaml

DEEPEST = 100  # collections in one another; libyaml's composer crashes at some ten thousand
_LONGEST = 40  # characters of a key that a message shows
_VALUES = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXTS = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_UNREADABLE = (yaml.YAMLError, ValueError, ArithmeticError, TypeError, AttributeError, RecursionError)
"""What PyYAML raises of numbers and dates that are none, besides its own."""


class Twice(ValueError):
    """A key that stands twice in one mapping, of which one value would be lost. It names the key and its lines."""


def values(text: str):
    """What a YAML text says: numbers, words, yes and no, lists and names. Errors: Twice; ValueError, one line, for
    what is no YAML, holds a tag that is not YAML's own, or lies deeper than DEEPEST."""
    return _loaded(text, _VALUES)


def texts(text: str):
    """The same, but every value is the text that stands there: no is "no". Errors: as values."""
    return _loaded(text, _TEXTS)


def _loaded(text, loader_type):
    try:
        _not_too_deep(text, loader_type)
        loader = loader_type(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return None
            _nothing_twice(root, loader)
            return loader.construct_document(root)
        finally:
            loader.dispose()
    except Twice:
        raise
    except _UNREADABLE as error:
        raise ValueError(" ".join(str(error).split())) from None


def _not_too_deep(text, loader_type):
    depth = 0
    for event in yaml.parse(text, Loader=loader_type):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep in line {event.start_mark.line + 1}")


def _nothing_twice(root, loader):
    """Before anything is constructed: a merge (<<) then adds keys of its own to a node."""
    left, seen = [root], set()
    while left:
        node = left.pop()
        if id(node) in seen:  # by an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            left += node.value
        elif isinstance(node, yaml.MappingNode):
            lines: dict[Hashable, int] = {}
            for key, value in node.value:
                left += key, value
                if isinstance(key, yaml.ScalarNode):
                    name, line = _named(key, loader), key.start_mark.line + 1
                    if name in lines:
                        raise Twice(f"{key.value[:_LONGEST]!r} in line {line} stands in line {lines[name]} already; "
                                    "keep one of the two")
                    lines[name] = line


def _named(key, loader) -> Hashable:
    """What a key is among Python's: 1, 1.0 and 0x1 are one."""
    if key.tag not in loader.yaml_constructors:
        return key.value
    name = loader.construct_object(key)
    return name if isinstance(name, Hashable) else key.value
