"""Words that were meant: one or two slips of the keys away from a word of the lexicon, and nothing else."""

from collections.abc import Iterable
from functools import lru_cache

SHORTEST = 4  # letters of a word that is corrected
LONG = 7  # letters from which two slips are forgiven


@lru_cache(2048)
def meant(word: str, words: frozenset[str], kept: frozenset[str]) -> str | None:
    """The word of the lexicon that this one is a slip of, or None where none, or several, come as near.

    kept: words that are right as they stand and only resemble one of the lexicon. The first letter holds, or stands
    second (restricted Damerau-Levenshtein: letters left out, put in, changed or swapped).
    """
    if len(word) < SHORTEST or word in kept or not word.isalpha():
        return None
    most = 2 if len(word) >= LONG else 1
    best, found = most + 1, set()
    for other in _alike(word, words, most):
        slips = _slips(word, other, best)
        if slips < best:
            best, found = slips, {other}
        elif slips == best and slips <= most:
            found.add(other)
    return _one_of(found)


def _alike(word, words, most) -> Iterable[str]:
    letters = set(word)
    for other in words:
        if abs(len(other) - len(word)) > most or len(other) < SHORTEST - 1 + (len(word) < 5):
            continue
        if other[0] != word[0] and not (other[0] == word[1] and other[1] == word[0]):
            continue
        if len(letters.symmetric_difference(other)) <= 2 * most:
            yield other


def _slips(a: str, b: str, enough: int) -> int:
    """How many slips lie between two words; ``enough`` where there are as many or more. A changed letter counts as
    two in words of four: too many of them are words themselves."""
    change = 2 if min(len(a), len(b)) <= 4 and len(a) == len(b) else 1
    before, last = [], list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[-1] + 1, last[j - 1] + change * (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > enough:
            return enough + 1
        before, last = last, row
    return last[-1]


def _one_of(found: set[str]) -> str | None:
    """One word, or the shortest of its inflections."""
    if not found:
        return None
    shortest = min(found, key=lambda word: (len(word), word))
    stem = shortest[:max(4, len(shortest) - 2)]
    return shortest if all(word.startswith(stem) for word in found) else None
