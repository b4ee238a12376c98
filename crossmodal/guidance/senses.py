"""Each item's one sense, from what stands about it: a hole made or a hole near which something is made."""

from crossmodal.guidance.counting import told
from crossmodal.guidance.distances import between, distance, goes_on, of_object
from crossmodal.guidance.grades import graded
from crossmodal.guidance.items import Item, asked_for, gone, rest_of_clause

WHERE = ("edge", "rim", "flat", "convex", "concave")
RELATIONS = ("away", "along", "across", "from", "to", "near")
DAMAGE = {"kind": None, "weak": True, "with": {}, "like": False}
SMALL = ("make", "all", "each", "a", "the", "times", "free", "object", "of", "sign", "filler", "square", "range",
         "behind", "spots")
LEFT_OVER = ("undo", "query", "asks", "number", "unit", "about", "least", "most", "between", "point")
OUTLINE = ("edge", "rim")
LED = ("a", "the", "degree", "difficulty", "feature", "colour")
BESIDE = "a place beside another defect"
PASSED = ("a", "the", "filler", "of", "sign", "all")


def settled(sentence: list[Item]) -> list[Item]:
    """The items of one sentence with their tags settled; see Settling."""
    return Settling(sentence).run()


class Settling:
    """Goes once through a sentence from left to right, and remembers the relation ("near", "from") and the negation
    that are still open."""

    def __init__(self, sentence: list[Item]):
        self.items = sentence
        self.relation: Item | None = None
        self.refused = False  # "no", and what it speaks of not yet reached
        self.scope = False  # kinds are denied until something is asked for again

    def run(self) -> list[Item]:
        for at, item in enumerate(self.items):
            if not item.tag:
                self.settle(at, item)
            elif item.tag == "measure":
                self._measure(at, item)
        return self.items

    def settle(self, at: int, item: Item) -> None:
        if item.may("comma", "colon", "stop", "question"):
            self.relation = None
            # A comma goes on denying only where kinds are listed.
            self.scope = self.scope and item.may("comma") and not self._asks_again(at)
            item.settle(next(tag for tag in ("comma", "colon", "stop", "question") if tag in item.senses))
        elif item.may("idiom"):
            item.settle("filler")
        elif item.may("show"):
            item.settle("show")
        elif item.may("away") and not self._before_kind(at):
            self._relate(item, "away")
        elif item.may("not") and at > 1 and self.items[at - 1].tag == "colon" and not rest_of_clause(self.items, at):
            self._free(at - 1)  # "dents: none"
            item.settle("not")
        elif item.may("not") and self._next(at) is not None:
            self.refused = True
            item.settle("not")
        elif item.may("mutual") and not item.may("filler", "object"):
            self._mutual(item)
        elif item.may("amid") and (last := between(self.items, at)) is not None:
            self._unmeasured(item, "a place between two others")
            item.end = self.items[last].end
            for one in self.items[at + 1:last + 1]:
                one.settle("used", True)
        elif item.may("unmade"):
            self._unmeasured(item, "a look that no kind makes")
        elif self._is_kind(at, item):
            self._kind(at, item)
        elif item.may("landmark") and not self._only_adjective(at, item):
            self._landmark(at, item)
        elif item.may("part") and self._whither():
            self._unmeasured(item, "only towards the centre can be asked")
        elif item.may("part"):
            self._place(item, {"part": item.senses["part"]})
        elif item.may("orientation"):
            item.settle("orientation", float(item.senses["orientation"]))
        elif item.may("inward"):
            item.settle("place", {"inward": True})
        elif item.may("shade"):
            item.settle("shade")
        elif item.may("colour"):
            item.settle(*(("unknown", True) if self.refused else ("colour",)))  # "not red" asks for no colour
            self.refused = False
        elif self.relation is not None and item.may("role") and item.senses["role"][1] == "noun":
            self._unmeasured(item, "along which of its sizes is not known")
        elif item.may("difficulty", "degree", "role", "than") and not item.may("across"):
            self.refused = graded(self.items, at, self.refused)
        elif item.may("count"):
            item.settle("count", item.senses["count"])
        elif item.may("ones"):
            following = self._next(at)
            counts = following is not None and following.may("kind")
            other = self.relation is not None and not counts  # "rubbed against another one"
            item.settle("a" if counts else "filler" if other else "ones", True)
        elif item.may("but", "away") or (self.scope and item.may("barring") and self._before_kind(at)):
            self.scope = self.refused = False
            self.relation = None
            item.settle("but")
        elif item.may("and", "or"):
            self.scope = self.scope and not self._asks_again(at)
            self.relation = goes_on(self.items, at, RELATIONS)
            item.settle("and", True)
        elif item.may("feature"):
            item.settle("feature")
        elif item.may("vague"):
            item.settle("denied" if self.refused or self.scope else "head", dict(DAMAGE))
            self.scope, self.refused = self.scope or self.refused, False
        elif item.may("with"):
            item.settle("with", True)
            self.relation = None
        elif item.may(*RELATIONS):
            self._relate(item, next(tag for tag in RELATIONS if tag in item.senses))
        elif item.may(*SMALL):
            tag = next(tag for tag in SMALL if tag in item.senses)
            if tag == "object":
                self.relation = None
            if tag == "free":
                self._free(at)
            item.settle(tag, True)
        elif item.may(*LEFT_OVER, "counter"):
            item.settle("filler", True)
        else:
            item.settle("unknown", True)

    def _next(self, at, passed=PASSED) -> Item | None:
        return next((one for one in self.items[at + 1:]
                     if one.may("kind", "landmark") or not one.may(*passed)), None)

    def _previous(self, at, passed=("a", "the", "degree", "difficulty", "colour", "filler", "count")) -> Item | None:
        return next((one for one in reversed(self.items[:at]) if one.tag not in passed), None)

    def _relate(self, item, tag):
        item.settle(tag, True)
        self.relation = item
        if self.refused:
            item.tag, self.refused = "away", False

    def _before_kind(self, at) -> bool:
        """Whether "except" speaks of a defect and not of a place."""
        passed = ("a", "filler", "degree", "difficulty", "of")
        following = next((one for one in self.items[at + 1:] if one.tag != "measure" and (
            one.may("kind") or not one.may(*passed))), None)
        return following is not None and following.may("kind") and not following.may("landmark")

    def _asks_again(self, at) -> bool:
        """Whether, after "and" or a comma, something is asked for: it has a number, an article, or a size."""
        following = next((one for one in self.items[at + 1:] if not one.may("filler") or one.may("a")), None)
        return following is not None and (following.tag == "measure" or following.may(
            "a", "count", "but", "with", "ones") or following.may("number"))

    def _is_kind(self, at, item) -> bool:
        if not item.may("kind"):
            return False
        if not item.may("landmark"):
            return True
        following = self.items[at + 1] if at + 1 < len(self.items) else None
        if following is not None and following.may("landmark") and following.senses["landmark"] in ("edge", "rim"):
            return False
        if item.senses["landmark"] == "thread":
            kinds = [one for one in self.items if one is not item and (one.may("kind") or one.tag == "head")]
            return self.relation is None and self._counted(at) and not kinds
        if self._definite(at) and following is not None and following.may("asks"):
            return False  # "the hole is 5 mm from the edge"
        if self._definite(at) and not asked_for(self.items, item):
            return False  # "the rim and the hole"
        rest = rest_of_clause(self.items, at)
        if self._definite(at) and any(one.may("kind") and one.senses["kind"]["like"] for one in rest):
            return False  # "the hole is torn"
        return self.relation is None and not (following is not None and following.may("behind"))

    def _kind(self, at, item):
        entry = item.senses["kind"]
        near = self.relation is not None and self.relation.tag in RELATIONS
        if near and (entry["weak"] or self._definite(at)) and not entry["like"]:
            item.start = self.relation.start
            self._unmeasured(item, BESIDE)
            self.relation = None
            return
        if near and not entry["like"]:
            self._unmeasured(self.relation, BESIDE)
        self.relation = None
        told_of = self._previous(at, ("a", "the", "degree", "difficulty", "colour"))
        denied = self.refused or self.scope or (told_of is not None and "topic" in told_of.senses)
        self.scope, self.refused = denied, False
        if (at + 1 < len(self.items) and self.items[at + 1].may("free")) or gone(self.items, at):
            denied = True
        item.settle("denied" if denied else "head", entry)

    def _mutual(self, item):
        """"Two cracks crossing each other": a recipe does not say how defects lie to one another."""
        item.start = item.start if self.relation is None else self.relation.start
        self._unmeasured(item, "how defects lie to each other")
        self.relation = None

    def _unmeasured(self, item, why: str):
        item.settle("unknown", True)
        item.notes.append(why)

    def _counted(self, at) -> bool:
        """Whether an article or a number stands before, and only adjectives between."""
        before = self._previous(at, ("degree", "difficulty", "colour", "feature", "shade"))
        return before is not None and before.tag in ("a", "count")

    def _definite(self, at) -> bool:
        before = self._previous(at, ("degree", "difficulty", "colour", "filler", "count"))
        return before is not None and before.tag == "the"

    def _free(self, at):
        if at and self.items[at - 1].tag == "head":
            self.items[at - 1].tag = "denied"

    def _only_adjective(self, at, item) -> bool:
        """"flat", "rounded", "hollow" before a kind say no place."""
        if item.senses["landmark"] not in ("flat", "convex", "concave") or self.relation is not None:
            return False
        following = self.items[at + 1] if at + 1 < len(self.items) else None
        return following is not None and following.may("kind")

    def _landmark(self, at, item):
        name = item.senses["landmark"]
        following = self._next(at, ("of", "the", "a", "part", "filler", "near")) if at + 1 < len(self.items) else None
        joined = self.items[at + 1] if at + 1 < len(self.items) else None
        owns = joined is not None and joined.may("of", "the") and following is not None and following.may("landmark")
        if owns and name in ("centre", "edge", "rim", "corner") and following.senses["landmark"] != name and (
                name == "centre" or following.senses["landmark"] in ("hole", "thread")):
            item.settle("filler", True)  # of the middle of an edge, or the edge of a hole, the latter is the place
            item.meaning = "of what follows"
            self.relation = item
            return
        if name in ("hole", "thread") and joined is not None and joined.may("landmark") and (
                joined.senses["landmark"] in ("edge", "rim")):
            joined.settle("filler", True)
            joined.meaning = f"of the {name}"
        if self.relation is None and name in OUTLINE and (led := self._previous(at, LED)) and led.is_("with"):
            self._unmeasured(item, "an edge of the defect's own")  # "with sharp edges"
            return
        way = self.relation.tag if self.relation is not None else ""
        place: dict = {"where": name} if name in WHERE else {"near": name}
        if self.refused or way == "away":
            self.refused = False
            if name in ("flat", "convex", "concave"):
                item.settle("unknown", True)
            else:
                self._place(item, {"avoid": (name,)})
            return
        if way == "along" and name in ("edge", "rim"):
            place["orientation"] = 0.0
        elif way == "across" and name in ("edge", "rim"):
            place["orientation"] = 90.0
        elif way == "to" and name == "centre":
            place = {"inward": True}
        elif self._whither():
            item.settle("unknown", True)
            item.notes.append("only towards the centre can be asked")
            self.relation = None
            return
        self._place(item, place)

    def _whither(self) -> bool:
        """Whether it began somewhere else: "from the hole to the left edge"."""
        return self.relation is not None and self.relation.tag == "to" and any(one.tag == "from" for one in self.items)

    def _place(self, item, place):
        if (self.refused or (self.relation is not None and self.relation.tag == "away")) and "part" in place:
            other = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
            place = {"part": " ".join(other[word] for word in place["part"].split())}
            self.refused = False
        item.settle("place", place)
        # "along the top edge": the half that is named first leaves its relation to the edge.
        if not ("part" in place and self.relation is not None and self.relation.tag != "near"):
            self.relation = None

    def _measure(self, at, item):
        if (span := distance(self.items, at)) is not None:
            self._distance(item, self.items[slice(*span)])
            return
        if self.relation is not None and of_object(self.items, at):
            self._unmeasured(item, "a size of the object or of a place on it")
            return
        tag, number = told(self.items, at)
        if tag == "measure":
            self.refused = False
        else:
            self.refused = self.refused or tag == "not"
            item.settle(tag, number)

    def _distance(self, item, said):
        """A measure that says how far off a place is: it and the place are one item, which is no size."""
        for one in said:
            one.settle("used" if one is not item else "measure", one.value)
        item.start, item.end = said[0].start, said[-1].end
        if item.value.bound == "least" and item.value.unit == "mm" and said[-1].senses.get("landmark") in OUTLINE:
            item.settle("place", {"clear_of_border_mm": item.value.low})
        else:
            self._unmeasured(item, "a distance, which is no size and which a recipe does not have")
