"""Ratios: "twice as long as wide" is a number, and the two sizes that it ties together."""

from dataclasses import dataclass

from crossmodal.guidance.items import Item


@dataclass(frozen=True)
class Ratio:
    """One size is so many times another. one, other: roles, such as "length"."""

    times: float
    one: str
    other: str


def ratios(items: list[Item]) -> list[Item]:
    """The items, with one in place of each "twice as long as wide" and "3 times longer than wide"."""
    out: list[Item] = []
    at = 0
    while at < len(items):
        found = _ratio(items, at)
        if found is None:
            out.append(items[at])
            at += 1
        else:
            ratio, behind = found
            out.append(Item({}, items[at].start, items[behind - 1].end, tag="ratio", value=ratio))
            at = behind
    return out


def _ratio(items, at):
    """(Ratio, the item behind it) that begins at an item, or None."""
    item, k = items[at], at + 1
    times = item.senses.get("number") if not item.tag else None
    if times is None:
        times, k = 1.0, at
    elif k < len(items) and items[k].may("times"):
        k += 1
    if not times or k + 3 >= len(items) or not items[k].may("as") or not items[k + 2].may("as"):
        return None
    one, other = (items[k + j].senses.get("role") for j in (1, 3))
    return None if one is None or other is None else (Ratio(times, one[0], other[0]), k + 4)
