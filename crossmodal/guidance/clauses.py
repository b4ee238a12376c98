"""Which words belong to which defect: sentences cut into one piece for each, and what was said of it gathered."""

from dataclasses import dataclass, field
from itertools import pairwise

from crossmodal.guidance.heads import LEADING, OPENING, heads
from crossmodal.guidance.items import Item
from crossmodal.guidance.measures import Measure
from crossmodal.guidance.senses import settled

MODIFIERS = ("measure", "degree", "difficulty", "colour", "shade", "place", "orientation", "show", "feature", "count",
             "ratio")
MANY = 2  # what a bare plural asks for


@dataclass(eq=False)
class Request:
    """One kind of defect as it was asked for, and the items that ask for it.

    kind: None for damage of no kind that was said
    """

    head: Item
    kind: str | None
    fields: dict[str, object]
    likely: bool = False
    """Whether it was said by an adjective."""
    count: int | None = None
    said: list[Item] = field(default_factory=list)
    group: "Request | None" = field(default=None, repr=False)
    """Those that were announced together, of which this is one."""

    def one(self, tag: str) -> Item | None:
        return next((item for item in self.said if item.tag == tag), None)

    @property
    def many(self) -> int:
        """How many are asked for."""
        if self.count is not None:
            return self.count
        plural = self.head.plural or self.fields.get("many")
        return MANY if plural and not {"count", "place"} & set(self.fields) else 1


def requests(items: list[Item]) -> list[Request]:
    """The requests of a text's items, in the order in which they are said; of sentences that make nothing, none."""
    made: list[Request] = []
    waiting: list[Item] = []
    for sentence in _sentences(items):
        if _is_no_request(sentence):
            again = _asks_again(sentence)
            for item in sentence[:again]:
                item.settle("refused", True)
            sentence = sentence[again:]
            if not sentence:
                continue
        sentence = settled(sentence)
        found = heads(sentence, bool(made))
        if not found:
            modifiers = [item for item in sentence if item.tag in MODIFIERS]
            for item in modifiers:
                _give(made[-1:] if made else [], item, waiting)
            continue
        fresh = _cut(sentence, found, made)
        for item in waiting:
            _give(fresh[:1], item, [])
        waiting = []
        made += [one for one in fresh if not any(one is known for known in made)]
    return [one for one in made if one.count != 0]


def _sentences(items):
    sentence: list[Item] = []
    for item in items:
        sentence.append(item)
        if item.may("stop", "question"):
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _is_no_request(sentence) -> bool:
    """Whether a sentence asks something, or wants a defect gone: its first word of weight says so."""
    asks = sentence[-1].may("question")
    if _remarks(sentence) or _changes(sentence) or _works_on(sentence):
        return True
    first = next((item for item in sentence if not item.may("sign")), None)
    for item in sentence:
        if item.may("query", "undo") or (asks and item is first and item.may("asks")):
            return not (item.may("kind") and not item.may("query", "undo"))
        if item.tag or item.may("the", "a", "kind", "landmark", "degree", "colour") or not item.may(
                "filler", "sign", "but", "and", "comma", "colon", "of", "to", "not"):
            return False
    return False


def _remarks(sentence) -> bool:
    """Whether a sentence in which nothing is to be made asks without a sign or praises: "is rust a defect",
    "这是裂纹吗", "a nice dent, well done"."""
    if any(item.may("make", "number") or item.tag == "measure" for item in sentence):
        return False
    one, *others = sentence[:3]
    asking = one.may("asking") and bool(others) and (others[0].may("the") or (
        others[0].may("kind") and others[-1].may("a")))
    praised = any(item.may("praise") for item in sentence) and not any(
        item.may("but", "barring", "away") for item in sentence)  # "looks good but for a dent"
    return asking or praised or any(item.may("inquiry") for item in sentence)


def _works_on(sentence) -> bool:
    """Whether something that is not known, and not making, is done to a defect: "photograph the dent"."""
    words = [item for item in sentence if not item.may("sign", "stop", "filler")]
    return len(words) > 2 and not words[0].tag and not set(words[0].senses) - {"object"} and words[1].may("the") and (
        words[2].may("kind") and not any(item.tag == "measure" or item.may("number") for item in words))


def _changes(sentence) -> bool:
    """Whether a sentence is about a defect that is there: "make the hole bigger"."""
    words = [item for item in sentence if not item.may("stop")]
    at = next((k for k, item in enumerate(words) if item.may("kind")), len(words))
    led = at > 0 and words[at - 1].may("the") and all(item.may("filler", "make", "the", "comma") for item in words[:at])
    said = words[at + 1:]
    return led and any(item.may("changed") for item in said) and all(
        item.may("changed", "degree", "difficulty", "filler") for item in said)


def _asks_again(sentence) -> int:
    """Where, behind what shall go, something is asked for: "remove the dent and add a scratch"; else the end."""
    return next((at for at in range(2, len(sentence)) if sentence[at].may("make")
                 and sentence[at - 1].may("and", "but", "comma")), len(sentence))


