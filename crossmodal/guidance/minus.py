"""A minus before a size: there is none below 0, and a dash between two numbers or inside a word is no minus."""

from crossmodal.guidance.items import Item

MINUS = ("-", "−", "–")
OPENING = "([{:=<>~≈≤≥,;"  # a minus may stick to these; to a letter or a digit only a hyphen does
ENDS = ("unit", "role", "kind", "vague", "stop")
TELLS = ("colon", "sign", "of")


def below_nought(items: list[Item], text: str) -> str | None:
    """Why a text's first size with a minus is refused, in one line; None where it has none. "-2 dents" is a list's
    dash and no size."""
    for k, item in enumerate(items[:-1]):
        number = items[k + 1]
        if text[item.start:item.end] in MINUS and item.end == number.start and number.may("number") \
                and number.senses["number"] and _leads(items, k, text) and _sized(items, k):
            unit = items[k + 2] if k + 2 < len(items) and items[k + 2].may("unit") else number
            size = text[number.start:unit.end]
            angle = unit.senses.get("unit") == "degree"
            return (f"{text[item.start:unit.end]} is below 0; say {'an angle from 0 to 180 degrees' if angle else size}"
                    ", or put a space behind a dash that is no minus")
    return None


def _leads(items, k, text) -> bool:
    """Whether a dash begins a number: nothing stands before it that it could join the number to."""
    before = text[:items[k].start][-1:]
    free = not before or before.isspace() or before in OPENING or before >= "\u3400"  # Chinese has no spaces
    return free and not (k and items[k - 1].may("number", "unit"))


def _sized(items, k) -> bool:
    """Whether the number is a size's: its unit or what it is the size of is said behind it or before."""
    behind = next((one for one in items[k + 2:] if one.may(*ENDS)), None)
    before = next((one for one in reversed(items[:k]) if not one.may(*TELLS)), None)
    return any(one is not None and one.may("unit", "role") for one in (behind, before))
