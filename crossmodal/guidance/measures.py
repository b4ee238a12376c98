"""Numbers, units, ranges, bounds and roles among the items: "about 5 to 8 mm deep" as one measure."""

from dataclasses import dataclass, replace

from crossmodal.guidance.items import Item
from crossmodal.guidance.roles import with_roles
from crossmodal.guidance.shares import share

MM = {"mm": 1.0, "cm": 10.0, "um": 1e-3, "m": 1e3, "inch": 25.4, "thou": 0.0254}
ABOUT = 0.1  # "about 5" is 5 give or take a tenth
BEYOND = 1.5  # "at least 5" is 5 to half as much again
BELOW = 0.5  # "up to 5" is a half of 5 to 5
TENS = (10.0, 12.0, 100.0, 1000.0)
MOST_SAID = 1e6  # of anything: more is no count
OPENING = 4  # words that may come before a measure's number
BOUNDS = ("least", "most", "about")


@dataclass(frozen=True)
class Measure:
    """A size as said: low to high in mm, percent, degrees or mm2, or "bare" where no unit was said.

    bound: "about", "least" or "most" of it; role: what it is the size of, "" where that was not said
    more: the other sizes of "12 x 2 x 0.5 mm"
    """

    low: float
    high: float
    unit: str = "bare"
    bound: str = ""
    role: str = ""
    more: tuple["Measure", ...] = ()
    spelt: bool = False
    """Whether it was said in words and not in digits."""
    likened: bool = False
    """Whether it was said by a thing of that size: a number beside it is the size."""

    @property
    def is_count(self) -> bool:
        return self.unit == "bare" and not self.more and self.low == int(self.low) and 0 <= self.low <= MOST_SAID

    @property
    def ends(self) -> tuple[float, float]:
        """The range that was asked for, bounds included."""
        if self.low != self.high or not self.bound:
            return self.low, self.high
        if self.bound == "about":
            return self.low * (1 - ABOUT), self.low * (1 + ABOUT)
        return (self.low, self.low * BEYOND) if self.bound == "least" else (self.low * BELOW, self.low)

    def in_unit(self, unit: str) -> "Measure":
        """The same numbers in mm and the like, said in a unit; only what has none takes one."""
        if self.unit != "bare":
            return self
        name = "mm" if unit in MM else "mm2" if unit[:-1] in MM else unit
        scale = {"mm": MM.get(unit, 1.0), "mm2": MM.get(unit[:-1], 1.0) ** 2}.get(name, 1.0)
        return replace(self, low=self.low * scale, high=self.high * scale, unit=name)


def measured(items: list[Item]) -> list[Item]:
    """The items with measures in place of their numbers, units, bounds and, where they were said, roles."""
    out: list[Item] = []
    at = 0
    while at < len(items):
        found = _measure(items, at)
        if found is None:
            out.append(items[at])
            at += 1
            continue
        measure, behind = found
        out.append(Item({}, items[at].start, items[behind - 1].end, tag="measure", value=measure))
        at = behind
    _share_units(out)
    return with_roles(out)


def _share_units(items):
    """"3, 4 and 5 mm" are three sizes."""
    at = next((k for k, item in reversed(list(enumerate(items))) if item.may("and")), 0)
    if not (0 < at < len(items) - 1 and items[at + 1].tag == "measure"):
        return
    unit, k = items[at + 1].value.unit, at - 1
    while unit == "mm" and k >= 0 and items[k].tag == "measure" and items[k].value.unit == "bare":
        items[k].value = replace(items[k].value, unit=unit)
        k -= 2 if k and items[k - 1].may("comma") else len(items)


def _measure(items, at):
    """(Measure, the item behind it) that begins at an item, or None."""
    k, bound, role, between = at, "", "", False
    while k < len(items) and k - at < OPENING:
        item = items[k]
        if (said := _bound(item)) is not None:
            bound = said
        elif item.may("than"):
            role, bound = item.senses["than"]
        elif item.may("between"):
            between = True
        elif bound and not role and item.may("role") and item.senses["role"][1] == "noun":
            role = item.senses["role"][0]  # "a maximum depth of 2 mm"
        elif not (k > at and (bound or between) and item.may("of", "a", "sign")) or _quantity(items, k) is not None:
            break
        k += 1
    first = _quantity(items, k)
    if first is None:
        return None
    value, unit, behind = first
    if unit is None and value < 1 and (of_object := share(items, at, behind)) is not None:
        return Measure(100 * value, 100 * value, "percent", bound, role or of_object[0]), of_object[1]
    measure, k = Measure(value, value, spelt="digits" not in items[k].senses), behind
    behind_first = k
    while (more := _linked(items, k, between)) is not None:
        link, other, other_unit, behind = more
        near, far = _shared(measure, unit, other, other_unit)
        if link == "spread":
            measure = replace(near, low=max(near.low - far.low, 1e-6), high=near.high + far.low)
        elif link == "range" and near.unit == far.unit and near.low < far.low:
            measure = replace(near, high=far.low)
        elif link == "times" and len(measure.more) < 2 and (
                unit or other_unit or measure.more or _again(items, behind)):
            measure = replace(near, more=(*near.more, far))
        else:
            break
        unit, k = unit or other_unit, behind
        if link != "times":
            break
    if between and not bound and k == behind_first:
        return None  # "de 2 cm" is no range
    measure = measure if unit is None else _in(measure, unit)
    behind = k < len(items) and not bound and not _places(items, k)
    if behind and (said := _bound(items[k])) is not None and _quantity(items, k + 1) is None:
        bound, k = said, k + 1
    likened = "thing" in items[k - 1].senses
    return replace(measure, bound=bound or "about" * likened, role=role, likened=likened), k


