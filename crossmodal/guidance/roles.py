"""Which size a measure is: its role, said before it ("length 12 mm") or behind ("12 mm long")."""

from dataclasses import replace

from crossmodal.guidance.items import Item

SHORT = ("depth", "width", "height", "thickness")  # sizes that are less than a defect is long


def with_roles(items: list[Item]) -> list[Item]:
    """Each measure with the role that is said of it, before ("length 12 mm") or behind ("12 mm long")."""
    used: set[int] = set()
    for at, item in enumerate(items):
        if item.tag != "measure" or item.value.role:
            continue
        if item.value.more:  # "6 x 0.8 mm deep"
            k = _behind(items, at)
            role = "" if k is None else items[k].senses.get("role", ("",))[0]
            if role in SHORT:
                *others, last = item.value.more
                item.value = replace(item.value, more=(*others, replace(last, role=role)))
                item.end = items[k].end
                items[k].settle("used", True)
            continue
        k = _before(items, at)
        if k is None or k in used:
            k = _behind(items, at)
            if k is not None and k == at + 1 and _belongs_to_next(items, at):
                continue
        if k is None or k in used:
            continue
        if k > at and item.value.unit == "degree" and items[k].senses.get("role", ("",))[0] != "angle":
            continue
        used.add(k)
        role = items[k].senses["role"][0] if "role" in items[k].senses else _initial(items[k])
        item.value = replace(item.value, role=role)
        first, last = min(k, at), max(k, at)
        item.start, item.end = items[first].start, items[last].end
        for j in range(first, last + 1):
            if j != at:
                items[j].settle("used", True)
    return [item for item in items if item.tag != "used"]


def _before(items, at):
    k = at - 1
    while k >= 0 and at - k <= 3 and (items[k].may("of", "a", "colon", "sign") and not items[k].may("role")):
        k -= 1
    if k < 0:
        return None
    if k > 1 and items[k].may("as") and items[k - 1].may("role") and items[k - 2].may("as"):
        return k - 1  # "as wide as 1 mm"
    if items[k].may("role") and items[k].senses["role"][1] in ("noun", "both"):
        return k
    # "a scratch deep 0.5 mm"
    stands = items[k].may("role") and k == at - 1 and k > 0 and items[k - 1].may("kind")
    initial = items[k].may("letter") and not (k == at - 1 and set(items[k].senses) - {"letter", "with"})  # "a 5 mm del"
    return k if initial or stands else None


def _behind(items, at):
    k = at + 1
    while k < len(items) and k - at <= 3 and items[k].may("of", "near") and not items[k].may("role"):
        k += 1
    if k + 2 < len(items) and _bracket(items[k], "([") and _bracket(items[k + 2], ")]"):
        k += 1  # "6 mm (diameter)"
    if k == at + 1 < len(items) and items[k].may("letter") and not items[k].may("role"):
        slash = k + 1 < len(items) and items[k + 1].senses.get("comma") == "/"  # "w/" is with
        return None if slash else k
    if k >= len(items) or not items[k].may("role") or items[k].may("kind"):
        return None
    if _named(items, k):
        return None  # "count=2 length=10 mm"
    # "40 mm across the lid" says where it runs.
    follows = items[k + 1] if k + 1 < len(items) else None
    if items[k].may("across") and follows is not None and follows.may("the", "a", "landmark", "object"):
        return None
    # "three deep dents" are three.
    counted = items[at].value.is_count and items[k].senses["role"][1] != "noun"
    return None if counted and follows is not None and follows.may("kind", "degree", "role", "difficulty") else k


def _bracket(item, which: str) -> bool:
    return not item.tag and str(item.senses.get("sign", " ")) in which


def _named(items, k) -> bool:
    """Whether a role is the name of the number behind it: "length=10 mm", "depth: .3"."""
    if k + 2 >= len(items) or items[k + 2].tag != "measure":
        return False
    return items[k + 1].may("colon") or (items[k + 1].may("of") and items[k + 1].end - items[k + 1].start == 1)


def _belongs_to_next(items, at) -> bool:
    """"12 mm deep 0.2 mm": of a size and one behind its role, the larger is not the depth, nor the width."""
    role = items[at + 1].senses.get("role", ("",))[0]
    if at + 2 >= len(items) or items[at + 2].tag != "measure" or role not in SHORT:
        return False
    here, there = items[at].value, items[at + 2].value
    behind = at + 3 < len(items) and items[at + 3].may("role")
    if behind or there.unit != here.unit or there.high >= here.low or there.role:
        return False
    items[at + 2].value = replace(there, role=role)
    items[at + 1].settle("used", True)
    return True


def _initial(item) -> str:
    """The size that a letter stands for; "d" for that which only its kind tells apart."""
    return "d" if "or" in item.senses["letter"].split() else item.senses["letter"]
