"""Shares of the object: "half the length of the part", "a third of the part long", "half as long as the part"."""

import re

from crossmodal.guidance.items import Item

# One letter an item: the first that it may be.
LETTERS = {"role": "r", "as": "s", "object": "p", "the": "a", "a": "a", "of": "o"}
SHARE = re.compile("o?a?roa?p|oa?p|ap(?=r)|s(r)sa?p(?:or)?")
LONGEST = 8  # items behind the number
OF_PLACES = ("near", "landmark", "part", "from", "to")  # "on half of the part" says where


def share(items: list[Item], at: int, behind: int) -> tuple[str, int] | None:
    """(role, the item behind) where the fraction whose number ends before ``behind`` is one of the object; at: where it
    begins. The role is "" where one is said beside it, and "main" where none is:
    half the width of the object is as long."""
    before = next((item for item in reversed(items[:at]) if not item.may("a", "the")), None)
    if items[at].may("near") or (before is not None and before.may(*OF_PLACES)):
        return None
    found = SHARE.match("".join(map(_letter, items[behind:behind + LONGEST])))
    if found is None:
        return None
    stop = behind + found.end()
    if found.group(1):
        return items[behind + found.start(1)].senses["role"][0], stop
    named = [before, *items[stop:stop + 1]]  # "covering a third of the part", "a third of the part long"
    return "" if any(one is not None and one.may("role") and not one.may("across") for one in named) else "main", stop


def _letter(item: Item) -> str:
    return next((letter for tag, letter in LETTERS.items() if item.may(tag)), "-")
