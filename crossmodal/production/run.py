"""A run over captures, from start to end: refuse what cannot go well, do the work, record it, finish the dataset."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from crossmodal.datasets import Source, load
from crossmodal.datasets.class_ids import assigned, read_class_ids
from crossmodal.production import finish
from crossmodal.production.division import Division, divide
from crossmodal.production.lighting import shared_light, stood_in
from crossmodal.production.loop import Run, Summary, carried_out, first_read
from crossmodal.production.pool import one_thread
from crossmodal.production.request import Request, Shard
from crossmodal.production.views import write_seen
from crossmodal.production.worker import Chunk, work
from rgb.light import Light

ONE_VIEW = "a judge looks at one view, and a rig's or a mesh's are many; leave --judge, --best-of and --least away"


def produce(root: Path, sources: Sequence[Source], out: Path, request: Request, *, workers: int = 1,
            resume: bool = False, shard: Shard | None = None,
            progress: Callable[[int, int], None] = lambda done, of: None,
            warn: Callable[[str], None] = lambda sentence: None) -> Summary:
    """Make a request's samples of one category's captures below `out`, by DESIGN §6.

    root: what the sources were listed from; nothing in it is touched. progress: told (done, asked).
    warn: told each sentence on what a noise floor hides, once, the first ones before anything is made.
    The same request gives the same bytes for any workers, shards and interruptions.
    Errors: ValueError, OSError: bad input or a bad `out`, in one line, before anything is written.
    """
    division = divide(sources, request)
    run = Run(root, out, request, division, shard or Shard(), workers, resume, progress, warn)
    if request.choice is not None and division.pool[0].view:
        raise ValueError(ONE_VIEW)
    ids = _class_ids(root, division, request)
    with one_thread():
        light = shared_light(sources, request)

    def chunk_of(source: Source, **rest) -> Chunk:
        own = {path: told for path, told in request.told.items() if path == source.path}
        return Chunk(out, replace(request, told=own), ids, source, light=light, **rest)

    def finished() -> None:
        finish.write_configs(out, division, request)
        write_seen(out, division.pool)

    return carried_out(
        run, request.record(sources) | {"shared_light": None if light is None else vars(light)}, chunk_of, work,
        before=lambda: finish.write_small(out, root, division, ids, request), after=finished,
        foreseen=_foreseen(division, request, light))


def _class_ids(root: Path, division: Division, request: Request) -> dict[str, int]:
    path = finish.category_folder(root, division) / "class_ids.json"
    return assigned(read_class_ids(path) if path.is_file() else {}, request.kinds)


def _foreseen(division: Division, request: Request, light: Light | None) -> list[str]:
    source, capture = first_read([one for one in division.pool if one.path in request.told] or division.pool,
                                 lambda one: stood_in(load(one, request.reading), light))
    from crossmodal.synthesis import draw, forecast

    sentences: dict[str, None] = {}
    for line in range(len(request.lines)):
        try:
            recipe = request.recipe(line, source.path)
            sentences |= dict.fromkeys(forecast(capture, draw(capture, recipe, request.seed)))
        except ValueError:  # no place on this capture; the others may have one
            continue
    return list(sentences)
