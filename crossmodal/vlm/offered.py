"""What a model is offered: the schema of a recipe, cut down to what this object can carry and a short answer can hold.

Every answer by it is a Recipe that the object can carry, so that a model which decodes under it cannot fail, however
bad it is: no unbounded number, string or list, no file's name, no landmark that was not measured.
"""

import json
from functools import cache
from math import floor

from crossmodal.defects import DEFECTS
from crossmodal.guidance.schema import schema
from crossmodal.guidance.sense import largest
from crossmodal.surface import Surface

MOST_DEFECTS = 8
WHY = ("no defect is asked for", "that is no defect of a surface", "the request cannot be understood")
LANDMARKS = ("centre", "corner", "hole", "thread")
ENDS = ("edge", "rim")
LEAST, MOST = 0.01, 360.0  # of a number that nothing else bounds
SHORT_PERCENT = "^[1-9][0-9]?%$"
LEFT_OUT = ("weight", "difficulty")
SHARED = ("orientation_deg", "show")  # what comes after a kind's own fields
COARSE = 6  # cells along the longer side of the object's box in the strip


def offered(surface: Surface, may_refuse: bool, in_pixels: bool = True) -> dict:
    """JSON Schema (2020-12) of a model's answer about the object of a surface.

    may_refuse: whether it may answer {"refused": why} instead, for a text that asks for no defect
    in_pixels: whether a place may be a cell of the strip's grid; not where one recipe is for several views
    """
    named, kinds, whole = {"place": _place(surface, in_pixels)}, [], _whole()
    for spec in DEFECTS:
        kind = spec.model_fields["kind"].default
        fields = {"kind": {"const": kind}}
        for name in sorted(spec.model_fields, key=lambda name: (name in SHARED, name not in spec.sizes)):
            if name not in ("kind", "place", *LEFT_OUT) and (name != "show" or has_halves(spec)):
                most, _ = largest(spec, name, surface) if name.endswith("_mm") else (None, "")
                part = _bounded(whole[spec.__name__]["properties"][name], MOST if most is None else most)
                fields[name] = _shared(named, name, part)
        named[kind] = _closed(fields | {"place": {"$ref": "#/$defs/place"}}, "kind")
        kinds.append({"$ref": f"#/$defs/{kind}"})
    defects = {"type": "array", "items": {"anyOf": kinds}, "minItems": 1, "maxItems": MOST_DEFECTS}
    answer = _closed({"defects": defects}, "defects")
    if may_refuse:
        answer = {"anyOf": [answer, _closed({"refused": {"enum": [*WHY]}}, "refused")]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": named, **answer}


def cells(surface: Surface) -> list[tuple[int, int, int, int]]:
    """(x0, y0, x1, y1) of the cells of a grid on the object's box, row by row, in which some of the object is seen."""
    x0, y0, x1, y1 = surface.landmarks.box
    side = max(x1 - x0, y1 - y0) / COARSE
    columns, rows = (max(1, round((b - a) / side)) for a, b in ((x0, x1), (y0, y1)))
    xs = [round(x0 + (x1 - x0) * i / columns) for i in range(columns + 1)]
    ys = [round(y0 + (y1 - y0) * i / rows) for i in range(rows + 1)]
    boxes = [(xs[i], ys[j], xs[i + 1], ys[j + 1]) for j in range(rows) for i in range(columns)]
    return [box for box in boxes if surface.foreground[box[1]:box[3], box[0]:box[2]].any()]


def landmarks(surface: Surface) -> tuple[str, ...]:
    """What was measured on the object and a place may be near."""
    return tuple(name for name in LANDMARKS if (surface.foreground & getattr(surface.landmarks, name)).any())


def longest(part: dict, named: dict) -> int:
    """Characters of the longest answer by a bounded schema, written without spaces but after a comma and a colon."""
    if "$ref" in part:
        return longest(named[part["$ref"].rsplit("/", 1)[-1]], named)
    if "anyOf" in part:
        return max(longest(one, named) for one in part["anyOf"])
    if "const" in part or "enum" in part:
        return max(len(json.dumps(one)) for one in part.get("enum", [part.get("const")]))
    kind = part["type"]
    if kind == "object":
        return 2 + sum(len(name) + 6 + longest(one, named) for name, one in part["properties"].items())
    if kind == "array":
        return 2 + part["maxItems"] * (2 + longest(part["items"], named))
    return {"boolean": 5, "string": len('"99%"'), "integer": 12, "number": 12}[kind]


@cache
def _whole() -> dict:
    return schema()["$defs"]


def has_halves(spec) -> bool:
    """Whether a kind has a colour of its own beside a shape."""
    return "colour" in spec.model_fields and not {"depth_mm", "height_mm"}.isdisjoint(spec.sizes)


def _bounded(part: dict, most: float) -> dict:
    """A field's schema without its titles, defaults and null, with every number in it bounded."""
    if "anyOf" in part:
        kept: list[dict] = []
        for one in (_bounded(one, most) for one in part["anyOf"] if one.get("type") != "null"):
            kept += [other for other in one.get("anyOf", [one]) if other not in kept]
        return kept[0] if len(kept) == 1 else {"anyOf": kept}
    if "enum" in part:
        return {"enum": part["enum"]}
    if part["type"] == "array":
        # A range's ends are numbers of one sort: percentages and millimetres do not make one.
        items = _bounded(part["items"], most)
        many = {name: part[name] for name in ("minItems", "maxItems")}
        return {"type": "array", "items": items.get("anyOf", [items])[0], **many}
    if part["type"] == "string":
        return {"type": "string", "pattern": SHORT_PERCENT}
    if part["type"] == "boolean":
        return {"type": "boolean"}
    low = LEAST if "exclusiveMinimum" in part else part.get("minimum", 0)
    high = part.get("maximum", most if part["type"] == "integer" else floor(most * 1e3) / 1e3)
    return {"type": part["type"], "minimum": low, "maximum": max(high, low)}


def _place(surface: Surface, in_pixels: bool) -> dict:
    """Words that are measured on the surface, about a landmark that it has or in a cell of the grid."""
    whole = _whole()["Place"]["properties"]
    words = {name: _bounded(whole[name], MOST) for name in ("where", "part", "inward")}
    seen = landmarks(surface)
    ways = [_closed(words | {"avoid": {"type": "array", "items": {"enum": [*ENDS, *seen]}, "minItems": 1,
                                       "maxItems": 2}})]
    if seen:
        ways.insert(0, _closed(words | {"near": {"enum": [*seen]}}))
    if in_pixels:
        ways.append(_closed({"where": words["where"], "box": {"enum": [[*cell] for cell in cells(surface)]}}, "box"))
    return {"anyOf": ways}


def _closed(fields: dict, *required: str) -> dict:
    return {"type": "object", "properties": fields, "required": [*required], "additionalProperties": False}


def _shared(named: dict, name: str, part: dict) -> dict:
    """The part by reference where it is long: under its field's name, numbered where another has that name."""
    if len(json.dumps(part)) < 60:
        return part
    key, i = name, 1
    while key in named and named[key] != part:
        i += 1
        key = f"{name}_{i}"
    named[key] = part
    return {"$ref": f"#/$defs/{key}"}