def _places(items, k) -> bool:
    """"10 mm below the rim" has no bound: what could be one says where."""
    follows = next((one for one in items[k + 1:] if not one.may("the", "a")), None)
    return items[k].may("near") and follows is not None and follows.may("landmark", "part", "object", "kind", "pronoun")


def _bound(item) -> str | None:
    return next((bound for bound in BOUNDS if bound in item.senses), None) if not item.tag else None


def _in(measure, unit):
    return replace(measure.in_unit(unit), more=tuple(one.in_unit(unit) for one in measure.more))


def _shared(measure, unit, other, other_unit):
    """Both sides of a link as measures; one without a unit takes the other's."""
    far = Measure(other, other)
    shared = other_unit or unit
    return (measure if unit is None and other_unit is None else _in(measure, unit or shared),
            far if shared is None else far.in_unit(shared))


def _linked(items, k, between):
    """(link, number, unit, the item behind) of a second number that a word or a sign joins to the first."""
    if k >= len(items):
        return None
    sign = str(items[k].senses.get("sign", "")) if not items[k].tag else ""
    if sign in ("±", "+/-", "+-"):
        link = "spread"
    elif items[k].may("range") or (between and items[k].may("and")):
        link = "range"
    elif items[k].senses.get("comma") == "/" and items[k].start == items[k - 1].end:
        link = "times"  # "12/0.5/0.1 mm"
    elif items[k].may("times"):
        if items[k].start == items[k - 1].end and k + 1 < len(items) and items[k + 1].start > items[k].end:
            return None  # "2x 5 mm" is two of them
        link = "times"
    else:
        return None
    found = _quantity(items, k + 1)
    return None if found is None else (link, *found)


def _again(items, k):
    linked = k < len(items) and (items[k].may("times") or items[k].senses.get("comma") == "/")
    return linked and _quantity(items, k + 1) is not None


def _quantity(items, k):
    """(number, unit or None, the item behind): digits or words, "half an inch", "an inch"."""
    if k >= len(items) or items[k].tag:
        return None
    if items[k].may("a") and "number" not in items[k].senses:
        unit, behind = _unit(items, k + 1)
        return None if unit not in MM or items[k + 1].may("near") else (1.0, unit, behind)
    if "thing" in items[k].senses:
        return items[k].senses["thing"], "mm", k + 1
    if "number" not in items[k].senses:
        return None
    value, k = _number(items, k)
    j = k
    while value < 1 and j < len(items) and items[j].may("a", "of") and "unit" not in items[j].senses and j - k < 2:
        j += 1
    unit, behind = _unit(items, j)
    return (value, None, k) if unit is None else (value, unit, behind)


def _number(items, k):
    """(value, the item behind) of numbers that are said one after the other: twenty five, two hundred, one and a half,
    two point five."""
    value, digits = items[k].senses["number"], "digits" in items[k].senses
    k += 1
    while k < len(items) and items[k].may("number") and "digits" not in items[k].senses:
        next_ = items[k].senses["number"]
        if next_ in TENS and (value < next_ or next_ == 10.0) and value != 0.5:
            value *= next_
        elif next_ < 1 and value == int(value):
            value *= next_
        elif value in (0.5,) and next_ in TENS:
            value *= next_
        elif not digits and value >= 10 and next_ < (10 if value % 100 else 100) and next_ >= 1:
            value += next_
        else:
            break
        k += 1
    if k + 1 < len(items) and items[k].may("point") and "number" in items[k + 1].senses:
        tail = items[k + 1].senses["number"]
        return value + tail / 10 ** len(f"{tail:g}"), k + 2
    j = k + 1 + (k + 1 < len(items) and items[k + 1].may("a"))
    if j < len(items) and items[k].may("and") and items[j].senses.get("number") in (0.5, 0.25) and value >= 1:
        return value + items[j].senses["number"], j + 1
    return value, k


def _unit(items, k):
    """(unit or None, the item behind) at an item; "mm²", "square mm" and "mm2" are areas."""
    power = 1
    if k < len(items) and items[k].may("square"):
        power, k = 2, k + 1
    if k >= len(items) or not items[k].may("unit"):
        return None, k
    unit = items[k].senses["unit"]
    if items[k].may("near") and k + 1 < len(items) and not items[k + 1].may("role") and items[k + 1].may(
            "the", "a", "landmark", "part", "object"):
        return None, k  # "5 in the middle" is no size
    if k + 1 < len(items) and items[k + 1].start == items[k].end and (
            items[k + 1].senses.get("number") == 2.0 or items[k + 1].senses.get("sign") == "²"):
        power, k = 2, k + 1
    return (unit if power == 1 else f"{unit}2"), k + 1
