"""Sizes and places that are not a defect's own: "5 mm from the edge", "between the holes", "on a 30 mm part"."""

import re

from crossmodal.guidance.items import Item

# One letter an item: the first that it may be.
LETTERS = {"apart": "d", "part": "s", "landmark": "p", "kind": "p", "object": "p", "mutual": "p", "away": "f",
           "below": "f", "pronoun": "q", "to": "t", "the": "a", "a": "a", "of": "o", "colon": "o", "filler": "i",
           "near": "i"}
PLACE = "(?:q|[ao]*[sp](?:[ao]*[sp])*)"
BEHIND = re.compile(f"i?f{PLACE}|t?a*so[ao]*[sp]+|d(?:[ft]{PLACE})?")  # "from the edge", "left of the hole", "apart"
BEFORE = re.compile(f"d(?:[ft]?{PLACE})?[aoi]*$")  # "a distance to the rim of 5 mm"
LONGEST = 8  # items on one side of a distance


def distance(items: list[Item], at: int) -> tuple[int, int] | None:
    """(first, behind the last) of the items that make the measure at an item a distance; None where it is a size."""
    measure = items[at].value
    if measure.role or measure.more or measure.unit not in ("mm", "percent"):
        return None
    start = max(at - LONGEST, 0)
    before = BEFORE.search("".join(map(_letter, items[start:at])))
    behind = BEHIND.match("".join(map(_letter, items[at + 1:at + 1 + LONGEST])))
    if behind is not None and "from" in items[at + 1].senses and any(one.may("to", "inward") for one in items[at + 1:]):
        behind = None  # from the rim towards the centre: it begins there
    if at > 1 and items[at - 1].is_("of") and items[at - 2].tag == "head":
        behind = None  # "a crack of 8 mm"
    if measure.unit == "percent" and behind is not None and items[at + behind.end()].may("object"):
        behind = None  # "10 % below the part's size" is a share
    if before is None and behind is None:
        return None
    return start + before.start() if before else at, at + 1 + (behind.end() if behind else 0)


def between(items: list[Item], at: int) -> int | None:
    """The second of the two places that "between" names, or None."""
    places = [k for k in range(at + 1, len(items)) if items[k].may("landmark", "part", "kind")]
    if places and items[places[0]].plural:
        return places[0]
    joined = len(places) > 1 and any(one.may("and") for one in items[places[0]:places[1]])
    return places[1] if joined and all(one.may("the", "a", "and", "filler", "landmark", "part", "kind", "of")
                                       for one in items[at + 1:places[1] + 1]) else None


def goes_on(items: list[Item], at: int, relations: tuple[str, ...]) -> Item | None:
    """The relation that still holds behind "and": "away from the edges and holes", "near the rim and the hole"."""
    before = items[at - 1] if at else None
    following = items[at + 1:at + 3]
    if before is None or before.tag != "place" or not following:
        return None
    last = next((one for one in reversed(items[:at]) if one.tag in relations), None)
    named = following[0].may("the") and len(following) > 1 and following[1].may("landmark")
    return last if named or (last is not None and last.tag == "away" and following[0].may("landmark")) else None


def of_object(items: list[Item], at: int) -> bool:
    """"On a 30 mm part"; but "on it a 5 mm metal splinter"."""
    if at + 1 < len(items) and items[at + 1].may("landmark") and at and items[at - 1].is_("a", "the"):
        return True  # "near a 3 mm hole"
    behind = [one for one in items[at + 1:] if not one.may("object")]
    return at + 1 < len(items) and items[at + 1].may("object") and not (
        behind and behind[0].may("kind", "vague", "landmark"))


def _letter(item: Item) -> str:
    return next((letter for tag, letter in LETTERS.items() if tag in item.senses), "-")
