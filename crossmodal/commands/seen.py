"""Texts that a vision-language model is asked about: once for each capture of a run, before anything is made."""

import json as js
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import yaml

from crossmodal.commands.plan import first_of, written
from crossmodal.commands.progress import table
from crossmodal.datasets import Reading, Source, load
from crossmodal.datasets.mvtec3d_writer import plain
from crossmodal.production import Request, Shard, divide
from crossmodal.production.jobs import Jobs
from crossmodal.production.request import Line
from crossmodal.vlm import Refused, Told, Unusable, ask
from crossmodal.vlm.asking import by_grammar, named


def request_for(prompt: str | None, vlm: str, count: int, **rest) -> Request:
    """A run whose recipes a model will say. Raises ValueError where there is no text to ask about."""
    if prompt is None:
        raise ValueError("--vlm says what a text means; give the text by --prompt")
    return Request((Line(None, None),), count, prompt=prompt, vlm=named(vlm), **rest)


def asked(sources: Sequence[Source], request: Request, shard: Shard | None, vlm: str, or_grammar: bool,
          warn: Callable[[str], None], tell: Callable[[int, int], None]) -> Request:
    """The request with what a model says of each capture that this shard makes samples of, the views of a rig sharing
    the first one's. A capture of which it has no answer keeps the reason, and its samples fail.

    Errors: ValueError, one line: it cannot be asked at all.
    """
    division = divide(sources, request)
    pool, jobs = division.pool, Jobs.of(request, division)
    wanted = sorted({job.capture for chunk in jobs.chunks(shard or Shard(), 1) for job in chunk})
    rig = pool[0].view
    said: dict[str, Told | str] = {}
    silent: ValueError | None = None  # why the model cannot be asked: it is then not tried for every capture
    wanted = [0] if rig else wanted
    for done, k in enumerate(wanted, 1):
        try:
            capture = load(pool[k], request.reading)
        except (ValueError, OSError):
            continue  # its samples fail by that
        one, silent = _said(capture, request, vlm, or_grammar, not rig, silent)
        said[pool[k].path] = _checked(one, request, warn)
        tell(done, len(wanted))
    if rig:
        said = {one.path: said[pool[0].path] for one in pool if pool[0].path in said}
    return replace(request, told=said)


def _said(capture, request, vlm, or_grammar, in_pixels, silent) -> tuple[Told | str, ValueError | None]:
    """What is said of one capture, or why nothing is; and why the model cannot be asked at all, once that is known."""
    try:
        return ask(capture, request.prompt, vlm, in_pixels=in_pixels, silent=silent), silent
    except Refused as error:
        return str(error), silent
    except ValueError as error:
        unheard = not isinstance(error, Unusable)
        if unheard and not or_grammar:
            raise
        why, silent = error, error if unheard else silent
    try:
        return (by_grammar(capture, request.prompt, vlm, why) if or_grammar else str(why)), silent
    except ValueError as error:
        return str(error), silent


def _checked(told: Told | str, request, warn) -> Told | str:
    """What was said, its notes passed on; or why a source of this sort cannot carry it."""
    if isinstance(told, str):
        return told
    for sentence in told.notes:
        warn(sentence)
    try:
        replace(request, told={"": told})
    except ValueError as error:
        return str(error)
    return told


def plan(text: str, image: str | None, seed: int, reading: Reading, vlm: str, or_grammar: bool, json: bool) -> int:
    """Print the recipe that a model says a text means on a capture, and the plan that is drawn of it; 1 where there is
    none, or where that finds no place."""
    from crossmodal.synthesis import draw, forecast

    if image is None:
        raise ValueError("--vlm needs a capture to look at; give it by --image")
    capture, notes = first_of(image, reading)
    told = drawn = refused = None
    try:
        told = ask(capture, text, vlm, or_grammar)
        notes += told.notes
        drawn = draw(capture, told.recipe, seed)
        notes += forecast(capture, drawn)
    except Unusable as error:
        refused = str(error)
    except ValueError as error:
        if told is None:
            raise
        refused = str(error)
    value = {"text": text, "refused": refused, "recipe": None if told is None else written(told.recipe),
             "vlm": None if told is None else told.record | {"prompt": told.prompt, "cached": told.cached},
             "warnings": notes, "plan": None if drawn is None else drawn.model_dump(mode="json")}
    if json:
        print(js.dumps(plain(value), ensure_ascii=False))
    else:
        _tell(value, drawn)
    return 1 if refused is not None else 0


def _tell(value: dict, drawn) -> None:
    if value["recipe"] is not None:
        print(yaml.safe_dump(value["recipe"], sort_keys=False, allow_unicode=True, default_flow_style=None).rstrip())
        kept = ", kept from before" if value["vlm"]["cached"] else ""
        print(f"by: the grammar{kept}" if value["vlm"]["by"] == "grammar" else f"by: {value['vlm']['model']}{kept}")
    if drawn is not None:
        from crossmodal.guidance.asked import planned_rows

        print()
        print(table(("drawn", "sizes in mm", "anchor in mm"), planned_rows(drawn)))
    for sentence in value["warnings"]:
        print(f"note: {sentence}", file=sys.stderr)
    if value["refused"] is not None:
        print(f"error: {value['refused']}", file=sys.stderr)
