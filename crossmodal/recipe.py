"""What the user wants: specs with weights, a count and a placement, as YAML that a person can read."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crossmodal.defects import DefectSpec
from crossmodal.place import Place
from crossmodal.plan import Number
from crossmodal.yaml_text import Twice, values

MOST_BYTES = 1 << 24  # of a file
MOST_VALUES = 100_000  # in a file: aliases of aliases may stand for billions
Model = TypeVar("Model", bound=BaseModel)
LISTED = {"method": "crossmodal methods --blocks", "recipe": "crossmodal schema"}  # commands, by what a file is
MOST = 255  # defects of one capture: their numbers are one byte each


class Recipe(BaseModel):
    """Specs to draw from. Without ``count`` every listed defect is made once; with it, that many by weight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    defects: tuple[DefectSpec, ...] = Field(min_length=1, max_length=MOST)
    count: int | None = Field(None, ge=1, le=MOST)
    place: Place = Place()
    """Of those that name none of their own."""
    baseline_mm: tuple[Number, Number, Number] | None = None
    """(right, down, 0) from the lens to the depth sensor's projector: new relief takes its light from what lies
    behind. Left out, it is what the capture's own shadows tell."""


def read_recipe(path: str | Path) -> Recipe:
    """A recipe from a YAML file. Raises ValueError in one line that names the file and the key."""
    return read_yaml(path, Recipe, "recipe", "defects")


def read_yaml(path: str | Path, model: type[Model], what: str, first: str) -> Model:
    """A model from a YAML file. what: such a file is, of LISTED; first: the key that it must have. Raises ValueError in
    one line that names the file and the key."""
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES >> 20} MiB")
        data = values(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except Twice as error:
        raise ValueError(f"{path}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{path} is not YAML: {error}") from None
    if _written_out(data, {}) > MOST_VALUES:
        raise ValueError(f"{path} holds more than {MOST_VALUES} values, aliases written out; make it shorter")
    if not isinstance(data, dict):
        raise ValueError(f"{path} is no {what}; begin it with a line that says {first}:")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lists = f"; {LISTED[what]} lists what there is" if _is_unknown(error) else ""
        raise ValueError(f"{path}: {one_line(error)}{lists}") from None


def _written_out(data, counted: dict[int, int]) -> int:
    """How many values there are once each alias is written out; one that holds itself has no end."""
    if not isinstance(data, dict | list):
        return 1
    if id(data) not in counted:
        counted[id(data)] = MOST_VALUES
        parts = data.values() if isinstance(data, dict) else data
        counted[id(data)] = 1 + sum(_written_out(part, counted) for part in parts)
    return counted[id(data)]


def one_line(error: ValidationError) -> str:
    """A validation error's first complaint, with the key it speaks of."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "recipe"
    return f"{where}: " + ("no such key here" if _is_unknown(error) else first["msg"].removeprefix("Value error, "))


def _is_unknown(error: ValidationError) -> bool:
    """Whether its first complaint is of a key that there is not."""
    return error.errors(include_url=False)[0]["type"] == "extra_forbidden"
