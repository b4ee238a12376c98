"""What a run was asked for: enough to make every sample again, and to tell one request from another."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, Self

from crossmodal.datasets import Reading, Source
from crossmodal.datasets.alone import assumed
from crossmodal.datasets.source import SPLITS, file_hash
from crossmodal.defects import DEFECTS
from crossmodal.judge import Choice
from crossmodal.locate import Where
from crossmodal.recipe import Recipe
from crossmodal.vlm.told import Told

MOST = 1_000_000  # samples of one run, whose jobs are listed in memory


@dataclass(frozen=True)
class Shard:
    """One of `of` equal parts of a run; `index` counts from 1."""

    index: int = 1
    of: int = 1

    @classmethod
    def parsed(cls, text: str) -> Self:
        """From "2/4", the second of four parts. Errors: ValueError."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise ValueError(f"--shard must be i/n with i from 1 to n, but got {text}")
        return cls(int(match[1]), int(match[2]))

    @property
    def suffix(self) -> str:
        """What the shard's own files are called by: "" for a whole run, ".1-of-2" for a part."""
        return "" if self.of == 1 else f".{self.index}-of-{self.of}"


Lighting = Literal["pooled", "own"] | tuple[float, float, float]


def light_parsed(text: str) -> Lighting:
    """From "pooled", "own" or "-0.4,-0.5,-0.8". Errors: ValueError."""
    if text in ("pooled", "own"):
        return text
    try:
        x, y, z = (float(word) for word in text.split(","))
    except ValueError:
        raise ValueError("--light must be pooled, own, or x,y,z towards the lamp in camera axes, "
                         f"but got {text}") from None
    return x, y, z


@dataclass(frozen=True)
class Line:
    """One product line of a run: a recipe and its folder, or None where only the draw will tell its kind.

    recipe: None where a model says it of each capture (see Request.told)
    """

    recipe: Recipe | None
    folder: str | None

    @property
    def name(self) -> str:
        """What its random streams are called by."""
        return self.folder or "recipe"


@dataclass(frozen=True)
class Request:
    """Everything that decides the bytes of a run, and nothing that does not.

    lines: taken in a seeded round-robin. origins: splits to take good captures from; None is the default.
    light: "pooled" over the captures where that is surer than a capture's own picture, each its "own", or a direction
    towards the lamp in camera axes.
    """

    lines: tuple[Line, ...]
    count: int
    seed: int = 0
    origins: tuple[str, ...] | None = None
    only_defects: bool = False
    allow_overlap: bool = False
    ply: bool = False
    reading: Reading = field(default_factory=Reading)
    light: Lighting = "pooled"
    prompt: str | None = None
    """The text that the recipe came from, for the manifest."""
    where: Where | None = None
    """What each capture is searched for, to keep its defects to."""
    choice: Choice | None = None
    """How each sample is chosen among several draws; None takes the first."""
    vlm: str | None = None
    """The model that is asked what the text means on each capture."""
    told: Mapping[str, Told | str] = field(default_factory=dict)
    """What it said of each, by the capture's path; or why it has no answer."""
    likened: tuple[str, ...] = ()
    """What its words were taken for that a text encoder alone knew."""

    def __post_init__(self):
        if not 1 <= self.count <= MOST:
            raise ValueError(f"count must be 1 to {MOST}, which is terabytes, but got {self.count}; "
                             "make several runs of other seeds" if self.count > MOST else
                             f"count must be at least 1, but got {self.count}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or above, but got {self.seed}")
        unknown = [name for name in self.origins or () if name not in SPLITS]
        if unknown:
            raise ValueError(f"--from must name splits ({', '.join(SPLITS)}), but got {unknown[0]!r}")
        whole = [spec.kind for spec in self._listed if spec.extent == "global"]
        if self.reading.flat and whole:
            raise ValueError(f"a {whole[0]} moves a whole object, and a picture alone does not tell where one ends; "
                             "choose other kinds")
        if self.where is not None and whole:
            raise ValueError(f"a {whole[0]} moves the whole object and lies in no region of it; leave --where away, or "
                             "choose other kinds")
        if self.choice is not None:
            for line in self.lines:
                self.choice.checked(line.recipe)
        if not isinstance(self.light, str) and not 0 < sum(x * x for x in self.light) < float("inf"):
            raise ValueError(f"--light must point towards the lamp, but got {self.light}")

    @classmethod
    def of_kinds(cls, kinds: Sequence[str], count: int, **rest) -> Self:
        """One defect a capture, kinds balanced. Errors: ValueError for a kind not known, or twice."""
        known = {spec.model_fields["kind"].default: spec for spec in DEFECTS}
        for kind in kinds:
            if kind not in known:
                raise ValueError(f"--kinds must be among {', '.join(known)}, but got {kind!r}")
        if len(set(kinds)) != len(kinds) or not kinds:
            raise ValueError(f"--kinds must name each kind once, but got {','.join(kinds)!r}")
        return cls(tuple(Line(Recipe(defects=(known[kind](),)), kind) for kind in kinds), count, **rest)

    @classmethod
    def of_recipe(cls, recipe: Recipe, count: int, **rest) -> Self:
        """One recipe for every capture."""
        kinds = {spec.kind for spec in recipe.defects}
        sure = len(kinds) == 1 or recipe.count is None
        folder = (min(kinds) if len(kinds) == 1 else "combined") if sure else None
        return cls((Line(recipe, folder),), count, **rest)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The listed kinds, drawn or not, in alphabetical order; all that there are where a model may name any."""
        if any(line.recipe is None for line in self.lines):
            return tuple(sorted(spec.model_fields["kind"].default for spec in DEFECTS))
        return tuple(sorted({spec.kind for spec in self._listed}))

    @property
    def _listed(self):
        recipes = [line.recipe for line in self.lines if line.recipe is not None]
        recipes += [one.recipe for one in self.told.values() if isinstance(one, Told)]
        return [spec for recipe in recipes for spec in recipe.defects]

    def recipe(self, line: int, path: str) -> Recipe:
        """What a line makes in the capture of a path. Raises ValueError where a model has no answer."""
        one = self.told.get(path)
        if isinstance(one, str):
            raise ValueError(one)
        return self.lines[line].recipe if one is None else one.recipe

    def record(self, sources: Sequence[Source]) -> dict:
        """The request as run.json keeps it: no path of a machine, and what was listed as a digest."""
        camera = self.reading.intrinsics
        return {
            "seed": self.seed, "count": self.count, "from": None if self.origins is None else [*self.origins],
            "only_defects": self.only_defects, "allow_overlap": self.allow_overlap, "ply": self.ply,
            "unit": self.reading.unit, "depth_scale": self.reading.depth_scale,
            "intrinsics": None if camera is None else file_hash(camera),
            "light": self.light if isinstance(self.light, str) else [*self.light],
            "recipes": [None if line.recipe is None else line.recipe.model_dump(mode="json", exclude_none=True)
                        for line in self.lines],
            **assumed(self.reading),
            "captures": sha256(json.dumps([source.path for source in sources]).encode()).hexdigest(),
        } | {name: said for name, said in (("prompt", self.prompt), ("vlm", self.vlm)) if said is not None} | {
            name: one.record() for name, one in (("where", self.where), ("choice", self.choice)) if one is not None} | (
            {"likened": [*self.likened]} if self.likened else {})
