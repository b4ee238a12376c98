"""What synthesize was asked for, as its options say it: what to make, on which terms, and by what work."""

from dataclasses import dataclass, field
from pathlib import Path

from crossmodal.commands.plan import NO_MODEL
from crossmodal.commands.prompted import recipe_of
from crossmodal.datasets import Reading
from crossmodal.defects import DEFECTS
from crossmodal.judge import Choice
from crossmodal.locate import Where
from crossmodal.methods.presets import method
from crossmodal.presets import preset as named
from crossmodal.production import Request, Shard
from crossmodal.production.request import Lighting
from crossmodal.recipe import read_recipe


@dataclass(frozen=True)
class Terms:
    """What holds whatever is made: the fields of a Request of the same names."""

    seed: int = 0
    origins: tuple[str, ...] | None = None
    only_defects: bool = False
    allow_overlap: bool = False
    ply: bool = False
    reading: Reading = field(default_factory=Reading)
    light: Lighting = "pooled"
    where: Where | None = None
    choice: Choice | None = None


@dataclass(frozen=True)
class Work:
    """What decides no byte: processes, whether an interrupted run goes on, and which part of it is made."""

    workers: int = 1
    resume: bool = False
    shard: Shard | None = None


@dataclass(frozen=True)
class Wanted:
    """What to make: one of recipe, preset, kinds, prompt and methods, or one of each kind where none is given.

    count: samples in all; None for one of each. encoder helps the grammar to read the prompt, vlm reads it instead, and
    with or_grammar the grammar answers where that does not. Errors: ValueError for what cannot go together.
    """

    recipe: Path | None = None
    preset: str | None = None
    kinds: tuple[str, ...] | None = None
    prompt: str | None = None
    methods: tuple[str, ...] | None = None
    as_published: bool = False
    encoder: str | None = None
    vlm: str | None = None
    or_grammar: bool = False
    count: int | None = None

    def __post_init__(self):
        given = [f"--{name}" for name in self._given]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given[:2])} both say what to make; give one of them")
        if self.as_published and self.methods is None:
            raise ValueError("--as-published is a form of --methods; say which (crossmodal methods lists them)")
        if self.encoder is not None and (self.prompt is None or self.vlm is not None):
            raise ValueError("--encoder helps the grammar to read a --prompt; leave --vlm out")
        if self.or_grammar and self.vlm is None:
            raise ValueError(NO_MODEL)

    @property
    def _given(self) -> list[str]:
        return [name for name in ("recipe", "preset", "kinds", "prompt", "methods") if getattr(self, name) is not None]

    @property
    def unsaid(self) -> bool:
        """Whether nothing says what to make."""
        return not self._given

    @property
    def by_grammar(self) -> bool:
        """Whether the grammar says once, for all captures, what the prompt means."""
        return self.prompt is not None and self.vlm is None

    def samples(self, lines: int) -> int:
        """How many, of so many lines."""
        return lines if self.count is None else self.count

    def request(self, terms: Terms) -> Request:
        """The run that this asks for. Errors: ValueError, OSError, one line."""
        rest = vars(terms)
        if self.vlm is not None:
            from crossmodal.commands.seen import request_for

            return request_for(self.prompt, self.vlm, self.samples(1), **rest)
        if self.prompt is not None:
            recipe, likened = recipe_of(self.prompt, self.encoder)
            return Request.of_recipe(recipe, self.samples(1), prompt=self.prompt, likened=likened, **rest)
        if self.methods is not None:
            return Request.of_methods([method(name, self.as_published) for name in self.methods],
                                      self.samples(len(self.methods)), **rest)
        if self.recipe is not None or self.preset is not None:
            recipe = read_recipe(self.recipe) if self.preset is None else named(self.preset)
            return Request.of_recipe(recipe, self.samples(1), **rest)
        kinds = _kinds(terms) if self.kinds is None else self.kinds
        return Request.of_kinds(kinds, self.samples(len(kinds)), **rest)


def _kinds(terms: Terms) -> tuple[str, ...]:
    """All kinds; those of a whole object only where one is seen whole."""
    local_alone = terms.reading.flat or terms.where is not None
    return tuple(spec.model_fields["kind"].default for spec in DEFECTS if not (local_alone and spec.extent == "global"))
