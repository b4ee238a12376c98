"""A dataset's places: which kind a mask's ids amount to, and names that no two samples share."""

from collections.abc import Iterable
from dataclasses import replace

from crossmodal.formats.paths import plain
from crossmodal.formats.sample import Entry, Format, Place


def kind_of(kinds: Iterable[str]) -> str:
    """good where there is none, the only one, or ``combined``."""
    different = set(kinds)
    return "good" if not different else different.pop() if len(different) == 1 else "combined"


def places(entries: Iterable[Entry], target: Format) -> list[Place]:
    """A place in the target for every entry, in order: plain words, each once.

    A sample keeps its name where the whole folder's names are plain words, else the folder is numbered.
    """
    wanted = [_wanted(entry.place, target) for entry in entries]
    groups: dict[tuple[str, str, str], list[str]] = {}
    for place in wanted:
        groups.setdefault((place.category, place.split, place.kind), []).append(place.name)
    numbered = {group for group, names in groups.items()
                if len(set(names)) < len(names) or any(plain(name) != name for name in names)}
    found, counts, taken = [], dict.fromkeys(groups, 0), set()
    for place in wanted:
        group = (place.category, place.split, place.kind)
        if group in numbered:
            place = replace(place, name=f"{counts[group]:0{max(3, len(str(len(groups[group]) - 1)))}d}")
            counts[group] += 1
        while (place.split, place.flat) in taken:
            place = replace(place, name=f"{place.name}_")
        taken.add((place.split, place.flat))
        found.append(place)
    return found


def _wanted(place, target):
    split = place.split or ("train" if place.kind == "good" else "test")
    if target.one_class and place.kind != "good":
        split = "test"
    return Place(plain(place.category) if place.category else "", split, plain(place.kind), place.name)
