"""Bare numbers: whether one says how many, which of them, or how large."""

from crossmodal.guidance.items import Item

PREMODIFIERS = ("a", "the", "count", "degree", "difficulty", "colour", "shade", "measure", "role", "feature", "filler",
                "object", "orientation", "of", "times", "vague", "mutual")


def told(items: list[Item], at: int) -> tuple[str, int]:
    """("count", n) where the number at an item counts a kind, ("not", 0) where it counts none, ("ones", n) where it
    stands for a kind that was named, ("unknown", 0) where it is no size either, else ("measure", 0).
    """
    item, following = items[at], items[at + 1:]
    measure = item.value
    if measure.unit != "bare" or measure.role:
        return "measure", 0
    if not measure.is_count:
        return ("unknown" if measure.spelt else "measure"), 0  # "half of the surface"
    number = int(measure.low)
    if (following and following[0].may("times", "spots")) or (at and items[at - 1].is_("times")):
        return "count", number
    if _counter(items, at):
        return "count", number
    for one in following:
        if one.may("kind", "vague", "ones"):
            return ("count" if number else "not"), number
        sized = one.tag == "measure" and one.value.unit != "bare"
        unknown = not one.senses and not one.tag  # "two gleaming scratches"
        if one.may("landmark", "part") or not (sized or unknown or one.may(*PREMODIFIERS)):
            break
    if len(following) > 1 and following[0].may("of") and following[1].may("filler", "the"):
        return "count", number  # "3 of them"
    alone = not following or following[0].may("stop", "comma")
    if alone and at > 1 and items[at - 1].tag == "colon" and items[at - 2].tag == "head" and items[at - 2].plural:
        return "measure", 0  # "scratches: three"
    if following and not following[0].senses and not following[0].tag and at and items[at - 1].is_("and", "comma"):
        return "unknown", 0  # "..., and 2 frobs"
    if _stands_for_kind(items, at):
        return "ones", number
    if measure.spelt:
        return ("ones", 1) if number == 1 else ("unknown", 0)
    return "measure", 0


def _counter(items, at) -> bool:
    """"4 pcs", "qty: 4"."""
    before = next((one for one in reversed(items[:at]) if not one.is_("colon", "sign", "of")), None)
    after = items[at + 1] if at + 1 < len(items) else None
    return (before is not None and "counter" in before.senses) or (after is not None and after.may("counter"))


def _stands_for_kind(items, at) -> bool:
    """"... and 3 on the right": a number after "and" or a comma, before a place."""
    after = at > 0 and items[at - 1].tag in ("and", "comma", "colon")
    follows = items[at + 1] if at + 1 < len(items) else None
    return after and follows is not None and follows.may("near", "part", "landmark") and any(
        one.tag in ("head", "denied") for one in items[:at])