def _cut(sentence, heads, made) -> list[Request]:
    """The requests of a sentence with heads."""
    others = (at for at, item in enumerate(sentence) if item.tag == "ones" and (made or at > heads[0]))
    all_heads = sorted({*heads, *others})
    pieces = _pieces(sentence, all_heads)
    fresh: list[Request] = []
    for number, (at, piece) in enumerate(zip(all_heads, pieces, strict=True)):
        item = sentence[at]
        earlier = (made + fresh)[-1] if made + fresh else None
        if item.tag == "ones":
            request = _further(item, earlier)
        elif (known := _same(sentence, at, made)) is not None:
            request = known
        else:
            entry = item.value
            more = {name: True for name in ("many", "field") if entry.get(name)}
            request = Request(item, entry["kind"], entry["with"] | more, entry["like"])
        fresh.append(request)
        for one in piece:
            if one.tag in MODIFIERS:
                _give([request], one, [])
        if item.tag == "ones" and request.count is None:
            request.count = 1
        if request.fields.pop("field", False) and request.count is not None:  # "a field of 15 pits" is one
            request.fields["count"], request.count = request.count, 1
        for k, one in enumerate(piece):
            shared = one.tag == "all" or (one.tag == "each" and request.many == 1)  # of one, "each" says nothing
            if shared and number:
                for later in piece[k:]:
                    if later.tag in MODIFIERS and later.tag != "count":
                        _give(fresh[:-1], later, [])
    if len(fresh) > 1:
        _share_opening(sentence, all_heads, fresh)
    return fresh


def _further(item, earlier: Request) -> Request:
    """"Another one", "and 3 on the right"; or, of two that were announced, "one 10 mm long" and what they share."""
    request = Request(item, earlier.kind, dict(earlier.fields))
    if item.value is not True:
        request.count = int(item.value)
        group = earlier.group or earlier
        if request.count == 1 and group.count is not None and group.count >= (1 if earlier.group else 2):
            group.count -= 1
            request.group, request.said = group, list(group.said)
    return request


def _same(sentence, at, made):
    """An earlier request of which "the scratch" speaks again."""
    entry, k = sentence[at].value, at - 1
    while k >= 0 and sentence[k].tag in ("filler", "degree"):
        k -= 1
    if k < 0 or sentence[k].tag != "the" or entry["like"]:
        return None
    return next((one for one in reversed(made) if one.kind == entry["kind"]), None)


def _pieces(sentence, heads) -> list[list[Item]]:
    """The items that belong to each head."""
    opened = any(item.tag == "measure" for item in sentence[:heads[0]])
    cuts = [0]
    for at, following in pairwise(heads):
        gap = range(at + 1, following)
        parts = [k for k in gap if sentence[k].tag in ("and", "comma", "colon", "with", "but", "stop")]
        starts = [k for k in parts if sentence[k].tag != "colon" and _opens(sentence, k + 1, following)]
        if starts:
            cuts.append(starts[0])
        elif parts:
            named = len(parts) > 1 and sentence[parts[-1]].tag == "colon"  # "..., bottom: a dent"
            cuts.append(parts[-2] if named else parts[-1])
        else:
            articles = [k for k in gap if sentence[k].tag in ("a", "count")]
            cuts.append(articles[0] if articles else at + 1 if opened else _led(sentence, heads[0], following))
    return [sentence[start:stop] for start, stop in zip(cuts, [*cuts[1:], len(sentence)], strict=True)]


def _led(sentence, first, head) -> int:
    """Where the words for how much begin that lead a defect, in a sentence that leads its first one by some."""
    start = head
    while any(item.tag in LEADING for item in sentence[:first]) and sentence[start - 1].tag in LEADING:
        start -= 1
    return start


def _opens(sentence, start, head) -> bool:
    """Whether what follows a comma or "and" is the beginning of the next defect: an article or a number first, and
    only what may stand before a defect."""
    if start >= head or sentence[start].tag not in ("a", "count", "ones"):
        return start == head
    return all(item.tag in OPENING for item in sentence[start:head])


def _share_opening(sentence, heads, fresh):
    """"On the rim: a chip, a crack": a place that opens a sentence holds for all in it that have none."""
    opening = sentence[:heads[0]]
    places = [k for k, item in enumerate(opening) if item.tag == "place"]
    if not places:
        return
    parted = any(item.tag in ("comma", "colon") for item in opening[places[-1]:])
    led = any(item.tag in ("near", "along", "across", "from") for item in opening[:places[0]])
    if parted or led:
        for request in fresh[1:]:
            if request.one("place") is None:
                for k in places:
                    _give([request], opening[k], [])


def _give(to: list[Request], item: Item, waiting: list[Item]) -> None:
    if not to:
        waiting.append(item)
        return
    for request in to:
        if item.tag == "count":
            if request.count is None:
                request.count = int(item.value)
            item.meaning = f"{item.value} of them"
        elif item.tag == "measure" and _counts(request, item.value):
            request.count = int(item.value.low)
            item.meaning = f"{request.count} of them"
        else:
            request.said.append(item)


def _counts(request, measure: Measure) -> bool:
    """Whether a bare number behind a plural says how many: "dents: 4"."""
    return measure.is_count and not measure.role and request.count is None and (request.head.plural or bool(
        request.fields.get("many")))
