"""Words for how much: small, deep, barely visible; "not deep" is the contrary."""

from crossmodal.guidance.items import Item

INVERSE = {"small": "large", "medium": "medium", "large": "small", "hard": "easy", "easy": "hard", "more": "less",
           "less": "more"}


def graded(items: list[Item], at: int, refused: bool) -> bool:
    """Settle the item that says how large, how deep or how plain; refused: whether a "not" stands before it that has
    not said yet what of. Returns whether it still has not."""
    item = items[at]
    if item.may("difficulty"):
        following = items[at + 1] if at + 1 < len(items) else None
        if following is not None and following.may("shade", "colour", "inward"):
            item.settle("modifier", item.senses["difficulty"])
            following.notes.append(item.senses["difficulty"])
            return refused
        level = item.senses["difficulty"]
        if item.may("adverb") and following is not None and following.may("degree", "role"):
            item.settle("filler", True)  # "extremely small"
            return refused
        if refused and level == "hard" and following is not None and following.may("degree", "role"):
            item.settle("filler", True)
            return refused
        item.settle("difficulty", INVERSE.get(level, level) if refused else level)
    elif item.may("than"):
        role, bound = item.senses["than"]
        item.settle("degree", (role, "large" if (bound == "least") != refused else "small"))
    elif at + 1 < len(items) and items[at + 1].may("away", "barring"):
        item.settle("filler", True)  # "all is fine except for two dents"
    else:
        if item.may("role") and not (item.may("degree") and item.senses["role"][1] == "noun"):  # "lg scratch"
            role, way = item.senses["role"]
            if way == "noun":
                item.settle("filler", True)
                return refused
            word = "small" if way == "less" else "large"
        else:
            role, word = "main", item.senses["degree"]
            following = items[at + 1] if at + 1 < len(items) else None
            if following is not None and following.may("role") and following.senses["role"][1] == "noun" and (
                    following.senses["role"][0] != "area"):
                role = following.senses["role"][0]
        item.settle("degree", (role, INVERSE[word] if refused else word))
    return False
