"""Distances: "5 mm from the edge" says where a defect is and not how large."""

import re

from crossmodal.guidance.items import Item

# One letter an item: the first that it may be.
LETTERS = {"apart": "d", "part": "s", "landmark": "p", "kind": "p", "object": "p", "mutual": "p", "away": "f",
           "below": "f", "to": "t", "the": "a", "a": "a", "of": "o", "colon": "o", "filler": "i", "near": "i"}
PLACE = "[ao]*[sp](?:[ao]*[sp])*"
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


def _letter(item: Item) -> str:
    return next((letter for tag, letter in LETTERS.items() if tag in item.senses), "-")
