"""Which words of a sentence stand for a defect each, and which only say more of the one beside them."""

from crossmodal.guidance.items import Item

OPENING = ("a", "count", "degree", "difficulty", "colour", "shade", "measure", "comma", "feature", "filler", "object",
           "orientation", "modifier", "unknown", "and", "of")
LEADING = ("degree", "difficulty", "colour", "shade")  # words for how much that come before a defect
MATTER = ("of", "colour", "degree", "shade", "filler")
TELLING = {*OPENING, "colon", "the"}
SOILING = ("contamination", "corrosion", "stain")
SPREAD = (*SOILING, "peel", "wear", "burn", "discoloration", "pit", "blister")  # that cover an area
MADE_BY_IT = (*SOILING, "fibre", "chip", "crack", "pit", "hole", "blister", "burn", "bump")
LINKS = ("of", "filler", "a", "the", "near", "from", "object")


def heads(sentence: list[Item], made: bool) -> list[int]:
    """Where the defects of a sentence stand; words that only name a shape yield to those beside them."""
    found = [at for at, item in enumerate(sentence) if item.tag == "head"]
    if len(found) > 1 and _is_verb(sentence, *found[:2]):
        sentence[found.pop(0)].tag = "filler"
    kept: list[int] = []
    for number, at in enumerate(found):
        entry = sentence[at].value
        others = [found[k] for k in (number - 1, number + 1) if 0 <= k < len(found)]
        yields = any(_linked(sentence, at, other) and _yields(
            entry, sentence[other].value, at < other, _joint(sentence, *sorted((at, other)))) for other in others)
        if entry["kind"] is None and any(sentence[k].value["kind"] for k in found):
            yields = True
        told = at - 1 if at and sentence[at - 1].tag == "count" else None
        if entry["kind"] is None and told is not None and sum(sentence[k].value["kind"] is not None for k in found) > 1:
            sentence[told].tag = "filler"  # "3 defects: a scratch, a dent and a stain"
        if yields:
            sentence[at].tag = "filler"
            if sentence[at].plural and entry["weak"] and at - 1 in others and sentence[at - 1].tag == "head":
                sentence[at - 1].plural = True  # "oxidation spots"
            for other in (k for k in others if sentence[k].value["kind"] == entry["kind"]):
                value = sentence[other].value
                if "count" in entry["with"] and {"count", "comma"} <= {item.tag for item in sentence[at + 1:other]}:
                    continue  # "pitting, 10 pits"
                fields = {"with": entry["with"] | value["with"], "field": "count" in entry["with"]}
                sentence[other].value = value | fields
        else:
            kept.append(at)
    for at in set(found) - set(kept):
        if sentence[at].value["with"].get("width_mm") == "small":
            sentence[at].settle("degree", ("width", "small"))  # "a hairline scratch"
        elif sentence[at].value["like"] and kept and sentence[at].value["kind"] not in (
                sentence[k].value["kind"] for k in kept):
            sentence[at].settle("unknown", True)  # "a rusty scratch" is a scratch, and the rust is not made
    return kept or [at for at, item in enumerate(sentence) if item.tag == "ones" and made]


def _is_verb(sentence, first, second) -> bool:
    """"Burn a hole into it", "spill some oil": what a sentence begins with, before an article and what it makes."""
    between = sentence[first + 1:second]
    return all(item.tag == "filler" for item in sentence[:first]) and bool(between) and between[0].tag == "a" and (
        all(item.tag in ("a", *LEADING) for item in between))


def _yields(entry, other, first: bool, joint: str) -> bool:
    """Whether one of two kinds that stand together gives way to the other; of two, one does at the most.

    first: whether it is said first; joint: how the two are joined, as _joint says
    """
    same = entry["kind"] == other["kind"]
    if same and (entry["weak"], entry["like"]) != (other["weak"], other["like"]):
        return entry["weak"] or entry["like"]
    if entry["weak"] != other["weak"]:
        return entry["weak"]
    if entry["like"] != other["like"]:
        return entry["like"] and first
    if same:
        return first  # "impact dent" is one thing
    one, two = (entry, other) if first else (other, entry)
    if joint == "compound":  # "a stone chip" is a chip, "a rust streak" is rust
        return first != (one["kind"] == "corrosion" and two["kind"] == "stain")
    return joint == "of" and first == (two["kind"] == "corrosion")  # "a drop of oil" is a drop, "a streak of rust" rust


def _linked(sentence, a, b) -> bool:
    low, high = min(a, b), max(a, b)
    between = sentence[low + 1:high]
    first, second = sentence[low].value, sentence[high].value
    if first["kind"] == second["kind"] and _again(sentence[low], sentence[high], between):
        return True
    if first["kind"] == second["kind"] and (first["weak"], first["like"]) != (second["weak"], second["like"]):
        return first["weak"] or second["weak"] or not any(item.tag in ("and", "comma", "but") for item in between)
    if first["weak"] or second["weak"]:
        spread = second["weak"] and first["kind"] in SPREAD  # "flaking chrome, 8 mm patch"
        return all(item.tag in LINKS or (spread and item.tag in TELLING - {"and"}) for item in between)
    return not between or _joint(sentence, low, high) == "of"


def _again(first: Item, second: Item, between) -> bool:
    """Whether the second of two words for one kind says more of the first: "contamination: metal shavings", "oil stain
    with a drip", "blistered paint, 3 blisters", "porosity, pores up to 0.5 mm"."""
    tags = {"object" if "object" in item.senses else item.tag for item in between}
    if tags & {"and", "but", "stop"}:
        return False
    if between and not first.plural and all("/" in item.senses.values() for item in between):
        return True  # "hair / fibre"
    if "with" in tags:
        return tags <= {"with", *LINKS}
    if second.value["like"] and not first.value["like"] and tags <= TELLING - {"a", "count"}:
        return True  # "crack, hairline, 8 mm"
    if "count" in first.value["with"]:
        return second.plural and (bool(tags & {"comma", "colon"}) if "count" in tags else True)
    if first.value["kind"] in SOILING and not first.plural and second.plural and tags & {"count", "measure"}:
        return bool(tags & {"comma", "colon"})  # "spatter at the seam, 6 drops"
    return bool(tags & {"colon", "comma"} if first.value["like"] else "colon" in tags) and tags <= TELLING


def _joint(sentence, low, high) -> str:
    """"of" where one kind is said to be of the other ("a blob of red glue"), "compound" where it is matter that stands
    right before what was made by it or of it ("stone chip"), else ""."""
    between = sentence[low + 1:high]
    if between:
        return "of" if between[0].tag == "of" and all(item.tag in MATTER for item in between) else ""
    first, second = sentence[low], sentence[high]
    matter = first.value["kind"] in SOILING and not first.plural and second.value["kind"] in MADE_BY_IT
    return "compound" if matter else ""
