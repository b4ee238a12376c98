"""The suite of prompts, scored field by field: python tests/prompt_suite.py [seen|held|all] [language ...].

Every third prompt of a language's file is held back while the grammar is worked on.
"""

import colorsys
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from crossmodal.guidance import understand

FOLDER = Path(__file__).parent / "prompts"
LANGUAGES = ("en", "de", "es", "zh", "more", "last", "blind", "final", "fifth", "sixth", "seventh", "eighth", "ninth",
             "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth")
FIELDS = ("kinds", "counts", "sizes", "places", "colours", "turns", "refusals", "accepted")
HUES = {"red": (345, 20), "yellow": (35, 65), "green": (80, 165), "blue": (190, 260), "brown": (10, 45)}


@dataclass
class Score:
    """right and of: by field; misread: sentences."""

    right: dict = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    of: dict = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    misread: list = field(default_factory=list)
    slowest_ms: float = 0.0

    def add(self, name, ok, sentence):
        self.of[name] += 1
        self.right[name] += bool(ok)
        if not ok:
            self.misread.append(f"{name}: {sentence}")

    def share(self, name) -> float:
        return self.right[name] / self.of[name] if self.of[name] else 1.0


def prompts(language: str, which: str = "all") -> list[dict]:
    listed = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    held = {"all": (True, False), "held": (True,), "seen": (False,)}[which]
    return [one for k, one in enumerate(listed) if (k % 3 == 2) in held and not one.get("skip")]


def scored(listed: list[dict], score: Score | None = None) -> Score:
    score = score or Score()
    for one in listed:
        start = time.process_time()
        got = understand(one["say"])
        score.slowest_ms = max(score.slowest_ms, 1e3 * (time.process_time() - start))
        said = f"{one['say']!r}"
        if one.get("refuse"):
            score.add("refusals", got.recipe is None, f"{said} became {[a.kind for a in got.asked]}")
            continue
        score.add("accepted", got.recipe is not None, f"{said}: {got.refused}")
        wanted, asked = one["want"], list(got.asked)
        score.add("kinds", sorted(w["kind"] for w in wanted) == sorted(a.kind for a in asked),
                  f"{said} became {[a.kind for a in asked]}")
        for want in wanted:
            made = next((a for a in asked if a.kind == want["kind"]), None)
            if made is None:
                continue
            asked.remove(made)
            _compare(score, said, want, made)
    return score


def _compare(score, said, want, made):
    n = want.get("n", 1)
    score.add("counts", made.count > 1 or made.fields.get("count", 1) > 1 if n == "any" else made.count == n,
              f"{said}: {made.count} {made.kind}")
    sizes = {k: v for k, v in want.items() if k.endswith("_mm") or k in ("angle_deg", "difficulty", "show")}
    got = {k: v for k, v in made.fields.items() if k.endswith("_mm") or k in ("angle_deg", "difficulty", "show")}
    if sizes or got:
        ok = set(sizes) == set(got) and all(_alike(sizes[k], got[k]) for k in sizes)
        score.add("sizes", ok, f"{said}: {got} and not {sizes}")
    place = made.fields.get("place", {})
    if want.get("at") or place:
        wanted = {k: list(v) if isinstance(v, (list, tuple)) else v for k, v in want.get("at", {}).items()}
        ok = wanted == {k: list(v) if isinstance(v, (list, tuple)) else v for k, v in place.items()}
        score.add("places", ok, f"{said}: {place} and not {wanted}")
    if "colour" in want:
        score.add("colours", _hue(made.fields.get("colour"), want["colour"]), f"{said}: {made.fields.get('colour')}")
    turn = made.fields.get("orientation_deg")
    if "orientation_deg" in want or turn is not None:
        wanted = want.get("orientation_deg")
        score.add("turns", turn is not None if wanted == "any" else turn == wanted, f"{said}: {turn}, not {wanted}")


def _alike(want, got):
    if want == "any":
        return True
    if isinstance(want, str) and " " in want:
        word, number = want.split()
        low, high = got if isinstance(got, list) else (got, got)
        if isinstance(low, str):
            return False
        number = float(number)
        return low < high and {"about": low <= number <= high, "from": low == number, "to": number == high}[word]
    if isinstance(want, (int, float)) and isinstance(got, (int, float)):
        return abs(want - got) < 1e-6
    if isinstance(want, list) and isinstance(got, list):
        return all(abs(a - b) < 1e-6 for a, b in zip(want, got, strict=True))
    return want == got


def _hue(rgb, name):
    if name == "any":
        return rgb is not None
    if rgb is None:
        return False
    if name == "dark":
        return max(rgb) < 90
    hue, _, saturation = colorsys.rgb_to_hls(*(level / 255 for level in rgb))
    low, high = HUES[name]
    hue *= 360
    return saturation > 0.1 and (low <= hue <= high if low < high else hue >= low or hue <= high)


def table(scores: dict[str, Score]) -> str:
    lines = ["| prompts | " + " | ".join(FIELDS) + " |", "| --- |" + " --- |" * len(FIELDS)]
    for name, score in scores.items():
        cells = [f"{100 * score.share(f):.0f} % of {score.of[f]}" if score.of[f] else "" for f in FIELDS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    which = sys.argv[1] if len(sys.argv) > 1 else "all"
    for word in ("dent", "Delle", "abolladura", "凹坑"):
        understand(word)  # the lexicons are read once
    scores = {name: scored(prompts(name, which)) for name in sys.argv[2:] or LANGUAGES}
    print(table(scores))
    for name, score in scores.items():
        print(f"{name}: slowest {score.slowest_ms:.1f} ms")
        for sentence in score.misread:
            print("  misread", sentence)
